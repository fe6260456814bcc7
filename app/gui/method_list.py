"""Every method in one sheet: by family, in the table's order, with source and cost."""

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.gui.choice import Choice
from core.explain import Method

RELEVANCE: Final = "Layer-wise relevance"
MAPS: Final = "Class activation maps"
GRADIENTS: Final = "Gradients"
PERTURBATION: Final = "Perturbation"
FAMILIES: Final = (RELEVANCE, MAPS, GRADIENTS, PERTURBATION)
FURTHER: Final = {  # how the focus goes from key to key
    Qt.Key.Key_Down: True,
    Qt.Key.Key_Right: True,
    Qt.Key.Key_Up: False,
    Qt.Key.Key_Left: False,
}


def family(method: Method) -> str:
    """The heading that a method stands under."""
    if method.reading is None:
        return PERTURBATION
    if method.reading == "cam":
        return MAPS
    return GRADIENTS if method.biases is None else RELEVANCE


def description(method: Method) -> str:
    """What a tool tip says of a method."""
    conserves = "Its map sums to the score." if method.conserves else "Its map does not sum to the score."
    return f"{method.title}: {method.source}.\nCosts about {method.cost} the forward pass alone. {conserves}"


class MethodSheet(QFrame):
    """The sheet; it closes when a method is chosen, on Esc, and by a click elsewhere."""

    chosen = Signal(str)

    def __init__(self, methods: Mapping[str, Method], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("sheet")
        self.setAccessibleName("Methods")
        self.buttons: dict[str, QPushButton] = {}
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 14)
        whole.setSpacing(18)
        for title in FAMILIES:
            members = [method for method in methods.values() if family(method) == title]
            if members:
                whole.addLayout(self._column(title, members))

    def show_key(self, key: str) -> None:
        """Mark this method as the one in use."""
        for each, button in self.buttons.items():
            button.setChecked(each == key)

    def settle(self) -> None:
        """Take the size that everything needs; known only when the style has been put on."""
        for part in self.findChildren(QWidget):
            part.ensurePolished()
        for button in self.buttons.values():
            row = button.layout()
            assert row is not None
            row.invalidate()
            button.setMinimumSize(row.sizeHint())
        whole = self.layout()
        assert whole is not None
        whole.activate()
        self.resize(whole.totalSizeHint())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102, N802 - Qt's name
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.hide()
        elif key in FURTHER:
            self.focusNextPrevChild(FURTHER[key])
        else:
            super().keyPressEvent(event)

    def _column(self, title: str, members: list[Method]) -> QVBoxLayout:
        heading = QLabel(title.upper())
        heading.setProperty("role", "heading")
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(heading)
        column.addSpacing(4)
        for method in members:
            column.addWidget(self._entry(method))
        column.addStretch(1)
        return column

    def _entry(self, method: Method) -> QPushButton:
        button = QPushButton()
        button.setCheckable(True)
        button.setProperty("kind", "entry")
        button.setAutoDefault(True)
        button.setAccessibleName(method.title)
        button.setToolTip(description(method))
        name, cost = QLabel(method.title), QLabel(method.cost)
        cost.setProperty("role", "quiet")
        for label in (name, cost):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(button)
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(16)
        row.addWidget(name, 1)
        row.addWidget(cost)
        button.clicked.connect(lambda: self._take(method.key))
        self.buttons[method.key] = button
        return button

    def _take(self, key: str) -> None:
        self.hide()
        self.chosen.emit(key)


class MethodChoice(Choice):
    """Opens the sheet; shows the method in use where it has no button of its own."""

    def __init__(self, methods: Mapping[str, Method], max_width: int) -> None:
        super().__init__("More methods", max_width)
        self.sheet = MethodSheet(methods, self)
        self.set_entries([(key, method.title) for key, method in methods.items()])
        self.sheet.chosen.connect(self.chosen)

    def open_list(self) -> None:
        """Open the sheet above or below, where there is room, within the screen."""
        self.sheet.show()  # its style, and so its size, is settled only now
        self.sheet.settle()
        size, screen = self.sheet.size(), self.screen().availableGeometry()
        corner = self.mapToGlobal(QPoint(0, -size.height() - 6))
        if corner.y() < screen.top():
            corner = self.mapToGlobal(QPoint(0, self.height() + 6))
        x = max(screen.left(), min(corner.x(), screen.right() - size.width()))
        y = max(screen.top(), min(corner.y(), screen.bottom() - size.height()))
        self.sheet.move(x, y)
        checked = next((button for button in self.sheet.buttons.values() if button.isChecked()), None)
        (checked or next(iter(self.sheet.buttons.values()))).setFocus()
