"""How far estimates of action units are from what they would be without noise: the errors behind an interval.

Three errors, as standard deviations of intensities, taken as independent of each other:

- noise of the frame (and of the own neutral face that it is held against): landmarks and cells of texture tremble by
  themselves, and an estimate is a weighted sum of them, so its variance is exact: sum w C w. Landmarks tremble along
  the picture's axes, so that C turns with the head. Where the skin's motion is followed, what the estimates themselves
  tremble by was measured.
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
from core.action_units.estimate import Kind, Weighed, gains
from core.action_units.explain import gradients
from core.action_units.fitted import fitted
from core.action_units.measures import MEASURES
from core.pspi import columns

Numbers = NDArray[np.float64]

# python -m models.verify noise --data ../shared: root mean squares over stills and sizes.
LANDMARK: Final = (0.0044, 0.0047, 0.0034)  # along the picture's x, y and in depth, inter-ocular distances
CELL: Final = 0.0047  # of a texture cell
# Of the estimates of `core.pspi.UNITS` by motion since the own neutral face: both frames' noise together. Patches of
# skin tremble together, so that their noise cannot be carried on patch by patch.
MOTION: Final = (0.07, 0.11, 0.14, 0.12, 0.09, 0.12)
# Intensity per degree of turn, of the same units: against the own neutral face by kind, and against the norm, whose
# gains are the smaller ones.
TURN_OWN: Final[Mapping[Kind, tuple[float, ...]]] = {
    "mesh": (0.069, 0.049, 0.046, 0.063, 0.057, 0.034),
    "texture": (0.041, 0.041, 0.024, 0.041, 0.041, 0.034),
    "motion": (0.048, 0.049, 0.060, 0.056, 0.055, 0.051),
}
TURN_NORM: Final = (0.024, 0.043, 0.028, 0.035, 0.036, 0.028)


def errors(face: Reading, neutral: Reading | None, made: Comparison) -> Numbers:
    """Standard deviations of the estimates of `core.pspi.UNITS`, mean of both sides, before they are cut: float64.

    `made` is the comparison of the face with the norm, or with the neutral face.
    """
    variance = np.square(MOTION) if made.kind == "motion" else _frames(face, neutral, made.kind)
    if neutral is None:
        variance = variance + fitted().spread[int(made.kind == "texture"), columns()].astype(np.float64) ** 2
        turn = np.array(TURN_NORM) * turned_deg(face)
    else:
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


def _frames(face: Reading, neutral: Reading | None, kind: Weighed) -> Numbers:
    """Variance by the noise of landmarks and texture, of this frame and of the neutral one."""
    points, cells = _squares(kind, neutral is not None)
    seen = (face,) if neutral is None else (face, neutral)
    variance: Numbers = len(seen) * CELL**2 * cells
    for each in seen:
        variance = variance + (points * _covariance(each)).sum(axis=(1, 2))
    return variance


@cache
def _squares(kind: Weighed, own: bool) -> tuple[Numbers, Numbers]:
    """Squared weights of landmarks, by pair of axes, and of cells: float64 [units, 3, 3] and [units]."""
    of_points = gradients(kind, own).mean(axis=0)[columns()]
    of_cells = gains(kind, own)[len(MEASURES) :, columns()].astype(np.float64)
    # Each side has cells of its own and counts half: two sums of squares over four.
    return np.einsum("upa,upb->uab", of_points, of_points), np.square(of_cells).sum(axis=0) / 2
