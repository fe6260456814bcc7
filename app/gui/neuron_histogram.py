"""How high a filter's maximum is where its action unit is there, and where it is not; and how high it is now."""

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import theme
from core.geometry import Floats
from core.neurons import LayerAtlas

HEIGHT_PX: Final = 92
WORDS_PX: Final = 18
SLACK: Final = 1e-9


class NeuronHistogram(QWidget):
    """Two outlines over one axis, and a line at the present activation."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._unit = 0
        self._edges: Floats = np.zeros(2, np.float32)
        self._present: Floats = np.zeros(1, np.float32)
        self._absent: Floats = np.zeros(1, np.float32)
        self._value = 0.0
        self.setFixedHeight(HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Maxima with and without the action unit")
        self.setToolTip("Share of the atlas's pictures by the filter's maximum. The line is the face on screen")

    @property
    def unit(self) -> int:
        """The action unit shown; 0 for none."""
        return self._unit

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_filter(self, known: LayerAtlas | None, channel: int) -> None:
        """Show the histograms of the filter's first unit; nothing where it has none."""
        unit = 0 if known is None else int(known.units[channel, 0])
        if known is not None and unit:
            self._edges, self._present, self._absent = (
                known.edges[channel],
                known.present[channel, 0],
                known.absent[channel, 0],
            )
        self._unit = unit
        self.update()

    def show_value(self, activation: float) -> None:
        """Mark the present activation."""
        if activation != self._value:
            self._value = activation
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        if not self._unit:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plot = QRectF(0.5, WORDS_PX, self.width() - 1.0, self.height() - WORDS_PX - 1.5)
        top = max(float(self._present.max()), float(self._absent.max()), SLACK)
        self._paint_outline(painter, plot, self._absent / top, self._theme.muted, 50)
        self._paint_outline(painter, plot, self._present / top, self._theme.accent, 70)
        painter.setPen(QPen(self._theme.colour("line"), 1.0))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        x = plot.left() + plot.width() * float(np.clip(self._share(self._value), 0, 1))
        painter.setPen(QPen(self._theme.colour("text"), 1.6))
        painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        painter.setFont(theme.font(11))
        words = QRectF(0, 0, self.width(), WORDS_PX - 2)
        painter.setPen(self._theme.colour("accent"))
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft, f"with AU {self._unit}")
        painter.setPen(self._theme.colour("muted"))
        painter.drawText(words, Qt.AlignmentFlag.AlignRight, "without")
        painter.end()

    def _share(self, value: float) -> float:
        low, high = float(self._edges[0]), float(self._edges[-1])
        return (value - low) / max(high - low, SLACK)

    def _paint_outline(self, painter: QPainter, plot: QRectF, heights: Floats, colour: str, alpha: int) -> None:
        points = [plot.bottomLeft()]
        for left, right, height in zip(self._edges[:-1], self._edges[1:], heights, strict=True):
            y = plot.bottom() - plot.height() * float(height)
            points += [QPointF(plot.left() + plot.width() * self._share(float(edge)), y) for edge in (left, right)]
        points.append(plot.bottomRight())
        fill = QColor(colour)
        fill.setAlpha(alpha)
        painter.setPen(QPen(QColor(colour), 1.4))
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(points))
