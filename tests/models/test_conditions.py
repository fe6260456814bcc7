"""Conditions that faces are put under, on a made face whose mesh is known."""

import numpy as np
import pytest

from core.sample import sample_faces
from models.verify.conditions import CHANGES, turned_deg


@pytest.fixture(scope="module")
def face():
    """A grey ramp of 48 px, and a mesh that covers most of it."""
    landmarks = np.zeros((478, 3), np.float32)
    generator = np.random.default_rng(0)
    landmarks[:, :2] = generator.uniform(12, 36, (478, 2))
    landmarks[[33, 133, 159, 145], :2] = (16, 18)
    landmarks[[362, 263, 386, 374], :2] = (32, 18)
    landmarks[[234, 2, 454, 365, 152, 136], :2] = [(6, 26), (24, 27), (42, 26), (38, 40), (24, 45), (10, 40)]
    image = np.tile(np.linspace(60, 200, 48).astype(np.uint8), (48, 1))
    return image, landmarks


@pytest.mark.parametrize("name", CHANGES)
def test_every_condition_keeps_shape_and_range_and_repeats(face, name):
    image, landmarks = face
    before = image.copy()
    one, other = (CHANGES[name](image, landmarks, np.random.default_rng(1)) for _ in range(2))
    assert one.shape == image.shape
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(image, before)
    assert (name == "as they are") == bool((one == image).all())


def test_covers_lie_where_they_are_said_to(face):
    image, landmarks = face
    changed = {name: CHANGES[name](image, landmarks, np.random.default_rng(1)) != image for name in CHANGES}
    assert changed["sunglasses"][18, 16]
    assert changed["sunglasses"][18, 32]
    assert not changed["glasses with dark frames"][18, 16]
    assert not changed["sunglasses"][30:].any()
    assert changed["mouth and chin covered"][35, 24]
    assert not changed["mouth and chin covered"][:24].any()


def test_a_turned_head_is_told_by_its_mesh():
    straight = np.zeros((1, 478, 3), np.float32)
    straight[0, 234, 0], straight[0, 454, 0] = -1, 1
    assert turned_deg(straight) == pytest.approx([0])
    turned = straight.copy()
    turned[0, 234], turned[0, 454] = (-np.cos(0.5), 0, -np.sin(0.5)), (np.cos(0.5), 0, np.sin(0.5))
    assert turned_deg(turned) == pytest.approx([np.degrees(0.5)])


def test_the_sample_faces_look_at_the_camera():
    landmarks = np.stack([face.landmarks for face in sample_faces().faces])
    assert turned_deg(landmarks).max() < 20
