"""Filters and action units: against a slow reference, with planted filters, and with labels that mean nothing."""

import numpy as np
import pytest

from core.errors import VerificationError
from core.neurons import following
from core.neurons.following import BINS, UnitTable, bins_of, false_discovery_rates, follow

UNITS = np.array([1, 4, 6, 12], np.int16)


def made(images=300, filters=5, seed=0):
    """Maxima behind a ReLU, many of them 0, and labels that have nothing to do with them."""
    random = np.random.default_rng(seed)
    maxima = np.maximum(random.normal(0.3, 1, (images, filters)), 0).astype(np.float32)
    return maxima, random.random((images, len(UNITS))) < (0.1, 0.2, 0.4, 0.5)


def slow_divergence(maxima, present, edges):
    """One filter and one unit, bin by bin."""
    inner = edges[1:-1]
    place = [sum(value >= edge for edge in inner) for value in maxima]
    n, shown = len(maxima), int(present.sum())
    q, p0 = [], []
    for number in range(BINS):
        everybody = sum(each == number for each in place)
        there = sum(each == number and flag for each, flag in zip(place, present, strict=True))
        prior = BINS * everybody / n
        q.append((there + prior) / (shown + BINS))
        p0.append((everybody - there + prior) / (n - shown + BINS))
    total = sum(a * np.log(a / b) for a, b in zip(q, p0, strict=True) if b > 0)
    return total, q, p0


def test_divergences_histograms_and_means_are_those_of_the_formula_written_out():
    maxima, present = made()
    found = follow(maxima, UnitTable(UNITS, present, "made"), permutations=3)
    for number in range(maxima.shape[1]):
        for unit in range(len(UNITS)):
            flags = present[:, unit]
            total, q, p0 = slow_divergence(maxima[:, number].astype(float), flags, found.edges[number].astype(float))
            np.testing.assert_allclose(found.divergences[number, unit], total, rtol=1e-4)
            np.testing.assert_allclose(found.present[number, unit], q, atol=1e-6)
            np.testing.assert_allclose(found.absent[number, unit], p0, atol=1e-6)
            means = [maxima[flags, number].mean(), maxima[~flags, number].mean()]
            np.testing.assert_allclose(found.means[number, unit], means, rtol=1e-4)
            assert (means[0] > means[1]) == found.higher[number, unit]


def test_p_values_are_those_of_shuffled_labels_one_by_one():
    """The generator's permutations are drawn again here: first those of the controls, then those of the test."""
    maxima, present = made(images=120, filters=2)
    found = follow(maxima, UnitTable(UNITS, present, "made"), permutations=25, seed=3)
    generator = np.random.default_rng([3, 11])
    tested = following.UnitTable(UNITS, present, "made").testable
    labels = present[:, tested].astype(np.float32)
    for _ in range(following.CONTROLS):
        generator.permutation(labels)
    reached = np.zeros((2, tested.sum()))
    for _ in range(25):
        drawn = generator.permutation(labels) > 0
        for number in range(2):
            values = maxima[:, number].astype(float)
            for unit in range(drawn.shape[1]):
                flags = drawn[:, unit]
                higher = values[flags].mean() > values[~flags].mean()
                total = slow_divergence(values, flags, found.edges[number].astype(float))[0] if higher else 0
                reached[number, unit] += total >= 0.99999 * found.divergences[number, unit]
    expected = np.where(found.higher, (1 + reached) / 26, 1)
    np.testing.assert_allclose(found.p_values, expected, atol=1e-6)


def planted(seed=1, images=800, filters=40):
    """Filter 0 goes up with AU 12, filter 1 down with AU 4, filter 2 a little up with AU 6; the others follow none."""
    maxima, present = made(images, filters, seed)
    maxima[:, 0] += 2 * present[:, 3]
    maxima[:, 1] += 2 * ~present[:, 1]
    maxima[:, 2] += 0.8 * present[:, 2]
    return maxima, UnitTable(UNITS, present, "made")


def test_a_planted_filter_is_named_and_one_that_falls_is_not():
    maxima, table = planted()
    found = follow(maxima, table, permutations=4000)
    best = found.best()
    named = np.where(best["q_values"][:, 0] <= found.level, best["units"][:, 0], 0)
    assert named[:3].tolist() == [12, 0, 6]
    assert found.q_values[1, 1] == 1, "a filter that falls with a unit does not follow it, however far apart both are"
    assert found.divergences[1, 1] > found.divergences[2, 2]
    assert found.found.units_by_test == 2


def test_without_a_test_chance_names_nearly_every_filter_and_with_it_hardly_any():
    maxima, table = planted()
    found = follow(maxima, table, permutations=1000)
    assert found.chance.filters_by_rule > 0.8 * maxima.shape[1]
    assert found.chance.filters_by_test < 0.5


def test_labels_that_mean_nothing_are_seldom_found_and_p_values_keep_their_promise():
    """Without meaning every finding is false: one table in twenty may have some, and one pair in twenty p <= .05."""
    tables, findings, small, pairs = 60, 0, 0, 0
    for seed in range(tables):
        maxima, present = made(images=200, filters=4, seed=seed + 50)
        found = follow(maxima, UnitTable(UNITS, present, "made"), permutations=399, seed=seed)
        findings += found.pairs > 0
        small, pairs = small + int((found.p_values <= 0.05).sum()), pairs + found.p_values.size
    assert findings <= 8  # 3 are expected; more than 8 happen once in 500 times
    assert 0.02 < small / pairs < 0.08


def test_the_share_of_false_findings_beside_true_ones_is_near_the_level():
    false = total = 0
    for seed in range(20):
        maxima, table = planted(seed=seed + 7, images=400, filters=12)
        maxima[:, 3:6] += 1.5 * table.present[:, [3]]
        found = follow(maxima, table, permutations=1999, seed=seed)
        hits = np.argwhere(found.q_values <= found.level)
        truth = {(0, 3), (2, 2), (3, 3), (4, 3), (5, 3)}
        false, total = false + sum(tuple(hit) not in truth for hit in hits.tolist()), total + len(hits)
    assert total >= 80
    assert false / total < 0.1


def test_false_discovery_rates_are_those_of_the_step_up_procedure():
    p = np.array([[0.01, 0.04], [0.03, 0.005]])
    np.testing.assert_allclose(false_discovery_rates(p), [[0.02, 0.04], [0.04, 0.02]])
    accepted = false_discovery_rates(np.array([0.02, 0.9, 0.024, 0.03]))
    np.testing.assert_allclose(accepted, [0.04, 0.9, 0.04, 0.04])


def test_units_that_too_few_pictures_show_are_not_tested():
    maxima, present = made()
    present[:, 1] = False
    present[:5, 1] = True
    present[:, 2] = True
    found = follow(maxima, UnitTable(UNITS, present, "made"), permutations=3)
    assert found.units.tolist() == [1, 12]
    assert found.divergences.shape == (5, 2)
    assert found.best()["units"].shape == (5, 3)


def test_a_filter_that_never_changes_follows_nothing():
    maxima, table = planted()
    maxima[:, 5] = 0
    found = follow(maxima, table, permutations=50)
    assert found.divergences[5].tolist() == [0] * 4
    assert (found.p_values[5] == 1).all()
    assert found.best()["units"][5].tolist() == [0, 0, 0]
    assert np.isnan(found.best()["present"][5]).all()


def test_filters_counted_in_blocks_are_those_counted_at_once(monkeypatch):
    maxima, table = planted(filters=7)
    whole = follow(maxima, table, permutations=30)
    monkeypatch.setattr(following, "AT_ONCE", 2 * BINS * len(maxima))
    told: list[int] = []
    parts = follow(maxima, table, permutations=30, seen=told.append)
    assert told == [2, 2, 2, 1]
    np.testing.assert_array_equal(whole.q_values, parts.q_values)
    np.testing.assert_allclose(whole.divergences, parts.divergences, rtol=1e-6)
    assert whole.chance == parts.chance


def test_bins_are_common_and_the_outer_ones_open():
    maxima = np.linspace(0, 10, 1001, dtype=np.float32)[:, None].copy()
    maxima[-1] = 1000
    edges, place = bins_of(maxima)
    assert edges[0, 0] == pytest.approx(0.05)
    assert edges[0, -1] == pytest.approx(9.95)
    assert (place.min(), place.max(), place[-1, 0]) == (0, BINS - 1, BINS - 1)


def test_a_filter_that_is_active_in_few_pictures_keeps_them_apart_from_the_others():
    maxima = np.zeros((1000, 1), np.float32)
    maxima[:3] = 4
    edges, place = bins_of(maxima)
    assert edges[0, -1] == 4
    assert (place[:3, 0] == BINS - 1).all()
    assert (place[3:, 0] == 0).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda maxima, present: (maxima[1:], present), "one row for each picture"),
        (lambda maxima, present: (maxima * np.float32(np.nan), present), "Finite maxima"),
        (lambda maxima, present: (maxima, present & False), "No action unit is shown by 20 pictures"),
    ],
)
def test_what_cannot_be_measured_is_refused(change, said):
    maxima, present = change(*made())
    with pytest.raises(VerificationError, match=said):
        follow(maxima, UnitTable(UNITS, present, "made"), permutations=3)


@pytest.mark.parametrize("units", [[1, 1, 4, 6], [0, 1, 4, 6], [1, 4, 6]])
def test_a_table_with_wrong_units_is_refused(units):
    with pytest.raises(VerificationError, match="different numbers from 1"):
        UnitTable(np.array(units, np.int16), np.zeros((3, 4), bool), "made")
