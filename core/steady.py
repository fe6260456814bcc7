"""Verdicts that a person can read while frames flow: a short majority, so that no mark flickers."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from core.types import FaceResult, Result
from core.verdict import Verdict

WINDOW_S: Final = 0.8  # what the majority is taken over: about as long as a person needs to notice a mark and read it
MAJORITY: Final = 2 / 3  # of the window's frames before another verdict is shown: a tie changes nothing


@dataclass(frozen=True)
class Standing:
    """What is shown of a face's verdicts.

    Attributes
    ----------
    density, outside_share
        Means of V_f and of the share outside the face over the window's frames of this very verdict, so that the
        number cannot contradict the words; None where there are none.
    """

    verdict: Verdict
    density: float | None = None
    outside_share: float | None = None


@dataclass(frozen=True)
class _Sample:
    timestamp_s: float
    verdict: Verdict
    density: float | None
    outside_share: float | None


class Steady:
    """Follows every face's verdicts. Files keep the truth of every frame; this is for the screen and for video."""

    def __init__(self) -> None:
        self._samples: dict[int, deque[_Sample]] = {}  # by face
        self._shown: dict[int, Verdict] = {}
        self._timestamp_s = float("-inf")

    def take(self, result: Result, outside_limit: float | None = None) -> Mapping[int, Standing]:
        """Take one frame in; return what is to be shown of its faces, by id. Time that runs back starts anew."""
        now_s = result.frame.timestamp_s
        if now_s < self._timestamp_s:
            self.clear()
        self._timestamp_s = now_s
        standings = {
            face.observation.face_id: self._follow(face, now_s, face.judged(outside_limit)) for face in result.faces
        }
        for face_id in [name for name, kept in self._samples.items() if now_s - kept[-1].timestamp_s > WINDOW_S]:
            del self._samples[face_id], self._shown[face_id]
        return standings

    def clear(self) -> None:
        """Forget everything, as when verdicts are made otherwise from now on."""
        self._samples.clear()
        self._shown.clear()
        self._timestamp_s = float("-inf")

    def _follow(self, face: FaceResult, now_s: float, verdict: Verdict) -> Standing:
        face_id = face.observation.face_id
        samples = self._samples.setdefault(face_id, deque())
        if samples and samples[-1].timestamp_s == now_s:
            samples.pop()  # the same frame, read once more
        samples.append(_sample(face, now_s, verdict))
        while now_s - samples[0].timestamp_s > WINDOW_S:
            samples.popleft()
        commonest, count = Counter(sample.verdict for sample in samples).most_common(1)[0]
        if count >= MAJORITY * len(samples):
            self._shown[face_id] = commonest
        shown = self._shown.setdefault(face_id, verdict)
        alike = [sample for sample in samples if sample.verdict is shown]
        return Standing(
            shown,
            _mean([sample.density for sample in alike]),
            _mean([sample.outside_share for sample in alike]),
        )


def _sample(face: FaceResult, now_s: float, verdict: Verdict) -> _Sample:
    if face.regions is None or verdict is Verdict.NOT_EXPLAINED:
        return _Sample(now_s, verdict, None, None)
    return _Sample(now_s, verdict, face.regions.expected_density, face.regions.outside_share)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
