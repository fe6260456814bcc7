"""What each landmark, and each patch of skin, contributes to each action unit: exact, without a single step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.action_units.estimate import PLACES, Reading, gains, is_textured, norm, raw, read
from core.action_units.measures import MEASURES, rows
from core.action_units.texture import DIRECTIONS, ROWS, SIDE_COLUMNS
from core.action_units.units import MAX
from core.geometry import Floats, Image, frozen


@dataclass(frozen=True)
class Contributions:
    """Shares of every unit's intensity, in intensities; for each side and unit they sum to it, right and left.

    Attributes
    ----------
    landmarks
        float32 [2, units, 478, 3]: by coordinate of the posed face.
    cells
        float32 [2, units, ROWS, SIDE_COLUMNS]: by patch of texture; places in `core.action_units.texture`, the left
        side's mirrored. All 0 where only the mesh is known.
    """

    landmarks: Floats
    cells: Floats

    def __post_init__(self) -> None:
        for name in ("landmarks", "cells"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def contributions(
    face: Reading | Floats,
    neutral: Reading | None = None,
    image: Image | None = None,
    aus: Sequence[int] | None = None,
) -> Contributions:
    """Integrated gradients (Sundararajan et al. 2017) on the straight way from the norm to the face.

    Before it is cut to 0..5 a unit is a weighted sum of coordinates and of texture cells. On a straight way its
    gradient is those weights w wherever it is not cut, so that the integral is w (x - x') times the share of the sum
    that the cut leaves. `aus` are the units asked for, by their FACS numbers; all of them by default.
    """
    reading = face if isinstance(face, Reading) else read(face, image)
    before = neutral or norm()
    textured = is_textured(reading, neutral)
    chosen = list(PLACES.values() if aus is None else [PLACES[au] for au in aus])
    value = raw(reading, neutral)[:, chosen]
    kept = np.divide(np.clip(value, 0, MAX), value, out=np.zeros_like(value), where=value != 0)[..., None, None]
    moved = reading.posed.points - before.posed.points
    landmarks = gradients(neutral is not None, textured)[:, chosen] * moved * kept
    cells = np.zeros((2, len(chosen), len(ROWS), len(SIDE_COLUMNS)))
    if textured and reading.cells is not None and before.cells is not None:
        change = (reading.cells - before.cells).reshape(2, DIRECTIONS, len(ROWS), len(SIDE_COLUMNS))
        weights = gains(neutral, textured)[len(MEASURES) :, chosen].T.reshape(len(chosen), *change.shape[1:])
        cells = np.einsum("udrc,sdrc->surc", weights, change) * kept
    return Contributions(landmarks.astype(np.float32), cells.astype(np.float32))


@cache
def gradients(own: bool, textured: bool) -> NDArray[np.float64]:
    """Every unit as weights on the coordinates of a posed face, float64 [2, units, 478, 3]: its gradient."""
    by_measure = gains(norm() if own else None, textured)[: len(MEASURES)]
    weights: NDArray[np.float64] = np.einsum("smpc,mu->supc", rows(), by_measure, optimize=True)
    return weights
