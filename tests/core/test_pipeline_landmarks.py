"""A landmark network reads in the pipeline beside the model: every face, every frame, and as soon as it is asked to."""

import numpy as np
import pytest

from core.action_units import read
from core.baselines import baseline
from core.landmark_model import LandmarkModel
from core.model import Model
from core.overlay import Style
from core.packs import DEFAULT_PACK, find_pack
from core.pipeline import OFF, Pipeline, Settings
from core.regions import REGIONS
from core.shape import normalised
from core.snapshot import arrays, document
from core.tables import CsvTable, Rows, landmark_columns
from core.types import Frame, LandmarkReading, LandmarkWait
from tests.landmark_packs_made import LABELS, make_landmark_pack


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("packs")


@pytest.fixture(scope="module")
def model():
    return Model(find_pack(DEFAULT_PACK), provider="cpu", threads=1)


@pytest.fixture(scope="module")
def still(folder):
    return LandmarkModel(make_landmark_pack(folder, "still"))


@pytest.fixture
def frames(astronaut):
    picture = np.ascontiguousarray(astronaut[:300, 100:400])
    return [Frame(picture, k, 0.1 * k, 0.0) for k in range(5)]


@pytest.fixture
def pipeline(model):
    made = []

    def make(**options):
        made.append(Pipeline(model, Settings(method=OFF), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_every_face_is_read_from_its_mesh_and_explained_in_every_frame(pipeline, frames, still):
    (face,) = pipeline(landmarks=still).process(frames[0], explain=False).faces
    expected = still.read(normalised(face.observation.landmarks)[None], face.by_landmarks.points.target)
    assert (face.points.relevance == expected.points.relevance).all()
    assert (face.by_landmarks.probabilities == expected.probabilities).all()
    assert face.explanation is None


def test_the_same_frame_gives_the_same_reading_in_another_pipeline(pipeline, frames, still):
    first, second = (pipeline(landmarks=still).process(frames[0]).faces[0].points for _ in range(2))
    assert (first.relevance == second.relevance).all()


def test_a_network_comes_and_goes_between_two_frames(pipeline, frames, still, model):
    made = pipeline()
    assert made.process(frames[0]).faces[0].by_landmarks is None
    made.use(model, made.settings, still)
    assert isinstance(made.process(frames[1]).faces[0].by_landmarks, LandmarkReading)
    made.settings = Settings(method=OFF, target="fear")
    assert made.process(frames[2]).faces[0].points.target == "fear"
    made.use(model, made.settings)
    assert made.process(frames[3]).faces[0].by_landmarks is None


def test_a_window_fills_up_over_the_frames_and_begins_anew_after_a_seek(pipeline, frames, folder):
    made = pipeline(landmarks=LandmarkModel(make_landmark_pack(folder, "windowed", window=3, interval_s=0.1)))
    found = [made.process(frame).faces[0].by_landmarks for frame in frames[:3]]
    assert [type(each) for each in found] == [LandmarkWait, LandmarkWait, LandmarkReading]
    made.reset()
    assert isinstance(made.process(frames[3]).faces[0].by_landmarks, LandmarkWait)


def test_pictures_that_stand_alone_make_no_window(pipeline, frames, folder):
    made = pipeline(stills=True, landmarks=LandmarkModel(make_landmark_pack(folder, "apart", window=2, interval_s=0.1)))
    found = [made.process(frame).faces[0].by_landmarks.why for frame in frames[:2]]
    assert found == ["not yet: 1 of 2 frames, 0.1 s apart"] * 2


def test_a_neutral_face_is_given_by_hand(pipeline, frames, folder):
    made = pipeline(landmarks=LandmarkModel(make_landmark_pack(folder, "from-neutral", from_neutral=True)))
    (face,) = made.process(frames[0]).faces
    assert face.by_landmarks.why == "it compares with the person's neutral face, and none was given"
    landmarks = face.observation.landmarks
    own = baseline("A", [(0.0, landmarks, read(landmarks))], "2026-01-01T00:00:00Z")
    made.baselines = made.baselines.set(face.observation.face_id, own)
    assert isinstance(made.process(frames[1]).faces[0].by_landmarks, LandmarkReading)


def test_tables_snapshots_and_arrays_hold_what_the_network_reads(pipeline, frames, still, tmp_path):
    result = pipeline(landmarks=still).process(frames[0])
    (face,) = result.faces
    path = tmp_path / "table.csv"
    with CsvTable(path, Rows(face.prediction.labels, still.labels)) as table:
        table.write(result)
    header, row = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines())
    cells = dict(zip(header, row, strict=True))
    assert header == Rows(face.prediction.labels, still.labels).columns
    assert header[-len(landmark_columns(LABELS)) :] == landmark_columns(LABELS)
    for label, probability in zip(LABELS, face.by_landmarks.probabilities, strict=True):
        assert float(cells[f"lm_p_{label}"]) == pytest.approx(probability, abs=1e-6)
    shares = face.points.regions.shares
    for name in REGIONS[:-1]:
        assert float(cells[f"lm_r_{name}"]) == pytest.approx(shares[REGIONS.index(name)], abs=1e-6)
    assert (cells["lm_label"], cells["lm_target"]) == (face.by_landmarks.label, face.points.target)
    assert cells["lm_agreement"] == ""
    assert float(cells["lm_gap"]) == pytest.approx(face.points.gap, abs=1e-6)
    assert "lm_r_outside" not in cells
    assert document(result, Style())["faces"][0]["by_landmarks"]["target"] == face.points.target
    assert (arrays(result)["points_0"] == face.points.relevance).all()


def test_without_a_network_the_table_is_as_it_was():
    assert [name for name in Rows(("a", "b")).columns if name.startswith("lm_")] == []
