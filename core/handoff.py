"""Latest: the one hand-over between threads. The newest value wins, and what it replaced is counted."""

import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """One place for one value: a slow taker sees the newest, never a queue of old ones.

    Any number of threads may put and take. After `close` nothing is accepted any more; a value that already waits can
    still be taken, so the last one is not lost.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: tuple[T] | None = None
        self._replaced = 0
        self._closed = False

    def put(self, value: T) -> bool:
        """Leave a value for the taker; False when closed, and the value is not kept."""
        with self._changed:
            if self._closed:
                return False
            self._replaced += self._waiting is not None
            self._waiting = (value,)
            self._changed.notify()
            return True

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for a value and take it; None after the time-out (0: do not wait), or when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._closed, timeout_s)
            if self._waiting is None:
                return None
            (value,), self._waiting = self._waiting, None
            return value

    def close(self) -> None:
        """Accept nothing more and wake everybody who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def replaced(self) -> int:
        """How many values were replaced before anybody took them."""
        with self._changed:
            return self._replaced

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        with self._changed:
            return self._closed

    def __iter__(self) -> Iterator[T]:
        """Take value after value until closed and empty."""
        while True:
            value = self.take()
            if value is None:
                return
            yield value
