"""How often to explain: as often as the machine keeps up with the frames."""

from collections import deque
from statistics import median
from typing import Final

# Frames over which the cost of a frame is measured; the median of so many forgets the slow first calls of a session.
WINDOW: Final = 15
# At least so many explained frames before the rate is changed.
ENOUGH: Final = 3
# Share of the frame interval above which explanations are thinned out, what they are thinned out to, and the share
# below which they come back: the gap between them keeps the rate from swinging.
BUSY: Final = 0.95
AIM: Final = 0.85
EASY: Final = 0.75
# Where a frame alone takes too long, explanations add at most this share to it.
LEAST_EXTRA: Final = 0.25
# An explanation older than this many frames is of no use: 1 s at 30 frames/s.
RAREST: Final = 30


class ExplainRate:
    """Decides frame by frame whether to explain.

    Attributes
    ----------
    every
        The automatic rate: every n-th frame is explained.
    """

    def __init__(self) -> None:
        self.every = 1
        self._since: int | None = None  # frames since the last explained one; None: explain the next in any case
        self._since_change = 0
        self._plain_s: deque[float] = deque(maxlen=WINDOW)
        self._explained_s: deque[float] = deque(maxlen=WINDOW)

    def due(self, setting: int | None) -> bool:
        """Whether this frame is to be explained; `setting` is every n-th frame, or 0 or None for automatic."""
        if self._since is not None and self._since + 1 < (setting or self.every):
            self._since += 1
            return False
        self._since = 0
        return True

    def start_over(self) -> None:
        """Explain the next frame in any case: it does not continue the last one."""
        self._since = None

    def measured(self, took_s: float, explained: bool, interval_s: float | None) -> None:
        """Note what a frame took, and adapt to the interval at which frames come."""
        (self._explained_s if explained else self._plain_s).append(took_s)
        self._since_change += 1
        if interval_s is None or interval_s <= 0 or len(self._explained_s) < ENOUGH:
            return
        wanted = self._wanted(interval_s)
        if wanted != self.every:
            self.every = wanted
            self._since_change = 0

    def _wanted(self, interval_s: float) -> int:
        explained_s = median(self._explained_s)
        # As long as every frame is explained nobody knows what one costs without.
        plain_s = min(median(self._plain_s), explained_s) if self._plain_s else explained_s / 2
        extra_s = explained_s - plain_s

        def rarest_needed(share: float) -> int:
            """Least n with which a frame takes at most a share of the interval."""
            room_s = share * interval_s - plain_s
            if room_s <= 0:
                return _ratio_up(extra_s, LEAST_EXTRA * plain_s)
            return _ratio_up(extra_s, room_s)

        if plain_s + extra_s / self.every > BUSY * interval_s:
            return max(self.every, rarest_needed(AIM))
        if self._since_change >= WINDOW:
            return min(self.every, rarest_needed(EASY))
        return self.every


def _ratio_up(part: float, whole: float) -> int:
    """Ratio, rounded up, within 1 and RAREST."""
    if whole <= 0:
        return RAREST
    return min(RAREST, max(1, -int(-part // whole)))
