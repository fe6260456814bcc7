"""Tables on paper: as wide as their words ask for, narrower where they must, in parts where a page is too narrow.

A part repeats the columns that name the rows; the head of a table is repeated on every page it runs over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER, TA_LEFT, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import LongTable, Paragraph, TableStyle

from app.documents.document import MARKS, Cell, Column, Table
from app.documents.fonts import BOLD, REGULAR, clipped, markup, shown
from app.documents.palette import LIGHT

SIZE_PT: Final = 7.5
DETAIL_PT: Final = 6.2
PADDING_PT: Final = 3.5  # left and right of a cell
WIDEST_TEXT_PT: Final = 190.0  # of a column of words, before they are wrapped
WIDEST_HEAD_PT: Final = 72.0  # of a column of numbers, for its title, where there is room
NARROWEST_TEXT_PT: Final = 62.0
SHADE: Final = 0.42  # of the accent colour at a shade of 1, as on the screen


@dataclass(frozen=True)
class Part:
    """What of a table fits between the margins."""

    caption: str
    grid: LongTable


def grids(table: Table, width_pt: float) -> Iterator[Part]:
    """The table in as few parts as its width allows."""
    wishes = [_wish(table, place) for place in range(len(table.columns))]
    parts = _parts(table, wishes, width_pt)
    for number, (places, widths) in enumerate(parts, 1):
        caption = table.caption if len(parts) == 1 else f"{table.caption} (columns, part {number} of {len(parts)})"
        yield Part(caption, _grid(table, places, widths))


def _wish(table: Table, place: int) -> tuple[float, float]:
    """The least and the most width of a column, pt: numbers never break, words may."""
    column = table.columns[place]
    cells = [row[place] for row in table.rows]
    numbers = [max(_width(_said(cell), bold=_is_bold(cell)), _width(cell.detail, DETAIL_PT)) for cell in cells]
    head = max((_width(word, bold=True) for word in f"{column.title} {column.unit}".split()), default=0.0)
    room = 2 * PADDING_PT + 0.5
    if column.numeric:
        least = min(max([head, *numbers]) + room, WIDEST_TEXT_PT)
        title = _width(f"{column.title} {column.unit}", bold=True) + room
        return least, max(least, min(title, WIDEST_HEAD_PT))
    most = min(max([_width(column.title, bold=True), *numbers]) + room, WIDEST_TEXT_PT)
    longest = max((_width(word) for cell in cells for word in _said(cell).split()), default=0.0)
    return min(most, max(NARROWEST_TEXT_PT, min(max(head, longest) + room, WIDEST_TEXT_PT))), most


def _said(cell: Cell) -> str:
    return f"{MARKS[cell.tone]} {cell.text}" if MARKS[cell.tone] else cell.text


def _is_bold(cell: Cell) -> bool:
    return cell.strong or cell.tone != "plain"


def _width(text: str, size: float = SIZE_PT, bold: bool = False) -> float:
    return float(stringWidth(shown(text), BOLD if bold else REGULAR, size))


def _parts(table: Table, wishes: Sequence[tuple[float, float]], width_pt: float) -> list[tuple[list[int], list[float]]]:
    """Which columns go together, and how wide each is."""
    heads = list(range(min(table.headers, len(wishes))))
    rest = list(range(len(heads), len(wishes)))
    room = width_pt - sum(wishes[place][0] for place in heads)
    if heads and (room < NARROWEST_TEXT_PT or any(wishes[place][0] > room for place in rest)):
        narrow = (width_pt / 3) / len(heads)
        wishes = [
            (min(least, narrow), most) if place in heads else (least, most)
            for place, (least, most) in enumerate(wishes)
        ]
        room = width_pt - sum(wishes[place][0] for place in heads)
    groups: list[list[int]] = [[]]
    taken = 0.0
    for place in rest:
        need = wishes[place][0]
        if groups[-1] and taken + need > room:
            groups.append([])
            taken = 0.0
        groups[-1].append(place)
        taken += need
    groups = _even(groups, wishes, room)
    return [(heads + group, _widths([wishes[place] for place in heads + group], width_pt)) for group in groups]


def _even(groups: list[list[int]], wishes: Sequence[tuple[float, float]], room: float) -> list[list[int]]:
    """The same number of parts, about equally many columns in each, where they still fit."""
    places = [place for group in groups for place in group]
    if len(groups) < 2:
        return groups
    each = -(-len(places) // len(groups))
    even = [places[start : start + each] for start in range(0, len(places), each)]
    fits = all(sum(wishes[place][0] for place in group) <= room for group in even)
    return even if fits else groups


def _widths(wishes: Sequence[tuple[float, float]], width_pt: float) -> list[float]:
    """As wide as wished where there is room; what room there is beyond the least goes to those who wish for more."""
    least, most = [wish[0] for wish in wishes], [wish[1] for wish in wishes]
    spare = width_pt - sum(least)
    wanted = sum(most) - sum(least)
    share = min(1.0, spare / wanted) if wanted > 0 else 0.0
    widths = [low + share * (high - low) for low, high in zip(least, most, strict=True)]
    scale = min(1.0, width_pt / sum(widths))
    return [width * scale for width in widths]


def _grid(table: Table, places: Sequence[int], widths: Sequence[float]) -> LongTable:
    columns = [table.columns[place] for place in places]
    grouped = any(column.group for column in columns)
    rows: list[list[Any]] = [[_head(column) for column in columns]]
    if grouped:
        rows.insert(0, _group_row(columns))
    heads = len(rows)
    for row in table.rows:
        rows.append([_body(row[place], table.columns[place], place < table.headers) for place in places])
    style = [*_rules(heads), *_shades(table, places, heads)]
    if grouped:
        style += _spans(columns)
    return LongTable(
        rows, colWidths=list(widths), repeatRows=heads, splitInRow=1, hAlign="LEFT", style=TableStyle(style)
    )


def _rules(heads: int) -> list[tuple[Any, ...]]:
    line = HexColor(LIGHT["line"])
    return [
        ("VALIGN", (0, 0), (-1, heads - 1), "BOTTOM"),
        ("VALIGN", (0, heads), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), PADDING_PT),
        ("RIGHTPADDING", (0, 0), (-1, -1), PADDING_PT),
        ("TOPPADDING", (0, 0), (-1, -1), 1.8),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("LINEBELOW", (0, heads - 1), (-1, heads - 1), 0.8, HexColor(LIGHT["faint"])),
        ("LINEBELOW", (0, heads), (-1, -1), 0.4, line),
    ]


def _shades(table: Table, places: Sequence[int], heads: int) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(table.rows, heads):
        for column, place in enumerate(places):
            shade = row[place].shade
            if shade:
                yield ("BACKGROUND", (column, number), (column, number), _mixed(shade * SHADE))


def _mixed(part: float) -> Color:
    """The accent colour on white."""
    accent = HexColor(LIGHT["accent"])
    return Color(*(1 - part * (1 - value) for value in (accent.red, accent.green, accent.blue)))


def _group_row(columns: Sequence[Column]) -> list[Any]:
    row: list[Any] = []
    for group, members in groupby(columns, key=lambda column: column.group):
        row.append(Paragraph(markup(clipped(group)), _GROUP) if group else "")
        row += [""] * (len(list(members)) - 1)
    return row


def _spans(columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
    start = 0
    for group, members in groupby(columns, key=lambda column: column.group):
        end = start + len(list(members)) - 1
        if group:
            yield ("SPAN", (start, 0), (end, 0))
            yield ("LINEBELOW", (start, 0), (end, 0), 0.4, HexColor(LIGHT["line"]))
        start = end + 1


def _head(column: Column) -> Paragraph:
    unit = (
        f' <font name="{REGULAR}" color="{LIGHT["muted"]}">{markup(clipped(column.unit))}</font>' if column.unit else ""
    )
    return Paragraph(f"<b>{markup(clipped(column.title))}</b>{unit}", _RIGHT if column.numeric else _LEFT)


def _body(cell: Cell, column: Column, header: bool) -> Paragraph:
    text = markup(_said(cell))
    if _is_bold(cell):
        text = f"<b>{text}</b>"
    if cell.tone != "plain":
        text = f'<font color="{LIGHT[cell.tone]}">{text}</font>'
    if cell.detail:
        text += f'<br/><font size="{DETAIL_PT}" color="{LIGHT["muted"]}">{markup(cell.detail)}</font>'
    return Paragraph(text, _RIGHT if column.numeric else _LEFT)


def _aligned(name: str, alignment: int, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        name,
        fontName=REGULAR,
        fontSize=SIZE_PT,
        leading=SIZE_PT + 2.2,
        alignment=alignment,
        textColor=HexColor(LIGHT["text"]),
        splitLongWords=1,
        **more,
    )


_LEFT: Final = _aligned("cell", TA_LEFT)
_RIGHT: Final = _aligned("number", TA_RIGHT)
_GROUP: Final = _aligned("group", TA_CENTER)
