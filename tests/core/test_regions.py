"""Every pixel of a crop lies in exactly one region, where a person would say it lies."""

import zipfile

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import UnknownName
from core.faces import FaceFinder
from core.geometry import Alignment
from core.regions import (
    ACTION_UNIT_REGIONS,
    EMFACS,
    EXPECTED,
    MODES,
    REGIONS,
    Partition,
    partition,
)

SIZE = 48
ALIGNMENT = Alignment(SIZE, right_eye=(0.325, 0.38), left_eye=(0.675, 0.38), mouth=(0.5, 0.76))
SWAPPED = [
    REGIONS.index({"left": "right", "right": "left"}[name.split("_")[0]] + "_" + name.split("_")[1])
    if name.startswith(("left_", "right_"))
    else index
    for index, name in enumerate(REGIONS)
]


def aligned(image) -> np.ndarray:
    """Landmarks of the one face of a picture, in px of its crop."""
    finder = FaceFinder()
    (face,) = finder.find(image)
    finder.close()
    return ALIGNMENT.to_crop(face.landmarks).apply(face.landmarks[:, :2])


@pytest.fixture(scope="module")
def landmarks(astronaut):
    return aligned(astronaut)


@pytest.fixture(scope="module")
def mirrored_landmarks(astronaut):
    return aligned(np.ascontiguousarray(astronaut[:, ::-1]))


@pytest.mark.parametrize("mode", MODES)
def test_every_pixel_lies_in_exactly_one_region_and_each_region_has_some(landmarks, mode):
    parts = partition(landmarks, SIZE, mode)
    assert parts.labels.shape == (SIZE, SIZE)
    assert parts.counts.sum() == SIZE * SIZE
    assert (parts.counts > 0).all()
    masks = np.stack([parts.mask(name) for name in REGIONS])
    assert (masks.sum(axis=0) == 1).all()


PLACES = {  # landmarks that lie clearly within a region, left and right being the person's
    "right_eye": (159, 145),
    "left_eye": (386, 374),
    "right_brow": (66,),
    "left_brow": (296,),
    "glabella": (9, 8),
    "nose": (1, 4, 5, 195),
    "right_cheek": (50, 205),
    "left_cheek": (280, 425),
    "upper_lip": (0, 164, 40, 270),
    "lower_lip": (17, 91, 321),
    "chin": (199, 175),
    "forehead": (151, 69, 299),
    "right_jaw": (138, 135),
    "left_jaw": (367, 364),
}


@pytest.mark.parametrize("name", PLACES)
def test_landmarks_lie_in_the_region_they_belong_to(landmarks, name):
    fine = landmarks * 4 + 30  # so that thin regions are met, and the chin is in view
    parts = partition(fine, 260)
    for index in PLACES[name]:
        x, y = np.rint(fine[index]).astype(int)
        assert REGIONS[parts.labels[y, x]] == name, index


@pytest.mark.parametrize("mode", MODES)
def test_mouth_corners_are_of_the_lips(landmarks, mode):
    parts = partition(landmarks, SIZE, mode)
    lips = parts.mask("upper_lip", "lower_lip")
    for corner in (61, 291):
        x, y = np.rint(landmarks[corner]).astype(int)
        assert lips[y, x]


def test_corners_of_the_crop_are_outside(landmarks):
    parts = partition(landmarks, SIZE)
    assert parts.mask("outside")[[0, 0, -1, -1], [0, -1, 0, -1]].all()


def test_left_is_the_persons_left(landmarks):
    parts = partition(landmarks, SIZE)
    columns = np.arange(SIZE)
    for name in ("brow", "eye", "cheek", "jaw"):
        left, right = (
            np.average(columns, weights=parts.mask(f"{side}_{name}").sum(axis=0)) for side in ("left", "right")
        )
        assert left > right


def test_a_mirrored_picture_has_a_mirrored_partition(landmarks, mirrored_landmarks):
    """The mesh itself is fitted again, so that a pixel at a border may change sides."""
    ours = np.array(SWAPPED)[partition(landmarks, SIZE).labels[:, ::-1]]
    agreement = (partition(mirrored_landmarks, SIZE).labels == ours).mean()
    assert agreement > 0.93


@pytest.mark.parametrize("mode", MODES)
def test_mirrored_landmarks_have_exactly_the_mirrored_partition(shared, landmarks, mode):
    geometry = pytest.importorskip("mediapipe.modules.face_geometry.protos.geometry_pipeline_metadata_pb2")
    metadata = geometry.GeometryPipelineMetadata()
    with zipfile.ZipFile(shared / "models/face_landmarker.task") as bundle:
        metadata.ParseFromString(bundle.read("geometry_pipeline_metadata_landmarks.binarypb"))
    vertices = np.array(metadata.canonical_mesh.vertex_buffer).reshape(-1, 5)[:, :3]
    twin = np.linalg.norm(vertices[:, None] * (-1, 1, 1) - vertices[None], axis=2).argmin(axis=1)
    mirrored = landmarks.copy()
    mirrored[:468] = landmarks[:468][twin]
    mirrored[:, 0] = SIZE - 1 - mirrored[:, 0]
    ours = np.array(SWAPPED)[partition(landmarks, SIZE, mode).labels[:, ::-1]]
    differing = partition(mirrored, SIZE, mode).labels != ours
    assert differing.mean() < 0.01  # pixels whose sample lies on a border


def test_boxes_are_rectangles_at_most_partly_covered(landmarks):
    labels = partition(landmarks, SIZE, "boxes").labels
    for name in ("glabella", "lower_lip"):  # nothing smaller lies over these
        rows, columns = np.nonzero(labels == REGIONS.index(name))
        assert np.ptp(rows) >= 1
        assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) >= len(rows)
    inside = labels != REGIONS.index("outside")
    polygons = partition(landmarks, SIZE).labels != REGIONS.index("outside")
    assert (inside & polygons).sum() > 0.95 * polygons.sum()


@given(
    arrays(np.float32, (478, 2), elements=st.floats(-1e6, 1e6, width=32)),
    st.sampled_from([1, 7, 48, 64, 200]),
    st.sampled_from(MODES),
)
def test_no_landmarks_can_break_the_partition(points, size, mode):
    parts = partition(points, size, mode)
    assert parts.labels.shape == (size, size)
    assert parts.counts.sum() == size * size
    assert parts.labels.max() < len(REGIONS)


def test_a_face_beyond_the_crop_leaves_only_outside(landmarks):
    assert (partition(landmarks + 1000, SIZE).labels == REGIONS.index("outside")).all()


def test_a_face_partly_beyond_the_crop_keeps_its_regions_in_place(landmarks):
    whole, cut = partition(landmarks, SIZE), partition(landmarks - 24, SIZE)
    differing = cut.labels[:24, :24] != whole.labels[24:, 24:]
    assert differing.sum() <= 3  # float32 landmarks round a border to either side


@given(st.floats(-80, 80))
def test_on_a_turned_head_the_nearer_half_is_the_larger(angle_deg):
    """A head as a cylinder: no side may swallow the other, and the sides follow the turn."""
    yaw = np.deg2rad(angle_deg)
    points = CYLINDER @ np.array([[np.cos(yaw), 0], [0, 1], [np.sin(yaw), 0]], np.float32)
    parts = partition(points.astype(np.float32) + 24, SIZE)
    left, right = (parts.mask(f"{side}_cheek", f"{side}_jaw").sum() for side in ("left", "right"))
    if abs(angle_deg) > 10:
        assert (left > right) == (angle_deg > 0)


@pytest.fixture(scope="module", autouse=True)
def cylinder(astronaut):
    """Landmarks in three dimensions, crop px about the crop's centre."""
    global CYLINDER  # noqa: PLW0603 - hypothesis tests take no fixtures of a function's scope
    finder = FaceFinder()
    (face,) = finder.find(astronaut)
    finder.close()
    to_crop = ALIGNMENT.to_crop(face.landmarks)
    flat = to_crop.apply(face.landmarks[:, :2]) - 24
    CYLINDER = np.column_stack([flat, face.landmarks[:, 2] * to_crop.scale])
    CYLINDER[:, 2] -= CYLINDER[[234, 454], 2].mean()


def test_unknown_modes_and_regions_are_named(landmarks):
    with pytest.raises(UnknownName, match="polygons, boxes"):
        partition(landmarks, SIZE, "circles")
    with pytest.raises(UnknownName, match="left_brow"):
        partition(landmarks, SIZE).mask("ear")


def test_a_partition_is_read_only_and_checked(landmarks):
    with pytest.raises(ValueError, match="read-only"):
        partition(landmarks, SIZE).labels[0, 0] = 1
    with pytest.raises(ValueError, match="uint8"):
        Partition(np.zeros((2, 2), np.int32))


def test_expected_regions_follow_from_the_action_units():
    assert EXPECTED["happiness"] == {"left_cheek", "right_cheek", "left_eye", "right_eye", "upper_lip", "lower_lip"}
    assert EXPECTED["disgust"] >= {"nose", "upper_lip", "lower_lip"}
    assert {"glabella", "left_brow", "right_brow"} <= EXPECTED["anger"]
    assert EXPECTED["neutral"] == frozenset()
    assert set(EXPECTED) == set(EMFACS)
    for regions in (*EXPECTED.values(), *ACTION_UNIT_REGIONS.values()):
        assert regions <= set(REGIONS) - {"outside"}


def test_pictures_of_any_size_give_the_same_shares(landmarks):
    """Regions are drawn at sub-pixel accuracy: a coarse crop's areas are those of a fine one."""
    coarse = partition(landmarks, SIZE).counts / SIZE**2
    fine = partition((landmarks + 0.5) * 8 - 0.5, SIZE * 8).counts / (SIZE * 8) ** 2
    np.testing.assert_allclose(coarse, fine, atol=0.006)


def test_the_partition_covers_the_drawn_oval(landmarks):
    oval = cv2.convexHull(landmarks[:468].astype(np.float32)).astype(np.int32)
    hull = cv2.fillPoly(np.zeros((SIZE, SIZE), np.uint8), [oval], (1,)).astype(bool)
    inside = ~partition(landmarks, SIZE).mask("outside")
    assert (inside & hull).sum() / (inside | hull).sum() > 0.9
