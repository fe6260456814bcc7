"""Painted rows of the face panel: probability bars, and mirrored bars of what each face region counted."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import names, theme
from core.types import LandmarkReading, Prediction, RegionRelevance

ROW_PX: Final = 22
BAR_PX: Final = 9
THIN_PX: Final = 3  # of what a landmark network says, under the bar of the pixels
NAME_PX: Final = 104
VALUE_PX: Final = 46
FULL_BAR: Final = 0.5  # share that fills a whole row's bar; every bar has the same pixels per share
LEFT, RIGHT, CENTRE = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
MIDDLE: Final = Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Row:
    """Regions shown in one row and what they add up to. Shares and areas add; nothing is averaged."""

    text: str
    regions: tuple[str, ...]
    share: float
    area: float
    expected: bool

    @property
    def density(self) -> float:
        """Share over area: 1 is what a uniform map would give."""
        return self.share / self.area if self.area > 0 else 0.0


PAIRS: Final = ("brow", "eye", "cheek", "jaw")
SINGLES: Final = (
    ("forehead", ("forehead",)),
    ("glabella", ("glabella",)),
    ("nose", ("nose",)),
    ("mouth", ("upper_lip", "lower_lip")),
    ("chin", ("chin",)),
    ("outside", ("outside",)),
)


def rows_of(relevance: RegionRelevance) -> tuple[list[tuple[Row, Row]], list[Row]]:
    """Pairs (person's right, person's left) and single rows; together they hold every region once."""
    pairs = [(_row(relevance, text, (f"right_{text}",)), _row(relevance, text, (f"left_{text}",))) for text in PAIRS]
    return pairs, [_row(relevance, text, regions) for text, regions in SINGLES]


def _row(relevance: RegionRelevance, text: str, regions: tuple[str, ...]) -> Row:
    places = [relevance.regions.index(name) for name in regions]
    return Row(
        text,
        regions,
        float(relevance.shares[places].sum()),
        float(relevance.areas[places].sum()),
        any(name in relevance.expected for name in regions),
    )


class ProbabilityBars(QWidget):
    """All classes in the pack's order, or, where there is little room, the first three and the rest together."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._prediction: Prediction | None = None
        self._landmarks: LandmarkReading | None = None
        self._target = ""
        self._short = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Expression")

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_prediction(self, prediction: Prediction | None, landmarks: LandmarkReading | None = None) -> None:
        """Show these probabilities, and under them those of the same expressions by a landmark network."""
        if self._prediction is None or prediction is None or prediction.labels != self._prediction.labels:
            self.updateGeometry()
        self._prediction, self._landmarks = prediction, landmarks
        if prediction is not None:
            self.setAccessibleDescription(", ".join(f"{text} {value:.2f}" for text, value in self.rows()))
        self.update()

    def set_short(self, short: bool) -> None:
        """Show three rows and a sum, or all."""
        if short != self._short:
            self._short = short
            self.updateGeometry()

    def rows(self) -> list[tuple[str, float]]:
        """What is shown, row by row."""
        if self._prediction is None:
            return []
        values = [float(value) for value in self._prediction.probabilities]
        labels = self._prediction.labels
        if not self._short or len(labels) <= 4:
            return list(zip(labels, values, strict=True))
        first = self._prediction.ranked[:3]
        rest = [value for place, value in enumerate(values) if place not in first]
        return [*((labels[place], values[place]) for place in first), (f"{len(rest)} more", sum(rest))]

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(300, ROW_PX * max(len(self.rows()), 4))

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(240, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        if self._prediction is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, (text, value) in enumerate(self.rows()):
            self._paint_row(painter, place * ROW_PX, text, value)
        painter.end()

    def _paint_row(self, painter: QPainter, y: float, text: str, value: float) -> None:
        assert self._prediction is not None
        top = text == self._prediction.label
        in_labels = text in self._prediction.labels
        painter.setFont(theme.font(13, QFont.Weight.DemiBold if top else QFont.Weight.Normal))
        painter.setPen(self._theme.colour("text" if in_labels else "faint"))
        name = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, NAME_PX - 8)
        painter.drawText(QRectF(0, y, NAME_PX, ROW_PX), LEFT | MIDDLE, name)
        bar = QRectF(NAME_PX, y + (ROW_PX - BAR_PX) / 2, self.width() - NAME_PX - VALUE_PX, BAR_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("track"))
        painter.drawRoundedRect(bar, BAR_PX / 2, BAR_PX / 2)
        painter.setBrush(self._theme.colour("accent" if top else "faint"))
        filled = QRectF(bar.left(), bar.top(), max(bar.width() * value, 2.0), BAR_PX)
        painter.drawRoundedRect(filled, min(BAR_PX / 2, filled.width() / 2), min(BAR_PX / 2, filled.width() / 2))
        read = self._landmarks.probability(text) if self._landmarks is not None else None
        if read is not None:
            paint_thin(painter, bar, bar.width() * read, self._theme.colour("mesh"))
        painter.setFont(theme.font(13, QFont.Weight.DemiBold if top else QFont.Weight.Normal, tabular=True))
        painter.setPen(self._theme.colour("text"))
        painter.drawText(QRectF(self.width() - VALUE_PX, y, VALUE_PX, ROW_PX), RIGHT | MIDDLE, f"{value:.2f}")


def paint_thin(painter: QPainter, bar: QRectF, length: float, colour: QColor, mirrored: bool = False) -> None:
    """The thin bar under another one, from the same end."""
    length = min(max(length, 1.5), bar.width())
    left = bar.right() - length if mirrored else bar.left()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(QRectF(left, bar.bottom() + 1.5, length, THIN_PX), 1, 1)


class RegionBars(QWidget):
    """Share of the positive relevance per region, with a tick at the region's area: what a uniform map would give."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._pairs: list[tuple[Row, Row]] = []
        self._singles: list[Row] = []
        self._by_points: dict[tuple[str, ...], Row] = {}  # by the row's regions
        self._only_points = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("What it looked at")
        self.setToolTip(
            "Bars: share of the positive relevance. Tick: the region's share of the crop's area,\n"
            "which is what a uniform map would give. Colour: share over area, the warmer the denser.\n"
            "Diamond: region where the expression's action units lie. Every bar has the same scale.\n"
            "Mouth is upper and lower lip together.\n"
            "Thin bar: the same share by the points of the landmark network (Shift+W)."
        )

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_regions(self, relevance: RegionRelevance | None, points: RegionRelevance | None = None) -> None:
        """Show these shares, and under them those of the mesh's points; or those alone, where there are no others."""
        leading = relevance if relevance is not None else points
        self._pairs, self._singles = rows_of(leading) if leading is not None else ([], [])
        self._only_points = relevance is None
        pairs, singles = rows_of(points) if points is not None else ([], [])
        self._by_points = {row.regions: row for row in (*(row for pair in pairs for row in pair), *singles)}
        self.setAccessibleDescription(", ".join(f"{text} {names.percent(share)}" for text, share in self.rows()))
        self.update()

    def rows(self) -> list[tuple[str, float]]:
        """What is shown: text and share, pairs first."""
        pairs = [
            (f"{side} {row.text}", row.share)
            for right, left in self._pairs
            for side, row in (("right", right), ("left", left))
        ]
        return pairs + [(row.text, row.share) for row in self._singles]

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(300, ROW_PX * (len(PAIRS) + len(SINGLES)) + 6)

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(240, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, (right, left) in enumerate(self._pairs):
            self._paint_pair(painter, place * ROW_PX, right, left)
        for place, row in enumerate(self._singles):
            self._paint_single(painter, (len(self._pairs) + place) * ROW_PX + 6, row)
        painter.end()

    def _paint_pair(self, painter: QPainter, y: float, right: Row, left: Row) -> None:
        middle = self.width() / 2
        length = middle - VALUE_PX - 36
        self._paint_name(painter, QRectF(middle - 36, y, 72, ROW_PX), CENTRE, right)
        inner = QRectF(middle - 36 - length, y, length, ROW_PX)
        self._paint_bar(painter, inner, right, mirrored=True)
        self._paint_bar(painter, QRectF(middle + 36, y, length, ROW_PX), left)
        painter.setFont(theme.font(13, tabular=True))
        painter.setPen(self._theme.colour("mesh" if self._only_points else "text"))
        painter.drawText(QRectF(0, y, VALUE_PX - 8, ROW_PX), RIGHT | MIDDLE, names.percent(right.share))
        painter.drawText(
            QRectF(self.width() - VALUE_PX, y, VALUE_PX, ROW_PX), RIGHT | MIDDLE, names.percent(left.share)
        )

    def _paint_single(self, painter: QPainter, y: float, row: Row) -> None:
        outside = row.text == "outside"
        self._paint_name(painter, QRectF(0, y, NAME_PX, ROW_PX), LEFT, row)
        self._paint_bar(painter, QRectF(NAME_PX, y, self.width() - NAME_PX - VALUE_PX, ROW_PX), row)
        painter.setFont(theme.font(13, tabular=True))
        painter.setPen(self._theme.colour("warn" if outside else "mesh" if self._only_points else "text"))
        painter.drawText(QRectF(self.width() - VALUE_PX, y, VALUE_PX, ROW_PX), RIGHT | MIDDLE, names.percent(row.share))

    def _paint_name(self, painter: QPainter, rect: QRectF, side: Qt.AlignmentFlag, row: Row) -> None:
        painter.setFont(theme.font(13))
        painter.setPen(self._theme.colour("warn" if row.text == "outside" else "text"))
        painter.drawText(rect, side | MIDDLE, row.text)
        if not row.expected:
            return
        width = painter.fontMetrics().horizontalAdvance(row.text)
        x = (rect.center().x() + width / 2 if side == CENTRE else rect.left() + width) + 9
        paint_diamond(painter, QPointF(x, rect.center().y()), self._theme.colour("good"))

    def _paint_bar(self, painter: QPainter, rect: QRectF, row: Row, mirrored: bool = False) -> None:
        """Pixels per share are those of a whole row's bar, so that every bar can be compared with every other."""
        per_share = (self.width() - NAME_PX - VALUE_PX) / FULL_BAR
        bar = QRectF(rect.left(), rect.top() + (ROW_PX - BAR_PX) / 2, rect.width(), BAR_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("track"))
        painter.drawRoundedRect(bar, 2.5, 2.5)
        point = self._by_points.get(row.regions)
        if point is not None and row.text != "outside":
            paint_thin(painter, bar, point.share * per_share, self._theme.colour("mesh"), mirrored)
        if self._only_points:
            return
        self._paint_filled(painter, bar, row, min(row.share * per_share, bar.width()), mirrored)
        if row.share * per_share > bar.width():
            self._paint_beyond(painter, bar, mirrored)
        tick = min(row.area * per_share, bar.width() - 1)
        x = bar.right() - tick if mirrored else bar.left() + tick
        painter.setPen(QPen(self._theme.colour("tick"), 1.6))
        painter.drawLine(QPointF(x, bar.top() - 2.5), QPointF(x, bar.bottom() + 2.5))

    def _paint_filled(self, painter: QPainter, bar: QRectF, row: Row, length: float, mirrored: bool) -> None:
        if length <= 0:
            return
        left = bar.right() - length if mirrored else bar.left()
        filled = QRectF(left, bar.top(), length, bar.height())
        radius = min(2.5, length / 2)
        if row.text == "outside":
            amber = self._theme.colour("warn")
            amber.setAlpha(70)
            painter.setBrush(amber)
            painter.drawRoundedRect(filled, radius, radius)
            painter.setBrush(QBrush(self._theme.colour("warn"), Qt.BrushStyle.BDiagPattern))
        else:
            painter.setBrush(density_colour(row.density))
        painter.drawRoundedRect(filled, radius, radius)

    def _paint_beyond(self, painter: QPainter, bar: QRectF, mirrored: bool) -> None:
        """Two notches at the end of a bar that would be longer than there is room."""
        for offset in (5.0, 9.0):
            x = bar.left() + offset if mirrored else bar.right() - offset
            painter.setPen(QPen(self._theme.colour("panel"), 1.6))
            painter.drawLine(QPointF(x - 1.5, bar.bottom() + 1), QPointF(x + 1.5, bar.top() - 1))


# Share over area, and its colour: purple below what is uniform, orange well above; ordered by lightness as well as hue.
DENSITY_COLOURS: Final = ((0.0, "#6a3d8f"), (1.0, "#a53c86"), (2.0, "#dc5a35"), (3.5, "#f59b23"), (6.0, "#fcc548"))


def density_colour(density: float) -> QColor:
    """Colour of a density, between the steps of the table."""
    for (low, first), (high, second) in pairwise(DENSITY_COLOURS):
        if density <= high:
            part = max(density - low, 0.0) / (high - low)
            a, b = QColor(first), QColor(second)
            return QColor.fromRgbF(
                a.redF() + part * (b.redF() - a.redF()),
                a.greenF() + part * (b.greenF() - a.greenF()),
                a.blueF() + part * (b.blueF() - a.blueF()),
            )
    return QColor(DENSITY_COLOURS[-1][1])


def paint_diamond(painter: QPainter, centre: QPointF, colour: QColor, radius: float = 3.2) -> None:
    """The mark of an expected region."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    x, y = centre.x(), centre.y()
    painter.drawPolygon(
        [QPointF(x, y - radius), QPointF(x + radius, y), QPointF(x, y + radius), QPointF(x - radius, y)]
    )
