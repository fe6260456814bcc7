"""Packs and methods change while the video runs: what is shown goes on until what was chosen is ready."""

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QObject, Signal

from app.gui import troubles
from app.gui.choices import Choices
from app.gui.notice import Message
from app.gui.preparer import Preparer
from app.gui.session import Session
from app.settings import OFF, Settings
from core.errors import ExplainError
from core.explain import Method
from core.packs import DEFAULT_LANDMARK_PACK, DEFAULT_PACK

ANALYSIS: Final = {
    *("pack", "method", "target", "against", "explain_every", "region_mode"),
    *("points", "landmark_pack"),
    *("pain", "pain_only", "pain_smoothing_s"),
}
SAY_AFTER_TICKS: Final = 2  # of the slow clock: what is ready sooner needs no words
PREPARING: Final = "preparing"  # topic of the notice


class Exchange(QObject):
    """Lets a session go by the choices, at once or as soon as what they need has been prepared."""

    told = Signal(object)  # Message
    settled = Signal()  # nothing is being prepared any more
    pack_taken = Signal(object)  # Session, which now goes by another pack
    failed = Signal(object, object)  # Exception, Message

    def __init__(self, choices: Choices, methods: Mapping[str, Method], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self._methods = methods
        self._session: Session | None = None
        self._in_force = choices.settings  # what the session goes by; the choices may be ahead of it
        self._ticks = 0
        self._preparer = Preparer(self)
        self._preparer.ready.connect(self._put_in_force)
        self._preparer.failed.connect(self._take_unprepared)

    @property
    def wanted(self) -> Settings | None:
        """What is being prepared; None where nothing is."""
        return self._preparer.wanted

    def forget(self) -> None:
        """There is no session; the next one will be opened with the choices as they are now."""
        self._session = None
        self._preparer.forget()
        self._in_force = self._choices.settings

    def begin(self, session: Session) -> None:
        """Take a session that has been opened; the choices may have changed meanwhile."""
        self._session = session
        self.pack_taken.emit(session)
        self.follow()

    def follow(self) -> None:
        """Let the session go by the choices: at once, or as soon as what they need is ready."""
        if self._session is None:
            return
        self._ticks = 0
        settings = self._choices.settings
        if self._session.ready(settings):
            self._preparer.forget()
            self._put_in_force(settings)
        else:
            self._preparer.prepare(self._session, settings)

    def collect(self) -> None:
        """Report what ended; called on every tick."""
        self._preparer.collect()

    def slow_tick(self) -> None:
        """Say what is being prepared, where it takes a while."""
        wanted = self._preparer.wanted
        if wanted is None:
            return
        self._ticks += 1
        if self._ticks == SAY_AFTER_TICKS:
            what = self._title(wanted.method)
            if wanted.pack != self._in_force.pack:
                what = f"pack {wanted.pack or DEFAULT_PACK}"
            elif self._lacks_landmarks_alone(wanted):
                what = "the landmark network"
            text = f"Preparing {what}… What is shown goes on until it is ready."
            self.told.emit(Message(PREPARING, "info", text))

    def close(self) -> None:
        """Wait for what runs, drop what waits."""
        self._preparer.close()

    def _put_in_force(self, settings: Settings) -> None:
        assert self._session is not None
        self._session.analyse(settings)
        other_pack = settings.pack != self._in_force.pack
        self._in_force = settings
        self.settled.emit()
        if other_pack:
            self.pack_taken.emit(self._session)

    def _take_unprepared(self, wanted: Settings, error: Exception) -> None:
        """What was wanted cannot be had: say so, and stay with what is shown."""
        self.settled.emit()
        before = self._in_force
        if self._lacks_landmarks_alone(wanted):
            self._choices.change(points=False, landmark_pack=None)
            name = f"Landmark network {wanted.landmark_pack or DEFAULT_LANDMARK_PACK}"
            self.failed.emit(error, troubles.unprepared(error, name, "so faces are read without one"))
            return
        method = self._title(wanted.method)
        if wanted.pack != before.pack and isinstance(error, ExplainError):
            self._choices.set("method", OFF)  # the pack itself is in order
            text = "so nothing is explained until you choose again"
            self.failed.emit(error, troubles.unprepared(error, method, text))
            return
        name = method if wanted.pack == before.pack else f"Pack {wanted.pack or DEFAULT_PACK}"
        self._choices.change(pack=before.pack, method=before.method)
        old = self._title(before.method) if wanted.pack == before.pack else "the old one"
        self.failed.emit(error, troubles.unprepared(error, name, f"so {old} goes on"))

    def _lacks_landmarks_alone(self, wanted: Settings) -> bool:
        """Whether it is the landmark network that is not ready."""
        return wanted.points and self._session is not None and self._session.ready(wanted.changed(points=False))

    def _title(self, method: str) -> str:
        return self._methods[method].title if method in self._methods else method
