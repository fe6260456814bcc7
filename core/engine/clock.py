"""Time for the engine: the one place that waits, so that a test can hold the clock."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock that can be waited on."""

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    def wait(self, condition: threading.Condition, until_s: float | None = None) -> None:
        """Wait until a time or until notified; the caller holds the condition, and looks again afterwards."""
        ...


class SystemClock:
    """The machine's monotonic clock, the one that frames are stamped with."""

    def now(self) -> float:
        """Seconds, as `time.monotonic`."""
        return time.monotonic()

    def wait(self, condition: threading.Condition, until_s: float | None = None) -> None:
        """Wait until a time or until notified."""
        condition.wait(None if until_s is None else max(0.0, until_s - time.monotonic()))
