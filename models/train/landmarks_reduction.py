"""Fewer and fewer points (SCIENCE 1.3): keep the most relevant, learn again, ask again; and two controls.

Every network learnt lies in a file of its own below the run's folder, so that the same command goes on where it
stopped: ``<kind>/seed-<n>/<selection>-<K>.npz``.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.shape import POINTS
from models.data.landmarks import Shapes, held_out
from models.networks.landmarks import Moments
from models.networks.point_relevance import BASELINES, PointRelevance, medoids, point_relevance
from models.train.landmarks import KINDS, Kind, LandmarkRecipe, fit, logits_of

COUNTS: Final = (POINTS, 400, 300, 256, 200, 128, 96, 64, 32, 16)

# Which points are kept: those of the largest relevance in the networks with the next larger number of points; those
# that vary most from shape to shape; or any.
Selection: TypeAlias = Literal["relevance", "variance", "random"]
SELECTIONS: Final[tuple[Selection, ...]] = ("relevance", "variance", "random")


@dataclass(frozen=True)
class Learnt:
    """One set of six networks and what it answered.

    Attributes
    ----------
    kept
        int64 [K], ascending.
    held_logits, valid_logits
        float32 [n, 6], of the held-out part of the training split and of the validation split.
    shares
        float64 [6, 478], see `PointRelevance`; NaN where nobody asked.
    gaps
        float64 [3]: mean and largest gap of completeness, and mean |F(x) - F(x')|, logits; NaN where nobody asked.
    seconds
        float64 [2]: of learning and of the integrated gradients.
    """

    kept: NDArray[np.int64]
    held_logits: Floats
    valid_logits: Floats
    shares: NDArray[np.float64]
    gaps: NDArray[np.float64]
    seconds: NDArray[np.float64]

    def write(self, path: Path) -> None:
        """Write it whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            np.savez_compressed(file, **vars(self))
        new.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Learnt":
        """Read what `write` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(**file)


@dataclass(frozen=True)
class Cell:
    """Which network of the loop."""

    kind: Kind
    seed: int
    selection: Selection
    count: int

    def path(self, run: Path) -> Path:
        """Where it lies. With all points there is nothing to select: all selections share one file."""
        selection = "relevance" if self.count == POINTS else self.selection
        return run / self.kind / f"seed-{self.seed}" / f"{selection}-{self.count}.npz"


def parts_of(train: Shapes, recipe: LandmarkRecipe, seed: int) -> tuple[Shapes, Shapes]:
    """What a seed learns from, and what it holds out."""
    held = held_out(train.classes, recipe.held, seed)
    return train.part(~held), train.part(held)


def most(scores: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The points with the largest scores, ascending; among equals the lower number."""
    return np.sort(np.argsort(-scores, kind="stable")[:count])


def reduce(
    run: Path,
    train: Shapes,
    valid: Shapes,
    recipe: LandmarkRecipe,
    seeds: Sequence[int],
    counts: Sequence[int] = COUNTS,
) -> None:
    """Fill the run's folder: every kind, seed, selection and number of points that is not there yet."""
    baselines = train.shapes[medoids(train.shapes, BASELINES)]
    for seed in seeds:
        cells = [
            Cell(kind, seed, selection, count)
            for kind in KINDS
            for selection in SELECTIONS
            for count in counts
            if selection == "relevance" or count < POINTS
        ]
        if all(cell.path(run).exists() for cell in cells):
            continue
        parts = parts_of(train, recipe, seed)
        moments = Moments.of(parts[0].shapes)
        for cell in cells:
            if not cell.path(run).exists():
                kept = _selected(run, cell, counts, moments)
                learnt = _learn(cell, recipe, moments, kept, (*parts, valid), (train.shapes, baselines))
                learnt.write(cell.path(run))
                took = f"{learnt.seconds[0]:.1f} s to learn, {learnt.seconds[1]:.1f} s to ask"
                print(f"{cell.kind} seed {seed}: {cell.selection} {cell.count}, {took}", flush=True)


def _selected(run: Path, cell: Cell, counts: Sequence[int], moments: Moments) -> NDArray[np.int64]:
    if cell.count == POINTS:
        return np.arange(POINTS)
    if cell.selection == "variance":
        return most(moments.variances(), cell.count)
    if cell.selection == "random":
        generator = np.random.default_rng([cell.seed, cell.count])
        return np.sort(generator.choice(POINTS, cell.count, replace=False))
    larger = min(count for count in counts if count > cell.count)
    before = Learnt.read(Cell(cell.kind, cell.seed, "relevance", larger).path(run))
    return most(before.shares.mean(axis=0), cell.count)


def _learn(
    cell: Cell,
    recipe: LandmarkRecipe,
    moments: Moments,
    kept: NDArray[np.int64],
    parts: tuple[Shapes, Shapes, Shapes],
    asked: tuple[Floats, Floats],
) -> Learnt:
    """Learn on the first part, answer on the other two, and ask for the relevance of `asked`: shapes, baselines."""
    learnt, held, valid = parts
    started = time.perf_counter()
    network = fit(cell.kind, recipe, moments, kept, (learnt, held), cell.seed)
    fitted = time.perf_counter()
    found = PointRelevance(np.full((6, POINTS), np.nan), np.nan, np.nan, np.nan)
    if cell.selection == "relevance":
        found = point_relevance(network, *asked)
    seconds = np.array([fitted - started, time.perf_counter() - fitted])
    gaps = np.array([found.mean_gap, found.largest_gap, found.mean_difference])
    held_logits, valid_logits = (logits_of(network, part.shapes) for part in (held, valid))
    return Learnt(kept, held_logits, valid_logits, found.shares, gaps, seconds)


def every(
    run: Path, kind: Kind, seeds: Sequence[int], counts: Sequence[int]
) -> Iterator[tuple[Selection, int, list[Learnt]]]:
    """What was learnt, all seeds together, selection by selection and count by count."""
    for selection in SELECTIONS:
        for count in counts:
            yield selection, count, [Learnt.read(Cell(kind, seed, selection, count).path(run)) for seed in seeds]
