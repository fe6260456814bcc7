"""Integrated gradients from several baselines, quick where a model begins with linear layers.

``IG = mean_b (x - x'_b) / m sum_k df(x'_b + (k - 1/2)/m (x - x'_b)) / dx`` (Di Luzio et al. 2024, midpoint rule). Where
the first layers are linear, ``h = A x + c``, their output along each line is the line between its ends, and the
gradient at the input is ``A^T`` times the gradient at h. So A is read off once, every line is walked in h through the
rest of the model alone, and A^T is applied to the mean gradient of each line: exact, and as quick as the rest is small.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import onnx_ir as ir

from core.explain.compiler import compile_explainer
from core.explain.explainer import start_session
from core.explain.halves import HIDDEN, halves
from core.explain.runs import Floats, Runs, Session

METHOD: Final = "integrated_gradients"
STEPS: Final = 32


@dataclass(frozen=True)
class PathAttribution:
    """What integrated gradients give for one input and one score.

    Attributes
    ----------
    relevance
        float32, signed, shaped like the input: the mean over the baselines.
    start
        Mean score of the baselines.
    gap
        By how much the relevance misses the sum that it promises, the score less `start`.
    """

    relevance: Floats
    start: float
    gap: float


class Paths:
    """A model, and where the lines to its inputs begin.

    Parameters
    ----------
    model
        An ONNX model of one float32 input with three or four axes and one row of scores.
    baselines
        float32 [baselines, ...], inputs.
    steps
        On every line.
    session
        Makes a session of compiled bytes.
    cut
        Whether to use a linear beginning; without, every point goes through the whole model.
    """

    def __init__(
        self,
        model: bytes | Path,
        baselines: Floats,
        steps: int = STEPS,
        session: Callable[[bytes], Session] = start_session,
        cut: bool = True,
    ) -> None:
        self.baselines = baselines
        self._shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
        parts = halves(model) if cut else None
        started = partial(_started, session)
        if parts is None:
            self._walk: _Walk = _Whole(started(model))
        else:
            self._walk = _Cut(started(parts.linear), started(parts.rest))
        self._ends = self._walk.entered(baselines)
        self._starts = self._walk.scores(self._ends)

    @property
    def cut(self) -> bool:
        """Whether the model was cut behind a linear beginning."""
        return isinstance(self._walk, _Cut)

    def explain(self, inputs: Floats, scores: Sequence[int]) -> list[PathAttribution]:
        """Explain some scores, by their places among all, of one input [...]."""
        end = self._walk.entered(inputs[None])
        ways, known = inputs - self.baselines, self._walk.scores(end)[0]
        gradients = self._walk.gradients(self._ends, end - self._ends, self._shares, scores)
        found = []
        for score, gradient in zip(scores, gradients, strict=True):
            relevance = (ways * gradient).mean(axis=0, dtype=np.float32)
            start = float(self._starts[:, score].mean(dtype=np.float64))
            gap = float(relevance.sum(dtype=np.float64)) - (float(known[score]) - start)
            found.append(PathAttribution(relevance, start, gap))
        return found


class _Walk(Protocol):
    """How points on straight lines are run: as inputs, or as what the linear beginning makes of them."""

    def entered(self, inputs: Floats) -> Floats:
        """Points at which lines begin and end, [n, ...], of inputs [n, ...]."""

    def scores(self, points: Floats) -> Floats:
        """Scores [n, classes] of points."""

    def gradients(self, starts: Floats, ways: Floats, shares: Floats, scores: Sequence[int]) -> Floats:
        """Mean gradient of each score at the input along each line: float32 [scores, lines, ...], like inputs."""


class _Whole:
    """Every point through the whole model."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def entered(self, inputs: Floats) -> Floats:
        return inputs

    def scores(self, points: Floats) -> Floats:
        return self._runs.logits(points)

    def gradients(self, starts: Floats, ways: Floats, shares: Floats, scores: Sequence[int]) -> Floats:
        found = [
            self._runs(start + shares.reshape(-1, *[1] * way.ndim) * way, _seeds(self._runs, [score], len(shares)))
            for score in scores
            for start, way in zip(starts, ways, strict=True)
        ]
        means: Floats = np.stack([each["gradient"].mean(axis=0, dtype=np.float32) for each in found])
        return means.reshape(len(scores), *ways.shape)


class _Cut:
    """Points are what ``A x + c`` gives; only the columns of A that are not zero are kept."""

    def __init__(self, linear: Runs, rest: Runs) -> None:
        self._rest, size = rest, linear.classes
        origin = np.zeros((1, *linear.layout.sizes), np.float32)
        found = linear(origin, np.eye(size, dtype=np.float32))
        whole = found["gradient"].reshape(size, -1)
        self._places = np.flatnonzero(whole.any(axis=0))
        self._weights = np.ascontiguousarray(whole[:, self._places])  # A: [size, places]
        self._constant = found["logits"][0].copy()
        self._sizes = linear.layout.sizes

    def entered(self, inputs: Floats) -> Floats:
        entered: Floats = inputs.reshape(len(inputs), -1)[:, self._places] @ self._weights.T + self._constant
        return entered

    def scores(self, points: Floats) -> Floats:
        return self._rest.logits(points[:, None])

    def gradients(self, starts: Floats, ways: Floats, shares: Floats, scores: Sequence[int]) -> Floats:
        lines, steps = len(starts), len(shares)
        points = (starts[:, None] + shares[:, None] * ways[:, None]).reshape(lines * steps, 1, -1)
        # All lines of a score at once: that is always the same size of batch, and it fits a processor's cache.
        feeds = {HIDDEN: points, "contrast": np.zeros(len(points), np.float32)}
        mean = np.empty((len(scores), lines, len(self._constant)), np.float32)
        for place, score in enumerate(scores):
            feeds["seed"] = _seeds(self._rest, [score], len(points))
            (found,) = self._rest.session.run(["gradient"], feeds)
            mean[place] = found.reshape(lines, steps, -1).mean(axis=1)
        mean = mean.reshape(len(scores) * lines, -1)
        gradients: Floats = np.zeros((len(mean), int(np.prod(self._sizes))), np.float32)
        gradients[:, self._places] = mean @ self._weights
        return gradients.reshape(len(scores), lines, *self._sizes)


def _started(session: Callable[[bytes], Session], model: ir.Model | bytes | Path) -> Runs:
    return Runs(session(compile_explainer(model, METHOD)))


def _seeds(runs: Runs, scores: Sequence[int], count: int) -> Floats:
    """So many rows for each score: float32 [scores * count, classes]."""
    return np.repeat(np.eye(runs.classes, dtype=np.float32)[list(scores)], count, axis=0)
