"""How far estimates of action units are from what they would be without noise: the errors behind an interval.

Three errors, as standard deviations of intensities, taken as independent of each other:

- noise of the frame (and of the own neutral face that it is held against): landmarks, and cells of texture or motion,
  tremble by themselves, and an estimate is a weighted sum of them, so its variance is exact: sum w C w. Landmarks
  tremble along the picture's axes, so that C turns with the head.
- what a turned head is taken for, beyond what the pose takes out, in proportion to the turn;
- without the person's own neutral face, the spread of people's faces at rest: what is peculiar to a face is taken for
  what it does.

It is no confidence interval of pain: it knows nothing of occlusion, make-up, paralysis, or of faces unlike those that
the weights were fitted on.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import Comparison, Reading
from core.action_units.estimate import Kind, gains
from core.action_units.explain import gradients
from core.action_units.fitted import fitted
from core.action_units.measures import MEASURES
from core.pspi import columns

Numbers = NDArray[np.float64]

# python -m models.verify noise --data ../shared: root mean squares over stills and sizes.
LANDMARK: Final = (0.0044, 0.0047, 0.0034)  # along the picture's x, y and in depth, inter-ocular distances
CELL: Final = 0.0047  # of a texture cell
MOTION: Final = 0.0061  # of a patch's motion between two frames, inter-ocular distances
# Intensity per degree of turn, of `core.pspi.UNITS`: against the own neutral face by kind, and against the norm, whose
# gains are the smaller ones.
TURN_OWN: Final[Mapping[Kind, tuple[float, ...]]] = {
    "mesh": (0.067, 0.049, 0.046, 0.058, 0.060, 0.034),
    "texture": (0.068, 0.074, 0.050, 0.088, 0.061, 0.034),
    "motion": (0.044, 0.066, 0.060, 0.066, 0.055, 0.040),
}
TURN_NORM: Final = (0.033, 0.052, 0.041, 0.053, 0.052, 0.026)


def errors(face: Reading, neutral: Reading | None, made: Comparison) -> Numbers:
    """Standard deviations of the estimates of `core.pspi.UNITS`, mean of both sides, before they are cut: float64.

    `made` is the comparison of the face with the norm, or with the neutral face.
    """
    points, cells = _squares(made.kind, made.own)
    variance: Numbers = (points * _covariance(face)).sum(axis=(1, 2)) + _of_picture(made.kind, made.own) * cells
    if neutral is None:
        variance += fitted().spread[int(made.kind == "texture"), columns()].astype(np.float64) ** 2
        turn = np.array(TURN_NORM) * turned_deg(face)
    else:
        variance += (points * _covariance(neutral)).sum(axis=(1, 2))
        turn = np.array(TURN_OWN[made.kind]) * np.linalg.norm(face.posed.angles_deg - neutral.posed.angles_deg)
    error: Numbers = np.sqrt(variance + turn**2)
    return error


def turned_deg(face: Reading) -> float:
    """How far the head is turned away from the camera: yaw and pitch together, degrees."""
    return float(np.linalg.norm(face.posed.angles_deg))


def _covariance(face: Reading) -> Numbers:
    """Of a landmark's noise along the canonical axes, float64 [3, 3]."""
    rotation = face.posed.rotation
    covariance: Numbers = rotation.T @ np.diag(np.square(LANDMARK)) @ rotation
    return covariance


def _of_picture(kind: Kind, own: bool) -> float:
    """Variance of a cell's change: motion has the noise of both frames in it, texture trembles in each."""
    return MOTION**2 if kind == "motion" else CELL**2 * (2 if own else 1)


@cache
def _squares(kind: Kind, own: bool) -> tuple[Numbers, Numbers]:
    """Squared weights of landmarks, by pair of axes, and of cells: float64 [units, 3, 3] and [units]."""
    of_points = gradients(kind, own).mean(axis=0)[columns()]
    of_cells = gains(kind, own)[len(MEASURES) :, columns()].astype(np.float64)
    # Each side has cells of its own and counts half: two sums of squares over four.
    return np.einsum("upa,upb->uab", of_points, of_points), np.square(of_cells).sum(axis=0) / 2
