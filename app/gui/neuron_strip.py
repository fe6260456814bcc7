"""The activation of some filters over the last seconds, as lines."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.gui import names, theme
from app.gui.elapsed import Elapsed
from core.geometry import Floats

WINDOW_S: Final = 20.0
MAX_SAMPLES: Final = 1200  # twenty seconds at 60 Hz
GAP_S: Final = 0.5  # a face that was away for longer leaves a gap
MAX_POINTS: Final = 200  # more than the chart has room for; antialiased lines cost by the point
HEADROOM: Final = 1.25  # what is drawn above the full scale
FOOT: Final = -0.12  # below 0, so that its number has room
STEP: Final = 0.5  # by which the axis grows beyond
EMPTY: Final = "Pin a filter (P) to follow its activation here."


class Activity:
    """Every filter's strength in every frame of the last seconds, so that a filter just pinned has a past."""

    def __init__(self) -> None:
        self._elapsed = Elapsed()
        self._about: Hashable = None
        self._rows: Floats = np.zeros((0, 0), np.float32)
        self.clear()

    def add(self, about: Hashable, timestamp_s: float, strengths: Floats) -> None:
        """Take strengths [filters] of a frame; `about` names pack, layer and face: another one begins anew."""
        if about != self._about or strengths.shape != self._rows.shape[1:]:
            self.clear()
            self._about, self._rows = about, np.full((MAX_SAMPLES, len(strengths)), np.nan, np.float32)
        before_s, now_s = self._elapsed.now_s, self._elapsed.add(timestamp_s)
        if now_s == before_s:  # a picture that stands is read again
            self._rows[(self._count - 1) % MAX_SAMPLES] = strengths
            return
        if now_s - before_s > GAP_S and self._count:
            self._put(now_s - GAP_S / 2, np.nan)
        self._put(now_s, strengths)

    def of(self, channel: int) -> tuple[Floats, Floats]:
        """Seconds before now (<= 0) [n] and strength [n] of a filter; NaN in a gap."""
        count = min(self._count, MAX_SAMPLES)
        places = np.arange(self._count - count, self._count) % MAX_SAMPLES
        times = self._times[places] - self._elapsed.now_s if count else np.zeros(0)
        places, times = places[times >= -WINDOW_S], times[times >= -WINDOW_S]
        stride = -(-len(places) // MAX_POINTS) or 1
        kept = slice(None, None, -stride)  # counted from the newest, which must be shown
        return times[kept][::-1].astype(np.float32), self._rows[places[kept], channel][::-1]

    def clear(self) -> None:
        """Forget everything."""
        self._elapsed.clear()
        self._about, self._count = None, 0
        self._times: NDArray[np.float64] = np.zeros(MAX_SAMPLES)

    def _put(self, time_s: float, strengths: Floats | float) -> None:
        place = self._count % MAX_SAMPLES
        self._times[place], self._rows[place] = time_s, strengths
        self._count += 1


@dataclass(frozen=True)
class Line:
    """One filter to follow; `full` is the activation at the full scale."""

    channel: int
    colour: str
    full: float
    name: str
    chosen: bool


class NeuronStrip(QFrame):
    """The chart with its legend. Lines are shares of each filter's own full scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("neuronStrip")
        self._theme = theme.DARK
        self._curves: list[Any] = []
        self._looks: list[tuple[str, bool]] = []  # colour and emphasis that each curve has
        self._top, self._signed = HEADROOM, False
        self._legend = QLabel(EMPTY)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._unit = QLabel("")
        for label in (self._legend, self._unit):
            label.setProperty("role", "quiet")
        self._legend.setMinimumWidth(60)
        self._plot = pg.PlotWidget()
        self._set_up_plot()
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 2, 0)
        head.addWidget(self._legend, 1)
        head.addWidget(self._unit)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 6, 0, 0)
        whole.setSpacing(2)
        whole.addLayout(head)
        whole.addWidget(self._plot, 1)
        self.setAccessibleName("Activation of pinned filters")

    @property
    def legend(self) -> str:
        """What is followed, as text."""
        return self._legend.text()

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self._plot.setBackground(chosen.colour("window"))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(chosen.colour("line")))
            axis.setTextPen(pg.mkPen(chosen.colour("muted")))
        self._looks = []

    def show_scale(self, unit: str, signed: bool) -> None:
        """Say what the full scale is, and whether there is anything below 0."""
        self._signed = signed
        self._unit.setText(unit)
        self._fit(HEADROOM)

    def show_lines(self, lines: Sequence[Line], activity: Activity) -> None:
        """Draw the last seconds of these filters."""
        self._dress(lines)
        top = HEADROOM
        for line, curve in zip(lines, self._curves, strict=True):
            times, strengths = activity.of(line.channel)
            shares = strengths / line.full
            curve.setData(times, shares)
            seen = np.abs(shares[np.isfinite(shares)])
            top = max(top, float(seen.max(initial=0)) * 1.04)
        if top > self._top or top < self._top - 2 * STEP:
            self._fit(HEADROOM if top == HEADROOM else STEP * float(np.ceil(top / STEP)))
        self._show_legend(lines)

    def _dress(self, lines: Sequence[Line]) -> None:
        """As many curves as lines, in their colours; the chosen one is thicker, and on top of the others."""
        looks = [(line.colour, line.chosen) for line in lines]
        if looks == self._looks:
            return
        self._looks = looks
        while len(self._curves) < len(lines):
            self._curves.append(self._plot.plot(antialias=True, connect="finite"))
        while len(self._curves) > len(lines):
            self._plot.removeItem(self._curves.pop())
        for line, curve in zip(lines, self._curves, strict=True):
            curve.setPen(pg.mkPen(QColor(line.colour), width=2.4 if line.chosen else 1.5))
            curve.setZValue(1 if line.chosen else 0)

    def _show_legend(self, lines: Sequence[Line]) -> None:
        parts = [f'<span style="color:{line.colour}">━ {line.name}</span>' for line in lines]
        text = "&nbsp;&nbsp;&nbsp; ".join(parts) or EMPTY
        if text != self._legend.text():
            self._legend.setText(text)

    def _fit(self, top: float) -> None:
        self._top = top
        self._plot.setYRange(-top if self._signed else FOOT, top, padding=0)
        marks = [-1.0, 0.0, 1.0] if self._signed else [0.0, 0.5, 1.0]
        marks += [float(mark) for mark in range(2, int(top) + 1)] if top < 6 else [float(int(top))]
        self._plot.getAxis("left").setTicks([[(mark, names.percent(mark).replace("-", "−")) for mark in marks]])

    def _set_up_plot(self) -> None:
        plot = self._plot
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.setXRange(-WINDOW_S, 0.25, padding=0)
        plot.setFrameShape(QFrame.Shape.NoFrame)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.getPlotItem().setContentsMargins(0, 2, 2, 0)
        left, bottom = plot.getAxis("left"), plot.getAxis("bottom")
        left.setWidth(44)
        bottom.setTicks([[(-20, "−20 s"), (-15, "−15"), (-10, "−10"), (-5, "−5"), (0, "now")]])
        bottom.setHeight(20)
        for axis in (left, bottom):
            axis.setStyle(tickFont=theme.font(10, tabular=True), tickLength=0, hideOverlappingLabels=False)
        plot.showGrid(y=True, alpha=0.25)
        self._fit(HEADROOM)
