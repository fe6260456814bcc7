"""Learn to see that eyes or brows are covered: ``python -m models.train.covering --data ../shared/data``.

FER+ faces of every expression as they are, against the same with something laid over eyes and brows
(`models.data.covers`): a logistic regression on the edges of either side of the face. The weights go to
`core/covering.npz`; what it is worth on validation faces is printed.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import read
from core.covering import FILE, edges
from core.geometry import Floats
from models.data import ferplus
from models.data.covers import COVERS

Numbers = NDArray[np.float64]

RIDGE: Final = 1e-3
SCALE: Final = (
    8.0  # of edges of length 1 in some 500 cells, so that the ridge means what it does for features of order 1
)
SHARE: Final = 0.5  # of the faces are covered in each way
JITTER_PX: Final = 0.4  # of a mesh that is fitted beside a cover
LEAST_CHANGE: Final = 0.6  # of a side's edges: less was not covered
OPEN: Final = "open"


def main() -> None:
    """Learn, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m models.train.covering", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_train.npz and _valid.npz")
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    parser.add_argument("--faces", type=int, default=5000, help="training faces")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    sides, kinds = _sides(ferplus.load(arguments.data, "train", arguments.cache), arguments.faces, generator)
    weights = logistic(sides * SCALE, kinds != OPEN, RIDGE)
    np.savez_compressed(FILE, weights=(weights[:-1] * SCALE).astype(np.float32), bias=np.float32(weights[-1]))
    sides, kinds = _sides(ferplus.load(arguments.data, "valid", arguments.cache), arguments.faces // 4, generator)
    odds = sides @ (weights[:-1] * SCALE) + weights[-1]
    for kind in (OPEN, *COVERS):
        of = odds[kinds == kind]
        print(f"{kind:12} {len(of):5} sides: called covered {(of > 0).mean():.3f}, log odds {np.median(of):.1f}")
    print(f"log odds that 1 % of open sides exceed: {np.quantile(odds[kinds == OPEN], 0.99):.2f}")


def _sides(split: ferplus.FerPlus, faces: int, generator: np.random.Generator) -> tuple[Numbers, NDArray[np.str_]]:
    """Edges of sides of faces, float64 [n, cells], and how each is covered."""
    found, kinds = [], []
    for face in generator.permutation(np.flatnonzero(split.found))[:faces]:
        image, landmarks = split.images[face], split.landmarks[face]
        plain = read(landmarks, image).cells
        if plain is None:
            continue
        bare = edges(plain)
        found += list(bare)
        kinds += [OPEN] * len(bare)
        for name, cover in COVERS.items():
            if generator.random() < SHARE:
                moved = landmarks + generator.normal(0, JITTER_PX, (1, 3)).astype(np.float32)
                seen = read(moved, cover(image, landmarks, generator)).cells
                covered = _changed(bare, seen)
                found += covered
                kinds += [name] * len(covered)
    return np.array(found, np.float64), np.array(kinds)


def _changed(bare: Floats, seen: Floats | None) -> list[Floats]:
    """Of a face that was covered, the sides that look otherwise than before."""
    if seen is None:
        return []
    after = edges(seen)
    return [side for side, before in zip(after, bare, strict=True) if np.linalg.norm(side - before) > LEAST_CHANGE]


def logistic(features: Numbers, positive: NDArray[np.bool_], ridge: float, steps: int = 40) -> Numbers:
    """Weights and, last, the bias of a logistic regression by Newton's method; both classes count half."""
    inputs = np.column_stack([features, np.ones(len(features))])
    each = np.where(positive, 0.5 / max(positive.sum(), 1), 0.5 / max((~positive).sum(), 1))
    return weighted_logistic(inputs, positive, each, ridge, steps)


def weighted_logistic(
    inputs: Numbers, positive: NDArray[np.bool_], each: Numbers, ridge: float, steps: int = 40
) -> Numbers:
    """The same for inputs whose last column is 1, each row with a weight of its own; the bias is not penalised."""
    weights = np.zeros(inputs.shape[1])
    penalty = ridge * np.eye(len(weights))
    penalty[-1, -1] = 0
    for _ in range(steps):
        probability = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ (each * (probability - positive)) + penalty @ weights
        bend = inputs.T @ (inputs * (each * probability * (1 - probability))[:, None]) + penalty
        step = np.linalg.solve(bend + 1e-9 * np.eye(len(weights)), slope)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return weights


if __name__ == "__main__":
    main()
