"""The scores of every face beside it: see `core.score_panels`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QRegion

from app.gui import theme
from core.geometry import Box
from core.panel_places import Anchor, PanelPlaces, Spot
from core.places import Size, around, is_free, nearest_points
from core.score_panels import Panel, Row

LETTERS_PX: Final = (13, 12, 11, 10)  # tried one after another; smaller ones cannot be read on a video
GROUND: Final = QColor(13, 16, 20, 225)  # as labels over video have it, by day and night
STRONG: Final = QColor("#f2f4f6")
QUIET: Final = QColor("#aab2bb")
TROUGH: Final = QColor(255, 255, 255, 34)
FILL: Final = QColor(170, 178, 187, 190)
LONGEST: Final = 9.0  # a class's name, over the letters' size; longer ones are cut
BAR: Final = 4.6  # length of a full bar, over the letters' size
LEFT, RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
MIDDLE: Final = Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Scored:
    """A face with what is shown of it: its name on the screen, its box (widget px) and colour."""

    key: int
    name: str
    box: QRectF
    colour: QColor
    panel: Panel


@dataclass(frozen=True)
class Form:
    """Measures of a panel, px: the letters' size, height of a row, and widths of names, bars, numbers and rim."""

    letters: int
    row: int
    name: int
    bar: int
    number: int
    pad: int

    def size(self, rows: int) -> Size:
        """Width and height with so many classes; the heading comes on top."""
        width = self.name + self.bar + self.number + round(1.4 * self.letters) + 2 * self.pad
        return width, self.row * (rows + 1) + self.pad


class FaceScores:
    """Paints the panels. `places`, by face id, and `notice` say where things were painted, widget px."""

    def __init__(self) -> None:
        self.places: dict[int, QRectF] = {}
        self.notice: QRectF | None = None
        self._arranged = PanelPlaces()

    def forget(self) -> None:
        """Begin anew, as for another source."""
        self._arranged.forget()
        self.places, self.notice = {}, None

    def paint(
        self, painter: QPainter, faces: Sequence[Scored], room: QRectF, taken: Sequence[QRectF], spared: QRectF
    ) -> None:
        """Paint a panel near every face, the first of which have the choice; what there is no room for is told.

        Parameters
        ----------
        room
            Where panels may lie.
        taken
            What they must not cover, besides the faces.
        spared
            What they cover only where some would have no place otherwise.
        """
        used, within = [_box(rect) for rect in taken], _box(room)
        anchors = [
            Anchor(face.key, _box(face.box), tuple(_of(face.panel, px).size(len(face.panel.rows)) for px in LETTERS_PX))
            for face in faces
        ]
        found = self._arranged.arrange(anchors, within, used, [_box(spared)])
        placed = [(face, spot) for face, spot in zip(faces, found.spots, strict=True) if spot is not None]
        for face, spot in placed:
            _paint_leader(painter, face, spot, taken)
        for face, spot in placed:
            _paint_panel(painter, face, _rect(spot.place), _of(face.panel, LETTERS_PX[found.size]))
        self.places = {face.key: _rect(spot.place) for face, spot in placed}
        used += [*(anchor.box for anchor in anchors), *(spot.place for _, spot in placed)]
        self._tell(painter, (len(faces) - len(placed), len(faces)), within, used, _box(spared))

    def _tell(self, painter: QPainter, counts: tuple[int, int], room: Box, used: Sequence[Box], spared: Box) -> None:
        """Say how many of the faces there is no room for, near the lower left corner; it stays there."""
        left_out, faces = counts
        if not left_out:
            self.notice = None
            return
        text = f"No room for the scores of {left_out} of {faces} faces"
        font = theme.font(12, tabular=True)
        size = round(QFontMetricsF(font).horizontalAdvance(text)) + 20, 24
        kept = None if self.notice is None else Box(self.notice.x(), self.notice.y(), *size)
        corner = Box(room.x, room.bottom, 0, 0)
        place = kept if kept and is_free(kept, room, [*used, spared]) else None
        place = place or around(corner, size, 0, room, [*used, spared]) or around(corner, size, 0, room, used)
        self.notice = _rect(place or Box(room.x, room.bottom - size[1], *size))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(GROUND)
        painter.drawRoundedRect(self.notice, 5, 5)
        painter.setFont(font)
        painter.setPen(theme.DARK.colour("warn"))
        painter.drawText(self.notice, Qt.AlignmentFlag.AlignCenter, text)


def _paint_leader(painter: QPainter, face: Scored, spot: Spot, taken: Sequence[QRectF]) -> None:
    """A line from a panel to its face, behind labels and marks, where they do not lie side by side."""
    if spot.led_px:
        (x0, y0), (x1, y1) = nearest_points(_box(face.box), spot.place)
        free = QRegion(_rect(spot.place).united(face.box).toAlignedRect())
        for rect in taken:
            free -= QRegion(rect.toAlignedRect())
        painter.save()
        painter.setClipRegion(free)
        for colour, width in ((QColor(0, 0, 0, 110), 3.0), (face.colour, 1.2)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QLineF(x0, y0, x1, y1))
        painter.restore()


def _paint_panel(painter: QPainter, face: Scored, rect: QRectF, form: Form) -> None:
    """One face's panel: its name, then its rows, of which one stands out."""
    painter.setPen(QPen(face.colour, 1.0))
    painter.setBrush(GROUND)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
    inner = rect.adjusted(form.pad, form.pad / 2, -form.pad, 0)
    heading = QRectF(inner.left(), inner.top(), inner.width(), form.row)
    plain, bold = _fonts(form.letters)
    painter.setFont(plain)
    painter.setPen(QUIET)
    painter.drawText(heading, RIGHT | MIDDLE, face.panel.heading)
    painter.setFont(bold)
    painter.setPen(face.colour)
    painter.drawText(heading, LEFT | MIDDLE, face.name)
    painter.setFont(plain)
    rows, strong = face.panel.rows, face.panel.strong
    for number, row in enumerate(rows):
        if number != strong:
            _paint_row(painter, heading.translated(0, form.row * (number + 1)), row, form, (QUIET, FILL))
    painter.setFont(bold)
    _paint_row(
        painter, heading.translated(0, form.row * (strong + 1)), rows[strong], form, (STRONG, QColor(face.colour))
    )


def _paint_row(painter: QPainter, line: QRectF, row: Row, form: Form, colours: tuple[QColor, QColor]) -> None:
    """One row in the painter's font; `colours` of the letters and of the bar."""
    ink, fill = colours
    painter.setPen(ink)
    painter.drawText(line, LEFT | MIDDLE, _cut(row.label, form.letters, form.name))
    painter.drawText(line, RIGHT | MIDDLE, row.number)
    thick = round(0.5 * form.letters)
    bar = QRectF(
        line.right() - form.number - 0.6 * form.letters - form.bar, line.center().y() - thick / 2, form.bar, thick
    )
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(TROUGH)
    painter.drawRoundedRect(bar, thick / 2, thick / 2)
    if (length := form.bar * row.share) >= 1:
        round_px = min(thick, length) / 2
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), length, thick), round_px, round_px)


def _of(panel: Panel, letters_px: int) -> Form:
    return _form(panel.names, panel.heading, letters_px)


@lru_cache(maxsize=32)
def _form(names: tuple[str, ...], title: str, letters_px: int) -> Form:
    plain, bold = _fonts(letters_px)
    metrics = QFontMetricsF(bold)
    longest = max(metrics.horizontalAdvance(label) for label in names)
    heading = QFontMetricsF(plain).horizontalAdvance(title) - BAR * letters_px  # stands over bar and number
    return Form(
        letters=letters_px,
        row=round(1.45 * letters_px),
        name=round(max(min(longest, LONGEST * letters_px), heading)) + 1,
        bar=round(BAR * letters_px),
        number=round(metrics.horizontalAdvance("0.00")) + 1,
        pad=round(0.7 * letters_px),
    )


@lru_cache(maxsize=256)
def _cut(label: str, letters_px: int, width: int) -> str:
    """A row's name as far as there is room for it, whether or not it stands out."""
    return QFontMetricsF(_fonts(letters_px)[1]).elidedText(label, Qt.TextElideMode.ElideRight, width)


@lru_cache(maxsize=8)
def _fonts(letters_px: int) -> tuple[QFont, QFont]:
    """For all rows, and for the one that stands out."""
    return theme.font(letters_px, tabular=True), theme.font(letters_px, QFont.Weight.DemiBold, tabular=True)


def _box(rect: QRectF) -> Box:
    return Box(rect.x(), rect.y(), rect.width(), rect.height())


def _rect(box: Box) -> QRectF:
    return QRectF(box.x, box.y, box.width, box.height)
