"""The last minute of one face: class probabilities as lines, the mouth's share of relevance as a filled band."""

from collections import deque
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.elapsed import Elapsed
from core.geometry import Floats
from core.types import FaceResult

WINDOW_S: Final = 60.0
MAX_SAMPLES: Final = 3600  # a minute at 60 Hz
MAX_POINTS: Final = 500  # more than the chart has room for; antialiased lines cost by the point
WORTH_SHOWING: Final = 0.10  # a class that never rose above this stays out of the chart
MOUTH: Final = ("upper_lip", "lower_lip")


class History:
    """Samples of every face, by id, in the order in which they were seen. A gap in a track stays a gap."""

    def __init__(self) -> None:
        self._samples: dict[int, deque[tuple[float, Floats, float]]] = {}
        self._elapsed = Elapsed()

    def add(self, timestamp_s: float, faces: tuple[FaceResult, ...]) -> None:
        """Take one frame's faces."""
        now_s = self._elapsed.add(timestamp_s)
        for face in faces:
            if face.prediction is None:
                continue
            track = self._samples.setdefault(face.observation.face_id, deque(maxlen=MAX_SAMPLES))
            track.append((now_s, face.prediction.probabilities, mouth_share(face)))
        for face_id in [key for key, track in self._samples.items() if track[-1][0] < now_s - WINDOW_S]:
            del self._samples[face_id]

    def of(self, face_id: int) -> tuple[Floats, Floats, Floats]:
        """Seconds before now (<= 0) [n], probabilities [n, classes] and mouth share [n, NaN: no map] of a face."""
        now_s = self._elapsed.now_s
        track = [sample for sample in self._samples.get(face_id, ()) if sample[0] >= now_s - WINDOW_S]
        if not track:
            return np.zeros(0, np.float32), np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
        stride = -(-len(track) // MAX_POINTS)
        track = track[::-stride][::-1]  # counted from the newest, which must be shown
        times, probabilities, mouth = zip(*track, strict=True)
        return (np.array(times) - now_s).astype(np.float32), np.stack(probabilities), np.array(mouth, np.float32)

    def clear(self) -> None:
        """Forget everything."""
        self._samples.clear()
        self._elapsed.clear()


def mouth_share(face: FaceResult) -> float:
    """Share of the positive relevance in both lips; NaN without a map."""
    if face.regions is None:
        return float("nan")
    return float(sum(face.regions.shares[face.regions.regions.index(name)] for name in MOUTH))


class Strip(QFrame):
    """The chart with its legend."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stripFrame")
        self._theme = theme.DARK
        self._labels: tuple[str, ...] = ()
        self._curves: list[Any] = []
        self._legend = QLabel("")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setProperty("role", "quiet")
        self._axis_text = QLabel("last 60 s")
        self._axis_text.setProperty("role", "quiet")
        self._plot = pg.PlotWidget()
        self._set_up_plot()
        top = QHBoxLayout()
        top.setContentsMargins(16, 0, 16, 0)
        top.addWidget(self._legend, 1)
        top.addWidget(self._axis_text)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 8, 0, 6)
        whole.setSpacing(2)
        whole.addLayout(top)
        whole.addWidget(self._plot)
        self.setAccessibleName("Last minute")

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self._plot.setBackground(chosen.colour("panel"))
        axis_pen = pg.mkPen(chosen.colour("line"))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(axis_pen)
            axis.setTextPen(pg.mkPen(chosen.colour("muted")))
        self.set_labels(self._labels)

    def set_labels(self, labels: tuple[str, ...]) -> None:
        """Make one line per class."""
        self._labels = labels
        self._plot.clear()
        warm = self._theme.colour("warn")
        edge, fill = QColor(warm), QColor(warm)
        edge.setAlpha(110)
        fill.setAlpha(38)
        self._mouth = self._plot.plot(pen=pg.mkPen(edge, width=1), fillLevel=0.0, brush=fill, connect="finite")
        self._curves = [
            self._plot.plot(pen=pg.mkPen(self._theme.of_class(place), width=1.6), antialias=True, connect="finite")
            for place in range(len(labels))
        ]

    def show_history(self, history: History, face_id: int) -> None:
        """Draw the last minute of this face."""
        times, probabilities, mouth = history.of(face_id)
        shown = []
        for place, curve in enumerate(self._curves):
            worth = probabilities.shape[1:] == (len(self._labels),) and probabilities[:, place].max() >= WORTH_SHOWING
            curve.setVisible(bool(worth))
            if worth:
                curve.setData(times, probabilities[:, place])
                shown.append(place)
        self._mouth.setData(times, mouth) if len(times) else self._mouth.clear()
        self._show_legend(shown, bool(len(mouth)) and not bool(np.isnan(mouth).all()))

    def _show_legend(self, shown: list[int], with_mouth: bool) -> None:
        gap = "&nbsp;&nbsp;&nbsp;&nbsp;"
        parts = [
            f'<span style="color:{self._theme.of_class(place).name()}">━ {self._labels[place]}</span>'
            for place in shown
        ]
        if with_mouth:
            parts.append(f'<span style="color:{self._theme.warn}">▆ mouth’s share of relevance</span>')
        text = gap.join(parts) or "Probabilities of the face appear here."
        if text != self._legend.text():
            self._legend.setText(text)

    def _set_up_plot(self) -> None:
        plot = self._plot
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.setXRange(-WINDOW_S - 0.6, 0.6, padding=0)
        plot.setYRange(-0.07, 1.07, padding=0)
        plot.setFrameShape(QFrame.Shape.NoFrame)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.getPlotItem().setContentsMargins(8, 2, 16, 0)
        left, bottom = plot.getAxis("left"), plot.getAxis("bottom")
        left.setTicks([[(0, "0"), (0.5, ".5"), (1, "1")]])
        left.setWidth(34)
        plot.getPlotItem().getViewBox().setLimits(yMin=-0.12, yMax=1.12)
        bottom.setTicks([[(-60, "−60 s"), (-45, "−45"), (-30, "−30"), (-15, "−15"), (0, "now")]])
        bottom.setHeight(20)
        for axis in (left, bottom):
            axis.setStyle(tickFont=theme.font(10, tabular=True), tickLength=0, hideOverlappingLabels=False)
        plot.showGrid(y=True, alpha=0.25)
