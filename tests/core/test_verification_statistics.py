"""The numbers of a verification, against cases small enough to do by hand and against independent references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.errors import UnknownName, VerificationError
from core.ranks import correlation, ranks, spearman
from core.regions import OUTSIDE, REGIONS
from core.verification import Options
from core.verification.estimates import Estimate, Judgement
from core.verification.expectations import (
    GOOD,
    NOTHING,
    OUTSIDE_FACE,
    UNSUPPORTED,
    class_verdict,
    outside_share,
    overall_verdict,
    share,
)
from core.verification.findings import CONTRAST, EXPLANATION, ClassFinding, Expectation
from core.verification.intervals import Bootstrap, clusters, wilson
from core.verification.measurements import crop_density, expected_mask, face_density
from core.verification.scores import expected_calibration_error, gaps, reliability
from core.verification.subset import spread_order

LABELLED = ("happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")


def random_masses(seed, images=20):
    generator = np.random.default_rng(seed)
    counts = generator.integers(1, 60, (images, len(REGIONS))).astype(float)
    return generator.random((images, len(REGIONS))), counts


# ---- Intervals ----


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (2711, 3149), (1, 1)])
def test_wilsons_interval_is_scipys(hits, n):
    ours, theirs = wilson(hits, n), stats.binomtest(hits, n).proportion_ci(method="wilson")

    assert (ours.low, ours.high) == (pytest.approx(theirs.low, abs=1e-12), pytest.approx(theirs.high, abs=1e-12))
    assert (ours.value, ours.n) == (hits / n, n)


def test_a_proportion_of_nothing_is_not_a_number_but_none():
    assert wilson(0, 0) is None


def made_readings(seed, images, boldness=1.0):
    """Probabilities [images, 4] of a pack that states them truly, or with other logits, and labels drawn from them."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 1.5, (images, 4))
    true, stated = (np.exp(logits * each) for each in (1.0, boldness))
    true, stated = (odds / odds.sum(axis=1, keepdims=True) for odds in (true, stated))
    labels = (generator.random((images, 1)) > true.cumsum(axis=1)).sum(axis=1)
    return stated.astype(np.float32), np.minimum(labels, 3)


@pytest.mark.parametrize("boldness", [1.0, 3.0])
def test_the_interval_of_the_calibration_error_is_that_of_drawing_the_images_anew(boldness):
    probabilities, labels = made_readings(1, 400, boldness)
    bootstrap = Bootstrap(np.arange(400), 300, 0)
    drawn = []
    for counts in np.concatenate(list(bootstrap._blocks())).astype(int):
        images = np.repeat(np.arange(400), counts)
        drawn.append(expected_calibration_error(probabilities[images], labels[images]))

    ends = bootstrap.summed_sizes(gaps(probabilities, labels))

    assert ends == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=1e-5)


def test_the_calibration_error_of_few_images_is_too_large():
    few, many = (expected_calibration_error(*made_readings(2, images)) for images in (100, 20000))

    assert many < 0.02 < 2 * many + 0.02 < few


def test_the_interval_of_the_calibration_error_is_wider_by_person():
    probabilities, labels = (np.repeat(each, 10, axis=0) for each in made_readings(3, 40, 2.0))
    (low, high), (lowest, highest) = (
        Bootstrap(groups, 300, 0).summed_sizes(gaps(probabilities, labels))
        for groups in (np.arange(400), np.arange(400) // 10)
    )

    assert highest - lowest > 1.5 * (high - low)
    assert np.isnan(Bootstrap(np.zeros(400, int), 300, 0).summed_sizes(gaps(probabilities, labels))).all()


def test_images_of_one_person_are_drawn_together_and_others_alone():
    assert clusters(["x", None, "y", "x", None]).tolist() == [0, 1, 2, 0, 3]


def test_the_bootstrap_of_a_mean_is_scipys_within_what_chance_allows():
    values = np.random.default_rng(0).exponential(2, 300)
    ours = Bootstrap(np.arange(300), 4000, 0).mean(values)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", random_state=1)

    assert (ours.value, ours.n, ours.spread) == (
        pytest.approx(values.mean()),
        300,
        pytest.approx(values.std(ddof=1)),
    )
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert abs(ours.low - theirs.confidence_interval.low) < 0.08 * width
    assert abs(ours.high - theirs.confidence_interval.high) < 0.08 * width


def test_an_interval_by_person_is_wider_where_a_persons_images_are_alike():
    values = np.repeat(np.random.default_rng(0).normal(size=20), 10)
    alone, together = (Bootstrap(groups, 500, 0).mean(values) for groups in (np.arange(200), np.arange(200) // 10))

    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_of_a_single_person_the_spread_is_not_known():
    found = Bootstrap(np.zeros(5, np.int64), 50, 0).mean(np.arange(5.0))

    assert found.value == 2
    assert np.isnan([found.low, found.high]).all()


def test_images_without_a_value_do_not_count():
    bootstrap = Bootstrap(np.arange(4), 200, 0)
    values = np.array([1.0, np.nan, 3.0, np.nan])

    assert bootstrap.mean(values).n == 2
    assert bootstrap.mean(values).value == 2
    assert 1 <= bootstrap.mean(values).low <= bootstrap.mean(values).high <= 3
    assert bootstrap.mean(np.full(4, np.nan)) is None


def test_a_ratio_of_means_is_known_exactly_where_nothing_varies():
    bootstrap = Bootstrap(np.arange(6), 100, 0)
    above, below = np.array([3.0, 3, 3, *[np.nan] * 3]), np.array([*[np.nan] * 3, 2.0, 2, 2])
    ratio = bootstrap.ratio_of_means(above, below)

    assert (ratio.value, ratio.low, ratio.high, ratio.n) == (1.5, 1.5, 1.5, 3)
    assert bootstrap.ratio_of_means(above, np.full(6, np.nan)) is None


def test_many_draws_are_the_same_whether_they_are_kept_or_drawn_again(monkeypatch):
    values = np.random.default_rng(3).normal(size=50)
    kept = Bootstrap(np.arange(50), 200, 0)
    first, second = kept.mean(values), kept.mean(values)
    monkeypatch.setattr("core.verification.intervals._KEPT", 0)

    assert first == second == Bootstrap(np.arange(50), 200, 0).mean(values)


# ---- Ranks ----


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=30), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_ranks_and_their_correlation_are_scipys_ties_included(values, seed):
    one = np.array(values, float)
    other = np.random.default_rng(seed).permutation(one) + one.round()

    np.testing.assert_array_equal(ranks(one[None])[0] + 1, stats.rankdata(one))
    if np.ptp(one) and np.ptp(other):
        assert spearman(one[None], other[None])[0] == pytest.approx(stats.spearmanr(one, other).statistic)


def test_what_does_not_vary_has_no_correlation():
    assert np.isnan(correlation(np.ones((1, 4)), np.arange(4.0)[None]))[0]


# ---- Densities ----


@pytest.mark.parametrize("label", LABELLED)
def test_a_map_that_is_uniform_over_the_face_has_a_face_density_of_exactly_one(label):
    _, counts = random_masses(1, 200)
    uniform = counts.copy()
    uniform[:, OUTSIDE] = 0

    assert (face_density(uniform, counts, expected_mask(label)) == 1).all()
    assert (crop_density(counts, counts, expected_mask(label)) == 1).all()
    assert (face_density(counts, counts, expected_mask(label)) == 1).all()


@pytest.mark.parametrize("label", LABELLED)
def test_densities_are_those_of_the_live_verdict(label):
    from core.types import RegionRelevance

    masses, counts = random_masses(2)
    shares, areas = (values / values.sum(axis=1, keepdims=True) for values in (masses, counts))
    expected = expected_mask(label)
    live = [
        RegionRelevance(
            REGIONS,
            area.astype(np.float32),
            part.astype(np.float32),
            0 * part.astype(np.float32),
            1.0,
            0.0,
            frozenset(np.array(REGIONS)[expected].tolist()),
        )
        for area, part in zip(areas, shares, strict=True)
    ]

    for ours, name in (
        (face_density(masses, counts, expected), "expected_density"),
        (crop_density(masses, counts, expected), "expected_crop_density"),
        (share(masses, expected), "expected_share"),
        (outside_share(masses), "outside_share"),
    ):
        np.testing.assert_allclose(ours, [getattr(each, name) for each in live], rtol=2e-6)


def test_by_hand_half_of_the_mass_on_a_quarter_of_the_face_is_a_density_of_two():
    masses, counts = np.zeros((1, len(REGIONS))), np.zeros((1, len(REGIONS)))
    nose, chin = REGIONS.index("nose"), REGIONS.index("chin")
    counts[0, [nose, chin, OUTSIDE]] = 10, 30, 60
    masses[0, [nose, chin, OUTSIDE]] = 2, 2, 1
    expected = np.array([name == "nose" for name in REGIONS])

    assert share(masses, expected) == pytest.approx(0.4)
    assert crop_density(masses, counts, expected) == pytest.approx(4)
    assert face_density(masses, counts, expected) == pytest.approx(2)
    assert outside_share(masses) == pytest.approx(0.2)


def test_a_map_without_mass_and_a_face_without_the_region_have_no_density():
    masses, counts = random_masses(3, 2)
    expected = expected_mask("disgust")
    masses[0], counts[1, expected] = 0, 0

    assert np.isnan(face_density(masses, counts, expected)).all()


# ---- Verdicts ----


def by_origin(density=None, lift=None, outside=0.1):
    def number(value):
        return None if value is None else Estimate(value, value - 0.05, value + 0.05, 9)

    expectation = Expectation(None, None, number(density), None, number(lift), None, number(outside))
    return {EXPLANATION: expectation, CONTRAST: expectation}


@pytest.mark.parametrize(
    ("label", "numbers", "passed", "words", "told"),
    [
        ("anger", {"density": 1.4, "lift": 1.2}, True, GOOD, "10 % lies outside the face."),
        ("anger", {"density": 1.03, "lift": 1.2}, True, GOOD, "an interval holds 1"),
        ("anger", {"density": 0.9, "lift": 1.2}, False, UNSUPPORTED, ": V_f below 1."),
        ("anger", {"density": 1.4, "lift": 0.9}, False, UNSUPPORTED, ": lift below 1."),
        ("anger", {"density": 0.9, "lift": 0.9}, False, UNSUPPORTED, ": V_f and lift below 1."),
        ("anger", {"density": 1.4, "lift": 1.2, "outside": 0.5}, False, OUTSIDE_FACE, "more than 35 %."),
        ("anger", {"density": 1.4}, True, GOOD, "there is no other class for a lift"),
        ("neutral", {}, None, NOTHING, "EMFACS names no action units for neutral"),
        ("boredom", {}, None, NOTHING, "EMFACS does not know 'boredom'"),
    ],
)
def test_a_verdict_rests_on_density_and_lift_and_says_so(label, numbers, passed, words, told):
    verdict = class_verdict(label, 9, by_origin(**numbers))

    assert (verdict.passed, verdict.words) == (passed, words)
    assert told in verdict.reason


def test_a_class_that_nothing_was_read_as_is_not_judged():
    assert class_verdict("fear", 0, by_origin()).reason == "No examined image was read as fear."


def test_all_classes_together_pass_if_every_one_that_can_be_judged_does():
    def finding(label, passed, words):
        return ClassFinding(label, (), (), 1, 1, {}, Judgement(passed, words, ""))

    good, bad, none = (
        finding("fear", True, GOOD),
        finding("anger", False, UNSUPPORTED),
        finding("neutral", None, NOTHING),
    )

    assert overall_verdict((good, none)).passed is True
    assert overall_verdict((good, bad, none)).passed is False
    assert "1 of 2" in overall_verdict((good, bad, none)).reason
    assert "anger" in overall_verdict((good, bad, none)).reason
    assert overall_verdict((none,)).passed is None


# ---- The rest ----


def test_every_image_is_in_one_bin_of_confidence_and_empty_bins_say_nothing():
    probabilities = np.array([[0.9, 0.1], [1.0, 0.0], [0.55, 0.45]], np.float32)
    bins = reliability(probabilities, np.array([0, 1, 1]))

    assert sum(each.n for each in bins) == 3
    assert (bins[-1].n, bins[-1].accuracy) == (1, 0.0)
    assert (bins[13].confidence, bins[13].accuracy) == (pytest.approx(0.9), 1.0)
    assert (bins[0].n, bins[0].confidence, bins[0].accuracy) == (0, None, None)


def test_a_subset_holds_as_many_of_every_class_as_there_are_and_any_start_of_it_too():
    predicted = np.array([0] * 50 + [1] * 3 + [2] * 10)
    order = spread_order(predicted, 0)

    assert sorted(order.tolist()) == list(range(63))
    for count in range(1, 30):
        taken = np.bincount(predicted[order[:count]], minlength=3)
        going_on = taken[taken < [50, 3, 10]]
        assert going_on.max() - going_on.min() <= 1
        assert going_on.max() == taken.max()
    assert order.tolist() == spread_order(predicted, 0).tolist()
    assert order.tolist() != spread_order(predicted, 1).tolist()


@pytest.mark.parametrize("wrong", [{"draws": 0}, {"worst": -1}, {"outside_limit": 0}, {"noise": 0}, {"shift_px": 0}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(VerificationError, match=next(iter(wrong))):
        Options(**wrong)


@pytest.mark.parametrize("wrong", [{"method": "magic"}, {"compared": ("lrp", "magic")}, {"region_mode": "magic"}])
def test_unknown_names_in_options_are_told_with_those_there_are(wrong):
    with pytest.raises(UnknownName, match="magic"):
        Options(**wrong)
