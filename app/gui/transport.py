"""Play, pause, seek and step: the row under a video that is a file."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.gui import names, theme
from core.engine import EngineStatus


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
        self._status = EngineStatus("starting")
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
        self.bar.sought.connect(lambda position_s: self.sought.emit(position_s + self._status.start_s))
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

    def show_status(self, status: EngineStatus) -> None:
        """Take length, frame count and state of the source."""
        fresh = (status.seekable, status.duration_s) != (self._status.seekable, self._status.duration_s)
        self._status = status
        for widget in (self.bar, self.back):
            widget.setEnabled(status.seekable)
        if (status.state == "running") != self._playing:
            self.show_playing(status.state == "running")
        if fresh and status.position_s is not None:
            self.show_position(status.position_s, status.frame_index or 0)

    def show_position(self, timestamp_s: float, index: int) -> None:
        """Show time since the start of the file, and the frame's number from 1."""
        position, duration = timestamp_s - self._status.start_s, self._status.duration_s or 0.0
        self.bar.show_position(position, duration)
        self.time.setText(f"{names.clock(position)} / {names.clock(duration)}" if duration else names.clock(position))
        count = self._status.frame_count
        self.frame.setText(f"frame {index + 1}" + (f" of {count}" if count else ""))

    def _button(self, tip: str) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "bare")
        button.setToolTip(tip)
        button.setAccessibleName(tip.split(" (", maxsplit=1)[0])
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAutoDefault(True)
        return button
