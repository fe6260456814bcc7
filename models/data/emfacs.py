"""What votes on a face's expression tell of its action units: weak labels from EMFACS (SCIENCE 4).

A stimulus folds no skin. How a real brow wrinkles, or a real laugh, is learnt from faces that people agree about; how
strong a unit is in them is not known, so that one strength stands for all, times the share of the votes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# In the order of the votes of FER+.
NEUTRAL, HAPPINESS, SURPRISE, SADNESS, ANGER, DISGUST, FEAR, CONTEMPT = range(8)
LEAST_VOTES: Final = 7
LEAST_SHARE: Final = 0.5  # of the votes for the expression that is taken


@dataclass(frozen=True)
class Told:
    """What expressions tell of a unit; those that are named in neither tell nothing.

    Attributes
    ----------
    shows
        Strength of the unit in a face that everybody calls so; ours, from the middle of FACS' scale.
    lacks
        Expressions without it.
    """

    shows: Mapping[int, float]
    lacks: tuple[int, ...]


TOLD: Final[Mapping[int, Told]] = {
    1: Told({SURPRISE: 2.5, SADNESS: 1.5}, (NEUTRAL, HAPPINESS, ANGER)),
    2: Told({SURPRISE: 2.5}, (NEUTRAL, HAPPINESS, ANGER, SADNESS)),
    4: Told({ANGER: 3.0, SADNESS: 1.5}, (NEUTRAL, HAPPINESS, SURPRISE)),
    5: Told({SURPRISE: 2.0, FEAR: 1.5}, (NEUTRAL, HAPPINESS, SADNESS)),
    6: Told({HAPPINESS: 2.5}, (NEUTRAL, SURPRISE, ANGER)),
    7: Told({ANGER: 2.0}, (NEUTRAL, SURPRISE)),
    9: Told({DISGUST: 2.5}, (NEUTRAL, HAPPINESS, SURPRISE)),
    10: Told({DISGUST: 2.5}, (NEUTRAL, SURPRISE, SADNESS)),
    12: Told({HAPPINESS: 3.5}, (NEUTRAL, SURPRISE, SADNESS, ANGER, DISGUST, FEAR)),
    15: Told({SADNESS: 2.0}, (NEUTRAL, HAPPINESS, SURPRISE)),
    17: Told({SADNESS: 1.0}, (NEUTRAL, HAPPINESS, SURPRISE)),
    43: Told({}, (NEUTRAL, SURPRISE, ANGER)),
}


def agreed(votes: NDArray[np.uint8], most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Faces that people agree about, at most so many of each expression: places in votes [n, 10]."""
    counts = votes[:, :8].astype(np.float64)
    total = counts.sum(axis=1)
    known = np.flatnonzero((total >= LEAST_VOTES) & (counts.max(axis=1) >= LEAST_SHARE * total))
    called = counts[known].argmax(axis=1)
    chosen = [generator.permutation(known[called == each])[:most] for each in range(8)]
    return np.sort(np.concatenate(chosen))


def told(au: int, votes: NDArray[np.uint8]) -> tuple[Numbers, Numbers]:
    """Strengths of a unit in faces with these votes [n, 10], and how much each face counts: float64 [n], [n].

    Weights sum to 1, or are all 0 where nothing is told: half of them belongs to the expressions that show the unit,
    shared evenly by expression, the rest to those that lack it.
    """
    counts = votes[:, :8].astype(np.float64)
    called, shares = counts.argmax(axis=1), counts / counts.sum(axis=1, keepdims=True)
    strengths, weights = np.zeros(len(votes)), np.zeros(len(votes))
    if au not in TOLD:
        return strengths, weights
    for expression, strength in TOLD[au].shows.items():
        chosen = called == expression
        strengths[chosen] = strength * shares[chosen, expression]
        weights[chosen] = 1 / max(chosen.sum() * len(TOLD[au].shows), 1)
    for expression in TOLD[au].lacks:
        chosen = called == expression
        weights[chosen] = 1 / max(chosen.sum() * len(TOLD[au].lacks), 1)
    return strengths, weights / weights.sum() if weights.any() else weights
