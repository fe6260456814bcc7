"""Action units of a face, from its mesh: 0 to 5, left and right (the person's).

::

    landmarks --> posed --> MEASURES --> against a norm --> gains --> ActionUnits
                (pose out)  (pose.py)    (population, or a    (fitted on the stimulus,
                            measures.py)  person's neutral)    numbers.py)

Every measure is a sum of coordinates, so what each landmark contributes to a unit is exact: `contributions`.
"""

from core.action_units.estimate import ActionUnits, Reading, estimate, read
from core.action_units.explain import contributions
from core.action_units.units import SIDES, UNITS, Unit

__all__ = ["SIDES", "UNITS", "ActionUnits", "Reading", "Unit", "contributions", "estimate", "read"]
