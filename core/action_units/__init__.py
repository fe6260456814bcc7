"""Action units of a face, from its mesh and its picture: 0 to 5, left and right (the person's).

::

    landmarks --> posed --> measured -----.
                    |                      |--> against a norm --> gains or network --> ActionUnits
    picture ----> flattened --> texture,-'     (the population's, or the person's own neutral face)
                                or motion

`measures.py` is the table of geometric measures, `texture.py` and `motion.py` what the mesh cannot see, `units.py`
which of them tell of which unit. Units are weighted sums (`fitted.py`) or, with the skin's motion, a network without
biases (`network.py`), so what each landmark and each patch of skin contributes is exact: `contributions`. The weights
were fitted on faces that the stimulus moved.
"""

from core.action_units.estimate import ActionUnits, Comparison, Reading, compare, estimate, read
from core.action_units.explain import Contributions, contributions
from core.action_units.smoothing import Smoothing
from core.action_units.units import SIDES, UNITS, Unit

__all__ = [
    "SIDES",
    "UNITS",
    "ActionUnits",
    "Comparison",
    "Contributions",
    "Reading",
    "Smoothing",
    "Unit",
    "compare",
    "contributions",
    "estimate",
    "read",
]
