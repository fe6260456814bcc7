"""The panel beside the filters: the face with their places, and all about the chosen one."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.look_panel import MARGIN_PX, NARROW_PX, WIDTH_PX, LookPanel, say
from app.gui.map_colours import Shades
from app.gui.map_view import SIDE_PX, Mark
from app.gui.neuron_grid import Neuron, grey_pixmap
from app.gui.neuron_histogram import NeuronHistogram
from core.geometry import Floats
from core.types import FaceResult, Frame

OPACITY: Final = 0.5  # of the map: the face is to be seen through it
OTHERS_PX: Final = 340  # height of everything but the face and the patterns
LEAST_PX: Final = 150  # side of the face
LOW_PX: Final = 600  # panels below this height do without the histogram
GAP_PX: Final = 10
MOST: Final = 4  # patterns of a filter that are shown


class Square(QWidget):
    """Patterns in a square, or a sentence."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._patterns: NDArray[np.uint8] | None = None
        self._drawn: list[QPixmap] = []
        self._text = ""
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def text(self) -> str:
        """What is said in place of patterns."""
        return self._text

    @property
    def patterns(self) -> NDArray[np.uint8] | None:
        """What is shown, grey uint8 [shown, p, p]."""
        return self._patterns

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_patterns(self, patterns: NDArray[np.uint8]) -> None:
        """Show these, grey uint8 [shown, p, p]: one alone, or four."""
        count = MOST if len(patterns) >= MOST else 1
        self._patterns, self._text, self._drawn = patterns[:count], "", []
        self.update()

    def show_text(self, text: str) -> None:
        """Say why there is no pattern."""
        if text != self._text or self._patterns is not None:
            self._patterns, self._text, self._drawn = None, text, []
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        if self._patterns is None:
            painter.fillRect(self.rect(), self._theme.colour("field"))
            painter.setPen(self._theme.colour("muted"))
            painter.setFont(theme.font(11))
            words = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(6, 4, -6, -4), words, self._text)
        else:
            across = 2 if len(self._patterns) == MOST else 1
            side = self.width() // across
            if not self._drawn:
                self._drawn = [grey_pixmap(each, side, self.devicePixelRatioF()) for each in self._patterns]
            for number, drawn in enumerate(self._drawn):
                painter.drawPixmap(QRect((number % across) * side, (number // across) * side, side, side), drawn)
        painter.setPen(self._theme.colour("line"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


class NeuronPanel(LookPanel):
    """Shows the chosen filter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Keep this filter first and follow it in the chart (P or Enter)", parent)
        self.view.setMinimumSize(120, 120)
        self.unit = QLabel("")
        self.unit.setWordWrap(True)
        self.looks_for, self.now = Square("What the filter looks for"), Square("What drives the filter in this face")
        self.looks_for.setToolTip("By which pixels its strongest maxima over the atlas's pictures came about")
        self.now.setToolTip("By which pixels its maximum in this face came about, at the dashed square")
        self.histogram = NeuronHistogram()
        self._below = QWidget()
        self._lay_out()
        self.fit(False, 0)
        self.show_nothing("")

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        for part in (self.view, self.looks_for, self.now, self.histogram):
            part.show_theme(chosen)

    def fit(self, narrow: bool, height_px: int) -> None:
        """Leave more room to the filters where the page is narrow, and do without what there is no height for."""
        width = NARROW_PX if narrow else WIDTH_PX
        inner = width - 2 * MARGIN_PX
        self.setFixedWidth(width)
        side = (inner - GAP_PX) // 2
        self.view.setFixedHeight(min(inner, SIDE_PX, max(height_px - OTHERS_PX - side, LEAST_PX)))
        for part in (self.looks_for, self.now):
            part.setFixedSize(side, side)
        self.histogram.setVisible(height_px >= LOW_PX)

    def show_nothing(self, text: str) -> None:
        """There is no face, or no layer; say why."""
        super().show_nothing(text)
        self._below.hide()

    def show_map(self, frame: Frame, face: FaceResult, values: Floats, shades: Shades) -> None:
        """Lay the chosen filter's map [height, width] over the face; a single unit would only tint it."""
        self.view.show_map(frame, face.crop, values, shades, True, OPACITY if values.size > 1 else 0.0)

    def show_marks(self, marks: Sequence[Mark], seen: QRectF | None) -> None:
        """Mark the maxima on the face, and the square that the chosen one sees."""
        self.view.show_marks(marks, seen)

    def show_numbers(self, face: FaceResult, title: str, pinned: bool, neuron: Neuron, facts: str, unit: str) -> None:
        """Say which filter that is, what it follows, how strong it is and where."""
        self.show_chosen(face, title, pinned)
        say(self.unit, unit)
        say(self.facts, facts)
        self.histogram.show_value(neuron.activation)
        self._below.show()

    def _lay_out(self) -> None:
        pictures = QHBoxLayout()
        pictures.setSpacing(GAP_PX)
        for title, square in (("Looks for", self.looks_for), ("In this face now", self.now)):
            label = QLabel(title)
            label.setProperty("role", "quiet")
            cell = QVBoxLayout()
            cell.setSpacing(4)
            cell.addWidget(label)
            cell.addWidget(square)
            pictures.addLayout(cell)
        below = QVBoxLayout(self._below)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(8)
        below.addLayout(self.head())
        for part in (self.facts, self.unit):
            below.addWidget(part)
        below.addLayout(pictures)
        below.addWidget(self.histogram)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN_PX, 14, MARGIN_PX, 10)
        column.setSpacing(8)
        for widget in (self.tabs, self.face, self.view, self._below):
            column.addWidget(widget)
        column.addStretch(1)
