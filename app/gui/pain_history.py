"""The last minute of every face's score, with its interval, and why there was none."""

from collections import deque
from dataclasses import dataclass
from typing import Final

from app.gui.elapsed import Elapsed
from core.pspi import PainReading
from core.types import FaceResult

WINDOW_S: Final = 60.0
MAX_SAMPLES: Final = 3600  # a minute at 60 Hz
MAX_POINTS: Final = 500  # more than the chart has room for


@dataclass(frozen=True)
class Sampled:
    """One reading on the chart's axis; `score` is None where `reason` says why there is none.

    `passage` counts jumps in time: readings of two passages do not follow each other.
    """

    at_s: float
    passage: int
    score: float | None
    low: float
    high: float
    reason: str | None


class PainHistory:
    """Samples by face id, in the order in which they were seen. A gap in a track stays a gap."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._elapsed = Elapsed()
        self._timestamp_s = float("-inf")
        self._passage = 0
        self._samples: dict[int, deque[Sampled]] = {}

    @property
    def now_s(self) -> float:
        """Time of the newest frame on the axis."""
        return self._elapsed.now_s

    def add(self, timestamp_s: float, faces: tuple[FaceResult, ...]) -> None:
        """Take one frame's faces; the same frame again takes the place of what it was."""
        self._passage += timestamp_s < self._timestamp_s
        self._timestamp_s = timestamp_s
        now_s = self._elapsed.add(timestamp_s)
        for face in faces:
            if face.pain is None:
                continue
            track = self._samples.setdefault(face.observation.face_id, deque(maxlen=MAX_SAMPLES))
            if track and track[-1].at_s == now_s:
                track.pop()
            track.append(_sampled(face.pain, now_s, self._passage))
        for face_id in [key for key, track in self._samples.items() if track[-1].at_s < now_s - WINDOW_S]:
            del self._samples[face_id]

    def of(self, face_id: int) -> list[Sampled]:
        """The last minute of a face, thinned to what a chart has room for, the newest always among it."""
        oldest_s = self.now_s - WINDOW_S
        track = [each for each in self._samples.get(face_id, ()) if each.at_s >= oldest_s]
        stride = -(-len(track) // MAX_POINTS) or 1
        return track[::-stride][::-1]


def _sampled(reading: PainReading, at_s: float, passage: int) -> Sampled:
    score = reading.score
    if score is None:
        return Sampled(at_s, passage, None, 0.0, 0.0, reading.reason)
    return Sampled(at_s, passage, score.pspi, score.low, score.high, None)
