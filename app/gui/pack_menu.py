"""The list of packs that faces can be read with: the shipped ones and those that the person has imported.

Landmark networks stand below: one of them, or none, reads the face mesh beside the pack.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from app.gui.session import PackEntry


class PackMenu(QMenu):
    """Shows the packs it is told of; asks for a fresh list whenever it opens."""

    pack_chosen = Signal(str)
    landmarks_chosen = Signal(str)
    refresh_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTipsVisible(True)
        self._packs: tuple[PackEntry, ...] | None = None
        self._current = ""
        self._landmarks = ""
        self.aboutToShow.connect(self.refresh_wanted)
        self._fill()

    def show_packs(self, packs: Sequence[PackEntry]) -> None:
        """List these."""
        if tuple(packs) != self._packs:
            self._packs = tuple(packs)
            self._fill()

    def show_current(self, pack: str) -> None:
        """Mark the pack of this id as the one in use."""
        if pack != self._current:
            self._current = pack
            self._fill()

    def show_landmarks(self, pack: str) -> None:
        """Mark the landmark network of this id as the one that reads beside the pack; nothing: none does."""
        if pack != self._landmarks:
            self._landmarks = pack
            self._fill()

    @property
    def packs(self) -> tuple[PackEntry, ...]:
        """What is listed."""
        return self._packs or ()

    def _fill(self) -> None:
        self.clear()
        packs = self._packs or ()
        for pack in packs:
            if not pack.landmarks:
                self._add_pack(pack, self._current, self.pack_chosen.emit)
        if self._packs is None:
            self._add_words("Looking for packs…")
        networks = [pack for pack in packs if pack.landmarks]
        if networks:
            self.addSeparator()
            self._add_words("Landmark network beside it")
        for pack in networks:
            self._add_pack(pack, self._landmarks, self.landmarks_chosen.emit)
        self.addSeparator()
        self._add_words("Others: mienscope packs import MODEL.onnx --labels …")

    def _add_pack(self, pack: PackEntry, current: str, choose: Callable[[str], None]) -> None:
        action = QAction(pack.text, self)
        action.setCheckable(True)
        action.setChecked(pack.id == current)
        action.setEnabled(pack.problem is None)
        action.setToolTip(pack.problem or pack.about)
        action.triggered.connect(lambda _=False: choose(pack.id))
        self.addAction(action)

    def _add_words(self, text: str) -> None:
        action = QAction(text, self)
        action.setEnabled(False)
        self.addAction(action)
