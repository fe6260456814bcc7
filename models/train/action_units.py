"""Measure the numbers of `core.action_units`: ``python -m models.train.action_units --data ../shared/data``.

The canonical face is the mean of FER+ training meshes that most people call neutral. The gains come from the
stimulus generator: neutral FER+ faces are shown with units of known strength, the mesh is fitted to every picture, and
each unit's strength is regressed on its measures. Astronaut, Grace Hopper and the pairs in shared/media take no part:
``python -m models.verify units`` measures on them.
"""

import argparse
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units.fitted import FILE, fitted
from core.action_units.measures import MEASURES, measured
from core.action_units.pose import posed, posed_onto
from core.action_units.units import UNITS
from core.deformations import ACTION_UNITS, MAX_STRENGTH
from core.geometry import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, Floats, Image
from core.mesh import Mesh, region_of_landmarks
from core.opencv import cv2
from core.stimulus import Puppet
from core.tight import fit_tight
from models.data import ferplus

Numbers = NDArray[np.float64]

NEUTRAL_VOTES: Final = 8  # of ten people
MOST_YAW_DEG: Final = 30.0
MOST_PITCH_DEG: Final = 20.0
ENLARGED: Final = 3  # FER+ pictures are 48 px wide
BORDER_PX: Final = 10  # around them, so that the warp's ring lies inside
MIXTURES: Final = 14  # of two to four units per face, besides single units at half and full strength
MIN_SHARE: Final = 1e-3  # ridge, share of the mean variance of the measures
KEPT_SPREAD: Final = 0.8  # of estimates against the norm over neutral faces; gains above it are turned down


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m models.train.action_units", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_train.npz")
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    parser.add_argument("--faces", type=int, default=110, help="neutral faces that the stimulus moves")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FILE)
    arguments = parser.parse_args()
    split = ferplus.load(arguments.data, "train", arguments.cache)
    neutral = np.flatnonzero(split.found & (split.votes[:, 0] >= NEUTRAL_VOTES))
    points, mirror = mean_face(split.landmarks[neutral])
    angles = posed_onto(split.landmarks[neutral], points).angles_deg
    neutral = neutral[(np.abs(angles) < (MOST_YAW_DEG, MOST_PITCH_DEG)).all(axis=1)]
    print(f"{len(neutral)} neutral meshes; eye line {points[33, 0]:.3f} .. {points[263, 0]:.3f}")
    generator = np.random.default_rng(arguments.seed)
    nothing = np.zeros((len(MEASURES), len(UNITS)))
    np.savez(arguments.out, points=points, mirror=mirror, own_gains=nothing, norm_gains=nothing, spread=nothing[0])
    fitted.cache_clear()
    chosen = generator.choice(neutral, arguments.faces, replace=False)
    moves = [_moves(split.images[face], generator) for face in chosen]
    changes = np.concatenate([move.changes for move in moves])
    strengths = np.concatenate([move.strengths for move in moves])
    resting = measured(posed(split.landmarks[neutral]).points).reshape(-1, len(MEASURES))
    resting -= resting.mean(axis=0)
    own, against_norm, spread = gains(changes, strengths, resting)
    np.savez(arguments.out, points=points, mirror=mirror, own_gains=own, norm_gains=against_norm, spread=spread)
    for unit, by in zip(UNITS, spread, strict=True):
        print(f"AU{unit.au:<3} {unit.name:24} spread over neutral faces {by:.2f}")


@dataclass(frozen=True)
class Moves:
    """One face under many commands: how its measures changed [n, measures], and the strengths of `ACTION_UNITS`."""

    changes: Numbers
    strengths: Numbers


def _moves(image: Image, generator: np.random.Generator) -> Moves:
    """Show a face with single units and mixtures of units, fit the mesh to each picture, and measure both sides."""
    padded = np.pad(image, BORDER_PX, mode="edge")
    large = cv2.resize(padded, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    still = np.repeat(np.asarray(large, np.uint8)[:, :, None], 3, axis=2)
    found = fit_tight(_mesh(), still)
    if found is None:
        return Moves(np.zeros((0, len(MEASURES))), np.zeros((0, len(ACTION_UNITS))))
    puppet = Puppet(still, found.landmarks)
    commands = [{}, *_commands(generator)]
    region = region_of_landmarks(found.landmarks)
    meshes = np.stack([_mesh().fit(puppet.render(command), region)[0] for command in commands])
    measures = measured(posed(meshes).points)
    strengths = np.array([[command.get(au, 0.0) for au in sorted(ACTION_UNITS)] for command in commands[1:]])
    changes = (measures[1:] - measures[0]).reshape(-1, len(MEASURES))
    return Moves(changes, np.repeat(strengths, 2, axis=0))


def _commands(generator: np.random.Generator) -> list[dict[int, float]]:
    units = sorted(ACTION_UNITS)
    single = [{au: strength} for au in units for strength in (MAX_STRENGTH / 2, MAX_STRENGTH)]
    mixed = [
        {int(au): float(generator.uniform(0, MAX_STRENGTH)) for au in generator.choice(units, count, replace=False)}
        for count in generator.integers(2, 5, MIXTURES)
    ]
    return single + mixed


@cache
def _mesh() -> Mesh:
    return Mesh()


def gains(changes: Numbers, strengths: Numbers, resting: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Regress each unit's strength on its own measures.

    Parameters
    ----------
    changes, strengths
        Measures against the same face at rest [n, measures], and what was commanded [n, units of the stimulus].
    resting
        Measures of neutral faces against their mean [m, measures]: what a population norm must not take for a unit.

    Returns
    -------
        Gains against the person's own neutral face and against the norm, [measures, units] each, and the spread of
        the latter's estimates over neutral faces. A unit's strength has slope 1 against the own neutral face; against
        the norm it has that as far as neutral faces keep a spread of `KEPT_SPREAD`.
    """
    signal, noise = changes.T @ changes / len(changes), resting.T @ resting / len(resting)
    own, against_norm = np.zeros((2, len(MEASURES), len(UNITS)))
    for place, unit in enumerate(UNITS):
        at = sorted(ACTION_UNITS).index(unit.like or unit.au)
        used, target = np.array(unit.measures), changes.T @ strengths[:, at] / len(changes)
        for table, people in ((own, 0.02), (against_norm, 1.0)):
            mixed = (signal + people * noise)[np.ix_(used, used)]
            ridge = MIN_SHARE * np.trace(mixed) / len(used) * np.eye(len(used))
            gain = np.linalg.solve(mixed + ridge, target[used])
            estimates = changes[:, used] @ gain
            slope = np.linalg.lstsq(strengths, estimates, rcond=None)[0][at]
            table[used, place] = gain / slope
    spread = (resting @ against_norm).std(axis=0)
    against_norm *= np.minimum(1, KEPT_SPREAD / spread)
    return own, against_norm, np.minimum(spread, KEPT_SPREAD)


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
