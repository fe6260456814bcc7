"""How far estimates of action units are from what they would be without noise: the errors behind an interval.

Three errors, as standard deviations of intensities, taken as independent of each other:

- noise of the frame (and of the own neutral face that it is held against): landmarks and texture cells tremble by
  themselves, and an estimate is a weighted sum of them, so its variance is exact: sum w C w. Landmarks tremble along
  the picture's axes, so that C turns with the head.
- what a turned head is taken for, beyond what the pose takes out, in proportion to the turn;
- without the person's own neutral face, the spread of people's faces at rest: what is peculiar to a face is taken for
  what it does.

It is no confidence interval of pain: it knows nothing of occlusion, make-up, paralysis, or of faces unlike those that
the weights were fitted on.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import Reading
from core.action_units.estimate import gains, is_textured, norm
from core.action_units.explain import gradients
from core.action_units.fitted import fitted
from core.action_units.measures import MEASURES
from core.pspi import columns

Numbers = NDArray[np.float64]

# python -m models.verify noise --data ../shared: root mean squares over stills and sizes.
LANDMARK: Final = (0.0044, 0.0047, 0.0034)  # along the picture's x, y and in depth, inter-ocular distances
CELL: Final = 0.0047  # of a texture cell
# Intensity per degree of turn, of `core.pspi.UNITS`: against the own neutral face, and against the norm, whose gains
# are the smaller ones.
TURN_OWN: Final = (0.084, 0.164, 0.215, 0.133, 0.075, 0.099)
TURN_NORM: Final = (0.036, 0.046, 0.045, 0.065, 0.035, 0.039)


def errors(face: Reading, neutral: Reading | None) -> Numbers:
    """Standard deviations of the estimates of `core.pspi.UNITS`, mean of both sides, before they are cut: float64."""
    own, textured = neutral is not None, is_textured(face, neutral)
    variance = _frame(face, own, textured)
    if neutral is None:
        variance += fitted().spread[int(textured), columns()].astype(np.float64) ** 2
        turn_deg = turned_deg(face)
    else:
        variance += _frame(neutral, own, textured)
        turn_deg = float(np.linalg.norm(face.posed.angles_deg - neutral.posed.angles_deg))
    error: Numbers = np.sqrt(variance + (np.array(TURN_OWN if own else TURN_NORM) * turn_deg) ** 2)
    return error


def turned_deg(face: Reading) -> float:
    """How far the head is turned away from the camera: yaw and pitch together, degrees."""
    return float(np.linalg.norm(face.posed.angles_deg))


def _frame(face: Reading, own: bool, textured: bool) -> Numbers:
    """Variance that one frame's noise causes."""
    rotation = face.posed.rotation
    covariance = rotation.T @ np.diag(np.square(LANDMARK)) @ rotation
    points, cells = _squares(own, textured)
    variance: Numbers = (points * covariance).sum(axis=(1, 2)) + cells * CELL**2
    return variance


@cache
def _squares(own: bool, textured: bool) -> tuple[Numbers, Numbers]:
    """Squared weights of landmarks, by pair of axes, and of cells: float64 [units, 3, 3] and [units]."""
    of_points = gradients(own, textured).mean(axis=0)[columns()]
    of_cells = gains(norm() if own else None, textured)[len(MEASURES) :, columns()].astype(np.float64)
    # Each side has cells of its own and counts half: two sums of squares over four.
    return np.einsum("upa,upb->uab", of_points, of_points), np.square(of_cells).sum(axis=0) / 2
