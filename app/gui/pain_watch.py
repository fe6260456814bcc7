"""Watches the scores of all faces: episodes, alarms, and who acknowledged them. What was seen stays until cleared.

Tracking's ids begin again after a jump in time, so a face of before and one of after are watched apart.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Final

from PySide6.QtCore import QObject, Signal

from app.gui.pain_history import PainHistory
from app.gui.pain_moment import Moment, moment
from core.episodes import NOT_SEEN, Alarm, Alarms, Episode, EpisodeRule, Sample
from core.pain import sample
from core.tally import JUMP_S
from core.tracking import COAST_S
from core.types import Result

NO_FACE: Final = "no face in the picture"


@dataclass
class Course:
    """One face for as long as tracking follows it.

    Attributes
    ----------
    alarms
        Its episodes, and the alarms about them.
    last_s
        Time up to which it was watched.
    seen_s
        When it was last in the picture.
    ahead_s
        Of the chart's axis before the source's time.
    is_over
        It is watched no more, as after a jump in time: nothing of it is open.
    """

    face_id: int
    alarms: Alarms[Moment]
    seen_s: float
    last_s: float
    ahead_s: float = 0.0
    is_over: bool = False

    def lines(self) -> Iterator["Line"]:
        """Its episodes in order, each with its alarms."""
        episodes = self.alarms.episodes
        for episode in (*episodes.ended, *([episodes.current] if episodes.current else [])):
            raised = [each for each in self.alarms.raised if each.episode.onset_s == episode.onset_s]
            seen = replace(episode, is_open=False, is_cut=True) if episode.is_open and self.is_over else episode
            yield Line(self, seen, tuple(raised))


@dataclass(frozen=True)
class Line:
    """One episode, as lists show it."""

    course: Course
    episode: Episode
    alarms: tuple[Alarm[Moment], ...]


@dataclass(frozen=True)
class Account:
    """Time that was watched, s: with a score, and without one by reason."""

    measured_s: float
    lost_s: Mapping[str, float]

    @property
    def watched_s(self) -> float:
        """All of it."""
        return self.measured_s + sum(self.lost_s.values())

    def share(self, seconds: float) -> float:
        """So much of it; 0 before any time has passed."""
        return seconds / self.watched_s if self.watched_s > 0 else 0.0


@dataclass(frozen=True)
class Standing:
    """An alarm that nobody has acknowledged yet."""

    course: Course
    alarm: Alarm[Moment]


class PainWatch(QObject):
    """Takes every result, and tells when an alarm is raised and when anything about alarms has changed."""

    raised = Signal(object)  # Standing
    changed = Signal()

    def __init__(self, rule: EpisodeRule, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rule = rule
        self.history = PainHistory()
        self.now_s = 0.0
        self._over: list[Course] = []  # before a jump, or under another rule
        self._courses: dict[int, Course] = {}
        self._moments: dict[int, Moment] = {}  # of the newest frame
        self._last_s: float | None = None
        self.without_face_s = 0.0

    def clear(self) -> None:
        """Forget everything, as for another source."""
        self._over, self._courses, self._moments, self._last_s, self.now_s = [], {}, {}, None, 0.0
        self.without_face_s = 0.0
        self.history.clear()
        self.changed.emit()

    def follow(self, rule: EpisodeRule) -> None:
        """Go by another rule from the next frame on; what was seen under the old one stays."""
        if rule != self.rule:
            self.rule = rule
            self.stop()

    def stop(self) -> None:
        """Watch nobody until the next reading comes; what was seen stays."""
        if self._courses:
            self._begin_anew()

    def take(self, result: Result) -> None:
        """Take one frame in."""
        now_s, self._moments = result.frame.timestamp_s, {}
        if result.faces and all(face.pain is None for face in result.faces):
            self.stop()
            return
        if self._last_s is not None and not 0 <= now_s - self._last_s <= JUMP_S:
            self._begin_anew()
        before_s = now_s if self._last_s is None else self._last_s
        self._last_s = self.now_s = now_s
        self.history.add(now_s, result.faces)
        for face in result.faces:
            if (here := moment(result.frame, face)) is not None:
                self._moments[here.face_id] = here
                self._follow(here)
        self._miss(now_s)
        if not result.faces and not self._courses:
            self.without_face_s += max(now_s - before_s, 0.0)

    def courses(self) -> list[Course]:
        """Everyone who was watched, in order."""
        return [*self._over, *self._courses.values()]

    def moment(self, face_id: int) -> Moment | None:
        """A face in the newest frame; None where it is not in it, or pain was not estimated."""
        return self._moments.get(face_id)

    def of(self, face_id: int) -> Course | None:
        """The face with this id, as tracking names it now."""
        return self._courses.get(face_id)

    def lines(self) -> list[Line]:
        """All episodes, the newest first."""
        return [line for course in reversed(self.courses()) for line in reversed(list(course.lines()))]

    def account(self, course: Course | None = None) -> Account:
        """Time of a face, or of all that was watched, time without any face among it."""
        lost = {} if course is not None else {NO_FACE: self.without_face_s}
        measured_s = 0.0
        for each in self.courses() if course is None else [course]:
            episodes = each.alarms.episodes
            measured_s += episodes.measured_s
            for reason, seconds in episodes.unmeasured_s.items():
                lost[reason] = lost.get(reason, 0.0) + seconds
        return Account(measured_s, {reason: seconds for reason, seconds in lost.items() if seconds > 0})

    @property
    def is_any_open(self) -> bool:
        """Whether an episode goes on."""
        return any(course.alarms.episodes.current is not None for course in self._courses.values())

    @property
    def standing(self) -> list[Standing]:
        """Alarms that nobody has acknowledged yet, the oldest first."""
        found = ((course, course.alarms.standing) for course in self.courses())
        return [Standing(course, alarm) for course, alarm in found if alarm is not None]

    def acknowledge(self, name: str, clock: Callable[[], str] | None = None) -> None:
        """Acknowledge the oldest alarm that stands. AlarmError where none does, or without a name."""
        standing = self.standing
        course = standing[0].course if standing else None
        alarms = Alarms[Moment](self.rule) if course is None else course.alarms
        # An alarm of before a jump is acknowledged at the time up to which its face was watched.
        now_s = self.now_s if course is None or not course.is_over else course.last_s
        alarms.acknowledge(name, now_s, (clock or utc_now)())
        self.changed.emit()

    def _follow(self, here: Moment) -> None:
        course = self._courses.get(here.face_id)
        if course is None:
            now_s = here.timestamp_s
            course = Course(here.face_id, Alarms(self.rule), now_s, now_s, self.history.now_s - now_s)
            self._courses[here.face_id] = course
        course.seen_s = course.last_s = here.timestamp_s
        episodes = course.alarms.episodes
        before = len(episodes.ended), episodes.current is None
        alarm = course.alarms.take(sample(here.reading, here.timestamp_s), here)
        if alarm is not None:
            self.raised.emit(Standing(course, alarm))
        if alarm is not None or before != (len(episodes.ended), episodes.current is None):
            self.changed.emit()

    def _miss(self, now_s: float) -> None:
        """Time in which a face is not seen is not measured, until tracking has let it go."""
        for course in list(self._courses.values()):
            if now_s > course.seen_s + COAST_S:
                self._end(course)
            elif now_s > course.seen_s:
                course.last_s = now_s
                course.alarms.episodes.take(Sample(now_s, None, NOT_SEEN))

    def _begin_anew(self) -> None:
        for course in list(self._courses.values()):
            self._end(course)
        self._last_s = None
        self.changed.emit()

    def _end(self, course: Course) -> None:
        course.is_over = True
        self._over.append(self._courses.pop(course.face_id))
        self.changed.emit()


def utc_now() -> str:
    """The time by the clock, ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
