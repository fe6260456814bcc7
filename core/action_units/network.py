"""The units from what has moved since the person's own neutral face: a small network without biases.

    units = c D + max(c H, 0) O,    c: the change of measures and skin, lids also in terms of the own eyes' opening

How far lids can travel is a matter of the eye, which is what the last part of c is for. What two movements make
together (a lip that is raised, and one that parts from the other) is no sum; hence the hidden part. Without biases the
network is piecewise linear and homogeneous: on the straight way from the neutral face its gradient stays the same, so
that gradient times change is the integrated gradient, exactly, and nothing moved is nothing shown. Learnt by
``python -m models.train.skin_motion``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units.measures import MEASURES
from core.action_units.motion import LAYERS
from core.action_units.texture import ROWS, SIDE_COLUMNS
from core.geometry import Floats

FILE: Final = Path(__file__).with_name("network.npz")

USUAL_OPENING: Final = 0.12  # of neutral eyes, inter-ocular distances
OPENINGS: Final = (0.03, 0.3)  # what own eyes are taken for at least and at most: the mesh errs by a hundredth
OF_THE_LIDS: Final = (*("upper lid down", "lower lid down", "eye opening", "lid fold down", "under the lid down"),)
AROUND_THE_EYE: Final = ((-0.95, -0.1), (-0.32, 0.32))  # of the right side: canonical x and y of its patches of skin
_OPENING: Final = [measure.name for measure in MEASURES].index("eye opening")


@dataclass(frozen=True)
class Network:
    """Its weights; the inputs are the changes, and then those around the eyes (`lids`) once more, scaled.

    Attributes
    ----------
    direct
        float32 [inputs, units].
    hidden
        float32 [inputs, hidden].
    out
        float32 [hidden, units].
    """

    direct: Floats
    hidden: Floats
    out: Floats

    def raw(self, change: NDArray[np.float64], eyes: float) -> NDArray[np.float64]:
        """The units before they are cut to 0..5, float64 [..., units].

        Parameters
        ----------
        change
            float64 [..., measures + MOTIONS]: of one side.
        eyes
            As `narrowness` gives it.
        """
        inputs = scaled(change, eyes).astype(np.float32)
        shown = inputs @ self.direct + np.maximum(inputs @ self.hidden, 0) @ self.out
        return shown.astype(np.float64)

    def gradients(self, change: NDArray[np.float64], eyes: float, units: Sequence[int]) -> NDArray[np.float64]:
        """Of these units in each change, float64 [sides, measures + MOTIONS, units], at changes [sides, ...]."""
        active = (scaled(change, eyes).astype(np.float32) @ self.hidden > 0).astype(np.float32)
        inner = active[:, :, None] * self.out[:, units]
        by_input = (self.direct[:, units] + self.hidden @ inner).astype(np.float64)
        count = change.shape[-1]
        gradient = by_input[:, :count].copy()
        gradient[:, lids()] += eyes * by_input[:, count:]
        return gradient


def narrowness(measures: NDArray[np.float64]) -> float:
    """The usual opening of eyes over that of a neutral face, whose measures are float64 [2, measures]."""
    return float(USUAL_OPENING / np.clip(measures[:, _OPENING].mean(), *OPENINGS))


def scaled(change: NDArray[np.float64], eyes: float) -> NDArray[np.float64]:
    """What the network reads of changes [..., measures + MOTIONS]."""
    return np.concatenate([change, eyes * change[..., lids()]], axis=-1)


@cache
def lids() -> NDArray[np.int64]:
    """Which of the changes tell of the lids: places among measures and patches of skin."""
    (left, right), (top, bottom) = AROUND_THE_EYE
    _, y, x = np.meshgrid(np.arange(LAYERS), ROWS, SIDE_COLUMNS, indexing="ij")
    near = (left < x) & (x < right) & (top < y) & (y < bottom)
    measures = [place for place, measure in enumerate(MEASURES) if measure.name in OF_THE_LIDS]
    return np.concatenate([measures, len(MEASURES) + np.flatnonzero(near.ravel())])


@cache
def network() -> Network:
    """Read the weights, once."""
    with np.load(FILE, allow_pickle=False) as file:
        return Network(**{name: file[name] for name in Network.__dataclass_fields__})
