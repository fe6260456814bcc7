"""Pain against what looks like it."""

import numpy as np
import pytest

from core.action_units import UNITS, ActionUnits
from core.action_units.estimate import PLACES
from core.likeness import LEARNT, WINDOW_S, Likeness, LipCourse, likeness
from core.pspi import Look, look


def units(**values):
    """Action units by name, `au4=3.0`, alike on both sides."""
    both = np.zeros(len(UNITS), np.float32)
    for name, value in values.items():
        both[PLACES[int(name[2:])]] = value
    return ActionUnits(both, both.copy())


GRIMACE = units(au4=4, au6=3, au7=4, au9=3, au10=3, au43=4)
LAUGH = units(au6=4, au7=1, au12=4.5, au25=4, au26=2)


def test_a_grimace_is_like_pain_and_a_laugh_and_a_face_at_rest_are_not():
    assert likeness(GRIMACE, GRIMACE, 0.0).is_like_pain
    assert not likeness(LAUGH, LAUGH, 0.0).is_like_pain
    assert not likeness(units(), units(), 0.0).is_like_pain


def test_what_the_units_add_is_all_that_a_face_at_rest_lacks():
    def odds(found):
        return np.log(found.probability / (1 - found.probability))

    found = likeness(GRIMACE, GRIMACE, 2.0)

    assert found.evidence.sum() + found.of_lips == pytest.approx(
        odds(found) - odds(likeness(units(), units(), 0.0)), abs=1e-4
    )
    assert found.of(4) == pytest.approx(found.evidence[:, LEARNT.index(4)].sum())


def test_lip_corners_speak_against_pain_and_a_lowered_brow_for_it():
    assert likeness(LAUGH, LAUGH, 0.0).of(12) < 0 < likeness(GRIMACE, GRIMACE, 0.0).of(4)


def opened(course, times, openings):
    return [course.take(units(au25=opening), time) for time, opening in zip(times, openings, strict=True)][-1]


def test_lips_that_open_and_shut_travel_further_than_lips_that_open():
    times = np.arange(15) / 10

    assert opened(LipCourse(), times, [3.0 * (k % 2) for k in range(15)]) == pytest.approx(3 * 14 / WINDOW_S)
    assert opened(LipCourse(), times, np.linspace(0, 3, 15)) == pytest.approx(3 / WINDOW_S)


def test_travel_before_the_window_is_forgotten():
    assert opened(LipCourse(), [0.0, 0.5, 2.1, 2.2], [0, 3, 3, 3]) == 0


@pytest.mark.parametrize("later", [-1.0, 5.0])
def test_lips_start_anew_when_time_jumps_or_runs_back(later):
    course = LipCourse()
    opened(course, [0.0, 0.5, 1.0], [0, 3, 0])

    assert course.take(units(au25=3), 1.0 + later) == 0


@pytest.mark.parametrize(
    ("shown", "probability", "expected"),
    [
        ({"au4": 3, "au7": 3}, 0.9, Look.GRIMACE),
        ({"au4": 3, "au12": 2}, 0.9, Look.MIXED),
        ({"au4": 3, "au6": 3, "au12": 3}, 0.1, Look.LAUGH),
        ({"au12": 3}, 0.1, Look.OTHER),
        ({"au7": 3}, 0.1, Look.OTHER),
        ({"au25": 3}, 0.1, Look.UNCLEAR),
    ],
)
def test_a_face_is_called_what_the_model_says_it_is(shown, probability, expected):
    like = Likeness(probability, np.zeros((2, len(LEARNT)), np.float32), 0.0)

    assert look(units(**shown), like) is expected
