"""Plays, pauses and seeks: what the keys and the row below the video ask of a session."""

from PySide6.QtCore import QObject

from app.gui.session import Session
from core.engine import EngineStatus


class Player(QObject):
    """Drives one session at a time; `status` is how it stood when it last said so."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.status: EngineStatus | None = None
        self._session: Session | None = None

    def watch(self, session: Session | None) -> None:
        """Drive this session; None drives nothing."""
        self._session, self.status = session, None

    # What the table of commands names

    def toggle_pause(self) -> None:
        """Pause, go on, or begin again at the end."""
        if self._session is None or self.status is None:
            return
        if self.status.state == "running":
            self._session.pause()
        else:
            self._session.resume()

    def step(self, frames: int) -> None:
        """Show the next or the previous frame, paused."""
        if self._session is not None:
            self._session.step(int(frames))

    def skip(self, seconds: float) -> None:
        """Go on or back by some seconds."""
        if self.status is not None and self.status.position_s is not None:
            self.seek(self.status.position_s + seconds)

    def rewind(self) -> None:
        """Go to the first frame."""
        self.seek(self.status.start_s if self.status else 0.0)

    def seek(self, timestamp_s: float) -> None:
        """Go to a place in the file."""
        status = self.status
        if self._session is not None and status is not None and status.seekable:
            end = status.start_s + status.duration_s if status.duration_s is not None else timestamp_s
            self._session.seek(min(max(timestamp_s, status.start_s), end))

    def play_from_start(self) -> None:
        """Go to the first frame and on from there."""
        if self._session is not None:
            self.rewind()
            self._session.resume()
