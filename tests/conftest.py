"""Fixtures that every test may use: one fake per outside thing, driven through the seam the real one uses."""

import os
import threading
import time
import types
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as core does, which is loaded after NumPy here

import numpy as np
import pytest

from core.geometry import Similarity
from core.types import Crop, Explanation, FaceObservation, FaceResult, Frame, Prediction, Result

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data and test media beside the checkout; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the shared data folder beside the checkout")
    return folder


@pytest.fixture(scope="session")
def astronaut():
    """A face that may be shown freely (NASA, public domain): RGB uint8 [512, 512, 3]."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image's sample pictures")
    return data.astronaut()


@pytest.fixture(scope="session")
def colour_pack(tmp_path_factory):
    """A pack of three classes "a", "b", "c" that reads colour faces of 40 px."""
    from tests.packs_made import make_colour_pack

    return make_colour_pack(tmp_path_factory.mktemp("packs"))


# ---- Clock, source, pipeline and camera: one fake each ----


@pytest.fixture
def threads_end():
    """Every thread that a test starts has ended when the test ends."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(2)
    assert [thread.name for thread in left if thread.is_alive()] == []


class FakeClock:
    """A clock that stands until the test moves it."""

    def __init__(self, now_s: float = 100.0) -> None:
        self._changed = threading.Condition()
        self._now_s = now_s
        self._sleepers: dict[int, tuple[threading.Condition, float | None]] = {}

    def now(self) -> float:
        with self._changed:
            return self._now_s

    def wait(self, condition: threading.Condition, until_s: float | None = None) -> None:
        with self._changed:
            if until_s is not None and self._now_s >= until_s:
                return
            self._sleepers[threading.get_ident()] = (condition, until_s)
            self._changed.notify_all()
        condition.wait(20)
        with self._changed:
            del self._sleepers[threading.get_ident()]

    def advance(self, seconds: float) -> None:
        """Move the clock, and wake whoever waits."""
        with self._changed:
            self._now_s += seconds
            sleepers = list(self._sleepers.values())
        for condition, _ in sleepers:
            with condition:
                condition.notify_all()

    def to_next_due(self) -> float:
        """Wait until somebody sleeps up to a time, move the clock there, and give how far it moved, s."""

        def due() -> list[float]:
            return [until for _, until in self._sleepers.values() if until is not None and until > self._now_s]

        with self._changed:
            assert self._changed.wait_for(due, 10), "nobody waits for a time"
            seconds = min(due()) - self._now_s
        self.advance(seconds)
        return seconds


class FakeSource:
    """Frames at given times; a time may be an exception, which `read` raises in its place."""

    def __init__(self, times=(), *, live=False, seekable=True, clock=None, every_s=0.0) -> None:
        self._times = list(times)
        self._next = 0
        self._clock = clock
        self._every_s = every_s
        self.name = "fake"
        self.live = live
        self.seekable = seekable and not live
        self.fps = None
        self.frame_count = len(self._times)
        self.start_s = next((time_s for time_s in self._times if not isinstance(time_s, Exception)), 0.0)
        self.duration_s = None if live else 1.0
        self.size = (8, 6)
        self.exhausted = threading.Event()
        self.closed = False

    def read(self):
        if self._next >= len(self._times):
            self.exhausted.set()
            return None
        time.sleep(self._every_s)
        index, self._next = self._next, self._next + 1
        if isinstance(self._times[index], Exception):
            raise self._times[index]
        image = np.full((6, 8, 3), index % 256, np.uint8)
        return Frame(image, index, self._times[index], self._clock.now() if self._clock else time.monotonic())

    def seek(self, timestamp_s):
        earlier = [
            i for i, time_s in enumerate(self._times) if not isinstance(time_s, Exception) and time_s <= timestamp_s
        ]
        self._next = earlier[-1] if earlier else 0

    def close(self):
        self.closed = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FakePipeline:
    """Finds one face in every frame, and keeps what it was asked; `gate` holds it back, `breaks_at` makes it fail."""

    def __init__(self, *, explain_every=1, gate=None, breaks_at=None, clock=None, took_s=0.0) -> None:
        self.settings = types.SimpleNamespace(explain_every=explain_every)
        self.calls: list[tuple[int, bool]] = []
        self.resets = 0
        self._gate, self._breaks_at, self._clock, self._took_s = gate, breaks_at, clock, took_s
        self._explanation = None

    def process(self, frame, explain=None, in_turn=False):
        if self._gate is not None:
            assert self._gate.wait(20)
        if frame.index == self._breaks_at:
            raise ValueError(f"frame {frame.index} is too much")
        if self._clock is not None:
            self._clock.advance(self._took_s)
        self.calls.append((frame.index, explain))
        if explain or self._explanation is None:
            self._explanation = Explanation(np.ones((4, 4), np.float32), "lrp", "a", None, 1.0, frame.timestamp_s, 0.5)
        observation = FaceObservation(np.zeros((478, 3), np.float32), 1.0, 1)
        crop = Crop(np.zeros((4, 4), np.uint8), Similarity(1, 0, 0, 0))
        prediction = Prediction(("a", "b"), np.array([1, 0], np.float32), np.array([0.7, 0.3], np.float32))
        return Result(frame, (FaceResult(observation, crop, prediction, self._explanation, None, bool(explain)),))

    def reset(self):
        self.resets += 1


class FakeCapture:
    """What OpenCV gives for a camera: BGR pictures, then (after `pictures` of them) none."""

    def __init__(self, *, pictures=10, opens=True, image=None) -> None:
        self._left = pictures
        self._opens = opens
        self._image = np.zeros((6, 8, 3), np.uint8) if image is None else image
        self.released = False

    def isOpened(self):  # noqa: N802
        return self._opens and not self.released

    def read(self):
        if not self._left or self.released:
            return False, None
        self._left -= 1
        return True, self._image.copy()

    def get(self, prop):
        return {3: float(self._image.shape[1]), 4: float(self._image.shape[0]), 5: 30.0}.get(prop, 0.0)

    def set(self, prop, value):
        return False

    def release(self):
        self.released = True


@pytest.fixture
def fake_clock():
    """A `FakeClock`."""
    return FakeClock()


@pytest.fixture(scope="session")
def fake_source():
    """The class `FakeSource`."""
    return FakeSource


@pytest.fixture(scope="session")
def fake_pipeline():
    """The class `FakePipeline`."""
    return FakePipeline


@pytest.fixture(scope="session")
def fake_capture():
    """The class `FakeCapture`."""
    return FakeCapture
