"""Opens layers away from the GUI thread, and tells the session which layer and which face are looked into."""

from PySide6.QtCore import QObject, Signal

from app.gui.jobs import Jobs
from app.gui.session import OpenLayer, Session


class LayerWatch(QObject):
    """Keeps one layer open while somebody looks; another pack, another wish or another face are followed."""

    opened = Signal(object)  # OpenLayer
    failed = Signal(object)  # Exception

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = Jobs("layers")
        self._session: Session | None = None
        self._open: OpenLayer | None = None
        self._wish: object | None = None  # what is being opened; None where nothing is
        self._failed_pack = ""  # is not tried again by itself
        self._looking = False
        self._face_id = 0

    @property
    def layer(self) -> OpenLayer | None:
        """What is looked into."""
        return self._open

    @property
    def busy(self) -> bool:
        """Whether a layer is being opened."""
        return self._wish is not None

    def watch(self, session: Session | None) -> None:
        """Go over to another session, or to none."""
        if self._session is not None:
            self._session.look_into(None, 0)
        self._session, self._open, self._wish, self._failed_pack = session, None, None, ""

    def look(self, looking: bool) -> None:
        """Look, or no longer: a layer that nobody sees is not computed."""
        self._looking = looking
        self._follow()

    def choose_face(self, face_id: int) -> None:
        """Look at this face."""
        self._face_id = face_id
        self._follow()

    def needs_layer(self) -> bool:
        """Whether the pack in use has no open layer, and nothing has been done about it."""
        if self._session is None or not self._looking or self.busy:
            return False
        pack = self._session.pack
        return pack != self._failed_pack and (self._open is None or self._open.pack != pack)

    def open(self, key: str | None) -> None:
        """Open a layer of the pack in use; an earlier wish is void."""
        session = self._session
        if session is None:
            return
        wish = self._wish = object()
        self._failed_pack = ""
        self._jobs.submit(
            lambda: session.open_layer(key) if wish is self._wish else None,
            lambda found: self._take(wish, found),
            lambda error: self._complain(wish, session.pack, error),
        )

    def lose(self) -> None:
        """The layer could not be read: look into nothing until something else is chosen."""
        if self._session is not None:
            self._failed_pack = self._session.pack
        self._open = None
        self._follow()

    def collect(self) -> None:
        """Report what ended."""
        self._jobs.collect()

    def close(self) -> None:
        """Wait for what runs, drop what waits."""
        self.watch(None)
        self._jobs.close()

    def _take(self, wish: object, found: OpenLayer | None) -> None:
        if wish is not self._wish or found is None:
            return
        self._wish, self._open = None, found
        self._follow()
        self.opened.emit(found)

    def _complain(self, wish: object, pack: str, error: Exception) -> None:
        if wish is self._wish:
            self._wish, self._failed_pack = None, pack
            self.failed.emit(error)

    def _follow(self) -> None:
        if self._session is not None:
            self._session.look_into(self._open if self._looking else None, self._face_id)
