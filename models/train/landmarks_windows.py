"""Landmark networks on shapes in motion, from the person's neutral: how much of it they read, and how many frames help.

Learnt and measured on the generator's windows, other people in each; then asked about the demo clip, which the same
generator moved but whose meshes come from the landmarker: the way a video takes.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.faces import FaceFinder
from core.geometry import Floats
from core.shape import POINTS, normalised
from core.sources import DEMO, demo_clip, open_source
from models.data import ferplus
from models.data.landmarks import EXPRESSIONS
from models.data.windows import FRAMES, INTERVAL_S, MADE, Windows, last_frames, made_windows, of_people
from models.networks.landmarks import Moments
from models.train.landmarks import KINDS, Kind, LandmarkRecipe, fit, logits_of
from models.train.landmarks_scores import area_under_curve

PEOPLE: Final = (150, 60)  # of the training and of the validation split
PER_FACE: Final = 14
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


def study(data: Path, cache: Path, out: Path, recipe: LandmarkRecipe, seeds: range) -> list[Found]:
    """Make, learn, measure; writes landmarks-windows.csv into the folder `out`."""
    train, valid = (
        made_windows(neutral_meshes(data, cache, name, count), PER_FACE, seed)
        for seed, (name, count) in enumerate(zip(("train", "valid"), PEOPLE, strict=True))
    )
    clip = demo_windows()
    found = [
        _found(kind, frames, seed, recipe, (train, valid, clip))
        for kind in KINDS
        for frames in (1, FRAMES)
        for seed in seeds
    ]
    with (out / "landmarks-windows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(vars(found[0])), lineterminator="\n")
        writer.writeheader()
        for each in found:
            writer.writerow({key: f"{v:.4f}" if isinstance(v, float) else v for key, v in vars(each).items()})
    return found


def neutral_meshes(data: Path, cache: Path, split: str, count: int) -> Floats:
    """Meshes of faces that are labelled neutral, [count, 478, 3] px, evenly spaced through a split of FER+."""
    faces = ferplus.load(data, split, cache)
    neutral = np.flatnonzero(faces.found & (ferplus.majority_labels(faces.votes) == ferplus.CLASSES.index("neutral")))
    return faces.landmarks[neutral[np.linspace(0, len(neutral) - 1, count).astype(np.int64)]]


@dataclass(frozen=True)
class Clip:
    """The demo clip: windows [n, T, 478, 3] from its first frame's shape, strengths of its units in the last frames."""

    windows: Floats
    strengths: dict[int, Floats]


def demo_windows() -> Clip:
    """Mesh the demo clip, one frame every `INTERVAL_S`; its first frame shows no unit."""
    known = json.loads(demo_clip().with_suffix(".json").read_text(encoding="utf-8"))
    step = round(known["fps"] * INTERVAL_S)
    finder, meshes, kept = FaceFinder(), [], []
    try:
        with open_source(DEMO) as source:
            for place in range(len(known["timestamp_s"])):
                frame = source.read()
                if frame is not None and place % step == 0 and (faces := finder.find(frame.image)):
                    meshes.append(faces[0].landmarks)
                    kept.append(place)
    finally:
        finder.close()
    if any(values[0] > 0 for values in known["strengths"].values()):
        raise ValueError("the demo clip's first frame must show no action unit; it is taken for the neutral face")
    shapes = normalised(np.stack(meshes))
    moved = shapes - shapes[0]
    windows = np.stack([moved[end - FRAMES : end] for end in range(FRAMES, len(moved) + 1)])
    last = np.array(kept[FRAMES - 1 :])
    strengths = {int(unit): np.array(values, np.float32)[last] for unit, values in known["strengths"].items()}
    return Clip(windows, strengths)


def _found(kind: Kind, frames: int, seed: int, recipe: LandmarkRecipe, asked: tuple[Windows, Windows, Clip]) -> Found:
    train, valid, clip = last_frames(asked[0], frames), last_frames(asked[1], frames), asked[2]
    held = list(range(0, PEOPLE[0], round(1 / recipe.held)))  # whole people
    learnt = of_people(train, sorted(set(range(PEOPLE[0])) - set(held)))
    parts = learnt.shapes, of_people(train, held).shapes
    network = fit(kind, recipe, Moments.of(learnt.shapes.shapes), np.arange(POINTS), parts, seed)
    read = logits_of(network, valid.shapes.shapes) > 0
    on_clip = logits_of(network, np.ascontiguousarray(clip.windows[:, -frames:]))
    smiles = clip.strengths[12] >= 1
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
