"""Whether the maps sum to what they explain."""

from typing import Final

import numpy as np

from core.explain import METHODS
from core.verification.measurements import Measurements
from core.verification.options import Options
from core.verification.soundness import ConservationFinding

QUANTILES: Final = (0.5, 0.95)


def conservation(found: Measurements, options: Options) -> ConservationFinding | None:
    """Gaps of all examined images over the scores that are explained; None where nothing was examined."""
    if not len(found.examined):
        return None
    gaps, scores = found.of("gap")[:, 0].astype(np.float64), found.of("score")[:, 0]
    known = np.isfinite(gaps) & (scores != 0)
    if not METHODS[options.method].conserves or not known.any():
        return ConservationFinding(False, 0, None, None)
    relative = np.abs(gaps[known]) / np.abs(scores[known])
    quantiles = {q: float(np.quantile(relative, q)) for q in QUANTILES}
    return ConservationFinding(True, int(known.sum()), quantiles, float(relative.max()))
