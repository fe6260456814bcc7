"""What the window needs of an engine: the narrow seam between the two, shared by the real engine and the tests' fake."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from app.settings import Settings
from core.geometry import Floats, Image
from core.types import FaceResult, Result

State = Literal["starting", "running", "paused", "ended", "failed", "stopped"]


@dataclass(frozen=True)
class SourceFacts:
    """What is known about a source once it is open. `frame_count` is the container's claim."""

    name: str
    live: bool
    seekable: bool
    fps: float | None = None
    frame_count: int | None = None
    duration_s: float | None = None
    size: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        """Size and rate, for example "1280 × 720 · 30 fps"."""
        parts = []
        if self.size:
            parts.append(f"{self.size[0]} × {self.size[1]}")
        if self.fps:
            parts.append(f"{self.fps:.4g} fps")
        if self.duration_s and not self.live:
            parts.append(f"{self.duration_s:.1f} s")
        return " · ".join(parts)


@dataclass(frozen=True)
class Reading:
    """The engine's state at one moment.

    Attributes
    ----------
    error
        Why the state is "failed".
    warning
        Something the person should know while it runs, for example a provider that was asked for and is not there.
    dropped
        Frames that a newer one replaced.
    explained_share
        Share of the recent faces whose explanation belongs to the very frame, 0..1; None before the first.
    explain_every
        One frame in how many is explained at present.
    provider
        The execution provider that really runs, in words.
    """

    state: State
    error: Exception | None = None
    warning: str | None = None
    dropped: int = 0
    explained_share: float | None = None
    explain_every: int = 1
    provider: str = ""


class Session(Protocol):
    """A source being looked at. Every method may be called from the GUI thread and returns at once, but `stop`."""

    facts: SourceFacts
    labels: tuple[str, ...]
    pack: str

    def start(self) -> None: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102
    def pause(self) -> None: ...  # noqa: D102
    def resume(self) -> None: ...  # noqa: D102
    def step(self) -> None: ...  # noqa: D102
    def seek(self, timestamp_s: float) -> None: ...  # noqa: D102

    def take(self) -> Result | None:
        """The newest result, once; None when there is none newer."""

    def reading(self) -> Reading:
        """State and counts."""

    def analyse(self, settings: Settings) -> None:
        """Explain from now on as the settings say."""


SessionFactory = Callable[[str, Settings], Session]
"""Opens a source by its name, path or URL; may take seconds; raises MienscopeError."""


class Picture(Protocol):
    """How a result is drawn: pixels only, the window adds lines and letters of its own."""

    colour_maps: tuple[str, ...]

    def heat(self, result: Result, settings: Settings) -> Image:
        """The frame with every face's heatmap in its true place, RGB uint8 [height, width, 3]."""

    def outlines(self, face: FaceResult, settings: Settings) -> Sequence[Floats]:
        """Closed outlines of a face's regions, float32 [points, 2] each, frame px."""

    def gradient(self, settings: Settings) -> Image:
        """The colour map from the most negative to the most positive relevance, RGB uint8 [steps, 3]."""

    def draw(self, result: Result, settings: Settings) -> Image:
        """The whole overlay for a file, RGB uint8 [height, width, 3]."""


@dataclass(frozen=True)
class Backend:
    """Everything the window asks for: methods by key and title, camera names, sessions and pictures."""

    methods: Mapping[str, str]
    cameras: Callable[[], Sequence[str]]
    open: SessionFactory
    picture: Picture
