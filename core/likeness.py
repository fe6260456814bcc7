"""Pain, or another expression that narrows eyes and draws the mouth: a small model on action units and their course.

A logistic regression, so that what each unit adds is exact. It needs the person's own neutral face: without one it was
hardly better than a guess, since what is peculiar to a face looks like what it does. It goes by the units against that
face, and by those against the population's norm beside them: a neutral face that smiles would hide every smile.
What it gives is its own probability, between faces that do what faces in pain do and faces that laugh, squint, speak,
yawn, are disgusted, or at rest, both equally frequent; it is no probability that somebody is in pain.
"""

from collections import deque
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import UNITS, ActionUnits
from core.action_units.estimate import PLACES
from core.geometry import Floats, frozen

FILE: Final = Path(__file__).with_name("likeness.npz")
LIKE_PAIN: Final = 0.5  # from here on a face is called pain-like
WINDOW_S: Final = 1.5  # of a course
LIPS: Final = (25, 26)
LEARNT: Final[tuple[int, ...]] = tuple(unit.au for unit in UNITS if unit.like is None)
_COLUMNS: Final = [PLACES[au] for au in LEARNT]


@dataclass(frozen=True)
class Likeness:
    """How much a face is like one in pain.

    Attributes
    ----------
    probability
        0..1; the rest is "another expression".
    evidence
        float32 [2, LEARNT]: what each unit adds to the log odds of a face at rest: by the norm, and by the own neutral
        face.
    of_lips
        What their travel adds.
    """

    probability: float
    evidence: Floats
    of_lips: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", frozen(self.evidence))

    @property
    def is_like_pain(self) -> bool:
        """Whether the face is called pain-like."""
        return self.probability >= LIKE_PAIN

    def of(self, au: int) -> float:
        """What a unit adds to the log odds, by its FACS number."""
        return float(self.evidence[:, LEARNT.index(au)].sum())


class LipCourse:
    """How far the lips have travelled lately: speech opens and shuts them again and again, a cry or a yawn once."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()

    def take(self, units: ActionUnits, timestamp_s: float) -> float:
        """Take a frame in; the travel of AU25 and AU26 within the last `WINDOW_S`, intensity per s.

        Time that runs back, or jumps, starts anew.
        """
        seen = self._seen
        if seen and not 0 <= timestamp_s - seen[-1][0] <= WINDOW_S:
            seen.clear()
        seen.append((timestamp_s, sum(units.of(au) for au in LIPS)))
        while seen[0][0] < timestamp_s - WINDOW_S:
            seen.popleft()
        return travel([opening for _, opening in seen])


def travel(openings: list[float]) -> float:
    """How far a course of openings went within the window, intensity per s."""
    return float(np.abs(np.diff(openings)).sum()) / WINDOW_S


def features(by_norm: Floats, by_own: Floats, travelled: float) -> Floats:
    """What the model reads, float32 [2 * LEARNT + 1]: intensities [units], mean of both sides, and the lips' travel.

    Against the norm, then against the own neutral face.
    """
    return np.concatenate([by_norm[_COLUMNS], by_own[_COLUMNS], [travelled]]).astype(np.float32)


def likeness(by_norm: ActionUnits, by_own: ActionUnits, travelled: float) -> Likeness:
    """Judge a face by its units against the norm and its own neutral face, and by how far its lips travelled."""
    weights, bias = _fitted()
    evidence: NDArray[np.float64] = weights * features(by_norm.both, by_own.both, travelled)
    probability = float(1 / (1 + np.exp(-(evidence.sum() + bias))))
    return Likeness(probability, evidence[:-1].reshape(2, -1).astype(np.float32), float(evidence[-1]))


@cache
def _fitted() -> tuple[NDArray[np.float64], float]:
    """Weights float64 [2 * LEARNT + 1] and the log odds of a face at rest."""
    with np.load(FILE, allow_pickle=False) as file:
        return file["weights"], float(file["bias"])
