"""Episodes and alarms: the same whatever the frame rate, honest about gaps, and nothing changes an alarm afterwards."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from core.episodes import NOT_SEEN, Alarms, EpisodeRule, Episodes, Sample
from core.errors import AlarmError

RULE = EpisodeRule(above=4.0, until=3.0, bridge_s=2.0, alarm_s=3.0, silence_s=10.0)
AT = "2026-01-01T00:00:00Z"

RATES = {
    "10 fps": np.arange(0, 30.01, 1 / 10),
    "30 fps": np.arange(0, 30.01, 1 / 30),
    "irregular": np.union1d(np.cumsum(np.random.default_rng(0).uniform(0.01, 0.4, 200)), np.arange(0, 40)),
}


def course(now_s):
    """Rises from 5 s to 7 s up to 8, stays until 13 s, and is back at 0 at 15 s: its corners lie on every grid."""
    return float(np.interp(now_s, [5, 7, 13, 15], [0, 8, 8, 0]))


def watched(times, score=course, rule=RULE):
    episodes = Episodes(rule)
    for now_s in times:
        value = score(now_s)
        episodes.take(Sample(float(now_s), value, "hidden" if value is None else None))
    return episodes


def alarmed(times, score=course, rule=RULE):
    alarms = Alarms(rule)
    for now_s in times:
        value = score(now_s)
        alarms.take(Sample(float(now_s), value, "hidden" if value is None else None), f"at {now_s:.3f}")
    return alarms


@pytest.mark.parametrize("times", RATES.values(), ids=RATES)
def test_an_episode_is_the_same_at_any_frame_rate(times):
    (episode,) = watched(times[times <= 30]).ended

    assert episode.onset_s == pytest.approx(6.0)
    assert episode.end_s == pytest.approx(13 + 2 * 5 / 8)
    assert episode.duration_s == pytest.approx(8.25)
    assert (episode.peak, episode.peak_s) == (pytest.approx(8.0), pytest.approx(7.0))
    assert episode.area == pytest.approx(6 + 48 + 1.25 * 5.5)
    assert (episode.is_open, episode.is_cut, episode.unmeasured_s) == (False, False, 0.0)


@pytest.mark.parametrize("times", RATES.values(), ids=RATES)
def test_an_alarm_is_raised_at_the_same_time_at_any_frame_rate(times):
    (alarm,) = alarmed(times).raised

    assert alarm.raised_s == pytest.approx(9.0)


def test_a_score_between_the_thresholds_starts_nothing_and_ends_nothing():
    waving = [0, 3.9, 0, 4.5, 3.1, 3.9, 3.1, 4.2, 0]
    (episode,) = watched(range(9), score=lambda now_s: waving[int(now_s)]).ended

    assert 2 < episode.onset_s < 3
    assert 7 < episode.end_s < 8


def test_an_episode_that_goes_on_is_open():
    current = watched(np.arange(0, 10, 0.1)).current

    assert current.is_open
    assert current.end_s == pytest.approx(9.9)


def test_a_short_gap_is_bridged_and_counted_as_not_measured():
    episodes = watched(np.arange(0, 9, 0.25), score=lambda now_s: None if 3 < now_s < 4 else 6.0)
    current = episodes.current

    assert current.duration_s == pytest.approx(8.75)
    assert current.unmeasured_s == pytest.approx(1.0)
    assert current.area == pytest.approx(6 * 7.75)
    assert episodes.unmeasured_s == {"hidden": pytest.approx(1.0)}
    assert episodes.unmeasured_share == pytest.approx(1 / 8.75)


def test_a_long_gap_ends_an_episode_where_it_was_last_measured():
    episodes = watched(np.arange(0, 10, 0.25), score=lambda now_s: None if 3 < now_s < 7 else 6.0)
    (ended,) = episodes.ended

    assert (ended.end_s, ended.is_cut) == (3.0, True)
    assert (episodes.current.onset_s, episodes.current.is_cut) == (7.0, True)


def test_an_episode_that_ends_in_a_gap_ends_where_it_was_last_measured():
    episodes = watched(np.arange(0, 6, 0.25), score=lambda now_s: (6.0 if now_s < 3 else 0.0) if now_s != 3 else None)

    assert [(each.end_s, each.is_cut) for each in episodes.ended] == [(2.75, True)]


def test_frames_far_apart_are_time_in_which_nobody_watched():
    episodes = watched([0.0, 0.5, 5.0, 5.5])

    assert episodes.unmeasured_s == {NOT_SEEN: 4.5}
    assert episodes.measured_s == 1.0


def test_before_any_time_has_passed_there_is_no_share():
    assert watched([3.0]).unmeasured_share is None


def test_the_same_frame_again_changes_nothing_and_time_that_runs_back_starts_anew():
    episodes = watched([8.0, 9.0, 9.0])
    assert episodes.measured_s == 1.0
    episodes.take(Sample(1.0, 0.0))
    assert (episodes.measured_s, episodes.current, episodes.ended) == (0.0, None, [])


def test_a_short_episode_raises_no_alarm():
    assert alarmed(RATES["30 fps"], rule=EpisodeRule(alarm_s=9)).raised == []


def test_time_that_was_not_measured_does_not_count_towards_an_alarm():
    (alarm,) = alarmed(np.arange(0, 9, 0.25), score=lambda now_s: None if 1 < now_s < 2 else 6.0).raised

    assert alarm.raised_s == 4.0


def test_a_laugh_does_not_count_towards_an_alarm():
    alarms = Alarms(RULE)
    for now_s in np.arange(0, 20, 0.25):
        alarms.take(Sample(float(now_s), 9.0, alarming=now_s > 10), None)

    assert [alarm.raised_s for alarm in alarms.raised] == [13.0]


def test_an_alarm_keeps_the_explanation_of_its_own_frame():
    alarm = alarmed(RATES["10 fps"]).raised[0]

    assert alarm.explanation == "at 9.000"
    assert alarm.episode.is_open
    with pytest.raises(FrozenInstanceError):
        alarm.explanation = "another"


def test_an_alarm_stands_until_it_is_acknowledged_then_there_is_silence():
    alarms = Alarms(RULE)
    raised = []
    for now_s in np.arange(0, 60, 0.1):
        if alarms.take(Sample(float(now_s), 9.0), None) is not None:
            raised.append(alarms.standing.raised_s)
        if now_s == pytest.approx(20):
            acknowledged = alarms.acknowledge(" Nurse A ", 20.0, AT)
    assert raised == [pytest.approx(3.0), pytest.approx(30.0)]
    assert (acknowledged.acknowledgement.name, acknowledged.acknowledgement.timestamp_s) == ("Nurse A", 20.0)
    assert alarms.raised[0] == acknowledged
    assert alarms.standing == alarms.raised[1]


def test_a_silence_ends_when_time_runs_back():
    alarms = Alarms(RULE)
    for now_s in (50.0, 51.0, 52.0, 53.0):
        alarms.take(Sample(now_s, 9.0), None)
    alarms.acknowledge("A", 53.0, AT)
    for now_s in (0.0, 1.0, 2.0, 3.0):
        alarms.take(Sample(now_s, 9.0), None)

    assert [alarm.raised_s for alarm in alarms.raised] == [53.0, 3.0]


def test_an_acknowledgement_needs_an_alarm_a_name_and_a_time_after_it():
    with pytest.raises(AlarmError, match="no alarm"):
        Alarms(RULE).acknowledge("A", 0.0, AT)
    alarms = alarmed(RATES["10 fps"])
    with pytest.raises(AlarmError, match="with a name"):
        alarms.acknowledge(" ", 20.0, AT)
    with pytest.raises(AlarmError, match="raised at 9 s"):
        alarms.acknowledge("A", 8.0, AT)


@pytest.mark.parametrize("wrong", [{"above": 2.0, "until": 3.0}, {"until": -1.0}, {"alarm_s": -1.0}])
def test_a_rule_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="got"):
        EpisodeRule(**wrong)


def test_a_sample_has_a_score_or_a_reason():
    with pytest.raises(ValueError, match="or a reason"):
        Sample(0.0, None)


def test_the_document_names_every_episode():
    found = watched(np.arange(0, 20, 0.25)).document()

    assert [episode["is_open"] for episode in found["episodes"]] == [False]
    assert found["measured_s"] == 19.75
