"""Boxes, similarities and the aligned crop hold what their callers lean on."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.geometry import Alignment, Box, Similarity, anchors, crop, frozen

coordinates = st.floats(-500, 500, width=32)
boxes = st.builds(Box, coordinates, coordinates, st.floats(0.5, 300), st.floats(0.5, 300))
similarities = st.builds(
    lambda angle, scale, tx, ty: Similarity(scale * np.cos(angle), scale * np.sin(angle), tx, ty),
    st.floats(-np.pi, np.pi),
    st.floats(0.05, 20),
    coordinates,
    coordinates,
)
clouds = arrays(np.float32, (12, 2), elements=st.floats(-300, 300, width=32))


@given(boxes, boxes)
def test_overlap_does_not_depend_on_the_order(a, b):
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert 0 <= a.iou(b) <= 1 + 1e-9
    assert a.intersection(b) <= min(a.area, b.area) * (1 + 1e-9)


@given(boxes)
def test_a_box_overlaps_itself_wholly(box):
    assert box.iou(box) == pytest.approx(1, abs=1e-6)


@given(boxes, st.floats(0.1, 5), coordinates)
def test_growing_and_squaring_keep_the_centre(box, factor, shift):
    assert box.scaled(factor).centre == pytest.approx(box.centre, abs=1e-3)
    assert box.squared().centre == pytest.approx(box.centre, abs=1e-3)
    assert box.squared().width == box.squared().height == max(box.width, box.height)
    assert box.scaled(factor).area == pytest.approx(box.area * factor**2, rel=1e-6)
    assert box.moved(shift, 0).x == pytest.approx(box.x + shift)


@given(clouds)
def test_the_box_around_points_holds_them_and_touches_them(points):
    box = Box.around(points)
    assert box.x == points[:, 0].min()
    assert box.bottom == pytest.approx(points[:, 1].max(), abs=1e-3)


def test_an_empty_box_overlaps_nothing():
    assert Box(1, 1, 0, 0).iou(Box(1, 1, 0, 0)) == 0


@given(similarities, clouds)
def test_a_similarity_and_its_inverse_undo_each_other(transform, points):
    back = transform.inverse().apply(transform.apply(points))
    tolerance = 1e-3 * (1 + 1 / transform.scale)  # float32 points, far from the origin
    np.testing.assert_allclose(back, points, atol=tolerance, rtol=1e-3)


@given(similarities, similarities, clouds)
def test_composition_is_one_after_the_other(first, second, points):
    expected = second.apply(first.apply(points))
    actual = second.after(first).apply(points)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=0.01 * (1 + second.scale))


@given(similarities, clouds)
def test_the_similarity_between_point_clouds_is_found_again(transform, points):
    assume(np.ptp(points, axis=0).min() > 10)
    found = Similarity.between(points, transform.apply(points))
    np.testing.assert_allclose(found.matrix[:, :2], transform.matrix[:, :2], atol=1e-3 * (1 + transform.scale))
    assert found.scale == pytest.approx(transform.scale, rel=1e-3)


def test_one_repeated_point_has_no_similarity():
    points = np.ones((3, 2), np.float32)
    with pytest.raises(ValueError, match="two different points"):
        Similarity.between(points, points)


@given(similarities)
def test_a_similarity_turns_by_its_rotation(transform):
    turned = transform.apply(np.array([[0, 0], [1, 0]], np.float32).astype(np.float64))
    direction = turned[1].astype(np.float64) - turned[0]
    angle = np.arctan2(direction[1], direction[0])
    difference = np.angle(np.exp(1j * (angle - transform.rotation_rad)))
    assert abs(difference) < 0.02 + 0.001 / transform.scale


ALIGNMENT = Alignment(48, right_eye=(0.325, 0.38), left_eye=(0.675, 0.38), mouth=(0.5, 0.76))


@given(similarities, st.integers(0, 1000))
def test_alignment_brings_a_moved_face_to_the_same_places(transform, seed):
    """A face that is moved, turned or scaled as a whole looks the same in the crop."""
    points = np.random.default_rng(seed).uniform(0, 200, (478, 2)).astype(np.float32)
    here = ALIGNMENT.to_crop(points).apply(points)
    there = ALIGNMENT.to_crop(transform.apply(points)).apply(transform.apply(points))
    spread = np.ptp(here) + 1
    np.testing.assert_allclose(there, here, atol=0.01 * spread)


def test_anchors_that_fit_exactly_lie_exactly_in_their_places():
    landmarks = np.zeros((478, 3), np.float32)
    for corners, (x, y) in zip(
        ((33, 133), (362, 263), (61, 291)),
        np.array([ALIGNMENT.right_eye, ALIGNMENT.left_eye, ALIGNMENT.mouth]),
        strict=True,
    ):
        landmarks[list(corners), :2] = x * 400 - 0.5, y * 400 - 0.5
    np.testing.assert_allclose(ALIGNMENT.to_crop(landmarks).apply(anchors(landmarks)), ALIGNMENT.places, atol=1e-3)


def test_crops_of_two_sizes_show_the_same_face(astronaut):
    to_crop = Similarity(0.5, 0.0, -80.0, -20.0)
    small, large = (
        crop(astronaut, Similarity(k * 0.5, 0, k * -80.0 + (k - 1) / 2, k * -20.0 + (k - 1) / 2), 48 * k)
        for k in (1, 2)
    )
    averaged = large.reshape(48, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(averaged - small).mean() < 2
    assert small.shape == crop(astronaut, to_crop, 48).shape == (48, 48, 3)


def test_a_crop_of_the_identity_is_the_picture(astronaut):
    np.testing.assert_array_equal(crop(astronaut, Similarity(1, 0, -100, -50), 64), astronaut[50:114, 100:164])


def test_a_crop_beyond_the_picture_repeats_its_border():
    image = np.full((10, 10), 7, np.uint8)
    assert (crop(image, Similarity(1, 0, 100, 100), 16) == 7).all()


def test_frozen_arrays_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        frozen(np.zeros(3))[0] = 1
