"""How well estimates agree with what is known: PCC, ICC(3,1), MSE, MAE, AUC, with intervals over people.

A person's frames are alike, so that intervals are percentiles over draws of people, each with all their frames
(Efron 1979). NaN ends where a single person tells nothing of the spread.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.pain_corpora import Truth
from core.verification.estimates import Doubles, Estimate
from core.verification.intervals import TAILS

DRAWS: Final = 1000
# Of truths and estimates float64 [n], each counted as often as its weight says; NaN where it is not defined.
Score = Callable[[Doubles, Doubles, Doubles], float]


def pcc(truth: Doubles, found: Doubles, weight: Doubles) -> float:
    """Pearson's correlation."""
    spread, beside, both = _moments(truth, found, weight)
    return both / float(np.sqrt(spread * beside)) if spread > 0 and beside > 0 else np.nan


def icc(truth: Doubles, found: Doubles, weight: Doubles) -> float:
    """ICC(3,1), two-way mixed, consistency, single rater (Shrout and Fleiss 1979).

    (MSB - MSE) / (MSB + MSE) of two raters, which is twice their covariance over the sum of their variances.
    """
    spread, beside, both = _moments(truth, found, weight)
    return 2 * both / (spread + beside) if spread + beside > 0 else np.nan


def mse(truth: Doubles, found: Doubles, weight: Doubles) -> float:
    """Mean squared error."""
    return float(np.average((found - truth) ** 2, weights=weight))


def mae(truth: Doubles, found: Doubles, weight: Doubles) -> float:
    """Mean absolute error."""
    return float(np.average(np.abs(found - truth), weights=weight))


def auc(level: float, below: float | None = None) -> Score:
    """Area under the ROC curve of telling truths from `level` on from those under `below`; ties count half.

    What lies between counts to neither; where `below` is not given, nothing does.
    """
    until = level if below is None else below

    def area(truth: Doubles, found: Doubles, weight: Doubles) -> float:
        above, under = np.where(truth >= level, weight, 0.0), np.where(truth < until, weight, 0.0)
        if above.sum() == 0 or under.sum() == 0:
            return np.nan
        _, places = np.unique(found, return_inverse=True)
        with_pain, without = np.bincount(places, above), np.bincount(places, under)
        beaten = np.cumsum(without) - without / 2
        return float((with_pain * beaten).sum() / (above.sum() * under.sum()))

    return area


def scores_for(truth: Truth) -> Mapping[str, Score]:
    """Every score that means something against this truth: errors only where it is on the same scale."""
    against = {f"auc_{level:g}": auc(level) for level in truth.levels}
    if not truth.is_pspi:
        most, least = truth.levels[-1], truth.levels[0]
        return {"pcc": pcc, **against, f"auc_{most:g}_against_0": auc(most, below=least)}
    return {"pcc": pcc, "icc": icc, "mse": mse, "mae": mae, **against}


def scored(
    score: Score, truth: Doubles, found: Doubles, subjects: Sequence[str], seed: int = 0, draws: int = DRAWS
) -> Estimate | None:
    """A score with its interval; None where it is not defined."""
    if len(truth) == 0:
        return None
    value = score(truth, found, np.ones(len(truth)))
    if not np.isfinite(value):
        return None
    names, groups = np.unique(np.asarray(subjects), return_inverse=True)
    low, high = (np.nan, np.nan) if len(names) < 2 else _ends(score, truth, found, groups, seed, draws)
    return Estimate(value, low, high, len(truth))


def _ends(
    score: Score, truth: Doubles, found: Doubles, groups: NDArray[np.intp], seed: int, draws: int
) -> tuple[float, float]:
    people = int(groups.max()) + 1
    generator = np.random.default_rng([seed, 2])
    counts = generator.multinomial(people, np.full(people, 1 / people), size=draws).astype(np.float64)
    drawn = np.array([score(truth, found, count[groups]) for count in counts])
    defined = drawn[np.isfinite(drawn)]  # a draw may lack everybody with pain, or without
    if len(defined) == 0:
        return np.nan, np.nan
    low, high = np.percentile(defined, TAILS)
    return float(low), float(high)


def _moments(truth: Doubles, found: Doubles, weight: Doubles) -> tuple[float, float, float]:
    """Variances of both, and their covariance."""
    one, other = truth - np.average(truth, weights=weight), found - np.average(found, weights=weight)
    spread, beside = np.average(one * one, weights=weight), np.average(other * other, weights=weight)
    return float(spread), float(beside), float(np.average(one * other, weights=weight))
