"""The numbers behind the estimates, measured by `python -m models.train.action_units` and kept in `fitted.npz`.

Sums over many faces; no single face can be read from them.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats

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
    cells
        float32 [CELLS]: mean texture of neutral faces, see `core.action_units.texture`.
    mesh_gains
        float32 [2, measures, units]: intensity per unit of each measure's change, for faces of which only the mesh is
        known: against the population's norm, then against the person's own neutral face.
    full_gains
        float32 [2, measures + CELLS, units]: the same with the texture.
    spread
        float32 [2, units]: standard deviation of estimates against the norm over neutral faces before they are cut to
        0..5: from the mesh alone, with the texture.
    """

    points: Numbers
    mirror: NDArray[np.int64]
    cells: Floats
    mesh_gains: Floats
    full_gains: Floats
    spread: Floats


@cache
def fitted() -> Fitted:
    """Read the numbers, once."""
    with np.load(FILE, allow_pickle=False) as file:
        return Fitted(**{name: file[name] for name in Fitted.__dataclass_fields__})
