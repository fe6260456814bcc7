"""The stimulus: a face that moves as commanded, so that every later stage can be tested against ground truth."""

import itertools
import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.geometry import FACE_OVAL, Box, anchors
from core.mesh import Mesh, region_of_box, region_of_landmarks
from core.stimulus import ACTION_UNITS, Event, Pose, Puppet, Sway, Track, frames
from core.warp import RING, triangles

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SMILE = {6: 3.0, 12: 4.5, 25: 2.5}
STRENGTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


@pytest.fixture(scope="module")
def mesh():
    mesh = Mesh()
    yield mesh
    mesh.close()


@pytest.fixture(scope="module")
def still(astronaut):
    return np.ascontiguousarray(cv2.resize(astronaut[10:250, 100:356], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope="module")
def landmarks(still, mesh):
    found, _ = mesh.fit(still, region_of_box(Box(140, 100, 220, 260)))
    found, presence = mesh.fit(still, region_of_landmarks(found))
    assert presence > 0.9
    return found


@pytest.fixture(scope="module")
def puppet(still, landmarks):
    return Puppet(still, landmarks, SMILE)


def inter_ocular(points):
    right, left, _ = anchors(points)
    return np.linalg.norm(left - right)


def distance(points, a, b):
    return np.linalg.norm(points[a, :2] - points[b, :2]) / inter_ocular(points)


MEASURES = {
    4: lambda p: -distance(p, 55, 133) - distance(p, 285, 362),  # inner brow to inner eye corner, shrinks
    12: lambda p: distance(p, 61, 291),  # mouth corner to mouth corner
    25: lambda p: distance(p, 13, 14),  # lip gap
    43: lambda p: -distance(p, 159, 145) - distance(p, 386, 374),  # eye aperture, shrinks
}


@pytest.mark.parametrize("au", MEASURES)
def test_a_mesh_fitted_to_the_pictures_follows_the_commanded_strength(puppet, mesh, landmarks, au):
    region = region_of_landmarks(landmarks)
    seen = [MEASURES[au](mesh.fit(puppet.render({au: strength}), region)[0]) for strength in STRENGTHS]

    assert np.corrcoef(STRENGTHS, seen)[0, 1] > 0.9
    assert seen[-1] - seen[0] > 0.04


def test_the_landmarks_it_reports_are_where_the_mesh_finds_them(puppet, mesh, landmarks):
    fitted, _ = mesh.fit(puppet.render({12: 2, 6: 1, 25: 1}), region_of_landmarks(landmarks))

    error = np.linalg.norm(fitted[:468, :2] - puppet.landmarks({12: 2, 6: 1, 25: 1})[:468], axis=1)

    assert np.median(error) / inter_ocular(landmarks) < 0.03


def test_pixels_outside_the_face_stay_as_they_are(puppet, still, landmarks):
    oval = landmarks[list(FACE_OVAL), :2]
    ring = oval.mean(axis=0) + 1.01 * RING * (oval - oval.mean(axis=0))
    outside = cv2.fillPoly(np.zeros(still.shape[:2], np.uint8), [np.round(ring).astype(np.int32)], 1) == 0

    for au in ACTION_UNITS:
        assert np.array_equal(puppet.render({au: 5.0})[outside], still[outside])


def test_one_unit_leaves_the_rest_of_the_face_alone(puppet, landmarks):
    neutral, frown = puppet.render({}).astype(int), puppet.render({4: 5.0}).astype(int)
    changed = np.abs(neutral - frown).max(axis=2) > 20
    mouth_top = round(float(landmarks[2, 1]))  # base of the nose

    assert changed.sum() > 200
    assert changed[mouth_top:].sum() == 0


def test_the_stills_own_expression_gives_the_still_back(puppet, still):
    difference = np.abs(puppet.render(SMILE).astype(int) - still)

    assert difference.mean() < 0.2
    assert np.allclose(puppet.landmarks(SMILE), puppet.landmarks(SMILE, Pose()), atol=1e-3)


def test_undoing_a_smile_smooths_its_folds_and_a_still_without_one_keeps_its_skin(puppet, still, landmarks):
    x, y = np.round(landmarks[206, :2]).astype(int)  # beside the fold from nose to mouth
    cheek = np.s_[y - 8 : y + 8, x - 8 : x + 8]
    plain = Puppet(still, landmarks)

    def contrast(image):
        return cv2.GaussianBlur(image[cheek].astype(np.float32), (0, 0), 2).std(axis=(0, 1)).mean()

    assert contrast(puppet.render({})) < 0.6 * contrast(puppet.render(SMILE))
    assert contrast(plain.render({})) == pytest.approx(contrast(still), rel=0.02)


def test_closed_eyes_hide_the_iris(puppet, landmarks):
    x, y = np.round(landmarks[468, :2]).astype(int)  # centre of the right iris
    neutral, closed = puppet.render({}), puppet.render({43: 5.0})

    assert closed[y - 3 : y + 1, x - 3 : x + 4].mean() > 1.5 * neutral[y - 3 : y + 1, x - 3 : x + 4].mean()


def test_the_same_command_gives_the_same_picture(still, landmarks, puppet):
    again = Puppet(still, landmarks, SMILE)

    assert np.array_equal(puppet.render({4: 3, 25: 2}, Pose(yaw_deg=3)), again.render({4: 3, 25: 2}, Pose(yaw_deg=3)))


def test_the_still_itself_is_never_changed(puppet, still):
    before = still.copy()
    puppet.render({43: 5.0}, Pose(right=0.1))

    assert np.array_equal(still, before)


def test_the_head_moves_as_the_pose_says(puppet, mesh, landmarks):
    pose = Pose(right=0.1, roll_deg=4)
    fitted, _ = mesh.fit(puppet.render(SMILE, pose), region_of_landmarks(landmarks))
    before, after = anchors(landmarks), anchors(fitted)

    turned = np.degrees(np.arctan2(*(after[1] - after[0])[::-1]) - np.arctan2(*(before[1] - before[0])[::-1]))

    assert turned == pytest.approx(4, abs=1.5)
    shift = (fitted[list(FACE_OVAL), 0] - landmarks[list(FACE_OVAL), 0]).mean() / inter_ocular(landmarks)
    assert shift == pytest.approx(0.1, abs=0.04)


def test_frames_carry_their_time_and_their_truth(puppet):
    track = Track((Event(12, 4.0, 0.1, 0.3, 0.5, 0.7),), duration_s=0.8)

    shown = list(frames(puppet, track, fps=10))

    assert [frame.timestamp_s for frame in shown] == pytest.approx([k / 10 for k in range(8)])
    assert shown[0].strengths == dict.fromkeys(sorted(ACTION_UNITS), 0.0)
    assert shown[4].strengths[12] == 4.0
    assert shown[4].image.shape == shown[0].image.shape


@given(time_s=st.floats(0, 20), strength=st.floats(0, 5))
def test_a_strength_never_leaves_its_bounds(time_s, strength):
    event = Event(4, strength, 2.0, 3.0, 4.0, 6.0)

    assert 0 <= event.strength_at(time_s) <= strength
    assert event.strength_at(3.5) == strength
    assert event.strength_at(min(time_s, 2.0)) == 0


@given(time_s=st.floats(0, 7))
def test_sway_comes_back_to_where_it_began(time_s):
    sway = Sway(Pose(right=0.1, roll_deg=3, scale=1.02), period_s=7)

    assert sway.at(0) == Pose()
    assert sway.at(time_s + 7).roll_deg == pytest.approx(sway.at(time_s).roll_deg, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"au": 99}, "knows"), ({"strength": 6.0}, "between 0 and 5"), ({"apex_s": 0.0}, "onset < apex")],
)
def test_an_impossible_event_is_refused_in_words(change, says):
    event = {"au": 4, "strength": 3.0, "onset_s": 1.0, "apex_s": 2.0, "release_s": 3.0, "offset_s": 4.0}
    with pytest.raises(ValueError, match=says):
        Event(**(event | change))


def test_the_mesh_has_every_triangle_once_and_three_openings():
    faces = triangles()
    edges = {frozenset(edge) for face in faces.tolist() for edge in itertools.combinations(face, 2)}

    assert len(faces) == 852
    assert len(np.unique(faces)) - len(edges) + len(faces) == 1 - 3  # Euler: a disc with three holes


def test_the_demo_clip_is_what_its_ground_truth_says():
    truth = json.loads((ASSETS / "demo.json").read_text(encoding="utf-8"))
    with av.open(str(ASSETS / "demo.mp4")) as clip:
        stream = clip.streams.video[0]
        times = [float(frame.time) for frame in clip.decode(stream)]
        size = [stream.width, stream.height]

    assert size == truth["size"]
    assert times == pytest.approx(truth["timestamp_s"], abs=1e-3)
    assert {int(au) for au in truth["strengths"]} == set(ACTION_UNITS)
    assert all(len(values) == len(times) for values in truth["strengths"].values())
    assert max(truth["strengths"]["12"]) == pytest.approx(4.5)
    assert (ASSETS / "demo.mp4").stat().st_size < 2_000_000
