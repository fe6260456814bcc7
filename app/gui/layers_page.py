"""The page of layers: what any layer of the network makes of the selected face, live."""

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.gui import names, theme, troubles
from app.gui.channel_panel import ChannelPanel
from app.gui.choice import Segments
from app.gui.layer_list import LayerList
from app.gui.layer_watch import LayerWatch
from app.gui.map_colours import ScaleBar, Shades
from app.gui.map_grid import MapGrid, Tile
from app.gui.notice import Message
from app.gui.pages import Page
from app.gui.session import OpenLayer, Session
from app.settings import FACTOR_LIMITS, Settings
from core.ranking import WAYS, Ranking, strengths
from core.types import FaceResult, Features, Result

WIDE_PX: Final = 1180  # from here on there is room for everything
ABSENT_TICKS: Final = 4  # of the slow clock: a face that one frame misses does not blank the page
NO_FACE: Final = "No face in the picture."
WAITING: Final = "Waiting for the face…"
DRAWN: Final = (("pixels", "Units"), ("smooth", "Smooth"))


class LayersPage(Page):
    """Puts list, maps and panel together; keeps which channel is chosen. It emits intentions."""

    key = "layers"
    title = "Layers"

    wanted = Signal(str, object)  # field of the settings, value
    face_chosen = Signal(int)
    painted = Signal(object)  # Result, after its maps have been drawn
    told = Signal(object)  # Message
    failed = Signal(object, object)  # Exception, Message

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._settings = settings
        self._session: Session | None = None
        self._result: Result | None = None
        self._features: Features | None = None  # what is shown
        self._face: FaceResult | None = None
        self._face_id = 0
        self._channel: int | None = None  # as chosen; None follows the first tile
        self._absent_ticks = 0
        self._asked = ""  # key of the layer that was asked for
        self._ranking = Ranking()
        self.watch = LayerWatch(self)
        self.list = LayerList()
        self.grid = MapGrid()
        self.panel = ChannelPanel()
        self.scale = ScaleBar()
        self.strength = Segments("Strongest by")
        self.drawn = Segments("Drawn as")
        self.strength.set_entries([("maximum", "Maximum"), ("mean", "Mean")])
        self.drawn.set_entries(DRAWN)
        self._lay_out()
        self._connect()

    @property
    def notice_area(self) -> QWidget:
        """Notices stand over the maps."""
        return self.grid

    # What every page is told

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        for part in (self.list, self.grid, self.panel, self.scale):
            part.show_theme(chosen)

    def show_settings(self, settings: Settings, labels: tuple[str, ...]) -> None:
        """Rank, draw and scale as these settings say."""
        other_strength = settings.strength != self._settings.strength
        self._settings = settings
        self.strength.show_key(settings.strength)
        self.drawn.show_key("smooth" if settings.smooth else "pixels")
        self.scale.show_shades(self._shades())
        if other_strength:
            self._ranking.clear()
        self._show_maps()

    def begin(self, session: Session) -> None:
        """Get ready for a newly opened source."""
        self._forget("Waiting for the first picture…")
        self._session = session
        self.watch.watch(session)
        self.watch.look(self.isVisible())

    def clear(self, text: str) -> None:
        """There is no source."""
        self._session = None
        self.watch.watch(None)
        self._forget(text)

    def show_result(self, result: Result) -> None:
        """Take what the layer makes of the face in this frame."""
        self._result = result
        if not self.isVisible():
            return
        self.panel.show_faces(sorted(face.observation.face_id for face in result.faces), self._face_id)
        if isinstance(result.features, Exception):
            self._lose(result.features)
        elif result.features is not None:
            self._take(result, result.features)

    def slow_tick(self) -> None:
        """Collect what was opened, follow the pack, and notice that the face is gone."""
        self.watch.collect()
        if self.watch.needs_layer() and self._session is not None:
            pack = self._session.pack
            self._forget(f"Opening the layers of pack {pack}…")
            self._open(self._settings.layers.get(pack))
        if self._result is None or not self.isVisible():
            return
        here = any(face.observation.face_id == self._face_id for face in self._result.faces)
        self._absent_ticks = 0 if here else self._absent_ticks + 1
        if self._absent_ticks == ABSENT_TICKS:
            self._let_face_go(WAITING if self._result.faces else NO_FACE)
        elif self._features is not None:
            self._show_numbers()

    def finish(self) -> None:
        """End the thread that opens layers."""
        self.watch.close()

    def follow_face(self, face_id: int) -> None:
        """Look at this face from now on."""
        if face_id != self._face_id:
            self._face_id = face_id
            self._ranking.clear()
            self.watch.choose_face(face_id)

    # What the table of commands names

    def step_layer(self, by: float) -> None:
        """Go to the next layer, or back."""
        key = self.list.neighbour(int(by))
        if key is not None:
            self._choose_layer(key)

    def pin_channel(self) -> None:
        """Pin the chosen channel, or let it go."""
        channel = self.channel
        if channel is not None:
            self._toggle_pin(channel)

    def next_strength(self) -> None:
        """Rank by the other strength."""
        ways = list(WAYS)
        self.wanted.emit("strength", ways[(ways.index(self._settings.strength) + 1) % len(ways)])

    def toggle_smooth(self) -> None:
        """Draw maps smoothly, or unit by unit."""
        self.wanted.emit("smooth", not self._settings.smooth)

    def change_layer_scale(self, factor: float) -> None:
        """Make the scale of the maps coarser or finer."""
        self._set_factor(self._settings.layer_factor * factor)

    def reset_layer_scale(self) -> None:
        """Let the last colour stand for the layer's reference."""
        self._set_factor(1.0)

    def fit_layer_scale(self) -> None:
        """Let the last colour stand for the strongest activation there is now."""
        opened = self.watch.layer
        if opened is not None and self._features is not None:
            strongest = float(abs(self._features.maps).max())
            if strongest > 0:
                self._set_factor(strongest / opened.reference)

    @property
    def channel(self) -> int | None:
        """The channel that is shown large: the chosen one, else that of the first tile."""
        if self._channel is not None or not self.grid.channels:
            return self._channel
        return self.grid.channels[0]

    # Qt's own calls

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().resizeEvent(event)
        narrow = self.width() < WIDE_PX
        for part in (self.list, self.panel):
            part.set_narrow(narrow)
        for label in self._labels:
            label.setVisible(not narrow)
        self.scale.set_narrow(narrow)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().showEvent(event)
        self.grid.setFocus()
        self.watch.look(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().hideEvent(event)
        self.watch.look(False)

    # The layer

    def _choose_layer(self, key: str) -> None:
        if self._session is not None and key != self._asked:
            self.wanted.emit("layers", {**self._settings.layers, self._session.pack: key})
            self._open(key)

    def _open(self, key: str | None) -> None:
        self._asked = key or ""
        self.list.show_key(self._asked)
        self.watch.open(key)

    def _take_opened(self, opened: OpenLayer) -> None:
        if self._asked and opened.layer.key != self._asked:
            text = f"Pack {opened.pack} has no layer '{self._asked}' any more; {opened.layer.name} is shown."
            self.told.emit(Message("layer", "warn", text, passing=True))
        self._asked = opened.layer.key
        self.list.show_layers(opened.layers, opened.left_out)
        self.list.show_key(opened.layer.key)
        self._forget(WAITING)
        layer = opened.layer
        self._title.setText(layer.name)
        self._size.setText(layer.size_text)
        self.grid.show_layer((layer.channels, layer.height, layer.width))
        self.scale.show_shades(self._shades())
        self.scale.show()

    def _take_unopened(self, error: Exception) -> None:
        opened = self.watch.layer
        self._asked = opened.layer.key if opened is not None else ""
        self.list.show_key(self._asked)
        if opened is None:
            self._forget("The layers of this pack cannot be shown.")
        self.failed.emit(error, troubles.unopened(error))

    def _lose(self, error: Exception) -> None:
        self.watch.lose()
        self._asked = ""
        self.list.show_key("")
        self._forget("The layer could not be read. Choose another one, or the same again.")
        self.failed.emit(error, troubles.unopened(error))

    def _forget(self, text: str) -> None:
        """Nothing is shown but a sentence."""
        self._features = self._face = self._channel = None
        self._ranking.clear()
        self.grid.show_message(text)
        self.panel.show_nothing("")
        self._count.setText("")

    # The maps

    def _take(self, result: Result, features: Features) -> None:
        """Show what belongs to the open layer and to the selected face; a late answer to another wish does not."""
        opened = self.watch.layer
        if opened is None or (features.pack, features.layer) != (opened.pack, opened.layer.key):
            return
        face = next((face for face in result.faces if face.observation.face_id == features.face_id), None)
        if face is None or features.face_id != self._face_id:
            return
        self._features, self._face = features, face
        self._rank(result, features)
        self._show_maps()

    def _rank(self, result: Result, features: Features) -> None:
        self._ranking.update(strengths(features.maps, self._settings.strength), result.frame.timestamp_s)

    def _show_maps(self) -> None:
        features, face, result = self._features, self._face, self._result
        if features is None or face is None or result is None:
            return
        if not self._ranking.order:  # it has just been forgotten
            self._rank(result, features)
        shades = self._shades()
        self.grid.show_tiles(self._tiles(), features.maps, shades, self._settings.smooth)
        self.grid.choose(self.channel)
        if self.channel is not None:
            self.panel.show_channel(result.frame, face, features.maps[self.channel], shades, self._settings.smooth)

    def _tiles(self) -> list[Tile]:
        """Pinned channels first, then the strongest."""
        now = self._ranking.settled
        first = [channel for channel in self._pinned() if channel < len(now)]
        places = (*first, *(channel for channel in self._ranking.order if channel not in first))
        return [self._tile(channel, float(now[channel])) for channel in places[: self.grid.room]]

    def _tile(self, channel: int, strength: float) -> Tile:
        opened = self.watch.layer
        name = "" if opened is None else opened.channel_name(channel)
        return Tile(channel, strength, channel in self._pinned(), name)

    def _show_numbers(self) -> None:
        """Ten times a second: faster than anybody reads."""
        features, face, opened, channel = self._features, self._face, self.watch.layer, self.channel
        if features is None or face is None or opened is None or channel is None:
            return
        tile = self._tile(channel, 0.0)
        self.panel.show_numbers(face, tile.title, tile.pinned, features.maps[channel])
        shown, name = len(self.grid.channels), names.face_name(face.observation.face_id)
        which = f"all {shown}" if shown == opened.layer.channels else f"{shown} of {opened.layer.channels}"
        way = WAYS[self._settings.strength] if opened.layer.height * opened.layer.width > 1 else "value"
        self._count.setText(f"{which} channels for face {name} · by {way}, pinned ones first")

    def _let_face_go(self, text: str) -> None:
        self._features = self._face = None
        self._ranking.clear()
        self.grid.show_message(text)
        self.panel.show_nothing(text)
        self._count.setText("")

    def _choose_channel(self, channel: int) -> None:
        self._channel = channel
        self._show_maps()
        self._show_numbers()

    def _pinned(self) -> tuple[int, ...]:
        opened = self.watch.layer
        return self._settings.pinned.get(opened.pack, {}).get(opened.layer.key, ()) if opened is not None else ()

    def _toggle_pin(self, channel: int) -> None:
        opened = self.watch.layer
        if opened is None:
            return
        before = self._pinned()
        now = tuple(each for each in before if each != channel) if channel in before else (*before, channel)
        of_pack = {**self._settings.pinned.get(opened.pack, {}), opened.layer.key: now}
        self.wanted.emit(
            "pinned", {**self._settings.pinned, opened.pack: {key: pins for key, pins in of_pack.items() if pins}}
        )
        self._show_numbers()

    def _shades(self) -> Shades:
        opened = self.watch.layer
        if opened is None:
            return Shades()
        top = opened.reference * self._settings.layer_factor
        return Shades(top, opened.layer.signed, self._settings.colour_map)

    def _set_factor(self, factor: float) -> None:
        within = min(max(factor, FACTOR_LIMITS[0]), FACTOR_LIMITS[1])
        self.wanted.emit("layer_factor", float(f"{within:.3g}"))

    # Putting it together

    def _lay_out(self) -> None:
        self._title, self._size, self._count = QLabel(""), QLabel(""), QLabel("")
        self._title.setProperty("role", "title")
        self._size.setProperty("role", "muted")
        self._count.setProperty("role", "quiet")
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._title)
        head.addWidget(self._size)
        head.addStretch(1)
        tools = QHBoxLayout()
        tools.setSpacing(7)
        self._labels = [QLabel("Strongest by"), QLabel("Drawn as")]
        for label, part in zip(self._labels, (self.strength, self.drawn), strict=True):
            label.setProperty("role", "quiet")
            tools.addWidget(label)
            tools.addWidget(part)
            tools.addSpacing(6)
        tools.addStretch(1)
        tools.addWidget(self.scale)
        middle = QVBoxLayout()
        middle.setContentsMargins(18, 14, 18, 10)
        middle.setSpacing(10)
        middle.addLayout(head)
        middle.addLayout(tools)
        middle.addWidget(self.grid, 1)
        middle.addWidget(self._count)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.list)
        row.addLayout(middle, 1)
        row.addWidget(self.panel)
        self.scale.hide()

    def _connect(self) -> None:
        self.watch.opened.connect(self._take_opened)
        self.watch.failed.connect(self._take_unopened)
        self.list.chosen.connect(self._choose_layer)
        self.grid.chosen.connect(self._choose_channel)
        self.grid.pin_wanted.connect(self._toggle_pin)
        self.grid.resized.connect(self._show_maps)
        self.grid.painted.connect(self._tell_painted)
        self.panel.face_chosen.connect(self.face_chosen)
        self.panel.pin_wanted.connect(self.pin_channel)
        self.strength.chosen.connect(lambda key: self.wanted.emit("strength", key))
        self.drawn.chosen.connect(lambda key: self.wanted.emit("smooth", key == "smooth"))

    def _tell_painted(self) -> None:
        if self._result is not None:
            self.painted.emit(self._result)
