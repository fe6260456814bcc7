"""Spearman's rank correlation of many pairs at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def ranks(values: NDArray[Any]) -> Doubles:
    """Ranks along the last axis, ties sharing their mean rank: float64, shaped like the values."""
    rows = values.reshape(-1, values.shape[-1])
    return np.stack([_ranked(row) for row in rows]).reshape(values.shape) if rows.size else np.zeros(values.shape)


def _ranked(row: NDArray[Any]) -> Doubles:
    order = np.argsort(row, kind="stable")
    ordered = row[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, len(row)))
    found = np.empty(len(row))
    found[order] = np.repeat(starts + (lengths - 1) / 2, lengths)
    return found


def correlation(some: NDArray[Any], others: NDArray[Any]) -> Doubles:
    """Pearson's correlation along the last axis, float64; NaN where one side does not vary.

    Of `ranks` it is Spearman's.
    """
    first, second = (values - values.mean(axis=-1, keepdims=True, dtype=np.float64) for values in (some, others))
    norm = np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))
    shared = (first * second).sum(axis=-1)
    return np.divide(shared, norm, out=np.full(norm.shape, np.nan), where=norm > 0)


def spearman(some: NDArray[Any], others: NDArray[Any]) -> Doubles:
    """Spearman's rank correlation of arrays [n, ...], everything behind the first axis being one row: float64 [n]."""
    return correlation(ranks(some.reshape(len(some), -1)), ranks(others.reshape(len(others), -1)))
