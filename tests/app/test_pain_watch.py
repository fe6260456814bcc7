"""The window watches every face's score: episodes, alarms with their reasons, and neutral faces as they are set."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from app.gui import pain_record
from app.gui.neutral import Neutral
from app.gui.pain_moment import LARGEST_PX, moment
from app.gui.pain_watch import NO_FACE, PainWatch
from app.gui.snapshot import Origin
from app.settings import Settings
from core.baselines import Baseline, Baselines
from core.episodes import NOT_SEEN, EpisodeRule
from core.errors import AlarmError
from tests.app.gui_fakes import FakeSession, make_result
from tests.app.pain_made import make_pained

NOW = "2026-01-01T10:42:00+00:00"


@pytest.fixture
def watch(qapp):
    return PainWatch(EpisodeRule())


@pytest.fixture
def neutral(qapp):
    made = Neutral()
    made.begin(FakeSession("clip.mp4", Settings()))
    made.messages = []
    made.told.connect(lambda message: made.messages.append(message.text))
    return made


def play(watch, scores, start_s=0.0, step_s=0.25, **made):
    """One face with these scores; a word in place of a score is the reason why there is none, None no face."""
    for k, score in enumerate(scores):
        faces = [] if score is None else [pained(score, **made)]
        watch.take(make_result(faces, index=k, timestamp_s=start_s + step_s * k))


def pained(score, **made):
    return make_pained(reason=score, **made) if isinstance(score, str) else make_pained(score, **made)


# ---- Episodes and alarms ----


def test_an_alarm_is_raised_by_the_rule_and_keeps_the_moment_that_raised_it(watch):
    raised = []
    watch.raised.connect(raised.append)
    play(watch, [1.0] + [7.0] * 20)
    (standing,) = watch.standing
    assert [each.alarm for each in raised] == [standing.alarm]
    kept = standing.alarm.explanation
    assert kept.reading.score.pspi == pytest.approx(7.0)
    assert kept.timestamp_s == pytest.approx(3.25)
    assert sum(part.value for part in kept.why.parts) == pytest.approx(7.0)
    play(watch, [2.0] * 4, start_s=5.5)
    assert watch.standing[0].alarm.explanation is kept


def test_the_score_of_a_laugh_raises_no_alarm(watch):
    play(watch, [7.0] * 20, au6=3.0, au12=4.0)
    assert watch.standing == []
    (line,) = watch.lines()
    assert line.alarms == ()


def test_an_acknowledgement_holds_name_and_time_and_brings_silence(watch):
    play(watch, [7.0] * 14)
    watch.acknowledge("Kim", lambda: NOW)
    assert watch.standing == []
    play(watch, [7.0] * 40, start_s=3.5)
    assert watch.standing == []
    ((alarm,),) = (line.alarms for line in watch.lines())
    assert (alarm.acknowledgement.name, alarm.acknowledgement.at) == ("Kim", NOW)


def test_without_a_name_or_an_alarm_nothing_is_acknowledged(watch):
    with pytest.raises(AlarmError, match="no alarm"):
        watch.acknowledge("Kim")
    play(watch, [7.0] * 14)
    with pytest.raises(AlarmError, match="name"):
        watch.acknowledge("  ")
    assert len(watch.standing) == 1


def test_an_alarm_of_before_a_jump_back_still_stands_and_can_be_acknowledged(watch):
    play(watch, [7.0] * 14, start_s=20.0)
    play(watch, [1.0] * 2)
    assert len(watch.standing) == 1
    watch.acknowledge("Kim", lambda: NOW)
    assert watch.standing == []
    assert [line.episode.is_open for line in watch.lines()] == [False]


def test_time_without_the_face_and_time_with_a_reason_are_counted_apart(watch):
    play(watch, [1.0] * 5 + ["too dark"] * 4 + [1.0] + [None] * 4)
    episodes = watch.of(1).alarms.episodes
    assert episodes.measured_s == pytest.approx(1.0)
    assert episodes.unmeasured_s["too dark"] == pytest.approx(1.25)
    assert episodes.unmeasured_s[NOT_SEEN] == pytest.approx(1.0)


def test_another_rule_counts_from_then_on_and_what_was_seen_stays(watch):
    play(watch, [5.0] * 14)
    watch.follow(EpisodeRule(above=8.0, until=7.0))
    play(watch, [6.0] * 14, start_s=3.5)
    assert [line.course.alarms.episodes.rule.above for line in watch.lines()] == [4.0]


def test_faces_without_a_pain_reading_are_not_watched(watch):
    watch.take(make_result([make_pained(7.0)], timestamp_s=0.0))
    watch.take(make_result([replace(make_pained(7.0), pain=None)], timestamp_s=0.25))
    assert watch.of(1) is None


def test_the_record_in_files_holds_episodes_and_who_acknowledged_them_but_no_picture(watch, tmp_path):
    play(watch, [1.0] + [7.0] * 20 + [1.0])
    watch.acknowledge("Kim", lambda: NOW)
    document = pain_record.as_document(watch, [], Origin("clip", "pack", "CPU"))
    table, sheet = pain_record.save(document, pain_record.as_rows(watch), tmp_path)
    (row,) = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    assert (row["face"], row["alarms"], row["acknowledged_by"]) == ("A", "1", "Kim")
    assert float(row["peak"]) == pytest.approx(7.0)
    (face,) = json.loads(sheet.read_text(encoding="utf-8"))["faces"]
    (alarm,) = face["alarms"]
    assert alarm["explanation"]["pspi"] == pytest.approx(7.0)
    assert set(alarm["explanation"]["regions"]) >= {"nose", "left_brow"}
    assert "picture" not in alarm["explanation"]
    assert face["unmeasured_share"] == 0.0


def test_time_without_any_face_counts_as_not_measurable(watch):
    play(watch, [None] * 5 + [1.0] * 5)
    account = watch.account()
    assert dict(account.lost_s) == {NO_FACE: 1.0}
    assert account.share(account.measured_s) == pytest.approx(0.5)


def test_a_face_that_tracking_let_go_is_over_and_its_alarm_still_stands(watch):
    play(watch, [7.0] * 14 + [None] * 6)
    assert watch.of(1) is None
    assert [line.episode.is_open for line in watch.lines()] == [False]
    assert len(watch.standing) == 1


@pytest.mark.parametrize("side", [200, 1600])
def test_a_moment_keeps_the_face_alone_and_its_landmarks_fit_on_it(side):
    image = np.zeros((side * 2, side * 2, 3), np.uint8)
    face = make_pained(3.0)
    points = face.observation.landmarks * np.float32(side / 200)
    x, y = points[1, :2].astype(int)
    image[y - side // 40 : y + side // 40, x - side // 40 : x + side // 40] = 255
    here = moment(
        make_result(image=image).frame, replace(face, observation=replace(face.observation, landmarks=points))
    )
    assert max(here.picture.shape[:2]) <= 2 * LARGEST_PX
    column, row = here.points[1].astype(int)
    assert here.picture[row, column].tolist() == [255, 255, 255]


# ---- Neutral faces ----


def see(neutral, score=1.0, at_s=0.0, face_id=1, others=(), **made):
    neutral.show_result(make_result([pained(score, face_id=face_id, **made), *others], timestamp_s=at_s), face_id)


def test_nothing_is_neutral_until_somebody_says_so(neutral):
    for k in range(50):
        see(neutral, at_s=k / 10)
    assert neutral.baselines == Baselines()


def test_this_is_neutral_takes_the_face_of_this_moment_with_name_and_time(neutral):
    see(neutral, at_s=3.2)
    neutral.rename("Anna")
    neutral.set_now()
    own = neutral.of(1)
    assert (own.person, own.start_s, own.end_s, own.frames) == ("Anna", 3.2, 3.2, 1)
    assert own.set_at.endswith("+00:00")
    assert neutral.of(2) is None


def test_an_interval_is_the_mean_of_what_could_be_measured_in_it(neutral):
    see(neutral, at_s=1.0)
    neutral.toggle_interval()
    for k, score in enumerate([1.0, "too dark", 1.0], start=1):
        see(neutral, score, at_s=1.0 + k / 4)
    assert neutral.of(1) is None
    neutral.toggle_interval()
    own = neutral.of(1)
    assert (own.person, own.start_s, own.end_s, own.frames) == ("Face A", 1.0, 1.75, 3)


def test_a_jump_ends_an_interval_with_nothing_set(neutral):
    see(neutral, at_s=5.0)
    neutral.toggle_interval()
    see(neutral, at_s=1.0)
    assert neutral.interval is None
    assert neutral.baselines == Baselines()
    assert "jumped" in neutral.messages[-1]


def test_a_face_that_is_not_measurable_is_not_taken_as_neutral(neutral):
    see(neutral, "turned away")
    neutral.set_now()
    neutral.toggle_interval()
    assert neutral.baselines == Baselines()
    assert neutral.interval is None
    assert "turned away" in neutral.messages[-1]


def smiling(neutral, monkeypatch):
    """What is proposed from now on shows AU 12 by the norm."""
    monkeypatch.setattr(Baseline, "doubts", (12,))
    see(neutral)
    neutral.set_now()


def test_a_face_that_is_not_at_rest_is_asked_about_first(neutral, monkeypatch):
    smiling(neutral, monkeypatch)
    assert neutral.question.proposed.doubts == (12,)
    assert neutral.baselines == Baselines()
    neutral.answer(is_neutral=False)
    assert (neutral.question, neutral.baselines) == (None, Baselines())
    neutral.set_now()
    neutral.answer(is_neutral=True)
    assert neutral.of(1) is not None


def test_what_was_set_can_be_undone_and_the_norm_had_back(neutral):
    see(neutral)
    neutral.set_now()
    first = neutral.of(1)
    see(neutral, at_s=1.0)
    neutral.set_now()
    neutral.undo()
    assert neutral.of(1) is first
    neutral.use_norm()
    assert neutral.of(1) is None
    neutral.undo()
    assert neutral.of(1) is first


def test_a_new_name_is_the_same_neutral_face(neutral):
    see(neutral)
    neutral.set_now()
    before = neutral.of(1)
    neutral.rename("Anna")
    assert neutral.of(1).person == "Anna"
    assert neutral.of(1).reading is before.reading
    assert len(neutral.baselines.changes) == 1


def forget(neutral):
    """As the engine does after a jump: faces get new names."""
    neutral._session.baselines = Baselines()


def test_after_a_jump_it_can_be_used_again_and_does_not_come_back_by_itself(neutral):
    see(neutral)
    neutral.set_now()
    own = neutral.of(1)
    forget(neutral)
    see(neutral, at_s=9.0)
    assert neutral.of(1) is None
    neutral.use(own)
    assert neutral.of(1) is own
    assert neutral.kept == [own]


def test_where_one_person_is_watched_it_counts_for_whoever_is_alone_until_that_is_taken_back(neutral):
    see(neutral)
    neutral.set_one_person(wanted=True)
    assert neutral.one_person is False  # there is nothing yet that could count
    neutral.set_now()
    own = neutral.of(1)
    neutral.set_one_person(wanted=True)
    see(neutral, at_s=9.0, face_id=4, others=[make_pained(1.0, face_id=5, x=400.0)])
    assert neutral.of(4) is None
    see(neutral, at_s=9.1, face_id=4)
    assert neutral.of(4) is own
    neutral.use_norm()
    see(neutral, at_s=9.2, face_id=4)
    assert neutral.of(4) is None


def test_a_neutral_face_goes_into_a_file_and_comes_back(neutral, tmp_path):
    see(neutral, at_s=2.0)
    neutral.set_now()
    neutral.save(tmp_path / "anna.npz")
    forget(neutral)
    neutral.load(tmp_path / "anna.npz")
    assert neutral.of(1).document() == neutral.kept[0].document()
    np.testing.assert_allclose(neutral.of(1).reading.posed.points, neutral.kept[0].reading.posed.points)


def test_what_cannot_be_saved_or_loaded_is_told(neutral, tmp_path):
    see(neutral)
    neutral.save(tmp_path / "none.npz")
    assert "no neutral face to save" in neutral.messages[-1]
    neutral.load(tmp_path / "missing.npz")
    assert "holds no neutral face" in neutral.messages[-1]
    neutral.set_now()
    neutral.save(tmp_path / "no such folder" / "anna.npz")
    assert "cannot be written" in neutral.messages[-1]
