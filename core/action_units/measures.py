"""The geometric measures: each a sum of coordinates of pose-normalised landmarks, so that its gradient is its row.

Written for the person's right side; the left side's are their mirror images. Unit: inter-ocular distances, axes of
`core.action_units.pose`. Which unit moves what: Ekman, Friesen & Hager, FACS Investigator's Guide (2002); landmarks:
MediaPipe's canonical face mesh. Lids and lips are measured against the corners of their own opening, what the mesh
moves as a whole with the head (cheeks, nose, jaw) against the stable points.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.action_units.fitted import fitted

Axis: TypeAlias = Literal["out", "down", "back"]


@dataclass(frozen=True)
class Measure:
    """How far some landmarks lie along an axis of the face, against others or against the stable points.

    Attributes
    ----------
    axis
        "out": away from the midline, on whichever side; "down"; "back": away from the camera.
    of, against
        Landmarks of the right side or of the midline; their means are subtracted. Nothing in `against`: the frame.
    """

    name: str
    axis: Axis
    of: tuple[int, ...]
    against: tuple[int, ...] = ()


_CORNERS: Final = (33, 133)

MEASURES: Final[tuple[Measure, ...]] = (
    # Brows, over the eye's corners.
    Measure("inner brow down", "down", (55, 107, 65, 66), _CORNERS),
    Measure("middle brow down", "down", (52, 105), _CORNERS),
    Measure("outer brow down", "down", (46, 53, 63, 70), _CORNERS),
    Measure("inner brow out", "out", (55, 107)),
    Measure("glabella down", "down", (8, 9, 193), (33, 133)),
    # Lids, against the eye's corners.
    Measure("upper lid down", "down", (158, 159, 160), _CORNERS),
    Measure("lower lid down", "down", (144, 145, 153), _CORNERS),
    Measure("eye opening", "down", (144, 145, 153), (158, 159, 160)),
    Measure("lid fold down", "down", (27, 29, 28), _CORNERS),
    Measure("under the lid down", "down", (23, 24, 22), _CORNERS),
    Measure("eye bag down", "down", (230, 229, 231), _CORNERS),
    # Cheek and nose.
    Measure("cheek down", "down", (50, 101, 118, 117)),
    Measure("cheek back", "back", (50, 101, 118, 117)),
    Measure("nose wing down", "down", (129, 98, 64)),
    Measure("nose base down", "down", (2, 97)),
    Measure("fold beside the nose down", "down", (203, 206, 165)),
    Measure("fold beside the nose back", "back", (206, 216, 207)),
    # Mouth.
    Measure("upper lip down", "down", (37, 39, 40), (2, 97)),
    Measure("middle of the upper lip down", "down", (0, 37), (2, 97)),
    Measure("corner out", "out", (61, 62, 76, 78)),
    Measure("corner down", "down", (61, 62, 76, 78), (2, 97)),
    Measure("corner below the lips' middle", "down", (61, 62, 78), (0, 13, 14, 17)),
    Measure("corner back", "back", (61, 62, 76, 78)),
    Measure("beside the corner back", "back", (57, 186, 43, 212)),
    Measure("lips' gap", "down", (14, 87, 178), (13, 82, 81)),
    Measure("red of the upper lip", "down", (13, 82, 81), (0, 37, 39)),
    Measure("red of the lower lip", "down", (17, 84, 181), (14, 87, 178)),
    Measure("lower lip down", "down", (17, 84, 181)),
    # Chin and jaw.
    Measure("chin's boss down", "down", (199, 200, 208)),
    Measure("chin's boss back", "back", (199, 200, 208)),
    Measure("lower lip over the chin", "down", (199, 200, 208), (17, 84, 181)),
    Measure("jaw down", "down", (152, 148, 175, 171)),
    Measure("jaw back", "back", (152, 148, 175, 171)),
)

_COLUMNS: Final = {"out": 0, "down": 1, "back": 2}


@cache
def rows() -> NDArray[np.float64]:
    """Every measure as weights on the coordinates of a posed face, float64 [2 sides, measures, 478, 3]: its gradient.

    The right side comes first.
    """
    weights = np.zeros((2, len(MEASURES), 478, 3))
    for row, measure in zip(weights[0], MEASURES, strict=True):
        column = _COLUMNS[measure.axis]
        sign = -1 if measure.axis == "out" else 1  # x points to the person's left
        row[list(measure.of), column] += sign / len(measure.of)
        if measure.against:
            row[list(measure.against), column] -= sign / len(measure.against)
    weights[1] = weights[0][:, fitted().mirror] * (-1, 1, 1)
    return weights


def measured(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every measure of posed faces [..., 478, 3], inter-ocular distances: float64 [..., 2 sides, measures]."""
    flat = points.reshape(*points.shape[:-2], 478 * 3)
    values: NDArray[np.float64] = flat @ rows().reshape(2 * len(MEASURES), -1).T
    return values.reshape(*points.shape[:-2], 2, len(MEASURES))
