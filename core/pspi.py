"""PSPI, the Prkachin and Solomon pain intensity of a face (Pain 139, 2008): its parts, its interval, and one sentence.

    PSPI = AU4 + max(AU6, AU7) + max(AU9, AU10) + AU43

on its true scale: units run from 0 to 5, AU43 (eyes closed) counts 0 or 1, the sum lies in 0..16. It tells of a face
and not of what its owner feels; no figure of this program has been validated in a clinic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import UNITS as ALL_UNITS
from core.action_units import ActionUnits, Comparison, Reading
from core.action_units.estimate import PLACES
from core.blendshapes import Blendshapes
from core.likeness import Likeness

MOST: Final = 16.0
TERMS: Final[tuple[tuple[int, ...], ...]] = ((4,), (6, 7), (9, 10), (43,))  # the strongest of each counts
CLOSED: Final = 43
CLOSED_FROM: Final = 2.5  # an estimate of AU43 from here on is "closed": half of its way
PRESENT: Final = 1.0  # an intensity from here on is FACS' "trace": the unit is there
UNITS: Final[tuple[int, ...]] = tuple(au for term in TERMS for au in term)

SEEN: Final[Mapping[int, str]] = {
    4: "brow lowered",
    6: "cheeks raised",
    7: "eyes tightened",
    9: "nose wrinkled",
    10: "upper lip raised",
    43: "eyes closed",
}


class Look(Enum):
    """What the face is like: pain, a laugh, something else, or nothing that could be told."""

    LAUGH = "laugh"
    GRIMACE = "grimace"
    MIXED = "mixed"
    OTHER = "other"
    UNCLEAR = "unclear"

    @property
    def words(self) -> str:
        """As part of a sentence; empty where nothing can be said."""
        return _LOOKS[self]


_LOOKS: Final = {
    Look.LAUGH: "like a laugh, not a grimace: lip corners are pulled up, cheeks raised, and the brow is not lowered",
    Look.GRIMACE: "like a grimace, not a laugh: lip corners are not pulled up",
    Look.MIXED: "like a grimace, though lip corners are pulled up",
    Look.OTHER: "like another expression than pain",
    Look.UNCLEAR: "",
}


@dataclass(frozen=True)
class Part:
    """One term of the score: the unit that counts in it, mean of both sides, and what it adds."""

    au: int
    value: float


@dataclass(frozen=True)
class Score:
    """PSPI of one face.

    Attributes
    ----------
    parts
        One per term, in the formula's order.
    low, high
        Where the score would lie under what is known of the estimates' errors; see `core.noise`.
    """

    parts: tuple[Part, ...]
    low: float
    high: float

    @property
    def pspi(self) -> float:
        """The sum, 0..16."""
        return sum(part.value for part in self.parts)

    def shown(self) -> tuple[Part, ...]:
        """The parts in tenths that sum to the rounded score: the largest remainders are rounded up."""
        tenths = _in_tenths(self.pspi, [part.value for part in self.parts])
        return tuple(Part(part.au, n / 10) for part, n in zip(self.parts, tenths, strict=True))


@dataclass(frozen=True)
class PainReading:
    """What was measured of one face in one frame, and whether that may be shown as a number.

    Attributes
    ----------
    units
        Action units, smoothed over time where that is set; not to be shown where nothing is measurable.
    made
        What they were estimated from: this face against its norm.
    score
        None where it is not measurable; then `reason` says why.
    quality
        0 (at the limit of what is measured) to 1, that of the worst condition.
    face
        What was measured before it was held against a norm: what a baseline is taken from.
    neutral
        The person's own neutral face; None where the population's norm counted.
    likeness
        How much the face is like one in pain; None where nothing is measurable, or without an own neutral face.
    blendshapes
        A second opinion on the units, which counts for nothing here: MediaPipe's, or the error in place of it; None
        where nobody asked for one, or it is not there yet.
    """

    units: ActionUnits
    made: Comparison
    score: Score | None
    quality: float
    reason: str | None
    face: Reading
    neutral: Reading | None = None
    likeness: Likeness | None = None
    blendshapes: Blendshapes | Exception | None = None

    def __post_init__(self) -> None:
        if (self.score is None) != (self.reason is not None):
            raise ValueError(f"a pain reading has a score or a reason, got {self.score} and {self.reason!r}")

    @property
    def look(self) -> Look:
        """What the face is like, as the model of `core.likeness` sees it; without it, as its units alone tell."""
        return look(self.units, self.likeness)

    @property
    def headline(self) -> str:
        """Score, scale and interval, or why there is none: "PSPI 5.2 of 16 (3.9-6.8)"."""
        if self.score is None:
            return f"PSPI not measurable: {self.reason}"
        return f"PSPI {self.score.pspi:.1f} of {MOST:g} ({self.score.low:.1f}-{self.score.high:.1f})"

    def document(self) -> dict[str, object]:
        """In words and numbers, for files; units where they can be trusted."""
        found: dict[str, object] = {"quality": self.quality, "reason": self.reason, "sentence": self.sentence}
        if isinstance(self.blendshapes, Blendshapes):
            found["blendshapes"] = {"timestamp_s": self.blendshapes.timestamp_s, **self.blendshapes.values}
        if self.score is None:
            return found
        sides = {"both": self.units.both, "left": self.units.left, "right": self.units.right}
        return found | {
            "pspi": self.score.pspi,
            "pspi_low": self.score.low,
            "pspi_high": self.score.high,
            "most": MOST,
            "parts": {f"AU{part.au:02}": part.value for part in self.score.parts},
            "look": self.look.value,
            "pain_like": None if self.likeness is None else self.likeness.probability,
            "own_neutral": self.neutral is not None,
            "units": {
                side: dict(zip((f"AU{unit.au:02}" for unit in ALL_UNITS), values.tolist(), strict=True))
                for side, values in sides.items()
            },
        }

    @property
    def sentence(self) -> str:
        """All of it in one plain sentence."""
        if self.score is None:
            return f"not measurable: {self.reason}"
        return sentence(self.score, self.look)


def parts(intensities: NDArray[np.float64], is_closed: bool) -> tuple[Part, ...]:
    """The terms of the score.

    Parameters
    ----------
    intensities
        float64 [UNITS], each 0..5.
    is_closed
        Whether the eyes count as closed. FACS calls a closure of up to half a second a blink (AU45), which is no AU43.
    """
    value = dict(zip(UNITS, intensities.tolist(), strict=True))
    found = [max(term, key=lambda au: value[au]) for term in TERMS[:-1]]
    return (*(Part(au, value[au]) for au in found), Part(CLOSED, float(is_closed)))


def intensities(units: ActionUnits) -> NDArray[np.float64]:
    """Of the units that the score is made of, mean of both sides: float64 [UNITS]."""
    return np.array([units.of(au) for au in UNITS], np.float64)


def columns() -> list[int]:
    """Places of `UNITS` among `core.action_units.UNITS`."""
    return [PLACES[au] for au in UNITS]


def look(units: ActionUnits, like: Likeness | None = None) -> Look:
    """What these units are like. AU12 with AU6 is the laugh, unless the model says that the face is in pain.

    Without the model, a lowered brow tells a grimace from a laugh.
    """
    brow, cheek, corner = (units.of(au) for au in (4, 6, 12))
    is_up = corner >= PRESENT
    if like is None:
        if is_up:
            return Look.LAUGH if cheek >= PRESENT > brow else Look.UNCLEAR
        return Look.GRIMACE if brow >= PRESENT else Look.UNCLEAR
    if like.is_like_pain:
        return Look.MIXED if is_up else Look.GRIMACE
    if is_up:
        return Look.LAUGH if cheek >= PRESENT else Look.OTHER
    return Look.OTHER if max(units.of(au) for au in UNITS) >= PRESENT else Look.UNCLEAR


def sentence(score: Score, like: Look) -> str:
    """The score, what it is made of, and what it is like; shown numbers sum to the shown score."""
    shown = score.shown()
    made_of = ", ".join(f"{SEEN[part.au]} {part.value:g}" for part in shown if part.value)
    said = f"score {sum(part.value for part in shown):.3g}"
    if not made_of:
        return f"{said}: nothing that PSPI counts"
    return f"{said}: {made_of}" + (f"; {like.words}" if like.words else "")


def _in_tenths(total: float, values: Sequence[float]) -> list[int]:
    """Values as whole tenths that sum to the rounded total: the largest remainders are rounded up."""
    floors = [int(10 * value + 1e-9) for value in values]
    by_remainder = sorted(range(len(values)), key=lambda k: floors[k] - 10 * values[k])
    for k in by_remainder[: int(10 * total + 0.5) - sum(floors)]:
        floors[k] += 1
    return floors
