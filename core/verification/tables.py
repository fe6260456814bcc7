"""Class x region: how much of the relevance lies where, on average."""

import itertools
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from core.regions import MODES, REGIONS, Mode
from core.verification.estimates import Doubles, Group, Quantity, Seed, Sign
from core.verification.findings import RegionTable
from core.verification.intervals import Bootstrap
from core.verification.measurements import Measurements


def region_tables(found: Measurements, bootstrap: Bootstrap) -> tuple[RegionTable, ...]:
    """Every table: quantity x sign x seed x group x mode."""
    return tuple(
        _table(found, bootstrap, quantity, sign, seed, mode, group)
        for quantity, sign, seed, group, mode in itertools.product(
            get_args(Quantity), get_args(Sign), get_args(Seed), get_args(Group), MODES
        )
    )


def in_group(found: Measurements, group: Group) -> NDArray[np.bool_]:
    """Which examined images belong to a group, bool [examined]."""
    return {"all": np.ones_like(found.correct), "correct": found.correct, "wrong": ~found.correct}[group]


def quantities(found: Measurements, quantity: Quantity, sign: Sign, seed: Seed, mode: Mode) -> Doubles:
    """The quantity by examined image and region; NaN for regions without area, and maps without such relevance."""
    name = "shares" if sign == "positive" else "negative_shares"
    shares, counts = found.shares(seed, mode, name), found.counts(mode)
    shares = np.where(shares.any(axis=1, keepdims=True), shares, np.nan)
    if quantity == "mass":
        return shares
    areas = counts / counts.sum(axis=1, keepdims=True)
    return np.divide(shares, areas, out=np.full(shares.shape, np.nan), where=areas > 0)


def _table(
    found: Measurements, bootstrap: Bootstrap, quantity: Quantity, sign: Sign, seed: Seed, mode: Mode, group: Group
) -> RegionTable:
    values = quantities(found, quantity, sign, seed, mode)
    chosen = in_group(found, group)
    blank = np.full((len(found.labels), len(REGIONS)), np.nan)
    mean, low, high, spread = (blank.copy() for _ in range(4))
    n = np.zeros(blank.shape, np.int64)
    for place in range(len(found.labels)):
        rows = chosen & (found.predicted == place)
        there = rows[:, None] & np.isfinite(values)
        n[place] = there.sum(axis=0)
        if not rows.any():
            continue
        mean[place], spread[place] = _moments(np.where(there, values, np.nan)[rows])
        low[place], high[place] = bootstrap.means(np.where(there, values, np.nan))
    return RegionTable(quantity, sign, seed, group, mode, found.labels, REGIONS, mean, low, high, spread, n)


def _moments(values: Doubles) -> tuple[Doubles, Doubles]:
    """Mean and standard deviation of columns [images, regions] over what is there; NaN where too little is."""
    there = np.isfinite(values)
    n = there.sum(axis=0)
    filled = np.where(there, values, 0.0)
    mean = np.divide(filled.sum(axis=0), n, out=np.full(n.shape, np.nan), where=n > 0)
    squares = (np.where(there, values - mean, 0.0) ** 2).sum(axis=0)
    return mean, np.sqrt(np.divide(squares, n - 1, out=np.full(n.shape, np.nan), where=n > 1))
