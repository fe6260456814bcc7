"""Train a network that is shipped: ``python -m models.train mien --data ../shared/data --run models/runs/mien-1``.

``folds`` trains and scores the ten folds of CK+ in place of one network.

Checkpoints after every epoch; the same command goes on where it stopped. What comes out of a run is written as a
pack by ``python -m models.export``.
"""

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from models.data import ferplus
from models.networks.mien import MienConfig, multiply_adds


def main() -> None:
    """Train until the recipe's last epoch."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    networks = parser.add_subparsers(dest="network", required=True)
    mien = networks.add_parser("mien", help="the default network, eight expressions of FER+")
    mien.add_argument("--plain", action="store_true", help="without the gate, and without a say in the relevance")
    mien.add_argument("--teachers", type=Path, nargs="+", help="folders of runs whose views are learnt too")
    gimefive = networks.add_parser("gimefive", help="GiMeFive by its published recipe, six expressions of FER2013")
    six = networks.add_parser("mien-six", help="the default network on GiMeFive's data")
    zero_bias = networks.add_parser("zero-bias", help="the zero-bias network, eight expressions of FER+")
    landmarks = networks.add_parser("landmarks", help="landmark networks, fewer and fewer points; tables and figures")
    landmarks.add_argument("--seeds", type=int, default=5, help="how many of each network, from --seed on")
    landmarks.add_argument("--figures", type=Path, help="folder for tables and figures (default: the run's)")
    folds = networks.add_parser("folds", help="the zero-bias network on CK+, ten folds by subject")
    folds.add_argument("--classes", type=int, choices=(8, 6), default=8, help="6: without neutral and contempt")
    folds.add_argument("--data", type=Path, required=True, help="CK+, unpacked")
    for command in (mien, gimefive, six):
        command.add_argument("--begun", type=Path, help="folder of a run to begin with the weights of")
    for command in (mien, gimefive, six, zero_bias, landmarks):
        command.add_argument("--data", type=Path, required=True, help="folder with ferplus_train.npz and _valid.npz")
    for command in (mien, gimefive, six, zero_bias, landmarks, folds):
        command.add_argument("--run", type=Path, required=True, help="folder of checkpoint and log")
        command.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
        command.add_argument("--seed", type=int, default=1)
        command.add_argument("--threads", type=int, default=2)
        command.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="numbers of the recipe")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    six_classes = {"gimefive": _six, "mien-six": _six}
    commands = {"mien": _mien, "zero-bias": _zero_bias, "landmarks": _landmarks, "folds": _folds, **six_classes}
    commands[arguments.network](arguments)


def _mien(arguments: argparse.Namespace) -> None:
    from models.train.mien import FURTHER, TAUGHT, Faces, Recipe, fresh_run, train
    from models.train.teachers import seen_by

    further = TAUGHT if arguments.teachers else FURTHER
    recipe = replace(further if arguments.begun else Recipe(), **_numbers(Recipe, arguments.set))
    if arguments.plain:
        recipe = replace(recipe, guided_from=1.0, focused=0.0, hidden=0.0)
    splits = [ferplus.load(arguments.data, name, arguments.cache) for name in ("train", "valid")]
    for split in splits:
        print(f"mesh found in {split.found.sum()} of {len(split.images)} images; the others are taken whole")
    train_faces, valid_faces = map(Faces, splits)
    steps = len(train_faces.kept) // recipe.batch
    config = MienConfig(gated=not arguments.plain)
    if arguments.teachers:
        train_faces.teach([seen_by(folder, train_faces) for folder in arguments.teachers], recipe.taught_share)
    run = fresh_run(arguments.run, config, recipe, steps, arguments.seed, arguments.begun)
    parameters = sum(p.numel() for p in run.network.parameters())
    print(f"{parameters / 1e6:.2f} M parameters, {multiply_adds(run.average, config.size) / 1e6:.1f} M multiply-adds")
    print(recipe, flush=True)
    train(run, recipe, train_faces, valid_faces, steps)


def _six(arguments: argparse.Namespace) -> None:
    from models.data import fer2013
    from models.train.six import OURS, SixRecipe, fresh_gimefive, fresh_mien, fresh_run, train

    published = arguments.network == "gimefive"
    recipe = replace(SixRecipe() if published else OURS, **_numbers(SixRecipe, arguments.set))
    train_split, valid = (fer2013.load(arguments.data, name) for name in ("train", "valid"))
    steps = len(train_split.labels) // recipe.batch
    print(f"{len(train_split.labels)} images to learn from, {len(valid.labels)} to validate")
    print(recipe, flush=True)
    beginning = (recipe, steps, arguments.seed, arguments.begun)
    if published:
        train(fresh_run(arguments.run, fresh_gimefive, *beginning), recipe, train_split, valid)
    else:
        train(fresh_run(arguments.run, fresh_mien, *beginning), recipe, train_split, valid)


def _zero_bias(arguments: argparse.Namespace) -> None:
    from models.networks.zero_bias import ZeroBias
    from models.train.zero_bias import Recipe, ferplus_faces, fresh_run, steps_in, train

    recipe = replace(Recipe(), **_numbers(Recipe, arguments.set))
    faces, valid = (ferplus_faces(ferplus.load(arguments.data, name, arguments.cache)) for name in ("train", "valid"))
    print(f"{len(faces.kept)} images to learn from, {(valid.labels >= 0).sum()} to validate")
    print(recipe, flush=True)
    train(fresh_run(arguments.run, ZeroBias, recipe, steps_in(faces, recipe), arguments.seed), recipe, faces, valid)


def _landmarks(arguments: argparse.Namespace) -> None:
    from models.train.landmarks import LandmarkRecipe
    from models.train.landmarks_study import Places, reproduce

    recipe = replace(LandmarkRecipe(), **_numbers(LandmarkRecipe, arguments.set))
    places = Places(arguments.data, arguments.cache, arguments.run, arguments.figures or arguments.run)
    reproduce(places, recipe, range(arguments.seed, arguments.seed + arguments.seeds))


def _folds(arguments: argparse.Namespace) -> None:
    from functools import partial

    from models.data import ck_plus
    from models.networks.zero_bias import ZeroBias
    from models.train.folds import CK_PLUS, run_folds
    from models.train.zero_bias import ALIGNMENT, Recipe

    recipe = replace(CK_PLUS, **_numbers(Recipe, arguments.set))
    data = ck_plus.load(arguments.data, arguments.classes, ALIGNMENT)
    print(f"{len(data.labels)} pictures of {len(set(data.subjects))} subjects; no face was found in {len(data.missed)}")
    print(recipe, flush=True)
    table = run_folds(data, arguments.run, recipe, arguments.seed, partial(ZeroBias, arguments.classes))
    print("\n".join(table.lines()))


def _numbers(recipe: type, pairs: list[str]) -> dict[str, Any]:
    """NAME=VALUE of a recipe's numeric fields; a wrong name or number ends the program with a sentence."""
    defaults = {field.name: field.default for field in fields(recipe)}
    types = {name: type(value) for name, value in defaults.items() if isinstance(value, int | float)}
    chosen: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name not in types:
            raise SystemExit(f"{name} is no number of the recipe; there are {', '.join(types)}")
        chosen[name] = types[name](value)
    return chosen


if __name__ == "__main__":
    main()
