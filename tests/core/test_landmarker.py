"""MediaPipe's blendshapes beside our units: which stand for which, when they are read, and what happens without."""

from dataclasses import replace

import numpy as np
import pytest

from core.blendshapes import NAMES, UNIT_OF, Blendshapes
from core.errors import BlendshapesUnavailable
from core.faces import FaceFinder
from core.landmarker import EVERY_S, Landmarker
from core.model import Model
from core.packs import DEFAULT_PACK, find_pack
from core.pain_table import blendshape_cells, blendshape_columns
from core.pipeline import Pipeline, Settings
from core.types import Frame

NOTHING = dict.fromkeys(NAMES, 0.0)


@pytest.fixture(scope="module")
def landmarker(shared):
    reader = Landmarker(shared / "models" / "face_landmarker.task")
    reader.open()
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def smiling(astronaut):
    finder = FaceFinder()
    (face,) = finder.find(astronaut)
    finder.close()
    return replace(face, face_id=1)


def test_a_blendshape_of_two_sides_is_read_by_side_and_one_of_none_counts_for_both():
    found = Blendshapes(NOTHING | {"browDownRight": 0.7, "browDownLeft": 0.2, "jawOpen": 0.4}, 0.0)
    assert found.of(4) == (0.7, 0.2)
    assert found.of(26) == (0.4, 0.4)
    assert found.of(23) is None


def test_every_unit_with_an_opinion_has_it_on_both_sides():
    found = Blendshapes(NOTHING, 0.0)
    assert [found.of(au) for au in UNIT_OF.values()] == [(0.0, 0.0)] * len(UNIT_OF)


@pytest.mark.parametrize("contents", [None, b"", b"PK\x03\x04 no landmarker"], ids=["absent", "empty", "another"])
def test_what_is_no_landmarker_is_an_error_that_names_the_file(tmp_path, contents):
    path = tmp_path / "face_landmarker.task"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(BlendshapesUnavailable, match="was expected"):
        Landmarker(path).open()


def test_without_a_landmarker_that_works_pain_is_measured_and_the_reason_stands_with_it(tmp_path, astronaut):
    pipeline = Pipeline(Model(find_pack(DEFAULT_PACK), threads=1), Settings(pain=True, emotions=False), stills=True)
    pipeline.landmarker = Landmarker(tmp_path / "none.task")
    (face,) = pipeline.process(Frame(astronaut, 0, 0.0, 0.0)).faces
    pipeline.close()
    assert face.pain.score is not None
    assert "none.task" in str(face.pain.blendshapes)
    assert blendshape_cells(face.pain) == {}
    assert "blendshapes" not in face.pain.document()


def test_a_smile_is_one_for_mediapipe_too_and_stands_in_document_and_table(landmarker, astronaut):
    pipeline = Pipeline(Model(find_pack(DEFAULT_PACK), threads=1), Settings(pain=True, emotions=False), stills=True)
    pipeline.landmarker = landmarker
    (face,) = pipeline.process(Frame(astronaut, 0, 0.0, 0.0)).faces
    pipeline.close()
    right, left = face.pain.blendshapes.of(12)
    assert min(right, left) > 0.5
    assert face.pain.document()["blendshapes"]["mouthSmileLeft"] == left
    assert list(blendshape_cells(face.pain)) == blendshape_columns()
    assert blendshape_cells(face.pain)["mp_mouthSmileRight"] == right


def test_where_there_is_no_face_there_is_no_opinion(landmarker, astronaut, smiling):
    assert landmarker.read([smiling], np.full_like(astronaut, 120), 0.0) == [None]


def test_on_frames_that_flow_faces_are_read_in_turn_and_not_too_often(landmarker, astronaut, smiling):
    faces = [replace(smiling, face_id=name) for name in (11, 12)]

    def times(now_s):
        return [each and each.timestamp_s for each in landmarker.read(faces, astronaut, now_s, in_turn=True)]

    assert times(10.0) == [10.0, None]
    assert times(10.04) == [10.0, 10.04]
    assert times(10.08) == [10.0, 10.04]
    later = 10.0 + 1.1 * EVERY_S
    assert times(later) == [later, 10.04]


def test_recordings_are_read_face_by_face_in_every_frame(landmarker, astronaut, smiling):
    faces = [replace(smiling, face_id=name) for name in (21, 22)]
    assert [each.timestamp_s for each in landmarker.read(faces, astronaut, 3.0)] == [3.0, 3.0]
    assert [each.timestamp_s for each in landmarker.read(faces, astronaut, 3.04)] == [3.04, 3.04]


def test_the_names_are_those_of_the_file(landmarker, astronaut, smiling):
    (found,) = landmarker.read([smiling], astronaut, 0.0)
    assert tuple(found.values) == NAMES
