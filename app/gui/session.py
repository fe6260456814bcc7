"""What the window needs of an engine: the narrow seam that the real engine and the tests' fake share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.settings import Settings
from core.baselines import Baselines
from core.engine import EngineStatus
from core.explain import Method
from core.explain.feature_layers import FeatureLayer
from core.geometry import Floats, Image
from core.neurons import LayerAtlas, NeuronAtlas
from core.neurons.lens import CarriedBack
from core.scales import Scale
from core.types import Crop, Explanation, FaceResult, Result


@dataclass(frozen=True)
class OpenLayer:
    """A layer that is ready to be looked into, among all that the pack has.

    Attributes
    ----------
    pack
        Id and version.
    left_out
        Names of the layers whose numbers have no place in the picture.
    reference
        Strong activation for the layer, which display scales are multiples of.
    labels
        The pack's classes.
    atlas
        What the pack's filters look for; None where nobody made an atlas, or where `atlas_problem` says what is wrong
        with it.
    """

    pack: str
    layers: tuple[FeatureLayer, ...]
    left_out: tuple[str, ...]
    layer: FeatureLayer
    reference: float
    labels: tuple[str, ...] = ()
    atlas: NeuronAtlas | None = None
    atlas_problem: str = ""

    @property
    def known(self) -> LayerAtlas | None:
        """What the layer's filters look for; None where the atlas does not have the layer."""
        known = None if self.atlas is None else self.atlas.layers.get(self.layer.key)
        return known if known is not None and known.filters == self.layer.channels else None

    def channel_name(self, channel: int) -> str:
        """The class that a channel of the scores stands for; nothing in other layers."""
        scores = self.layer.classes and self.layer.channels == len(self.labels)
        return self.labels[channel] if scores else ""


class Session(Protocol):
    """A source being looked at with a pack.

    `stop`, `prepare`, `open_layer` and `carry_back` may take seconds; everything else returns at once.
    """

    @property
    def labels(self) -> tuple[str, ...]:
        """The pack's classes."""

    @property
    def pack(self) -> str:
        """The pack's id and version."""

    @property
    def provider(self) -> str:
        """What really runs the model, in words."""

    @property
    def provider_warning(self) -> str | None:
        """One sentence when that is not what was asked for, else None."""

    def start(self) -> None:
        """Begin to open the source and to show it."""

    def stop(self) -> None:
        """End its threads and close the source."""

    def pause(self) -> None:
        """Let the shown frame stand."""

    def resume(self) -> None:
        """Go on; from the end of a recording, from its start."""

    def step(self, frames: int) -> None:
        """Pause and show the frame so many further, or back."""

    def seek(self, timestamp_s: float) -> None:
        """Show the frame at a time."""

    def take(self) -> Result | None:
        """The newest result, once; None when there is none newer."""

    def status(self) -> EngineStatus:
        """State and counts."""

    def ready(self, settings: Settings) -> bool:
        """Whether pack and method of these settings can be used at once."""

    def prepare(self, settings: Settings) -> None:
        """Load and compile what these settings need, in any thread, while everything goes on. MienscopeError."""

    def analyse(self, settings: Settings) -> None:
        """Read and explain from the next frame on as the settings say, which must be `ready`."""

    @property
    def baselines(self) -> Baselines:
        """The neutral faces in force; none any more once faces have got new names, as after a jump in time."""

    def compare_with(self, baselines: Baselines) -> None:
        """Compare faces with these neutral faces from the next frame on; a picture that stands is read again."""

    def open_layer(self, key: str | None) -> OpenLayer:
        """Get a layer of the pack in use ready, in any thread, while everything goes on. MienscopeError.

        None, or a key that the pack does not have, takes one to begin with.
        """

    def look_into(self, opened: OpenLayer | None, face_id: int) -> None:
        """Let results carry what this layer makes of this face, from the next frame on; None: nothing any more.

        A layer of a pack that is no longer in use gives nothing.
        """

    def carry_back(self, opened: OpenLayer, channel: int, place: tuple[int, int], cut: Crop) -> CarriedBack:
        """By which pixels of a crop a channel came about at a place (row, column) of its map. MienscopeError."""


SessionFactory = Callable[[str, Settings], Session]
"""Makes a session for a camera, path or URL; may take seconds; raises MienscopeError."""


class Picture(Protocol):
    """How a result is drawn: pixels only, the window adds lines and letters of its own."""

    colour_maps: tuple[str, ...]

    def heat(self, result: Result, settings: Settings) -> Image:
        """The frame with every face's heatmap in its true place, RGB uint8 [height, width, 3]."""

    def outlines(self, face: FaceResult, settings: Settings) -> Sequence[Floats]:
        """Closed outlines of a face's regions, float32 [points, 2] each, frame px."""

    def gradient(self, settings: Settings) -> Image:
        """The colour map from the lowest to the highest relevance shown, RGB uint8 [steps, 3]."""

    def scale(self, explanation: Explanation, settings: Settings) -> Scale:
        """What the strongest colour stands for."""

    def lowest(self, settings: Settings) -> float:
        """The relevance at the colour map's lower end over the scale: 0, or -1 for signed maps."""

    def draw(self, result: Result, settings: Settings) -> Image:
        """The whole overlay for a file, RGB uint8 [height, width, 3]."""


@dataclass(frozen=True)
class PackEntry:
    """A pack as the window lists it.

    `problem` says why it cannot be used, None where it can; `landmarks` whether it reads landmarks beside the pictures.
    """

    id: str
    text: str
    about: str
    problem: str | None = None
    landmarks: bool = False


@dataclass(frozen=True)
class Backend:
    """Everything the window asks for: methods by key, camera names, packs, sessions and pictures.

    `cameras` and `packs` may take seconds. `close` ends what outlives a session; the window calls it when it goes.
    """

    methods: Mapping[str, Method]
    cameras: Callable[[], Sequence[str]]
    packs: Callable[[], Sequence[PackEntry]]
    open: SessionFactory
    picture: Picture
    close: Callable[[], None] = lambda: None
