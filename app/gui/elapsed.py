"""The time axis of charts: presentation times that never run backwards."""

import math
from typing import Final

JUMP_S: Final = 0.1  # how far a jump back is drawn


class Elapsed:
    """Where a clip begins again or is wound back, what was seen before stays in front."""

    def __init__(self) -> None:
        self._timestamp_s = -math.inf
        self._ahead_s = 0.0  # of the time seen before the source's own

    @property
    def now_s(self) -> float:
        """Time of the newest frame on the axis; minus infinity before there is one."""
        return self._timestamp_s + self._ahead_s

    def add(self, timestamp_s: float) -> float:
        """Take a frame's presentation time; return its time on the axis."""
        if timestamp_s < self._timestamp_s:
            self._ahead_s += self._timestamp_s - timestamp_s + JUMP_S
        self._timestamp_s = timestamp_s
        return self.now_s

    def clear(self) -> None:
        """Begin anew."""
        self._timestamp_s, self._ahead_s = -math.inf, 0.0
