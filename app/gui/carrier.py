"""Carries a filter's maximum in the face on screen back to the pixels, away from the GUI thread."""

import time
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Signal

from app.gui.jobs import Jobs
from app.gui.session import OpenLayer, Session
from core.neurons.lens import CarriedBack
from core.types import Crop

LEAST_S: Final = 0.2  # between two pictures: as often as anybody compares them with the face
IDLE: Final = 4.0  # the thread rests this many times as long as it worked: the video goes first
SETTLED_S: Final = 0.4  # a layer that is only passed by is not compiled


@dataclass(frozen=True)
class Ask:
    """Which filter of which layer, at which place of its map (row, column), in which face."""

    opened: OpenLayer
    channel: int
    place: tuple[int, int]
    cut: Crop
    face_id: int

    def same_filter(self, other: "Ask") -> bool:
        """Whether the answer to the other is about the same filter of the same face."""
        return (self.opened, self.channel, self.face_id) == (other.opened, other.channel, other.face_id)


class Carrier(QObject):
    """One question at a time, the newest; a layer that refused is not asked again."""

    arrived = Signal(object, object)  # Ask, CarriedBack
    failed = Signal(object, object)  # Ask, Exception

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = Jobs("neurons")
        self._session: Session | None = None
        self._opened: OpenLayer | None = None
        self._opened_s = 0.0  # when that layer was first asked about
        self._refused: OpenLayer | None = None
        self._compiled: OpenLayer | None = None
        self._last: Ask | None = None
        self._free_s = 0.0

    def watch(self, session: Session | None) -> None:
        """Ask this session from now on."""
        self._session, self._last, self._refused, self._opened = session, None, None, None

    def ask(self, wish: Ask) -> None:
        """Ask, where it is time for another picture; otherwise the wish is dropped: a newer frame will bring one."""
        now, session = time.monotonic(), self._session
        if wish.opened is not self._opened:
            self._opened, self._opened_s = wish.opened, now
        if session is None or self._jobs.busy or now < self._free_s or wish.opened is self._refused:
            return
        if now - self._opened_s < SETTLED_S or self._is_answered(wish):
            return
        self._last = wish
        self._jobs.submit(
            lambda: _timed(session, wish),
            lambda answer: self._take(wish, *answer),
            lambda error: self._complain(wish, error),
        )

    def collect(self) -> None:
        """Report what ended."""
        self._jobs.collect()

    def close(self) -> None:
        """Wait for what runs."""
        self._jobs.close()

    def _is_answered(self, wish: Ask) -> bool:
        """Whether it has been asked already: a picture that stands."""
        last = self._last
        return last is not None and wish.same_filter(last) and wish.cut is last.cut

    def _take(self, wish: Ask, found: CarriedBack, seconds: float) -> None:
        rest_s = IDLE * seconds if wish.opened is self._compiled else 0.0  # the first time a layer is compiled
        self._compiled = wish.opened
        self._free_s = time.monotonic() + max(rest_s, LEAST_S)
        self.arrived.emit(wish, found)

    def _complain(self, wish: Ask, error: Exception) -> None:
        self._refused = wish.opened
        self.failed.emit(wish, error)


def _timed(session: Session, wish: Ask) -> tuple[CarriedBack, float]:
    """The answer, and how long it took, s."""
    started_s = time.perf_counter()
    found = session.carry_back(wish.opened, wish.channel, wish.place, wish.cut)
    return found, time.perf_counter() - started_s
