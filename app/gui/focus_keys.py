"""A focused control keeps the keys that it is worked with; everywhere else they are the window's shortcuts."""

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSlider, QApplication, QWidget

from app.gui.tile_grid import TileGrid

ARROWS: Final = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home})
KEPT: Final[tuple[tuple[type[QWidget], frozenset[Qt.Key]], ...]] = (
    (QAbstractSlider, ARROWS),
    (QAbstractItemView, ARROWS),
    (TileGrid, ARROWS),
    (QAbstractButton, frozenset({Qt.Key.Key_Space})),
)


class FocusKeys(QObject):
    """Watches the application while its window lives."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: D102, N802 - Qt's name
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and not _is_modified(event):
            for kind, keys in KEPT:
                if isinstance(watched, kind) and event.key() in keys:
                    event.accept()
                    return True
        return False


def _is_modified(event: QKeyEvent) -> bool:
    return bool(event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier)
