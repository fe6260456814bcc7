"""Measure the numbers of `core.action_units`: ``python -m models.train.action_units --data ../shared/data``.

The canonical face is the mean of FER+ training meshes that most people call neutral, and so is its texture. The gains
come from the stimulus generator: neutral FER+ faces are shown with units of known strength, the mesh is fitted to every
picture, and each unit's strength is regressed on measures and texture. How the skin has moved since an own neutral
picture is for `models.train.skin_motion`. A stimulus folds no skin, so that what texture tells is
learnt from real faces as well, by what their expression tells of units (`models.data.emfacs`). Astronaut, Grace Hopper
and the pairs in shared/media take no part: ``python -m models.verify units`` measures on them.
"""

import argparse
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import UNITS, Unit, read
from core.action_units.estimate import PLACES
from core.action_units.fitted import FILE, fitted
from core.action_units.measures import MEASURES
from core.action_units.pose import posed_onto
from core.action_units.texture import CELLS
from core.deformations import ACTION_UNITS, MAX_STRENGTH
from core.geometry import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, Floats, Image
from core.mesh import region_of_landmarks
from core.opencv import cv2
from core.stimulus import Pose
from core.tight import fit_tight
from models.data import emfacs, ferplus
from models.data.stimuli import Command, mesh, show, turned

Numbers = NDArray[np.float64]

NEUTRAL_VOTES: Final = 8  # of ten people
MOST_DEG: Final = (30.0, 20.0)  # yaw and pitch of the faces that the norm is taken from
MOVED_DEG: Final = (25.0, 15.0)  # and of those that the stimulus moves
ENLARGED: Final = 3  # FER+ pictures are 48 px wide
BORDER_PX: Final = 10  # around them, so that the warp's ring lies inside
MIXTURES: Final = 14  # of one to four units per face, under a slightly moving head, besides each unit alone
TOGETHER: Final = ((6, 7), (6, 7, 43), (4, 6, 7), (4, 6, 7, 9, 43), (6, 12), (25, 26))  # units that often come so
STILL: Final = 5  # times per face that nothing happens but the head's turning
SWAY: Final = (0.04, 0.04, 4.0, 4.0, 3.0)  # of the head: standard deviations, inter-ocular distances and degrees
TURN_DEG: Final = (35.0, 25.0)  # yaw and pitch of a turned head, evenly within, see `turned`
MESH_RIDGE, TEXTURE_RIDGE = 0.01, 0.1  # on features that are scaled to their root mean square
OWN_NOISE: Final = 0.02  # share of the measures' variance between people that is left against an own neutral face
MOST_SPREAD: Final = 0.8  # of estimates against the norm over neutral faces; gains above it are turned down
MOST_ERROR: Final = 0.7  # root mean square of estimates against an own neutral face; the same


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m models.train.action_units", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_train.npz")
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    parser.add_argument("--faces", type=int, default=160, help="neutral faces that the stimulus moves")
    parser.add_argument("--agreed", type=int, default=2500, help="faces of each expression that weak labels come from")
    parser.add_argument("--norm", type=int, default=1500, help="neutral faces that the norm's texture is taken from")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    split = ferplus.load(arguments.data, "train", arguments.cache)
    generator = np.random.default_rng(arguments.seed)
    neutral = np.flatnonzero(split.found & (split.votes[:, 0] >= NEUTRAL_VOTES))
    points, mirror = mean_face(split.landmarks[neutral])
    _write(points, mirror, np.zeros(CELLS), _no_gains())
    angles = np.abs(posed_onto(split.landmarks[neutral], points).angles_deg)
    resting = generator.choice(neutral[(angles < MOST_DEG).all(axis=1)], arguments.norm, replace=False)
    people = [read(split.landmarks[face], split.images[face]).features(textured=True) for face in resting]
    peculiar = np.concatenate(people)
    usual = peculiar.mean(axis=0)
    chosen = generator.choice(neutral[(angles < MOVED_DEG).all(axis=1)], arguments.faces, replace=False)
    textures = Moments(len(MEASURES) + CELLS)
    for count, face in enumerate(chosen, start=1):
        _move(split.images[face], textures, generator)
        if count % 20 == 0:
            print(f"{count} faces moved", flush=True)
    agreed = emfacs.agreed(np.where(split.found[:, None], split.votes, 0), arguments.agreed, generator)
    weak = Weak(*_features(split, agreed), usual)
    print(f"{len(weak.votes)} faces with an expression that most agree about", flush=True)
    found = gains(textures, peculiar - usual, weak)
    _write(points, mirror, usual[len(MEASURES) :], found)
    for place, unit in enumerate(UNITS):
        print(f"AU{unit.au:<3} {unit.name:24} spread over neutral faces {found.spread[:, place].round(2)}")


@dataclass(frozen=True)
class Gains:
    """As in `core.action_units.fitted`."""

    mesh: Numbers
    full: Numbers
    spread: Numbers


def _no_gains() -> Gains:
    units, measures = len(UNITS), len(MEASURES)
    sizes = ((2, measures, units), (2, measures + CELLS, units), (2, units))
    return Gains(*map(np.zeros, sizes))


def _write(points: Numbers, mirror: NDArray[np.int64], cells: Numbers, found: Gains) -> None:
    """Write what is known, and read it from there from now on."""
    smaller = {"cells": cells, "mesh_gains": found.mesh, "full_gains": found.full, "spread": found.spread}
    np.savez_compressed(FILE, points=points, mirror=mirror, **{k: v.astype(np.float32) for k, v in smaller.items()})
    fitted.cache_clear()


class Moments:
    """Sums over moved faces of products of features' changes and of true strengths."""

    def __init__(self, features: int) -> None:
        self.count = 0
        self.features = np.zeros((features, features))
        self.cross = np.zeros((features, len(UNITS)))
        self.strengths = np.zeros((len(UNITS), len(UNITS)))

    def add(self, changes: Numbers, strengths: Numbers) -> None:
        """Add changes [n, features] under strengths [n, units]."""
        self.count += len(changes)
        self.features += changes.T @ changes
        self.cross += changes.T @ strengths
        self.strengths += strengths.T @ strengths

    @cached_property
    def slopes(self) -> Numbers:
        """How each feature changes per unit of strength, other units held, [units, features]; repeated units: 0."""
        own = [place for place, unit in enumerate(UNITS) if unit.like is None]
        slopes = np.zeros((len(UNITS), len(self.features)))
        slopes[own] = np.linalg.solve(self.strengths[np.ix_(own, own)], self.cross[:, own].T)
        return slopes


@dataclass(frozen=True)
class Weak:
    """Real faces, and what people voted of them.

    Attributes
    ----------
    features
        Measures and texture, float32 [faces, 2, features].
    votes
        uint8 [faces, 10].
    usual
        The norm's features, float64 [features].
    """

    features: Floats
    votes: NDArray[np.uint8]
    usual: Numbers

    def moments(self, unit: Unit, used: NDArray[np.int64]) -> tuple[Numbers, Numbers, float]:
        """Weighted mean products of the used features, of them and the unit's strength, and of the strength."""
        strengths, weights = emfacs.told(unit.like or unit.au, self.votes)
        known = np.flatnonzero(weights)
        changes = (self.features[known][:, :, used] - self.usual[used]).reshape(2 * len(known), len(used))
        weight, strength = (np.repeat(each[known], 2) / share for each, share in ((weights, 2), (strengths, 1)))
        weighted = changes * weight[:, None]
        return weighted.T @ changes, weighted.T @ strength, float(weight @ strength**2)


def _features(split: ferplus.FerPlus, faces: NDArray[np.int64]) -> tuple[Floats, NDArray[np.uint8]]:
    """Features and votes of those faces whose texture can be read."""
    readings = [read(split.landmarks[face], split.images[face]) for face in faces]
    seen = [place for place, reading in enumerate(readings) if reading.cells is not None]
    features = np.stack([readings[place].features(textured=True) for place in seen]).astype(np.float32)
    return features, split.votes[faces[seen]]


def enlarged(image: Image) -> tuple[Image, Floats] | None:
    """A FER+ picture as a still, RGB uint8 [204, 204, 3], and its mesh in px of that; None where none is found."""
    padded = np.pad(image, BORDER_PX, mode="edge")
    large = cv2.resize(padded, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    still = np.repeat(np.asarray(large, np.uint8)[:, :, None], 3, axis=2)
    found = fit_tight(mesh(), still)
    return None if found is None else (still, mesh().fit(still, region_of_landmarks(found.landmarks))[0])


def _move(image: Image, textures: Moments, generator: np.random.Generator) -> None:
    """Show a face with units alone and in mixtures, and add how either side changed against rest."""
    found = enlarged(image)
    if found is None:
        return
    still, landmarks = found
    told = commands(generator)
    rest, *readings = show(still, landmarks, [Command(), *told])
    pairs = [(reading, command.truth) for reading, command in zip(readings, told, strict=True)]
    turns = generator.uniform(-1, 1, (STILL, 2)) * TURN_DEG
    pairs += [(turned(still, landmarks, yaw, pitch), Command().truth) for yaw, pitch in turns.tolist()]
    pairs = [(reading, truth) for reading, truth in pairs if reading.flat is not None]
    strengths = np.repeat(np.stack([truth for _, truth in pairs]), 2, axis=0)
    textures.add(
        np.concatenate([reading.features(textured=True) - rest.features(textured=True) for reading, _ in pairs]),
        strengths,
    )


def commands(generator: np.random.Generator) -> list[Command]:
    """Every unit alone, mixtures under a slightly moving head, units that often come together, and a moving head."""
    units = sorted(ACTION_UNITS)
    single = [Command({au: float(generator.uniform(1, MAX_STRENGTH))}) for au in units]
    mixed = [
        Command({int(au): float(generator.uniform(0, MAX_STRENGTH)) for au in some}, _swayed(generator))
        for some in (generator.choice(units, count, replace=False) for count in generator.integers(1, 5, MIXTURES))
    ]
    joint = [Command(dict.fromkeys(units, float(generator.uniform(1, MAX_STRENGTH)))) for units in TOGETHER]
    return [*single, *mixed, *joint, Command({}, _swayed(generator))]


def _swayed(generator: np.random.Generator) -> Pose:
    right, down, roll_deg, yaw_deg, pitch_deg = generator.normal(0, SWAY).tolist()
    return Pose(right, down, roll_deg, yaw_deg, pitch_deg, scale=float(generator.uniform(0.95, 1.05)))


def gains(textures: Moments, people: Numbers, weak: Weak) -> Gains:
    """Regress each unit's strength on its own measures, without and with its own band of the texture.

    Parameters
    ----------
    textures
        Of changes against the same face at rest: of measures and texture.
    people
        Measures and texture of neutral faces against their mean [m, features]: what a norm must not take for a unit.
    weak
        Real faces: their texture counts as much as that of the stimulus, unit by unit, where they tell of a unit.

    Returns
    -------
        Gains of slope 1 in a unit's strength, turned down where neutral people spread by more than `MOST_SPREAD`
        against the norm, or where the error against a person's own neutral face is larger than `MOST_ERROR`.
    """
    found = _no_gains()
    between = people.T @ people / len(people)
    for place, unit in enumerate(UNITS):
        measures = np.array(unit.measures)
        seen = len(MEASURES) + unit.cells
        full = np.concatenate([measures, seen])
        for row, share in enumerate((1.0, OWN_NOISE)):
            found.mesh[row, measures, place] = _gain(textures, share * between, measures, unit, MESH_RIDGE)
            if len(seen):
                found.full[row, full, place] = _gain(textures, share * between, full, unit, TEXTURE_RIDGE, weak)
            else:
                found.full[row, full, place] = _gain(textures, share * between, full, unit, MESH_RIDGE)
        for kind, table in enumerate((found.mesh[0], found.full[0])):
            gain = table[:, place]
            spread = float(np.sqrt(gain @ between[: len(gain), : len(gain)] @ gain))
            gain *= min(1, MOST_SPREAD / spread)
            found.spread[kind, place] = min(spread, MOST_SPREAD)
        for table in (found.mesh[1], found.full[1]):
            table[:, place] *= min(1, MOST_ERROR / _error(textures, table[:, place], unit))
    return found


def _gain(
    moments: Moments, noise: Numbers, used: NDArray[np.int64], unit: Unit, ridge: float, weak: Weak | None = None
) -> Numbers:
    """Gains [used] of least error under that noise, scaled to slope 1."""
    place = PLACES[unit.like or unit.au]
    signal = (moments.features / moments.count)[np.ix_(used, used)]
    scale = np.sqrt(np.diag(signal))
    mixed, target = signal + noise[np.ix_(used, used)], moments.cross[used, place] / moments.count
    strength = float(moments.strengths[place, place]) / moments.count
    # Strengths held, a feature's slope is what the unit itself does to it; votes know one unit of a face at a time.
    slopes = moments.slopes[place, used]
    if weak is not None:
        products, told, squares = weak.moments(unit, used)
        share = strength / max(squares, 1.0)
        mixed, target = mixed + share * products, target + share * told
        strength += share * squares
        slopes = target / strength
    gain = np.linalg.solve(mixed / np.outer(scale, scale) + ridge * np.eye(len(used)), target / scale) / scale
    scaled: Numbers = gain / (slopes @ gain)
    return scaled


def _error(moments: Moments, gain: Numbers, unit: Unit) -> float:
    """Root mean square error of a unit's estimates, gains being those of the first features."""
    place, n = PLACES[unit.like or unit.au], len(gain)
    squares = gain @ moments.features[:n, :n] @ gain - 2 * gain @ moments.cross[:n, place]
    return float(np.sqrt((squares + moments.strengths[place, place]) / moments.count))


def mean_face(meshes: Floats, rounds: int = 6) -> tuple[Numbers, NDArray[np.int64]]:
    """The mean of meshes [n, 478, 3] after generalised Procrustes over the stable points, made symmetric.

    Returns the points, float64 [478, 3], in the canonical frame, and the landmark on the other side of each.
    """
    corners = list(RIGHT_EYE_CORNERS + LEFT_EYE_CORNERS)
    frontal = np.argmin(np.abs(meshes[:, 33, 2] - meshes[:, 263, 2]) / np.ptp(meshes[:, :, 0], axis=1))
    points = _framed(meshes[frontal].astype(np.float64), corners)
    mirror = np.arange(len(points))
    for _ in range(rounds):
        points = _framed(posed_onto(meshes, points).points.mean(axis=0), corners)
        flipped = points * (-1, 1, 1)
        mirror = np.linalg.norm(points[:, None] - flipped[None], axis=2).argmin(axis=1)
        if not (mirror[mirror] == np.arange(len(points))).all():
            raise ValueError("the mean face is too crooked to tell which landmark mirrors which")
        points = _framed((points + posed_onto(flipped[mirror][None].astype(np.float32), points).points[0]) / 2, corners)
        points = (points + (points * (-1, 1, 1))[mirror]) / 2
    return points, mirror


def _framed(points: Numbers, corners: list[int]) -> Numbers:
    """Points with the origin between the eyes, the eye line level and of length 1."""
    right, left = (points[list(pair)].mean(axis=0) for pair in (RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS))
    x = (left - right) / np.linalg.norm(left - right)
    y = np.array([0.0, 1.0, 0.0]) - x[1] * x
    y /= np.linalg.norm(y)
    frame = np.stack([x, y, np.cross(x, y)], axis=1)
    framed: Numbers = (points - points[corners].mean(axis=0)) @ frame / np.linalg.norm(left - right)
    return framed


if __name__ == "__main__":
    main()
