"""What each landmark, and each patch of skin, contributes to each action unit: exact, without a single step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.action_units.estimate import PLACES, Comparison, Reading, Weighed, compare, gains, read
from core.action_units.measures import MEASURES, rows
from core.action_units.network import network
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

    Before it is cut to 0..5 a unit is a weighted sum of coordinates and texture, or a network without biases of
    coordinates and motion. On a straight way its gradient is the same weights w wherever it is not cut, so that the
    integral is w (x - x') times the share of the sum that the cut leaves. `face`, `neutral` and `image` as for
    `estimate`, or a comparison that was made already. `aus` are the units asked for, by their FACS numbers; all of them
    by default.
    """
    if isinstance(face, Comparison):
        made = face
    else:
        made = compare(face if isinstance(face, Reading) else read(face, image), neutral)
    chosen = list(PLACES.values() if aus is None else [PLACES[au] for au in aus])
    value = made.raw[:, chosen]
    kept = np.divide(np.clip(value, 0, MAX), value, out=np.zeros_like(value), where=value != 0)[..., None, None]
    by_landmark, by_cell = _gradients(made, chosen)
    landmarks = by_landmark * made.moved * kept
    shape = (-1, len(ROWS), len(SIDE_COLUMNS))  # layers of cells: directions of edges, or ways to move
    weights, change = by_cell.reshape(2, len(chosen), *shape), made.change[:, len(MEASURES) :].reshape(2, *shape)
    cells = np.einsum("sulrc,slrc->surc", weights, change) * kept
    return Contributions(landmarks.astype(np.float32), cells.astype(np.float32))


def _gradients(made: Comparison, chosen: list[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of units in the coordinates of a posed face, float64 [2, units, 478, 3], and in its cells [2, units, cells]."""
    if made.kind != "motion":
        cells = gains(made.kind, made.own)[len(MEASURES) :, chosen].T
        return gradients(made.kind, made.own)[:, chosen], np.stack([cells, cells])
    gradient = network().gradients(made.change, made.eyes, chosen).transpose(0, 2, 1)
    by_measure = gradient[:, :, : len(MEASURES)]
    by_landmark = by_measure @ rows().reshape(2, len(MEASURES), -1)
    return by_landmark.reshape(2, len(chosen), -1, 3), gradient[:, :, len(MEASURES) :]


@cache
def gradients(kind: Weighed, own: bool) -> NDArray[np.float64]:
    """Every unit as weights on the coordinates of a posed face, float64 [2, units, 478, 3]: its gradient."""
    by_measure = gains(kind, own)[: len(MEASURES)]
    weights: NDArray[np.float64] = np.einsum("smpc,mu->supc", rows(), by_measure, optimize=True)
    return weights
