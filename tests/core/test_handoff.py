"""The newest value wins, what it replaced is counted, and nobody waits for ever."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.handoff import Latest


@given(st.lists(st.integers(), min_size=1))
def test_a_slow_taker_gets_the_newest_value_and_every_other_is_counted(values):
    latest = Latest()
    for value in values:
        latest.put(value)
    assert latest.take(0) == values[-1]
    assert latest.replaced == len(values) - 1
    assert latest.take(0) is None


@given(st.lists(st.booleans()))
def test_every_value_is_either_taken_or_counted_or_still_waits(puts):
    latest, put, taken = Latest(), 0, 0
    for is_put in puts:
        if is_put:
            latest.put(put)
            put += 1
        else:
            taken += latest.take(0) is not None
    waiting = latest.take(0) is not None
    assert put == taken + latest.replaced + waiting


@pytest.mark.usefixtures("threads_end")
def test_a_taker_waits_for_a_value_of_another_thread():
    latest = Latest()
    threading.Timer(0.02, latest.put, ("frame",)).start()
    assert latest.take(5) == "frame"


@pytest.mark.usefixtures("threads_end")
def test_closing_wakes_everybody_who_waits():
    latest, taken = Latest(), []
    threads = [threading.Thread(target=lambda: taken.append(latest.take())) for _ in range(3)]
    for thread in threads:
        thread.start()
    latest.close()
    for thread in threads:
        thread.join(5)
    assert taken == [None, None, None]


def test_the_last_value_before_closing_is_not_lost_and_none_comes_after():
    latest = Latest()
    assert latest.put(1)
    latest.close()
    assert latest.closed
    assert not latest.put(2)
    assert list(latest) == [1]


@pytest.mark.usefixtures("threads_end")
def test_iterating_gives_values_in_order_until_closed_and_with_the_replaced_ones_all_of_them():
    latest, seen = Latest(), []
    reader = threading.Thread(target=lambda: seen.extend(latest))
    reader.start()
    for value in range(2000):
        latest.put(value)
    latest.close()
    reader.join(5)
    assert seen == sorted(seen)
    assert seen[-1] == 1999
    assert len(seen) + latest.replaced == 2000
