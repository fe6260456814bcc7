"""What a landmark network reads in the faces of a video: the shapes of every face are kept as long as it wants them."""

from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np

from core.baselines import Baselines
from core.corpora import expression
from core.geometry import Floats
from core.landmark_model import LandmarkModel
from core.shape import normalised
from core.types import FaceObservation, FaceResult, LandmarkReading, LandmarkWait

FORGOTTEN_S: Final = 2.0  # shapes of a face that is not seen for longer are let go
WIDEST: Final = 2.0  # frames that lie further apart, in intervals of the window, are not interpolated between
EARLY: Final = 0.25  # how much of an interval the first shape may come too late: clocks of videos tremble


class ShapeTrack:
    """The shapes of one face in time, as many as a window holds.

    Parameters
    ----------
    window, interval_s
        How many shapes make a window, and how far they lie apart; see `core.manifests.LandmarkSpec`.
    """

    def __init__(self, window: int, interval_s: float) -> None:
        self.window, self.interval_s = window, interval_s
        self.broken_s: float | None = None  # how far the last two frames lay apart, where that was too far
        self._shapes: deque[tuple[float, Floats]] = deque()

    @property
    def seen_s(self) -> float:
        """When the last shape was seen."""
        return self._shapes[-1][0]

    @property
    def span_s(self) -> float:
        """From the first shape of a window to its last."""
        return (self.window - 1) * self.interval_s

    def add(self, timestamp_s: float, shape: Floats) -> None:
        """Take a shape [478, 3]; one of the same time takes the place of the last, an earlier one begins anew."""
        passed_s = timestamp_s - self.seen_s if self._shapes else 0.0
        self.broken_s = passed_s if passed_s > self._widest_s else None
        if self._shapes and passed_s == 0:
            self._shapes.pop()
        elif passed_s < 0 or self.broken_s is not None:
            self._shapes.clear()
        self._shapes.append((timestamp_s, shape))
        while len(self._shapes) > 1 and self._shapes[1][0] <= timestamp_s - self.span_s:
            self._shapes.popleft()

    def covered(self) -> int:
        """How many shapes of a window that ends now are known."""
        if self.window == 1:
            return 1
        known_s = self.seen_s - self._shapes[0][0] + EARLY * self.interval_s
        return min(int(known_s / self.interval_s) + 1, self.window)

    def shapes(self) -> Floats:
        """The window that ends now, float32 [window, 478, 3]: between two frames a shape lies on the way."""
        times = np.array([each for each, _ in self._shapes])
        known = np.stack([shape for _, shape in self._shapes])
        wanted = self.seen_s - self.interval_s * np.arange(self.window - 1, -1, -1)
        after = np.searchsorted(times, wanted - 1e-9).clip(0, len(times) - 1)
        before = np.maximum(after - 1, 0)
        gap = times[after] - times[before]
        part = np.divide(wanted - times[before], gap, out=np.ones_like(gap), where=gap > 0).clip(0, 1)
        weight = part[:, None, None].astype(np.float32)
        return np.asarray(known[before] * (1 - weight) + known[after] * weight, np.float32)

    @property
    def _widest_s(self) -> float:
        return WIDEST * self.interval_s if self.window > 1 else np.inf


class LandmarkReader:
    """Reads every face of every frame, in order; it keeps what it has to remember of them.

    Attributes
    ----------
    baselines
        The neutral faces that somebody has set, for a pack that compares with them.
    """

    def __init__(self, model: LandmarkModel) -> None:
        self.model = model
        self.baselines = Baselines()
        self._tracks: dict[int, ShapeTrack] = {}

    def reset(self) -> None:
        """Forget every face, as after a seek."""
        self._tracks.clear()

    def read(
        self, faces: Sequence[FaceResult], timestamp_s: float, target: str | None = None
    ) -> list[LandmarkReading | LandmarkWait]:
        """What the network reads in each face, and why it reads this expression.

        Without a target it is the class that the face's prediction names, where the network knows it, else the
        strongest expression.
        """
        self._tracks = {
            name: track for name, track in self._tracks.items() if abs(timestamp_s - track.seen_s) <= FORGOTTEN_S
        }
        return [self._read(face.observation, timestamp_s, self.explained(target or face.label)) for face in faces]

    def explained(self, label: str | None) -> str | None:
        """The network's own name of a class; None for one that it does not know."""
        if label is None:
            return None
        return next((own for own in self.model.labels if expression(own) == expression(label)), None)

    def _read(self, face: FaceObservation, timestamp_s: float, target: str | None) -> LandmarkReading | LandmarkWait:
        try:
            shape = normalised(face.landmarks)
            neutral = self._neutral(face.face_id)
        except ValueError as error:
            return self._wait(str(error))
        spec = self.model.pack.manifest.input
        if spec.from_neutral and neutral is None:
            return self._wait("it compares with the person's neutral face, and none was given")
        track = self._tracks.setdefault(face.face_id, ShapeTrack(spec.window, spec.interval_s))
        track.add(timestamp_s, shape)
        if track.covered() < spec.window:
            return self._wait(_missing(track))
        shapes = track.shapes()
        return self.model.read(shapes if neutral is None else shapes - neutral, target)

    def _neutral(self, face_id: int) -> Floats | None:
        own = self.baselines.of(face_id) if self.model.pack.manifest.input.from_neutral else None
        return None if own is None else own.shape

    def _wait(self, why: str) -> LandmarkWait:
        return LandmarkWait(self.model.pack.title, why)


def _missing(track: ShapeTrack) -> str:
    if track.broken_s is not None:
        return f"frames lie {track.broken_s:.2g} s apart, and it needs one every {track.interval_s:g} s"
    return f"not yet: {track.covered()} of {track.window} frames, {track.interval_s:g} s apart"
