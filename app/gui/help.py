"""The overlay with every key, made from the table of commands."""

from typing import Final

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.gui.actions import COMMANDS, MENUS, Command

COLUMNS: Final = (("Source", "Playback", "Help"), ("Explanation",), ("View", "Layers", "Face"), ("Pain", "Verify"))

KEYS_PX: Final = 72
SIGNS: Final = (("Right", "→"), ("Left", "←"))
HEADINGS: Final = {"Layers": "Layers, neurons (there)"}  # where keys have another use elsewhere


class Help(QWidget):
    """Dims the window and lists the keys; any click or key away closes it."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        card = self._card = QFrame(self)
        card.setObjectName("help")
        title = QLabel("Keys")
        title.setProperty("role", "title")
        columns = QHBoxLayout()
        columns.setSpacing(18)
        for menus in COLUMNS:
            column = QVBoxLayout()
            column.setSpacing(16)
            for menu in menus:
                column.addLayout(_group(menu))
            column.addStretch(1)
            columns.addLayout(column)
        self._body = QWidget()
        self._body.setObjectName("popoverBody")
        whole = QVBoxLayout(self._body)
        whole.setContentsMargins(24, 20, 24, 22)
        whole.setSpacing(16)
        whole.addWidget(title)
        whole.addLayout(columns)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("popoverScroll")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(self._body)
        around = QVBoxLayout(card)
        around.setContentsMargins(1, 1, 1, 1)
        around.addWidget(self._scroll)
        self.hide()

    def fit(self, rect: QRect) -> None:
        """Cover this rectangle, with the list in its middle."""
        self.setGeometry(rect)
        for part in self._body.findChildren(QWidget):
            part.ensurePolished()  # a key has its size from the style sheet, which counts once it was shown
            part.updateGeometry()
        self._body.setMinimumSize(self._body.sizeHint())  # what does not fit is scrolled to, not squeezed
        needed = self._body.sizeHint() + QSize(4, 4)
        if needed.height() > rect.height():
            needed += QSize(self._scroll.verticalScrollBar().sizeHint().width(), 0)
        size = needed.boundedTo(rect.size())
        self._card.setGeometry(
            (rect.width() - size.width()) // 2, (rect.height() - size.height()) // 2, size.width(), size.height()
        )

    def take_keys(self) -> None:
        """Let the arrow keys scroll."""
        self._scroll.setFocus()

    def texts(self) -> list[str]:
        """Every line, for whoever wants to read rather than look."""
        return [label.text() for label in self._card.findChildren(QLabel)]

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        if not self._card.geometry().contains(event.position().toPoint()):
            self.hide()
            self.closed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 150))
        painter.end()


def _group(menu: str) -> QGridLayout:
    assert menu in MENUS
    grid = QGridLayout()
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(6)
    heading = QLabel(HEADINGS.get(menu, menu).upper())
    heading.setProperty("role", "heading")
    grid.addWidget(heading, 0, 0, 1, 2)
    rows = [
        (command.text.rstrip("…"), _keys(command))
        for command in COMMANDS
        if command.menu == menu and command.id != "select_face"
    ]
    if menu == "Face":
        rows.insert(0, ("Face in the picture", ["1 – 9"]))
    if menu == "Layers":
        rows.insert(2, ("Choose a channel", ["← ↑ → ↓"]))
    for place, (text, keys) in enumerate(rows, start=1):
        cell = QHBoxLayout()
        cell.setSpacing(4)
        for key in keys:
            label = QLabel(key)
            label.setProperty("role", "key")
            cell.addWidget(label)
        cell.addStretch(1)
        grid.addLayout(cell, place, 0)
        grid.addWidget(QLabel(text), place, 1, Qt.AlignmentFlag.AlignVCenter)
    grid.setColumnMinimumWidth(0, KEYS_PX)
    grid.setColumnStretch(1, 1)
    return grid


def _keys(command: Command) -> list[str]:
    texts = [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in command.keys]
    for name, sign in SIGNS:
        texts = [text.replace(name, sign) for text in texts]
    return texts
