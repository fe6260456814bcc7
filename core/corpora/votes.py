"""FER+: from the votes of ten people to a label (Barsoum et al. 2016, SCIENCE 5)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats

NO_MAJORITY: Final = -1


def clean_votes(votes: NDArray[np.uint8]) -> Floats:
    """Votes [n, columns] with single votes counted as zero (the FER+ protocol), float32 [n, columns]."""
    return np.where(votes > 1, votes, 0).astype(np.float32)


def majority(votes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The column with more than half of the votes left once single votes are removed: int64 [n], -1 where none has.

    Votes are [n, columns], "unknown" and "not a face" among the columns: whether those count is the caller's business.
    """
    cleaned = clean_votes(votes)
    clear = cleaned.max(axis=1) > cleaned.sum(axis=1) / 2
    return np.where(clear, cleaned.argmax(axis=1), NO_MAJORITY).astype(np.int64)
