"""The list of what can be looked at: cameras by name, files, streams, the demo clip."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from app.gui import theme


class SourceMenu(QMenu):
    """Shows the cameras it is told of; asks for a fresh list whenever it opens."""

    camera_chosen = Signal(str)
    refresh_wanted = Signal()

    def __init__(self, others: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._others = tuple(others)
        self._cameras: tuple[str, ...] | None = None
        self.aboutToShow.connect(self.refresh_wanted)
        self._fill()

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self._fill()

    def show_cameras(self, cameras: Sequence[str]) -> None:
        """List these."""
        if tuple(cameras) != self._cameras:
            self._cameras = tuple(cameras)
            self._fill()

    @property
    def entries(self) -> tuple[str, ...]:
        """Texts of the list, top to bottom."""
        return tuple(action.text() for action in self.actions() if not action.isSeparator())

    def _fill(self) -> None:
        self.clear()
        for name in self._cameras or ():
            action = QAction(theme.icon("camera", self._theme.colour("muted"), 16), name, self)
            action.triggered.connect(lambda _=False, camera=name: self.camera_chosen.emit(camera))
            self.addAction(action)
        if not self._cameras:
            text = "Looking for cameras…" if self._cameras is None else "No camera found"
            nothing = QAction(text, self)
            nothing.setEnabled(False)
            self.addAction(nothing)
        self.addSeparator()
        self.addActions(list(self._others))
