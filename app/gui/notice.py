"""Plain sentences with a way on, over the video."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.gui import theme

Level = Literal["info", "warn", "error"]
MOST: Final = 3  # notices at a time; the oldest goes
SHORT_TICKS: Final = 60  # of the slow clock: how long a passing notice stays


@dataclass(frozen=True)
class Way:
    """A button: its text, and the id that comes back."""

    id: str
    text: str


@dataclass(frozen=True)
class Message:
    """A notice. A second one on the same topic takes the place of the first."""

    topic: str
    level: Level
    text: str
    ways: tuple[Way, ...] = ()
    passing: bool = False


class Notice(QFrame):
    """One message on the screen."""

    chosen = Signal(str)
    closed = Signal()

    def __init__(self, message: Message, chosen: theme.Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = message
        self.age_ticks = 0
        self.setObjectName("notice")
        self.setProperty("level", message.level)
        self._sign = QLabel()
        self._text = QLabel(message.text)
        self._text.setObjectName("noticeText")
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = self._button("", "bare")
        self._close.setAccessibleName("Close")
        self._close.setToolTip("Close (Esc)")
        self._close.clicked.connect(self.closed)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 9, 8, 9)
        row.setSpacing(10)
        row.addWidget(self._sign)
        row.addWidget(self._text, 1)
        self.buttons = {way.id: self._way(way, place == 0) for place, way in enumerate(message.ways)}
        for button in self.buttons.values():
            row.addWidget(button)
        row.addWidget(self._close)
        self.show_theme(chosen)
        self.setAccessibleName(message.text)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        colour = {"info": "accent", "warn": "warn", "error": "bad"}[self.message.level]
        sign = self.message.level
        self._sign.setPixmap(theme.pixmap(sign, chosen.colour(colour), 20, self.devicePixelRatioF()))
        self._close.setIcon(theme.icon("close", chosen.colour("muted"), 14))
        self._close.setIconSize(QSize(14, 14))

    def fitted_height(self, width: int) -> int:
        """Height at which the whole sentence can be read."""
        margins = 14 + 8 + 20 + self._close.sizeHint().width() + 10 * (2 + len(self.buttons))
        room = width - margins - sum(button.sizeHint().width() for button in self.buttons.values())
        metrics = QFontMetrics(self._text.font())
        flags = Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextWrapAnywhere
        text = metrics.boundingRect(0, 0, max(room - 12, 60), 2000, flags, self.message.text).height()
        return max(text, 30) + 22

    def _way(self, way: Way, first: bool) -> QPushButton:
        button = self._button(way.text, "primary" if first else "")
        button.clicked.connect(lambda: self.chosen.emit(way.id))
        return button

    def _button(self, text: str, kind: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("kind", kind)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAutoDefault(True)
        return button


class Notices(QWidget):
    """The stack of notices at the top of the video."""

    chosen = Signal(str, str)  # topic, id of the way
    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._notices: list[Notice] = []
        self.hide()

    @property
    def messages(self) -> Sequence[Message]:
        """What is on the screen, oldest first."""
        return tuple(notice.message for notice in self._notices)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        for notice in self._notices:
            notice.show_theme(chosen)

    def tell(self, message: Message) -> Notice:
        """Show a message."""
        self.drop(message.topic)
        while len(self._notices) >= MOST:
            self.drop(self._notices[0].message.topic)
        notice = Notice(message, self._theme, self)
        notice.closed.connect(lambda: self.drop(message.topic))
        notice.chosen.connect(lambda way: self._take(message, way))
        self._notices.append(notice)
        self._column.addWidget(notice)
        self._settle()
        return notice

    def drop(self, topic: str) -> bool:
        """Take a message away; False when there is none on that topic."""
        gone = [notice for notice in self._notices if notice.message.topic == topic]
        self._notices = [notice for notice in self._notices if notice not in gone]
        for notice in gone:
            self._column.removeWidget(notice)
            notice.hide()
            notice.deleteLater()
        self._settle()
        return bool(gone)

    def drop_newest(self) -> bool:
        """Take the newest message away; False when there is none."""
        return bool(self._notices) and self.drop(self._notices[-1].message.topic)

    def age(self) -> None:
        """One slow tick; passing notices go after a while."""
        for notice in list(self._notices):
            notice.age_ticks += 0 if notice.underMouse() else 1
            if notice.message.passing and notice.age_ticks >= SHORT_TICKS:
                self.drop(notice.message.topic)

    def fit(self, width: int) -> None:
        """Take this width, and the height that the sentences need."""
        for notice in self._notices:
            notice.setFixedHeight(notice.fitted_height(width))
        height = sum(notice.height() for notice in self._notices) + 6 * max(len(self._notices) - 1, 0)
        self.setFixedSize(width, height)

    def _take(self, message: Message, way: str) -> None:
        self.drop(message.topic)
        self.chosen.emit(message.topic, way)

    def _settle(self) -> None:
        self.setVisible(bool(self._notices))
        self.resized.emit()
