"""Every point of the mesh belongs to one face region, and both halves of the face are alike."""

import zipfile

import numpy as np
import pytest

from core.faces import FaceFinder
from core.geometry import FACE_OVAL, LEFT_EYE_CORNERS, MOUTH_CORNERS, RIGHT_EYE_CORNERS
from core.opencv import cv2
from core.point_regions import POINTS, POINTS_OF, point_regions
from core.regions import _LEFT_OF, _ON_MIDLINE, OUTSIDE, REGIONS, partition
from core.shape import normalised

MIRRORED = [REGIONS.index(name.replace("left", "?").replace("right", "left").replace("?", "right")) for name in REGIONS]
LEFT_IRIS_OF_RIGHT = {468: 473, 469: 476, 470: 474, 471: 475, 472: 477}


def test_every_point_belongs_to_exactly_one_region_of_the_face():
    assert sorted(point for points in POINTS_OF.values() for point in points) == list(range(POINTS))
    assert OUTSIDE not in point_regions()
    assert set(POINTS_OF) == set(REGIONS) - {"outside"}


def test_the_table_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        point_regions()[0] = 0


def test_corners_of_outlines_mirror_each_other():
    table = point_regions()
    pairs = [*_LEFT_OF.items(), *((point, point) for point in _ON_MIDLINE)]
    unlike = [(a, b) for a, b in pairs if MIRRORED[table[a]] != table[b]]
    assert unlike == []


def test_every_point_mirrors_its_twin(shared):
    geometry = pytest.importorskip("mediapipe.modules.face_geometry.protos.geometry_pipeline_metadata_pb2")
    metadata = geometry.GeometryPipelineMetadata()
    with zipfile.ZipFile(shared / "models/face_landmarker.task") as bundle:
        metadata.ParseFromString(bundle.read("geometry_pipeline_metadata_landmarks.binarypb"))
    vertices = np.array(metadata.canonical_mesh.vertex_buffer).reshape(-1, 5)[:, :3]
    distances = np.linalg.norm(vertices[:, None] * (-1, 1, 1) - vertices[None], axis=2)
    twins = dict(enumerate(distances.argmin(axis=1))) | LEFT_IRIS_OF_RIGHT
    table = point_regions()
    assert [point for point, twin in twins.items() if MIRRORED[table[point]] != table[twin]] == []


@pytest.mark.parametrize(
    ("points", "region"),
    [
        (RIGHT_EYE_CORNERS, "right_eye"),
        (LEFT_EYE_CORNERS, "left_eye"),
        (MOUTH_CORNERS, "lower_lip"),
        ((468, 470), "right_eye"),
        ((55, 107, 70), "right_brow"),
        ((0, 13), "upper_lip"),
        ((14, 17), "lower_lip"),
        ((205, 50), "right_cheek"),
        ((152,), "chin"),
        ((1, 4), "nose"),
        ((9, 8), "glabella"),
    ],
)
def test_points_that_everybody_knows_are_where_everybody_expects_them(points, region):
    assert {REGIONS[point_regions()[point]] for point in points} == {region}


def test_points_lie_in_the_pixels_of_their_region(astronaut):
    """On a real face; near a border, where a face need not be like the median, either side will do."""
    finder = FaceFinder()
    try:
        landmarks = finder.find(astronaut)[0].landmarks
    finally:
        finder.close()
    size = 600
    places = normalised(landmarks)[:, :2] * 160
    places += size / 2 - (places.min(axis=0) + places.max(axis=0)) / 2
    labels = partition(places.astype(np.float32), size).labels
    near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))
    lost = []
    for index in range(POINTS):
        around = cv2.dilate((labels == point_regions()[index]).astype(np.uint8), near)
        column, row = np.rint(places[index]).astype(int).clip(0, size - 1)
        if not around[row, column]:
            lost.append(index)
    assert lost == []
    assert set(FACE_OVAL).isdisjoint(POINTS_OF["nose"])
