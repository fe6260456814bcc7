"""Painted parts of what is said about pain: the score on its scale, and bars of what it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import names, theme
from app.gui.bars import BAR_PX, CENTRE, LEFT, MIDDLE, RIGHT
from core.action_units import SIDES, UNITS, ActionUnits
from core.action_units.units import MAX
from core.blendshapes import Blendshapes
from core.pain import Why
from core.pspi import MOST, SEEN, PainReading, Part, Score
from core.pspi import UNITS as COUNTED
from core.relevance_dots import AGAINST, FOR

ROW_PX: Final = 21
NUMBER_PX: Final = 46
GAUGE_PX: Final = 10
VALUE_PX: Final = 38
UNIT_NAME_PX: Final = 138
PART_NAME_PX: Final = 158
REGION_NAME_PX: Final = 72
FULL_REGION: Final = 4.0  # points of the score that fill a whole row's bar
SHOWN_FROM: Final = 0.05  # points below are written as none
SIDED: Final = ("brow", "eye", "cheek")
SINGLE: Final = (  # rows of their own; all other regions of the face are one row, nothing that PSPI counts lies there
    ("glabella", ("glabella",)),
    ("nose", ("nose",)),
    ("mouth", ("upper_lip", "lower_lip")),
    ("elsewhere", ("forehead", "chin", "left_jaw", "right_jaw", "outside")),
)
FIRST_UNITS: Final = (*COUNTED, 12)  # those of the score, and the one that tells a laugh


class PaintedRows(QWidget):
    """Rows of bars, of a height that follows from their number."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme.DARK
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self.theme = chosen
        self.update()

    def rows(self) -> list[tuple[str, float]]:
        """What is shown: text and value."""
        return []

    def describe(self, digits: int = 1) -> None:
        """Tell whoever does not see the bars, and paint."""
        told = ", ".join(f"{text} {value:.{digits}f}" for text, value in self.rows())
        if told != self.accessibleDescription():
            self.setAccessibleDescription(told)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(300, self.height_px())

    def minimumSizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(240, self.height_px())

    def height_px(self) -> int:
        """Height that the rows take."""
        return ROW_PX

    def paint_bar(self, painter: QPainter, bar: QRectF, share: float, colour: QColor, mirrored: bool = False) -> None:
        """A track with a bar of this share of it, from the left or, mirrored, from the right."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("track"))
        painter.drawRoundedRect(bar, 2.5, 2.5)
        length = bar.width() * min(max(share, 0.0), 1.0)
        if length < 0.5:
            return
        left = bar.right() - length if mirrored else bar.left()
        painter.setBrush(colour)
        radius = min(2.5, length / 2)
        painter.drawRoundedRect(QRectF(left, bar.top(), length, bar.height()), radius, radius)

    def paint_text(
        self, painter: QPainter, rect: QRectF, text: str, side: Qt.AlignmentFlag, role: str = "text", px: int = 13
    ) -> None:
        """A word or a number in a row."""
        painter.setFont(theme.font(px, tabular=True))
        painter.setPen(self.theme.colour(role))
        painter.drawText(rect, side | MIDDLE, text)


class ScoreGauge(PaintedRows):
    """The score large, its interval and its scale; or in its place why there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Pain score", parent)
        self._reading: PainReading | None = None
        self._above = MOST
        self.setToolTip(
            "PSPI = AU4 + max(AU6, AU7) + max(AU9, AU10) + AU43, from 0 to 16 (Prkachin and Solomon 2008).\n"
            "Band: two standard deviations of what is known of the estimate's errors.\n"
            "Triangle: the score from which an episode starts. Quality is that of the worst condition, 0 to 1."
        )

    def show_reading(self, reading: PainReading | None, above: float) -> None:
        """Show a reading; `above` is where an episode starts."""
        self._reading, self._above = reading, above
        self.setAccessibleDescription(self.text())
        self.update()

    def text(self) -> str:
        """What is shown, in words."""
        reading = self._reading
        if reading is None:
            return ""
        if reading.score is None:
            return f"not measurable: {reading.reason}"
        score = reading.score
        return (
            f"PSPI {score.pspi:.1f} of 16, between {score.low:.1f} and {score.high:.1f}, quality {reading.quality:.2f}"
        )

    def height_px(self) -> int:
        """Number, gauge and its figures."""
        return 104

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        reading = self._reading
        if reading is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        number = "–" if reading.score is None else f"{reading.score.pspi:.1f}"
        painter.setFont(theme.font(NUMBER_PX, QFont.Weight.DemiBold, tabular=True))
        painter.setPen(self.theme.colour("text" if reading.score is not None else "muted"))
        painter.drawText(QRectF(-2, 0, 130, 58), LEFT | MIDDLE, number)
        left = painter.fontMetrics().horizontalAdvance(number) + 14
        beside = QRectF(left, 8, self.width() - left, 20)
        self.paint_text(painter, beside, "PSPI, 0 to 16", LEFT, "muted")
        self.paint_text(painter, beside, f"quality {reading.quality:.2f}", RIGHT, "muted", 12)
        if reading.score is None:
            self.paint_text(painter, beside.translated(0, 21), f"not measurable: {reading.reason}", LEFT, "warn", 14)
        else:
            interval = f"{reading.score.low:.1f} to {reading.score.high:.1f}"
            self.paint_text(painter, beside.translated(0, 21), interval, LEFT, "text", 15)
        self._paint_quality(painter, QRectF(self.width() - 64, 33, 64, 4), reading)
        self._paint_gauge(painter, reading)
        painter.end()

    def _paint_quality(self, painter: QPainter, bar: QRectF, reading: PainReading) -> None:
        if reading.score is not None:
            self.paint_bar(painter, bar, reading.quality, self.theme.colour("muted"))

    def _paint_gauge(self, painter: QPainter, reading: PainReading) -> None:
        bar = QRectF(1, 66, self.width() - 2, GAUGE_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("track"))
        painter.drawRoundedRect(bar, GAUGE_PX / 2, GAUGE_PX / 2)
        score = reading.score
        if score is not None:
            low, high = (_place(bar, value) for value in (score.low, score.high))
            band = self.theme.colour("accent")
            band.setAlpha(95)
            painter.setBrush(band)
            painter.drawRoundedRect(QRectF(low, bar.top(), max(high - low, 3), GAUGE_PX), GAUGE_PX / 2, GAUGE_PX / 2)
            x = _place(bar, score.pspi)
            painter.setBrush(self.theme.colour("text"))
            painter.drawRoundedRect(QRectF(x - 2, bar.top() - 4, 4, GAUGE_PX + 8), 2, 2)
        for value in (0, 4, 8, 12, 16):
            place = QRectF(_place(bar, value) - 20, bar.bottom() + 8, 40, 14)
            side = CENTRE
            if value in (0, 16):
                place.moveLeft(0 if value == 0 else self.width() - 40)
                side = LEFT if value == 0 else RIGHT
            self.paint_text(painter, place, str(value), side, "muted", 11)
        self._paint_threshold(painter, bar)

    def _paint_threshold(self, painter: QPainter, bar: QRectF) -> None:
        x, y = _place(bar, self._above), bar.bottom() + 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("warn"))
        painter.drawPolygon(QPolygonF([QPointF(x, y), QPointF(x - 4.5, y + 7), QPointF(x + 4.5, y + 7)]))


def _place(bar: QRectF, value: float) -> float:
    return bar.left() + bar.width() * min(max(value, 0.0), MOST) / MOST


class PartBars(PaintedRows):
    """What each term adds to the score; every bar has the same pixels per point."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What the score is made of", parent)
        self._parts: tuple[Part, ...] = ()
        self.setToolTip(
            "Each term of the score: the stronger of its action units, mean of both sides, 0 to 5;\n"
            "closed eyes count 0 or 1. They sum to the score."
        )

    def show_score(self, score: Score | None) -> None:
        """Show the parts of a score; None where there is none."""
        self._parts = () if score is None else score.shown()
        self.describe()

    def rows(self) -> list[tuple[str, float]]:
        """Words and points of each term."""
        return [(SEEN[part.au], part.value) for part in self._parts]

    def height_px(self) -> int:
        """One row per term."""
        return 4 * ROW_PX

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = self.width() - PART_NAME_PX - VALUE_PX
        for place, part in enumerate(self._parts):
            y, none = place * ROW_PX, part.value < SHOWN_FROM
            name = QRectF(0, y, PART_NAME_PX - 8, ROW_PX)
            self.paint_text(painter, name, SEEN[part.au], LEFT, "faint" if none else "text")
            self.paint_text(painter, name, f"AU {part.au}", RIGHT, "faint" if none else "muted", 11)
            most = 1.0 if place == len(self._parts) - 1 else MAX
            bar = QRectF(PART_NAME_PX, y + (ROW_PX - BAR_PX) / 2, room * most / MAX, BAR_PX)
            self.paint_bar(painter, bar, part.value / most, self.theme.colour("accent"))
            value = QRectF(self.width() - VALUE_PX, y, VALUE_PX, ROW_PX)
            self.paint_text(painter, value, f"{part.value:.1f}", RIGHT, "faint" if none else "text")
        painter.end()


class UnitBars(PaintedRows):
    """Action units, the person's right and left side apart."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Action units, right and left", parent)
        self._units: ActionUnits | None = None
        self._beside: Blendshapes | None = None
        self._all = False
        self.setToolTip(
            "Intensity of each action unit, 0 to 5, the person's right and left side.\n"
            "Those of the score, and AU 12, which tells a laugh; or all that are estimated.\n"
            "Upright marks, where MediaPipe's face landmarker is at hand: its nearest blendshape, 0 to 1 over the same "
            "length.\nA second opinion, made for avatars, that counts for nothing here."
        )

    def set_all(self, wanted: bool) -> None:
        """Show all units, or those that are read first."""
        self._all = wanted
        self.updateGeometry()
        self.describe()

    def show_units(self, units: ActionUnits | None, beside: Blendshapes | None = None) -> None:
        """Show these, None where nothing is measurable, and MediaPipe's blendshapes beside them."""
        self._units, self._beside = units, beside
        self.describe()

    def rows(self) -> list[tuple[str, float]]:
        """Right, then left side of each unit."""
        if self._units is None:
            return []
        sides = (("right", self._units.right), ("left", self._units.left))
        ours = [(f"{side} AU {UNITS[k].au}", float(values[k])) for k in self._places() for side, values in sides]
        theirs = [
            (f"{side} AU {au} by MediaPipe, 0 to 1,", value)
            for au, pair in self._opinions().items()
            for side, value in zip(SIDES, pair, strict=True)
        ]
        return ours + theirs

    def height_px(self) -> int:
        """One row per unit."""
        return ROW_PX * len(self._places())

    def _opinions(self) -> dict[int, tuple[float, float]]:
        """By unit that is shown: MediaPipe's blendshape on the right and the left."""
        if self._beside is None:
            return {}
        found = {UNITS[k].au: self._beside.of(UNITS[k].au) for k in self._places()}
        return {au: pair for au, pair in found.items() if pair is not None}

    def _places(self) -> Sequence[int]:
        return [k for k, unit in enumerate(UNITS) if self._all or unit.au in FIRST_UNITS]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        if self._units is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        opinions = self._opinions()
        for row, place in enumerate(self._places()):
            unit = UNITS[place]
            pair = float(self._units.right[place]), float(self._units.left[place])
            colour = self.theme.colour("accent" if unit.au in COUNTED else "faint")
            spans = _paint_pair(self, painter, row * ROW_PX, UNIT_NAME_PX, [f"{value:.1f}" for value in pair])
            for bar, value, mirrored in zip(spans, pair, (True, False), strict=True):
                self.paint_bar(painter, bar, value / MAX, colour, mirrored)
            for bar, share, mirrored in zip(spans, opinions.get(unit.au, ()), (True, False), strict=False):
                self._paint_opinion(painter, bar, share, mirrored)
            middle = QRectF(self.width() / 2 - UNIT_NAME_PX / 2, row * ROW_PX, UNIT_NAME_PX, ROW_PX)
            self.paint_text(painter, middle, f"{unit.au} {unit.name}", CENTRE, "text", 12)
        painter.end()

    def _paint_opinion(self, painter: QPainter, bar: QRectF, share: float, mirrored: bool) -> None:
        way = bar.width() * min(max(share, 0.0), 1.0)
        x = bar.right() - way if mirrored else bar.left() + way
        painter.setPen(QPen(self.theme.colour("text"), 1.6))
        painter.drawLine(QPointF(x, bar.top() - 3), QPointF(x, bar.bottom() + 3))


def _paint_pair(rows: PaintedRows, painter: QPainter, y: float, name_px: float, texts: Sequence[str]) -> list[QRectF]:
    """The numbers of a mirrored row, and where its bars lie: right side, left side."""
    middle = rows.width() / 2
    length = middle - VALUE_PX - name_px / 2
    rows.paint_text(painter, QRectF(0, y, VALUE_PX - 8, ROW_PX), texts[0], RIGHT)
    rows.paint_text(painter, QRectF(rows.width() - VALUE_PX, y, VALUE_PX, ROW_PX), texts[1], RIGHT)
    top = y + (ROW_PX - BAR_PX) / 2
    return [
        QRectF(middle - name_px / 2 - length, top, length, BAR_PX),
        QRectF(middle + name_px / 2, top, length, BAR_PX),
    ]


@dataclass(frozen=True)
class Place:
    """Regions shown in one row, and what they add to the score together."""

    text: str
    value: float


class PlaceBars(PaintedRows):
    """What each region of the face adds to the score, landmarks and skin together; blue takes away."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Where on the face the score comes from", parent)
        self._pairs: list[tuple[Place, Place]] = []
        self._singles: list[Place] = []
        self.setToolTip(
            "Points that each region adds to the score, landmarks and skin together (integrated gradients, exact).\n"
            "Blue, with a minus sign: it takes points away. Every bar has the same scale."
        )

    def show_why(self, why: Why | None) -> None:
        """Show where this score comes from; None where there is none."""
        of = {} if why is None else why.by_region()
        self._pairs = [(Place(text, of[f"right_{text}"]), Place(text, of[f"left_{text}"])) for text in SIDED if of]
        self._singles = [Place(text, sum(of[name] for name in regions)) for text, regions in SINGLE if of]
        self.describe()

    def rows(self) -> list[tuple[str, float]]:
        """Pairs first, right before left."""
        pairs = [
            (f"{side} {place.text}", place.value)
            for right, left in self._pairs
            for side, place in (("right", right), ("left", left))
        ]
        return pairs + [(place.text, place.value) for place in self._singles]

    def height_px(self) -> int:
        """One row per pair, and one per single region."""
        return ROW_PX * (len(SIDED) + len(SINGLE)) + 6

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, (right, left) in enumerate(self._pairs):
            spans = _paint_pair(
                self, painter, row * ROW_PX, REGION_NAME_PX, [points(each.value) for each in (right, left)]
            )
            for bar, place, mirrored in zip(spans, (right, left), (True, False), strict=True):
                self._paint_signed(painter, bar, place.value, mirrored)
            middle = QRectF(self.width() / 2 - REGION_NAME_PX / 2, row * ROW_PX, REGION_NAME_PX, ROW_PX)
            self.paint_text(painter, middle, right.text, CENTRE)
        for row, place in enumerate(self._singles, start=len(self._pairs)):
            y = row * ROW_PX + 6
            self.paint_text(painter, QRectF(0, y, 100, ROW_PX), place.text, LEFT)
            left_px = self.width() - self._whole_px() - VALUE_PX
            bar = QRectF(left_px, y + (ROW_PX - BAR_PX) / 2, self._whole_px(), BAR_PX)
            self._paint_signed(painter, bar, place.value)
            value = QRectF(self.width() - VALUE_PX, y, VALUE_PX, ROW_PX)
            self.paint_text(painter, value, points(place.value), RIGHT)
        painter.end()

    def _whole_px(self) -> float:
        return self.width() - 104 - VALUE_PX

    def _paint_signed(self, painter: QPainter, bar: QRectF, value: float, mirrored: bool = False) -> None:
        ink = QColor(*(FOR if value > 0 else AGAINST))
        self.paint_bar(painter, bar, abs(value) * self._whole_px() / FULL_REGION / bar.width(), ink, mirrored)


def points(value: float) -> str:
    """Points of the score with a real minus sign; what rounds to nothing is written without one."""
    return names.number(value, 1) if abs(value) >= SHOWN_FROM else "0.0"
