"""A row of letters, from which one face of several is chosen."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from app.gui import names

PER_ROW: Final = 9
MOST: Final = 18


class FaceTabs(QWidget):
    """A letter per face in the picture, where there are several."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 8)
        self._grid.setSpacing(5)
        self._grid.setColumnStretch(PER_ROW, 1)
        self._buttons: dict[int, QPushButton] = {}

    def show_faces(self, face_ids: Sequence[int], selected: int) -> None:
        """Show these; hidden where there is nothing to choose."""
        ids = sorted(face_ids)[:MOST]
        if ids != list(self._buttons):
            for button in self._buttons.values():
                self._grid.removeWidget(button)
                button.deleteLater()
            self._buttons = {face_id: self._button(place, face_id) for place, face_id in enumerate(ids)}
        for face_id, button in self._buttons.items():
            button.setChecked(face_id == selected)
        self.setVisible(len(ids) > 1)

    def _button(self, place: int, face_id: int) -> QPushButton:
        button = QPushButton(names.face_name(face_id))
        button.setCheckable(True)
        button.setFixedSize(30, 26)
        button.setStyleSheet("padding: 0;")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(f"Face {names.face_name(face_id)}" + (f" ({place + 1})" if place < 9 else ""))
        button.clicked.connect(lambda: self.chosen.emit(face_id))
        self._grid.addWidget(button, place // PER_ROW, place % PER_ROW)
        return button
