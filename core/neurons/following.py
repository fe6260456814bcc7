"""Which action unit each filter follows, after Khorrami, Paine and Huang 2015 (SCIENCE 1.2), with errors under control.

Of a filter's spatial maxima over a collection, Q is the histogram over the pictures that show an action unit, P0 that
over the others, on common bins. The unit with the largest D_KL(Q || P0) = sum Q log(Q / P0) names the filter, provided
the mean maximum is higher under Q than under P0.

The paper has no test, and of enough units one always has the largest divergence. So each pair of filter and unit is
tested: pictures' labels change places (whole rows, so that units go on occurring together), and the p-value is how
often the divergence, 0 where the sign is wrong, comes out as large. Benjamini and Hochberg 1995 over all pairs then
keeps the expected share of false findings below a level. A test of the largest divergence over the units would only say
that a filter follows something; the name is what is claimed, so the pair is what is tested.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import VerificationError
from core.geometry import Floats
from core.neurons.atlas import BEST, NO_UNIT

BINS: Final = 16
TAILS: Final = (0.5, 99.5)  # percentiles of the maxima between which the bins lie; the outer bins are open
LEAST: Final = 20  # pictures with a unit, and without it, from which on it can be followed
PERMUTATIONS: Final = 2000
LEVEL: Final = 0.05
CONTROLS: Final = 20  # tables of permuted labels that say what chance finds
AT_ONCE: Final = 1 << 24  # numbers of one block of bins by pictures: 64 MB
TOGETHER: Final = 8  # permutations that one product counts
TIES: Final = 1 - 1e-6  # of divergences that differ in how they were rounded alone

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class UnitTable:
    """Which action units pictures show.

    Attributes
    ----------
    units
        int16 [units], their numbers.
    present
        bool [images, units].
    source
        For people: where this comes from.
    """

    units: NDArray[np.int16]
    present: Flags
    source: str

    def __post_init__(self) -> None:
        fits = self.present.ndim == 2 and self.present.dtype == bool and self.present.shape[1] == len(self.units)
        if not fits or (self.units <= NO_UNIT).any() or len(set(self.units.tolist())) < len(self.units):
            raise VerificationError(
                f"A table of action units has different numbers from 1, and bool [images, {len(self.units)}]; "
                f"got {self.units.tolist()} and {self.present.dtype} {list(self.present.shape)}."
            )

    @property
    def testable(self) -> Flags:
        """Which of them enough pictures show, and enough do not: bool [units]."""
        shown = self.present.sum(axis=0)
        known: Flags = (shown >= LEAST) & (len(self.present) - shown >= LEAST)
        return known


@dataclass(frozen=True)
class Coverage:
    """How many of the testable units name a filter, and how many filters have a name.

    Attributes
    ----------
    by_test
        Significant pairs alone.
    by_rule
        By the paper's rule: the largest divergence with the right sign, whatever it is.
    """

    units_by_test: float
    filters_by_test: float
    units_by_rule: float
    filters_by_rule: float


@dataclass(frozen=True, eq=False)
class Following:
    """How every filter goes with every testable unit.

    Attributes
    ----------
    units
        int16 [units], those that could be tested.
    divergences
        float32 [filters, units], D_KL(Q || P0), nats.
    higher
        bool [filters, units]: whether the mean maximum is higher where the unit is present.
    p_values, q_values
        float32 [filters, units]; 1 where the sign is wrong.
    edges
        float32 [filters, bins + 1].
    present, absent
        float32 [filters, units, bins]: Q and P0.
    means
        float32 [filters, units, 2]: the mean maximum with the unit, and without.
    found
        What names a filter.
    chance
        The same under permuted labels, on average.
    """

    units: NDArray[np.int16]
    divergences: Floats
    higher: Flags
    p_values: Floats
    q_values: Floats
    edges: Floats
    present: Floats
    absent: Floats
    means: Floats
    level: float
    permutations: int
    found: Coverage
    chance: Coverage

    @property
    def pairs(self) -> int:
        """How many significant pairs there are."""
        return int((self.q_values <= self.level).sum())

    @property
    def needed_together(self) -> int:
        """How many pairs must reach the smallest p-value there is before any can be significant: 1 is best."""
        return max(1, math.ceil(self.p_values.size / (self.permutations + 1) / self.level))

    def best(self) -> dict[str, NDArray[Any]]:
        """The best units of each filter, as `LayerAtlas` has them: units, divergences, p_values ..."""
        rank = self.divergences + 1e6 * (self.q_values <= self.level)
        rank = np.where(self.higher, rank, -1.0)
        order = np.argsort(-rank, axis=1, kind="stable")[:, :BEST]
        kept = np.take_along_axis(rank, order, axis=1) > 0
        short = BEST - order.shape[1]
        order, kept = (np.pad(each, ((0, 0), (0, short))) for each in (order, kept))
        rows = np.arange(len(order))[:, None]
        found: dict[str, NDArray[Any]] = {"units": np.where(kept, self.units[order], NO_UNIT).astype(np.int16)}
        for name in ("divergences", "p_values", "q_values", "present", "absent"):
            values = getattr(self, name)[rows, order]
            there = kept.reshape(*kept.shape, *[1] * (values.ndim - 2))
            found[name] = np.where(there, values, np.nan).astype(np.float32)
        return found | {"edges": self.edges}


def follow(
    maxima: Floats,
    table: UnitTable,
    *,
    permutations: int = PERMUTATIONS,
    level: float = LEVEL,
    seed: int = 0,
    seen: Callable[[int], None] = lambda _: None,
) -> Following:
    """Find the action units that filters follow.

    Parameters
    ----------
    maxima
        float32 [images, filters], of the images of the table.
    seen
        Is told how many filters are done, now and then.
    """
    _check(maxima, table, permutations)
    known = table.testable
    labels = table.present[:, known].astype(np.float32)
    parts = []
    for block in _blocks(*maxima.shape):
        parts.append(_Block(maxima[:, block], labels).measure(permutations, seed))
        seen(len(parts[-1].higher))
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    p_values, control, statistics = (joined.pop(name) for name in ("p_values", "control_p_values", "control"))
    q_values = false_discovery_rates(p_values)
    statistic = np.where(joined["higher"], joined["divergences"], 0)
    chance = [
        _coverage(statistics[:, drawn], false_discovery_rates(control[:, drawn]), level) for drawn in range(CONTROLS)
    ]
    return Following(
        units=table.units[known],
        p_values=p_values.astype(np.float32),
        q_values=q_values.astype(np.float32),
        level=level,
        permutations=permutations,
        found=_coverage(statistic, q_values, level),
        chance=Coverage(*np.mean([list(vars(each).values()) for each in chance], axis=0).tolist()),
        **joined,
    )


def _check(maxima: Floats, table: UnitTable, permutations: int) -> None:
    if maxima.ndim != 2 or len(maxima) != len(table.present) or not np.isfinite(maxima).all():
        raise VerificationError(
            f"Finite maxima [{len(table.present)}, filters] are expected, one row for each picture with action units; "
            f"got {list(maxima.shape)}."
        )
    if not table.testable.any():
        counts = dict(zip(table.units.tolist(), table.present.sum(axis=0).tolist(), strict=True))
        raise VerificationError(
            f"No action unit is shown by {LEAST} pictures and absent in {LEAST}: {counts} of {len(maxima)}."
        )
    if permutations < 1:
        raise VerificationError(f"At least one permutation is expected, got {permutations}.")


def _blocks(images: int, filters: int) -> Iterator[slice]:
    """Filters that are counted together."""
    step = max(1, AT_ONCE // (images * BINS))
    return (slice(start, start + step) for start in range(0, filters, step))


def bins_of(maxima: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Edges float32 [filters, bins + 1] of equal bins, and which of them every maximum lies in, int64 like `maxima`."""
    low, high = np.percentile(maxima, TAILS, axis=0)
    # A filter that is active in fewer pictures than the tail holds has them all in one bin beside the others.
    high = np.where(high > low, high, maxima.max(axis=0))
    width = np.where(high > low, high - low, 1) / BINS
    edges = low[:, None] + width[:, None] * np.arange(BINS + 1)
    place = np.floor((maxima - low) / width).astype(np.int64)
    return edges.astype(np.float32), np.clip(place, 0, BINS - 1)


class _Block:
    """Some filters, counted bin by bin, with labels float32 [images, units]."""

    def __init__(self, maxima: Floats, labels: Floats) -> None:
        self.labels = labels
        self.images, self.filters = maxima.shape
        self.edges, place = bins_of(maxima)
        hot = (place.T[:, None, :] == np.arange(BINS)[None, :, None]).astype(np.float32)
        self.pooled = hot.sum(axis=2, dtype=np.float64)[:, :, None]
        middle, spread = maxima.mean(axis=0), maxima.std(axis=0)
        self.middle, self.spread = middle, np.where(spread > 0, spread, 1)
        standard = ((maxima - middle) / self.spread).T
        self.rows = np.concatenate([hot.reshape(-1, self.images), standard.astype(np.float32)])
        self.shown = labels.sum(axis=0, dtype=np.float64)

    def measure(self, permutations: int, seed: int) -> "_Measured":
        """Measure every pair, and what permuted labels make of it."""
        counts, sums = self.counts(self.labels)
        q, p0 = self.histograms(counts, self.shown)
        statistic = self.statistic(counts, sums, self.shown)
        generator = np.random.default_rng([seed, 11])
        control = np.concatenate(list(self.permuted(CONTROLS, generator)))
        reached = np.zeros((1 + CONTROLS, *statistic.shape))
        asked = np.concatenate([statistic[None], control])
        for drawn in self.permuted(permutations, generator):
            for each in drawn:
                reached += each >= TIES * asked
        p_values = np.where(asked > 0, (1 + reached) / (1 + permutations), 1.0)
        with_unit, without = sums / self.shown, -sums / (self.images - self.shown)
        means = np.stack([with_unit, without], axis=-1) * self.spread[:, None, None] + self.middle[:, None, None]
        return _Measured(
            divergences=divergence(q, p0).astype(np.float32),
            higher=sums > 0,
            edges=self.edges,
            present=q.transpose(0, 2, 1).astype(np.float32),
            absent=p0.transpose(0, 2, 1).astype(np.float32),
            means=means.astype(np.float32),
            p_values=p_values[0],
            control=control.transpose(1, 0, 2),
            control_p_values=p_values[1:].transpose(1, 0, 2),
        )

    def counts(self, labels: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Pictures per bin under each column of labels [filters, bins, columns], and sums of standardised maxima."""
        products = self.rows @ labels
        split = self.filters * BINS
        return products[:split].reshape(self.filters, BINS, -1), products[split:]

    def histograms(self, counts: Floats, shown: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Q and P0, [filters, bins, columns], smoothed towards the histogram of all pictures.

        As many pictures as there are bins are added to each, spread like all pictures: a unit that few pictures show
        is drawn to divergence 0, where even counts in every bin would draw it to the uniform histogram and so away
        from P0. No bin of P0 is empty where Q is not.
        """
        prior = BINS * self.pooled / self.images
        q = (counts + prior) / (shown + BINS)
        p0 = (self.pooled - counts + prior) / (self.images - shown + BINS)
        return q, p0

    def statistic(self, counts: Floats, sums: Floats, shown: NDArray[np.float64]) -> NDArray[Any]:
        """Divergence where the mean is higher with the unit, else 0: [filters, columns]."""
        return np.where(sums > 0, divergence(*self.histograms(counts, shown)), 0.0)

    def permuted(self, count: int, generator: np.random.Generator) -> Iterator[NDArray[Any]]:
        """The statistic under permuted labels, some permutations at a time: [permutations, filters, units]."""
        for start in range(0, count, TOGETHER):
            some = min(TOGETHER, count - start)
            labels = np.concatenate([generator.permutation(self.labels) for _ in range(some)], axis=1)
            found = self.statistic(*self.counts(labels), np.tile(self.shown, some))
            yield found.reshape(self.filters, some, -1).transpose(1, 0, 2)


@dataclass(frozen=True, eq=False)
class _Measured:
    """What is known of some filters, the names as in `Following`; filters are the first axis of all."""

    divergences: Floats
    higher: Flags
    edges: Floats
    present: Floats
    absent: Floats
    means: Floats
    p_values: NDArray[np.float64]
    control: NDArray[np.float64]  # the statistic under permuted labels, [filters, controls, units]
    control_p_values: NDArray[np.float64]


def divergence(q: NDArray[Any], p0: NDArray[Any]) -> NDArray[Any]:
    """D_KL(Q || P0) in nats over axis 1; bins without pictures have 0 in both and add nothing."""
    ratio = np.divide(q, p0, out=np.ones_like(q), where=p0 > 0)
    found: NDArray[Any] = np.maximum((q * np.log(ratio)).sum(axis=1), 0)
    return found


def false_discovery_rates(p_values: NDArray[Any]) -> NDArray[Any]:
    """q-values of Benjamini and Hochberg 1995 over all p-values together, in their shape."""
    flat = p_values.ravel().astype(np.float64)
    order = np.argsort(flat, kind="stable")
    scaled = flat[order] * flat.size / np.arange(1, flat.size + 1)
    found = np.empty_like(flat)
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return found.reshape(p_values.shape)


def _coverage(statistic: NDArray[Any], q_values: NDArray[Any], level: float) -> Coverage:
    """What names filters: `statistic` [filters, units] is the divergence, 0 where the sign is wrong."""
    tested = np.where(q_values <= level, statistic, 0)
    numbers: list[float] = []
    for values in (tested, statistic):
        named = values.max(axis=1) > 0
        numbers += [float(len(set(values[named].argmax(axis=1).tolist()))), float(named.sum())]
    return Coverage(*numbers)
