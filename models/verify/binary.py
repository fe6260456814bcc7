"""Temperature and calibration of binary networks that learnt with both answers weighing the same."""

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.verification.estimates import Doubles
from core.verification.scores import BINS
from models.train.landmarks import class_weights


def probabilities(logits: Floats, temperature: float) -> Doubles:
    """Of each expression by itself: sigmoids, float64 [n, networks]."""
    odds: Doubles = 1 / (1 + np.exp(-logits.astype(np.float64) / temperature))
    return odds


def weighted_loss(logits: Floats, targets: NDArray[np.bool_], temperature: float) -> float:
    """Negative log-likelihood, nats, faces with and without an expression weighing the same."""
    signed = np.where(targets, -1.0, 1.0) * logits.astype(np.float64) / temperature
    return float((class_weights(targets) * np.logaddexp(0, signed)).mean())


def fit_temperature(logits: Floats, targets: NDArray[np.bool_]) -> float:
    """The one temperature of least `weighted_loss` over all networks, to 1 %, in 0.05..20."""
    tried = np.geomspace(0.05, 20, 603)
    return float(tried[np.argmin([weighted_loss(logits, targets, temperature) for temperature in tried])])


def calibration_error(odds: Doubles, targets: NDArray[np.bool_]) -> float:
    """Expected calibration error of binary networks [n, networks], the mean over them, both answers weighing the same.

    So weighted, a probability of 0.5 should be right for half of the faces if the expression were as common as not.
    """
    weights = class_weights(targets)
    errors = []
    for odd, shown, weight in zip(odds.T, targets.T, weights.T, strict=True):
        places = np.minimum((odd * BINS).astype(np.int64), BINS - 1)
        gaps = np.bincount(places, weight * (odd - shown), minlength=BINS)
        errors.append(np.abs(gaps).sum() / weight.sum())
    return float(np.mean(errors))
