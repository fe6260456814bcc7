"""Which layer of which face is looked into, what it answers, and in which order its channels come.

One look serves all pages that show a layer: they go by the same layer, face, channel and pins. The page that is seen
says by what channels are ranked.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.gui import troubles
from app.gui.layer_watch import LayerWatch
from app.gui.map_colours import Shades
from app.gui.notice import Message
from app.gui.session import OpenLayer, Session
from app.gui.tile_grid import Tile
from app.settings import FACTOR_LIMITS, Settings
from core.geometry import Floats
from core.ranking import Ranking, strengths
from core.types import FaceResult, Features, Result

ABSENT_TICKS: Final = 4  # of the slow clock: a face that one frame misses does not blank the page
NO_FACE: Final = "No face in the picture."
WAITING: Final = "Waiting for the face…"
PAIN_ONLY: Final = "Pain only: no expression is read, so there is nothing to look into (Ctrl+P)."
FIRST: Final = "Waiting for the first picture…"

Measure = Callable[[Floats], Floats]
"""Strengths [channels] of maps [channels, height, width]."""


class LayerLook(QObject):
    """Told everything that pages are told, before them.

    Attributes
    ----------
    result, face, features
        The frame that is shown, and what the layer makes of the face in it; None while nothing is.
    watch
        Opens layers.
    """

    wanted = Signal(str, object)  # field of the settings, value
    told = Signal(object)  # Message
    failed = Signal(object, object)  # Exception, Message
    asked = Signal(str)  # key of the layer that is being opened, "" for none
    opened = Signal(object)  # OpenLayer
    answered = Signal()  # a frame's answer, or another order, choice, pin or scale
    emptied = Signal(str)  # nothing is shown but a sentence
    face_lost = Signal(str)  # the layer stays open; why there is nothing to see

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.watch = LayerWatch(self)
        self.result: Result | None = None
        self.face: FaceResult | None = None
        self.features: Features | None = None
        self.face_id = 0
        self._settings = settings
        self._session: Session | None = None
        self._viewers: set[QObject] = set()
        self._newest: Result | None = None
        self._measure: Measure = _highest
        self._ranking = Ranking()
        self._channel: int | None = None  # as chosen; None follows the first one
        self._absent_ticks = 0
        self._asked = ""
        self._keys: tuple[str, ...] = ()  # of the layers that are listed
        self.watch.opened.connect(self._take_opened)
        self.watch.failed.connect(self._take_unopened)

    @property
    def layer(self) -> OpenLayer | None:
        """The layer that is open."""
        return self.watch.layer

    @property
    def order(self) -> tuple[int, ...]:
        """The channels, pinned ones first, then the strongest; none while nothing is shown."""
        order = self._ranking.order
        first = tuple(channel for channel in self.pinned if channel < len(order))
        return (*first, *(channel for channel in order if channel not in first))

    @property
    def pinned(self) -> tuple[int, ...]:
        """The pinned channels of the open layer."""
        opened = self.layer
        return self._settings.pinned.get(opened.pack, {}).get(opened.layer.key, ()) if opened is not None else ()

    @property
    def channel(self) -> int | None:
        """The chosen channel, else the first one."""
        return next(iter(self.order), None) if self._channel is None else self._channel

    @property
    def shades(self) -> Shades:
        """How the layer's activations get their colours."""
        opened = self.layer
        if opened is None:
            return Shades()
        return Shades(opened.reference * self._settings.layer_factor, opened.layer.signed, self._settings.colour_map)

    def tiles(self, room: int) -> list[Tile]:
        """The first channels of the order, as many as there is room for."""
        return [self.tile(channel) for channel in self.order[:room]]

    def tile(self, channel: int) -> Tile:
        """One channel as it stands."""
        opened, now = self.layer, self._ranking.settled
        name = "" if opened is None else opened.channel_name(channel)
        return Tile(channel, float(now[channel]), channel in self.pinned, name)

    def attend(self, viewer: QObject, seen: bool) -> None:
        """Look while any page is seen: a layer that nobody sees is not computed."""
        self._viewers = self._viewers | {viewer} if seen else self._viewers - {viewer}
        self.watch.look(bool(self._viewers))

    def rank_by(self, measure: Measure) -> None:
        """Rank the channels by another strength from now on."""
        self._measure = measure
        self._ranking.clear()
        if self.features is not None and self.result is not None:
            self._rank(self.result, self.features)
            self.answered.emit()

    # What every page is told

    def show_settings(self, settings: Settings) -> None:
        """Follow the settings."""
        self._settings = settings
        self.answered.emit()

    def begin(self, session: Session) -> None:
        """Get ready for a newly opened source."""
        self._forget(FIRST)
        self._session = session
        self.watch.watch(session)
        self.watch.look(bool(self._viewers))

    def clear(self, text: str) -> None:
        """There is no source."""
        self._session = None
        self.watch.watch(None)
        self._forget(text)

    def show_result(self, result: Result) -> None:
        """Take what the layer makes of the face in this frame."""
        self._newest = result
        if not self._viewers:
            return
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
        if self._newest is None or not self._viewers:
            return
        faces, only = self._newest.faces, self._settings.pain_only
        here = not only and any(face.observation.face_id == self.face_id for face in faces)
        self._absent_ticks = 0 if here else self._absent_ticks + 1
        if self._absent_ticks == ABSENT_TICKS:
            self._let_go()
            self.face_lost.emit(PAIN_ONLY if only else WAITING if faces else NO_FACE)

    def follow_face(self, face_id: int) -> None:
        """Look at this face from now on."""
        if face_id != self.face_id:
            self.face_id = face_id
            self._let_go()
            self.watch.choose_face(face_id)

    def finish(self) -> None:
        """End the thread that opens layers."""
        self.watch.close()

    # What a person does

    def choose_layer(self, key: str) -> None:
        """Open this layer of the pack, and remember it."""
        if self._session is not None and key != self._asked:
            self.wanted.emit("layers", {**self._settings.layers, self._session.pack: key})
            self._open(key)

    def step_layer(self, by: float) -> None:
        """Go to the next layer, or back."""
        place = self._keys.index(self._asked) + int(by) if self._asked in self._keys else 0
        if 0 <= place < len(self._keys):
            self.choose_layer(self._keys[place])

    def choose_channel(self, channel: int) -> None:
        """Choose a channel."""
        self._channel = channel
        self.answered.emit()

    def pin_channel(self) -> None:
        """Pin the chosen channel, or let it go."""
        channel = self.channel
        if channel is not None:
            self.toggle_pin(channel)

    def toggle_pin(self, channel: int) -> None:
        """Pin a channel for this pack and layer, or let it go."""
        opened = self.layer
        if opened is None:
            return
        before = self.pinned
        now = tuple(each for each in before if each != channel) if channel in before else (*before, channel)
        of_pack = {**self._settings.pinned.get(opened.pack, {}), opened.layer.key: now}
        self.wanted.emit(
            "pinned", {**self._settings.pinned, opened.pack: {key: pins for key, pins in of_pack.items() if pins}}
        )

    def change_layer_scale(self, factor: float) -> None:
        """Make the scale of the maps coarser or finer."""
        self._set_factor(self._settings.layer_factor * factor)

    def reset_layer_scale(self) -> None:
        """Let the last colour stand for the layer's reference."""
        self._set_factor(1.0)

    def fit_layer_scale(self) -> None:
        """Let the last colour stand for the strongest activation there is now."""
        if self.layer is not None and self.features is not None:
            strongest = float(abs(self.features.maps).max())
            if strongest > 0:
                self._set_factor(strongest / self.layer.reference)

    def _set_factor(self, factor: float) -> None:
        within = min(max(factor, FACTOR_LIMITS[0]), FACTOR_LIMITS[1])
        self.wanted.emit("layer_factor", float(f"{within:.3g}"))

    # The layer

    def _open(self, key: str | None) -> None:
        self._ask(key or "")
        self.watch.open(key)

    def _ask(self, key: str) -> None:
        self._asked = key
        self.asked.emit(key)

    def _take_opened(self, opened: OpenLayer) -> None:
        self._let_go()  # of the other layer's answer, before anybody draws it as this one's
        if self._asked and opened.layer.key != self._asked:
            text = f"Pack {opened.pack} has no layer '{self._asked}' any more; {opened.layer.name} is shown."
            self.told.emit(Message("layer", "warn", text, passing=True))
        self._keys = tuple(layer.key for layer in opened.layers)
        self.opened.emit(opened)
        self._ask(opened.layer.key)
        self._forget(WAITING)

    def _take_unopened(self, error: Exception) -> None:
        opened = self.layer
        self._ask(opened.layer.key if opened is not None else "")
        if opened is None:
            self._forget("The layers of this pack cannot be shown.")
        self.failed.emit(error, troubles.unopened(error))

    def _lose(self, error: Exception) -> None:
        self.watch.lose()
        self._ask("")
        self._forget("The layer could not be read. Choose another one, or the same again.")
        self.failed.emit(error, troubles.unopened(error))

    def _forget(self, text: str) -> None:
        self._channel = None
        self._let_go()
        self.emptied.emit(text)

    def _let_go(self) -> None:
        self.result = self.face = self.features = None
        self._ranking.clear()

    # The answer

    def _take(self, result: Result, features: Features) -> None:
        """Take what belongs to the open layer and to the selected face; a late answer to another wish does not."""
        opened = self.layer
        if opened is None or (features.pack, features.layer) != (opened.pack, opened.layer.key):
            return
        face = next((face for face in result.faces if face.observation.face_id == features.face_id), None)
        if face is None or features.face_id != self.face_id:
            return
        self.result, self.features, self.face = result, features, face
        self._rank(result, features)
        self.answered.emit()

    def _rank(self, result: Result, features: Features) -> None:
        self._ranking.update(np.asarray(self._measure(features.maps), np.float32), result.frame.timestamp_s)


def _highest(maps: Floats) -> Floats:
    return strengths(maps, "maximum")
