"""The numbers behind the estimates, measured by `python -m models.train.action_units` and kept in `fitted.npz`.

Sums over many faces; no single face can be read from them.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

FILE: Final = Path(__file__).with_name("fitted.npz")

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """What was measured.

    Attributes
    ----------
    points
        float64 [478, 3]: the mean neutral face of FER+ in the canonical frame, made symmetric.
    mirror
        int64 [478]: the landmark on the other side; its own number on the midline.
    own_gains, norm_gains
        float64 [measures, units]: intensity per unit of each measure's change, against the person's own neutral face
        and against the population's norm.
    spread
        float64 [units]: standard deviation of the estimates against the norm over neutral faces, before they are cut
        to 0..5.
    """

    points: Numbers
    mirror: NDArray[np.int64]
    own_gains: Numbers
    norm_gains: Numbers
    spread: Numbers


@cache
def fitted() -> Fitted:
    """Read the numbers, once."""
    with np.load(FILE, allow_pickle=False) as file:
        return Fitted(**{name: file[name] for name in Fitted.__dataclass_fields__})
