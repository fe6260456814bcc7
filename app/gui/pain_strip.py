"""The last minute of one face's score: its interval as a band, episodes above it, hatched what was not measurable."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import theme
from app.gui.pain_history import WINDOW_S, Sampled
from core.episodes import LONGEST_STEP_S
from core.pspi import MOST

LEFT_PX: Final = 46
RIGHT_PX: Final = 18
TOP_PX: Final = 18
BOTTOM_PX: Final = 20
REASON_PX: Final = 60  # width from which a hatched span says why
Span = tuple[float, float]  # from and to, s before now (<= 0)


class PainChart(QWidget):
    """Takes what is to be seen, in seconds before now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._samples: Sequence[Sampled] = ()
        self._now_s = 0.0
        self._episodes: Sequence[Span] = ()
        self._alarms: Sequence[tuple[float, bool]] = ()
        self._above = MOST
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(90)
        self.setAccessibleName("Score over the last minute")
        self.setToolTip(
            "Line: PSPI, 0 to 16. Band: its interval. Hatched: not measurable, with the reason.\n"
            "Bar above: an episode. Triangle: an alarm, hollow once it was acknowledged."
        )

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_track(
        self,
        samples: Sequence[Sampled],
        now_s: float,
        episodes: Sequence[Span],
        alarms: Sequence[tuple[float, bool]],
        above: float,
    ) -> None:
        """Show this face; `alarms` by time, each with whether it was acknowledged."""
        self._samples, self._now_s, self._episodes, self._alarms = samples, now_s, episodes, alarms
        self._above = above
        self.update()

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(600, 140)

    def spans(self) -> list[tuple[float, float, str]]:
        """Not measurable: from, to (s before now) and why."""
        found = []
        for run in _runs(self._samples):
            for reason, part in groupby(run, key=lambda each: each.reason):
                known = list(part)
                if reason is not None:
                    end = next((each.at_s for each in run if each.at_s > known[-1].at_s), known[-1].at_s)
                    found.append((known[0].at_s - self._now_s, end - self._now_s, reason))
        return found

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_grid(painter)
        painter.save()
        painter.setClipRect(self._plot().adjusted(-1, -TOP_PX, 8, 1))
        self._paint_unmeasured(painter)
        for run in _runs(self._samples):
            for measured, part in groupby(run, key=lambda each: each.score is not None):
                if measured:
                    self._paint_curve(painter, list(part))
        self._paint_episodes(painter)
        painter.restore()
        painter.end()

    def _plot(self) -> QRectF:
        return QRectF(LEFT_PX, TOP_PX, self.width() - LEFT_PX - RIGHT_PX, self.height() - TOP_PX - BOTTOM_PX)

    def _x(self, before_s: float) -> float:
        plot = self._plot()
        return plot.right() + plot.width() * before_s / WINDOW_S

    def _y(self, score: float) -> float:
        plot = self._plot()
        return plot.bottom() - plot.height() * score / MOST

    def _paint_grid(self, painter: QPainter) -> None:
        plot, line, muted = self._plot(), self._theme.colour("line"), self._theme.colour("muted")
        painter.setFont(theme.font(10, tabular=True))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value in (0, 4, 8, 12, 16):
            y = self._y(value)
            painter.setPen(QPen(line, 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(muted)
            painter.drawText(QRectF(0, y - 8, LEFT_PX - 8, 16), right, str(value))
        for before_s, text in ((-60, "−60 s"), (-45, "−45"), (-30, "−30"), (-15, "−15"), (0, "now")):
            place = QRectF(self._x(before_s) - 24, plot.bottom() + 3, 48, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(QPen(self._theme.colour("warn"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(plot.left(), self._y(self._above)), QPointF(plot.right(), self._y(self._above)))

    def _paint_unmeasured(self, painter: QPainter) -> None:
        plot = self._plot()
        ink = self._theme.colour("muted")
        ink.setAlpha(110)
        font = theme.font(10)
        metrics = QFontMetricsF(font)
        for start, end, reason in self.spans():
            span = QRectF(self._x(start), plot.top(), max(self._x(end) - self._x(start), 1.5), plot.height())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QBrush(ink, Qt.BrushStyle.BDiagPattern))
            painter.drawRect(span)
            width = metrics.horizontalAdvance(reason) + 10
            if span.width() >= max(width + 4, REASON_PX):
                chip = QRectF(0, 0, width, 15)
                chip.moveCenter(span.center())
                painter.setBrush(self._theme.colour("panel"))
                painter.drawRoundedRect(chip, 4, 4)
                painter.setFont(font)
                painter.setPen(self._theme.colour("muted"))
                painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, reason)

    def _paint_curve(self, painter: QPainter, samples: Sequence[Sampled]) -> None:
        times = [self._x(each.at_s - self._now_s) for each in samples]
        upper = [QPointF(x, self._y(each.high)) for x, each in zip(times, samples, strict=True)]
        lower = [QPointF(x, self._y(each.low)) for x, each in zip(times, samples, strict=True)]
        line = [QPointF(x, self._y(each.score or 0.0)) for x, each in zip(times, samples, strict=True)]
        accent = self._theme.colour("accent")
        band = QColor(accent)
        band.setAlpha(48)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(band)
        painter.drawPolygon(QPolygonF([*upper, *reversed(lower)]))
        painter.setPen(QPen(accent, 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(line)

    def _paint_episodes(self, painter: QPainter) -> None:
        y = self._plot().top() - 6
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("warn"))
        for start, end in self._episodes:
            left = self._x(start)
            painter.drawRoundedRect(QRectF(left, y, max(self._x(end) - left, 3), 4), 2, 2)
        for before_s, acknowledged in self._alarms:
            paint_alarm_sign(painter, QPointF(self._x(before_s), y + 1), self._theme, 13, hollow=acknowledged)


def paint_alarm_sign(
    painter: QPainter, centre: QPointF, chosen: theme.Theme, size: float, hollow: bool = False
) -> None:
    """A triangle with an exclamation mark; hollow once somebody has seen to it."""
    half = size / 2
    shape = QPolygonF([centre + QPointF(0, -half), centre + QPointF(-half, half), centre + QPointF(half, half)])
    bad = chosen.colour("bad")
    pen = QPen(bad, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(chosen.colour("panel") if hollow else bad)
    painter.drawPolygon(shape)
    if not hollow:
        painter.setFont(theme.font(round(size * 0.62), QFont.Weight.Bold))
        painter.setPen(chosen.colour("panel"))
        painter.drawText(
            QRectF(centre.x() - half, centre.y() - half * 0.75, size, size), Qt.AlignmentFlag.AlignCenter, "!"
        )


def _runs(samples: Sequence[Sampled]) -> Iterator[list[Sampled]]:
    """Samples that follow each other, without those that were not seen between."""
    run: list[Sampled] = list(samples[:1])
    for before, here in pairwise(samples):
        if here.at_s - before.at_s > LONGEST_STEP_S or here.passage != before.passage:
            yield run
            run = []
        run.append(here)
    if run:
        yield run
