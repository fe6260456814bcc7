"""What landmark networks cost per face as they run in the program: ONNX Runtime, one thread of the processor."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core.geometry import Floats
from core.landmark_model import LandmarkModel
from core.packs import LandmarkPack, read_any_pack
from models.export.landmark_pack import manifest_facts, write_landmark_pack
from models.networks.landmarks import LandmarkNetworks
from models.train.landmarks import KINDS, Kind, LandmarkRecipe

ROUNDS = 60


@dataclass(frozen=True)
class Latency:
    """The quickest of many runs, one face, ms: scores alone; scores and the relevance of the strongest expression."""

    forward_ms: float
    explained_ms: float


def measure_latencies(
    recipe: LandmarkRecipe, counts: Sequence[int], baselines: Floats, rounds: int = ROUNDS
) -> dict[tuple[Kind, int], Latency]:
    """By kind and number of points, side by side in turn; time does not depend on what weights hold: any will do."""
    shape = baselines[0]
    with tempfile.TemporaryDirectory() as folder:
        models = {}
        for kind in KINDS:
            for count in counts:
                model = LandmarkModel(_made(Path(folder) / f"{kind}-{count}", kind, recipe, count, baselines))
                model.prepare()
                models[kind, count] = model
        forward, explained = (dict.fromkeys(models, np.inf) for _ in range(2))
        for _ in range(rounds):
            for key, model in models.items():
                times = [time.perf_counter()]
                model.logits(shape[None])
                times.append(time.perf_counter())
                model.read(shape)
                times.append(time.perf_counter())
                forward[key] = min(forward[key], times[1] - times[0])
                explained[key] = min(explained[key], times[2] - times[1])
    return {key: Latency(1000 * forward[key], 1000 * explained[key]) for key in models}


def _made(folder: Path, kind: Kind, recipe: LandmarkRecipe, count: int, baselines: Floats) -> LandmarkPack:
    """A pack with chance weights."""
    torch.manual_seed(0)
    kept = np.linspace(0, baselines.shape[2] - 1, count).round().astype(np.int64)
    centre = np.zeros(3 * count, np.float32)
    axes = np.random.default_rng(0).normal(size=(3 * count, min(3 * count, recipe.axes))).astype(np.float32) / 20
    shared = kind == "random"
    width = recipe.random_width if shared else recipe.trained_width
    network = LandmarkNetworks(kept, centre, axes, baselines.shape[1], width, shared).requires_grad_(False)
    facts = manifest_facts(("timed", "1.0", "For timing"), "none", 1.0, 0)
    write_landmark_pack(folder, network, baselines, facts, "-\n")
    pack = read_any_pack(folder)
    assert isinstance(pack, LandmarkPack)
    return pack
