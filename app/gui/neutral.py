"""Neutral faces as a person sets them in the window: now or over an interval, again, undone, kept in a file.

Nothing here sets one by itself. One that shows units by the population's norm is asked about first. With `one_person`
somebody has said that only one person is watched: then the neutral face that was set last counts for whoever is alone
in the picture, since tracking gives a face another id after a jump in time or a break.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from app.gui import names
from app.gui.notice import Message
from app.gui.pain_watch import utc_now
from app.gui.session import Session
from core.action_units import Reading
from core.baselines import Baseline, Baselines, Change, baseline
from core.errors import MienscopeError
from core.geometry import Floats
from core.types import FaceResult, Result

LONGEST_S: Final = 60.0  # of an interval; it ends by itself there
TOPIC: Final = "neutral"  # of the notices


@dataclass
class Interval:
    """What has been seen of a face since somebody said that it is neutral from here on; measurable frames alone."""

    face_id: int
    start_s: float
    seen: list[tuple[float, Floats, Reading]] = field(default_factory=list)

    @property
    def length_s(self) -> float:
        """From its start to the newest frame."""
        return self.seen[-1][0] - self.start_s if self.seen else 0.0


@dataclass(frozen=True)
class Question:
    """A neutral face that is to be asked about before it is set: it may not be at rest."""

    face_id: int
    proposed: Baseline


class Neutral(QObject):
    """Holds what a person has set; the session holds what is in force.

    Attributes
    ----------
    kept
        Every neutral face of this source and of files, the oldest first: what can be used again.
    interval
        What is being collected; None where nothing is.
    question
        What waits for an answer.
    person
        The name that the next neutral face is set under; empty takes the face's.
    """

    told = Signal(object)  # Message
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session: Session | None = None
        self.clear()

    def clear(self) -> None:
        """There is another source, and so there are other faces."""
        self._session = None
        self._faces: tuple[FaceResult, ...] = ()
        self._selected = 0
        self._timestamp_s = 0.0
        self.kept: list[Baseline] = []
        self.interval: Interval | None = None
        self.question: Question | None = None
        self.one_person = False
        self.person = ""
        self.changed.emit()

    def begin(self, session: Session) -> None:
        """Take the session whose faces are compared."""
        self._session = session

    @property
    def baselines(self) -> Baselines:
        """What is in force."""
        return Baselines() if self._session is None else self._session.baselines

    def of(self, face_id: int) -> Baseline | None:
        """The neutral face that a face is held against; None where the norm counts."""
        return self.baselines.of(face_id)

    def show_result(self, result: Result, selected: int) -> None:
        """Take a frame in; `selected` is the face that commands are about."""
        self._timestamp_s = result.frame.timestamp_s
        self._faces, self._selected = result.faces, selected
        self._collect(result)
        if self.one_person and len(result.faces) == 1 and self.kept:
            face_id = result.faces[0].observation.face_id
            if result.faces[0].pain is not None and self.of(face_id) is None:
                self._compare_with(self.baselines.set(face_id, self.kept[-1]))

    def select(self, face_id: int) -> None:
        """Let commands be about this face."""
        self._selected = face_id

    @property
    def _face(self) -> FaceResult | None:
        return next((face for face in self._faces if face.observation.face_id == self._selected), None)

    # What a person says

    def set_now(self) -> None:
        """The selected face is neutral in this frame."""
        face = self._measured()
        if face is not None and face.pain is not None:
            observation = face.observation
            self._propose(observation.face_id, [(self._timestamp_s, observation.landmarks, face.pain.face)])

    def toggle_interval(self) -> None:
        """The selected face is neutral from here on; or it was until here."""
        if self.interval is not None:
            self._end_interval()
            return
        face = self._measured()
        if face is not None:
            self.interval, self.question = Interval(face.observation.face_id, self._timestamp_s), None
            self._collect_one(face)
            self.changed.emit()

    def answer(self, is_neutral: bool) -> None:
        """Whether a face that was asked about is neutral all the same."""
        asked, self.question = self.question, None
        if asked is not None and is_neutral:
            self._set(asked.face_id, asked.proposed)
        self.changed.emit()

    def cancel(self) -> bool:
        """Let a question or an interval go; False where there is neither."""
        was_any = self.question is not None or self.interval is not None
        self.question = self.interval = None
        if was_any:
            self.changed.emit()
        return was_any

    def use(self, own: Baseline) -> None:
        """Hold the selected face against one that was set before, or kept in a file."""
        if self._face is not None:
            self._set(self._face.observation.face_id, own)

    def use_norm(self) -> None:
        """Hold the selected face against the population's norm again."""
        if self._face is not None and self.of(self._face.observation.face_id) is not None:
            self.one_person = False
            self._compare_with(self.baselines.cleared(self._face.observation.face_id))

    def undo(self) -> None:
        """As before the last act."""
        before = self.baselines
        if not before.changes:
            self._tell("There is nothing to undo: no neutral face was set since the last jump.")
            return
        self.one_person = False
        self._compare_with(before.undone())
        self._tell(f"Undone: {_act(before.changes[-1])}.")

    def rename(self, person: str) -> None:
        """Call the person so, and the neutral face that the selected face is held against, too."""
        self.person = person.strip()
        own = None if self._face is None else self.of(self._face.observation.face_id)
        if own is None or not self.person or own.person == self.person:
            return
        renamed = replace(own, person=self.person)
        self.kept = [renamed if each is own else each for each in self.kept]
        changes = (replace(each, baseline=renamed) if each.baseline is own else each for each in self.baselines.changes)
        self._compare_with(Baselines(tuple(changes)))

    def set_one_person(self, wanted: bool) -> None:
        """Whether only one person is watched."""
        self.one_person = wanted and bool(self.kept)
        self.changed.emit()

    def save(self, path: Path) -> None:
        """Keep the selected face's neutral face in a file."""
        own = None if self._face is None else self.of(self._face.observation.face_id)
        if own is None:
            self._tell("There is no neutral face to save: this face goes by the population's norm.")
            return
        try:
            own.write(path)
        except MienscopeError as error:
            self.told.emit(Message(TOPIC, "error", str(error)))
        else:
            self._tell(f"Saved the neutral face of {own.person} as {path}. A face can be drawn from it: keep it safe.")

    def load(self, path: Path) -> None:
        """Hold the selected face against one from a file; what is doubtful is asked about."""
        try:
            own = Baseline.read(path)
        except MienscopeError as error:
            self.told.emit(Message(TOPIC, "error", str(error)))
            return
        if self._face is None:
            self._tell("There is no face in the picture to compare with it.")
        else:
            self._ask_or_set(self._face.observation.face_id, own)

    def _measured(self) -> FaceResult | None:
        """The selected face; None, and why, where a neutral face cannot be taken from it now."""
        face = self._face
        if face is None or face.pain is None:
            self._tell("There is no face to call neutral here." if face is None else "Pain is not being estimated.")
            return None
        if face.pain.reason is not None:
            name = names.face_name(face.observation.face_id)
            self._tell(f"Face {name} cannot be measured now ({face.pain.reason}), so it is not taken as neutral.")
            return None
        return face

    def _collect(self, result: Result) -> None:
        interval = self.interval
        if interval is None:
            return
        now_s, last_s = result.frame.timestamp_s, interval.seen[-1][0] if interval.seen else interval.start_s
        if now_s < last_s or now_s - last_s > LONGEST_S:
            self.cancel()
            self._tell("Time has jumped, so nothing was taken as neutral.")
            return
        for face in result.faces:
            if face.observation.face_id == interval.face_id and now_s > last_s:
                self._collect_one(face)
        if now_s - interval.start_s >= LONGEST_S:
            self._end_interval()

    def _collect_one(self, face: FaceResult) -> None:
        if self.interval is not None and face.pain is not None and face.pain.reason is None:
            self.interval.seen.append((self._timestamp_s, face.observation.landmarks, face.pain.face))

    def _end_interval(self) -> None:
        interval, self.interval = self.interval, None
        assert interval is not None
        self._propose(interval.face_id, interval.seen)

    def _propose(self, face_id: int, seen: list[tuple[float, Floats, Reading]]) -> None:
        person = self.person or f"Face {names.face_name(face_id)}"
        self._ask_or_set(face_id, baseline(person, seen, utc_now()))

    def _ask_or_set(self, face_id: int, own: Baseline) -> None:
        if own.doubts:
            self.question = Question(face_id, own)
            self.changed.emit()
        else:
            self.question = None
            self._set(face_id, own)

    def _set(self, face_id: int, own: Baseline) -> None:
        self.kept = [each for each in self.kept if each is not own] + [own]
        self._compare_with(self.baselines.set(face_id, own))

    def _compare_with(self, baselines: Baselines) -> None:
        if self._session is not None:
            self._session.compare_with(baselines)
        self.changed.emit()

    def _tell(self, text: str) -> None:
        self.told.emit(Message(TOPIC, "info", text, passing=True))


def _act(change: Change) -> str:
    name = names.face_name(change.face_id)
    if change.baseline is None:
        return f"face {name} goes by the population's norm"
    return f"face {name} is compared with {change.baseline.person}"
