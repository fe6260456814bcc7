"""Gaussian blur with numpy alone: a picture without its details stands for "nothing there" (SCIENCE 3)."""

from functools import lru_cache
from typing import Any

import numpy as np

from core.explain.runs import Array, Floats, Layout


def blurred(pictures: Array, layout: Layout, share: float) -> Array:
    """Return pictures [n, ...] blurred by `share` of their shorter side (standard deviation), in their own dtype."""
    sigma_px = share * min(layout.size)
    smooth = pictures.astype(np.float32)
    for axis, size in zip(layout.place_axes, layout.size, strict=True):
        smooth = np.moveaxis(np.moveaxis(smooth, axis, -1) @ _line(size, sigma_px).T, -1, axis)
    return as_pictures(smooth, pictures.dtype)


def as_pictures(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return values as pictures of that type; whole numbers are rounded to."""
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)
    return np.ascontiguousarray(values, dtype)


@lru_cache(maxsize=16)
def _line(size: int, sigma_px: float) -> Floats:
    """Weights of a blurred line, float32 [size, size]; beyond the edge the line is mirrored (its last pixel once)."""
    radius = max(int(np.ceil(3 * sigma_px)), 1)
    taps = np.arange(-radius, radius + 1)
    weights = np.exp(-(taps**2) / (2 * sigma_px**2))
    places = np.arange(size)[:, None] + taps
    period = max(2 * (size - 1), 1)
    mirrored = (size - 1) - np.abs(places % period - (size - 1))
    matrix = np.zeros((size, size))
    np.add.at(matrix, (np.arange(size)[:, None], mirrored), weights / weights.sum())
    return matrix.astype(np.float32)
