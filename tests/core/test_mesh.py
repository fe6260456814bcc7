"""The mesh fits a face wherever it is, however large, and says when there is none."""

import os

import numpy as np
import pytest

from core.geometry import Box, Similarity, crop
from core.mesh import (
    INPUT_PX,
    POINTS,
    Mesh,
    landmarks_of,
    quiet_stderr,
    region_of_box,
    region_of_landmarks,
    serialized,
    view,
)

FACE = Box(180, 70, 90, 110)  # of the astronaut, px


@pytest.fixture(scope="module")
def mesh():
    model = Mesh()
    yield model
    model.close()


@pytest.fixture(scope="module")
def landmarks(mesh, astronaut):
    first, _ = mesh.fit(astronaut, region_of_box(FACE))
    fitted, _ = mesh.fit(astronaut, region_of_landmarks(first))
    return fitted


def test_a_face_is_fitted_in_frame_pixels(mesh, astronaut):
    landmarks, presence = mesh.fit(astronaut, region_of_box(FACE))
    assert landmarks.shape == (POINTS, 3)
    assert landmarks.dtype == np.float32
    assert presence > 0.99
    assert Box.around(landmarks).iou(FACE) > 0.7


def test_a_picture_without_a_face_has_no_presence(mesh):
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    for image in (noise, np.zeros_like(noise)):
        assert mesh.fit(image, region_of_box(Box(100, 100, 100, 100)))[1] < 0.5


def test_fitting_again_where_the_face_lies_changes_little(mesh, astronaut, landmarks):
    again, _ = mesh.fit(astronaut, region_of_landmarks(landmarks))
    assert np.linalg.norm((again - landmarks)[:, :2], axis=1).mean() < 0.02 * FACE.width


def test_the_same_picture_gives_the_same_landmarks_whatever_came_before(mesh, astronaut, landmarks):
    """A graph that smoothed over time would make results depend on history."""
    region = region_of_landmarks(landmarks)
    once, _ = mesh.fit(astronaut, region)
    mesh.fit(np.zeros_like(astronaut), region)
    twice, _ = mesh.fit(astronaut, region)
    np.testing.assert_array_equal(once, twice)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_larger_picture_gives_the_same_face_larger(mesh, astronaut, landmarks, factor):
    import cv2

    large = cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    box = Box(*(factor * value for value in (FACE.x, FACE.y, FACE.width, FACE.height)))
    first, _ = mesh.fit(large, region_of_box(box))
    fitted, _ = mesh.fit(large, region_of_landmarks(first))
    there = (fitted[:, :2] + 0.5) / factor - 0.5
    assert np.linalg.norm(there - landmarks[:, :2], axis=1).mean() < 0.02 * FACE.width


@pytest.mark.parametrize("angle_deg", [-40, 25])
def test_a_tilted_head_is_levelled(mesh, astronaut, landmarks, angle_deg):
    import cv2

    angle = np.deg2rad(angle_deg)
    about = Similarity(np.cos(angle), np.sin(angle), 0, 0)
    x, y = about.apply(np.array([FACE.centre], np.float32))[0]
    turn = Similarity(about.a, about.b, float(FACE.centre[0] - x), float(FACE.centre[1] - y))
    turned = cv2.warpAffine(astronaut, turn.matrix, (512, 512))
    expected = turn.apply(landmarks[:, :2])
    region = region_of_landmarks(np.column_stack([expected, landmarks[:, 2]]))
    assert region.rotation_rad == pytest.approx(region_of_landmarks(landmarks).rotation_rad - angle, abs=1e-3)
    fitted, presence = mesh.fit(turned, region)
    assert presence > 0.99
    assert np.linalg.norm(fitted[:, :2] - expected, axis=1).mean() < 0.03 * FACE.width


def test_landmarks_read_from_the_wire_are_those_of_the_parsed_message(mesh, astronaut, landmarks):
    from mediapipe.python import packet_getter

    packet = mesh._graph.run(crop(astronaut, region_of_landmarks(landmarks), INPUT_PX))["landmarks"]
    parsed = [(point.x, point.y, point.z) for point in packet_getter.get_proto(packet).landmark]
    np.testing.assert_array_equal(landmarks_of(serialized(packet)), np.array(parsed, np.float32))


def test_a_message_of_another_layout_is_refused():
    with pytest.raises(ValueError, match="478 landmarks"):
        landmarks_of(b"\x0a\x0f" * 10)


@pytest.mark.parametrize("scale", [3.0, 1.0, 0.7])
def test_the_view_is_the_aligned_crop_where_nothing_is_averaged(astronaut, scale):
    region = Similarity(scale, 0.1, -200 * scale, -60 * scale)
    difference = view(astronaut, region).astype(int) - crop(astronaut, region, INPUT_PX).astype(int)
    assert np.abs(difference).mean() < 1.5


@pytest.mark.parametrize("scale", [0.45, 0.3])
def test_the_view_of_a_large_face_does_not_shift(astronaut, scale):
    region = Similarity(scale, -0.05 * scale, -100 * scale, -60 * scale)
    difference = view(astronaut, region).astype(int) - crop(astronaut, region, INPUT_PX).astype(int)
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize(
    "region",
    [region_of_box(Box(-900, -900, 80, 80)), region_of_box(Box(0, 0, 9000, 9000)), region_of_box(Box(5, 5, 0, 0))],
)
def test_regions_beyond_the_picture_are_filled(mesh, astronaut, region):
    assert view(astronaut, region).shape == (INPUT_PX, INPUT_PX, 3)
    assert view(astronaut[:1, :1], region).shape == (INPUT_PX, INPUT_PX, 3)
    landmarks, presence = mesh.fit(astronaut, region)
    assert np.isfinite(landmarks).all()
    assert 0 <= presence <= 1


def test_native_noise_stays_away_from_standard_error(capfd):
    with quiet_stderr():
        os.write(2, b"noise")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def test_a_new_mesh_is_silent(capfd, astronaut):
    model = Mesh()
    model.fit(astronaut, region_of_box(FACE))
    model.close()
    assert capfd.readouterr() == ("", "")
