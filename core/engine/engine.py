"""The engine: runs a pipeline over a source, for a window."""

from collections.abc import Callable
from types import TracebackType

from core.engine.clock import Clock, SystemClock
from core.engine.run import PATIENCE_S, Processor, Run
from core.engine.status import EngineStatus
from core.handoff import Latest
from core.sources import Source
from core.types import Result


class Engine:
    """Runs a pipeline over a source in two threads.

    Live, the newest frame wins, and the drops are counted. A recording plays at its own times; where the pipeline is
    slower, frames are dropped likewise. (Who needs every frame reads the source itself, through `Prefetch`.)
    An exception in either thread becomes the state "failed" with the error in the status. A file that ends too early is
    "ended", with the error in the status: what is there can still be played.

    Parameters
    ----------
    source
        A source, which then belongs to the engine, or a function that opens one. The function is called in the capture
        thread, so that a window stays alive while a stream does not answer; and it can be called again by `restart`.
    pipeline
        What is done with each frame. Only the work thread calls it.
    loop
        Whether a recording starts again at its end.
    clock
        The clock that times playback.
    """

    def __init__(
        self,
        source: Source | Callable[[], Source],
        pipeline: Processor,
        *,
        loop: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._source = source
        self._pipeline = pipeline
        self._clock = clock or SystemClock()
        self._run = self._new_run(loop)
        self._started = False

    def _new_run(self, loop: bool) -> Run:
        source = self._source
        opener: Callable[[], Source] = source if callable(source) else lambda: source
        return Run(opener, self._pipeline, self._clock, loop)

    def start(self) -> None:
        """Start; nothing where it was started already."""
        if not self._started:
            self._started = True
            self._run.start()

    def restart(self) -> None:
        """Open the source anew, after a failure or at any time.

        RuntimeError for an engine that was given an open source.
        """
        if not callable(self._source):
            raise RuntimeError("a closed source cannot be started again: give the engine a function that opens it")
        self.stop()
        self._run = self._new_run(self.loop)
        self._started = False
        self.start()

    def stop(self, patience_s: float = PATIENCE_S) -> bool:
        """End both threads and close the source.

        False where the source is still waiting for its device after so many seconds; its thread ends by itself when
        that wait times out.
        """
        if not self._started:
            self._started = True
            if not callable(self._source):
                self._source.close()
            return self._run.abandon()
        return self._run.stop(patience_s)

    def pause(self) -> None:
        """Let the shown frame stand. A live source is still read, so that nothing is old on `resume`."""
        self._run.playback.pause()

    def resume(self) -> None:
        """Go on; from the end of a recording, from its start."""
        self._run.playback.resume()

    def seek(self, timestamp_s: float) -> None:
        """Show the frame at or before a time of a recording; nothing on a live source."""
        self._run.playback.seek(timestamp_s)

    def step(self, frames: int = 1) -> None:
        """Pause, and show the frame so many further (or back, below 0); a live source is only paused."""
        self._run.playback.step(frames)

    def refresh(self) -> None:
        """Process the shown frame again, with an explanation: after a change of settings while paused."""
        self._run.playback.refresh()

    @property
    def loop(self) -> bool:
        """Whether a recording starts again at its end."""
        return self._run.playback.loop

    @loop.setter
    def loop(self, loop: bool) -> None:
        self._run.playback.loop = loop

    @property
    def latest(self) -> Latest[Result]:
        """The newest result, for one taker. Another one after each restart; closed when nothing more can come."""
        return self._run.latest

    def status(self) -> EngineStatus:
        """Say how it goes. Cheap: a window may ask on every tick."""
        return self._run.status()

    def __enter__(self) -> "Engine":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
