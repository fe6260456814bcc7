"""What each landmark contributes to each action unit: integrated gradients, exact without a single step."""

import numpy as np

from core.action_units.estimate import Reading, raw, read
from core.action_units.fitted import fitted
from core.action_units.measures import rows
from core.action_units.units import MAX
from core.geometry import Floats, frozen


def contributions(face: Reading | Floats, neutral: Reading | None = None) -> Floats:
    """Contribution of every coordinate to every unit's intensity, float32 [2, units, 478, 3]: right and left.

    Integrated gradients (Sundararajan et al. 2017) of the geometric measures on the way from the norm to the face, in
    the canonical frame. A unit is a weighted sum w of coordinates, cut to 0..5. Along a straight line the gradient is
    w wherever it is not cut, so the integral is w (x - x') times the share that the cut leaves; it sums to the
    intensity exactly.
    """
    reading = face if isinstance(face, Reading) else read(face)
    numbers = fitted()
    gains = numbers.norm_gains if neutral is None else numbers.own_gains
    before = numbers.points if neutral is None else neutral.posed.points
    moved = reading.posed.points - before
    weights = np.einsum("smpc,mu->supc", rows(), gains, optimize=True)
    value = raw(reading, neutral)
    kept = np.divide(np.clip(value, 0, MAX), value, out=np.zeros_like(value), where=value != 0)
    shares: Floats = frozen((weights * moved * kept[..., None, None]).astype(np.float32))
    return shares
