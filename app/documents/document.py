"""A report as a value: headings, paragraphs, tables, figures. `app.documents.html` and `app.documents.pdf` render it.

It knows nothing of what is reported. Texts are plain text with marked spans, never markup, so that no name out of a
data set can become a tag, a link or a script.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Tone: TypeAlias = Literal["plain", "good", "warn", "bad"]
# What a tone says without its colour.
MARKS: dict[Tone, str] = {"plain": "", "good": "✓", "warn": "!", "bad": "✗"}
MISSING = "–"  # a cell without a value


@dataclass(frozen=True)
class Span:
    """Part of a text in a style of its own, or a link: to an anchor of the document or to an https address."""

    text: str
    style: Literal["strong", "emphasis", "code", "link"]
    href: str = ""

    def __post_init__(self) -> None:
        if (self.style == "link") != bool(self.href):
            raise ValueError(f"a link needs an address and nothing else has one, got {self}")
        if self.href and not self.href.startswith(("https://", "#")):
            raise ValueError(f"a link leads to https:// or to an anchor, got '{self.href}'")


Rich: TypeAlias = str | tuple[str | Span, ...]


def strong(text: str) -> Span:
    """Text that stands out."""
    return Span(text, "strong")


def code(text: str) -> Span:
    """A command, a file name, a key."""
    return Span(text, "code")


def link(text: str, href: str) -> Span:
    """A link."""
    return Span(text, "link", href)


def plain(text: Rich) -> str:
    """The text without its styles."""
    return text if isinstance(text, str) else "".join(part if isinstance(part, str) else part.text for part in text)


def spans(text: Rich) -> Iterator[str | Span]:
    """The parts of a text in order."""
    yield from (text,) if isinstance(text, str) else text


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 (a chapter) to 3. Chapters may start on a new page of a print."""

    text: str
    level: int = 1
    new_page: bool = False

    def __post_init__(self) -> None:
        if self.level not in (1, 2, 3):
            raise ValueError(f"a heading has level 1, 2 or 3, got {self.level}")


@dataclass(frozen=True)
class Text:
    """A paragraph; `lead` is set larger, for the sentence that a reader in a hurry takes along."""

    text: Rich
    lead: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[Rich, ...]


@dataclass(frozen=True)
class Formula:
    """A formula on a line of its own: `tex` for the eye (the mathematics that matplotlib sets), `words` for the ear."""

    tex: str
    words: str


@dataclass(frozen=True)
class Note:
    """A boxed remark. The tone is said by its title too."""

    title: str
    text: Rich
    tone: Tone = "plain"


@dataclass(frozen=True)
class KeyFigure:
    """One of the numbers that matter: its name, the value, the interval around it and what it is compared with."""

    name: str
    value: str
    interval: str = ""
    note: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class KeyFigures:
    """A few numbers side by side."""

    items: tuple[KeyFigure, ...]


@dataclass(frozen=True)
class Column:
    """One column: numbers stand right-aligned, texts left; neighbours of one group share a heading above theirs."""

    title: str
    unit: str = ""
    numeric: bool = False
    group: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes
    ----------
    text
        What it says, as formatted by whoever knows the unit.
    detail
        A quieter second line, for example an interval.
    shade
        Strength of the ground behind it, 0..1, to guide the eye; the number says the same.
    """

    text: str
    detail: str = ""
    tone: Tone = "plain"
    shade: float | None = None
    strong: bool = False

    def __post_init__(self) -> None:
        if self.shade is not None and not 0 <= self.shade <= 1:
            raise ValueError(f"a shade lies in 0..1, got {self.shade}")


@dataclass(frozen=True)
class Table:
    """A table with its caption above and notes below; the first `headers` columns name their rows."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[Rich, ...] = ()
    headers: int = 1

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"'{self.caption}' has {len(self.columns)} columns, one row has {len(row)} cells")


Content: TypeAlias = Cell | str | None  # of a cell while a table is made


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Content]],
    notes: Sequence[Rich] = (),
    headers: int = 1,
) -> Table:
    """A table from cells, plain texts and None, which is shown as missing."""

    def cell(value: Content) -> Cell:
        return value if isinstance(value, Cell) else Cell(MISSING if value is None else value)

    return Table(caption, tuple(columns), tuple(tuple(map(cell, row)) for row in rows), tuple(notes), headers)


class Drawing(Protocol):
    """A picture that can be drawn for a screen and for print."""

    @property
    def width_cm(self) -> float:
        """How wide it wants to be; renderers make it smaller where there is less room."""

    def svg(self, key: str) -> str:
        """An <svg> element whose ids all begin with `key`; colours follow the page's where they can."""

    def png(self) -> bytes:
        """PNG at 200 dots per inch or more, on white."""


@dataclass(frozen=True)
class Figure:
    """A drawing, with what it shows in words for those who cannot see it, and a caption."""

    drawing: Drawing
    alt: str
    caption: Rich


Block: TypeAlias = Heading | Text | Bullets | Formula | Note | KeyFigures | Table | Figure


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes
    ----------
    header
        What stands on top of every printed page.
    made_on
        Date, as it is to be printed; the only thing that differs between two reports on the same findings.
    notice
        One sentence at the foot of every page.
    """

    title: str
    subtitle: str
    header: str
    made_on: str
    notice: str
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        anchors = {entry.anchor for entry in numbered(self.blocks)}
        for text in _texts(self.blocks):
            for part in spans(text):
                if isinstance(part, Span) and part.href.startswith("#") and part.href[1:] not in anchors:
                    raise ValueError(f"a link leads to '{part.href}', and the headings are {sorted(anchors)}")


def _texts(blocks: Sequence[Block]) -> Iterator[Rich]:
    """Every text that may hold links."""
    for block in blocks:
        if isinstance(block, Text | Note):
            yield block.text
        elif isinstance(block, Bullets):
            yield from block.items
        elif isinstance(block, Table):
            yield from block.notes
        elif isinstance(block, Figure):
            yield block.caption


@dataclass(frozen=True)
class Entry:
    """A heading with its number ("2.1") and its anchor."""

    heading: Heading
    number: str
    anchor: str


def numbered(blocks: Sequence[Block]) -> list[Entry]:
    """Every heading in order, numbered by its level, with an anchor of its own."""
    counts = [0, 0, 0]
    entries: list[Entry] = []
    for heading in (block for block in blocks if isinstance(block, Heading)):
        level = heading.level
        if not all(counts[: level - 1]):
            raise ValueError(f"'{heading.text}' of level {level} has no heading of the level above it")
        counts[level - 1] += 1
        counts[level:] = [0] * (3 - level)
        number = ".".join(str(count) for count in counts[:level])
        anchor = anchor_of(heading.text)
        if any(entry.anchor == anchor for entry in entries):
            anchor = f"{anchor}-{number.replace('.', '-')}"
        entries.append(Entry(heading, number, anchor))
    return entries


def anchor_of(title: str) -> str:
    """Where a link to the first heading of that title leads, without the #."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
