"""What the pages of a layer share: the list of layers, a grid of its channels, the panel of the chosen one."""

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QWidget

from app.gui.layer_list import LayerList
from app.gui.layer_look import LayerLook
from app.gui.look_panel import LookPanel
from app.gui.map_colours import ScaleBar
from app.gui.pages import Page
from app.gui.session import OpenLayer
from app.gui.tile_grid import TileGrid
from app.settings import Settings
from core.geometry import Floats
from core.types import Result

WIDE_PX: Final = 1180  # from here on there is room for everything


class LookPage(Page):
    """A page that shows what the look sees, in its own way. It emits intentions."""

    wanted = Signal(str, object)  # field of the settings, value
    face_chosen = Signal(int)
    painted = Signal(object)  # Result, after its channels have been drawn

    grid: TileGrid
    panel: LookPanel

    def __init__(
        self, settings: Settings, look: LayerLook, grid: TileGrid, panel: LookPanel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._settings = settings
        self.look, self.grid, self.panel = look, grid, panel
        self.list, self.scale = LayerList(), ScaleBar()
        self._title, self._size, self._count = QLabel(""), QLabel(""), QLabel("")
        for label, role in ((self._title, "title"), (self._size, "muted"), (self._count, "quiet")):
            label.setProperty("role", role)
        self.scale.hide()

    @property
    def notice_area(self) -> QWidget:
        """Notices stand over the channels."""
        return self.grid

    @property
    def narrow(self) -> bool:
        """Whether the page must do with less width."""
        return self.width() < WIDE_PX

    def show_result(self, result: Result) -> None:
        """Offer the faces of this frame."""
        if self.isVisible():
            face_ids = sorted(face.observation.face_id for face in result.faces)
            self.panel.show_faces(face_ids, self.look.face_id)

    # What each page does in its own way

    def take_opened(self, opened: OpenLayer) -> None:
        """Get ready for another layer."""
        raise NotImplementedError

    def take_answer(self) -> None:
        """Show a frame's answer, or another choice, pin or scale."""
        raise NotImplementedError

    def show_nothing(self, text: str, of_face: str = "") -> None:
        """There is no layer, or no face; say why, and beside the face what `of_face` says."""
        raise NotImplementedError

    def choose_channel(self, channel: int) -> None:
        """Take a channel that was chosen in the grid."""
        self.look.choose_channel(channel)

    def strengths(self, maps: Floats) -> Floats:
        """What channels are ranked by, float32 [channels], from maps [channels, height, width]."""
        raise NotImplementedError

    # Qt's own calls

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().showEvent(event)
        self.grid.setFocus()
        self.look.rank_by(self.strengths)
        self.look.attend(self, True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().hideEvent(event)
        self.look.attend(self, False)

    # Putting it together

    def join(self, middle: QLayout) -> None:
        """Lay list, middle and panel out side by side, and connect them with the look."""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.list)
        row.addLayout(middle, 1)
        row.addWidget(self.panel)
        look = self.look
        look.opened.connect(self.take_opened)
        look.asked.connect(self.list.show_key)
        look.answered.connect(self.take_answer)
        look.emptied.connect(self.show_nothing)
        look.face_lost.connect(lambda text: self.show_nothing(text, text))
        self.list.chosen.connect(look.choose_layer)
        self.grid.chosen.connect(self.choose_channel)
        self.grid.pin_wanted.connect(look.toggle_pin)
        self.grid.painted.connect(self._tell_painted)
        self.panel.face_chosen.connect(self.face_chosen)
        self.panel.pin_wanted.connect(look.pin_channel)

    def _tell_painted(self) -> None:
        if self.look.result is not None:
            self.painted.emit(self.look.result)
