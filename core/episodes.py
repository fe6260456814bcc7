"""Episodes of a score over time, and alarms about them. Pure: time is the source's presentation time, in s.

::

    Sample --> Episodes --> Episode   onset, peak, end, area under the curve, time that was not measurable
           --> Alarms   --> Alarm     raised, with its explanation frozen; stands until somebody acknowledges it

Between two samples the score runs straight, and every crossing of a threshold is placed on that line, so that the
frame rate changes nothing but how finely the curve is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from core.errors import AlarmError

E = TypeVar("E")

LONGEST_STEP_S: Final = 1.0  # between samples; what lies further apart was not watched
NOT_SEEN: Final = "not seen"  # why such time was not measurable


@dataclass(frozen=True)
class Sample:
    """A score at a time, or None and the reason why it was not measurable.

    `alarming` is False where the score must raise no alarm, as under a laugh.
    """

    timestamp_s: float
    score: float | None
    reason: str | None = None
    alarming: bool = True

    def __post_init__(self) -> None:
        if (self.score is None) != (self.reason is not None):
            raise ValueError(f"a sample has a score or a reason, got {self.score} and {self.reason!r}")


@dataclass(frozen=True)
class EpisodeRule:
    """When an episode is one, and when it is worth an alarm.

    Attributes
    ----------
    above, until
        It starts when the score rises to `above` and ends when it falls below `until` (hysteresis).
    bridge_s
        Time that cannot be measured ends an episode when it lasts longer.
    alarm_s
        An alarm is raised when the score was measured for so long within one episode.
    silence_s
        After an acknowledgement no alarm is raised for so long.
    """

    above: float = 4.0
    until: float = 3.0
    bridge_s: float = 2.0
    alarm_s: float = 3.0
    silence_s: float = 60.0

    def __post_init__(self) -> None:
        if not 0 <= self.until <= self.above:
            raise ValueError(f"an episode starts above where it ends, got {self.above} and {self.until}")
        if min(self.bridge_s, self.alarm_s, self.silence_s) < 0:
            raise ValueError(f"times are 0 s or more, got {self}")

    @classmethod
    def starting_at(cls, above: float, **others: float) -> "EpisodeRule":
        """The usual rule at another score: the usual way below it an episode ends."""
        return cls(above, max(above - (cls.above - cls.until), 0.0), **others)


@dataclass(frozen=True)
class Episode:
    """One stretch of time above the rule's thresholds.

    Attributes
    ----------
    onset_s, end_s
        When it started and ended; `end_s` is where it was last measured while it goes on.
    peak, peak_s
        The highest score that was measured, and when.
    area
        Under the curve from 0, score times s, over the measured time alone: a lower bound where some was not.
    unmeasured_s
        Time between onset and end that was not measurable.
    is_open
        It goes on.
    is_cut
        It was not seen to start, or to end: what came before or after was not measurable.
    """

    onset_s: float
    end_s: float
    peak: float
    peak_s: float
    area: float = 0.0
    unmeasured_s: float = 0.0
    is_open: bool = True
    is_cut: bool = False

    @property
    def duration_s(self) -> float:
        """From onset to end, s."""
        return self.end_s - self.onset_s

    @property
    def measured_s(self) -> float:
        """The part of it that was measured, s."""
        return self.duration_s - self.unmeasured_s

    def document(self) -> Mapping[str, object]:
        """For files."""
        names = ("onset_s", "end_s", "duration_s", "peak", "peak_s", "area", "unmeasured_s", "is_open", "is_cut")
        return {name: getattr(self, name) for name in names}

    def carried(self, start: tuple[float, float], end: tuple[float, float], unmeasured_s: float = 0.0) -> "Episode":
        """The episode carried on along a straight piece of the curve, from (time, score) to (time, score)."""
        (start_s, first), (end_s, last) = start, end
        peak, at_s = (last, end_s) if last > self.peak else (self.peak, self.peak_s)
        area = self.area + (end_s - start_s) * (first + last) / 2
        lost_s = self.unmeasured_s + unmeasured_s
        return replace(self, end_s=end_s, peak=peak, peak_s=at_s, area=area, unmeasured_s=lost_s)


class Episodes:
    """Follows one face's score. Samples come in the order of their times; time that runs back starts anew.

    Attributes
    ----------
    ended
        Episodes that are over, in order.
    current
        The one that goes on; None where none does.
    measured_s, unmeasured_s
        Time watched: with a score, and without one by reason. A step counts as measured where both of its ends are.
    """

    def __init__(self, rule: EpisodeRule | None = None) -> None:
        self.rule = rule or EpisodeRule()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.ended: list[Episode] = []
        self.current: Episode | None = None
        self.measured_s = 0.0
        self.unmeasured_s: dict[str, float] = {}
        self._last: Sample | None = None
        self._known: tuple[float, float] | None = None  # the last that was measured: time and score

    @property
    def unmeasured_share(self) -> float | None:
        """Share of the watched time that was not measurable; None before any time has passed."""
        lost_s = sum(self.unmeasured_s.values())
        watched_s = self.measured_s + lost_s
        return lost_s / watched_s if watched_s > 0 else None

    def take(self, sample: Sample) -> None:
        """Take one sample in."""
        last = self._last
        if last is not None and sample.timestamp_s < last.timestamp_s:
            self.clear()
            last = None
        elif last is not None and sample.timestamp_s == last.timestamp_s:
            return  # the same frame again
        self._last = sample
        is_followed = last is not None and self._account(last, sample)
        if sample.score is None:
            self._end_if_lost(sample.timestamp_s)
            return
        here = (sample.timestamp_s, sample.score)
        if is_followed and self._known is not None:
            self._follow(self._known, here)
        else:
            self._resume(here)
        self._known = here

    def document(self) -> dict[str, object]:
        """What was watched, for files."""
        return {
            "measured_s": self.measured_s,
            "unmeasured_s": dict(self.unmeasured_s),
            "unmeasured_share": self.unmeasured_share,
            "episodes": [each.document() for each in (*self.ended, *([self.current] if self.current else []))],
        }

    def _account(self, last: Sample, sample: Sample) -> bool:
        """Count the time between two samples; whether it was measured."""
        step_s = sample.timestamp_s - last.timestamp_s
        reason = NOT_SEEN if step_s > LONGEST_STEP_S else sample.reason or last.reason
        if reason is None:
            self.measured_s += step_s
            return True
        self.unmeasured_s[reason] = self.unmeasured_s.get(reason, 0.0) + step_s
        return False

    def _follow(self, before: tuple[float, float], here: tuple[float, float]) -> None:
        """Carry on along a measured step, which may cross a threshold."""
        rule = self.rule
        if self.current is None:
            if here[1] < rule.above:
                return
            onset = _crossing(before, here, rule.above) if before[1] < rule.above else before
            self.current = Episode(onset[0], onset[0], onset[1], onset[0]).carried(onset, here)
        elif here[1] < rule.until:
            self._end(self.current.carried(before, _crossing(before, here, rule.until)))
        else:
            self.current = self.current.carried(before, here)

    def _resume(self, here: tuple[float, float]) -> None:
        """Go on after time that was not measured, or at the very start."""
        self._end_if_lost(here[0])
        current, rule = self.current, self.rule
        if current is None:
            if here[1] >= rule.above:
                self.current = Episode(here[0], here[0], here[1], here[0], is_cut=True)
        elif here[1] < rule.until:  # it ended somewhere in the gap: at the latest that was measured
            self._end(replace(current, is_cut=True))
        else:
            self.current = current.carried(here, here, unmeasured_s=here[0] - current.end_s)

    def _end_if_lost(self, now_s: float) -> None:
        if self.current is not None and now_s - self.current.end_s > self.rule.bridge_s:
            self._end(replace(self.current, is_cut=True))

    def _end(self, episode: Episode) -> None:
        self.ended.append(replace(episode, is_open=False))
        self.current = None


def _crossing(before: tuple[float, float], here: tuple[float, float], level: float) -> tuple[float, float]:
    share = (level - before[1]) / (here[1] - before[1])
    return before[0] + share * (here[0] - before[0]), level


@dataclass(frozen=True)
class Acknowledgement:
    """Who has seen an alarm, when in the source's time, and when by the clock (ISO 8601, UTC)."""

    name: str
    timestamp_s: float
    at: str


@dataclass(frozen=True)
class Alarm(Generic[E]):
    """An alarm, as it was raised.

    Attributes
    ----------
    raised_s
        When the rule was met.
    episode
        As it stood then.
    explanation
        Of the frame that met the rule; a frozen value, which nothing that comes later changes.
    """

    raised_s: float
    episode: Episode
    explanation: E
    acknowledgement: Acknowledgement | None = None


class Alarms(Generic[E]):
    """Raises alarms over the episodes of one face.

    One stands at a time, until somebody acknowledges it; then there is silence, and after that the next may be raised,
    in the same episode too.

    Parameters
    ----------
    attended
        Whether somebody is there to acknowledge. Else, as over a recording, every episode raises one alarm at most,
        whatever stands.

    Attributes
    ----------
    raised
        All alarms, in order.
    """

    def __init__(self, rule: EpisodeRule | None = None, attended: bool = True) -> None:
        self.episodes, self.attended = Episodes(rule), attended
        self.raised: list[Alarm[E]] = []
        self._alarming_s = 0.0  # measured time within the current episode in which the score might raise an alarm
        self._episode_s: float | None = None  # its onset
        self._silent_until_s = self._timestamp_s = float("-inf")

    @property
    def standing(self) -> Alarm[E] | None:
        """The alarm that nobody has acknowledged yet."""
        last = self.raised[-1] if self.raised else None
        return last if last is not None and last.acknowledgement is None else None

    def take(self, sample: Sample, explanation: E) -> Alarm[E] | None:
        """Take one sample in, and what explains it; the alarm that it raises, if it does.

        Time that runs back ends a silence: it was about another time.
        """
        if sample.timestamp_s < self._timestamp_s:
            self._silent_until_s = float("-inf")
        self._timestamp_s = sample.timestamp_s
        before = self.episodes.current
        self.episodes.take(sample)
        episode = self.episodes.current
        if episode is None:
            self._episode_s, self._alarming_s = None, 0.0
            return None
        measured_s = episode.measured_s
        if before is not None and self._episode_s == episode.onset_s:
            measured_s -= before.measured_s
        else:
            self._episode_s, self._alarming_s = episode.onset_s, 0.0
        if sample.score is None or not sample.alarming:
            return None
        self._alarming_s += measured_s
        late_s = self._alarming_s - self.episodes.rule.alarm_s
        if late_s < 0 or self._is_held_back(episode) or sample.timestamp_s < self._silent_until_s:
            return None
        raised_s = max(sample.timestamp_s - min(late_s, measured_s), self._silent_until_s)
        self.raised.append(Alarm(raised_s, episode, explanation))
        return self.raised[-1]

    def _is_held_back(self, episode: Episode) -> bool:
        """Whether an alarm stands, or where nobody attends, has been raised in this episode."""
        last = self.raised[-1] if self.raised else None
        if self.attended or last is None:
            return self.standing is not None
        return last.episode.onset_s == episode.onset_s

    def acknowledge(self, name: str, timestamp_s: float, at: str) -> Alarm[E]:
        """Acknowledge the alarm that stands. AlarmError where none does, without a name, or before it was raised."""
        alarm = self.standing
        if alarm is None:
            raise AlarmError("There is no alarm to acknowledge.")
        if not name.strip():
            raise AlarmError("An alarm is acknowledged with a name, got none.")
        if timestamp_s < alarm.raised_s:
            raise AlarmError(f"The alarm was raised at {alarm.raised_s:g} s, and acknowledged at {timestamp_s:g} s.")
        self.raised[-1] = replace(alarm, acknowledgement=Acknowledgement(name.strip(), timestamp_s, at))
        self._silent_until_s = timestamp_s + self.episodes.rule.silence_s
        return self.raised[-1]
