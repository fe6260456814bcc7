"""Opens one session at a time, away from the GUI thread, and closes the one before."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.gui.jobs import Jobs
from app.gui.session import Session, SessionFactory
from app.settings import Settings
from core.sources import DEMO


def first_source(last: str | None, cameras: Sequence[str]) -> str | None:
    """Last time's source where it is still there, else the first camera; None where there is neither."""
    if last is not None and (last in cameras or last == DEMO or "://" in last or Path(last).exists()):
        return last
    return cameras[0] if cameras else None


class Opener(QObject):
    """A camera must be let go before it is opened again: closing and opening are one job, in order."""

    opened = Signal(str, object)  # spec, Session
    failed = Signal(str, object)  # spec, Exception

    def __init__(self, factory: SessionFactory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._factory = factory
        self._jobs = Jobs("opening")
        self._current: Session | None = None  # only touched by the job thread
        self._wanted = ""

    @property
    def busy(self) -> bool:
        """Whether a source is being opened."""
        return self._jobs.busy

    def open(self, spec: str, settings: Settings) -> None:
        """Open a source; a later call makes an earlier one void."""
        self._wanted = spec
        self._jobs.submit(
            lambda: self._replace(spec, settings),
            lambda session: self._report(spec, session),
            lambda error: self.failed.emit(spec, error),
        )

    def collect(self) -> None:
        """Report what ended; called on every tick."""
        self._jobs.collect()

    def close(self) -> None:
        """Stop the current session and wait until its threads are gone."""
        self._wanted = ""
        self._jobs.submit(self._stop, lambda _: None, lambda _: None)
        self._jobs.finish()

    def _replace(self, spec: str, settings: Settings) -> Session | None:
        self._stop()
        if spec != self._wanted:
            return None  # the person has chosen something else meanwhile
        session = self._factory(spec, settings)
        self._current = session
        session.start()
        return session

    def _stop(self) -> None:
        session, self._current = self._current, None
        if session is not None:
            session.stop()

    def _report(self, spec: str, session: Session | None) -> None:
        if session is not None and spec == self._wanted:
            self.opened.emit(spec, session)
