"""A document as PDF by reportlab: A4, numbered pages, bookmarks, tables that repeat their heads and stay inside."""

import io
from collections.abc import Callable, Iterator
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import cm, mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Table as Grid
from reportlab.platypus.tableofcontents import TableOfContents

from app.documents.document import (
    MARKS,
    Block,
    Bullets,
    Document,
    Entry,
    Figure,
    Formula,
    Heading,
    KeyFigure,
    KeyFigures,
    Note,
    Table,
    Text,
    numbered,
)
from app.documents.drawing import PRINT_DPI, Setting
from app.documents.fonts import REGULAR, clipped, fitted, markup, register, shown
from app.documents.grid import grids
from app.documents.palette import LIGHT
from app.documents.paragraphs import STYLES

MARGIN: Final = 20 * mm
TOP: Final = 24 * mm  # with the header in it
WIDTH: Final = A4[0] - 2 * MARGIN
HEIGHT: Final = A4[1] - TOP - MARGIN
SOME_LINES: Final[float] = 3.5 * cm
FIGURE_HEIGHT: Final = HEIGHT - 4 * cm  # room for its caption


def to_pdf(document: Document) -> bytes:
    """Render a document; the same document gives the same bytes."""
    register()
    file = io.BytesIO()
    entries = numbered(document.blocks)
    template = _Template(file, document)
    template.multiBuild([*_masthead(document), *_body(document, entries)])
    return file.getvalue()


class _Template(BaseDocTemplate):  # type: ignore[misc]  # reportlab ships no types
    """Pages with a header, a notice and a number; headings go to the bookmarks and the table of contents."""

    def __init__(self, file: io.BytesIO, document: Document) -> None:
        super().__init__(
            file,
            pagesize=A4,
            title=shown(document.title),
            subject=shown(document.subtitle),
            author="Mienscope",
            creator="Mienscope",
            invariant=1,
            lang="en",
        )
        self._document = document
        frame = Frame(MARGIN, MARGIN, WIDTH, HEIGHT, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
        self.addPageTemplates([PageTemplate("page", [frame], onPage=self._furniture)])

    def _furniture(self, canvas: Canvas, _template: object) -> None:
        canvas.saveState()
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillColor(HexColor(LIGHT["muted"]))
        canvas.setStrokeColor(HexColor(LIGHT["line"]))
        top = A4[1] - 15 * mm
        canvas.drawString(MARGIN, top, fitted(self._document.header, 7.5, WIDTH - 4 * cm))
        canvas.drawRightString(A4[0] - MARGIN, top, "Mienscope")
        canvas.line(MARGIN, top - 2 * mm, A4[0] - MARGIN, top - 2 * mm)
        canvas.drawString(MARGIN, 11 * mm, fitted(self._document.notice, 7.5, WIDTH - 3 * cm))
        canvas.drawRightString(A4[0] - MARGIN, 11 * mm, f"Page {canvas.getPageNumber()}")
        canvas.restoreState()

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802  # reportlab's name
        """Note where a heading came to stand."""
        entry: Entry | None = getattr(flowable, "entry", None)
        if entry is None:
            return
        title = f"{entry.number}  {shown(entry.heading.text)}"
        self.canv.bookmarkPage(entry.anchor)
        self.canv.addOutlineEntry(title, entry.anchor, entry.heading.level - 1, closed=entry.heading.level > 1)
        if entry.heading.level <= 2:
            text = f"{entry.number} &nbsp; {markup(entry.heading.text)}"
            self.notify("TOCEntry", (entry.heading.level - 1, text, self.page, entry.anchor))


def _masthead(document: Document) -> Iterator[Flowable]:
    yield Paragraph(markup(document.title), STYLES["title"])
    yield Paragraph(markup(document.subtitle), STYLES["subtitle"])
    yield Paragraph(markup(f"Made on {document.made_on}"), STYLES["made"])


def _contents(entries: list[Entry]) -> Iterator[Flowable]:
    """The table of contents on a page of its own."""
    yield PageBreak()
    yield Paragraph("Contents", STYLES["heading1"])
    contents = TableOfContents(dotsMinLevel=0)
    contents.levelStyles = [STYLES["contents1"], STYLES["contents2"]]
    yield contents
    yield PageBreak()


def _body(document: Document, entries: list[Entry]) -> Iterator[Flowable]:
    """Every block. Headings, and the text right below, wait for what follows, so that none stands alone on a page.

    The first chapter is the summary; the table of contents comes after it.
    """
    waiting: list[Flowable] = []
    chapters = 0
    of_heading = iter(entries)
    for block in document.blocks:
        if isinstance(block, Heading):
            chapters += block.level == 1
            if block.level == 1 and (chapters == 2 or block.new_page):
                yield from waiting
                waiting = []
                yield from _contents(entries) if chapters == 2 else [PageBreak()]
            waiting.append(_heading(next(of_heading)))
            continue
        flowables = list(_RENDERERS[type(block)](block))
        if waiting and isinstance(block, Text):
            waiting += flowables
            continue
        yield from _together(waiting, flowables)
        waiting = []
    yield from waiting


def _together(before: list[Flowable], flowables: list[Flowable]) -> Iterator[Flowable]:
    """A block after its headings and text, all on a new page where the rest of this one is too small."""
    if before:
        height = sum(each.wrap(WIDTH, HEIGHT)[1] + each.getSpaceBefore() + each.getSpaceAfter() for each in before)
        yield CondPageBreak(min(height + _start(flowables), HEIGHT - 1))
    yield from (*before, *flowables)


def _start(flowables: list[Flowable]) -> float:
    """How much room the beginning of a block needs, pt: all of a figure, some lines of others."""
    first = flowables[0] if flowables else None
    if isinstance(first, _Kept):
        return float(sum(part.wrap(WIDTH, HEIGHT)[1] + part.getSpaceBefore() for part in first.parts)) + 1
    return SOME_LINES


class _Kept(KeepTogether):  # type: ignore[misc]  # reportlab ships no types
    """What must stand on one page, with its parts to be asked for their heights."""

    def __init__(self, *parts: Flowable) -> None:
        super().__init__(list(parts))
        self.parts = parts


def _heading(entry: Entry) -> Flowable:
    number = f'<font color="{LIGHT["faint"]}">{entry.number}</font>'
    paragraph = Paragraph(f"{number} &nbsp;{markup(entry.heading.text)}", STYLES[f"heading{entry.heading.level}"])
    paragraph.entry = entry
    return paragraph


def _paragraph(block: Text) -> Iterator[Flowable]:
    yield Paragraph(markup(block.text), STYLES["lead" if block.lead else "text"])


def _bullets(block: Bullets) -> Iterator[Flowable]:
    for item in block.items:
        yield Paragraph(markup(item), STYLES["bullet"], bulletText="•")


def _formula(block: Formula) -> Iterator[Flowable]:
    picture = Image(io.BytesIO(Setting(block.tex).png()))
    _scale(picture, min(1.0, (WIDTH - cm) / (picture.imageWidth * 72 / PRINT_DPI)))
    picture.hAlign = "LEFT"
    yield _Kept(_indented(picture), Spacer(0, 2 * mm))


def _indented(flowable: Flowable) -> Flowable:
    grid = Grid([["", flowable]], colWidths=[0.6 * cm, WIDTH - 0.6 * cm])
    grid.setStyle(TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]))
    return grid


def _scale(picture: Any, factor: float) -> None:
    """Size of a picture on paper, from its pixels at print resolution."""
    picture.drawWidth = picture.imageWidth * 72 / PRINT_DPI * factor
    picture.drawHeight = picture.imageHeight * 72 / PRINT_DPI * factor


def _note(block: Note) -> Iterator[Flowable]:
    colour = "accent" if block.tone == "plain" else block.tone
    mark = f"{MARKS[block.tone]} " if MARKS[block.tone] else ""
    words = [
        [Paragraph(f"<b>{mark}{markup(block.title)}</b>", STYLES["text_tight"])],
        [Paragraph(markup(block.text), STYLES["text_tight"])],
    ]
    box = Grid(words, colWidths=[WIDTH], splitInRow=1)
    box.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), HexColor(LIGHT[f"{colour}_soft"])),
                ("LINEBEFORE", (0, 0), (0, -1), 3, HexColor(LIGHT[colour])),
                ("LEFTPADDING", (0, 0), (-1, -1), 10),
                ("TOPPADDING", (0, 0), (-1, 0), 7),
                ("BOTTOMPADDING", (0, 0), (-1, 0), 1),
                ("TOPPADDING", (0, 1), (-1, 1), 0),
                ("BOTTOMPADDING", (0, 1), (-1, 1), 8),
            ]
        )
    )
    yield Spacer(0, 2 * mm)
    yield box
    yield Spacer(0, 4 * mm)


FIGURES_A_LINE: Final = 3


def _key_figures(block: KeyFigures) -> Iterator[Flowable]:
    """Rows of boxes, as even as they come: five are three and two, four are two and two."""
    lines = -(-len(block.items) // FIGURES_A_LINE)
    each = -(-len(block.items) // lines) if lines else 0
    for start in range(0, len(block.items), each or 1):
        yield _key_line(block.items[start : start + each], each)
        yield Spacer(0, 2 * mm)
    yield Spacer(0, 2 * mm)


def _key_line(items: tuple[KeyFigure, ...], places: int) -> Flowable:
    gap = 3 * mm
    width = (WIDTH - gap * (places - 1)) / places
    cells: list[Any] = []
    style: list[tuple[Any, ...]] = [("VALIGN", (0, 0), (-1, -1), "TOP")]
    for place, item in enumerate(items):
        if place:
            cells.append("")
        column = len(cells)
        cells.append(_key_words(item))
        colour = LIGHT["accent" if item.tone == "plain" else item.tone]
        style += [
            ("BOX", (column, 0), (column, 0), 0.6, HexColor(LIGHT["line"])),
            ("LINEABOVE", (column, 0), (column, 0), 2.5, HexColor(colour)),
            ("LEFTPADDING", (column, 0), (column, 0), 8),
            ("TOPPADDING", (column, 0), (column, 0), 6),
            ("BOTTOMPADDING", (column, 0), (column, 0), 7),
        ]
    widths = [gap if column % 2 else width for column in range(len(cells))]
    return Grid([cells], colWidths=widths, style=TableStyle(style), hAlign="LEFT")


def _key_words(item: KeyFigure) -> list[Flowable]:
    mark = f"{MARKS[item.tone]} " if MARKS[item.tone] else ""
    words = [
        Paragraph(markup(clipped(item.name)), STYLES["key_name"]),
        Paragraph(mark + markup(clipped(item.value)), STYLES["key_value"]),
    ]
    if item.interval:
        words.append(Paragraph(markup(clipped(item.interval)), STYLES["key_interval"]))
    if item.note:
        words.append(Paragraph(markup(clipped(item.note)), STYLES["key_note"]))
    return words


def _table(block: Table) -> Iterator[Flowable]:
    for part in grids(block, WIDTH):
        yield CondPageBreak(SOME_LINES)
        yield Paragraph(markup(part.caption), STYLES["caption"])
        yield part.grid
        yield Spacer(0, 1.5 * mm)
    for note in block.notes:
        yield Paragraph(markup(note), STYLES["table_note"])
    yield Spacer(0, 4 * mm)


def _figure(block: Figure) -> Iterator[Flowable]:
    picture = Image(io.BytesIO(block.drawing.png()))
    wide, high = picture.imageWidth * 72 / PRINT_DPI, picture.imageHeight * 72 / PRINT_DPI
    _scale(picture, min(1.0, WIDTH / wide, FIGURE_HEIGHT / high))
    picture.hAlign = "LEFT"
    yield _Kept(picture, Paragraph(markup(block.caption), STYLES["figure_caption"]))


_RENDERERS: Final[dict[type[Block], Callable[[Any], Iterator[Flowable]]]] = {
    Text: _paragraph,
    Bullets: _bullets,
    Formula: _formula,
    Note: _note,
    KeyFigures: _key_figures,
    Table: _table,
    Figure: _figure,
}
