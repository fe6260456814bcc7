"""Whether eyes and brows can be seen: the log odds that something covers them, by the edges of either side of a face.

A linear model on `core.action_units.texture`, learnt by `python -m models.train.covering` from faces of every
expression with and without something over them, so that a grimace is no cover.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units.texture import places
from core.geometry import Floats

FILE: Final = Path(__file__).with_name("covering.npz")
TOP, BOTTOM = -0.6, 0.35  # of the edges that are looked at, canonical y: brows and eyes


def log_odds(cells: Floats) -> float:
    """That the worse side is covered; the texture is float32 [2, CELLS]."""
    weights, bias = _weights()
    return float((edges(cells) @ weights).max() + bias)


def edges(cells: Floats) -> Floats:
    """Edges around the eyes of either side, centred and of length 1: float32 [2, n]. Light and contrast are gone."""
    seen = cells[:, _band()]
    seen = seen - seen.mean(axis=1, keepdims=True)
    size = np.sqrt((seen * seen).sum(axis=1, keepdims=True))
    return np.asarray(np.divide(seen, size, out=np.zeros_like(seen), where=size > 0), np.float32)


@cache
def _band() -> NDArray[np.int64]:
    y = places()[:, 1]
    return np.flatnonzero((y > TOP) & (y < BOTTOM))


@cache
def _weights() -> tuple[Floats, float]:
    with np.load(FILE, allow_pickle=False) as file:
        return file["weights"], float(file["bias"])
