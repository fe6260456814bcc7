"""A person keeps one identity through short losses and crossings; nobody inherits another's."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.tracking import COAST_S, Tracker, assign
from core.types import FaceObservation

SHAPE = np.random.default_rng(0).uniform(-0.5, 0.5, (478, 3)).astype(np.float32)
SHAPE[0, :2], SHAPE[1, :2] = -0.5, 0.5


def face(x: float, y: float = 100.0, size: float = 80.0) -> FaceObservation:
    """A made-up face around (x, y) px."""
    return FaceObservation(SHAPE * size + np.array([x, y, 0], np.float32), 1.0)


def test_identities_begin_at_one_and_stay():
    tracker = Tracker()
    for step in range(10):
        named = tracker.update([face(100 + 3 * step), face(400)], step / 30)
        assert [each.face_id for each in named] == [1, 2]


def test_the_order_of_the_observations_does_not_matter():
    tracker = Tracker()
    tracker.update([face(100), face(400)], 0.0)
    assert [each.face_id for each in tracker.update([face(401), face(101)], 0.1)] == [2, 1]


@pytest.mark.parametrize("rate_hz", [12, 24, 30, 60])
@pytest.mark.parametrize("hidden", [0, 2, 5])
def test_two_faces_that_cross_keep_their_identities(rate_hz, hidden):
    """They pass through each other; for some frames the one behind is not seen at all."""
    tracker = Tracker()
    steps = 2 * rate_hz
    meeting = steps // 2
    for step in range(steps + 1):
        share = step / steps
        seen = {1: face(100 + 400 * share, 100), 2: face(500 - 400 * share, 110)}
        if abs(step - meeting) < hidden:
            del seen[2]
        order = sorted(seen, reverse=bool(step % 2))
        if step == 0:
            order = [1, 2]
        named = tracker.update([seen[identity] for identity in order], step / rate_hz)
        assert [each.face_id for each in named] == order


def test_a_face_that_is_gone_for_half_a_second_is_the_same():
    tracker = Tracker()
    for step in range(10):
        tracker.update([face(100 + 4 * step)], step / 30)
    tracker.update([], 0.5)
    assert tracker.missing == 1
    (back,) = tracker.update([face(170)], 9 / 30 + 0.5)
    assert back.face_id == 1
    assert tracker.missing == 0


def test_a_face_that_is_gone_for_two_seconds_is_a_new_one():
    tracker = Tracker()
    tracker.update([face(100)], 0.0)
    for step in range(1, 20):
        tracker.update([], step / 10)
    assert tracker.expected(2.0) == []
    (back,) = tracker.update([face(100)], 2.0)
    assert back.face_id == 2


def test_losses_are_measured_in_time_not_frames():
    """At two frames per second one missed frame is a loss of a second, at 60 it is nothing."""
    for rate_hz, missed in ((60, 40), (4, 2)):
        tracker = Tracker()
        tracker.update([face(100)], 0.0)
        for step in range(1, missed + 1):
            tracker.update([], step / rate_hz)
        (back,) = tracker.update([face(101)], (missed + 1) / rate_hz)
        assert back.face_id == 1


def test_a_face_elsewhere_is_somebody_else():
    tracker = Tracker()
    tracker.update([face(100)], 0.0)
    (other,) = tracker.update([face(600)], 1 / 30)
    assert other.face_id == 2


def test_a_face_of_another_size_is_somebody_else():
    tracker = Tracker()
    tracker.update([face(100, size=80)], 0.0)
    (other,) = tracker.update([face(100, size=20)], 1 / 30)
    assert other.face_id == 2


def test_reset_forgets_faces_but_uses_no_identity_twice():
    tracker = Tracker()
    tracker.update([face(100)], 0.0)
    tracker.reset()
    assert tracker.expected(0.1) == []
    assert tracker.missing == 0
    assert tracker.update([face(100)], 0.1)[0].face_id == 2


def test_a_step_back_in_time_forgets():
    tracker = Tracker()
    tracker.update([face(100)], 5.0)
    assert tracker.update([face(100)], 1.0)[0].face_id == 2


def test_a_moving_face_is_expected_further_on():
    tracker = Tracker()
    for step in range(20):
        tracker.update([face(100 + 5 * step)], step / 30)
    (expected,) = tracker.expected(20 / 30)
    assert expected.face_id == 1
    assert expected.box.centre[0] == pytest.approx(face(200).box.centre[0], abs=1.0)


def test_an_unseen_face_slows_down_and_does_not_fly_away():
    tracker = Tracker()
    for step in range(20):
        tracker.update([face(100 + 5 * step)], step / 30)
    last_s = 19 / 30
    tracker.update([], last_s + 0.9)
    (expected,) = tracker.expected(last_s + COAST_S)
    assert expected.box.centre[0] - face(195).box.centre[0] < 0.7 * 150 * COAST_S


def test_the_same_frame_twice_changes_nothing():
    tracker = Tracker()
    tracker.update([face(100)], 1.0)
    assert tracker.update([face(102)], 1.0)[0].face_id == 1


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_the_assignment_is_the_cheapest_there_is(rows, columns, seed):
    costs = np.random.default_rng(seed).uniform(0, 1.5, (rows, columns))
    limit = 1.0
    paired = assign(costs, limit)
    assert len(set(paired.values())) == len(paired)
    assert all(costs[row, column] < limit for row, column in paired.items())
    # Everyone left alone costs half the limit, so that a pair is worth it exactly when it costs less than the limit.
    total = sum(costs[row, column] for row, column in paired.items()) + limit / 2 * (rows + columns - 2 * len(paired))
    assert total <= cheapest(costs, limit) + 1e-9


def cheapest(costs: np.ndarray, limit: float) -> float:
    """By trying every assignment."""
    rows, columns = costs.shape
    best = limit / 2 * (rows + columns)
    for count in range(1, min(rows, columns) + 1):
        for chosen in itertools.combinations(range(rows), count):
            for places in itertools.permutations(range(columns), count):
                total = sum(costs[pair] for pair in zip(chosen, places, strict=True))
                best = min(best, total + limit / 2 * (rows + columns - 2 * count))
    return best


@given(arrays(np.float64, (16, 16), elements=st.floats(0, 2)))
def test_sixteen_faces_are_assigned_without_clashes(costs):
    paired = assign(costs, 1.0)
    assert len(set(paired.values())) == len(paired)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20))
def test_no_two_faces_of_a_frame_share_an_identity(counts):
    tracker = Tracker()
    seen: set[int] = set()
    for step, count in enumerate(counts):
        named = tracker.update([face(150 * place) for place in range(count)], step / 25)
        ids = [each.face_id for each in named]
        assert len(set(ids)) == len(ids)
        assert all(identity >= 1 for identity in ids)
        seen.update(ids)
    assert seen == set(range(1, len(seen) + 1))
