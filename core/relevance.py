"""From a relevance map and a partition to numbers: how much each face region counted (SCIENCE 1.1)."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats, frozen
from core.regions import EXPECTED, REGIONS, Partition
from core.types import RegionRelevance


def by_region(relevance: Floats, partition: Partition, target: str) -> RegionRelevance:
    """Sum a relevance map over the regions of a face.

    mu_b = sum of R+ in region b / sum of R+ over the crop, with R+ = max(R, 0), as in Rieger et al. 2020; the same for
    the negative relevance. A map without positive (negative) relevance has shares of 0.

    Parameters
    ----------
    relevance
        float32 [height, width], crop px, signed, in logit units.
    partition
        Of the same crop.
    target
        The class explained; a class that EMFACS does not know has no expected regions.
    """
    if relevance.shape != partition.labels.shape:
        raise ValueError(f"map {relevance.shape} and partition {partition.labels.shape} are not of one crop")
    labels, flat = partition.labels.ravel(), relevance.ravel().astype(np.float64)
    if not np.isfinite(flat).all():
        raise ValueError("a relevance map must be finite")
    positive = np.bincount(labels, np.maximum(flat, 0.0), len(REGIONS))
    negative = np.bincount(labels, np.minimum(flat, 0.0), len(REGIONS))
    return RegionRelevance(
        regions=REGIONS,
        areas=(partition.counts / labels.size).astype(np.float32),
        shares=_shares(positive),
        negative_shares=_shares(negative),
        positive=float(positive.sum()),
        negative=float(negative.sum()),
        expected=EXPECTED.get(target, frozenset()),
        control_shares=_shares(np.bincount(labels, _control(relevance.shape[0]).ravel(), len(REGIONS))),
    )


def _shares(sums: NDArray[Any]) -> Floats:
    total = float(sums.sum())
    shares: Floats = (sums / total if total != 0 else np.zeros_like(sums)).astype(np.float32)
    return shares


@lru_cache(maxsize=8)
def _control(size: int) -> NDArray[np.float64]:
    return frozen(centre_gaussian(size).astype(np.float64))


def centre_gaussian(size: int, spread: float = 0.25) -> Floats:
    """The control that every explanation must beat: a Gaussian at the crop's centre that has seen no face.

    Parameters
    ----------
    size
        Side of the crop in px.
    spread
        Standard deviation over the side.

    Returns
    -------
    float32 [size, size], positive, sums to 1.
    """
    place = (np.arange(size) - (size - 1) / 2) / (spread * size)
    line = np.exp(-(place**2) / 2)
    gaussian = np.outer(line, line)
    control: Floats = (gaussian / gaussian.sum()).astype(np.float32)
    return control
