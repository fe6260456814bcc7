"""What the engine says about itself."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from core.types import Result

# Over which time the rate and the other figures are taken, s.
RATE_WINDOW_S: Final = 2.0
WINDOW_S: Final = 5.0
# A rate over less than this says nothing yet, s.
SHORTEST_RATE_S: Final = 0.2

State = Literal["starting", "running", "paused", "ended", "failed"]


@dataclass(frozen=True)
class EngineStatus:
    """One look at the engine. Times are in seconds; None where there is nothing to tell yet.

    Attributes
    ----------
    state
        "starting" until the first frame, then "running", "paused", "ended" or "failed".
    error
        Why it failed; in state "ended", what a damaged file lacks.
    notice
        The last picture of a folder that could not be read, in a sentence.
    fps
        Results in the last two seconds, Hz: what is really shown.
    latency_median_s, latency_p95_s
        From capture (recorded: from when the frame was due) to the result, over the last five seconds.
    dropped
        Frames that were replaced by newer ones before the pipeline took them, since the start.
    explained_share
        Faces explained on their own frame, of all faces in the last five seconds, 0..1.
    explanation_age_s
        Age of the oldest explanation in the newest result.
    explain_every
        Every n-th frame is explained, as set or as found automatically.
    position_s
        Timestamp of the newest result; runs from `start_s` to `start_s + duration_s` where these are known.
    source_fps
        Nominal rate of the source, Hz.
    size
        Width and height of the newest result's frame, px.
    """

    state: State
    error: Exception | None = None
    notice: str | None = None
    fps: float = 0.0
    latency_median_s: float | None = None
    latency_p95_s: float | None = None
    dropped: int = 0
    explained_share: float | None = None
    explanation_age_s: float | None = None
    explain_every: int = 1
    position_s: float | None = None
    start_s: float = 0.0
    duration_s: float | None = None
    frame_index: int | None = None
    frame_count: int | None = None
    source: str = ""
    source_fps: float | None = None
    size: tuple[int, int] | None = None
    live: bool = False
    seekable: bool = False


@dataclass(frozen=True)
class Done:
    """One result, as far as the figures go."""

    at_s: float
    latency_s: float
    faces: int
    explained: int


@dataclass(frozen=True)
class Figures:
    """What the meter reads; the fields are those of `EngineStatus`."""

    fps: float
    latency_median_s: float | None
    latency_p95_s: float | None
    explained_share: float | None


class Meter:
    """Counts results; one thread adds, any thread reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: deque[Done] = deque()
        self._first_s: float | None = None

    def add(self, result: Result, now_s: float) -> None:
        """Count a result that is ready now."""
        explained = sum(face.explained for face in result.faces)
        with self._lock:
            if self._first_s is None:
                self._first_s = now_s
            self._done.append(Done(now_s, now_s - result.frame.captured_s, len(result.faces), explained))
            self._forget(now_s)

    def read(self, now_s: float) -> Figures:
        """Read the figures as of now."""
        with self._lock:
            self._forget(now_s)
            done = tuple(self._done)
            window_s = min(RATE_WINDOW_S, now_s - self._first_s) if self._first_s is not None else 0.0
        recent = sum(one.at_s > now_s - window_s for one in done)
        faces = sum(one.faces for one in done)
        latencies = [one.latency_s for one in done]
        return Figures(
            fps=recent / window_s if window_s >= SHORTEST_RATE_S else 0.0,
            latency_median_s=float(np.median(latencies)) if latencies else None,
            latency_p95_s=float(np.percentile(latencies, 95)) if latencies else None,
            explained_share=sum(one.explained for one in done) / faces if faces else None,
        )

    def _forget(self, now_s: float) -> None:
        while self._done and self._done[0].at_s <= now_s - WINDOW_S:
            self._done.popleft()


def explanation_age_s(result: Result) -> float | None:
    """Age of the oldest explanation in a result, s."""
    ages = [result.explanation_age_s(face) for face in result.faces]
    return max((age for age in ages if age is not None), default=None)
