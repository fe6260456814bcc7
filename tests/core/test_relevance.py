"""A map shared out over regions adds up, whatever the map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.regions import EXPECTED, REGIONS, Partition
from core.relevance import by_region, centre_gaussian

SIZE = 12
maps = arrays(np.float32, (SIZE, SIZE), elements=st.floats(-1e3, 1e3, width=32))
partitions = arrays(np.uint8, (SIZE, SIZE), elements=st.integers(0, len(REGIONS) - 1)).map(Partition)
targets = st.sampled_from(sorted(EXPECTED))


@given(maps, partitions, targets)
def test_regions_sum_to_the_map_positive_and_negative_apart(relevance, partition, target):
    shared = by_region(relevance, partition, target)
    exact = relevance.astype(np.float64)
    assert shared.positive == pytest.approx(exact[exact > 0].sum())
    assert shared.negative == pytest.approx(exact[exact < 0].sum())
    for index in range(len(REGIONS)):
        inside = exact[partition.labels == index]
        assert shared.shares[index] * shared.positive == pytest.approx(inside[inside > 0].sum(), rel=1e-4, abs=1e-3)
        assert shared.negative_shares[index] * shared.negative == pytest.approx(
            inside[inside < 0].sum(), rel=1e-4, abs=1e-3
        )


@given(maps, partitions, targets)
def test_shares_and_areas_sum_to_one_and_nothing_is_nan(relevance, partition, target):
    shared = by_region(relevance, partition, target)
    assert shared.areas.sum() == pytest.approx(1, abs=1e-5)
    assert shared.shares.sum() == pytest.approx(1 if shared.positive > 0 else 0, abs=1e-5)
    assert shared.negative_shares.sum() == pytest.approx(1 if shared.negative < 0 else 0, abs=1e-5)
    for values in (shared.shares, shared.negative_shares, shared.densities):
        assert np.isfinite(values).all()
        assert (values >= 0).all()


@given(partitions, targets, st.floats(0.01, 100))
def test_a_uniform_map_has_density_one_everywhere(partition, target, level):
    shared = by_region(np.full((SIZE, SIZE), level, np.float32), partition, target)
    np.testing.assert_allclose(shared.densities[shared.areas > 0], 1, rtol=1e-5)
    if shared.expected_density is not None:
        assert shared.expected_density == pytest.approx(1, rel=1e-4)


@given(maps, partitions, targets, st.floats(0.5, 50, width=32))
def test_shares_do_not_depend_on_the_scale_of_the_map(relevance, partition, target, factor):
    once = by_region(relevance, partition, target)
    scaled = by_region((relevance * factor).astype(np.float32), partition, target)
    if once.positive > 1e-3:  # below, float32 runs out
        np.testing.assert_allclose(scaled.shares, once.shares, atol=1e-4)


@given(partitions, targets)
def test_an_empty_map_has_no_shares_and_says_so(partition, target):
    shared = by_region(np.zeros((SIZE, SIZE), np.float32), partition, target)
    assert not shared.shares.any()
    assert not shared.densities.any()
    assert shared.outside_share == 0
    assert shared.verdict == "no positive evidence"


def halves() -> Partition:
    """Left half of the crop: mouth (one column), forehead; right half: outside."""
    labels = np.full((10, 10), REGIONS.index("outside"), np.uint8)
    labels[:, :4] = REGIONS.index("forehead")
    labels[:, 4] = REGIONS.index("upper_lip")
    return Partition(labels)


def test_density_within_the_face_is_that_of_the_formula():
    """V_f = (V / share inside the face) * S_face / S_E, by hand."""
    relevance = np.zeros((10, 10), np.float32)
    relevance[0, 4], relevance[0, 0], relevance[0, 9] = 3, 1, 1
    shared = by_region(relevance, halves(), "happiness")
    assert shared.expected_share == pytest.approx(3 / 5)
    assert shared.outside_share == pytest.approx(1 / 5)
    assert shared.expected_density == pytest.approx((3 / 5) / (4 / 5) * 50 / 10)
    assert shared.verdict == "rests on the expected regions"


def test_evidence_in_the_wrong_place_is_not_supported():
    relevance = np.zeros((10, 10), np.float32)
    relevance[:, 0] = 1
    assert by_region(relevance, halves(), "happiness").verdict == "not supported by the expected regions"


@pytest.mark.parametrize("target", ["happiness", "neutral"])
def test_evidence_beyond_the_face_is_named_for_every_class(target):
    relevance = np.zeros((10, 10), np.float32)
    relevance[:, 9] = 1
    assert by_region(relevance, halves(), target).verdict == "looks outside the face"


def test_neutral_and_unknown_classes_expect_nothing():
    relevance = np.zeros((10, 10), np.float32)
    relevance[:, 0] = 1
    for target in ("neutral", "boredom"):
        shared = by_region(relevance, halves(), target)
        assert shared.expected == frozenset()
        assert shared.expected_share is None
        assert shared.expected_density is None
        assert shared.verdict is None


def test_a_map_of_another_crop_is_refused():
    with pytest.raises(ValueError, match="not of one crop"):
        by_region(np.zeros((9, 9), np.float32), halves(), "happiness")


def test_a_map_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        by_region(np.full((10, 10), np.nan, np.float32), halves(), "happiness")


@given(st.integers(2, 64))
def test_the_control_is_symmetric_positive_and_highest_at_the_centre(size):
    control = centre_gaussian(size)
    assert control.sum() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(control, control[::-1, ::-1], rtol=1e-6)
    np.testing.assert_allclose(control, control.T, rtol=1e-6)
    assert control.min() > 0
    assert control.max() == control[size // 2, size // 2]
