"""Agreement of pain scores with what is known: formulas against their slow definitions, intervals over people."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pain_corpora import HEAT, PSPI
from core.verification.pain_scores import auc, icc, mae, mse, pcc, scored, scores_for

LEVELS = st.integers(0, 5)


def slow_icc(one, other):
    """ICC(3,1) by its analysis of variance (Shrout and Fleiss 1979)."""
    table = np.column_stack([one, other])
    n, k = table.shape
    rows, columns, mean = table.mean(axis=1), table.mean(axis=0), table.mean()
    between = k * ((rows - mean) ** 2).sum() / (n - 1)
    residual = ((table - rows[:, None] - columns + mean) ** 2).sum() / ((n - 1) * (k - 1))
    return (between - residual) / (between + (k - 1) * residual)


def slow_auc(truth, found, level, below):
    pairs = list(itertools.product(found[truth >= level], found[truth < below]))
    return np.mean([(one > other) + 0.5 * (one == other) for one, other in pairs])


@given(st.lists(st.tuples(LEVELS, LEVELS, st.integers(1, 3)), min_size=4, max_size=20))
@settings(max_examples=40, deadline=None)
def test_every_score_is_what_its_definition_says_of_rows_repeated_by_their_weight(rows):
    truth, found, weight = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    repeated = weight.astype(int)
    one, other = np.repeat(truth, repeated), np.repeat(found, repeated)
    assert mse(truth, found, weight) == pytest.approx(((one - other) ** 2).mean())
    assert mae(truth, found, weight) == pytest.approx(np.abs(one - other).mean())
    if one.std() > 0 and other.std() > 0:
        assert pcc(truth, found, weight) == pytest.approx(np.corrcoef(one, other)[0, 1])
        assert icc(truth, found, weight) == pytest.approx(slow_icc(one, other))
    for level, below in ((2.0, 2.0), (4.0, 1.0)):
        if (one >= level).any() and (one < below).any():
            assert auc(level, below)(truth, found, weight) == pytest.approx(slow_auc(one, other, level, below))


def test_a_score_that_is_not_defined_is_none():
    truth, found = np.zeros(4), np.arange(4.0)
    assert scored(pcc, truth, found, "abcd") is None
    assert scored(auc(1.0), truth, found, "abcd") is None
    assert scored(mse, np.zeros(0), np.zeros(0), ()) is None
    assert scored(mse, truth, found, "abcd").value == 3.5


def test_an_interval_goes_over_people_and_not_over_their_frames():
    rng = np.random.default_rng(0)
    error = np.repeat(rng.normal(0, 1, 6), 50)  # every person is off by the same all the time
    truth = np.zeros(300)
    people = [name for name in "abcdef" for _ in range(50)]
    wide = scored(mae, truth, error, people)
    narrow = scored(mae, truth, error, [str(k) for k in range(300)])
    assert wide.value == narrow.value
    assert wide.low <= wide.value <= wide.high
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_of_one_person_there_is_no_interval():
    found = scored(mse, np.zeros(3), np.ones(3), "aaa")
    assert (found.value, found.n) == (1.0, 3)
    assert np.isnan(found.low)
    assert np.isnan(found.high)


def test_the_same_seed_gives_the_same_interval():
    truth, found = np.arange(8.0), np.arange(8.0)[::-1].copy()
    assert scored(mae, truth, found, "aabbccdd", seed=3) == scored(mae, truth, found, "aabbccdd", seed=3)


def test_errors_are_scored_on_the_same_scale_only():
    assert list(scores_for(PSPI)) == ["pcc", "icc", "mse", "mae", "auc_1", "auc_4"]
    assert list(scores_for(HEAT)) == ["pcc", "auc_1", "auc_4", "auc_4_against_0"]
