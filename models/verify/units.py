"""What the action units are worth on faces that the stimulus moves: ``python -m models.verify units``.

The faces are scikit-image's astronaut and Matplotlib's Grace Hopper, and with ``--data`` the left halves of the pairs
in ``media/pain``, which are to be neutral; none of them took part in fitting the gains. Every reading goes the whole
way: picture, mesh, features.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import Reading, compare
from core.action_units.estimate import PLACES
from core.deformations import MAX_STRENGTH
from core.faces import FaceFinder
from core.geometry import Box, Floats, Image
from core.opencv import cv2
from core.pspi import CLOSED_FROM
from core.stimulus import Puppet
from models.data.stimuli import Command, show, turned

Numbers = NDArray[np.float64]

# What is commanded together and read as the stronger of its units: the terms of PSPI, and what is taken for them.
STIMULI: Final[tuple[tuple[int, ...], ...]] = ((4,), (6, 7), (9,), (10,), (12,), (25,), (26,), (43,))
IN_PSPI: Final = (0, 1, 2, 3, 7)
STRENGTHS: Final = (1.0, 2.0, 3.0, 4.0, 5.0)
MIXTURES: Final = 16  # of two or three stimuli, per face
SMILE: Final = {6: 3.0, 12: 4.5, 25: 2.5}  # of the astronaut's still, coded by eye (as in assets/make_demo.py)
FACE_PX: Final = 300  # longer side of the face in the stills


# Yaw and pitch of a head at rest, degrees of its landmarks: as read back, up to some 20 and 15.
TURNS: Final = ((0, 0), (-35, 0), (-20, 0), (20, 0), (35, 0), (0, -25), (0, -15), (0, 15), (0, 25))


@dataclass(frozen=True)
class Still:
    """A picture of one face, RGB uint8 [height, width, 3], its mesh in px, and what it shows."""

    name: str
    image: Image
    landmarks: Floats
    baseline: Mapping[int, float]


@dataclass(frozen=True)
class Session:
    """One face under every command: what was read, and the truth [n, stimuli]. The first shows nothing.

    `turned` are readings of the face at rest under each of `TURNS`.
    """

    name: str
    readings: list[Reading]
    truth: Numbers
    turned: list[Reading]


def report(data: Path | None, seed: int) -> None:
    """Print how well each unit is read, and how much of it is read from others; `data` may hold media/pain."""
    sessions = [_session(still, np.random.default_rng(seed)) for still in stills_of(data)]
    for own in (True, False):
        for pictured in (False, True):
            against = "the face's own neutral picture" if own else "the population's norm"
            print(f"\n== mesh {'and picture' if pictured else 'alone'}, against {against}")
            _report(sessions, own, pictured)


def stills_of(data: Path | None) -> list[Still]:
    """The faces that are looked at; `data` may hold media/pain."""
    return [*_samples(), *(_neutral_halves(data / "media" / "pain") if data else [])]


def _samples() -> list[Still]:
    import matplotlib.cbook
    import skimage.data

    portrait = np.asarray(skimage.data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]
    path = str(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    return [*_stills("astronaut", portrait, SMILE), *_stills("Grace Hopper", _picture(path), {})]


def _picture(path: str) -> Image:
    return np.asarray(cv2.cvtColor(np.asarray(cv2.imread(path)), cv2.COLOR_BGR2RGB), np.uint8)


def _neutral_halves(folder: Path) -> list[Still]:
    found = []
    for path in sorted(folder.glob("*.jpg")):
        found += _stills(path.stem[:20], _picture(str(path)), {})[:1]
    return found


def _stills(name: str, image: Image, baseline: Mapping[int, float]) -> list[Still]:
    """The faces of a picture from left to right, each cut out with what is around it."""
    finder = FaceFinder()
    faces = sorted(finder.find(image), key=lambda face: face.box.x)
    finder.close()
    return [_cut(name, image, face.landmarks, baseline) for face in faces]


def _cut(name: str, image: Image, landmarks: Floats, baseline: Mapping[int, float]) -> Still:
    box = Box.around(landmarks).squared().scaled(1.9)
    scale = 1.9 * FACE_PX / box.width
    matrix = np.array([[scale, 0, -box.x * scale], [0, scale, -box.y * scale]])
    side = round(box.width * scale)
    flags = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    cut = cv2.warpAffine(image, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    moved = landmarks * scale - np.array([box.x * scale, box.y * scale, 0])
    return Still(name, np.asarray(cut, np.uint8), moved.astype(np.float32), baseline)


def _session(still: Still, generator: np.random.Generator) -> Session:
    truth = np.zeros((1, len(STIMULI)))
    alone = [strength * np.eye(len(STIMULI)) for strength in STRENGTHS]
    mixed = np.zeros((MIXTURES, len(STIMULI)))
    for row in mixed:
        chosen = generator.choice(len(STIMULI), generator.integers(2, 4), replace=False)
        row[chosen] = generator.uniform(0, MAX_STRENGTH, len(chosen))
    told = np.concatenate([truth, *alone, mixed])
    commands = [Command({au: row[k] for k, units in enumerate(STIMULI) for au in units}) for row in told]
    shown = np.stack([_stimuli(command.truth) for command in commands])
    puppet = Puppet(still.image, still.landmarks, still.baseline)
    at_rest = np.column_stack([puppet.landmarks({}), still.landmarks[:, 2]]).astype(np.float32)
    turns = [turned(puppet.render({}), at_rest, *turn) for turn in TURNS]
    return Session(still.name, show(still.image, still.landmarks, commands, still.baseline), shown, turns)


def _stimuli(units: NDArray[Any]) -> Numbers:
    """Intensities [units] as those of `STIMULI`: the strongest of each."""
    return np.array([max(units[PLACES[au]] for au in together) for together in STIMULI], np.float64)


def _report(sessions: list[Session], own: bool, pictured: bool) -> None:
    read = [_read(session.readings, own, pictured) for session in sessions]
    values, truth = np.concatenate(read), np.concatenate([session.truth for session in sessions])
    print(f"{'':8}{'correlation':>12}{'by face: median':>17}{'least':>7}{'error':>7}{'at rest':>9}")
    for k, units in enumerate(STIMULI):
        by_face = [_correlation(v[:, k], s.truth[:, k]) for v, s in zip(read, sessions, strict=True)]
        error, at_rest = np.abs(values[:, k] - truth[:, k]).mean(), np.mean([v[0, k] for v in read])
        numbers = f"{_correlation(values[:, k], truth[:, k]):12.3f}{np.median(by_face):17.3f}{min(by_face):7.2f}"
        print(f"{_name(units):8}{numbers}{error:7.2f}{at_rest:9.2f}")
    print("cross-talk: intensities read per intensity shown (rows: shown alone)")
    print(" " * 8 + "".join(f"{_name(units):>8}" for units in STIMULI))
    talk = np.mean([_cross_talk(v, s.truth) for v, s in zip(read, sessions, strict=True)], axis=0)
    for units, row in zip(STIMULI, talk, strict=True):
        print(f"{_name(units):8}" + "".join(f"{value:8.2f}" for value in row))
    others = np.abs(talk)[~np.eye(len(STIMULI), dtype=bool)].mean()
    into = np.abs(np.where(np.eye(len(STIMULI), dtype=bool), 0, talk))[:, IN_PSPI].sum() / (7 * len(IN_PSPI))
    print(f"mean cross-talk {others:.3f}, into the units of PSPI {into:.3f}")
    _report_turns(np.stack([_read(session.turned, own, pictured) for session in sessions]))


def _report_turns(turned: Numbers) -> None:
    """Print by how much readings [faces, turns, stimuli] change when a still face turns away from the first turn."""
    mean = np.abs(turned[:, 1:] - turned[:, :1]).mean(axis=(0, 1))
    scores = _pspi(turned)
    change = np.abs(scores[:, 1:] - scores[:, :1])
    is_yaw = np.array([yaw != 0 for yaw, _ in TURNS[1:]])
    print(
        "turned head: " + "  ".join(f"{_name(units)} {value:.2f}" for units, value in zip(STIMULI, mean, strict=True))
    )
    for way, chosen in (("yaw", is_yaw), ("pitch", ~is_yaw)):
        mean, most = change[:, chosen].mean(), change[:, chosen].max()
        print(f"PSPI by {way}: changes by {mean:.2f} on average, {most:.2f} at most")


def _pspi(shown: Numbers) -> Numbers:
    """The formula over intensities [..., stimuli]."""
    of = {units: shown[..., place] for place, units in enumerate(STIMULI)}
    score: Numbers = of[4,] + of[6, 7] + np.maximum(of[9,], of[10,]) + (of[43,] >= CLOSED_FROM)
    return score


def _read(readings: list[Reading], own: bool, pictured: bool) -> Numbers:
    """Intensities [readings, stimuli], against the first of them or against the norm."""
    if not pictured:
        readings = [replace(reading, cells=None, flat=None) for reading in readings]
    neutral = readings[0] if own else None
    return np.stack([_stimuli(compare(reading, neutral).units.both) for reading in readings])


def _cross_talk(values: Numbers, truth: Numbers) -> Numbers:
    """Slope of what is read in the strength of what is shown alone, [shown, read]; what is truly there is left out."""
    count = len(STIMULI)
    alone = slice(1, 1 + count * len(STRENGTHS))
    changes = (values[alone] - values[0]).reshape(len(STRENGTHS), count, count)
    there = truth[alone].reshape(len(STRENGTHS), count, count)
    strengths = np.array(STRENGTHS)
    slopes: Numbers = np.einsum("s,sij->ij", strengths, changes) / (strengths**2).sum()
    true = np.einsum("s,sij->ij", strengths, there) / (strengths**2).sum()
    return np.where(np.eye(count, dtype=bool), slopes, slopes - true)


def _correlation(values: Numbers, truth: Numbers) -> float:
    return float(np.corrcoef(values, truth)[0, 1]) if values.std() > 0 else 0.0


def _name(units: tuple[int, ...]) -> str:
    return "AU" + "+".join(map(str, units))
