"""What a person sees who plays, pauses, seeks and steps; and that nothing is swallowed and no thread is left."""

import io
import math
import threading
import time
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine import Engine
from core.engine.explain_rate import EASY, RAREST, ExplainRate
from core.errors import SourceBusy, SourceSilent, SourceTruncated, SourceUnreadable

pytestmark = pytest.mark.usefixtures("threads_end")

TIMES_S = [0.0, 0.04, 0.1, 0.12, 0.2, 0.5]


def eventually(condition, timeout_s: float = 10.0):
    """Wait until a condition holds, and give what it gave."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, "it did not come to that"
        time.sleep(0.002)
    return value


def state(engine) -> str:
    return engine.status().state


def shown(engine) -> int:
    """Index of the next result's frame, waiting for it."""
    result = engine.latest.take(10)
    assert result is not None
    return result.frame.index


# ---- Recordings play at their own times ----


def test_a_recording_plays_at_its_own_presentation_times(fake_source, fake_pipeline, fake_clock):
    with Engine(fake_source(TIMES_S), fake_pipeline(), clock=fake_clock) as engine:
        assert shown(engine) == 0
        waits = []
        for index in range(1, len(TIMES_S)):
            waits.append(fake_clock.to_next_due())
            assert shown(engine) == index
        eventually(lambda: state(engine) == "ended")
        assert engine.status().dropped == 0
        assert engine.status().position_s == TIMES_S[-1]
    assert waits == pytest.approx([0.04, 0.06, 0.02, 0.08, 0.3])


def test_pausing_keeps_the_shown_frame_and_resuming_goes_on_from_it(fake_source, fake_pipeline, fake_clock):
    with Engine(fake_source(TIMES_S), fake_pipeline(), clock=fake_clock) as engine:
        assert shown(engine) == 0
        fake_clock.to_next_due()
        assert shown(engine) == 1
        engine.pause()
        eventually(lambda: state(engine) == "paused")
        fake_clock.advance(50)
        assert engine.latest.take(0.05) is None
        engine.resume()
        assert shown(engine) == 2
        assert fake_clock.to_next_due() == pytest.approx(0.02)
        assert shown(engine) == 3


def test_an_engine_that_is_paused_before_it_starts_shows_the_first_frame(fake_source, fake_pipeline, fake_clock):
    engine = Engine(fake_source(TIMES_S), fake_pipeline(), clock=fake_clock)
    engine.pause()
    with engine:
        assert shown(engine) == 0
        eventually(lambda: state(engine) == "paused")


def test_steps_go_one_frame_on_and_back_and_pause(fake_source, fake_pipeline, fake_clock):
    pipeline = fake_pipeline(explain_every=1000)
    with Engine(fake_source(TIMES_S), pipeline, clock=fake_clock) as engine:
        assert shown(engine) == 0
        seen = []
        for frames in (1, 1, 2, -1, -2, -9, 1):
            engine.step(frames)
            seen.append(shown(engine))
        assert state(engine) == "paused"
    assert seen == [1, 2, 4, 3, 1, 0, 1]
    assert all(explained for _, explained in pipeline.calls), "a frame that stands is worth an explanation"


def test_the_first_frame_under_other_settings_is_explained(fake_source, fake_pipeline, fake_clock):
    pipeline = fake_pipeline(explain_every=1000)
    with Engine(fake_source(TIMES_S), pipeline, clock=fake_clock) as engine:
        for index in range(len(TIMES_S)):
            assert shown(engine) == index
            if index == 2:
                pipeline.settings = types.SimpleNamespace(explain_every=1000)
            if index < len(TIMES_S) - 1:
                fake_clock.to_next_due()
    assert pipeline.calls == [(0, True), (1, False), (2, False), (3, True), (4, False), (5, False)]


@given(time_s=st.floats(-1, 2))
def test_seeking_shows_the_frame_at_or_before_the_time(fake_source, fake_pipeline, time_s):
    with Engine(fake_source(TIMES_S), fake_pipeline()) as engine:
        engine.pause()
        shown(engine)
        engine.seek(time_s)
        index = eventually(lambda: (result := engine.latest.take(1)) and result.frame.index + 1) - 1
        expected = max([i for i, t in enumerate(TIMES_S) if t <= time_s], default=0)
        assert index == expected


def test_a_jump_makes_the_pipeline_forget_and_playing_goes_on_from_there(fake_source, fake_pipeline, fake_clock):
    pipeline = fake_pipeline(explain_every=1000)
    with Engine(fake_source(TIMES_S), pipeline, clock=fake_clock) as engine:
        assert shown(engine) == 0
        assert pipeline.resets == 1
        engine.seek(0.13)
        assert shown(engine) == 3
        assert pipeline.resets == 2
        assert fake_clock.to_next_due() == pytest.approx(0.08)
        assert shown(engine) == 4
        assert pipeline.resets == 2
    assert pipeline.calls == [(0, True), (3, True), (4, False)]


def test_dragging_the_seek_bar_does_not_queue_up(fake_source, fake_pipeline, fake_clock):
    gate = threading.Event()
    pipeline = fake_pipeline(gate=gate)
    with Engine(fake_source([i / 10 for i in range(200)]), pipeline, clock=fake_clock) as engine:
        for index in range(1, 150):
            engine.seek(index / 10)
        gate.set()
        eventually(lambda: engine.status().frame_index == 149)
    assert len(pipeline.calls) < 100


def test_at_the_end_a_recording_stands_and_plays_again_from_its_start(fake_source, fake_pipeline, fake_clock):
    with Engine(fake_source([0.0, 0.04]), fake_pipeline(), clock=fake_clock) as engine:
        assert shown(engine) == 0
        fake_clock.to_next_due()
        assert shown(engine) == 1
        eventually(lambda: state(engine) == "ended")
        engine.resume()
        assert shown(engine) == 0
        assert state(engine) == "running"
        fake_clock.to_next_due()
        assert shown(engine) == 1
        eventually(lambda: state(engine) == "ended")
        engine.step(-1)
        assert shown(engine) == 0
        assert state(engine) == "paused"


def test_a_loop_starts_again_after_the_last_frame_has_stood_its_time(fake_source, fake_pipeline, fake_clock):
    with Engine(fake_source([0.0, 0.04, 0.08]), fake_pipeline(), loop=True, clock=fake_clock) as engine:
        seen, waits = [shown(engine)], []
        for _ in range(7):
            waits.append(fake_clock.to_next_due())
            seen.append(shown(engine))
        assert engine.status().error is None
        engine.loop = False
        fake_clock.to_next_due()
        shown(engine)
        eventually(lambda: state(engine) == "ended")
    assert seen == [0, 1, 2, 0, 1, 2, 0, 1]
    assert waits == pytest.approx([0.04] * 7)


def test_a_single_picture_is_shown_once_even_in_a_loop(fake_source, fake_pipeline):
    pipeline = fake_pipeline()
    with Engine(fake_source([0.0]), pipeline, loop=True) as engine:
        assert shown(engine) == 0
        eventually(lambda: state(engine) == "ended")
        engine.refresh()
        assert shown(engine) == 0
    assert pipeline.calls == [(0, True), (0, True)]


def test_after_a_change_of_settings_the_frame_that_stands_is_processed_again(fake_source, fake_pipeline, fake_clock):
    pipeline = fake_pipeline(explain_every=7)
    with Engine(fake_source(TIMES_S), pipeline, clock=fake_clock) as engine:
        assert shown(engine) == 0
        engine.step()
        assert shown(engine) == 1
        engine.refresh()
        assert shown(engine) == 1
    assert pipeline.calls == [(0, True), (1, True), (1, True)]


def test_a_slow_pipeline_skips_frames_of_a_recording_and_says_how_many(fake_source, fake_pipeline, fake_clock):
    gate = threading.Event()
    source = fake_source([i / 25 for i in range(10)])
    with Engine(source, fake_pipeline(gate=gate), clock=fake_clock) as engine:
        for _ in range(9):
            fake_clock.to_next_due()
        eventually(source.exhausted.is_set)
        gate.set()
        eventually(lambda: state(engine) == "ended")
        status = engine.status()
        assert status.frame_index == 9
        assert status.dropped >= 7


# ---- Live: the newest frame wins ----


def test_live_the_newest_frame_wins_and_every_other_is_counted(fake_source, fake_pipeline):
    gate = threading.Event()
    source, pipeline = fake_source([i / 100 for i in range(50)], live=True), fake_pipeline(gate=gate)
    with Engine(source, pipeline) as engine:
        eventually(source.exhausted.is_set)
        gate.set()
        eventually(lambda: state(engine) == "ended")
        assert pipeline.calls[-1][0] == 49
        assert len(pipeline.calls) + engine.status().dropped == 50
    assert source.closed


def test_a_paused_live_source_is_still_read_and_shows_a_fresh_frame_afterwards(fake_source, fake_pipeline):
    source = fake_source([i / 100 for i in range(100_000)], live=True, every_s=0.001)
    with Engine(source, fake_pipeline()) as engine:
        shown(engine)
        engine.pause()
        eventually(lambda: state(engine) == "paused")
        before = source._next
        eventually(lambda: source._next > before + 20)
        while engine.latest.take(0) is not None:
            pass
        assert engine.latest.take(0.03) is None
        engine.refresh()
        held = shown(engine)
        assert held <= before + 1
        engine.resume()
        assert shown(engine) >= before + 20


def test_a_live_source_cannot_be_wound(fake_source, fake_pipeline):
    source = fake_source([i / 100 for i in range(100_000)], live=True, every_s=0.001)
    with Engine(source, fake_pipeline()) as engine:
        first = shown(engine)
        engine.seek(0)
        assert shown(engine) > first
        assert not engine.status().seekable
        assert engine.status().live
        assert engine.status().error is None


# ---- Nothing is swallowed ----


def test_an_exception_in_the_pipeline_is_the_engines_state(fake_source, fake_pipeline):
    source = fake_source(TIMES_S)
    with Engine(source, fake_pipeline(breaks_at=2)) as engine:
        eventually(lambda: state(engine) == "failed")
        assert isinstance(engine.status().error, ValueError)
        assert "frame 2 is too much" in str(engine.status().error)
        eventually(lambda: source.closed)
        eventually(lambda: engine.latest.closed)


@pytest.mark.parametrize("error", [SourceSilent("the camera is silent"), RuntimeError("a bug")])
@pytest.mark.parametrize("live", [True, False])
def test_an_exception_while_capturing_is_the_engines_state_after_the_frames_before_it(
    fake_source, fake_pipeline, error, live
):
    source = fake_source([0.0, error, 0.1], live=live)
    with Engine(source, fake_pipeline()) as engine:
        eventually(lambda: state(engine) == "failed")
        assert engine.status().error is error
        eventually(lambda: engine.latest.closed)
        assert shown(engine) == 0
    assert source.closed


def test_a_source_that_cannot_be_opened_fails_and_restart_opens_it_again(fake_source, fake_pipeline):
    attempts = []

    def opener():
        attempts.append(1)
        if len(attempts) == 1:
            raise SourceBusy("The camera is in use. Close the other program.")
        return fake_source(TIMES_S)

    with Engine(opener, fake_pipeline(), loop=True) as engine:
        eventually(lambda: state(engine) == "failed")
        assert isinstance(engine.status().error, SourceBusy)
        engine.restart()
        assert shown(engine) == 0
        assert engine.status().error is None
        assert engine.loop
    assert len(attempts) == 2


def test_an_engine_around_an_open_source_says_that_it_cannot_be_restarted(fake_source, fake_pipeline):
    source = fake_source(TIMES_S)
    engine = Engine(source, fake_pipeline())
    with pytest.raises(RuntimeError, match="function that opens it"):
        engine.restart()
    engine.stop()
    assert source.closed


def test_the_engine_is_starting_until_the_first_result_and_stopping_works_before_it(fake_source, fake_pipeline):
    opening, go_on = threading.Event(), threading.Event()

    def opener():
        opening.set()
        assert go_on.wait(20)
        return source

    source = fake_source(TIMES_S)
    engine = Engine(opener, fake_pipeline())
    engine.start()
    assert opening.wait(10)
    assert state(engine) == "starting"
    assert not engine.stop(patience_s=0.05), "the source is still being opened"
    go_on.set()
    eventually(lambda: source.closed)
    assert state(engine) == "ended"


def test_an_unreadable_picture_in_a_folder_is_noticed_and_does_not_stop_the_rest(
    fake_source, fake_pipeline, fake_clock
):
    source = fake_source([0.0, SourceUnreadable("b.png is not a picture"), SourceUnreadable("c.png is none"), 3.0])
    with Engine(source, fake_pipeline(), clock=fake_clock) as engine:
        assert shown(engine) == 0
        fake_clock.to_next_due()
        assert shown(engine) == 3
        assert engine.status().notice == "c.png is none"
        eventually(lambda: state(engine) == "ended")
        assert engine.status().error is None


def test_a_truncated_file_plays_to_where_it_ends_says_so_and_can_be_wound_back(fake_source, fake_pipeline, fake_clock):
    error = SourceTruncated("2 of 9 frames could be read")
    with Engine(fake_source([0.0, 0.04, error]), fake_pipeline(), clock=fake_clock) as engine:
        assert shown(engine) == 0
        fake_clock.to_next_due()
        assert shown(engine) == 1
        eventually(lambda: state(engine) == "ended")
        assert engine.status().error is error
        engine.step(-1)
        assert shown(engine) == 0
        assert engine.status().error is None


# ---- What the engine says about itself ----


def test_the_figures_of_the_status_are_what_happened(fake_source, fake_pipeline, fake_clock):
    pipeline = fake_pipeline(explain_every=4)
    source = fake_source([i / 20 for i in range(41)])
    with Engine(source, pipeline, clock=fake_clock) as engine:
        shown(engine)
        for _ in range(40):
            fake_clock.to_next_due()
            shown(engine)
        status = engine.status()
    assert status.fps == pytest.approx(20, rel=0.06)
    assert status.latency_median_s == pytest.approx(0, abs=1e-9)
    assert status.explained_share == pytest.approx(11 / 41)
    assert status.explanation_age_s == pytest.approx(0)
    assert status.explain_every == 4
    assert (status.source, status.size, status.seekable) == ("fake", (8, 6), True)
    assert status.frame_count == 41
    assert [explained for _, explained in pipeline.calls] == [index % 4 == 0 for index in range(41)]


def test_latency_runs_from_capture_to_result_and_age_from_the_explained_frame(fake_source, fake_pipeline, fake_clock):
    pipeline = fake_pipeline(explain_every=3, clock=fake_clock, took_s=0.015)
    with Engine(fake_source([0.0, 0.1, 0.2]), pipeline, clock=fake_clock) as engine:
        for index in range(3):
            if index:
                fake_clock.to_next_due()
            assert shown(engine) == index
        status = engine.status()
    assert status.latency_median_s == pytest.approx(0.015)
    assert status.latency_p95_s == pytest.approx(0.015)
    assert status.explanation_age_s == pytest.approx(0.2)


def test_the_rate_falls_to_nothing_while_paused(fake_source, fake_pipeline, fake_clock):
    with Engine(fake_source(TIMES_S), fake_pipeline(), clock=fake_clock) as engine:
        for index in range(5):
            if index:
                fake_clock.to_next_due()
            shown(engine)
        assert engine.status().fps > 10
        engine.pause()
        fake_clock.advance(3)
        assert engine.status().fps == 0


# ---- How often to explain ----


def run_rate(rate: ExplainRate, *, plain_s: float, explained_s: float, interval_s: float, frames: int = 400) -> int:
    """Feed frames of a given cost; give how many of the last hundred were explained."""
    explained = []
    for _ in range(frames):
        due = rate.due(None)
        rate.measured(explained_s if due else plain_s, due, interval_s)
        explained.append(due)
    return sum(explained[-100:])


def test_a_machine_that_keeps_up_explains_every_frame():
    rate = ExplainRate()
    assert run_rate(rate, plain_s=0.010, explained_s=0.020, interval_s=1 / 30) == 100
    assert rate.every == 1


def test_a_slower_machine_explains_as_often_as_it_can_keep_up_with():
    rate = ExplainRate()
    run_rate(rate, plain_s=0.020, explained_s=0.060, interval_s=1 / 30)
    assert 0.020 + 0.040 / rate.every <= 1 / 30
    assert 1 < rate.every <= 10


@given(plain_s=st.floats(0.001, 0.2), extra_s=st.floats(0.001, 0.3), interval_s=st.floats(0.01, 0.2))
def test_the_rate_settles_and_stays_within_its_limits(plain_s, extra_s, interval_s):
    rate = ExplainRate()
    run_rate(rate, plain_s=plain_s, explained_s=plain_s + extra_s, interval_s=interval_s)
    settled = rate.every
    assert 1 <= settled <= RAREST
    run_rate(rate, plain_s=plain_s, explained_s=plain_s + extra_s, interval_s=interval_s, frames=200)
    assert rate.every == settled
    if plain_s + extra_s < EASY * interval_s:
        assert settled == 1
    if plain_s < 0.5 * interval_s and extra_s < RAREST * 0.3 * interval_s:
        assert plain_s + extra_s / settled <= interval_s


def test_explanations_come_back_when_the_machine_has_time_again():
    rate = ExplainRate()
    run_rate(rate, plain_s=0.030, explained_s=0.080, interval_s=1 / 30)
    assert rate.every > 1
    run_rate(rate, plain_s=0.004, explained_s=0.008, interval_s=1 / 30, frames=1200)
    assert rate.every == 1


def test_one_slow_first_call_does_not_thin_out_explanations():
    rate = ExplainRate()
    rate.due(None)
    rate.measured(2.0, True, None)
    run_rate(rate, plain_s=0.010, explained_s=0.020, interval_s=1 / 30)
    assert rate.every == 1


@given(every=st.integers(1, 20))
def test_a_set_rate_is_kept_exactly(every):
    rate = ExplainRate()
    assert [rate.due(every) for _ in range(60)] == [index % every == 0 for index in range(60)]


def test_the_automatic_rate_is_what_the_engine_uses(fake_source, fake_pipeline, fake_clock):
    pipeline = fake_pipeline(explain_every=None, clock=fake_clock, took_s=0.2)
    with Engine(
        fake_source([i / 25 for i in range(300)], live=True, every_s=0.001), pipeline, clock=fake_clock
    ) as engine:
        eventually(lambda: state(engine) == "ended")
        assert engine.status().explain_every > 1
    assert math.fsum(explained for _, explained in pipeline.calls) < len(pipeline.calls)


def test_a_source_that_cannot_be_wound_says_so_to_a_programmer(fake_capture):
    from core.sources import Camera

    with (
        Camera(0, opener=lambda _: fake_capture()) as camera,
        pytest.raises(io.UnsupportedOperation, match="cannot be wound"),
    ):
        camera.seek(0)
