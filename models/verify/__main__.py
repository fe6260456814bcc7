"""Measure a pack on FER+ where ``mienscope verify`` does not look.

``conditions``: accuracy by every way a face can come in, and where it fails.
``neurons``: what the filters look for, and which action units they follow; see docs/neurons.md.
``units``: how well the action units are read, on faces that the stimulus moves.
``noise``: how far they tremble while nothing moves, and what they take a turned head for.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.activations import Activations
from core.errors import MienscopeError
from core.model import Model
from core.neurons.following import PERMUTATIONS, UnitTable
from core.neurons.lens import PATTERNS
from core.packs import DEFAULT_PACK, Pack, find_pack
from core.verification.scores import Scores
from models.data import ferplus
from models.verify.conditions import measure_conditions
from models.verify.paths import measure_paths

if TYPE_CHECKING:
    from models.verify.neurons import Gallery


def _line(name: str, scores: Scores) -> str:
    return (
        f"{name:34} accuracy {scores.accuracy:.4f}  mean recall {scores.mean_recall:.4f}  "
        f"calibration error {scores.calibration_error:.4f}  ({scores.images} images)"
    )


def _conditions(arguments: argparse.Namespace) -> None:
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


def _neurons(arguments: argparse.Namespace) -> None:
    from models.verify import neurons
    from models.verify.neuron_files import Progress, write

    pack = find_pack(arguments.pack)
    activations = Activations(Model(pack, provider="cpu", threads=arguments.threads))
    gallery = _gallery(arguments, pack)
    print(f"{gallery.title}.\nAction units: {gallery.table.source}.", flush=True)
    found = []
    with tempfile.TemporaryDirectory(prefix="mienscope-") as folder, Progress() as progress:
        random = None
        if not arguments.no_random:
            changed = neurons.shuffled(pack, Path(folder), seed=1)
            random = Activations(Model(changed, provider="cpu", threads=arguments.threads))
        for key in arguments.layer or [activations.first_choice().key]:
            found.append(
                neurons.measure_layer(
                    activations,
                    key,
                    gallery,
                    method=arguments.method,
                    permutations=arguments.permutations,
                    random=random,
                    ticks=progress.line,
                )
            )
    write(arguments.out, pack, gallery, arguments.method, found, arguments.faces)
    if arguments.ship:
        neurons.ship(pack, neurons.atlas_of(pack, gallery, arguments.method, found))


def _noise(arguments: argparse.Namespace) -> None:
    from models.verify import noise

    noise.report(arguments.data, arguments.seed, arguments.views)


def _units(arguments: argparse.Namespace) -> None:
    from models.verify import units

    units.report(arguments.data, arguments.seed)


def _gallery(arguments: argparse.Namespace, pack: Pack) -> "Gallery":
    from models.data import action_units, ck_plus
    from models.verify.neurons import gallery_of, gallery_of_ck_plus

    if arguments.ck_plus is not None:
        return gallery_of_ck_plus(ck_plus.load(arguments.ck_plus, 8, pack.alignment), pack, arguments.limit)
    split = ferplus.load(arguments.data, arguments.split, arguments.cache)

    def label(rows: NDArray[np.int64]) -> UnitTable:
        if arguments.labels is None:
            return action_units.estimated(split.landmarks[rows])
        return action_units.read_table(arguments.labels, len(split.images), rows)

    return gallery_of(split, arguments.split, label, pack, arguments.limit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.verify", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    conditions = commands.add_parser("conditions", help="accuracy by every way in, and under every condition")
    neurons = commands.add_parser("neurons", help="what filters look for, and which action units they follow")
    pictures = neurons.add_mutually_exclusive_group(required=True)
    pictures.add_argument("--ck-plus", type=Path, metavar="FOLDER", help="CK+ as it is unpacked, in place of FER+")
    for command, required in ((conditions, True), (pictures, False)):
        folder = "folder with ferplus_train.npz and ferplus_valid.npz"
        command.add_argument("--data", type=Path, required=required, help=folder)
    for command in (conditions, neurons):
        command.add_argument("--pack", default=DEFAULT_PACK)
        command.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    neurons.add_argument("--layer", action="append", metavar="KEY", help="a layer's key; may be given several times")
    neurons.add_argument("--out", type=Path, required=True, help="folder for contact sheets, tables and neurons.npz")
    neurons.add_argument("--split", choices=("train", "valid"), default="valid")
    neurons.add_argument("--limit", type=int, metavar="N", help="look at N faces, drawn once and for all; default: all")
    neurons.add_argument("--labels", type=Path, help="an npz of FER+'s units, present and source; default: estimates")
    neurons.add_argument("--method", default=PATTERNS[0], help=f"what draws the patterns: {' or '.join(PATTERNS)}")
    neurons.add_argument("--permutations", type=int, default=PERMUTATIONS)
    neurons.add_argument("--no-random", action="store_true", help="leave out the network with random weights")
    neurons.add_argument("--threads", type=int, default=1)
    neurons.add_argument("--faces", type=Path, help="folder for the top pictures themselves, which git will ignore")
    neurons.add_argument(
        "--ship", action="store_true", help="put the atlas into the pack, and its hash in the manifest"
    )
    units = commands.add_parser("units", help="how well action units are read")
    units.add_argument("--data", type=Path, help="folder with media/pain, for more faces")
    units.add_argument("--seed", type=int, default=0)
    noise = commands.add_parser("noise", help="how far the units of a face at rest tremble")
    noise.add_argument("--data", type=Path, help="folder with media/pain, for more faces")
    noise.add_argument("--seed", type=int, default=0)
    noise.add_argument("--views", type=int, default=10)
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Run one of the commands."""
    arguments = _parser().parse_args(words)
    try:
        {"conditions": _conditions, "neurons": _neurons, "units": _units, "noise": _noise}[arguments.command](arguments)
    except MienscopeError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
