"""Every face of a picture is found once, near and far, and followed on video without losing or doubling it."""

import itertools

import cv2
import numpy as np
import pytest

from core.faces import (
    Candidate,
    FaceFinder,
    Schedule,
    Search,
    merged,
    plausible,
    same_face,
    tiles,
)
from core.geometry import Box
from core.tracking import Tracker
from core.types import FaceObservation

ASTRONAUT = Box(180, 70, 90, 110)  # where her face is, px


@pytest.fixture(scope="module")
def finder():
    model = FaceFinder()
    yield model
    model.close()


@pytest.fixture(scope="module")
def known(finder, astronaut):
    return finder.find(astronaut)


def read(path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def test_the_astronaut_is_found_where_she_is(known):
    (face,) = known
    assert face.box.iou(ASTRONAUT) > 0.7
    assert face.confidence > 0.95
    assert face.face_id == 0


def test_two_faces_are_two(finder, astronaut):
    pair = np.hstack([astronaut, astronaut[:, ::-1]])
    faces = finder.find(pair)
    assert len(faces) == 2
    assert faces[0].box.intersection(faces[1].box) == 0


def test_small_faces_in_a_large_picture_are_found(finder, astronaut):
    """25 px of 1280: the whole picture at once would miss them."""
    picture = np.full((720, 1280, 3), 90, np.uint8)
    small = cv2.resize(astronaut, None, fx=0.27, fy=0.27, interpolation=cv2.INTER_AREA)
    corners = [(40, 60), (40, 1080), (560, 300), (330, 700)]
    for y, x in corners:
        picture[y : y + len(small), x : x + len(small)] = small
    faces = finder.find(picture)
    assert len(faces) == len(corners)
    for y, x in corners:
        there = Box(*(0.27 * v for v in (ASTRONAUT.x, ASTRONAUT.y, ASTRONAUT.width, ASTRONAUT.height))).moved(x, y)
        assert max(face.box.iou(there) for face in faces) > 0.5


@pytest.mark.parametrize("factor", [1.0, 2.5])
def test_a_face_that_fills_the_picture_is_found_once(finder, astronaut, factor):
    part = astronaut[50:200, 160:290]
    assert len(finder.find(cv2.resize(part, None, fx=factor, fy=factor))) == 1


def test_no_more_faces_than_asked_for(astronaut):
    finder = FaceFinder(max_faces=1)
    scene = np.hstack([astronaut, np.zeros_like(astronaut)])
    scene[100:356, 650:906] = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    (face,) = finder.find(scene)
    assert face.box.iou(ASTRONAUT) > 0.7  # the larger one
    finder.close()


@pytest.mark.parametrize("shape", [(480, 640, 3), (1, 1, 3), (3, 900, 3), (900, 2, 3)])
def test_pictures_without_a_face_of_any_shape_have_none(finder, shape):
    for image in (np.zeros(shape, np.uint8), np.random.default_rng(1).integers(0, 255, shape, np.uint8)):
        assert finder.find(image) == []


def test_read_only_and_sliced_pictures_are_welcome(finder, astronaut):
    view = np.hstack([astronaut, astronaut])[:, :512]
    view.flags.writeable = False
    assert len(finder.find(view)) == 1


def test_a_known_face_is_followed_without_a_search(finder, astronaut, known):
    moved = np.roll(astronaut, (6, 9), axis=(0, 1))
    (face,) = finder.find(moved, known, Search.NOWHERE)
    shift = (face.landmarks - known[0].landmarks)[:, :2].mean(axis=0)
    np.testing.assert_allclose(shift, (9, 6), atol=1.5)


def test_followed_and_detected_landmarks_agree(finder, astronaut, known):
    """Otherwise the picture would jump whenever a detector runs."""
    (followed,) = finder.find(astronaut, known, Search.NOWHERE)
    distance = np.linalg.norm((followed.landmarks - known[0].landmarks)[:, :2], axis=1)
    assert distance.mean() < 0.02 * ASTRONAUT.width


def test_a_known_face_that_is_gone_is_not_kept(finder, astronaut, known):
    assert finder.find(np.zeros_like(astronaut), known, Search.NOWHERE) == []


def test_a_known_face_that_jumped_is_found_again_in_the_same_frame(finder, astronaut, known):
    jumped = np.roll(astronaut, 230, axis=1)
    jumped[:, :200] = 0
    (face,) = finder.find(jumped, known, Search(whole=False, tiles=0))
    assert face.box.iou(ASTRONAUT.moved(230, 0)) > 0.7


def test_nothing_new_is_found_where_nobody_looks(finder, astronaut):
    assert finder.find(astronaut, (), Search.NOWHERE) == []


def test_two_known_faces_do_not_collapse_onto_one(finder, astronaut, known):
    beside = known[0].landmarks + np.array([12, 5, 0], np.float32)
    double = [FaceObservation(beside, 1.0, face_id=2), FaceObservation(known[0].landmarks, 1.0, face_id=1)]
    (face,) = finder.find(astronaut, double, Search.NOWHERE)
    assert np.linalg.norm((face.landmarks - known[0].landmarks)[:, :2], axis=1).mean() < 0.03 * ASTRONAUT.width


def test_known_faces_come_first_in_their_order(finder, astronaut):
    pair = np.hstack([astronaut, astronaut])
    first, second = finder.find(pair)
    again = finder.find(pair, [second, first], Search.EVERYWHERE)
    assert [same_face(a.box, b.box) for a, b in zip(again, (second, first), strict=True)] == [True, True]


def test_the_same_picture_gives_the_same_faces_twice(finder, astronaut):
    (once,), (twice,) = finder.find(astronaut), finder.find(astronaut)
    np.testing.assert_array_equal(once.landmarks, twice.landmarks)


def test_one_tile_at_a_time_covers_the_picture(finder, astronaut):
    """A small face that the whole picture is too coarse for is found when its tile has its turn."""
    picture = np.full((1080, 1920, 3), 90, np.uint8)
    small = cv2.resize(astronaut, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    picture[700 : 700 + len(small), 1500 : 1500 + len(small)] = small
    levels = tiles(1920, 1080)
    turns = len(levels) * max(map(len, levels))
    found = [len(finder.find(picture, (), Search(whole=False, tiles=1, turn=turn))) for turn in range(turns)]
    assert max(found) == 1


@pytest.mark.parametrize("size", [(1, 1), (640, 360), (1280, 720), (1920, 1440), (3840, 2160), (300, 2000)])
def test_tiles_cover_every_pixel_and_overlap(size):
    width, height = size
    for level in tiles(width, height):
        covered = np.zeros((height, width), bool)
        for tile in level:
            x, y, side = int(tile.x), int(tile.y), int(tile.width)
            assert 0 <= x < width
            assert 0 <= y < height
            covered[y : y + side, x : x + side] = True
        assert covered.all()


def test_candidates_of_one_face_are_merged_the_surest_kept():
    candidates = [
        Candidate(Box(0, 0, 100, 100), 0.0, 0.6),
        Candidate(Box(5, 0, 100, 100), 0.0, 0.9),
        Candidate(Box(20, 20, 40, 40), 0.0, 0.7),  # within
        Candidate(Box(300, 0, 100, 100), 0.0, 0.5),
    ]
    assert [candidate.score for candidate in merged(candidates)] == [0.9, 0.5]


def test_landmarks_that_are_no_face_are_not_plausible(known):
    (face,) = known
    landmarks = face.landmarks
    assert plausible(landmarks)
    assert not plausible(landmarks * np.array([1, -1, 1], np.float32))  # mouth above the eyes
    assert not plausible(landmarks * np.array([1, 0.05, 1], np.float32))  # flattened
    assert not plausible(landmarks * np.float32(0.05))  # tiny
    assert not plausible(np.full_like(landmarks, np.nan))


def test_the_schedule_looks_everywhere_first_then_now_and_then():
    schedule = Schedule()
    assert schedule.next(0) == Search.EVERYWHERE
    searches = [schedule.next(1) for _ in range(200)]
    assert 5 <= sum(search.whole for search in searches) <= 20
    assert all(search.tiles in (0, 1) for search in searches)
    turns = [search.turn for search in searches if search.tiles]
    assert np.diff(turns).tolist() == [1] * (len(turns) - 1)  # no tile is left out
    assert not any(search.whole and search.tiles for search in searches)


@pytest.mark.parametrize(("faces", "missing"), [(0, 0), (2, 1)])
def test_the_schedule_searches_every_frame_while_somebody_is_missing(faces, missing):
    schedule = Schedule()
    schedule.next(0)
    searches = [schedule.next(faces, missing) for _ in range(20)]
    assert all(search.whole or search.tiles for search in searches)
    assert sum(search.whole for search in searches) >= 10


def test_a_reset_schedule_begins_again():
    schedule = Schedule()
    first = [schedule.next(1) for _ in range(50)]
    schedule.reset()
    assert [schedule.next(1) for _ in range(50)] == first


def follow(finder, frames):
    """Faces of each (image, timestamp), as the pipeline gets them."""
    tracker, schedule = Tracker(), Schedule()
    for image, timestamp_s in frames:
        known = tracker.expected(timestamp_s)
        search = schedule.next(len(known), tracker.missing)
        yield tracker.update(finder.find(image, known, search), timestamp_s)


def crossing(astronaut):
    """Two faces that walk past each other, the smaller one behind the larger; and where each of them is."""
    near = astronaut[20:230, 120:330]
    far = cv2.resize(near[:, ::-1], None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    for step in range(50):
        scene = np.full((360, 640, 3), 120, np.uint8)
        x_near, x_far = 20 + 8 * step, 460 - 8 * step
        scene[90 : 90 + len(far), x_far : x_far + len(far)] = far
        scene[80 : 80 + len(near), x_near : x_near + len(near)] = near
        yield (scene, step / 25), (x_near + len(near) / 2, x_far + len(far) / 2)


def test_faces_that_pass_behind_each_other_keep_their_identities(finder, astronaut):
    steps = list(crossing(astronaut))
    named = list(follow(finder, (frame for frame, _ in steps)))
    assert {face.face_id for faces in named for face in faces} == {1, 2}
    for faces, (_, places) in ((named[0], steps[0]), (named[-1], steps[-1])):
        by_id = {face.face_id: face.box.centre[0] for face in faces}
        near, far = sorted(by_id, key=lambda identity: -next(f.box.area for f in faces if f.face_id == identity))
        assert by_id[near] == pytest.approx(places[0], abs=25)
        assert by_id[far] == pytest.approx(places[1], abs=25)
        assert near == min(by_id)  # the larger face came first


def test_a_face_that_enters_later_is_found_within_a_second(finder, astronaut):
    empty = np.full((512, 1024, 3), 120, np.uint8)
    one, two = empty.copy(), empty.copy()
    one[:, :512] = two[:, :512] = astronaut
    two[:, 512:] = astronaut[:, ::-1]
    frames = [(one if step < 10 else two, step / 30) for step in range(41)]
    assert len(list(follow(finder, frames))[-1]) == 2


def test_following_is_deterministic(finder, astronaut):
    frames = [frame for frame, _ in itertools.islice(crossing(astronaut), 12)]
    for once, twice in zip(follow(finder, frames), follow(finder, frames), strict=True):
        for a, b in zip(once, twice, strict=True):
            assert a.face_id == b.face_id
            np.testing.assert_array_equal(a.landmarks, b.landmarks)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("five_faces.jpg", 5),
        ("group_1.jpg", 14),
        ("group_5.jpg", 7),
        ("group_facetorch.jpg", 4),
        ("one_face.jpg", 1),
        ("posed_a1.jpg", 1),
        ("posed_a2.jpg", 1),
        ("posed_a3.jpg", 1),
        ("posed_a4.jpg", 1),
        ("mountain_no_face.jpg", 0),
    ],
)
def test_pictures_have_as_many_faces_as_people_count(finder, shared, name, count):
    faces = finder.find(read(shared / "media" / name))
    assert len(faces) == count
    for a, b in itertools.combinations(faces, 2):
        assert not same_face(a.box, b.box)


def test_an_ear_is_no_face(finder, shared):
    """In a close-up a detector took the ear for a face, and the mesh agreed."""
    image = read(shared / "media/posed_a2.jpg")
    (face,) = finder.find(image)
    near = face.box.squared().scaled(1.5)
    x, y = max(int(near.x), 0), max(int(near.y), 0)
    assert len(finder.find(image[y : int(near.bottom), x : int(near.right)])) == 1


def decoded(path):
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24"), float(frame.time)


@pytest.mark.parametrize(
    ("name", "faces", "identities", "frames"),
    [
        ("expression_pexels_640x360_24fps.mp4", 1, 1, 472),
        ("two_faces_480x270.mp4", 2, 2, 56),
        ("head_turns_480x270.mp4", 1, 1, 62),
        ("no_face.mp4", 0, 0, 95),
    ],
)
def test_clips_keep_their_people(finder, shared, name, faces, identities, frames):
    """Found in 99 % of the frames; a hand before the face or a turned head makes nobody new."""
    named = list(follow(finder, decoded(shared / "media" / name)))
    assert len(named) == frames
    assert sum(len(each) == faces for each in named) >= 0.99 * frames
    assert len({face.face_id for each in named for face in each}) == identities


def test_a_face_that_leaves_is_gone_at_once(finder, shared):
    named = list(follow(finder, decoded(shared / "media/face_then_none.mov")))
    seen = [bool(each) for each in named]
    assert seen == sorted(seen, reverse=True)
    assert sum(seen) == 72
