"""Integrated gradients of landmark networks over a data set (SCIENCE 1.3), and the typical samples they start from.

IG_i = (x_i - x'_i) / m sum_k dF(x' + (k - 1/2)/m (x - x'))/dx_i. The first layer is linear: along the straight path its
output moves straight too. So it runs at the two ends only, the m steps are taken at the rectified units, and the mean
gradient goes back through it once. This is the midpoint rule itself, not an approximation of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.geometry import Floats
from models.networks.landmarks import NETWORKS, LandmarkNetworks

STEPS: Final = 32
BASELINES: Final = 5
_AT_ONCE: Final = 256


@torch.no_grad()
def integrated_gradients(
    network: LandmarkNetworks, points: Tensor, baseline: Tensor, steps: int = STEPS
) -> Iterator[tuple[Tensor, Tensor]]:
    """IG of kept points [n, T, 3 K] from one baseline [1, T, 3 K], network after network.

    Each time IG [n, T, K, 3], and the gap [n] of completeness: the sum of IG less F(x) - F(x'), in logits.
    """
    start, end = (network.hidden(network.along(each)) for each in (baseline, points))
    slopes = _mean_slopes(start, end, steps)
    apart = (points - baseline).flatten(1)
    difference = network.read(torch.relu(end)) - network.read(torch.relu(start))
    for index in range(NETWORKS):
        at_units = slopes[:, network.units_of(index)] * network.readout[index]
        relevance = network.backwards(index, at_units).mul_(apart)
        gap = relevance.sum(dim=1) - difference[:, index]
        yield relevance.view(len(points), network.window, -1, 3), gap


def _mean_slopes(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Mean slope of ReLUs over the steps' midpoints, on the way from `start` [1, units] to `end` [n, units].

    A slope is 0 or 1 and changes once, where the way crosses zero: it is enough to count the midpoints before.
    """
    way = end - start
    crossing = torch.where(way == 0, torch.where(start > 0, torch.inf, -torch.inf), -start / way * steps)
    before = (crossing - 0.5).ceil_().clamp_(0, steps) / steps
    return torch.where(way > 0, 1 - before, before)


@dataclass(frozen=True)
class PointRelevance:
    """What integrated gradients over a data set say of the points.

    Attributes
    ----------
    shares
        float64 [6, 478]: for each network the mean over samples and baselines of the sum over time and x, y, z of |IG|,
        normalised to 1; 0 for points that are not kept.
    mean_gap, largest_gap
        Of completeness: |sum of IG - (F(x) - F(x'))|, in logits.
    mean_difference
        Mean |F(x) - F(x')|, in logits, to judge the gaps by.
    """

    shares: NDArray[np.float64]
    mean_gap: float
    largest_gap: float
    mean_difference: float

    @property
    def points(self) -> NDArray[np.float64]:
        """G of every point, [478]: the mean over the six networks (reconstruction: one selection serves all six)."""
        mean: NDArray[np.float64] = self.shares.mean(axis=0)
        return mean


@torch.no_grad()
def point_relevance(network: LandmarkNetworks, shapes: Floats, baselines: Floats, steps: int = STEPS) -> PointRelevance:
    """Integrated gradients of all shapes [n, T, 478, 3] from all baselines [b, T, 478, 3]."""
    totals = torch.zeros(NETWORKS, len(network.kept), dtype=torch.float64)
    gaps, differences = [], []
    starts = network.points(torch.from_numpy(baselines))[:, None]
    for part in torch.split(torch.from_numpy(shapes), _AT_ONCE):
        points = network.points(part)
        answer = network.answer(network.along(points))
        for start in starts:
            for index, (relevance, gap) in enumerate(integrated_gradients(network, points, start, steps)):
                totals[index] += relevance.abs_().sum(dim=0).sum(dim=(0, 2), dtype=torch.float64)
                gaps.append(gap.abs())
            differences.append((answer - network.answer(network.along(start))).abs())
    shares = np.zeros((NETWORKS, shapes.shape[2]))
    shares[:, network.kept.numpy()] = (totals / totals.sum(dim=1, keepdim=True)).numpy()
    every = torch.cat(gaps)
    return PointRelevance(shares, float(every.mean()), float(every.max()), float(torch.cat(differences).mean()))


def medoids(shapes: Floats, count: int = BASELINES, among: int = 4000) -> NDArray[np.int64]:
    """Places of the most typical shapes, int64 [count]: k-medoids by Euclidean distance, without chance.

    Medoids are chosen one after another so that the sum of distances to the nearest falls most (the first phase of PAM,
    Kaufman and Rousseeuw 1990), then moved within their groups until nothing changes. Of more than `among` shapes that
    many, evenly spaced, take part.
    """
    places = np.unique(np.linspace(0, len(shapes) - 1, min(among, len(shapes))).round().astype(np.int64))
    rows = torch.from_numpy(shapes[places]).flatten(1)
    distance = torch.cdist(rows, rows).numpy()
    chosen: list[int] = []
    nearest = np.full(len(places), np.inf, np.float32)
    for _ in range(count):
        chosen.append(int(np.minimum(distance, nearest[:, None]).sum(axis=0).argmin()))
        nearest = np.minimum(nearest, distance[:, chosen[-1]])
    while True:
        group = distance[:, chosen].argmin(axis=1)
        moved = []
        for index in range(count):
            members = np.flatnonzero(group == index)
            moved.append(int(members[distance[np.ix_(members, members)].sum(axis=0).argmin()]))
        if moved == chosen:
            found: NDArray[np.int64] = places[np.array(chosen)]
            return found
        chosen = moved
