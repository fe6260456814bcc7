"""What the window needs of an engine: the narrow seam that the real engine and the tests' fake share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.settings import Settings
from core.engine import EngineStatus
from core.geometry import Floats, Image
from core.types import FaceResult, Result


class Session(Protocol):
    """A source being looked at with a pack. Every method but `stop` returns at once and may be called from the GUI.

    Attributes
    ----------
    labels
        The pack's classes.
    pack
        The pack's id and version.
    provider
        What really runs the model, in words.
    provider_warning
        One sentence when that is not what was asked for, else None.
    """

    labels: tuple[str, ...]
    pack: str
    provider: str
    provider_warning: str | None

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

    def analyse(self, settings: Settings) -> None:
        """Explain from now on as the settings say."""


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

    def lowest(self, settings: Settings) -> float:
        """The relevance at the colour map's lower end, logits per pixel: 0, or below for signed maps."""

    def draw(self, result: Result, settings: Settings) -> Image:
        """The whole overlay for a file, RGB uint8 [height, width, 3]."""


@dataclass(frozen=True)
class Backend:
    """Everything the window asks for: methods by key and title, camera names, sessions and pictures."""

    methods: Mapping[str, str]
    cameras: Callable[[], Sequence[str]]
    open: SessionFactory
    picture: Picture
