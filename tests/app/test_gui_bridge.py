"""What is measured on the way to the screen, and what the last minute remembers."""

import numpy as np
import pytest

from tests.app.gui_fakes import FakeSession, make_face, make_result


def test_rate_and_latency_are_those_of_painted_pictures():
    from app.gui.bridge import Meter

    meter = Meter()
    for n in range(31):
        meter.painted(captured_s=n / 30, now_s=n / 30 + 0.028)
    assert meter.rate_hz(1.03) == pytest.approx(30)
    assert meter.latency_s(1.03) == pytest.approx(0.028)
    assert meter.rate_hz(60.0) is None
    assert meter.latency_s(60.0) is None


def test_a_repaint_of_the_same_picture_does_not_count(qtbot):
    from app.gui.bridge import Bridge

    bridge = Bridge()
    result = make_result(captured_s=1.0)
    for _ in range(3):
        bridge.painted(result)
    assert len(bridge.meter._painted) == 1


def test_a_state_is_told_once(qtbot):
    from app.gui.bridge import SLOW_TICKS, Bridge
    from app.settings import Settings

    bridge = Bridge()
    told = []
    bridge.state_changed.connect(lambda status: told.append(status.state))
    session = FakeSession("x", Settings())
    bridge.watch(session)
    for _ in range(3 * SLOW_TICKS):
        bridge.tick()
    session.pause()
    for _ in range(3 * SLOW_TICKS):
        bridge.tick()
    assert told == ["running", "paused"]


def test_the_last_minute_holds_a_minute_of_each_face():
    from app.gui.strip import History

    history = History()
    for n in range(100):
        history.add(float(n), (make_face(1), make_face(2)) if n < 10 else (make_face(1),))
    times, probabilities, mouth = history.of(1)
    assert times[-1] == 0
    assert times[0] >= -60
    assert probabilities.shape == (len(times), 8)
    assert mouth == pytest.approx(np.full(len(times), 0.5))
    assert len(history.of(2)[0]) == 0


def test_a_clip_that_begins_again_goes_on_in_the_minute():
    from app.gui.strip import History

    history = History()
    for second in (5.0, 6.0, 2.0, 2.5):
        history.add(second, (make_face(1),))
    assert history.of(1)[0].tolist() == pytest.approx([-1.6, -0.6, -0.5, 0.0])


def test_jobs_report_in_the_order_in_which_they_were_asked_for(qtbot):
    from app.gui.jobs import Jobs

    jobs, told = Jobs("test"), []
    for n in range(4):
        jobs.submit(lambda n=n: 1 // n, told.append, lambda error: told.append(type(error)))
    qtbot.waitUntil(lambda: jobs.collect() or not jobs.busy, timeout=5000)
    assert told == [ZeroDivisionError, 1, 0, 0]
    jobs.close()


@pytest.mark.parametrize(
    ("face_id", "name"), [(0, "?"), (1, "A"), (2, "B"), (26, "Z"), (27, "AA"), (52, "AZ"), (703, "AAA")]
)
def test_faces_are_named_by_letters(face_id, name):
    from app.gui.names import face_name

    assert face_name(face_id) == name


@pytest.mark.parametrize(
    ("seconds", "digits", "text"),
    [(14.208, 3, "0:14.208"), (59.9996, 3, "1:00.000"), (3600, 0, "60:00"), (-1, 3, "0:00.000")],
)
def test_times_read_as_on_a_player(seconds, digits, text):
    from app.gui.names import clock

    assert clock(seconds, digits) == text
