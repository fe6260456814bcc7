"""Teach a network to read pain: ``python -m models.train.pain_head --pack models/packs/mien-s --data ../shared``.

One linear layer on the pooled features, by ridge regression on what the geometric road reads in FER+ faces and on faces
that the stimulus moves (`models.data.pain_parts`); trunk and classes stay as they are. The pack gets the head, and its
card what was measured; what shows that it is worth anything, or not, is printed.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.packs import read_pack
from models.data.pain_parts import Gathered, Taught, gathered
from models.export.pain_head import Head, add_head, pooled_features
from models.verify import pain_head as verify

MOVED_SHARE: Final = 0.1  # of the weight: more of it reads real faces worse, and moved ones no better
RIDGE: Final = 1e-3  # on features that are scaled to their root mean square
LEARNT_FROM: Final = (
    "This program's own estimates (core.action_units, population's norm) on FER+ faces, and faces that its stimulus "
    "moved at known strength: a distillate, not coded by anybody, no independent evidence."
)


def main() -> None:
    """Learn, measure, and add the head to the pack."""
    parser = argparse.ArgumentParser(prog="python -m models.train.pain_head", description=__doc__)
    parser.add_argument("--pack", type=Path, required=True, help="folder of a finished pack, which is changed")
    parser.add_argument("--data", type=Path, required=True, help="folder with data/ and media/")
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for what is gathered")
    arguments = parser.parse_args()
    print(give_head(arguments.pack, arguments.data, arguments.cache))


def give_head(folder: Path, data: Path, cache: Path) -> str:
    """Give a finished pack the head; return its card's section. `data` holds data/ and media/."""
    faces = gathered(data / "data", cache, read_pack(folder).alignment)
    weights = learn(folder / "model.onnx", faces)
    section = verify.section(folder, weights, faces, data, cache)
    add_head(folder, Head(weights, LEARNT_FROM, section))
    return section


def learn(model: Path, faces: Gathered) -> Floats:
    """Weights float32 [parts, features] of least squares, real faces and moved ones, each also mirrored."""
    real, moved = (_both_ways(model, each) for each in (faces.train, faces.moved))
    return fit([(*real, 1 - MOVED_SHARE), (*moved, MOVED_SHARE)])


def _both_ways(model: Path, taught: Taught) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features and parts of faces and of their mirror images."""
    crops = taught.crops[:, None]
    features = [pooled_features(model, each) for each in (crops, np.ascontiguousarray(crops[..., ::-1]))]
    return np.concatenate(features).astype(np.float64), np.concatenate([taught.parts] * 2).astype(np.float64)


def fit(groups: list[tuple[NDArray[np.float64], NDArray[np.float64], float]]) -> Floats:
    """Ridge regression without a bias: weights float32 [parts, features].

    Parameters
    ----------
    groups
        Features [n, features], targets [n, parts], and how much the group counts, whatever its size.
    """
    products = sum(weight / len(x) * (x.T @ x) for x, _, weight in groups)
    told = sum(weight / len(x) * (x.T @ y) for x, y, weight in groups)
    scale = np.sqrt(np.diag(products))
    scale = np.where(scale > 0, scale, 1.0)  # a feature that never speaks gets no weight
    solved = np.linalg.solve(products / np.outer(scale, scale) + RIDGE * np.eye(len(scale)), told / scale[:, None])
    return np.ascontiguousarray((solved / scale[:, None]).T, np.float32)


if __name__ == "__main__":
    main()
