"""The rail at the left: one button per page that exists, and the window's own affairs at its foot."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

from app.gui import theme

Entry = tuple[str, str, QAction]  # icon, text, what a click does; a page's icon bears the page's key


class Rail(QFrame):
    """Pages above, actions below."""

    def __init__(self, pages: Sequence[Entry], foot: Sequence[Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self._theme = theme.DARK
        self._buttons: list[tuple[QToolButton, str]] = []
        self._pages = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 8, 4, 8)
        column.setSpacing(4)
        for entry in pages:
            button = self._button(*entry)
            button.setCheckable(True)
            self._pages.addButton(button)
            column.addWidget(button)
        column.addStretch(1)
        for entry in foot:
            column.addWidget(self._button(*entry))

    def mark(self, page: str) -> None:
        """Show which page is shown."""
        for button, icon in self._buttons:
            if icon == page:
                button.setChecked(True)
        self.show_theme(self._theme)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        for button, icon in self._buttons:
            colour = "accent" if button.isChecked() else "muted"
            button.setIcon(theme.icon(icon, chosen.colour(colour), 20))

    def _button(self, icon: str, text: str, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(action.toolTip())
        button.clicked.connect(action.trigger)
        button.setProperty("kind", "rail")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(20, 20))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._buttons.append((button, icon))
        return button
