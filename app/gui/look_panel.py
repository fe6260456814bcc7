"""What the panels beside a layer share: faces to choose from, the chosen channel laid on the face, and its pin."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.gui import names, theme
from app.gui.face_tabs import FaceTabs
from app.gui.map_view import MapView
from core.types import FaceResult

WIDTH_PX: Final = 356
NARROW_PX: Final = 226
MARGIN_PX: Final = 18  # on either side


class LookPanel(QFrame):
    """Shows the chosen channel; what is said of it is a subclass's."""

    face_chosen = Signal(int)
    pin_wanted = Signal()

    def __init__(self, pin_tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lookPanel")
        self.tabs = FaceTabs()
        self.view = MapView()
        self.face, self.channel, self.facts = muted_label(), QLabel(""), muted_label()
        self.channel.setProperty("role", "title")
        self.pin = QPushButton("Pin")
        self.pin.setToolTip(pin_tip)
        self.tabs.chosen.connect(self.face_chosen)
        self.pin.clicked.connect(self.pin_wanted)

    def show_faces(self, face_ids: Sequence[int], selected: int) -> None:
        """Offer the faces in the picture."""
        self.tabs.show_faces(face_ids, selected)

    def show_nothing(self, text: str) -> None:
        """There is no face, or no layer; say why."""
        self.view.show_nothing()
        say(self.face, text)

    def show_chosen(self, face: FaceResult, title: str, pinned: bool) -> None:
        """Say which face and which channel that is, and what its pin does."""
        say(self.face, f"Face {names.face_headline(face)}")
        say(self.channel, title)
        say(self.pin, "Let go" if pinned else "Pin")

    def head(self) -> QHBoxLayout:
        """The channel's title with its pin."""
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.channel)
        row.addStretch(1)
        row.addWidget(self.pin)
        return row


def muted_label() -> QLabel:
    """An empty label for numbers and small print, as wide as its lines may be."""
    label = QLabel("")
    label.setFont(theme.font(12, tabular=True))
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    return label


def say(part: QLabel | QPushButton, text: str) -> None:
    """Set a text only where it is another: a layout goes through everything again each time."""
    if part.text() != text:
        part.setText(text)
