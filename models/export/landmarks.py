"""Landmark networks as packs: ``python -m models.export.landmarks --run models/runs/landmarks --data ../shared/data``.

Both kinds are written, each with the smallest number of points that is within half a point of its best on what was held
out of the training split. A run keeps no weights: they are learnt again, the same way, from the points that it kept.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from core.landmark_model import LandmarkModel
from core.packs import DEFAULT_PACK, LandmarkPack, read_any_pack
from core.verification.estimates import Estimate
from core.verification.intervals import wilson
from models.data import landmarks
from models.data.landmarks import Shapes
from models.export.landmark_card import Measured, card
from models.export.landmark_pack import manifest_facts, write_landmark_pack
from models.networks.landmarks import Moments
from models.networks.point_relevance import medoids
from models.train.landmarks import KINDS, Kind, LandmarkRecipe, fit, logits_of
from models.train.landmarks_reduction import Cell, Learnt, parts_of
from models.train.landmarks_scores import Row, rows_of, smallest_good
from models.verify.binary import calibration_error, fit_temperature, probabilities
from models.verify.landmark_comparison import compare_with_pack, six_way

DATA: Final = "FER+ votes on FER2013 images, meshes of the faces found"
ON: Final = "the FER+ validation images in which the mesh finds a face, majority protocol"
SEED: Final = 1  # of the networks that are written: the first, not the best
EXPLAINED: Final = 300  # faces or a few more, evenly spaced, for the gap of completeness
TITLES: Final = {
    "trained": "Six expressions from the face mesh, trained networks",
    "random": "Six expressions from the face mesh, randomised networks",
}


def main() -> None:
    """Write both packs."""
    parser = argparse.ArgumentParser(prog="python -m models.export.landmarks", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_train.npz and ferplus_valid.npz")
    parser.add_argument("--out", type=Path, default=Path("models/packs"), help="folder that the packs come to lie in")
    parser.add_argument("--version", default="1.0", help="the packs' version")
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds the run has; the first is exported")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train, valid = (landmarks.load(arguments.data, name, arguments.cache) for name in ("train", "valid"))
    recipe, seeds = LandmarkRecipe(), range(1, arguments.seeds + 1)
    rows = rows_of(arguments.run, train, valid, recipe, seeds)
    for kind in KINDS:
        export(kind, arguments, recipe, rows, (train, valid))


def export(
    kind: Kind,
    arguments: argparse.Namespace,
    recipe: LandmarkRecipe,
    rows: Sequence[Row],
    splits: tuple[Shapes, Shapes],
) -> None:
    """Learn one kind again, write its pack, measure it as it will run, and write its card."""
    train, valid = splits
    count = smallest_good(rows, kind)
    kept = Learnt.read(Cell(kind, SEED, "relevance", count).path(arguments.run)).kept
    learnt, held = parts_of(train, recipe, SEED)
    network = fit(kind, recipe, Moments.of(learnt.shapes), kept, (learnt, held), SEED)
    temperature = fit_temperature(logits_of(network, held.shapes), held.targets)
    baselines = train.shapes[medoids(train.shapes)]
    folder: Path = arguments.out / f"landmarks-{kind}"
    facts = manifest_facts((folder.name, arguments.version, TITLES[kind]), DATA, temperature, len(learnt.classes))
    write_landmark_pack(folder, network, baselines, facts, "-\n")
    measured = measure(folder, valid, arguments.data, arguments.cache)
    (row,) = (each for each in rows if (each.kind, each.selection, each.count) == (kind, "relevance", count))
    text = card(kind, recipe, row, measured, len(learnt.classes), len(train.classes))
    figures = [{"name": name, "value": round(value, 5), "on": ON} for name, value in measured.figures()]
    write_landmark_pack(folder, network, baselines, facts | {"measured": figures}, text)
    print(text)


def measure(folder: Path, valid: Shapes, data: Path, cache: Path) -> Measured:
    """Everything the card says of a pack, from its own files."""
    pack = read_any_pack(folder)
    assert isinstance(pack, LandmarkPack)
    model = LandmarkModel(pack)
    logits = model.logits(valid.shapes)
    odds = probabilities(logits, pack.temperature)
    beside, six_of_pixels = compare_with_pack(DEFAULT_PACK, data, cache, logits, valid)
    points = [model.read(shape).points for shape in valid.shapes[:: len(valid.shapes) // EXPLAINED]]
    gaps = np.abs([each.gap for each in points])
    ways = np.abs([each.score - each.start for each in points])
    return Measured(
        on=ON,
        shown=tuple(rate(odds[:, c] > 0.5, shows) for c, shows in enumerate(valid.targets.T)),
        spared=tuple(rate(odds[:, c] <= 0.5, ~shows) for c, shows in enumerate(valid.targets.T)),
        accuracy=float(((odds > 0.5) == valid.targets).mean()),
        temperature=pack.temperature,
        errors=(calibration_error(probabilities(logits, 1.0), valid.targets), calibration_error(odds, valid.targets)),
        beside=beside,
        six=(six_of_pixels, six_way(logits, valid)),
        explained=len(points),
        gaps=(float(gaps.mean()), float(gaps.max()), float(ways.mean())),
    )


def rate(right: NDArray[np.bool_], among: NDArray[np.bool_]) -> Estimate:
    """How many of some faces are read rightly, with its interval."""
    found = wilson(int((right & among).sum()), int(among.sum()))
    assert found is not None
    return found


if __name__ == "__main__":
    main()
