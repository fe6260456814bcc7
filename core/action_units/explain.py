"""What each landmark, and each patch of skin, contributes to each action unit: exact, without a single step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.action_units.estimate import PLACES, Comparison, Kind, Reading, compare, gains, read
from core.action_units.measures import MEASURES, rows
from core.action_units.texture import ROWS, SIDE_COLUMNS
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
        float32 [2, units, ROWS, SIDE_COLUMNS]: by cell of skin, from its texture or its motion; places in
        `core.action_units.texture`, the left side's mirrored. All 0 where only the mesh is known.
    """

    landmarks: Floats
    cells: Floats

    def __post_init__(self) -> None:
        for name in ("landmarks", "cells"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def contributions(
    face: Comparison | Reading | Floats,
    neutral: Reading | None = None,
    image: Image | None = None,
    aus: Sequence[int] | None = None,
) -> Contributions:
    """Integrated gradients (Sundararajan et al. 2017) on the straight way from the norm to the face.

    Before it is cut to 0..5 a unit is a weighted sum of coordinates, and of texture or motion. On a straight way its
    gradient is those weights w wherever it is not cut, so that the integral is w (x - x') times the share of the sum
    that the cut leaves. `face`, `neutral` and `image` as for `estimate`, or a comparison that was made already. `aus`
    are the units asked for, by their FACS numbers; all of them by default.
    """
    if isinstance(face, Comparison):
        made = face
    else:
        made = compare(face if isinstance(face, Reading) else read(face, image), neutral)
    chosen = list(PLACES.values() if aus is None else [PLACES[au] for au in aus])
    value = made.raw[:, chosen]
    kept = np.divide(np.clip(value, 0, MAX), value, out=np.zeros_like(value), where=value != 0)[..., None, None]
    landmarks = gradients(made.kind, made.own)[:, chosen] * made.moved * kept
    shape = (-1, len(ROWS), len(SIDE_COLUMNS))  # layers of cells: directions of edges, or ways to move
    weights = gains(made.kind, made.own)[len(MEASURES) :, chosen].T.reshape(len(chosen), *shape)
    cells = np.einsum("ulrc,slrc->surc", weights, made.change[:, len(MEASURES) :].reshape(2, *shape)) * kept
    return Contributions(landmarks.astype(np.float32), cells.astype(np.float32))


@cache
def gradients(kind: Kind, own: bool) -> NDArray[np.float64]:
    """Every unit as weights on the coordinates of a posed face, float64 [2, units, 478, 3]: its gradient."""
    by_measure = gains(kind, own)[: len(MEASURES)]
    weights: NDArray[np.float64] = np.einsum("smpc,mu->supc", rows(), by_measure, optimize=True)
    return weights
