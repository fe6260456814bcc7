"""Shapes in motion, as the way from a person's neutral shape: made by the demo's generator, and from CK+.

The generator (`core.stimulus`) moves neutral meshes by the action units that EMFACS gives an expression, as far as it
knows them: what moved, and how strongly, is known. It shows what networks make of pure movement. It does not show how
people move: its units are ours, the same for everybody. CK+ does, for who holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.corpora import Corpus
from core.deformations import ACTION_UNITS, MAX_STRENGTH
from core.faces import FaceFinder
from core.geometry import Floats
from core.regions import EMFACS
from core.shape import POINTS, normalised
from core.stimulus import Event, Pose, Puppet, Sway, Track
from models.data.ferplus import CLASSES
from models.data.landmarks import EXPRESSIONS, Shapes

FRAMES: Final = 5
INTERVAL_S: Final = 0.1
CK_FRAMES: Final = 3  # of CK+, at the end of a sequence: those that carry its label
ASIDE: Final = (25, 43)  # units that may join any expression: lips part, eyes close
JITTER: Final = 0.004  # standard deviation of what is added to every coordinate, inter-ocular distances

# The units of each expression that the generator knows; an expression of which it knows none cannot be made.
KNOWN_UNITS: Final = {name: tuple(unit for unit in EMFACS[name] if unit in ACTION_UNITS) for name in EXPRESSIONS}
MADE: Final = tuple(name for name in EXPRESSIONS if KNOWN_UNITS[name])


@dataclass(frozen=True)
class Windows:
    """Windows of displacements from neutral, and what is known of them.

    Attributes
    ----------
    shapes
        [n, T, 478, 3], normalised shapes less the person's neutral one; and classes.
    strengths
        float32 [n], mean strength of the expression's units in the last frame, 0..5; NaN where nobody knows.
    people
        int64 [n], who it is.
    """

    shapes: Shapes
    strengths: Floats
    people: NDArray[np.int64]


def made_windows(rests: Floats, per_face: int, seed: int) -> Windows:
    """Windows of the generator on neutral meshes [m, 478, 3], px; classes in turn, neutral among them."""
    generator = np.random.default_rng([seed, 17])
    names = ("neutral", *MADE)
    shapes, classes, strengths, people = [], [], [], []
    for person, rest in enumerate(rests):
        puppet = Puppet(np.zeros((48, 48, 3), np.uint8), rest)  # no picture is asked of it
        for turn in range(per_face):
            name = names[(person + turn) % len(names)]
            track = _track(name, generator)
            shapes.append(_window(puppet, rest, track, generator))
            classes.append(CLASSES.index(name))
            last = track.strengths((FRAMES - 1) * INTERVAL_S)
            strengths.append(np.mean([last[unit] for unit in KNOWN_UNITS[name]]) if name in MADE else 0.0)
            people.append(person)
    return Windows(Shapes(np.stack(shapes), np.array(classes)), np.array(strengths, np.float32), np.array(people))


def _track(name: str, generator: np.random.Generator) -> Track:
    """An expression that has come or is coming at the end of the window, at any strength, on a head that moves."""
    end_s = FRAMES * INTERVAL_S
    units = KNOWN_UNITS.get(name, ())
    begin_s, rise_s = generator.uniform(-0.6, 0.0), generator.uniform(0.2, 0.7)
    strength = generator.uniform(1.5, MAX_STRENGTH)
    events = [
        Event(unit, min(strength * generator.uniform(0.7, 1.3), MAX_STRENGTH), begin_s, begin_s + rise_s, end_s + 1, 9)
        for unit in units
    ]
    for unit in ASIDE:
        if unit not in units and generator.random() < 0.2:
            begin_s = generator.uniform(-0.3, 0.3)
            events.append(Event(unit, generator.uniform(1, MAX_STRENGTH), begin_s, begin_s + 0.1, end_s, 9))
    roll, yaw, pitch = generator.uniform(-10, 10, 3)
    extent = Pose(roll_deg=roll, yaw_deg=yaw, pitch_deg=pitch, scale=generator.uniform(0.9, 1.1))
    return Track(tuple(events), end_s, Sway(extent, generator.uniform(2, 6)))


def _window(puppet: Puppet, rest: Floats, track: Track, generator: np.random.Generator) -> Floats:
    frames = []
    begin_s = 0.0 if track.sway is None else generator.uniform(0, track.sway.period_s)
    for time_s in np.arange(FRAMES) * INTERVAL_S:
        flat = puppet.landmarks(track.strengths(time_s), track.pose(begin_s + time_s))
        frames.append(np.column_stack([flat, rest[:, 2]]))
    displaced: Floats = normalised(np.stack(frames)) - normalised(rest)
    displaced += generator.normal(0, JITTER, displaced.shape).astype(np.float32)
    return displaced.astype(np.float32, copy=False)


def ck_plus_windows(corpus: Corpus) -> Windows:
    """The last frames of every sequence of CK+ less its first, as `core.corpora` opens it.

    Sequences in which the mesh does not find a face in every frame are left out. People are numbered as they come.
    """
    sequences: dict[str, list[int]] = {}
    for place, example in enumerate(corpus.examples):
        sequences.setdefault(str(PurePosixPath(example.name).parent), []).append(place)
    finder = FaceFinder()
    shapes, classes, people = [], [], []
    numbers: dict[str | None, int] = {}
    try:
        for places in sequences.values():
            first, *peak = (corpus.examples[place] for place in places)
            if len(peak) < CK_FRAMES:
                continue
            meshes = [_mesh(finder, example.read()) for example in (first, *peak[-CK_FRAMES:])]
            if any(mesh is None for mesh in meshes):
                continue
            neutral, *moved = normalised(np.stack([mesh for mesh in meshes if mesh is not None]))
            shapes.append(np.stack(moved) - neutral)
            classes.append(CLASSES.index(peak[-1].label))
            people.append(numbers.setdefault(first.subject, len(numbers)))
    finally:
        finder.close()
    found = np.stack(shapes) if shapes else np.zeros((0, CK_FRAMES, POINTS, 3), np.float32)
    nobody = np.full(len(found), np.nan, np.float32)
    return Windows(Shapes(found, np.array(classes, np.int64)), nobody, np.array(people, np.int64))


def _mesh(finder: FaceFinder, image: NDArray[np.uint8]) -> Floats | None:
    faces = finder.find(image)
    return max(faces, key=lambda face: face.box.area).landmarks if faces else None


def last_frames(windows: Windows, frames: int) -> Windows:
    """The same windows, shorter: only their last frames."""
    kept = Shapes(np.ascontiguousarray(windows.shapes.shapes[:, -frames:]), windows.shapes.classes)
    return Windows(kept, windows.strengths, windows.people)


def of_people(windows: Windows, people: Sequence[int]) -> Windows:
    """The windows of some people."""
    chosen = np.isin(windows.people, people)
    return Windows(windows.shapes.part(chosen), windows.strengths[chosen], windows.people[chosen])
