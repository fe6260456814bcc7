"""Faces that do what pain does, and what is taken for it, in short sequences: what `models.train.likeness` learns from.

Which units go together follows EMFACS and FACS' notes on pain, speech and yawning; how strong they are, and when they
start, is drawn anew for every sequence. A face's strengths are known; what is kept is what is read of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import Reading, compare
from core.deformations import MAX_STRENGTH
from core.geometry import Floats, Image
from core.stimulus import Pose
from models.data.stimuli import Command, show

Numbers = NDArray[np.float64]

RATE_HZ: Final = 10.0
FRAMES: Final = 12
SWAY: Final = (0.03, 0.03, 3.0, 3.0, 3.0)  # of the head within a sequence, as in `models.train.action_units`
SPEECH_HZ: Final = (3.0, 6.0)  # syllables; the fastest lie above what frames at this rate show


@dataclass(frozen=True)
class Draw:
    """How strong a unit becomes, evenly between two strengths, and how often it takes part at all."""

    low: float
    high: float
    share: float = 1.0


PAIN: Final = "pain"
KINDS: Final[Mapping[str, Mapping[int, Draw]]] = {
    PAIN: {
        **{4: Draw(2, 5), 6: Draw(1.5, 5), 7: Draw(2, 5), 9: Draw(1, 5, 0.7), 10: Draw(1, 5, 0.7)},
        **{43: Draw(3, 5, 0.6), 25: Draw(1, 5, 0.6), 26: Draw(1, 4, 0.35), 20: Draw(1, 3, 0.4)},
        **{12: Draw(0.5, 2, 0.2), 15: Draw(1, 3, 0.2), 17: Draw(1, 3, 0.3)},
    },
    "laugh": {
        **{6: Draw(2, 5), 12: Draw(2.5, 5), 25: Draw(1, 5), 26: Draw(1, 4, 0.6), 7: Draw(1, 4, 0.5)},
        **{10: Draw(0.5, 2, 0.3), 43: Draw(2, 5, 0.4), 9: Draw(0.5, 2, 0.3)},
    },
    "smile": {12: Draw(1, 4), 6: Draw(0.5, 3, 0.6), 25: Draw(1, 3, 0.3)},
    "disgust": {
        **{9: Draw(2, 5), 10: Draw(1.5, 5), 15: Draw(1, 3, 0.5), 17: Draw(1, 4, 0.5), 4: Draw(0.5, 2, 0.4)},
        **{25: Draw(1, 3, 0.3), 7: Draw(0.5, 2, 0.3)},
    },
    "squint": {7: Draw(2, 5), 6: Draw(0.5, 4, 0.7), 4: Draw(0.5, 2.5, 0.5)},
    "speech": {
        **{25: Draw(1.5, 4), 26: Draw(1, 3), 20: Draw(0.5, 2, 0.3), 1: Draw(0.5, 3, 0.2), 2: Draw(0.5, 3, 0.2)},
        **{4: Draw(0.5, 2, 0.2), 43: Draw(4, 5, 0.2)},
    },
    "yawn": {27: Draw(3, 5), 25: Draw(3, 5), 43: Draw(3, 5, 0.7), 7: Draw(1, 3, 0.5), 4: Draw(0.5, 2, 0.3)},
    "surprise": {1: Draw(2, 5), 2: Draw(2, 5), 5: Draw(1, 5), 25: Draw(1, 4, 0.7), 26: Draw(1, 5, 0.7)},
    "sadness": {1: Draw(2, 5), 4: Draw(0.5, 3), 15: Draw(1, 5), 17: Draw(1, 4, 0.5)},
    "anger": {4: Draw(2, 5), 7: Draw(1, 4, 0.6), 5: Draw(1, 3, 0.3), 23: Draw(1, 4), 24: Draw(1, 4, 0.5)},
    "eyes closed": {43: Draw(4.5, 5)},
    "rest": {},
}


@dataclass(frozen=True)
class Played:
    """One face doing one thing.

    Attributes
    ----------
    kind
        Of `KINDS`.
    times_s
        float64 [frames].
    truth
        Strengths of `core.action_units.UNITS`, float64 [frames, units].
    against_norm, against_own
        What is read, mean of both sides, float32 [frames, units]: against the population's norm, and against the same
        face's picture at rest.
    """

    kind: str
    times_s: Numbers
    truth: Numbers
    against_norm: Floats
    against_own: Floats


def played(
    still: Image, landmarks: Floats, kinds: Sequence[str], generator: np.random.Generator, baseline: Mapping[int, float]
) -> list[Played]:
    """Let a face at rest do these things, one after another."""
    plans = [commands(kind, generator) for kind in kinds]
    rest, *readings = show(still, landmarks, [Command(), *(each for plan in plans for each in plan)], baseline)
    found = []
    for place, (kind, plan) in enumerate(zip(kinds, plans, strict=True)):
        part = readings[place * FRAMES : (place + 1) * FRAMES]
        truth = np.array([command.truth for command in plan])
        found.append(Played(kind, np.arange(FRAMES) / RATE_HZ, truth, units(part, None), units(part, rest)))
    return found


def units(readings: Sequence[Reading], rest: Reading | None) -> Floats:
    """Estimates, mean of both sides, float32 [n, units]."""
    return np.stack([compare(reading, rest).units.both for reading in readings])


def commands(kind: str, generator: np.random.Generator) -> list[Command]:
    """What a face is told, frame by frame: from rest, at some time, to its strongest, with a swaying head."""
    chosen = {au: _strength(draw, generator) for au, draw in KINDS[kind].items() if generator.random() < draw.share}
    onset_s, rise_s = generator.uniform(0, 0.3), generator.uniform(0.2, 0.5) * (2 if kind == "yawn" else 1)
    swayed = generator.normal(0, SWAY, (2, len(SWAY)))
    rate_hz, phase = generator.uniform(*SPEECH_HZ), generator.uniform(0, 2 * np.pi)
    told = []
    for frame in range(FRAMES):
        time_s = frame / RATE_HZ
        u = float(np.clip((time_s - onset_s) / rise_s, 0, 1))
        now = {au: strength * u * u * (3 - 2 * u) for au, strength in chosen.items()}
        if kind == "speech":
            open_ = float(0.5 + 0.5 * np.sin(2 * np.pi * rate_hz * time_s + phase) * generator.uniform(0.6, 1))
            now |= {au: chosen[au] * open_ for au in (25, 26)}
        right, down, roll, yaw, pitch = (swayed[0] + swayed[1] * time_s).tolist()
        told.append(Command(now, Pose(right, down, roll, yaw, pitch)))
    return told


def _strength(draw: Draw, generator: np.random.Generator) -> float:
    return min(float(generator.uniform(draw.low, draw.high)), MAX_STRENGTH)
