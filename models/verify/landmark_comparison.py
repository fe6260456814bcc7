"""Landmark networks beside a network that reads pixels, on the same faces."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.model import Model
from core.packs import find_pack
from core.verification.estimates import Estimate
from models.data import ferplus
from models.data.landmarks import EXPRESSIONS, Shapes, usable
from models.train.landmarks_scores import area_under_curve, estimate

DRAWS = 400


@dataclass(frozen=True)
class Beside:
    """One expression: areas under the ROC curve of the pixels' network and of the landmarks', and their difference."""

    expression: str
    faces: int
    pixels: float
    landmarks: float
    difference: Estimate


def pixel_scores(pack: str, split: ferplus.FerPlus) -> Floats:
    """Log-odds of each of the six, float32 [n, 6], of a pack for pictures, on the aligned crops with label and mesh."""
    model = Model(find_pack(pack), provider="cpu", threads=1)
    chosen = usable(split)
    faces = ferplus.FerPlus(split.images[chosen], split.votes[chosen], split.landmarks[chosen])
    crops = faces.crops(model.pack.alignment)[:, None]
    logits = np.concatenate([model.logits(crops[i : i + 256]) for i in range(0, len(crops), 256)]).astype(np.float64)
    columns = [model.labels.index(name) for name in EXPRESSIONS]
    rest = np.stack([np.logaddexp.reduce(np.delete(logits, column, axis=1), axis=1) for column in columns], axis=1)
    scores: Floats = (logits[:, columns] - rest).astype(np.float32)
    return scores


def compare(pixels: Floats, landmarks: Floats, valid: Shapes) -> list[Beside]:
    """Both on the same faces, scores float32 [n, 6]; intervals of the difference by the bootstrap over faces."""
    generator = np.random.default_rng(13)
    draws = generator.integers(len(valid.classes), size=(DRAWS, len(valid.classes)))
    return [_one(name, pixels[:, c], landmarks[:, c], valid.targets[:, c], draws) for c, name in enumerate(EXPRESSIONS)]


def _one(name: str, pixels: Floats, landmarks: Floats, shown: NDArray[np.bool_], draws: NDArray[np.int64]) -> Beside:
    def areas(rows: NDArray[np.int64]) -> tuple[float, float]:
        return area_under_curve(pixels[rows], shown[rows]), area_under_curve(landmarks[rows], shown[rows])

    by_pixels, by_landmarks = areas(np.arange(len(shown)))
    drawn = np.array([other - one for one, other in map(areas, draws)])
    return Beside(
        name, int(shown.sum()), by_pixels, by_landmarks, estimate(by_landmarks - by_pixels, drawn, len(shown))
    )


def six_way(scores: Floats, valid: Shapes) -> float:
    """Share of the faces that show one of the six for which its score is the largest."""
    shows = valid.targets.any(axis=1)
    right: NDArray[np.bool_] = scores[shows].argmax(axis=1) == valid.targets[shows].argmax(axis=1)
    return float(right.mean())


def compare_with_pack(
    pack: str, data: Path, cache: Path, landmarks: Floats, valid: Shapes
) -> tuple[list[Beside], float]:
    """`compare` with a shipped pack by its id, and that pack's `six_way`."""
    scores = pixel_scores(pack, ferplus.load(data, "valid", cache))
    return compare(scores, landmarks, valid), six_way(scores, valid)
