"""From a face mesh to an explained prediction on one core: ``python benchmarks/landmarks.py [--pack NAME ...]``.

For every landmark pack: the shape is normalised, six binary networks read it, and integrated gradients (32 steps from
each of the five baselines) explain one expression, then all six. Beside it the same without the short cut through the
linear beginning, and the shipped pack's prediction and LRP on one face. Ways take turns; the smallest of many counts,
since other programs only ever add time.
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from app import packs, paths
from core.landmark_model import LandmarkModel
from core.model import Model, Target
from core.packs import DEFAULT_PACK, LandmarkPack
from core.sample import sample_faces
from core.shape import normalised


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", action="append", help="landmark pack, by id or folder (default: all there are)")
    parser.add_argument("--rounds", type=int, default=200)
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    found = [packs.find_landmarks(name) for name in chosen.pack or ()]
    found = found or [pack for _, pack in packs.listed() if isinstance(pack, LandmarkPack)]
    ways: dict[str, Callable[[], object]] = {}
    for pack in found:
        ways |= ways_of(pack)
    ways |= pixels()
    for way in ways.values():
        way()
    best = dict.fromkeys(ways, np.inf)
    for _ in range(chosen.rounds):
        for name, way in ways.items():
            started_s = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - started_s)
    print(f"one core, best of {chosen.rounds}; ratios to the first line")
    first = next(iter(best.values()))
    for name, took_s in best.items():
        print(f"{name:62} {1000 * took_s:8.3f} ms   {took_s / first:6.2f}")


def ways_of(pack: LandmarkPack) -> dict[str, Callable[[], object]]:
    model, whole = LandmarkModel(pack), LandmarkModel(pack, cut=False)
    meshes = [face.landmarks for face in sample_faces().faces]
    window = pack.manifest.input.window
    turn = {"mesh": 0}

    def shapes() -> np.ndarray:
        turn["mesh"] = (turn["mesh"] + 1) % len(meshes)
        now = normalised(meshes[turn["mesh"]])[None]
        return np.repeat(now, window, axis=0)

    return {
        f"{pack.title}: mesh to prediction, one expression explained": lambda: model.read(shapes()),
        f"{pack.title}: the same, all {len(model.labels)} expressions explained": lambda: model.explain_all(shapes()),
        f"{pack.title}: prediction alone": lambda: model.logits(shapes()[None]),
        f"{pack.title}: one expression, every point through the whole": lambda: whole.read(shapes()),
    }


def pixels() -> dict[str, Callable[[], object]]:
    model = Model(packs.find(DEFAULT_PACK), provider="cpu", threads=1, cache=paths.data_folder() / "compiled")
    sample = sample_faces()
    crops = [model.crop(sample.frames[0].image, sample.faces[0])]
    return {
        f"{DEFAULT_PACK}: prediction alone": lambda: model.predict(crops),
        f"{DEFAULT_PACK}: prediction and LRP": lambda: model.explain(crops, "lrp", Target(), 0.0),
    }


if __name__ == "__main__":
    main()
