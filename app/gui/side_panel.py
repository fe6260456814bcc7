"""What the panels beside a picture share: the faces to choose from, and one face's column or why there is none."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.gui.face_tabs import FaceTabs

WIDTH_PX: Final = 356  # of which the border takes one
MARGIN_PX: Final = 18  # on either side


class SidePanel(QScrollArea):
    """Shows one face in `column`, which a subclass fills, or says why there is none."""

    face_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("facePanel")
        self.setFixedWidth(WIDTH_PX)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tabs = FaceTabs()
        self.tabs.chosen.connect(self.face_chosen)
        self._empty = QLabel("")
        self._empty.setWordWrap(True)
        self._empty.setProperty("role", "muted")
        self._face = QWidget()
        self.column = bare_column(self._face)
        self._beneath = QVBoxLayout()
        body = QWidget()
        body.setObjectName("facePanelBody")
        whole = QVBoxLayout(body)
        whole.setContentsMargins(MARGIN_PX, 14, MARGIN_PX, 12)
        whole.setSpacing(0)
        whole.addWidget(self.tabs)
        whole.addWidget(self._empty)
        whole.addLayout(self._beneath)
        whole.addWidget(self._face)
        whole.addStretch(1)
        self.setWidget(body)

    def add_beneath(self, widget: QWidget) -> None:
        """Offer this below the words that stand here while there is nothing to show."""
        self._beneath.addWidget(widget, 0, Qt.AlignmentFlag.AlignLeft)

    def show_empty(self, text: str) -> None:
        """Say why there is no face to show."""
        self.tabs.hide()
        self._face.hide()
        self._empty.setText(text)
        self._empty.show()

    def show_column(self) -> None:
        """There is a face to show."""
        self._empty.hide()
        self._face.show()


def bare_column(holder: QWidget, spacing_px: int = 0) -> QVBoxLayout:
    """A column that fills its holder to the edges."""
    column = QVBoxLayout(holder)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(spacing_px)
    return column


def heading(text: str, beside: QWidget) -> QHBoxLayout:
    """A heading, with a note or a button at the end of its line."""
    label = QLabel(text)
    label.setProperty("role", "heading")
    if isinstance(beside, QLabel):
        beside.setProperty("role", "quiet")
    row = QHBoxLayout()
    row.addWidget(label)
    row.addStretch(1)
    row.addWidget(beside)
    return row
