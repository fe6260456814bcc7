"""The rail at the left: one button per page that exists, and the window's own affairs at its foot."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

from app.gui import theme

Page = tuple[str, str]  # id and icon, text


class Rail(QFrame):
    """Pages above, actions below."""

    page_chosen = Signal(str)

    def __init__(
        self, pages: Sequence[Page], foot: Sequence[tuple[str, str, QAction]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self._buttons: list[tuple[QToolButton, str]] = []
        self._pages = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 8, 4, 8)
        column.setSpacing(4)
        for page, text in pages:
            button = self._button(page, text, checkable=True)
            button.clicked.connect(lambda _=False, page=page: self.page_chosen.emit(page))
            self._pages.addButton(button)
            column.addWidget(button)
        self._pages.buttons()[0].setChecked(True)
        column.addStretch(1)
        for icon, text, action in foot:
            button = self._button(icon, text)
            button.setToolTip(action.toolTip())
            button.clicked.connect(action.trigger)
            column.addWidget(button)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        for button, icon in self._buttons:
            colour = "accent" if button.isChecked() else "muted"
            button.setIcon(theme.icon(icon, chosen.colour(colour), 20))

    def _button(self, icon: str, text: str, checkable: bool = False) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setCheckable(checkable)
        button.setProperty("kind", "rail")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(20, 20))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._buttons.append((button, icon))
        return button
