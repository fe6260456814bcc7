"""The second road on the page of pain: what the network itself reads, beside the score, and whether both agree."""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.gui import names, theme
from app.gui.bars import BAR_PX, LEFT, RIGHT
from app.gui.pain_bars import PART_NAME_PX, ROW_PX, VALUE_PX, PaintedRows
from core.action_units.units import MAX
from core.pain_network import POINTS
from core.pspi import MOST, Score
from core.types import NetworkPain

TOTAL: Final = "network’s score"
PARTS: Final = ("brow lowered", "cheeks or eyes", "nose or upper lip", "eyes closed")
NOTE: Final = (
    "Read by the network, which was taught by these estimates: not independent evidence. Bars: network. Upright marks "
    "and band: our score by the norm and its interval, since the network knows no neutral face. "
)
NO_PLACES: Final = "Regions are not compared in this frame."


class RoadBars(PaintedRows):
    """The network's score and its parts in points, each with a mark where ours is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Pain by the network, points", parent)
        self._network: NetworkPain | None = None
        self.setToolTip(
            "What the network's own head reads, in points: its sum, 0 to 16, and its parts, 0 to 5, closed eyes\n"
            "0 to 1. It sees this frame alone, and holds the face against the population's norm."
        )

    def show_network(self, network: NetworkPain | None) -> None:
        """Show what it reads; None where there is nothing."""
        self._network = network
        self.describe()

    def rows(self) -> list[tuple[str, float]]:
        """The sum, then the parts."""
        if self._network is None:
            return []
        parts = (POINTS * self._network.parts).tolist()
        return [(TOTAL, self._network.pspi), *zip(PARTS, parts, strict=True)]

    def height_px(self) -> int:
        """One row for the sum, one per part."""
        return ROW_PX * (1 + len(PARTS))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        if self._network is None:
            return
        score = self._network.agreement.by_norm
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room = self.width() - PART_NAME_PX - VALUE_PX
        ours = (score.pspi, *(part.value for part in score.parts))
        scales = (MOST, MAX, MAX, MAX, 1.0)
        for place, ((text, value), own, most) in enumerate(zip(self.rows(), ours, scales, strict=True)):
            y = place * ROW_PX
            self.paint_text(painter, QRectF(0, y, PART_NAME_PX - 8, ROW_PX), text, LEFT)
            length = room / MAX if most == 1.0 else room
            bar = QRectF(PART_NAME_PX, y + (ROW_PX - BAR_PX) / 2, length, BAR_PX)
            self.paint_bar(painter, bar, value / most, self.theme.colour("faint"))
            if place == 0:
                self._paint_interval(painter, bar, score)
            self._paint_mark(painter, bar, own / most)
            self.paint_text(painter, QRectF(self.width() - VALUE_PX, y, VALUE_PX, ROW_PX), f"{value:.1f}", RIGHT)
        painter.end()

    def _paint_interval(self, painter: QPainter, bar: QRectF, score: Score) -> None:
        low, high = (bar.left() + bar.width() * value / MOST for value in (score.low, score.high))
        band = self.theme.colour("accent")
        band.setAlpha(95)
        painter.fillRect(QRectF(low, bar.top() - 3, max(high - low, 2), bar.height() + 6), band)

    def _paint_mark(self, painter: QPainter, bar: QRectF, share: float) -> None:
        x = bar.left() + bar.width() * min(max(share, 0.0), 1.0)
        painter.setPen(QPen(self.theme.colour("text"), 1.6))
        painter.drawLine(QPointF(x, bar.top() - 3), QPointF(x, bar.bottom() + 3))


class SecondRoad(QWidget):
    """A section of the panel: bars, where both come from, and a button that shows the network's map on the face."""

    map_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        heading = QLabel("SECOND ROAD")
        heading.setProperty("role", "heading")
        self.map = QPushButton("Heatmap")
        self.map.setCheckable(True)
        self.map.setToolTip("Show on the face which pixels the network's score comes from (LRP), or the reasons above")
        self.map.setStyleSheet("padding: 1px 8px; font-size: 11px; min-height: 14px;")
        self.map.toggled.connect(self.map_wanted)
        self.bars = RoadBars()
        self.note = QLabel("")
        self.note.setWordWrap(True)
        self.note.setProperty("role", "quiet")
        head = QHBoxLayout()
        head.addWidget(heading)
        head.addStretch(1)
        head.addWidget(self.map)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 7, 0, 0)
        column.setSpacing(5)
        column.addLayout(head)
        column.addWidget(self.bars)
        column.addWidget(self.note)
        self.hide()

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self.bars.show_theme(chosen)

    def show_network(self, network: NetworkPain | None) -> None:
        """Show what it reads; nothing where the pack reads no pain, or nothing is measurable."""
        self.setVisible(network is not None)
        self.bars.show_network(network)
        self.note.setText("" if network is None else NOTE + places_text(network))


def agreement_text(network: NetworkPain) -> str:
    """Whether both roads agree, with a sign, on one line or two."""
    agreement = network.agreement
    if agreement.agrees:
        ours = agreement.by_norm.pspi  # which is not the score that is shown where that goes by an own neutral face
        return f"✓ Second road agrees: the network reads {network.pspi:.1f}, we {ours:.1f} by the norm."
    where = "above" if agreement.beyond > 0 else "below"
    return (
        f"⚠ Second road disagrees: the network reads {agreement.reads}, {network.pspi:.1f}, "
        f"{abs(agreement.beyond):.1f} {where} the interval of our score by the norm."
    )


def places_text(network: NetworkPain) -> str:
    """How alike the regions are that both rest on."""
    alike = network.agreement.regions
    return NO_PLACES if alike is None else f"Regions of both: rank correlation {names.number(alike, 2)}."
