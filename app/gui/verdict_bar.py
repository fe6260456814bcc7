"""How the time is divided among the verdicts, as one bar; each part has a pattern of its own, never colour alone."""

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import theme
from core.verdict import Verdict

HEIGHT_PX: Final = 14
QUIET: Final = 0.5  # opacity of what is as it should be: the rest is to be seen first
# The order in which parts follow, and how each is filled: the theme's colour, and the pattern over it.
PARTS: Final[Mapping[Verdict, tuple[str, Qt.BrushStyle]]] = {
    Verdict.EXPECTED: ("good", Qt.BrushStyle.SolidPattern),
    Verdict.UNEXPECTED: ("warn", Qt.BrushStyle.SolidPattern),
    Verdict.OUTSIDE: ("warn", Qt.BrushStyle.BDiagPattern),
    Verdict.NO_EVIDENCE: ("muted", Qt.BrushStyle.Dense4Pattern),
    Verdict.NOTHING_EXPECTED: ("faint", Qt.BrushStyle.SolidPattern),
    Verdict.HIDDEN: ("faint", Qt.BrushStyle.Dense6Pattern),
    Verdict.NOT_EXPLAINED: ("track", Qt.BrushStyle.SolidPattern),
}


def paint_parts(painter: QPainter, rect: QRectF, shares: Mapping[Verdict, float], chosen: theme.Theme) -> None:
    """Fill a rectangle by the shares, which sum to 1 or to 0."""
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.fillRect(rect, chosen.colour("track"))
    left = rect.left()
    for verdict in PARTS:
        width = rect.width() * shares.get(verdict, 0.0)
        if width > 0:
            paint_sample(painter, QRectF(left, rect.top(), width, rect.height()), verdict, chosen)
        left += width
    painter.restore()


def paint_sample(painter: QPainter, rect: QRectF, verdict: Verdict, chosen: theme.Theme) -> None:
    """Fill a rectangle as a verdict's part is filled."""
    role, pattern = PARTS[verdict]
    colour = chosen.colour(role)
    colour.setAlphaF(QUIET if verdict is Verdict.EXPECTED else 1.0)
    if pattern is not Qt.BrushStyle.SolidPattern:
        painter.fillRect(rect, chosen.colour(f"{role}_soft") if role == "warn" else chosen.colour("track"))
    painter.fillRect(rect, QBrush(colour, pattern))


class Sample(QWidget):
    """A legend's square."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self._verdict = verdict
        self._theme = theme.DARK
        self.setFixedSize(14, HEIGHT_PX)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        paint_sample(painter, QRectF(self.rect()), self._verdict, self._theme)
        painter.setPen(QColor(self._theme.line))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


class VerdictBar(QWidget):
    """One bar over the whole width."""

    def __init__(self) -> None:
        super().__init__()
        self._theme = theme.DARK
        self._shares: Mapping[Verdict, float] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(400, 20)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_shares(self, shares: Mapping[Verdict, float]) -> None:
        """Show these, which sum to 1 or to 0."""
        self._shares = shares
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        paint_parts(painter, QRectF(self.rect()), self._shares, self._theme)
        painter.end()
