"""Measure a pack on FER+: ``python -m models.verify --data ../shared/data --pack mien-s``."""

import argparse
from pathlib import Path

import numpy as np

from core.model import Model
from core.packs import DEFAULT_PACK, find_pack
from core.verification.scores import Scores
from models.data import ferplus
from models.verify.explanations import conservation, faithfulness
from models.verify.paths import measure_paths


def _line(name: str, scores: Scores) -> str:
    return (
        f"{name:34} accuracy {scores.accuracy:.4f}  mean recall {scores.mean_recall:.4f}  "
        f"calibration error {scores.calibration_error:.4f}  ({scores.images} images)"
    )


def main() -> None:
    """Print accuracy by every way a face can come in, conservation and faithfulness."""
    parser = argparse.ArgumentParser(prog="python -m models.verify", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_valid.npz")
    parser.add_argument("--pack", default=DEFAULT_PACK)
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    parser.add_argument("--images", type=int, default=500, help="images for the checks of explanations")
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

    labelled = np.flatnonzero(ferplus.majority_labels(split.votes) >= 0)[: arguments.images]
    faces = split.crops(model.pack.alignment)[labelled][:, None]
    for method in ("lrp", "lrp_pixels"):
        check = conservation(model, faces, method)
        print(
            f"{method:10} {check.images} images, median gap to the logit: "
            f"pixels + biases {check.gap_with_biases:.2e}, "
            f"pixels alone {check.gap_pixels:.2e}, share of biases {check.bias_share:.3f}"
        )
    for row in faithfulness(model, faces, ("lrp", "lrp_pixels", "gradcam", "gradient")):
        print(f"{row.name:16} deletion {row.deletion:.3f} (lower is better)  insertion {row.insertion:.3f} (higher is)")


if __name__ == "__main__":
    main()
