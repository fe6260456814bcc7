"""Pain in the faces of a video: PSPI with its interval, or why it is not measurable, and what it is made of.

::

    landmarks, picture --> action units --> smoothed --> core.pspi        Score
                                |                        core.noise       its interval
                                |                        core.quality     Quality: a number, or a reason
                                `--> because             Why: landmarks, skin and regions behind each part

Nothing here learns from what it sees: a face is held against the population's norm, or against the baseline that
somebody has set for it (`core.baselines`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core import pspi
from core.action_units import ActionUnits, Reading, Smoothing, compare, contributions, read
from core.action_units.fitted import fitted
from core.action_units.smoothing import TIME_CONSTANT_S
from core.action_units.texture import DIRECTIONS, places
from core.action_units.units import MAX
from core.baselines import Baselines
from core.episodes import Sample
from core.geometry import Floats, Image, frozen
from core.likeness import Likeness, LipCourse, likeness
from core.noise import errors
from core.point_regions import point_regions
from core.pspi import CLOSED, CLOSED_FROM, PRESENT, UNITS, Look, PainReading, Part, Score
from core.quality import TALKING, Talking, quality
from core.regions import REGIONS
from core.types import FaceObservation

WIDTH: Final = 2.0  # of the interval to either side, standard deviations
BLINK_S: Final = 0.5  # a closure of at most so long is a blink, AU45, and no AU43 (FACS)
ALARMING: Final = 0.1  # a face that is pain-like by less raises no alarm
ALARMING_SMILE: Final = 0.5  # nor one by less whose lip corners are pulled up
FORGOTTEN_S: Final = 2.0  # what is remembered of a face that is not seen for longer is let go


class PainReader:
    """Reads every face of every frame, in order; it keeps what it has to remember of them.

    Parameters
    ----------
    smoothing_s
        Time constant of the units, see `core.action_units.Smoothing`.
    stills
        Whether frames are unrelated pictures: then nothing is remembered, and closed eyes are closed.

    Attributes
    ----------
    baselines
        The neutral faces that somebody has set. They are never changed here.
    """

    def __init__(self, smoothing_s: float = TIME_CONSTANT_S, stills: bool = False) -> None:
        self.smoothing_s, self.stills = smoothing_s, stills
        self.baselines = Baselines()
        self._courses: dict[int, _Course] = {}

    def reset(self) -> None:
        """Forget every face, as after a seek."""
        self._courses.clear()

    def read(self, faces: Sequence[FaceObservation], image: Image, timestamp_s: float) -> list[PainReading]:
        """Action units and PSPI of each face of a frame, RGB uint8 [height, width, 3]."""
        self._courses = {
            name: course
            for name, course in self._courses.items()
            if not self.stills and abs(timestamp_s - course.seen_s) <= FORGOTTEN_S
        }
        return [self._read(face, image, timestamp_s) for face in faces]

    def _read(self, face: FaceObservation, image: Image, timestamp_s: float) -> PainReading:
        course = self._courses.setdefault(face.face_id, _Course(self.smoothing_s))
        own = self.baselines.of(face.face_id)
        neutral = None if own is None else own.reading
        course.go_by(neutral)
        seen = read(face.landmarks, image)
        made, found = compare(seen, neutral), quality(seen, face.landmarks, image)
        if found.reason is not None:  # what cannot be trusted must not live on in the frames after it
            return PainReading(made.units, made, None, found.value, found.reason, seen, neutral)
        units = course.smoothing.take(made.units, timestamp_s)
        closed = course.closed(units.of(CLOSED) >= CLOSED_FROM, timestamp_s, 0.0 if self.stills else BLINK_S)
        if course.talking.take(seen, timestamp_s):
            return PainReading(units, made, None, 0.0, TALKING, seen, neutral)
        like = None if neutral is None else self._likeness(course, seen, units, timestamp_s)
        measured = score(pspi.intensities(units), errors(seen, neutral, made), closed)
        return PainReading(units, made, measured, found.value, None, seen, neutral, like)

    def _likeness(self, course: "_Course", seen: Reading, units: ActionUnits, timestamp_s: float) -> Likeness:
        """How much a face is like pain, by the norm and by its own neutral face together."""
        by_norm = course.by_norm.take(compare(seen).units, timestamp_s)
        return likeness(by_norm, units, 0.0 if self.stills else course.lips.take(by_norm, timestamp_s))


class _Course:
    """What is remembered of one face."""

    def __init__(self, smoothing_s: float) -> None:
        self.smoothing, self.by_norm = Smoothing(smoothing_s), Smoothing(smoothing_s)
        self.lips = LipCourse()
        self.talking = Talking()
        self.seen_s = float("-inf")
        self._closed_since_s: float | None = None
        self._neutral: Reading | None = None

    def go_by(self, neutral: Reading | None) -> None:
        """Hold the face against this from now on; units against another one are not carried on."""
        if neutral is not self._neutral:
            self._neutral = neutral
            self.smoothing.clear()

    def closed(self, is_closed: bool, now_s: float, blink_s: float) -> bool:
        """Whether the eyes have been closed for longer than a blink."""
        if now_s < self.seen_s:
            self._closed_since_s = None
        self.seen_s = now_s
        if not is_closed:
            self._closed_since_s = None
            return False
        if self._closed_since_s is None:
            self._closed_since_s = now_s
        return now_s - self._closed_since_s >= blink_s


def score(intensities: NDArray[np.float64], error: NDArray[np.float64], is_closed: bool) -> Score:
    """PSPI with its interval.

    The score never falls when a unit rises, so that each part has a lower and an upper value, at `WIDTH` standard
    deviations of its units within 0..5. Their distances are added in squares, as of errors that know nothing of each
    other.

    Parameters
    ----------
    intensities, error
        Of `core.pspi.UNITS`, float64 [6]: 0..5, and their standard deviations.
    is_closed
        Whether the eyes count as closed; the interval goes by the estimate alone, and so holds a blink too.
    """
    shown = pspi.parts(intensities, is_closed)
    ends = [np.clip(intensities + sign * WIDTH * error, 0, MAX) for sign in (-1, 1)]
    eyes = UNITS.index(CLOSED)
    lower, upper = (pspi.parts(end, bool(end[eyes] >= CLOSED_FROM)) for end in ends)
    total = sum(part.value for part in shown)
    below = _distance(shown, lower, -1)
    above = _distance(shown, upper, 1)
    return Score(shown, max(total - below, 0.0), min(total + above, pspi.MOST))


def _distance(shown: Sequence[Part], end: Sequence[Part], sign: int) -> float:
    ways = [max(sign * (far.value - near.value), 0.0) for near, far in zip(shown, end, strict=True)]
    return float(np.sqrt(np.square(ways).sum()))


def sample(reading: PainReading, timestamp_s: float) -> Sample:
    """The reading as episodes and alarms take it.

    A laugh raises no alarm, nor does what the model of look-alikes is sure is another expression; with an own neutral
    face a laugh is what has its lip corners pulled up and is not called pain-like. Anything else that scores raises
    one: an alarm too many is seen, a missed one is not.
    """
    value = None if reading.score is None else reading.score.pspi
    return Sample(timestamp_s, value, reading.reason, alarming=_is_alarming(reading))


def _is_alarming(reading: PainReading) -> bool:
    if reading.likeness is None:
        return reading.look is not Look.LAUGH
    least = ALARMING if reading.units.of(12) < PRESENT else ALARMING_SMILE
    return reading.likeness.probability >= least


@dataclass(frozen=True)
class Why:
    """What one frame's score is made of, part by part, all in points of the score.

    Attributes
    ----------
    parts
        As shown.
    landmarks
        float32 [parts, 478]: what each landmark adds.
    regions
        float32 [parts, REGIONS]: the same by region, landmarks and skin together.
    gap
        float32 [parts]: what of each part is not of this frame: units follow with a time constant, so that some of
        them is left of the frames before.
    sentence
        In words.
    """

    parts: tuple[Part, ...]
    landmarks: Floats
    regions: Floats
    gap: Floats
    sentence: str

    def __post_init__(self) -> None:
        for name in ("landmarks", "regions", "gap"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    def by_region(self) -> Mapping[str, float]:
        """What each region adds to the score."""
        return dict(zip(REGIONS, self.regions.sum(axis=0).tolist(), strict=True))


def because(reading: PainReading) -> Why:
    """Why the score is what it is: integrated gradients of the units, which are exact (`core.action_units.explain`).

    AU43 counts 0 or 1 and has no gradient; its point is shared as its intensity is.
    """
    if reading.score is None:
        raise ValueError(f"there is no score to explain: {reading.reason}")
    parts = reading.score.parts
    shares = contributions(reading.made, aus=[part.au for part in parts])
    landmarks = shares.landmarks.sum(axis=-1, dtype=np.float64) / 2
    cells = shares.cells.reshape(2, len(parts), -1).astype(np.float64) / 2
    value = landmarks.sum(axis=(0, 2)) + cells.sum(axis=(0, 2))
    if parts[-1].value:
        scale = np.ones(len(parts))
        scale[-1] = parts[-1].value / value[-1] if value[-1] > 0 else 0.0
    else:
        scale = np.array([*np.ones(len(parts) - 1), 0.0])
    landmarks, cells, value = landmarks * scale[:, None], cells * scale[:, None], value * scale
    of_points = landmarks.sum(axis=0)
    regions = of_points @ _of_region(point_regions())
    regions += sum(cells[side] @ _of_region(table) for side, table in enumerate(_cell_regions()))
    gap = np.array([part.value for part in parts]) - value
    of_points, regions, gap = (each.astype(np.float32) for each in (of_points, regions, gap))
    return Why(parts, of_points, regions, gap, reading.sentence)


def _of_region(table: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Which region each of many belongs to, as float64 [n, REGIONS] of 0 and 1."""
    return np.eye(len(REGIONS))[table]


@cache
def _cell_regions() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The region of the landmark next to each texture cell, uint8 [ROWS x SIDE_COLUMNS]: right side, left side."""
    numbers = fitted()
    one = places()[: len(places()) // DIRECTIONS]
    nearest = np.linalg.norm(one[:, None] - numbers.points[None, :, :2], axis=2).argmin(axis=1)
    return point_regions()[nearest], point_regions()[numbers.mirror[nearest]]
