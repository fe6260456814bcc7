"""From a relevance map and a partition to numbers: how much each face region counted (SCIENCE 1.1)."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.corpora import expression
from core.geometry import Floats, frozen
from core.point_regions import point_regions
from core.ranks import spearman
from core.regions import EXPECTED, REGIONS, Partition
from core.types import FaceResult, RegionRelevance


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


def by_point_region(relevance: Floats, seen: NDArray[np.bool_], target: str) -> RegionRelevance:
    """Sum the relevance of the mesh's points over the regions of a face, as `by_region` does for maps.

    Parameters
    ----------
    relevance
        float32 [478], signed, in logit units.
    seen
        bool [478]: the points that the network looks at, over which a uniform relevance would be spread.
    target
        The expression explained.
    """
    flat = relevance.astype(np.float64)
    if not np.isfinite(flat).all():
        raise ValueError("relevance of points must be finite")
    regions = point_regions()
    positive = np.bincount(regions, np.maximum(flat, 0.0), len(REGIONS))
    negative = np.bincount(regions, np.minimum(flat, 0.0), len(REGIONS))
    return RegionRelevance(
        regions=REGIONS,
        areas=_shares(np.bincount(regions, seen, len(REGIONS))),
        shares=_shares(positive),
        negative_shares=_shares(negative),
        positive=float(positive.sum()),
        negative=float(negative.sum()),
        expected=EXPECTED.get(target, frozenset()),
    )


def agreement(face: FaceResult) -> float | None:
    """Whether pixels and points of a face count in the same regions: Spearman's rank correlation of their shares.

    Over the regions of the face, -1..1; None where they do not explain the same expression, or one of them is spread
    so that there is nothing to compare.
    """
    explanation, points = face.explanation, face.points
    if explanation is None or face.regions is None or points is None or explanation.against is not None:
        return None
    if expression(explanation.target) != expression(points.target):
        return None
    inside = [place for place, name in enumerate(REGIONS) if name != "outside"]
    found = float(spearman(face.regions.shares[None, inside], points.regions.shares[None, inside])[0])
    return found if np.isfinite(found) else None


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
