"""Fonts of printed reports: DejaVu Sans, which matplotlib brings along and which may be embedded."""

from functools import cache
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import matplotlib as mpl
from reportlab.lib.fonts import addMapping
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont

from app.documents.document import Rich, Span, spans

REGULAR: Final = "DejaVuSans"
BOLD: Final = "DejaVuSans-Bold"
ITALIC: Final = "DejaVuSans-Oblique"
BOLD_ITALIC: Final = "DejaVuSans-BoldOblique"
MONO: Final = "DejaVuSansMono"
NO_BREAK: Final = "\N{NO-BREAK SPACE}"


@cache
def register() -> frozenset[int]:
    """Make the fonts known to reportlab; the code points that every one of them has."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    known: list[frozenset[int]] = []
    for name in (REGULAR, BOLD, ITALIC, BOLD_ITALIC, MONO):
        font = TTFont(name, str(folder / f"{name}.ttf"))
        registerFont(font)
        known.append(frozenset(font.face.charToGlyph))
    for bold, italic, name in ((0, 0, REGULAR), (1, 0, BOLD), (0, 1, ITALIC), (1, 1, BOLD_ITALIC)):
        addMapping(REGULAR, bold, italic, name)
    addMapping(MONO, 0, 0, MONO)
    return frozenset.intersection(*known)


def shown(text: str) -> str:
    r"""The text with characters that the fonts lack, and controls, written out as \u{...}: nothing becomes a box."""
    known = register()
    return "".join(_shown(letter, known) for letter in text)


def _shown(letter: str, known: frozenset[int]) -> str:
    if letter == NO_BREAK or (ord(letter) in known and letter.isprintable()):
        return letter
    return " " if letter.isspace() else f"\\u{{{ord(letter):x}}}"


def markup(text: Rich) -> str:
    """A text in reportlab's own markup, in which nothing of it is markup but its styles."""
    return "".join(escape(shown(part)) if isinstance(part, str) else _span(part) for part in spans(text))


def _span(span: Span) -> str:
    text = escape(shown(span.text))
    if span.style == "strong":
        return f"<b>{text}</b>"
    if span.style == "emphasis":
        return f"<i>{text}</i>"
    if span.style == "code":
        return f'<font name="{MONO}" size="-1">{text}</font>'
    return f'<a href="{escape(span.href, {chr(34): "&quot;"})}" color="#0069b4">{text}</a>'


def clipped(text: str, letters: int = 200) -> str:
    """A text for where it cannot run over to another page."""
    return text if len(text) <= letters else text[: letters - 1] + "…"


def fitted(text: str, size_pt: float, width_pt: float) -> str:
    """One line, shortened to a width."""
    line = shown(text)
    if stringWidth(line, REGULAR, size_pt) <= width_pt:
        return line
    while line and stringWidth(line + "…", REGULAR, size_pt) > width_pt:
        line = line[:-1]
    return line + "…"
