"""Pain as PSPI: its scale, its interval, what it is made of, and when there is no number."""

from dataclasses import replace

import numpy as np
import pytest

from core.action_units import UNITS, ActionUnits, compare, contributions, estimate, read
from core.action_units.estimate import PLACES, gains
from core.action_units.fitted import fitted
from core.action_units.measures import measured
from core.action_units.texture import ROWS
from core.baselines import Baseline, Baselines, baseline
from core.errors import BaselineInvalid, ExportError
from core.faces import FaceFinder
from core.noise import LANDMARK, TURN_NORM, errors
from core.opencv import cv2
from core.pain import BLINK_S, PainReader, Why, because, sample, score
from core.pain_table import NETWORK, pain_cells, pain_columns
from core.pspi import MOST, Look, PainReading, columns, intensities, look, parts, sentence
from core.quality import COVERED, CUT_OFF, TALKING, TOO_DARK, TOO_SMALL, TURNED
from core.regions import REGIONS
from core.sources import open_source
from core.stimulus import Puppet
from core.types import FaceObservation

UPPER_FACE = ("left_brow", "right_brow", "glabella", "forehead", "left_eye", "right_eye")
SET_AT = "2026-01-01T00:00:00Z"
GREY = np.full((480, 640, 3), 128, np.uint8)


def mesh(px=90, **moved):
    """The canonical face as a mesh in px, from the front; landmarks `p55` moved by so many px down."""
    points = fitted().points * px + (320, 240, 0)
    for name, down in moved.items():
        points[int(name[1:]), 1] += down
    return points.astype(np.float32)


def turned(points, yaw_deg):
    yaw = np.radians(yaw_deg)
    about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    centre = points.mean(axis=0)
    return ((points - centre) @ about_y + centre).astype(np.float32)


def units(**values):
    """Action units by name, `au4=3.0`, alike on both sides."""
    both = np.zeros(len(UNITS), np.float32)
    for name, value in values.items():
        both[PLACES[int(name[2:])]] = value
    return ActionUnits(both, both.copy())


def scored(error=0.0, closed=False, **values):
    return score(intensities(units(**values)), np.full(6, error), closed)


@pytest.fixture(scope="module")
def seen(astronaut_face):
    """What a reader makes of the astronaut, as a still."""
    image, landmarks = astronaut_face
    (reading,) = PainReader(stills=True).read([FaceObservation(landmarks, 1.0, 1)], image, 0.0)
    return reading


@pytest.fixture(scope="module")
def astronaut_face(astronaut):
    return seen_again(np.ascontiguousarray(astronaut[:300, 100:400]))


# ---- The score ----


def test_the_score_is_the_published_formula():
    assert scored(au4=3, au6=1, au7=2, au9=0.5, au10=1, au43=5, closed=True).pspi == 3 + 2 + 1 + 1
    assert scored(au12=5, au25=5, au1=5).pspi == 0


def test_the_scale_ends_at_16():
    assert scored(error=1, au4=5, au6=5, au7=5, au9=5, au10=5, au43=5, closed=True).pspi == MOST
    assert scored(error=1, au4=5, au6=5, au7=5, au9=5, au10=5, au43=5, closed=True).high == MOST


def test_the_stronger_unit_of_a_term_counts_and_is_named():
    assert [part.au for part in scored(au6=2, au7=1, au9=1, au10=2).parts] == [4, 6, 10, 43]


def test_the_interval_holds_the_score_and_grows_with_the_errors():
    widths = []
    for error in (0.0, 0.2, 0.5, 1.0):
        found = scored(error, au4=2, au7=2, au10=1)
        assert 0 <= found.low <= found.pspi <= found.high <= MOST
        widths.append(found.high - found.low)
    assert widths[0] == 0
    assert widths == sorted(set(widths))


def test_errors_are_added_in_squares():
    found = scored(0.25, au4=2, au7=2, au10=2)

    assert found.high - found.pspi == pytest.approx(np.sqrt(3) * 0.5)
    assert found.pspi - found.low == pytest.approx(np.sqrt(3) * 0.5)


def test_a_blink_lies_in_the_interval():
    found = scored(au43=5)

    assert (found.pspi, found.low, found.high) == (0, 0, 1)


# ---- What it is called ----


def test_the_sentence_says_what_the_score_is_made_of():
    found = units(au4=3, au7=3, au10=1)

    assert sentence(score(intensities(found), np.zeros(6), False), look(found)) == (
        "score 7: brow lowered 3, eyes tightened 3, upper lip raised 1; "
        "like a grimace, not a laugh: lip corners are not pulled up"
    )


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"au12": 3, "au6": 3}, Look.LAUGH),
        ({"au12": 3, "au6": 3, "au4": 2}, Look.UNCLEAR),
        ({"au12": 3}, Look.UNCLEAR),
        ({"au4": 2, "au6": 3}, Look.GRIMACE),
        ({"au6": 3}, Look.UNCLEAR),
        ({}, Look.UNCLEAR),
    ],
)
def test_a_laugh_is_12_with_6_and_without_4(shown, expected):
    assert look(units(**shown)) is expected


def test_without_any_unit_the_sentence_says_so():
    assert sentence(scored(), Look.UNCLEAR) == "score 0: nothing that PSPI counts"


@pytest.mark.parametrize("seed", range(5))
def test_the_numbers_of_a_sentence_sum_to_its_score(seed):
    values = np.random.default_rng(seed).uniform(0, 5, 6)
    said = sentence(score(values, np.zeros(6), True), Look.UNCLEAR)
    total, terms = said.removeprefix("score ").split(": ")

    assert sum(float(term.split()[-1]) for term in terms.split(", ")) == pytest.approx(float(total))


# ---- Errors ----


def test_without_a_baseline_the_error_is_at_least_the_spread_of_people():
    face = read(mesh())

    assert (errors(face, None, compare(face)) > fitted().spread[0, columns()] - 1e-6).all()


def test_a_turned_head_widens_the_interval():
    front, aside = read(mesh()), read(turned(mesh(), 20))
    wider = errors(aside, None, compare(aside)) ** 2 - errors(front, None, compare(front)) ** 2

    assert wider == pytest.approx((20 * np.array(TURN_NORM)) ** 2, rel=0.05)


def test_noise_of_a_frame_is_that_of_trembling_landmarks():
    """Against draws: the propagated error is exact for landmarks that tremble by themselves."""
    front = read(mesh())
    generator = np.random.default_rng(0)
    points = front.posed.points + generator.normal(0, LANDMARK, (600, 478, 3))
    change = measured(points) - measured(front.posed.points)
    drawn = (change @ gains("mesh", True)).mean(axis=1)[:, columns()].std(axis=0)

    same = compare(front, front)
    assert same.raw.max() == 0
    # An own neutral face is a second frame.
    assert errors(front, front, same) / np.sqrt(2) == pytest.approx(drawn, rel=0.1)


# ---- Alarms ----


def test_a_laugh_may_raise_no_alarm_and_a_grimace_may(seen):
    laughing = replace(seen, units=units(au6=4, au12=4, au10=3), likeness=None)
    grimacing = replace(seen, units=units(au4=4, au6=4, au10=3), likeness=None)

    assert (sample(laughing, 1.0).alarming, sample(grimacing, 1.0).alarming) == (False, True)
    assert sample(seen, 1.0).score == seen.score.pspi
    assert sample(judged(mesh(px=15), GREY), 1.0).reason == TOO_SMALL


# ---- The quality gate ----


def judged(landmarks, image):
    (reading,) = PainReader(stills=True).read([FaceObservation(landmarks, 1.0, 1)], image, 0.0)
    assert reading.score is None or reading.reason is None
    return reading


def test_a_face_in_the_light_is_measurable(seen):
    assert seen.reason is None
    assert 0 < seen.quality <= 1
    assert seen.score.low <= seen.score.pspi <= seen.score.high


def test_a_dark_face_is_not_measurable(astronaut_face):
    image, landmarks = astronaut_face
    reading = judged(landmarks, (image // 8).astype(np.uint8))

    assert (reading.score, reading.quality, reading.reason) == (None, 0.0, TOO_DARK)
    assert reading.sentence == "not measurable: too dark"


def test_a_covered_face_is_not_measurable(astronaut_face):
    image, landmarks = astronaut_face
    covered = image.copy()
    left, top = landmarks[:, :2].min(axis=0).astype(int)
    right, bottom = landmarks[:, :2].max(axis=0).astype(int)
    covered[top : (top + bottom) // 2, left:right] = (200, 160, 140)

    assert judged(landmarks, covered).reason == COVERED


def test_a_face_behind_sunglasses_is_not_measurable(astronaut_face):
    image, landmarks = astronaut_face
    dark = image.copy()
    for pair in ((33, 133), (362, 263)):
        ends = landmarks[list(pair), :2]
        size = np.linalg.norm(ends[1] - ends[0])
        middle = np.round(ends.mean(axis=0)).astype(int).tolist()
        cv2.ellipse(dark, middle, (round(0.9 * size), round(0.7 * size)), 0, 0, 360, (12, 12, 14), -1)

    assert judged(landmarks, dark).reason == COVERED


def test_eyes_pressed_shut_are_not_covered_eyes(astronaut_face):
    image, landmarks = astronaut_face
    shut = Puppet(image, landmarks).render({4: 4.0, 6: 4.0, 7: 4.0, 9: 3.0, 10: 3.0, 43: 5.0})

    assert judged(landmarks, shut).reason is None


def test_the_whole_of_a_clip_of_pain_is_measurable(shared):
    finder, reasons = FaceFinder(max_faces=1), set()
    with open_source(str(shared / "media/pain/1101347180_Pain_man_Old.mp4")) as video:
        while (frame := video.read()) is not None:
            if frame.index % 12 == 0:
                (face,) = finder.find(frame.image)
                reasons.add(judged(face.landmarks, frame.image).reason)
    finder.close()

    assert reasons == {None}


def test_a_face_turned_away_is_not_measurable():
    assert judged(turned(mesh(), 45), GREY).reason == TURNED


def test_a_small_face_is_not_measurable():
    assert judged(mesh(px=15), GREY).reason == TOO_SMALL


def test_a_face_that_is_cut_off_is_not_measurable():
    assert judged((mesh() - (320, 0, 0)).astype(np.float32), GREY).reason == CUT_OFF


def talked(times, gap_of, astronaut_face):
    """The reasons over time of a face whose lips open by `gap_of(time)`, inter-ocular distances."""
    image, landmarks = astronaut_face
    distance = np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]) * 0.7
    reader, found = PainReader(), []
    for now_s in times:
        moved = landmarks.copy()
        moved[[14, 87, 178, 317, 402, 17], 1] += gap_of(now_s) * distance
        (reading,) = reader.read([FaceObservation(moved, 1.0, 1)], image, float(now_s))
        found.append(reading.reason)
    return found


def test_a_face_that_talks_is_not_measurable(astronaut_face):
    reasons = talked(np.arange(0, 2, 1 / 15), lambda now_s: 0.06 * (1 + np.sin(2 * np.pi * 3 * now_s)), astronaut_face)

    assert reasons[0] is None
    assert reasons[-1] == TALKING


def test_a_mouth_that_opens_once_does_not_talk(astronaut_face):
    reasons = talked(np.arange(0, 2, 1 / 15), lambda now_s: 0.2 * min(now_s, 1.0), astronaut_face)

    assert set(reasons) == {None}


# ---- Time ----


def test_what_could_not_be_measured_does_not_live_on(astronaut_face):
    image, landmarks = astronaut_face
    black, reader = np.zeros_like(image), PainReader()
    face = FaceObservation(landmarks, 1.0, 1)
    shown = [reader.read([face], each, 0.1 * k)[0] for k, each in enumerate((image, black, black, image))]

    assert [reading.reason for reading in shown] == [None, TOO_DARK, TOO_DARK, None]
    assert shown[3].score == shown[0].score


def closing(seconds, astronaut_face, stills=False):
    """AU43's part over time of a face that shuts its eyes at 1 s."""
    image, landmarks = astronaut_face
    closed = landmarks.copy()
    for upper, lower in ((158, 153), (159, 145), (160, 144), (385, 380), (386, 374), (387, 373)):
        closed[upper] = closed[lower]
    reader = PainReader(smoothing_s=0, stills=stills)
    reader.baselines = Baselines().set(1, baseline("A", [(0.0, landmarks, read(landmarks))], SET_AT))
    found = []
    for now_s in np.arange(0, seconds, 0.1):
        shown = closed if now_s > 0.95 else landmarks
        (reading,) = reader.read([FaceObservation(shown, 1.0, 1)], image, float(now_s))
        found.append(reading.score.parts[-1].value)
    return found


def test_eyes_count_as_closed_once_it_is_no_blink(astronaut_face):
    found = closing(2.0, astronaut_face)

    assert found == [0.0] * (10 + round(BLINK_S / 0.1)) + [1.0] * (10 - round(BLINK_S / 0.1))


def test_in_a_still_closed_eyes_are_closed(astronaut_face):
    assert closing(1.2, astronaut_face, stills=True)[-1] == 1.0


# ---- Baselines ----


@pytest.fixture(scope="module")
def in_pain(astronaut_face):
    """A face that is always in pain, its brow down and its lids tight, and its mesh."""
    return seen_again(Puppet(*astronaut_face).render({4: 5.0, 7: 5.0}))


def seen_again(image):
    finder = FaceFinder()
    (face,) = finder.find(image)
    finder.close()
    return image, face.landmarks


def test_constant_pain_is_not_calibrated_away(in_pain):
    image, landmarks = in_pain
    reader = PainReader()
    readings = [reader.read([FaceObservation(landmarks, 1.0, 1)], image, 0.5 * k)[0] for k in range(120)]

    assert readings[0].score.pspi > 1.5
    assert {reading.score for reading in readings} == {readings[0].score}
    assert {reading.neutral for reading in readings} == {None}
    assert reader.baselines == Baselines()


def test_only_the_explicit_act_changes_what_a_face_is_compared_with_and_it_is_undone(in_pain):
    image, landmarks = in_pain
    reader, face = PainReader(smoothing_s=0), FaceObservation(landmarks, 1.0, 1)
    (before,) = reader.read([face], image, 0.0)
    reader.baselines = reader.baselines.set(1, baseline("A", [(0.0, landmarks, before.face)], SET_AT))
    (against_itself,) = reader.read([face], image, 0.1)
    reader.baselines = reader.baselines.undone()
    (after,) = reader.read([face], image, 0.2)

    assert (against_itself.score.pspi, against_itself.sentence) == (0, "score 0: nothing that PSPI counts")
    assert after.score == before.score


def test_a_neutral_face_that_is_none_by_the_norm_is_asked_about(astronaut_face):
    smiling = mesh(p61=-18, p291=-18, p62=-18, p292=-18, p76=-18, p306=-18, p78=-18, p308=-18)
    own = baseline("A", [(0.0, smiling, read(smiling))], SET_AT)

    assert 12 in own.doubts
    assert baseline("A", [(0.0, mesh(), read(mesh()))], SET_AT).doubts == ()


def test_a_neutral_face_that_smiles_makes_no_pain_of_a_laugh(astronaut_face):
    """The model of look-alikes goes by the population's norm, too, whatever somebody has called neutral."""
    image, landmarks = astronaut_face
    wide = Puppet(image, landmarks).render({12: 5.0, 25: 3.0})
    reader = PainReader(stills=True)
    face = FaceObservation(landmarks, 1.0, 1)
    reader.baselines = Baselines().set(1, baseline("A", [(0.0, landmarks, read(landmarks, wide))], SET_AT))
    (held,) = reader.read([face], image, 0.0)

    assert held.neutral is not None
    assert not held.likeness.is_like_pain


def test_units_against_another_neutral_face_are_not_carried_on(astronaut_face):
    """Smoothing follows the face, not what it is held against: a picture that stands shows the new score at once."""
    image, landmarks = astronaut_face
    reader, fresh = PainReader(0.5), PainReader(0.5)
    faces = [FaceObservation(landmarks, 1.0, 1)]
    (before,) = reader.read(faces, image, 0.0)
    reader.baselines = fresh.baselines = Baselines().set(1, baseline("A", [(0.0, landmarks, before.face)], SET_AT))
    (again,), (wanted,) = (each.read(faces, image, 0.0) for each in (reader, fresh))
    np.testing.assert_array_equal(again.units.both, wanted.units.both)
    assert before.units.both.max() > again.units.both.max()


def test_baselines_are_shown_and_go_back_one_act_at_a_time():
    one, two = (baseline(name, [(1.0, mesh(), read(mesh()))], SET_AT) for name in ("A", "B"))
    set_twice = Baselines().set(1, one).set(2, two).set(1, two)
    cleared = set_twice.cleared(1)

    assert (set_twice.of(1), set_twice.of(2), set_twice.of(3)) == (two, two, None)
    assert cleared.in_force == {2: two}
    assert cleared.undone() == set_twice
    assert set_twice.undone().of(1) == one
    assert Baselines().undone() == Baselines()
    assert one.document() == {"person": "A", "start_s": 1.0, "end_s": 1.0, "frames": 1, "set_at": SET_AT}


def test_a_baseline_of_an_interval_is_the_mean_of_its_frames():
    seen = [(now_s, mesh(p55=down), read(mesh(p55=down))) for now_s, down in ((1.0, 0), (1.5, 2), (2.0, 4))]
    own = baseline("A", seen, SET_AT)

    assert (own.start_s, own.end_s, own.frames) == (1.0, 2.0, 3)
    assert own.reading.measures == pytest.approx(read(mesh(p55=2)).measures, abs=1e-3)
    assert estimate(read(mesh(p55=2)), own.reading).both == pytest.approx(0, abs=0.02)
    with pytest.raises(ValueError, match="at least one frame"):
        baseline("A", [], SET_AT)


def test_a_baseline_is_kept_in_a_file_and_read_again(astronaut_face, tmp_path):
    image, landmarks = astronaut_face
    own = baseline("A", [(1.5, landmarks, read(landmarks, image))], SET_AT)
    own.write(tmp_path / "a.npz")
    again = Baseline.read(tmp_path / "a.npz")

    assert again.document() == own.document()
    assert (again.shape == own.shape).all()
    assert estimate(read(landmarks, image), again.reading).both.max() < 1e-3
    with pytest.raises(ExportError, match="cannot be written"):
        own.write(tmp_path / "nowhere" / "a.npz")


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_without_a_baseline_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    if content is None:
        np.savez(path, shape=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(BaselineInvalid, match="holds no neutral face"):
        Baseline.read(path)


# ---- Why ----


def test_what_landmarks_and_skin_add_sums_to_the_score(seen):
    why = because(seen)

    assert isinstance(why, Why)
    assert why.regions.sum(axis=1) + why.gap == pytest.approx([part.value for part in seen.score.parts], abs=1e-4)
    assert why.gap == pytest.approx(0, abs=1e-4)  # of a still nothing is left from before
    assert sum(why.by_region().values()) == pytest.approx(seen.score.pspi, abs=1e-3)
    assert why.sentence == seen.sentence


def test_a_lowered_brow_is_explained_from_the_forehead_to_the_bridge_of_the_nose(astronaut_face):
    """The skin between the eyes moves with the brows; by its landmarks it belongs to the nose."""
    image, landmarks = astronaut_face
    rest = Puppet(image, landmarks)
    reader = PainReader(stills=True)
    reader.baselines = Baselines().set(1, baseline("A", [(0.0, landmarks, read(landmarks, image))], SET_AT))
    shown, moved = seen_again(rest.render({4: 4.0}))
    (reading,) = reader.read([FaceObservation(moved, 1.0, 1)], shown, 0.0)
    value = reading.score.parts[0].value
    brow = dict(zip(REGIONS, because(reading).regions[0], strict=True))
    shares = contributions(reading.made, aus=[4])
    bridge = fitted().points[195, 1]  # down to the middle of the nose's ridge
    upper = shares.landmarks[..., fitted().points[:, 1] < bridge, :].sum() + shares.cells[:, :, bridge > ROWS].sum()

    assert value > 1.5
    assert upper / 2 > 0.9 * value
    assert sum(brow[name] for name in (*UPPER_FACE, "nose")) > 0.9 * value


def test_a_score_that_is_not_there_is_not_explained():
    with pytest.raises(ValueError, match="too small"):
        because(judged(mesh(px=15), GREY))


def test_a_reading_has_a_score_or_a_reason(seen):
    with pytest.raises(ValueError, match="or a reason"):
        PainReading(seen.units, seen.made, None, 0.0, None, seen.face)


def test_parts_are_those_of_the_formula_in_its_order():
    assert [part.value for part in parts(np.arange(6) / 2, True)] == [0.0, 1.0, 2.0, 1.0]


# ---- Tables ----


def test_cells_fit_the_columns(seen):
    names, cells = pain_columns(), pain_cells(seen)

    missing = ["pain_like", "reason", *NETWORK]  # no neutral face was set, and no network read
    assert [name for name in names if name not in cells] == missing
    assert set(cells) <= set(names)
    assert cells["AU04_r"] == seen.units.of(4)
    assert cells["AU12_l_r"] == seen.units.left[PLACES[12]]
    assert (cells["pspi"], cells["pspi_low"]) == (seen.score.pspi, seen.score.low)


def test_a_row_that_is_not_measurable_has_a_reason_and_no_number():
    assert pain_cells(judged(mesh(px=15), GREY)) == {"quality": 0.0, "reason": TOO_SMALL}
    assert pain_cells(None) == {}
