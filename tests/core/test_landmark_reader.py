"""Landmark networks in a video: windows fill up honestly, faces are not mixed up, a neutral face is never guessed."""

from dataclasses import replace

import numpy as np
import pytest

from core.action_units import read
from core.baselines import Baselines, baseline
from core.geometry import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS
from core.landmark_model import LandmarkModel
from core.landmark_reader import LandmarkReader, ShapeTrack
from core.relevance import agreement
from core.shape import normalised
from core.types import LandmarkReading, LandmarkWait, Prediction
from tests.landmark_packs_made import LABELS, make_landmark_pack
from tests.made import make_face, shared


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("packs")


@pytest.fixture(scope="module")
def still(folder):
    return LandmarkModel(make_landmark_pack(folder, "still"))


@pytest.fixture(scope="module")
def windowed(folder):
    return LandmarkModel(make_landmark_pack(folder, "windowed", window=4, interval_s=0.1))


@pytest.fixture(scope="module")
def comparing(folder):
    return LandmarkModel(make_landmark_pack(folder, "comparing", from_neutral=True))


def face(shift=0.0, face_id=1, label=None):
    """A face of a made-up mesh, moved below by so many px."""
    made = make_face(face_id=face_id)
    landmarks = made.observation.landmarks.copy()
    landmarks[list(RIGHT_EYE_CORNERS), :2], landmarks[list(LEFT_EYE_CORNERS), :2] = (170, 150), (230, 150)
    landmarks[300:400, 1] += shift
    made = replace(made, observation=replace(made.observation, landmarks=landmarks))
    if label is None:
        return made
    names = (label, "other")
    return replace(made, prediction=Prediction(names, np.array([2, 1], np.float32), np.array([0.7, 0.3], np.float32)))


def test_a_still_network_reads_every_face_at_once(still):
    found = LandmarkReader(still).read([face(), face(3.0, face_id=2)], 0.0)
    expected = [still.read(normalised(each.observation.landmarks)[None], "happiness") for each in (face(), face(3.0))]
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.logits == theirs.logits).all()
        assert (ours.points.relevance == theirs.points.relevance).all()


@pytest.mark.parametrize(
    ("predicted", "target", "explained"),
    [
        ("sadness", None, "sadness"),
        ("sadness", "anger", "anger"),
        ("Happy", None, "happiness"),
        ("neutral", None, "the strongest"),
        ("sadness", "neutral", "the strongest"),
    ],
)
def test_the_class_that_the_pictures_say_is_explained_where_the_network_knows_it(still, predicted, target, explained):
    (reading,) = LandmarkReader(still).read([face(label=predicted)], 0.0, target)
    assert reading.points.target == (reading.label if explained == "the strongest" else explained)
    assert set(reading.labels) == set(LABELS)


def test_a_window_fills_up_and_says_how_far_it_is(windowed):
    reader = LandmarkReader(windowed)
    said = [reader.read([face(k)], 0.1 * k)[0] for k in range(5)]
    assert [each.why for each in said[:3]] == [f"not yet: {n} of 4 frames, 0.1 s apart" for n in (1, 2, 3)]
    shapes = np.stack([normalised(face(k).observation.landmarks) for k in range(5)])
    for last in (3, 4):
        expected = windowed.logits(shapes[None, last - 3 : last + 1])[0]
        np.testing.assert_allclose(said[last].logits, expected, atol=1e-4)


def test_faces_have_windows_of_their_own(windowed):
    reader = LandmarkReader(windowed)
    for k in range(4):
        faces = [face(k, face_id=1), *([face(9 - k, face_id=2)] if k > 0 else [])]
        found = reader.read(faces[:: 1 if k % 2 else -1], 0.1 * k)
    first, second = found if isinstance(found[0], LandmarkReading) else found[::-1]
    assert isinstance(first, LandmarkReading)
    assert second == LandmarkWait(windowed.pack.title, "not yet: 3 of 4 frames, 0.1 s apart")


def test_shapes_between_frames_are_interpolated_in_time():
    track = ShapeTrack(3, 0.1)
    for time_s in (0.0, 0.07, 0.13, 0.21):
        track.add(time_s, np.full((478, 3), time_s, np.float32))
    assert track.covered() == 3
    np.testing.assert_allclose(track.shapes()[:, 0, 0], [0.01, 0.11, 0.21], atol=1e-6)


def test_a_break_in_time_begins_a_window_anew():
    track = ShapeTrack(3, 0.1)
    shape = np.zeros((478, 3), np.float32)
    for time_s in (0.0, 0.1, 0.2):
        track.add(time_s, shape)
    assert track.covered() == 3
    track.add(0.2, shape)  # the same frame once more, as after a change of settings
    assert track.covered() == 3
    track.add(0.9, shape)
    assert (track.covered(), track.broken_s) == (1, pytest.approx(0.7))
    track.add(0.5, shape)  # back in the video
    assert (track.covered(), track.broken_s) == (1, None)


def test_frames_that_come_too_slowly_are_told(windowed):
    reader = LandmarkReader(windowed)
    reader.read([face()], 0.0)
    assert reader.read([face()], 0.5)[0].why == "frames lie 0.5 s apart, and it needs one every 0.1 s"


def test_a_network_that_compares_with_the_neutral_face_asks_for_it(comparing):
    reader = LandmarkReader(comparing)
    (waiting,) = reader.read([face(5.0)], 0.0)
    assert waiting == LandmarkWait(
        comparing.pack.title, "it compares with the person's neutral face, and none was given"
    )
    landmarks = face().observation.landmarks
    reader.baselines = Baselines().set(1, baseline("A", [(0.0, landmarks, read(landmarks))], "2026-01-01T00:00:00Z"))
    (reading,) = reader.read([face(5.0)], 0.1)
    moved = normalised(face(5.0).observation.landmarks) - normalised(face().observation.landmarks)
    np.testing.assert_allclose(reading.logits, comparing.logits(moved[None, None])[0], atol=1e-5)


def test_a_mesh_without_two_eyes_is_not_read(still):
    flat = replace(face(), observation=replace(face().observation, landmarks=np.zeros((478, 3), np.float32)))
    (waiting,) = LandmarkReader(still).read([flat], 0.0)
    assert "eye centres coincide" in waiting.why


def test_agreement_is_the_rank_correlation_of_the_regions_shares(still):
    explained = make_face(np.ones((48, 48), np.float32))
    read = LandmarkReader(still).read([face(label="happiness")], 0.0)[0]
    both = replace(explained, by_landmarks=read)
    points = read.points
    assert agreement(replace(both, regions=points.regions)) == pytest.approx(1)
    turned = replace(points.regions, shares=points.regions.shares.max() - points.regions.shares)
    assert agreement(replace(both, regions=turned)) == pytest.approx(-1)
    assert -1 <= agreement(both) <= 1


def test_there_is_no_agreement_between_explanations_of_different_classes(still):
    explained = make_face(np.ones((48, 48), np.float32))
    (anger,) = LandmarkReader(still).read([face(label="anger")], 0.0)
    assert agreement(replace(explained, by_landmarks=anger)) is None
    assert agreement(explained) is None
    (happiness,) = LandmarkReader(still).read([face(label="happiness")], 0.0)
    contrast = replace(explained.explanation, against="neutral")
    assert agreement(replace(explained, by_landmarks=happiness, explanation=contrast)) is None
    even = replace(shared(), shares=np.full(15, 1 / 15, np.float32))
    assert agreement(replace(explained, by_landmarks=happiness, regions=even)) is None
