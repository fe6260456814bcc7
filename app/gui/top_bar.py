"""The bar at the head: what is being looked at, and the two or three things done most."""

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QWidget

from app.gui import theme
from app.gui.choice import paint_caret
from core.engine import EngineStatus

GAP_PX = 8
NAME_LIMIT_PX = 320
PACK_LIMIT_PX = 180


class KeyButton(QPushButton):
    """A button for an action that shows its key beside its text, quietly."""

    def __init__(self, action: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._action = action
        self._key = action.shortcut().toString()
        self._quiet = QColor("gray")
        self.setProperty("kind", "key")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAutoDefault(True)
        self.setToolTip(action.toolTip())
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._quiet = chosen.colour("faint")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        hint = super().sizeHint()
        return QSize(hint.width() + GAP_PX + self.fontMetrics().horizontalAdvance(self._key), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(self._quiet)
        painter.drawText(
            self.rect().adjusted(0, 0, -12, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._key
        )
        painter.end()

    def _follow(self) -> None:
        self.setEnabled(self._action.isEnabled())
        self.setText(self._action.text())
        self.setAccessibleName(self._action.text())


class NameButton(QPushButton):
    """The name of what is in use, a source or a pack; opens the list of what else there is."""

    def __init__(self, what: str, hint: str, limit_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what, self._hint, self._limit_px = what, hint, limit_px
        self.setProperty("kind", "source")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAutoDefault(True)
        self.show_name(f"No {what.lower()}")

    def show_name(self, name: str, prefix: str = "") -> None:
        """Show this name, shortened in its middle where it is long."""
        self.setAccessibleName(f"{self._what}: {name}")
        self.setToolTip(f"{name}\n{self._hint}")
        text = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, self._limit_px)
        self.setText(prefix + text)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().paintEvent(event)
        painter = QPainter(self)
        paint_caret(painter, QRect(self.width() - 22, 0, 10, self.height()), self.palette().buttonText().color())
        painter.end()


class TopBar(QFrame):
    """Lays them out."""

    def __init__(self, snapshot: QAction, pause: QAction, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("topBar")
        self.setFixedHeight(46)
        self.source = NameButton("Source", "Choose what to look at (L)", NAME_LIMIT_PX)
        self.pack = NameButton("Pack", "Choose the model pack that reads the faces (Shift+L)", PACK_LIMIT_PX)
        self.facts = QLabel("")
        self.facts.setProperty("role", "muted")
        self.facts.setFont(theme.font(tabular=True))
        self.facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.snapshot = KeyButton(snapshot)
        self.pause = KeyButton(pause)
        self.menu = QPushButton()
        self.menu.setIconSize(QSize(18, 18))
        self.menu.setAccessibleName("Menu")
        self.menu.setToolTip("Everything that can be done")
        self.menu.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.menu.clicked.connect(
            lambda: menu.popup(self.menu.mapToGlobal(self.menu.rect().bottomRight()) - _width(menu))
        )
        brand = QLabel("Mienscope")
        brand.setProperty("role", "brand")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(10)
        row.addWidget(brand)
        row.addSpacing(4)
        row.addWidget(self.source)
        row.addWidget(self.pack)
        row.addWidget(self.facts, 1)
        for button in (self.snapshot, self.pause, self.menu):
            row.addWidget(button)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self.snapshot.show_theme(chosen)
        self.pause.show_theme(chosen)
        self.menu.setIcon(theme.icon("menu", chosen.colour("text"), 18))

    def show_status(self, status: EngineStatus | None) -> None:
        """Show size and rate of the source; None where there is none."""
        parts = []
        if status is not None and status.size is not None:
            parts.append(f"{status.size[0]} × {status.size[1]}")
        if status is not None and status.source_fps and status.frame_count != 1:
            parts.append(f"{status.source_fps:.4g} fps")
        text = " · ".join(parts)
        if text != self.facts.text():
            self.facts.setText(text)


def _width(menu: QMenu) -> QPoint:
    return QPoint(menu.sizeHint().width(), -6)
