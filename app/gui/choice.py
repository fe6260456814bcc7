"""Small controls that Qt does not have the way we want them: a drop-down with a quiet caret, and segments."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QColor,
    QFont,
    QFontMetrics,
    QIcon,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
)
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QPushButton, QWidget

Entry = tuple[str, str]  # key, text


class Choice(QPushButton):
    """A button that shows the chosen entry and opens the list of all."""

    chosen = Signal(str)

    def __init__(self, name: str, max_width: int = 170, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._menu = QMenu(self)
        self._group: QActionGroup | None = None
        self._key = ""
        self._text = ""
        self._max_width = max_width
        self.setProperty("kind", "choice")
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAutoDefault(True)
        self.clicked.connect(self.open_list)

    @property
    def key(self) -> str:
        """Key of the chosen entry."""
        return self._key

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all entries, in the list's order."""
        return tuple(action.data() for action in self._menu.actions())

    def set_entries(self, entries: Sequence[Entry], icons: Sequence[QIcon] = ()) -> None:
        """Replace the list."""
        self._menu.clear()
        self._group = QActionGroup(self)
        for place, (key, text) in enumerate(entries):
            action = QAction(text, self._menu)
            action.setCheckable(True)
            action.setData(key)
            if icons:
                action.setIcon(icons[place])
            self._group.addAction(action)
            self._menu.addAction(action)
            action.triggered.connect(self._take_checked)
        self.show_key(self._key)

    def show_key(self, key: str, otherwise: str = "") -> None:
        """Show this entry as the chosen one, or another text where there is no such entry; emits nothing."""
        self._key = key
        self._text = otherwise or key
        for action in self._menu.actions():
            if action.data() == key:
                action.setChecked(True)
                self._text = action.text()
        if self._group and key not in self.keys and (checked := self._group.checkedAction()):
            self._group.setExclusive(False)
            checked.setChecked(False)
            self._group.setExclusive(True)
        metrics = self.fontMetrics()
        self.setText(metrics.elidedText(self._text, Qt.TextElideMode.ElideRight, self._max_width - 38))
        self.setToolTip(f"{self.accessibleName()}: {self._text}")
        self.updateGeometry()

    def open_list(self) -> None:
        """Open the list above or below, where there is room."""
        below = self.mapToGlobal(QPoint(0, self.height() + 4))
        above = self.mapToGlobal(QPoint(0, -self._menu.sizeHint().height() - 4))
        screen = self.screen().availableGeometry()
        fits = below.y() + self._menu.sizeHint().height() <= screen.bottom()
        self._menu.popup(below if fits else above)

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        hint = super().sizeHint()
        return QSize(min(hint.width() + 14, self._max_width), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().paintEvent(event)
        painter = QPainter(self)
        paint_caret(painter, QRect(self.width() - 20, 0, 10, self.height()), self.palette().buttonText().color())
        painter.end()

    def _take_checked(self) -> None:
        action = self._group.checkedAction() if self._group else None
        if action is not None and action.data() != self._key:
            self.show_key(action.data())
            self.chosen.emit(self._key)


class Segments(QWidget):
    """A few entries side by side, one of them on."""

    chosen = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all entries."""
        return tuple(self._buttons)

    def button(self, key: str) -> QPushButton:
        """The button of an entry."""
        return self._buttons[key]

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Fill the row; done once."""
        for place, (key, text) in enumerate(entries):
            button = QPushButton(text)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAutoDefault(True)
            side = "only" if len(entries) == 1 else {0: "first", len(entries) - 1: "last"}.get(place, "middle")
            button.setProperty("segment", side)
            button.clicked.connect(self._take_checked)
            self._group.addButton(button)
            self._buttons[key] = button
            self._row.addWidget(button)

    def changeEvent(self, event: QEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._keep_texts_whole()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().showEvent(event)
        self._keep_texts_whole()

    def _keep_texts_whole(self) -> None:
        """Room for every text as the style sheet writes the one that is on: bold, which Qt's own hint leaves out."""
        for button in self._buttons.values():
            bold = QFont(button.font())
            bold.setWeight(QFont.Weight.DemiBold)
            plain_px = QFontMetrics(button.font()).horizontalAdvance(button.text())
            wider_px = QFontMetrics(bold).horizontalAdvance(button.text()) - plain_px
            button.setMinimumWidth(button.sizeHint().width() + max(wider_px, 0))

    def show_key(self, key: str) -> None:
        """Show this entry as the one that is on, or none; emits nothing."""
        self._group.setExclusive(False)  # else the last one could not be switched off
        for each, button in self._buttons.items():
            button.setChecked(each == key)
        self._group.setExclusive(True)

    def _take_checked(self) -> None:
        for key, button in self._buttons.items():
            if button.isChecked():
                self.chosen.emit(key)


def paint_caret(painter: QPainter, rect: QRect, colour: QColor) -> None:
    """A small arrow downwards in the middle of a rectangle."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    middle = rect.center()
    x, y = middle.x() + 0.5, middle.y() + 0.5
    painter.drawPolyline(
        [QPoint(round(x - 4), round(y - 2)), QPoint(round(x), round(y + 2)), QPoint(round(x + 4), round(y - 2))]
    )
