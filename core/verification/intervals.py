"""Intervals of 95 %: Wilson's for proportions, the bootstrap over images or people for everything else."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.verification.estimates import Doubles, Estimate

Z: Final = 1.959963984540054  # 97.5 % quantile of the normal distribution
TAILS: Final = (2.5, 97.5)  # percentiles
_KEPT: Final = 1 << 25  # draws are kept up to this many numbers, drawn again for every question beyond


def wilson(hits: int, n: int) -> Estimate | None:
    """Proportion with the score interval of Wilson 1927; None of nothing."""
    if n == 0:
        return None
    share = hits / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * float(np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)))
    return Estimate(share, max(middle - reach, 0.0), min(middle + reach, 1.0), n)


def clusters(subjects: Sequence[str | None]) -> NDArray[np.int64]:
    """Numbers of what is drawn together, int64 [images]: a person's images; an image without a person on its own."""
    known: dict[object, int] = {}
    keys = ((None, place) if subject is None else subject for place, subject in enumerate(subjects))
    return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)


class Bootstrap:
    """Percentile intervals of means and ratios of means (Efron 1979), from one set of draws of the whole corpus.

    Since all questions share the draws, ratios of means over different images keep what these have in common.

    Parameters
    ----------
    groups
        int64 [images]: what is drawn together, see `clusters`.
    """

    def __init__(self, groups: NDArray[np.int64], draws: int, seed: int) -> None:
        self.groups, self.draws, self.seed = groups, draws, seed
        self.count = int(groups.max()) + 1 if len(groups) else 0
        self._kept: list[Doubles] | None = None

    def mean(self, values: NDArray[Any]) -> Estimate | None:
        """Mean over the images [images] that have a value, NaN standing for none; None where no image has one."""
        there = np.isfinite(values)
        if not there.any():
            return None
        low, high = self.means(values[:, None])
        found = values[there].astype(np.float64)
        return Estimate(float(found.mean()), float(low[0]), float(high[0]), len(found), _spread(found))

    def means(self, values: NDArray[Any]) -> tuple[Doubles, Doubles]:
        """Ends of the intervals of the means of columns [images, columns]; NaN as in `mean`."""
        there = np.isfinite(values)
        ends = self.ratios(np.where(there, values, 0.0), there.astype(np.float64))
        alone = self._sources(there) < 2
        return np.where(alone, np.nan, ends[0]), np.where(alone, np.nan, ends[1])

    def ratio_of_means(self, above: NDArray[Any], below: NDArray[Any]) -> Estimate | None:
        """Mean of `above` over mean of `below`, [images] each with NaN for none; n is the images of `above`."""
        first, second = np.isfinite(above), np.isfinite(below)
        if not first.any() or not second.any() or below[second].mean() <= 0:
            return None
        value = float(above[first].mean(dtype=np.float64) / below[second].mean(dtype=np.float64))
        parts = [np.where(first, above, 0.0), first, np.where(second, below, 0.0), second]
        drawn = np.concatenate([block @ self._summed(np.stack(parts, axis=1)) for block in self._blocks()])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = drawn[:, 0] / drawn[:, 1] / (drawn[:, 2] / drawn[:, 3])
        alone = min(self._sources(first[:, None])[0], self._sources(second[:, None])[0]) < 2
        low, high = (np.nan, np.nan) if alone else _ends(ratios[:, None])[:, 0]
        return Estimate(value, float(low), float(high), int(first.sum()))

    def summed_sizes(self, values: NDArray[Any]) -> tuple[float, float]:
        """Ends of the interval of the sum over columns of |mean of the column|, of values [images, columns].

        Every image has its values; NaN of a single image or person.
        """
        if self.count < 2:
            return np.nan, np.nan
        sums = self._summed(np.column_stack([values, np.ones(len(values))]))
        drawn = np.concatenate([block @ sums for block in self._blocks()])
        low, high = _ends(np.abs(drawn[:, :-1]).sum(axis=1, keepdims=True) / drawn[:, -1:])[:, 0]
        return float(low), float(high)

    def ratios(self, above: NDArray[Any], below: NDArray[Any]) -> tuple[Doubles, Doubles]:
        """Ends of the intervals of sum(above) / sum(below), column by column [images, columns].

        Draws of 0 / 0 do not count.
        """
        used = np.flatnonzero(np.bincount(self.groups, below.any(axis=1), self.count))
        top, bottom = self._summed(above)[used], self._summed(below)[used]
        drawn = [(block[:, used] @ top, block[:, used] @ bottom) for block in self._blocks()]
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high = _ends(np.concatenate([one / other for one, other in drawn]))
        return low, high

    def _summed(self, values: NDArray[Any]) -> Doubles:
        """Sums over what is drawn together, float64 [clusters, columns]."""
        if self.count == len(self.groups):  # every image on its own
            return np.asarray(values, np.float64)
        sums = np.zeros((self.count, values.shape[1]))
        np.add.at(sums, self.groups, values)
        return sums

    def _sources(self, there: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many clusters each column [images, columns] has a value from."""
        return np.asarray((self._summed(there) > 0).sum(axis=0), np.int64)

    def _blocks(self) -> Iterator[Doubles]:
        """How often each cluster is drawn, float64 [some draws, clusters], block by block."""
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Doubles] | None = [] if self.draws * self.count <= _KEPT else None
        generator = np.random.default_rng([self.seed, 1])
        for start in range(0, self.draws, 64):
            rows = min(64, self.draws - start)
            places = generator.integers(self.count, size=(rows, self.count)) + self.count * np.arange(rows)[:, None]
            counts = np.bincount(places.ravel(), minlength=rows * self.count)
            block = counts.reshape(rows, self.count).astype(np.float64)
            if kept is not None:
                kept.append(block)
            yield block
        self._kept = kept


def _ends(drawn: Doubles) -> Doubles:
    """Percentiles of draws [draws, columns] that are numbers: float64 [2, columns]; NaN for columns without any."""
    ends = np.full((2, drawn.shape[1]), np.nan)
    whole = np.isfinite(drawn).all(axis=0)
    if whole.any():
        ends[:, whole] = np.percentile(drawn[:, whole], TAILS, axis=0)
    for column in np.flatnonzero(~whole):
        numbers = drawn[np.isfinite(drawn[:, column]), column]
        if len(numbers):
            ends[:, column] = np.percentile(numbers, TAILS)
    return ends


def _spread(values: Doubles) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None
