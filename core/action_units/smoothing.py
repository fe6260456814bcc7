"""Smoothing of action units over time that a person sees and sets: causal, no look-ahead."""

from typing import Final

import numpy as np

from core.action_units.estimate import ActionUnits

TIME_CONSTANT_S: Final = 0.15  # most of the mesh's tremor goes, and eyes closed for 0.3 s still reach 86 % of it
LONGEST_GAP_S: Final = 1.0  # between frames; after a longer one nothing is carried on


class Smoothing:
    """A first-order low-pass of one face's intensities: a step is followed to 63 % after the time constant.

    Parameters
    ----------
    time_constant_s
        0 lets everything through.
    """

    def __init__(self, time_constant_s: float = TIME_CONSTANT_S) -> None:
        if not (np.isfinite(time_constant_s) and time_constant_s >= 0):
            raise ValueError(f"a time constant is 0 s or more, got {time_constant_s}")
        self.time_constant_s = time_constant_s
        self.clear()

    def clear(self) -> None:
        """Forget what was seen."""
        self._shown: ActionUnits | None = None
        self._timestamp_s = float("-inf")

    def take(self, units: ActionUnits, timestamp_s: float) -> ActionUnits:
        """Take a frame's intensities in and return the smoothed ones. Time that runs back starts anew."""
        step_s = timestamp_s - self._timestamp_s
        if self._shown is None or not 0 <= step_s <= LONGEST_GAP_S or self.time_constant_s == 0:
            self._shown = units
        else:
            share = np.float32(1 - np.exp(-step_s / self.time_constant_s))
            before = self._shown
            self._shown = ActionUnits(
                before.right + share * (units.right - before.right), before.left + share * (units.left - before.left)
            )
        self._timestamp_s = timestamp_s
        return self._shown
