"""What was last known of a face: kept for a while, and no longer."""

import math

from core.recent import Recent


def test_the_last_value_is_known_while_it_is_recent():
    recent = Recent[str](kept_s=2.0)
    recent.put(1, "first", 10.0)
    recent.put(1, "second", 11.0)
    assert recent.get(1, 13.0) == "second"
    assert recent.get(1, 13.1) is None
    assert recent.get(2, 11.0) is None


def test_a_value_from_ahead_is_as_old_as_one_from_before():
    """A recording was sought back."""
    recent = Recent[str](kept_s=2.0)
    recent.put(1, "later", 60.0)
    assert recent.get(1, 58.5) == "later"
    assert recent.get(1, 3.0) is None


def test_who_waits_longest_is_who_was_never_there():
    recent = Recent[str](kept_s=2.0)
    recent.put(1, "seen", 10.0)
    recent.put(2, "seen", 10.5)
    waited = {face: recent.waited_s(face, 11.0) for face in (1, 2, 3)}
    assert waited == {1: 1.0, 2: 0.5, 3: math.inf}


def test_faces_that_are_gone_take_no_room():
    recent = Recent[str](kept_s=2.0)
    for face in range(1000):
        recent.put(face, "passing by", face / 10)
    known = [face for face in range(1000) if recent.waited_s(face, 100.0) < math.inf]
    assert known == list(range(979, 1000))


def test_what_is_dropped_is_unknown():
    recent = Recent[str](kept_s=2.0)
    recent.put(1, "seen", 10.0)
    recent.drop(1)
    recent.drop(2)
    assert recent.get(1, 10.0) is None
