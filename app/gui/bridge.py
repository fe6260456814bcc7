"""The one clock of the window: pulls results out of the session and hands them on in the GUI thread."""

import time
from collections import deque
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.gui.session import Session
from core.engine import EngineStatus
from core.types import Result

TICK_MS: Final = 16  # 60 Hz, the screen's rate
SLOW_TICKS: Final = 6  # numbers and charts at 10 Hz: faster than anybody reads
WINDOW_S: Final = 2.0  # rate and latency are over this long


class Meter:
    """True rate and latency of what reached the screen, over the last two seconds."""

    def __init__(self) -> None:
        self._painted: deque[tuple[float, float]] = deque()

    def painted(self, captured_s: float, now_s: float) -> None:
        """Count one picture that was captured and painted at these monotonic times."""
        self._painted.append((now_s, now_s - captured_s))
        self._forget(now_s)

    def rate_hz(self, now_s: float) -> float | None:
        """Pictures per second; None with fewer than two."""
        self._forget(now_s)
        if len(self._painted) < 2:
            return None
        span = self._painted[-1][0] - self._painted[0][0]
        return (len(self._painted) - 1) / span if span > 0 else None

    def latency_s(self, now_s: float) -> float | None:
        """Median time from capture to screen; None without pictures."""
        self._forget(now_s)
        return float(np.median([latency for _, latency in self._painted])) if self._painted else None

    def clear(self) -> None:
        """Forget everything, as after a change of source."""
        self._painted.clear()

    def _forget(self, now_s: float) -> None:
        while self._painted and now_s - self._painted[0][0] > WINDOW_S:
            self._painted.popleft()


class Bridge(QObject):
    """Owns the only timer. While no session is set it ticks on, so that jobs are collected and bars fade."""

    arrived = Signal(object)  # Result
    read = Signal(object)  # EngineStatus, about 10 times a second
    state_changed = Signal(object)  # EngineStatus, when its state is another than before
    ticked = Signal()
    slow_ticked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.meter = Meter()
        self._session: Session | None = None
        self._state = ""
        self._count = 0
        self._measured: tuple[float, int] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)

    def start(self) -> None:
        """Begin to tick."""
        self._timer.start()

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()

    def watch(self, session: Session | None) -> None:
        """Pull from this session from now on."""
        self._session, self._state, self._measured = session, "", None
        self.meter.clear()

    def tick(self) -> None:
        """Pull once and tell who listens."""
        self.ticked.emit()
        slow = self._count % SLOW_TICKS == 0
        self._count += 1
        if self._session is not None:
            self._pull(self._session, slow)
        if slow:
            self.slow_ticked.emit()

    def painted(self, result: Result) -> None:
        """Note that a result has reached the screen; repaints of the same one do not count."""
        key = (result.frame.captured_s, result.frame.index)
        if key != self._measured:
            self._measured = key
            self.meter.painted(result.frame.captured_s, time.monotonic())

    def _pull(self, session: Session, slow: bool) -> None:
        result = session.take()
        if result is not None:
            self.arrived.emit(result)
        if not slow:
            return
        status: EngineStatus = session.status()
        self.read.emit(status)
        if status.state != self._state:
            self._state = status.state
            self.state_changed.emit(status)
