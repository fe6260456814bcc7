"""What the loop of fewer points found, with intervals over images and seeds, as rows of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.point_regions import point_regions
from core.regions import REGIONS
from core.verification.estimates import Doubles, Estimate
from core.verification.intervals import TAILS
from models.data.landmarks import EXPRESSIONS, Shapes
from models.train.landmarks import KINDS, Kind, LandmarkRecipe
from models.train.landmarks_reduction import COUNTS, SELECTIONS, Cell, Learnt, Selection, parts_of

DRAWS: Final = 2000
WITHIN: Final = 0.005  # of the best mean recall: half a point


def area_under_curve(scores: Floats, shown: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often a face with the expression scores above one without; equals count half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.bincount(group, ranks) / sizes)[group]
    n = int(shown.sum())
    return float((ranks[shown].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))


class Draws:
    """Bootstrap draws of images and seeds, the same for every question, so that differences are paired."""

    def __init__(self, targets: NDArray[np.bool_], seeds: int, draws: int = DRAWS) -> None:
        generator = np.random.default_rng(11)
        images = len(targets)
        self._targets = targets
        self._images = generator.multinomial(images, np.full(images, 1 / images), draws).astype(np.float32)
        self._seeds = generator.multinomial(seeds, np.full(seeds, 1 / seeds), draws) / seeds

    def recalls(self, right: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
        """Mean recall of each expression [6] and its draws [draws, 6], of networks that are right or not [seeds, n, 6].

        Mean recall of a binary network is the mean of the recall of faces with the expression and of those without.
        """
        value = np.zeros(right.shape[2])
        drawn = np.zeros((len(self._images), right.shape[2]))
        for shown in (self._targets, ~self._targets):
            there = self._images @ shown.astype(np.float32)
            for seed, each in enumerate(right):
                hits = (each & shown).astype(np.float32)
                value += hits.sum(axis=0) / shown.sum(axis=0) / len(right) / 2
                drawn += self._seeds[:, seed, None] * (self._images @ hits) / there / 2
        return value, drawn

    def accuracies(self, right: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
        """The same for the share that is right."""
        drawn = sum(
            self._seeds[:, seed, None] * (self._images @ each.astype(np.float32)) / len(each)
            for seed, each in enumerate(right)
        )
        return right.mean(axis=(0, 1)), np.asarray(drawn, np.float64)


def estimate(value: float, drawn: Doubles, n: int) -> Estimate:
    """A value with the interval of its draws."""
    low, high = np.percentile(drawn, TAILS)
    return Estimate(value, float(low), float(high), n)


@dataclass(frozen=True)
class Row:
    """Networks of one kind, selection and number of points, all seeds together, on the validation split.

    Attributes
    ----------
    recall, accuracy
        Means over the six expressions; `recalls` are those of each.
    over_random
        Mean recall above that of as many random points, paired; None for the random ones and for all points.
    curves
        Area under the ROC curve of each expression, mean over the seeds.
    six
        Share of faces that show one of the six for which its network has the largest logit.
    held_recall
        Mean recall on what each seed held out of the training split: what choices are made by.
    regions
        Kept points per region of `REGIONS`, mean over the seeds.
    gaps
        Mean and largest gap of completeness, and mean |F(x) - F(x')|, logits; NaN for the controls.
    """

    kind: Kind
    selection: Selection
    count: int
    seeds: int
    recall: Estimate
    accuracy: Estimate
    recalls: tuple[Estimate, ...]
    over_random: Estimate | None
    curves: tuple[float, ...]
    six: float
    held_recall: float
    regions: tuple[float, ...]
    gaps: tuple[float, float, float]


def rows_of(
    run: Path,
    train: Shapes,
    valid: Shapes,
    recipe: LandmarkRecipe,
    seeds: Sequence[int],
    counts: Sequence[int] = COUNTS,
) -> list[Row]:
    """All rows of a finished run, kind by kind, selection by selection, count by count."""
    draws = Draws(valid.targets, len(seeds))
    held_targets = [parts_of(train, recipe, seed)[1].targets for seed in seeds]
    rows = []
    for kind in KINDS:
        by_chance: dict[int, tuple[float, Doubles]] = {}
        for selection in SELECTIONS[::-1]:  # random first: the others are compared with it
            for count in counts:
                found = [Learnt.read(Cell(kind, seed, selection, count).path(run)) for seed in seeds]
                rows.append(_row(Cell(kind, 0, selection, count), found, valid, held_targets, draws, by_chance))
    order = {selection: place for place, selection in enumerate(SELECTIONS)}
    return sorted(rows, key=lambda row: (KINDS.index(row.kind), order[row.selection], -row.count))


def _row(
    cell: Cell,
    found: list[Learnt],
    valid: Shapes,
    held_targets: list[NDArray[np.bool_]],
    draws: Draws,
    by_chance: dict[int, tuple[float, Doubles]],
) -> Row:
    targets, n = valid.targets, len(valid.classes)
    logits = np.stack([each.valid_logits for each in found])
    right = (logits > 0) == targets
    recalls, drawn = draws.recalls(right)
    accuracies, drawn_accuracies = draws.accuracies(right)
    mean, drawn_mean = float(recalls.mean()), drawn.mean(axis=1)
    over = None
    if cell.selection == "random":
        by_chance[cell.count] = mean, drawn_mean
    elif len(found[0].kept) < valid.shapes.shape[2]:
        chance, drawn_chance = by_chance[cell.count]
        over = estimate(mean - chance, drawn_mean - drawn_chance, n)
    shows_one = targets.any(axis=1)
    of_points = np.stack([np.bincount(point_regions()[each.kept], minlength=len(REGIONS)) for each in found])
    columns = range(len(EXPRESSIONS))
    return Row(
        kind=cell.kind,
        selection=cell.selection,
        count=cell.count,
        seeds=len(found),
        recall=estimate(mean, drawn_mean, n),
        accuracy=estimate(float(accuracies.mean()), drawn_accuracies.mean(axis=1), n),
        recalls=tuple(estimate(float(recalls[c]), drawn[:, c], n) for c in columns),
        over_random=over,
        curves=tuple(float(np.mean([area_under_curve(each[:, c], targets[:, c]) for each in logits])) for c in columns),
        six=float((logits.argmax(axis=2) == targets.argmax(axis=1))[:, shows_one].mean()),
        held_recall=float(np.mean([_mean_recall(f.held_logits, t) for f, t in zip(found, held_targets, strict=True)])),
        regions=tuple(of_points.mean(axis=0).tolist()),
        gaps=_gaps(found),
    )


def _gaps(found: list[Learnt]) -> tuple[float, float, float]:
    mean, largest, difference = np.stack([each.gaps for each in found]).T
    return float(mean.mean()), float(largest.max()), float(difference.mean())


def _mean_recall(logits: Floats, targets: NDArray[np.bool_]) -> float:
    right = (logits > 0) == targets
    return float(np.mean([(right & t).sum(axis=0) / t.sum(axis=0) for t in (targets, ~targets)]))


def smallest_good(rows: Sequence[Row], kind: Kind, held: bool = True) -> int:
    """The smallest number of relevant points within half a point of the best mean recall, held out or of validation."""
    of_kind = [row for row in rows if row.kind == kind and row.selection == "relevance"]
    score = {row.count: row.held_recall if held else row.recall.value for row in of_kind}
    return min(count for count, value in score.items() if value >= max(score.values()) - WITHIN)
