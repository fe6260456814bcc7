"""Deletion and insertion curves on a model whose use of the picture is known."""

import numpy as np
import pytest

from core.explain.faithfulness import faithfulness

SIDE = 12


def corner(pictures: np.ndarray) -> np.ndarray:
    """The probability of the first of two labels grows with the brightness of one corner."""
    bright = pictures[:, 0, :4, :4].mean(axis=(1, 2)) / 255
    return np.stack([bright, 1 - bright], axis=1)


@pytest.fixture
def bright_corner() -> np.ndarray:
    pictures = np.zeros((2, 1, SIDE, SIDE), np.uint8)
    pictures[:, :, :4, :4] = 255
    return pictures


def of(maps, pictures):
    return faithfulness(corner, pictures, np.asarray(maps, np.float32), np.array([0, 0]))


def test_a_map_of_what_the_model_uses_beats_its_opposite(bright_corner):
    right = np.zeros((2, SIDE, SIDE))
    right[:, :4, :4] = 1
    good, bad = of(right, bright_corner), of(-right, bright_corner)
    assert (good.deletion < bad.deletion).all()
    assert (good.insertion > bad.insertion).all()


def test_each_picture_has_areas_of_its_own(bright_corner):
    right = np.zeros((SIDE, SIDE))
    right[:4, :4] = 1
    found = of([right, -right], bright_corner)
    alone = of([right], bright_corner[:1])
    assert found.deletion[0] == alone.deletion[0]
    assert found.deletion[0] < found.deletion[1]


def test_a_model_that_looks_at_nothing_gives_the_same_areas_for_every_map(bright_corner):
    def blind(pictures):
        return np.tile([0.25, 0.75], (len(pictures), 1))

    maps = np.random.default_rng(0).random((2, SIDE, SIDE), np.float32)
    found = faithfulness(blind, bright_corner, maps, np.array([0, 1]))
    np.testing.assert_allclose(found.deletion, [0.25, 0.75])
    np.testing.assert_allclose(found.insertion, [0.25, 0.75])
