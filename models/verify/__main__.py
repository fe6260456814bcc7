"""Measure a pack on FER+ by every way in, and where it fails: ``python -m models.verify --data ../shared/data``.

``python -m models.verify units`` measures the action units instead, on faces that the stimulus moves.

Where it looks, and whether its explanations can be trusted, is what ``mienscope verify`` measures.
"""

import argparse
import sys
from pathlib import Path

from core.model import Model
from core.packs import DEFAULT_PACK, find_pack
from core.verification.scores import Scores
from models.data import ferplus
from models.verify.conditions import measure_conditions
from models.verify.paths import measure_paths


def _line(name: str, scores: Scores) -> str:
    return (
        f"{name:34} accuracy {scores.accuracy:.4f}  mean recall {scores.mean_recall:.4f}  "
        f"calibration error {scores.calibration_error:.4f}  ({scores.images} images)"
    )


def main() -> None:
    """Print accuracy by every way a face can come in, and under every condition; or what the action units are worth."""
    if sys.argv[1:2] == ["units"]:
        from models.verify import units

        units.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m models.verify", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_valid.npz")
    parser.add_argument("--pack", default=DEFAULT_PACK)
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    arguments = parser.parse_args()

    model = Model(find_pack(arguments.pack), provider="cpu")
    split = ferplus.load(arguments.data, "valid", arguments.cache)
    paths = measure_paths(model, split)
    print(_line("raw crops", paths.raw))
    for label, recall in zip(model.labels, paths.raw.recall, strict=True):
        print(f"    recall {label:10} {recall:.3f}")
    print(_line("aligned as in training", paths.aligned))
    print(f"detector finds a face in {paths.found} of {paths.images} enlarged images")
    print(_line("full path, where found", paths.full))
    print(_line("raw crops of the same images", paths.raw_found))
    for condition in measure_conditions(model, split):
        print(_line(condition.name, condition.scores))


if __name__ == "__main__":
    main()
