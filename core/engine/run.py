"""One run of the engine: two threads, from opening the source to closing it.

::

    Source -- capture thread --> Playback --> Latest[Shot] -- work thread --> Pipeline.process --> Latest[Result]
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from core.engine.clock import Clock
from core.engine.explain_rate import ExplainRate
from core.engine.playback import Playback, Shot
from core.engine.status import EngineStatus, Meter, State, explanation_age_s
from core.handoff import Latest
from core.sources import Source
from core.types import Frame, Result

# How long `stop` waits for the threads, s: longer than any frame takes. A source that is just waiting for a dead camera
# may take longer; its thread then closes it and ends by itself.
PATIENCE_S: Final = 3.0


class Processor(Protocol):
    """What the engine needs of a pipeline.

    `settings.explain_every` is n for every n-th frame, 0 or None for automatic.
    """

    @property
    def settings(self) -> Any:
        """The settings now in force; may be replaced between frames."""

    def process(self, frame: Frame, explain: bool | None = None, in_turn: bool = False) -> Result:
        """Turn a frame into everything that is known about it; `in_turn` for frames that flow."""
        ...

    def reset(self) -> None:
        """Forget earlier frames: the next one does not follow them."""
        ...


class Run:
    """Owns the source from opening to closing, and both threads."""

    def __init__(self, opener: Callable[[], Source], pipeline: Processor, clock: Clock, loop: bool) -> None:
        self.latest: Latest[Result] = Latest()
        self.playback = Playback(clock, loop)
        self._opener = opener
        self._pipeline = pipeline
        self._clock = clock
        self._shots: Latest[Shot] = Latest()
        self._rate = ExplainRate()
        self._meter = Meter()
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._source: Source | None = None
        self._newest: Result | None = None
        self._settings: Any = None
        self._explain_every = 1
        self._given_number = 0
        self._worked_number = 0
        self._stopped = False
        self._threads = tuple(
            threading.Thread(target=target, name=target.__name__.strip("_"), daemon=True)
            for target in (self._capture, self._work)
        )

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience_s: float = PATIENCE_S) -> bool:
        """End both threads; False if one is still waiting for its source, and will end by itself."""
        self._stopped = True
        self._end()
        deadline_s = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def abandon(self) -> bool:
        """Give up a run that was never started."""
        self._stopped = True
        self._end()
        self.latest.close()
        return True

    def _end(self) -> None:
        self.playback.stop()
        self._shots.close()

    def _fail(self, error: Exception) -> None:
        """Keep the first error for the status, and end. After `stop` nobody waits for anything any more."""
        with self._lock:
            if not self._stopped:
                self._error = self._error or error
        self._end()

    def _capture(self) -> None:
        """Body of the capture thread: open, hand over frame after frame, close."""
        try:
            with self._opener() as source:
                self._source = source
                for shot in self.playback.shots(source):
                    self._given_number = shot.number
                    self._shots.put(shot)
        except Exception as error:
            self._fail(error)
        finally:
            self._shots.close()

    def _work(self) -> None:
        """Body of the work thread: process the newest frame, again and again."""
        passage: int | None = None
        try:
            for shot in self._shots:
                if self._stopped:
                    break
                if shot.passage != passage:
                    self._pipeline.reset()
                    self._rate.start_over()
                    passage = shot.passage
                self._process(shot)
        except Exception as error:
            self._fail(error)
        finally:
            self.latest.close()

    def _process(self, shot: Shot) -> None:
        settings = self._pipeline.settings
        if settings is not self._settings:  # maps of the old ones are void
            self._settings = settings
            self._rate.start_over()
        setting: int | None = settings.explain_every
        explain = self._rate.due(setting) or shot.still
        began_s = self._clock.now()
        result = self._pipeline.process(shot.frame, explain=explain, in_turn=not shot.still)
        done_s = self._clock.now()
        self._rate.measured(done_s - began_s, explain, shot.interval_s)
        self._meter.add(result, done_s)
        with self._lock:
            self._newest = result
            self._explain_every = setting or self._rate.every
            self._worked_number = shot.number
        self.latest.put(result)

    def status(self) -> EngineStatus:
        """Look at the run."""
        with self._lock:
            newest, error, every, worked = self._newest, self._error, self._explain_every, self._worked_number
        source = self._source
        at_end = self.playback.at_end and worked == self._given_number
        figures = self._meter.read(self._clock.now())
        return EngineStatus(
            state=self._state(error, newest, at_end),
            error=error or (self.playback.missing if at_end else None),
            notice=self.playback.notice,
            fps=figures.fps,
            latency_median_s=figures.latency_median_s,
            latency_p95_s=figures.latency_p95_s,
            dropped=self._shots.replaced,
            explained_share=figures.explained_share,
            explanation_age_s=None if newest is None else explanation_age_s(newest),
            explain_every=every,
            position_s=None if newest is None else newest.frame.timestamp_s,
            start_s=0.0 if source is None else source.start_s,
            duration_s=None if source is None else source.duration_s,
            frame_index=None if newest is None else newest.frame.index,
            frame_count=None if source is None else source.frame_count,
            source="" if source is None else source.name,
            source_fps=None if source is None else source.fps,
            size=None if newest is None else (newest.frame.width, newest.frame.height),
            live=source is not None and source.live,
            seekable=source is not None and source.seekable,
        )

    def _state(self, error: Exception | None, newest: Result | None, at_end: bool) -> State:
        if error is not None:
            return "failed"
        if self._stopped or at_end:
            return "ended"
        if newest is None:
            return "starting"
        return "paused" if self.playback.paused else "running"
