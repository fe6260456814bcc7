"""What a person saves: written away from the GUI thread, and where it went is told."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from app.gui import pain_record, snapshot, summary
from app.gui.jobs import Jobs
from app.gui.notice import Message, Way
from app.gui.pain_watch import PainWatch
from app.gui.session import Picture
from app.gui.snapshot import Origin
from app.settings import Settings
from core.baselines import Baseline
from core.tally import Tally
from core.types import Result

FOLDER = Way("folder", "Open folder")


class Saver(QObject):
    """Writes into one folder, one thing after the other."""

    told = Signal(object)  # Message

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._jobs = Jobs("saving")

    def save_snapshot(self, result: Result, picture: Picture, settings: Settings, origin: Origin) -> None:
        """Save what is on the screen, picture and numbers."""
        self._submit(
            "snapshot",
            lambda: snapshot.save(result, picture.draw(result, settings), settings, origin, self._folder),
        )

    def save_summary(self, tally: Tally, origin: Origin) -> None:
        """Save what a session's verdicts add up to now."""
        document, rows = summary.as_document(tally, origin), summary.as_rows(tally)
        self._submit("summary", lambda: summary.save(document, rows, self._folder))

    def save_pain(self, watch: PainWatch, neutrals: Sequence[Baseline], origin: Origin) -> None:
        """Save the episodes and alarms so far."""
        document, rows = pain_record.as_document(watch, neutrals, origin), pain_record.as_rows(watch)
        self._submit("pain record", lambda: pain_record.save(document, rows, self._folder))

    def show_folder(self) -> None:
        """Open the folder on the desktop."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))

    def collect(self) -> None:
        """Report what was written."""
        self._jobs.collect()

    def close(self) -> None:
        """Wait until everything is written."""
        self._jobs.finish()

    def _submit(self, topic: str, work: Callable[[], tuple[Path, Path]]) -> None:
        self._jobs.submit(
            work,
            lambda saved: self._tell_saved(topic, *saved),
            lambda error: self.told.emit(Message(topic, "error", str(error))),
        )

    def _tell_saved(self, topic: str, first: Path, numbers: Path) -> None:
        text = f"Saved {first.name} and its numbers, {numbers.name}, in {first.parent}."
        self.told.emit(Message(topic, "info", text, (FOLDER,), passing=True))
