"""Frames when they are due: a recording at its own times, a live source as it comes.

The capture thread walks `shots`; every other method may be called from any thread.
"""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from core.engine.clock import Clock
from core.errors import SourceTruncated, SourceUnreadable
from core.sources import Source
from core.types import Frame

# Later than this, playback gives up catching up and goes on from where it is: the machine slept, or decodes slower, s.
TOO_LATE_S: Final = 0.5
# How far before a frame's time to search for the frame before it, s: less than frames ever lie apart.
STEP_BACK_S: Final = 1e-4
# Frames over which the interval between frames is taken.
INTERVALS: Final = 15


@dataclass(frozen=True)
class Shot:
    """A frame to be shown now.

    Attributes
    ----------
    passage
        Counts up with every jump: frames of one passage follow each other.
    still
        It will stand: worth an explanation in any case.
    interval_s
        How far apart frames lie here, s.
    number
        Counts the shots.
    """

    frame: Frame
    passage: int
    still: bool
    interval_s: float | None
    number: int


@dataclass(frozen=True)
class Seek:
    """Show the frame at a time."""

    timestamp_s: float


@dataclass(frozen=True)
class Step:
    """Show the frame so many further, or back."""

    frames: int


@dataclass(frozen=True)
class Refresh:
    """Show the same frame again."""


class Playback:
    """Gives the frames of one source at their times, and takes orders meanwhile.

    Attributes
    ----------
    loop
        Whether a recording starts again at its end.
    notice
        The last picture that could not be read, in a sentence.
    missing
        What a damaged file lacks.
    """

    def __init__(self, clock: Clock, loop: bool = False) -> None:
        self.loop = loop
        self.notice: str | None = None
        self.missing: SourceTruncated | None = None
        self._clock = clock
        self._control = threading.Condition()
        self._orders: deque[Seek | Step | Refresh] = deque()
        self._paused = False
        self._stopping = False
        self._at_end = False
        self._rewind = False
        # All below belongs to the capture thread.
        self._ahead: Frame | None = None
        self._shown: Frame | None = None
        self._anchor: tuple[float, float] | None = None
        self._passage = 0
        self._number = 0
        self._intervals_s: deque[float] = deque(maxlen=INTERVALS)

    # ---- orders, from any thread

    @property
    def paused(self) -> bool:
        """Whether the shown frame stands."""
        with self._control:
            return self._paused

    @property
    def at_end(self) -> bool:
        """Whether there is no frame to come, unless by an order."""
        with self._control:
            return self._at_end

    def pause(self) -> None:
        """Let the shown frame stand."""
        with self._control:
            self._paused = True
            self._control.notify_all()

    def resume(self) -> None:
        """Go on; from the end of a recording, from its start."""
        with self._control:
            self._paused = False
            self._rewind = self._at_end
            self._control.notify_all()

    def seek(self, timestamp_s: float) -> None:
        """Show the frame at a time; an older search that has not been begun is dropped."""
        with self._control:
            self._orders = deque([Seek(timestamp_s)])
            self._rewind = False
            self._control.notify_all()

    def step(self, frames: int) -> None:
        """Pause, and show the frame so many further (or back, below 0); a live source is only paused."""
        with self._control:
            self._paused = True
            self._orders.append(Step(frames))
            self._control.notify_all()

    def refresh(self) -> None:
        """Show the same frame again."""
        with self._control:
            if Refresh() not in self._orders:
                self._orders.append(Refresh())
            self._control.notify_all()

    def stop(self) -> None:
        """Come to an end now."""
        with self._control:
            self._stopping = True
            self._control.notify_all()

    # ---- the capture thread

    def shots(self, source: Source) -> Iterator[Shot]:
        """Walk through the frames as they are due, until stopped or until nothing can come any more."""
        return self._live(source) if source.live else self._recorded(source)

    def _live(self, source: Source) -> Iterator[Shot]:
        """Every frame as it comes; while paused they are read and left, so that none is old afterwards."""
        while not self._is_stopping():
            frame = source.read()
            if frame is None:
                break
            with self._control:
                again = Refresh() in self._orders
                self._orders.clear()
                paused = self._paused
            if not paused or self._shown is None:
                yield self._shot(frame)
            elif again and self._shown is not None:
                yield self._shot(self._shown, still=True)
        self._end()

    def _recorded(self, source: Source) -> Iterator[Shot]:
        while (order := self._next_order(source)) != "stop":
            if isinstance(order, Seek):
                frame = self._jump(source, order.timestamp_s)
            elif isinstance(order, Step):
                frame = self._walk(source, order.frames)
            elif isinstance(order, Refresh):
                frame = self._shown
            else:
                frame = self._when_due(source)
            if frame is not None:
                yield self._shot(replace(frame, captured_s=self._clock.now()), still=order != "play" and self._stands)

    def _next_order(self, source: Source) -> Seek | Step | Refresh | str:
        """Wait for something to do: an order, "play", or "stop"."""
        with self._control:
            while True:
                if self._stopping or (self._at_end and not source.seekable):
                    return "stop"
                if self._rewind and source.seekable:
                    self._rewind = False
                    self._orders.append(Seek(source.start_s))
                if self._orders:
                    return self._orders.popleft()
                if not self._stays and not self._at_end:
                    return "play"
                self._anchor = None
                self._clock.wait(self._control)

    def _when_due(self, source: Source) -> Frame | None:
        """Read the next frame and wait for its time; None when an order came first, or at the end."""
        if self._ahead is None:
            self._ahead = self._read(source)
        if self._ahead is None:
            self._come_round(source)
            return None
        due_s = self._due_s(self._ahead)
        with self._control:
            while not (self._stopping or self._orders or self._stays):
                if self._clock.now() >= due_s:
                    frame, self._ahead = self._ahead, None
                    return frame
                self._clock.wait(self._control, due_s)
        return None

    def _due_s(self, frame: Frame) -> float:
        now_s = self._clock.now()
        if self._anchor is not None:
            due_s = self._anchor[0] + frame.timestamp_s - self._anchor[1]
            if now_s - due_s <= TOO_LATE_S:
                return due_s
        self._anchor = now_s, frame.timestamp_s
        return now_s

    def _come_round(self, source: Source) -> None:
        """At the end: start again where that is wanted, else stay there."""
        single = self._shown is None or source.frame_count == 1
        if not (self.loop and source.seekable) or single:
            self._end()
            return
        assert self._shown is not None
        # The first frame is due when the last one has stood as long as the others.
        due_s = self._due_s(self._shown) + (self._interval_s() or 0.0)
        source.seek(source.start_s)
        self._passage += 1
        self._ahead = self._read(source)
        if self._ahead is None:
            self._end()
        else:
            self._anchor = due_s, self._ahead.timestamp_s

    def _jump(self, source: Source, timestamp_s: float) -> Frame | None:
        if not source.seekable:
            return None
        source.seek(timestamp_s)
        self._passage += 1
        self._ahead = None
        self._anchor = None
        with self._control:
            self._at_end = False
        frame = self._read(source)
        if frame is not None:
            self._due_s(frame)
        return frame

    def _walk(self, source: Source, frames: int) -> Frame | None:
        """Go so many frames on or back from the shown one; at either end, as far as possible."""
        frame: Frame | None = None
        for _ in range(-frames if source.seekable else 0):
            frame = self._one_back(source, frame or self._shown) or frame
        for _ in range(frames):
            following = self._ahead or self._read(source)
            self._ahead = None
            if following is None:
                self._end()
                break
            frame = following
        return frame

    def _one_back(self, source: Source, shown: Frame | None) -> Frame | None:
        """Show the frame before another, further back where pictures between cannot be read; the first at the start."""
        if shown is None:
            return None
        back_s = STEP_BACK_S
        while True:
            frame = self._jump(source, shown.timestamp_s - back_s)
            if frame is None or frame.index < shown.index or shown.timestamp_s - back_s <= source.start_s:
                return frame
            back_s += self._interval_s() or 1.0

    def _read(self, source: Source) -> Frame | None:
        """Read a frame; step over pictures that cannot be read, and keep what a damaged file lacks for the status."""
        while not self._is_stopping():
            try:
                return source.read()
            except SourceUnreadable as error:
                self.notice = str(error)
                if source.frame_count == 1:
                    raise
            except SourceTruncated as error:
                self.missing = error
                return None
        return None

    def _end(self) -> None:
        with self._control:
            self._at_end = True

    @property
    def _stays(self) -> bool:
        """Whether the shown frame is held by a pause; before the first there is nothing to hold."""
        return self._paused and self._shown is not None

    @property
    def _stands(self) -> bool:
        with self._control:
            return self._paused or self._at_end

    def _is_stopping(self) -> bool:
        with self._control:
            return self._stopping

    def _shot(self, frame: Frame, still: bool = False) -> Shot:
        if self._shown is not None and frame.index == self._shown.index + 1:
            self._intervals_s.append(frame.timestamp_s - self._shown.timestamp_s)
        self._shown = frame
        self._number += 1
        return Shot(frame, self._passage, still, self._interval_s(), self._number)

    def _interval_s(self) -> float | None:
        return median(self._intervals_s) if self._intervals_s else None
