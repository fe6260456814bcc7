"""The mesh of a picture that is a face crop already, in that picture's own px, whatever its size and shape."""

import numpy as np
import pytest

from core.geometry import anchors
from core.mesh import Mesh
from core.opencv import cv2
from core.tight import fit_tight


@pytest.fixture(scope="module")
def mesh():
    model = Mesh()
    yield model
    model.close()


@pytest.fixture(scope="module")
def face(astronaut):
    """A face that fills its picture: RGB uint8 [200, 200, 3]."""
    return np.ascontiguousarray(astronaut[20:220, 120:320])


def resized(image, width, height):
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if width < 200 else cv2.INTER_LINEAR)


@pytest.mark.parametrize("side", [48, 100, 112, 400])
def test_a_face_is_found_at_the_same_place_of_a_picture_of_any_size(mesh, face, side):
    whole, other = fit_tight(mesh, face), fit_tight(mesh, resized(face, side, side))

    places = (anchors(whole.landmarks) + 0.5) / 200, (anchors(other.landmarks) + 0.5) / side

    assert np.abs(places[0] - places[1]).max() < 0.015
    assert other.confidence >= 0.5


def test_a_picture_need_not_be_square(mesh, astronaut):
    wide, square = fit_tight(mesh, astronaut[20:220, 90:340]), fit_tight(mesh, astronaut[20:220, 120:320])

    assert np.abs(anchors(wide.landmarks) - (30, 0) - anchors(square.landmarks)).max() < 3


def test_grey_pictures_are_read_as_they_are(mesh, face):
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    spread = np.repeat(grey[:, :, None], 3, axis=2)

    assert np.array_equal(fit_tight(mesh, grey).landmarks, fit_tight(mesh, spread).landmarks)


def test_a_picture_without_a_face_gives_none(mesh):
    assert fit_tight(mesh, np.full((48, 48), 128, np.uint8)) is None
