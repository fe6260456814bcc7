"""Loads packs and compiles methods away from the GUI thread, while what is shown goes on with the old ones."""

from PySide6.QtCore import QObject, Signal

from app.gui.jobs import Jobs
from app.gui.session import Session
from app.settings import Settings


class Preparer(QObject):
    """Prepares settings for a session; only the last wish counts."""

    ready = Signal(object)  # Settings
    failed = Signal(object, object)  # Settings, Exception

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = Jobs("preparing")
        self._wanted: Settings | None = None

    @property
    def wanted(self) -> Settings | None:
        """What is being prepared; None where nothing is."""
        return self._wanted

    def prepare(self, session: Session, settings: Settings) -> None:
        """Prepare these settings; an earlier wish is void."""
        self._wanted = settings
        self._jobs.submit(
            lambda: self._work(session, settings),
            lambda _: self._report(settings),
            lambda error: self._complain(settings, error),
        )

    def forget(self) -> None:
        """Nothing is wanted any more; what runs ends unheard."""
        self._wanted = None

    def collect(self) -> None:
        """Report what ended; called on every tick."""
        self._jobs.collect()

    def close(self) -> None:
        """Wait for what runs, drop what waits."""
        self._wanted = None
        self._jobs.close()

    def _work(self, session: Session, settings: Settings) -> None:
        if settings is self._wanted:  # else the person has chosen something else meanwhile
            session.prepare(settings)

    def _report(self, settings: Settings) -> None:
        if settings is self._wanted:
            self._wanted = None
            self.ready.emit(settings)

    def _complain(self, settings: Settings, error: Exception) -> None:
        if settings is self._wanted:
            self._wanted = None
            self.failed.emit(settings, error)
