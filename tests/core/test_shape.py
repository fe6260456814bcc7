"""Place, tilt and size of a face do not change its shape."""

import numpy as np
import pytest

from core.geometry import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, Similarity
from core.shape import POINTS, normalised


@pytest.fixture
def mesh():
    """A mesh with eyes some 60 px apart, float32 [478, 3]."""
    mesh = np.random.default_rng(3).normal((320, 240, 0), (60, 60, 20), (POINTS, 3)).astype(np.float32)
    mesh[list(RIGHT_EYE_CORNERS), 0] -= 60
    mesh[list(LEFT_EYE_CORNERS), 0] += 60
    return mesh


def test_the_eyes_come_to_lie_one_apart_on_a_level_line(mesh):
    shape = normalised(mesh)
    np.testing.assert_allclose(shape[list(RIGHT_EYE_CORNERS), :2].mean(axis=0), (-0.5, 0), atol=1e-6)
    np.testing.assert_allclose(shape[list(LEFT_EYE_CORNERS), :2].mean(axis=0), (0.5, 0), atol=1e-6)
    assert np.float32 == shape.dtype


@pytest.mark.parametrize("degrees", [-170, -30, 5, 90])
@pytest.mark.parametrize("scale", [0.1, 1, 7])
def test_shift_turn_and_scale_do_not_change_a_shape(mesh, degrees, scale):
    a, b = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    moved = np.column_stack([Similarity(a, b, -37.5, 810.0).apply(mesh[:, :2]), scale * mesh[:, 2]])
    np.testing.assert_allclose(normalised(moved.astype(np.float32)), normalised(mesh), atol=2e-4)


def test_depth_is_divided_by_the_distance_of_the_eyes_and_not_shifted(mesh):
    mesh[list(RIGHT_EYE_CORNERS), :2] = (100, 200)
    mesh[list(LEFT_EYE_CORNERS), :2] = (180, 200)
    np.testing.assert_allclose(normalised(mesh)[:, 2], mesh[:, 2] / 80, rtol=1e-5)


def test_every_mesh_of_a_stack_is_taken_by_itself(mesh):
    stack = np.stack([mesh, 2 * mesh + 5, mesh[:, [1, 0, 2]]])
    np.testing.assert_array_equal(normalised(stack[None]), np.stack([normalised(each) for each in stack])[None])


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_eyes_that_coincide_or_are_no_numbers_are_refused(mesh, value):
    mesh[list(RIGHT_EYE_CORNERS + LEFT_EYE_CORNERS)] = value
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="two eyes that lie apart"):
        normalised(np.stack([mesh, mesh]))


def test_what_is_no_mesh_is_refused():
    with pytest.raises(ValueError, match=r"\[\.\.\., 478, 3\], got \[68, 3\]"):
        normalised(np.zeros((68, 3), np.float32))
