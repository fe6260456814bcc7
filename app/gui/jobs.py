"""Work that takes too long for the GUI thread, and the way of its outcome back into it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Jobs:
    """Runs functions one after the other in a thread of its own; `collect`, called in the GUI thread, reports."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._running: list[tuple[Future[Any], Callable[[Any], None], Callable[[Exception], None]]] = []

    def submit(self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        """Queue `work`; `done` gets what it returns, `failed` what it raises."""
        self._running.append((self._pool.submit(work), done, failed))

    def collect(self) -> None:
        """Report every job that ended since the last call."""
        ended = [job for job in self._running if job[0].done()]
        self._running = [job for job in self._running if job not in ended]
        for future, done, failed in ended:
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                done(future.result())
            elif isinstance(error, Exception):
                failed(error)
            else:
                raise error

    @property
    def busy(self) -> bool:
        """Whether anything is queued, running or unreported."""
        return bool(self._running)

    def finish(self) -> None:
        """Wait for everything that was queued and report nothing more."""
        self._running.clear()
        self._pool.shutdown(wait=True)

    def close(self) -> None:
        """Finish what runs, drop what waits, report nothing more."""
        self._running.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)
