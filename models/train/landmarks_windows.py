"""Landmark networks on shapes in motion, from the person's neutral: how much of it they read, and how many frames help.

Learnt and measured on the generator's windows, other people in each; then asked about the demo clip, which the same
generator moved but whose meshes come from the landmarker: the way a video takes.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.geometry import Floats
from core.shape import POINTS, normalised
from models.data import ferplus
from models.data.landmarks import EXPRESSIONS
from models.data.windows import FRAMES, MADE, Windows, last_frames, made_windows, of_people
from models.networks.landmarks import Moments
from models.train.landmarks import KINDS, Kind, LandmarkRecipe, fit, logits_of
from models.train.landmarks_scores import area_under_curve
from models.verify.landmark_demo import meshed_demo

PEOPLE: Final = (150, 60)  # of the training and of the validation split
PER_FACE: Final = 14
DEMO_STEP: Final = 3  # frames of the demo clip from one frame of a window to the next: 0.1 s at 30 a second
STRONG: Final = 3.0  # strength from which an expression counts as strong


@dataclass(frozen=True)
class Found:
    """Networks of one kind on so many frames, one seed.

    Attributes
    ----------
    weak, strong
        Share of the windows with an expression below `STRONG` and from it on that are read so, mean over expressions.
    spared
        Share of windows without an expression that are not read so, mean over expressions.
    still_spared
        The same for windows that show none at all, of all networks together.
    demo_smile, demo_others
        Areas under the curve of happiness on the demo clip, smile against no smile, and the mean of the others' there.
    """

    kind: Kind
    frames: int
    seed: int
    weak: float
    strong: float
    spared: float
    still_spared: float
    demo_smile: float
    demo_others: float


def write_windows(path: Path, source: tuple[Path, Path], recipe: LandmarkRecipe, seeds: range) -> list[Found]:
    """Make, learn, measure, and write a table; `source` is the folders of the data and of fitted meshes."""
    train, valid = (
        made_windows(neutral_meshes(*source, name, count), PER_FACE, seed)
        for seed, (name, count) in enumerate(zip(("train", "valid"), PEOPLE, strict=True))
    )
    clip = demo_windows()
    found = [
        _found(kind, frames, seed, recipe, (train, valid, clip))
        for kind in KINDS
        for frames in (1, FRAMES)
        for seed in seeds
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(vars(found[0])), lineterminator="\n")
        writer.writeheader()
        for each in found:
            writer.writerow({key: f"{v:.4f}" if isinstance(v, float) else v for key, v in vars(each).items()})
    return found


def neutral_meshes(data: Path, cache: Path, split: str, count: int) -> Floats:
    """Meshes of faces that are labelled neutral, [count, 478, 3] px, evenly spaced through a split of FER+."""
    faces = ferplus.load(data, split, cache)
    neutral = np.flatnonzero(faces.found & (ferplus.majority_labels(faces.votes) == ferplus.CLASSES.index("neutral")))
    chosen: Floats = faces.landmarks[neutral[np.linspace(0, len(neutral) - 1, count).astype(np.int64)]]
    return chosen


@dataclass(frozen=True)
class Clip:
    """Windows [n, T, 478, 3] of the demo clip, from its first frame's shape; how strong its smile is at their ends."""

    windows: Floats
    smiles: Floats


def demo_windows() -> Clip:
    """Windows of the demo clip; its first frame shows no unit."""
    demo = meshed_demo(DEMO_STEP)
    if any(values[0] > 0 for values in demo.strengths.values()):
        raise ValueError("the demo clip's first frame must show no action unit; it is taken for the neutral face")
    shapes = normalised(demo.landmarks)
    moved = shapes - shapes[0]
    windows = np.stack([moved[end - FRAMES : end] for end in range(FRAMES, len(moved) + 1)])
    return Clip(windows, demo.strengths[12][FRAMES - 1 :])


def _found(kind: Kind, frames: int, seed: int, recipe: LandmarkRecipe, asked: tuple[Windows, Windows, Clip]) -> Found:
    train, valid, clip = last_frames(asked[0], frames), last_frames(asked[1], frames), asked[2]
    held = list(range(0, PEOPLE[0], round(1 / recipe.held)))  # whole people
    learnt = of_people(train, sorted(set(range(PEOPLE[0])) - set(held)))
    parts = learnt.shapes, of_people(train, held).shapes
    network = fit(kind, recipe, Moments.of(learnt.shapes.shapes), np.arange(POINTS), parts, seed)
    read = logits_of(network, valid.shapes.shapes) > 0
    on_clip = logits_of(network, np.ascontiguousarray(clip.windows[:, -frames:]))
    smiles = clip.smiles >= 1
    columns = {name: EXPRESSIONS.index(name) for name in MADE}
    by_name = {name: area_under_curve(on_clip[:, column], smiles) for name, column in columns.items()}
    shown = {name: valid.shapes.targets[:, column] for name, column in columns.items()}
    hit = {name: read[:, column] for name, column in columns.items()}
    weak = valid.strengths < STRONG

    def mean(parts: Iterator[float]) -> float:
        return float(np.mean(list(parts)))

    return Found(
        kind=kind,
        frames=frames,
        seed=seed,
        weak=mean(hit[name][shown[name] & weak].mean() for name in MADE),
        strong=mean(hit[name][shown[name] & ~weak].mean() for name in MADE),
        spared=mean((~hit[name][~shown[name]]).mean() for name in MADE),
        still_spared=float((~read[valid.shapes.classes == 0][:, list(columns.values())]).mean()),
        demo_smile=by_name["happiness"],
        demo_others=mean(value for name, value in by_name.items() if name != "happiness"),
    )
