"""Measure the numbers of `core.action_units`: ``python -m models.train.action_units --data ../shared/data``.

The canonical face is the mean of FER+ training meshes that most people call neutral, and so is the texture. The gains
come from the stimulus generator: neutral FER+ faces are shown with units of known strength, the mesh is fitted to every
picture, and each unit's strength is regressed on what is read of it. Astronaut, Grace Hopper and the pairs in
shared/media take no part: ``python -m models.verify units`` measures on them.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import UNITS, Reading, read
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
from models.data import ferplus
from models.data.stimuli import Command, mesh, show

Numbers = NDArray[np.float64]

NEUTRAL_VOTES: Final = 8  # of ten people
MOST_DEG: Final = (30.0, 20.0)  # yaw and pitch of the faces that the norm is taken from
MOVED_DEG: Final = (25.0, 15.0)  # and of those that the stimulus moves
ENLARGED: Final = 3  # FER+ pictures are 48 px wide
BORDER_PX: Final = 10  # around them, so that the warp's ring lies inside
MIXTURES: Final = 14  # of one to four units per face, under a slightly moving head, besides each unit alone
STILL: Final = 3  # times per face that nothing happens but the head's motion
SWAY: Final = (0.04, 0.04, 4.0, 4.0, 3.0)  # standard deviations of that: shift in inter-ocular distances, degrees
MESH_RIDGE, FULL_RIDGE = 0.01, 0.1  # on features that are scaled to their root mean square
OWN_NOISE: Final = 0.02  # share of the variance between people that is left against a person's own neutral face
KEPT_SPREAD: Final = 0.8  # of estimates against the norm over neutral faces; gains above it are turned down


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m models.train.action_units", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_train.npz")
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    parser.add_argument("--faces", type=int, default=160, help="neutral faces that the stimulus moves")
    parser.add_argument("--norm", type=int, default=1500, help="neutral faces that the norm's texture is taken from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FILE)
    arguments = parser.parse_args()
    split = ferplus.load(arguments.data, "train", arguments.cache)
    generator = np.random.default_rng(arguments.seed)
    neutral = np.flatnonzero(split.found & (split.votes[:, 0] >= NEUTRAL_VOTES))
    points, mirror = mean_face(split.landmarks[neutral])
    _write(arguments.out, points, mirror, np.zeros(CELLS), _no_gains())
    angles = np.abs(posed_onto(split.landmarks[neutral], points).angles_deg)
    resting = generator.choice(neutral[(angles < MOST_DEG).all(axis=1)], arguments.norm, replace=False)
    people = np.stack([_features(read(split.landmarks[face], split.images[face])) for face in resting])
    chosen = generator.choice(neutral[(angles < MOVED_DEG).all(axis=1)], arguments.faces, replace=False)
    moments = Moments()
    for count, face in enumerate(chosen, start=1):
        _move(split.images[face], moments, generator)
        if count % 20 == 0:
            print(f"{count} faces moved", flush=True)
    found = gains(moments, (people - people.mean(axis=0)).reshape(-1, people.shape[-1]))
    _write(arguments.out, points, mirror, people[..., len(MEASURES) :].mean(axis=(0, 1)), found)
    for place, unit in enumerate(UNITS):
        print(f"AU{unit.au:<3} {unit.name:24} spread over neutral faces {found.spread[:, place].round(2)}")


@dataclass(frozen=True)
class Gains:
    """As in `core.action_units.fitted`."""

    mesh: Numbers
    full: Numbers
    spread: Numbers


def _no_gains() -> Gains:
    units = len(UNITS)
    return Gains(np.zeros((2, len(MEASURES), units)), np.zeros((2, _FEATURES, units)), np.zeros((2, units)))


def _write(path: Path, points: Numbers, mirror: NDArray[np.int64], cells: Numbers, found: Gains) -> None:
    """Write what is known, and read it from there from now on."""
    smaller = {"cells": cells, "mesh_gains": found.mesh, "full_gains": found.full, "spread": found.spread}
    np.savez_compressed(path, points=points, mirror=mirror, **{k: v.astype(np.float32) for k, v in smaller.items()})
    fitted.cache_clear()


_FEATURES: Final = len(MEASURES) + CELLS


def _features(reading: Reading) -> Numbers:
    return reading.features(textured=True)


class Moments:
    """Sums over moved faces of products of features' changes and of true strengths."""

    def __init__(self) -> None:
        self.count = 0
        self.features = np.zeros((_FEATURES, _FEATURES))
        self.cross = np.zeros((_FEATURES, len(UNITS)))
        self.strengths = np.zeros((len(UNITS), len(UNITS)))

    def add(self, changes: Numbers, strengths: Numbers) -> None:
        """Add changes [n, features] under strengths [n, units]."""
        self.count += len(changes)
        self.features += changes.T @ changes
        self.cross += changes.T @ strengths
        self.strengths += strengths.T @ strengths


def _move(image: Image, moments: Moments, generator: np.random.Generator) -> None:
    """Show a face with units alone and in mixtures, and add how either side changed against rest."""
    padded = np.pad(image, BORDER_PX, mode="edge")
    large = cv2.resize(padded, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    still = np.repeat(np.asarray(large, np.uint8)[:, :, None], 3, axis=2)
    found = fit_tight(mesh(), still)
    if found is None:
        return
    landmarks, _ = mesh().fit(still, region_of_landmarks(found.landmarks))
    commands = _commands(generator)
    rest, *readings = show(still, landmarks, [Command(), *commands])
    pairs = [(r, command.truth) for r, command in zip(readings, commands, strict=True) if r.cells is not None]
    changes = np.concatenate([_features(reading) - _features(rest) for reading, _ in pairs])
    moments.add(changes, np.repeat(np.stack([truth for _, truth in pairs]), 2, axis=0))


def _commands(generator: np.random.Generator) -> list[Command]:
    units = sorted(ACTION_UNITS)
    single = [Command({au: float(generator.uniform(1, MAX_STRENGTH))}) for au in units]
    mixed = [
        Command({int(au): float(generator.uniform(0, MAX_STRENGTH)) for au in some}, _swayed(generator))
        for some in (generator.choice(units, count, replace=False) for count in generator.integers(1, 5, MIXTURES))
    ]
    return [*single, *mixed, *(Command({}, _swayed(generator)) for _ in range(STILL))]


def _swayed(generator: np.random.Generator) -> Pose:
    right, down, roll_deg, yaw_deg, pitch_deg = generator.normal(0, SWAY).tolist()
    return Pose(right, down, roll_deg, yaw_deg, pitch_deg, scale=float(generator.uniform(0.95, 1.05)))


def gains(moments: Moments, people: Numbers) -> Gains:
    """Regress each unit's strength on its own measures and its own band of texture.

    Parameters
    ----------
    moments
        Of changes against the same face at rest.
    people
        Features of neutral faces against their mean [m, features]: what a norm must not take for a unit.

    Returns
    -------
        Against a person's own neutral face a unit's gain has slope 1 in its true strength; against the norm, as far as
        estimates of neutral faces keep a spread of `KEPT_SPREAD`.
    """
    found = _no_gains()
    signal, noise = moments.features / moments.count, people.T @ people / len(people)
    own = [place for place, unit in enumerate(UNITS) if unit.like is None]  # the others repeat one of these
    to_strengths = np.zeros((len(UNITS), _FEATURES))
    to_strengths[own] = np.linalg.solve(moments.strengths[np.ix_(own, own)], moments.cross[:, own].T)
    for place, unit in enumerate(UNITS):
        measures = np.array(unit.measures)
        full = np.concatenate([measures, len(MEASURES) + unit.cells])
        for kind, (table, used, ridge) in enumerate(
            [(found.mesh, measures, MESH_RIDGE), (found.full, full, FULL_RIDGE if unit.band else MESH_RIDGE)]
        ):
            for row, share in enumerate((1.0, OWN_NOISE)):
                scale = np.sqrt(np.diag(signal)[used])
                mixed = (signal + share * noise)[np.ix_(used, used)] / np.outer(scale, scale)
                target = moments.cross[used, place] / moments.count / scale
                gain = np.linalg.solve(mixed + ridge * np.eye(len(used)), target) / scale
                table[row, used, place] = gain / (to_strengths[PLACES[unit.like or unit.au], used] @ gain)
            spread = float(np.sqrt(table[0, used, place] @ noise[np.ix_(used, used)] @ table[0, used, place]))
            table[0, :, place] *= min(1, KEPT_SPREAD / spread)
            found.spread[kind, place] = min(spread, KEPT_SPREAD)
    return found


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
