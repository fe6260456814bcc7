"""A document as one HTML file: no script, no network, light and dark, screen and paper.

A content security policy in the file itself forbids everything but its own styles and pictures, so that nothing a data
set could smuggle in would run.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from itertools import groupby
from string import Template
from typing import Any, Final

from app import paths
from app.documents.document import (
    MARKS,
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Entry,
    Figure,
    Formula,
    Heading,
    KeyFigure,
    KeyFigures,
    Note,
    Rich,
    Span,
    Table,
    Text,
    numbered,
    spans,
)
from app.documents.drawing import Setting
from app.documents.palette import DARK, LIGHT

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_TAGS: Final = {"strong": "strong", "emphasis": "em", "code": "code"}


def to_html(document: Document) -> str:
    """Render a document; the same document gives the same text."""
    entries = numbered(document.blocks)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<meta name="generator" content="Mienscope">',
            f"<title>{_text(document.title)}</title>",
            f"<style>\n{_style()}</style>",
            "</head>",
            "<body>",
            '<a class="skip" href="#report">Skip to the report</a>',
            *_contents(entries),
            '<main id="report">',
            *_masthead(document),
            *_body(document, entries),
            f"<footer><p>{_text(document.notice)}</p></footer>",
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _style() -> str:
    """The style sheet with both sets of colours in it."""

    def properties(colours: Mapping[str, str]) -> str:
        return " ".join(f"--{name.replace('_', '-')}: {colour};" for name, colour in colours.items())

    sheet = (paths.assets() / "style" / "report.css").read_text(encoding="utf-8")
    return Template(sheet).substitute(light=properties(LIGHT), dark=properties(DARK))


def _text(text: str) -> str:
    """Escaped, and without characters that a page must not hold."""
    return escape(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text))


# C0 and C1 controls but tab and line feed, lone surrogates (of undecodable file names), and the marks that would turn
# the direction of what follows.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)


def _rich(text: Rich) -> str:
    return "".join(_text(part) if isinstance(part, str) else _span(part) for part in spans(text))


def _span(span: Span) -> str:
    if span.style == "link":
        return f'<a href="{escape(span.href)}" rel="noreferrer">{_text(span.text)}</a>'
    tag = _TAGS[span.style]
    return f"<{tag}>{_text(span.text)}</{tag}>"


def _contents(entries: list[Entry]) -> Iterator[str]:
    yield '<nav class="contents" aria-label="Contents"><h2>Contents</h2><ol>'
    for entry in entries:
        if entry.heading.level <= 2:
            yield (
                f'<li class="level{entry.heading.level}"><a href="#{entry.anchor}">'
                f'<span class="number">{entry.number}</span> {_text(entry.heading.text)}</a></li>'
            )
    yield "</ol></nav>"


def _masthead(document: Document) -> Iterator[str]:
    yield '<header class="masthead">'
    yield f'<p class="kind">{_text(document.header)}</p>'
    yield f"<h1>{_text(document.title)}</h1>"
    yield f'<p class="subtitle">{_text(document.subtitle)}</p>'
    yield f'<p class="made">Made on {_text(document.made_on)}</p>'
    yield "</header>"


def _body(document: Document, entries: list[Entry]) -> Iterator[str]:
    waiting = iter(entries)
    for place, block in enumerate(document.blocks):
        if isinstance(block, Heading):
            yield from _heading(next(waiting))
        else:
            yield from _RENDERERS[type(block)](block, f"b{place}")


def _heading(entry: Entry) -> Iterator[str]:
    level = entry.heading.level + 1
    paged = ' class="new-page"' if entry.heading.new_page else ""
    yield (
        f'<h{level} id="{entry.anchor}"{paged}><span class="number">{entry.number}</span> '
        f"{_text(entry.heading.text)}</h{level}>"
    )


def _paragraph(block: Text, key: str) -> Iterator[str]:
    kind = ' class="lead"' if block.lead else ""
    yield f"<p{kind}>{_rich(block.text)}</p>"


def _bullets(block: Bullets, key: str) -> Iterator[str]:
    yield "<ul>"
    yield from (f"<li>{_rich(item)}</li>" for item in block.items)
    yield "</ul>"


def _formula(block: Formula, key: str) -> Iterator[str]:
    yield f'<div class="formula" role="img" aria-label="{_text(block.words)}">'
    yield Setting(block.tex).svg(key)
    yield "</div>"


def _note(block: Note, key: str) -> Iterator[str]:
    yield f'<aside class="note {block.tone}"><p class="title">{_mark(block.tone)}{_text(block.title)}</p>'
    yield f"<p>{_rich(block.text)}</p></aside>"


def _mark(tone: str) -> str:
    mark = MARKS[tone]  # type: ignore[index]
    return f'<span class="mark" aria-hidden="true">{mark}</span> ' if mark else ""


def _key_figures(block: KeyFigures, key: str) -> Iterator[str]:
    yield '<dl class="key-figures">'
    for item in block.items:
        yield from _key_figure(item)
    yield "</dl>"


def _key_figure(item: KeyFigure) -> Iterator[str]:
    yield f'<div class="{item.tone}"><dt>{_text(item.name)}</dt>'
    yield f'<dd class="value">{_mark(item.tone)}{_text(item.value)}</dd>'
    if item.interval:
        yield f'<dd class="interval">{_text(item.interval)}</dd>'
    if item.note:
        yield f'<dd class="remark">{_text(item.note)}</dd>'
    yield "</div>"


def _table(block: Table, key: str) -> Iterator[str]:
    yield f'<div class="table"><div class="scroll" tabindex="0" role="region" aria-labelledby="{key}">'
    yield f'<table><caption id="{key}">{_text(block.caption)}</caption>'
    yield "<thead>"
    yield from _groups(block.columns)
    yield "<tr>" + "".join(map(_column, block.columns)) + "</tr></thead><tbody>"
    for row in block.rows:
        cells = (
            _cell(cell, column, place < block.headers)
            for place, (cell, column) in enumerate(zip(row, block.columns, strict=True))
        )
        yield "<tr>" + "".join(cells) + "</tr>"
    yield "</tbody></table></div>"
    if block.notes:
        yield '<ul class="notes">'
        yield from (f"<li>{_rich(note)}</li>" for note in block.notes)
        yield "</ul>"
    yield "</div>"


def _groups(columns: tuple[Column, ...]) -> Iterator[str]:
    if not any(column.group for column in columns):
        return
    yield "<tr>"
    for group, members in groupby(columns, key=lambda column: column.group):
        width = len(list(members))
        yield (
            f'<th colspan="{width}" scope="colgroup" class="group">{_text(group)}</th>'
            if group
            else f'<td colspan="{width}"></td>'
        )
    yield "</tr>"


def _column(column: Column) -> str:
    unit = f' <span class="unit">{_text(column.unit)}</span>' if column.unit else ""
    kind = ' class="numeric"' if column.numeric else ""
    return f'<th scope="col"{kind}>{_text(column.title)}{unit}</th>'


def _cell(cell: Cell, column: Column, header: bool) -> str:
    classes = [name for name, given in (("numeric", column.numeric), ("strong", cell.strong)) if given]
    classes += [cell.tone] if cell.tone != "plain" else []
    kind = f' class="{" ".join(classes)}"' if classes else ""
    shade = "" if cell.shade is None else f' style="--shade:{100 * cell.shade:.0f}%"'
    tag, scope = ("th", ' scope="row"') if header else ("td", "")
    detail = f'<span class="detail">{_text(cell.detail)}</span>' if cell.detail else ""
    return f"<{tag}{scope}{kind}{shade}>{_mark(cell.tone)}{_text(cell.text)}{detail}</{tag}>"


def _figure(block: Figure, key: str) -> Iterator[str]:
    yield "<figure>"
    yield (
        f'<div class="drawing" role="img" aria-label="{_text(block.alt)}" '
        f'style="max-width:{block.drawing.width_cm:.1f}cm">'
    )
    yield block.drawing.svg(key)
    yield f"</div><figcaption>{_rich(block.caption)}</figcaption></figure>"


_RENDERERS: Final[dict[type[Block], Callable[[Any, str], Iterator[str]]]] = {
    Text: _paragraph,
    Bullets: _bullets,
    Formula: _formula,
    Note: _note,
    KeyFigures: _key_figures,
    Table: _table,
    Figure: _figure,
}
