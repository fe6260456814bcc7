"""Methods that look at the gradient at many points around or below a picture."""

from collections.abc import Iterable, Iterator

import numpy as np

from core.explain.asking import Answer, Asked
from core.explain.blurring import blurred
from core.explain.effort import Effort
from core.explain.runs import BATCHES, Array, Floats, Layout, Runs


def smoothgrad(runs: Runs, asked: Asked) -> Answer:
    """Return the mean gradient over noisy copies of the picture (Smilkov et al. 2017), signed, summed over channels.

    Every picture meets the same noise, so that it does not matter which others stand beside it.
    """
    effort = asked.effort
    logits, seeds = asked.resolved(runs)
    maps = [_mean_gradient(runs, _noisy(picture, effort), own) for _, picture, own in asked.each(seeds)]
    return Answer(logits, seeds, runs.layout.pixels(np.concatenate(maps)).astype(np.float32))


def integrated_gradients(runs: Runs, asked: Asked) -> Answer:
    """Integrate the gradient from the baseline x' to the picture x (Sundararajan et al. 2017), by the midpoint rule.

    ``R_i = (x_i - x'_i) / m sum_k df(x' + (k - 1/2)/m (x - x')) / dx_i``; the gap is ``sum R - (f(x) - f(x'))``.
    """
    effort, layout = asked.effort, runs.layout
    logits, seeds = asked.resolved(runs)
    start = baseline(asked.pictures, layout, effort)
    maps = []
    for number, picture, own in asked.each(seeds):
        origin = start[number : number + 1]
        way = picture - origin
        maps.append(layout.pixels(way * _mean_gradient(runs, _between(origin, way, effort.steps), own)))
    relevance = np.concatenate(maps).astype(np.float32)
    promised = ((logits.astype(np.float64) - runs.logits(start)) * seeds).sum(axis=1)
    gap = relevance.sum(axis=(1, 2), dtype=np.float64) - promised
    return Answer(logits, seeds, relevance, gap=gap.astype(np.float32))


def baseline(pictures: Array, layout: Layout, effort: Effort) -> Floats:
    """Where integrated gradients begin: float32, shaped like the pictures."""
    floats = pictures.astype(np.float32)
    if effort.baseline == "black":
        return np.zeros_like(floats)
    if effort.baseline == "grey":
        return np.broadcast_to(floats.mean(axis=layout.place_axes, keepdims=True), floats.shape).copy()
    return np.asarray(blurred(floats, layout, effort.blur), np.float32)


def _noisy(picture: Array, effort: Effort) -> Iterator[Array]:
    """Copies of a picture [1, ...] with Gaussian noise, in batches that run at once."""
    generator = np.random.default_rng(effort.seed)
    spread = np.float32(effort.noise * float(np.ptp(picture)))
    for start in range(0, effort.samples, BATCHES[-1]):
        count = min(BATCHES[-1], effort.samples - start)
        yield picture + spread * generator.standard_normal((count, *picture.shape[1:]), np.float32)


def _between(origin: Floats, way: Array, steps: int) -> Iterator[Array]:
    """The midpoints of equal steps along a way [1, ...], in batches that run at once."""
    shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32).reshape(-1, *[1] * (way.ndim - 1))
    return (origin + shares[start : start + BATCHES[-1]] * way for start in range(0, steps, BATCHES[-1]))


def _mean_gradient(runs: Runs, parts: Iterable[Array], seeds: Floats) -> Array:
    """Mean of each seed's gradient over points that come in parts: float64 [seeds, ...]."""
    total, count = np.zeros((len(seeds), *runs.layout.sizes)), 0
    for points in parts:
        count += len(points)
        for number, seed in enumerate(seeds):
            gradient = runs(points, np.repeat(seed[None], len(points), axis=0))["gradient"]
            total[number] += gradient.sum(axis=0, dtype=np.float64)
    return total / count
