"""Faces with the parts of PSPI that the geometric road reads in them: what the network's own road to pain is taught.

Two kinds. Real ones: FER+ faces, held against the population's norm by `core.action_units`; nobody coded them, so a
network that learns this is a distillate of this program's own estimates. And neutral FER+ faces that the stimulus
moves, with the strengths it was told, so that closed eyes and wrinkled noses occur at all.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import compare, read
from core.action_units.estimate import PLACES
from core.action_units.fitted import FILE as FITTED
from core.action_units.pose import posed
from core.deformations import ACTION_UNITS, MAX_STRENGTH
from core.geometry import Alignment, Floats, Image, Similarity, crop
from core.mesh import region_of_landmarks
from core.packs import sha256
from core.pspi import TERMS
from core.stimulus import Pose, Puppet
from models.data import ferplus
from models.data.courses import KINDS, PAIN, SWAY, commands
from models.data.stimuli import Command, mesh
from models.train.action_units import MOVED_DEG, NEUTRAL_VOTES, enlarged

EDITION: Final = 1  # of what is gathered; what was kept under another is gathered again
MOST_DEG: Final = 30.0  # beyond, no pain is measured (`core.quality`)
MOVED: Final = 110  # neutral faces that the stimulus moves
PAINS: Final = 6  # times that each of them shows pain
SHIFT_PX, ROLL_DEG, SCALE = 1.0, 3.0, 0.03  # standard deviations by which a crop is cut amiss, as by a trembling mesh


@dataclass(frozen=True)
class Taught:
    """Crops and what is to be read in them.

    Attributes
    ----------
    crops
        uint8 [n, size, size], grey, aligned.
    parts
        float32 [n, 4]: AU4, max(AU6, AU7), max(AU9, AU10), AU43, each 0..5.
    """

    crops: Image
    parts: Floats


@dataclass(frozen=True)
class Gathered:
    """Real faces to learn from and to be tried on, and moved ones."""

    train: Taught
    valid: Taught
    moved: Taught


def parts_of(units: NDArray[np.generic]) -> Floats:
    """The parts of PSPI, float32 [..., 4], of intensities [..., units] in the order of `core.action_units.UNITS`."""
    strongest = [units[..., [PLACES[au] for au in term]].max(axis=-1) for term in TERMS]
    parts: Floats = np.stack(strongest, axis=-1).astype(np.float32)
    return parts


def gathered(data: Path, cache: Path, alignment: Alignment, seed: int = 1) -> Gathered:
    """All of them, from the cache where they are kept; `data` holds ferplus_train.npz and ferplus_valid.npz."""
    key = hashlib.sha256(repr((EDITION, sha256(FITTED), alignment, seed)).encode()).hexdigest()[:16]
    path = cache / f"pain_parts_{key}.npz"
    if not path.is_file():
        generator = np.random.default_rng(seed)
        train, valid = (ferplus.load(data, name, cache) for name in ("train", "valid"))
        found = {"train": _real(train, alignment, generator), "valid": _real(valid, alignment)}
        found["moved"] = _moved(train, alignment, generator)
        arrays = {f"{name}_{what}": getattr(each, what) for name, each in found.items() for what in ("crops", "parts")}
        np.savez_compressed(path, **arrays)
    with np.load(path, allow_pickle=False) as file:
        return Gathered(*(Taught(file[f"{name}_crops"], file[f"{name}_parts"]) for name in ("train", "valid", "moved")))


def _real(split: ferplus.FerPlus, alignment: Alignment, generator: np.random.Generator | None = None) -> Taught:
    """FER+ faces by the norm; with a generator their crops are cut a little amiss."""
    crops, parts = [], []
    for face in np.flatnonzero(split.found):
        reading = read(split.landmarks[face], split.images[face])
        if reading.cells is None or float(np.hypot(*reading.posed.angles_deg[:2])) > MOST_DEG:
            continue
        parts.append(parts_of(compare(reading).units.both))
        to_crop = alignment.to_crop(split.landmarks[face])
        crops.append(crop(split.images[face], _amiss(to_crop, alignment, generator), alignment.size))
    return Taught(np.stack(crops), np.stack(parts))


def _moved(split: ferplus.FerPlus, alignment: Alignment, generator: np.random.Generator) -> Taught:
    """Neutral FER+ faces that show pain, what is taken for it, and units alone."""
    neutral = np.flatnonzero(split.found & (split.votes[:, 0] >= NEUTRAL_VOTES))
    straight = neutral[(np.abs(posed(split.landmarks[neutral]).angles_deg) < MOVED_DEG).all(axis=1)]
    crops, parts = [], []
    for face in generator.choice(straight, MOVED, replace=False):
        found = enlarged(split.images[face])
        if found is None:
            continue
        still, landmarks = found
        puppet = Puppet(still, landmarks)
        for command in _commands(generator):
            image = puppet.render(command.strengths, command.pose)
            seen, _presence = mesh().fit(image, region_of_landmarks(landmarks))
            to_crop = _amiss(alignment.to_crop(seen), alignment, generator)
            crops.append(crop(np.ascontiguousarray(image[..., 0]), to_crop, alignment.size))
            parts.append(parts_of(command.truth))
    return Taught(np.stack(crops), np.stack(parts))


def _commands(generator: np.random.Generator) -> Iterator[Command]:
    """Rest, every unit that counts alone, and the strongest moment of everything that `models.data.courses` knows."""
    for _ in range(2):
        yield Command({}, _swayed(generator))
    for term in (*TERMS, (9,), (10,), (12,)):
        chosen = [au for au in term if au in ACTION_UNITS]
        yield Command(dict.fromkeys(chosen, float(generator.uniform(1, MAX_STRENGTH))), _swayed(generator))
    for kind in (*(PAIN for _ in range(PAINS)), *(each for each in KINDS if each not in (PAIN, "rest"))):
        yield commands(kind, generator)[-1]


def _swayed(generator: np.random.Generator) -> Pose:
    right, down, roll_deg, yaw_deg, pitch_deg = generator.normal(0, SWAY).tolist()
    return Pose(right, down, roll_deg, yaw_deg, pitch_deg)


def _amiss(to_crop: Similarity, alignment: Alignment, generator: np.random.Generator | None) -> Similarity:
    """The way into the crop, missed by a little."""
    if generator is None:
        return to_crop
    x, y = generator.normal(0, SHIFT_PX, 2)
    angle, scale = np.radians(generator.normal(0, ROLL_DEG)), 1 + generator.normal(0, SCALE)
    a, b = float(scale * np.cos(angle)), float(scale * np.sin(angle))
    middle = (alignment.size - 1) / 2  # about which it turns
    turn = Similarity(a, b, middle - a * middle + b * middle + float(x), middle - b * middle - a * middle + float(y))
    return turn.after(to_crop)
