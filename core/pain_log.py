"""What a recording's pain scores add up to, per face: episodes, alarms, and the time that was not measurable, and why.

No frame and no picture is kept, but the reading that explains an alarm.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from core.episodes import NOT_SEEN, Alarm, Alarms, EpisodeRule, Sample
from core.overlay import NOTICE, face_name
from core.pain import because, sample
from core.pain_network import NOTE as SECOND_ROAD
from core.pspi import MOST, PainReading
from core.tracking import COAST_S
from core.types import Agreement, Result

NO_FACE: Final = "no face in the picture"


@dataclass
class Roads:
    """How far both roads to pain agreed over measured faces; see `core.types.Agreement`.

    Attributes
    ----------
    reads
        How often the network read the same, more or less.
    difference, distance
        Sums of its score less the other, and of how far they lay apart, points.
    compared, alike
        In how many explained frames their regions could be compared, and the sum of the rank correlations.
    """

    reads: Counter[str] = field(default_factory=Counter)
    difference: float = 0.0
    distance: float = 0.0
    compared: int = 0
    alike: float = 0.0

    def take(self, agreement: Agreement) -> None:
        """Count one face of one frame."""
        self.reads[agreement.reads] += 1
        self.difference += agreement.difference
        self.distance += abs(agreement.difference)
        if agreement.regions is not None:
            self.compared += 1
            self.alike += agreement.regions

    @property
    def frames(self) -> int:
        """How many faces of frames were counted."""
        return self.reads.total()

    @property
    def agreeing_share(self) -> float:
        """Share of them in which both agreed; of none, 0."""
        return self.reads["same"] / max(self.frames, 1)

    @property
    def mean_distance(self) -> float:
        """How far the scores lay apart on average, points; of none, 0."""
        return self.distance / max(self.frames, 1)

    @property
    def mean_difference(self) -> float:
        """The network's score less the other on average, points; of none, 0."""
        return self.difference / max(self.frames, 1)

    def document(self) -> dict[str, object] | None:
        """The numbers, for files; None where nothing was read by a network."""
        if not self.frames:
            return None
        return {
            "frames": self.frames,
            "agreeing_share": self.agreeing_share,
            "reads_more_share": self.reads["more"] / self.frames,
            "reads_less_share": self.reads["less"] / self.frames,
            "mean_difference": self.mean_difference,
            "mean_absolute_difference": self.mean_distance,
            "frames_with_regions_compared": self.compared,
            "mean_regions_correlation": self.alike / self.compared if self.compared else None,
        }


@dataclass
class FaceLog:
    """One face, as long as tracking follows it.

    Attributes
    ----------
    frames
        In which it was seen.
    unmeasured
        In how many of these it was not measurable, by reason.
    highest
        The highest score, and when; None before any was measured.
    seen_s
        When it was last in the picture.
    roads
        How far the network agreed.
    """

    alarms: Alarms[PainReading]
    frames: int = 0
    unmeasured: Counter[str] = field(default_factory=Counter)
    highest: tuple[float, float] | None = None
    seen_s: float = float("-inf")
    roads: Roads = field(default_factory=Roads)

    def take(self, reading: PainReading, timestamp_s: float, in_time: bool) -> None:
        """Take one frame in; `in_time` where frames follow each other."""
        self.frames += 1
        self.seen_s = timestamp_s
        if reading.score is None:
            self.unmeasured[reading.reason or ""] += 1
        elif self.highest is None or reading.score.pspi > self.highest[0]:
            self.highest = reading.score.pspi, timestamp_s
        if in_time:
            self.alarms.take(sample(reading, timestamp_s), reading)

    @property
    def unmeasured_share(self) -> float:
        """Of the time in which it was followed; of the frames where there was none."""
        by_time = self.alarms.episodes.unmeasured_share
        return self.unmeasured.total() / max(self.frames, 1) if by_time is None else by_time

    def document(self) -> dict[str, object]:
        """The numbers, for files."""
        peak = None if self.highest is None else {"pspi": self.highest[0], "timestamp_s": self.highest[1]}
        return {
            "frames": self.frames,
            "frames_unmeasured": dict(self.unmeasured),
            "highest": peak,
            **self.alarms.episodes.document(),
            "by_network": self.roads.document(),
            "unmeasured_share": self.unmeasured_share,
            "alarms": [_alarm(each) for each in self.alarms.raised],
        }


class PainLog:
    """Takes results in the order of their frames; a `core.export.ResultWriter`.

    Parameters
    ----------
    rule
        When an episode is one, and worth an alarm. Nobody attends a recording: see `core.episodes.Alarms`.
    stills
        Whether frames are unrelated pictures: then frames are counted, and there is neither time, nor an episode, nor
        a face that could be told from those of other pictures.

    Attributes
    ----------
    without_face_s
        Time in which no face was in the picture, nor waited for by tracking.
    roads
        How far the network agreed, over all faces.
    network
        Id and version of the pack whose network read pain too, and what it was taught; None where none did.
    """

    def __init__(self, rule: EpisodeRule | None = None, stills: bool = False) -> None:
        self.rule, self.stills = rule or EpisodeRule(), stills
        self.faces: dict[int, FaceLog] = {}
        self.frames = self.frames_without_face = 0
        self.without_face_s = 0.0
        self.roads = Roads()
        self.network: tuple[str, str] | None = None
        self._last_s: float | None = None

    def write(self, result: Result) -> None:
        """Take in one frame."""
        now_s = result.frame.timestamp_s
        self.frames += 1
        self.frames_without_face += not result.faces
        for face in result.faces:
            if face.pain is not None:
                log = self.faces.setdefault(face.observation.face_id, FaceLog(Alarms(self.rule, attended=False)))
                log.take(face.pain, now_s, not self.stills)
                if (read := face.pain_by_network) is not None:
                    self.network = read.pack, read.learnt_from
                    log.roads.take(read.agreement)
                    self.roads.take(read.agreement)
        if not self.stills:
            missed = [log for log in self.faces.values() if log.seen_s < now_s <= log.seen_s + COAST_S]
            for log in missed:
                log.alarms.episodes.take(Sample(now_s, None, NOT_SEEN))
            if self._last_s is not None and not result.faces and not missed:
                self.without_face_s += max(now_s - self._last_s, 0.0)
        self._last_s = now_s

    def close(self) -> None:
        """Nothing to finish."""

    @property
    def unmeasured(self) -> Mapping[str, float]:
        """Shares of all that was to be measured that were not, by reason, largest first: of the time, or of stills.

        Time without any face is part of it.
        """
        lost: dict[str, float] = {NO_FACE: self.frames_without_face if self.stills else self.without_face_s}
        measured = 0.0
        for log in self.faces.values():
            episodes = log.alarms.episodes
            measured += log.frames - log.unmeasured.total() if self.stills else episodes.measured_s
            for reason, amount in (log.unmeasured if self.stills else episodes.unmeasured_s).items():
                lost[reason] = lost.get(reason, 0.0) + amount
        total = measured + sum(lost.values())
        ordered = sorted(lost.items(), key=lambda each: -each[1])
        return {reason: amount / total for reason, amount in ordered if amount > 0}

    def document(self) -> dict[str, object]:
        """Everything, for a JSON file."""
        return {
            "notice": NOTICE,
            "scale": f"PSPI, 0 to {MOST:g}",
            "rule": None if self.stills else asdict(self.rule),
            "without_face_s": None if self.stills else self.without_face_s,
            "frames_without_face": self.frames_without_face,
            "unmeasured_share": sum(self.unmeasured.values()),
            "unmeasured_share_by_reason": dict(self.unmeasured),
            "by_network": self._by_network(),
            "faces": [] if self.stills else [self._face(face_id) for face_id in sorted(self.faces)],
        }

    def _by_network(self) -> dict[str, object] | None:
        if self.network is None:
            return None
        pack, learnt_from = self.network
        return {"note": SECOND_ROAD, "pack": pack, "learnt_from": learnt_from, **(self.roads.document() or {})}

    def _face(self, face_id: int) -> dict[str, object]:
        return {"face_id": face_id, "name": face_name(face_id), **self.faces[face_id].document()}


def _alarm(alarm: Alarm[PainReading]) -> dict[str, object]:
    """An alarm with its frozen explanation."""
    why = because(alarm.explanation)
    return {
        "raised_s": alarm.raised_s,
        "episode": alarm.episode.document(),
        "explanation": {**alarm.explanation.document(), "regions": dict(why.by_region())},
    }
