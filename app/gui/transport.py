"""Play, pause, seek and step: the row under a video that is a file."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.gui import names, theme
from app.gui.session import SourceFacts


class SeekBar(QWidget):
    """Where in the file we are; a press or a drag asks for another place."""

    sought = Signal(float)  # seconds

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._duration_s = 0.0
        self._position_s = 0.0
        self._dragged_s: float | None = None
        self._hover_x: float | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(26)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Position in the file")

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_position(self, position_s: float, duration_s: float) -> None:
        """Show where we are; while a person drags, the bar stays under the pointer."""
        self._position_s, self._duration_s = position_s, max(duration_s, position_s)
        self.setAccessibleDescription(f"{names.clock(position_s, 0)} of {names.clock(self._duration_s, 0)}")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(300, 26)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        if event.button() == Qt.MouseButton.LeftButton:
            self._seek_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        self._hover_x = event.position().x()
        self.setToolTip(names.clock(self._time_at(self._hover_x)))
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek_to(event.position().x())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        self._dragged_s = None
        self.update()

    def leaveEvent(self, event: object) -> None:  # noqa: D102, N802 - Qt's name
        self._hover_x = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        groove = self._groove()
        painter.setBrush(self._theme.colour("track"))
        painter.drawRoundedRect(groove, 2.5, 2.5)
        shown = self._position_s if self._dragged_s is None else self._dragged_s
        x = groove.left() + groove.width() * (shown / self._duration_s if self._duration_s > 0 else 0)
        painter.setBrush(self._theme.colour("accent"))
        painter.drawRoundedRect(QRectF(groove.left(), groove.top(), x - groove.left(), groove.height()), 2.5, 2.5)
        if self._hover_x is not None and self._dragged_s is None:
            painter.setBrush(self._theme.colour("faint"))
            painter.drawRect(QRectF(self._hover_x - 0.5, groove.top() - 4, 1, groove.height() + 8))
        painter.setBrush(self._theme.colour("text"))
        painter.drawEllipse(QPointF(x, groove.center().y()), 6.5, 6.5)
        painter.end()

    def _groove(self) -> QRectF:
        return QRectF(7, self.height() / 2 - 2.5, max(self.width() - 14, 1), 5)

    def _time_at(self, x: float) -> float:
        groove = self._groove()
        return min(max((x - groove.left()) / groove.width(), 0.0), 1.0) * self._duration_s

    def _seek_to(self, x: float) -> None:
        self._dragged_s = self._time_at(x)
        self.sought.emit(self._dragged_s)
        self.update()


class Transport(QFrame):
    """The whole row. Emits intentions; shows what it is told."""

    toggled = Signal()
    stepped = Signal(int)  # -1 or +1
    sought = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self.back = self._button("Previous frame (Left)")
        self.play = self._button("Pause or go on (Space)")
        self.on = self._button("Next frame (Right)")
        self.bar = SeekBar()
        self.time = QLabel("0:00.000")
        self.time.setFont(theme.font(tabular=True))
        self.frame = QLabel("")
        self.frame.setFont(theme.font(12, tabular=True))
        self.frame.setProperty("role", "muted")
        self._playing = True
        self._facts: SourceFacts | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 16, 4)
        row.setSpacing(4)
        for widget in (self.back, self.play, self.on):
            row.addWidget(widget)
        row.addSpacing(8)
        row.addWidget(self.bar, 1)
        row.addSpacing(10)
        row.addWidget(self.time)
        row.addSpacing(8)
        row.addWidget(self.frame)
        self.back.clicked.connect(lambda: self.stepped.emit(-1))
        self.on.clicked.connect(lambda: self.stepped.emit(+1))
        self.play.clicked.connect(self.toggled)
        self.bar.sought.connect(self.sought)
        self.show_theme(theme.DARK)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.bar.show_theme(chosen)
        self.back.setIcon(theme.icon("step-back", chosen.colour("text"), 18))
        self.on.setIcon(theme.icon("step-forward", chosen.colour("text"), 18))
        self.show_playing(self._playing)

    def show_playing(self, playing: bool) -> None:
        """Show a pause sign while it plays, else a play sign."""
        self._playing = playing
        self.play.setIcon(theme.icon("pause" if playing else "play", self._theme.colour("accent"), 18))
        self.play.setAccessibleName("Pause" if playing else "Play")

    def show_facts(self, facts: SourceFacts) -> None:
        """Take length and frame count of a newly opened source; rows that cannot be sought in lose the bar."""
        self._facts = facts
        for widget in (self.bar, self.back):
            widget.setEnabled(facts.seekable)
        self.show_position(0.0, 0)

    def show_position(self, position_s: float, index: int) -> None:
        """Show time and frame number."""
        duration = (self._facts.duration_s if self._facts else None) or 0.0
        count = self._facts.frame_count if self._facts else None
        self.bar.show_position(position_s, duration)
        self.time.setText(f"{names.clock(position_s)} / {names.clock(duration)}" if duration else names.clock(position_s))
        self.frame.setText(f"frame {index}" + (f" of {count}" if count else ""))

    def _button(self, tip: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "bare")
        button.setToolTip(tip)
        button.setAccessibleName(tip.split(" (")[0])
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAutoDefault(True)
        return button
