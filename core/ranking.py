"""Which channels of a layer are strongest, in an order that stays readable while the strengths flicker."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats

By = Literal["maximum", "mean"]
WAYS: Final[Mapping[By, str]] = {"maximum": "spatial maximum", "mean": "spatial mean"}

# A strength settles with this time constant, s: about a blink.
SETTLING_S: Final = 0.3
# A channel's place is thought over when its settled strength has moved by this share of the strongest one's ...
MARGIN: Final = 0.1
# ... and the order changes at most this often, s: a tile can be read before it moves.
STANDING_S: Final = 0.7


def strengths(maps: Floats, by: By) -> Floats:
    """One number per channel of maps [channels, height, width]: float32 [channels], the highest place or the mean."""
    flat = maps.reshape(len(maps), -1)
    return np.asarray(flat.max(axis=1) if by == "maximum" else flat.mean(axis=1), np.float32)


class Ranking:
    """The order of a layer's channels, strongest first, kept steady by a margin and a pause."""

    def __init__(self) -> None:
        self.clear()

    @property
    def order(self) -> tuple[int, ...]:
        """The channels, strongest first; none before there are strengths."""
        return self._order

    @property
    def settled(self) -> Floats:
        """The strengths as they can be read, float32 [channels]: without what flickers."""
        return np.zeros(0, np.float32) if self._settled is None else self._settled.astype(np.float32)

    def clear(self) -> None:
        """Forget the order, as for another face or layer."""
        self._settled: NDArray[np.float64] | None = None
        self._judged: NDArray[np.float64] = np.zeros(0)
        self._time_s = self._ordered_s = 0.0
        self._order: tuple[int, ...] = ()

    def update(self, now: Floats, time_s: float) -> tuple[int, ...]:
        """Take strengths [channels] at a presentation time; return the channels, strongest first.

        The first strengths, and those after a jump in time, count at once.
        """
        passed_s = time_s - self._time_s
        if self._settled is None or len(now) != len(self._settled) or not 0 <= passed_s <= 2 * STANDING_S:
            self._settled, self._judged = now.astype(np.float64), now.astype(np.float64)
            self._ordered_s = time_s
            self._order = _sorted(self._judged, ())
        else:
            self._settled += (now - self._settled) * -np.expm1(-passed_s / SETTLING_S)
            if time_s - self._ordered_s >= STANDING_S:
                self._reorder(time_s)
        self._time_s = time_s
        return self._order

    def _reorder(self, time_s: float) -> None:
        assert self._settled is not None
        margin = MARGIN * float(np.abs(self._settled).max(initial=0))
        moved = np.abs(self._settled - self._judged) > margin
        if not moved.any():
            return
        self._judged[moved] = self._settled[moved]
        self._order, self._ordered_s = _sorted(self._judged, self._order), time_s


def _sorted(values: NDArray[np.float64], before: Sequence[int]) -> tuple[int, ...]:
    """Places of the values, highest first; equal ones stay in the order they had."""
    start = np.asarray(before or range(len(values)), int)
    return tuple(int(place) for place in start[np.argsort(-values[start], kind="stable")])
