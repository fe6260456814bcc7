"""Write a finished run as a pack, measured as it will run: ``python -m models.export mien --run models/runs/mien-1``.

Everything the card says is measured here, from the pack's own files, through `core`.
"""

import argparse
import csv
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.corpora import open_corpus
from core.geometry import Alignment
from core.model import Model
from core.packs import DEFAULT_PACK, find_pack, read_pack
from core.verification import Findings, Options, verify
from core.verification.scores import fit_temperature, score
from models.data import fer2013, ferplus
from models.export import gimefive, mien, zero_bias
from models.export.card import Measured, Story, table, write_card
from models.export.pack import manifest_facts, run_onnx, write_pack
from models.networks.mien import multiply_adds
from models.networks.zero_bias import SIZE
from models.train.mien import ALIGNMENT, trained
from models.train.pain_head import give_head
from models.verify.conditions import measure_conditions
from models.verify.paths import measure_paths

FERPLUS_VALID = "the FER+ validation split, majority protocol (single votes dropped, more than half of the rest)"


@dataclass(frozen=True)
class Job:
    """What is written, and on what it is measured.

    Attributes
    ----------
    labels
        Class of every validation image, int64 [n], -1 where it does not count.
    labels_name
        How `core.corpora` calls these labels.
    beside
        Packs that the card compares it with where no others are named.
    """

    words: ModuleType
    network: nn.Module
    size: int
    half: bool
    version: str
    trained_on: int
    labels: NDArray[np.int64]
    labels_name: str
    on: str
    training: str
    beside: Sequence[str] = ()


def main() -> None:
    """Write the pack."""
    parser = argparse.ArgumentParser(prog="python -m models.export", description=__doc__)
    parser.add_argument("network", choices=("mien", "gimefive", "zero-bias"))
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with ferplus_train.npz and ferplus_valid.npz; for mien there is media/pain beside it",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the pack")
    parser.add_argument("--version", required=True, help="the pack's version, for example 2.0")
    parser.add_argument("--id", help="another name than the network's own, for packs that are only compared")
    parser.add_argument("--seeds", type=Path, nargs="*", default=[], help="other runs of the same recipe, for the card")
    parser.add_argument(
        "--beside", nargs="*", default=[], help="other packs, ids or folders, for the card's comparison"
    )
    parser.add_argument(
        "--images", type=int, default=0, help="verify on so many images, drawn once and for all; 0: on all of them"
    )
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    arguments = parser.parse_args()
    split = ferplus.load(arguments.data, "valid", arguments.cache)
    jobs = {"mien": _mien, "gimefive": _gimefive, "zero-bias": _zero_bias}
    job = jobs[arguments.network](arguments, split)
    _write(job, arguments, split)
    if arguments.network == "mien":
        print(give_head(arguments.out, arguments.data.parent, arguments.cache))


def _mien(arguments: argparse.Namespace, split: ferplus.FerPlus) -> Job:
    train = ferplus.load(arguments.data, "train", arguments.cache)
    network = trained(arguments.run)
    trained_on = int(ferplus.soft_labels(train.votes)[1].sum())
    return Job(
        words=mien,
        network=network,
        size=ALIGNMENT.size,
        half=False,
        version=arguments.version,
        trained_on=trained_on,
        labels=ferplus.majority_labels(split.votes),
        labels_name="votes",
        on=FERPLUS_VALID,
        training=f"""- {trained_on} of {len(train.images)} training images are kept, the others are mostly voted
  "unknown" or "not a face"; the mesh finds a face in {train.found.sum()} of them all.
- {_size(network)}, {multiply_adds(network, ALIGNMENT.size) / 1e6:.1f} M multiply-adds.
- Seeds of the recipe, last epoch, raw crops and aligned ones:

{_seeds([arguments.run, *arguments.seeds])}""",
    )


def _gimefive(arguments: argparse.Namespace, split: ferplus.FerPlus) -> Job:
    train, valid = (fer2013.load(arguments.data, name) for name in ("train", "valid"))
    network = gimefive.network_of(arguments.run)
    labels = np.full(len(split.images), -1, np.int64)
    labels[valid.rows] = valid.labels
    rows = list(csv.DictReader((arguments.run / "log.csv").open(newline="")))
    return Job(
        words=gimefive,
        network=network,
        size=64,
        half=True,
        version=arguments.version,
        trained_on=len(train.labels),
        labels=labels,
        labels_name="fer2013",
        on="FER2013's public-test rows with their original labels, neutral left out",
        training=f"- {len(train.labels)} training images, {_size(network)}; the best of {len(rows)} epochs.",
    )


def _zero_bias(arguments: argparse.Namespace, split: ferplus.FerPlus) -> Job:
    train = ferplus.load(arguments.data, "train", arguments.cache)
    network = zero_bias.network_of(arguments.run)
    trained_on = int(ferplus.soft_labels(train.votes)[1].sum())
    return Job(
        words=zero_bias,
        network=network,
        size=SIZE,
        half=False,
        version=arguments.version,
        trained_on=trained_on,
        labels=ferplus.majority_labels(split.votes),
        labels_name="votes",
        on=FERPLUS_VALID,
        training=f"""- {trained_on} of {len(train.images)} training images are kept, the others are mostly voted
  "unknown" or "not a face".
- {_size(network)}, {multiply_adds(network, SIZE) / 1e6:.1f} M multiply-adds.
{zero_bias.departures(arguments.run)}""",
        beside=(DEFAULT_PACK,),
    )


def _size(network: nn.Module) -> str:
    return f"{sum(parameter.numel() for parameter in network.parameters()) / 1e6:.2f} M parameters"


def _seeds(runs: Sequence[Path]) -> str:
    """A table of the runs' last rows, with mean and standard deviation below."""
    names = ("raw_accuracy", "raw_recall", "aligned_accuracy", "aligned_recall")
    last = [list(csv.DictReader((run / "log.csv").open(newline="")))[-1] for run in runs]
    figures = np.array([[float(row[name]) for name in names] for row in last])
    lines = [(run.name, *(f"{value:.2%}" for value in row)) for run, row in zip(runs, figures, strict=True)]
    if len(runs) > 1:
        lines.append(("mean", *(f"{value:.2%}" for value in figures.mean(axis=0))))
        lines.append(("standard deviation", *(f"{value:.2%}" for value in figures.std(axis=0, ddof=1))))
    return table(("run", "raw accuracy", "raw recall", "aligned accuracy", "aligned recall"), lines)


def _write(job: Job, arguments: argparse.Namespace, split: ferplus.FerPlus) -> None:
    """Write, fit the temperature, write again with it, measure, and write the card."""
    folder: Path = arguments.out
    name: str = arguments.id or job.words.ID
    alignment = Alignment(job.size, ALIGNMENT.right_eye, ALIGNMENT.left_eye, ALIGNMENT.mouth)
    write_pack(folder, job.network, alignment, _facts(job, name, 1.0), "-\n", job.half)
    logits = run_onnx(folder / "model.onnx", split.crops(alignment)[:, None])
    labelled = job.labels >= 0
    temperature = fit_temperature(logits[labelled], job.labels[labelled])
    facts = _facts(job, name, temperature)
    write_pack(folder, job.network, alignment, facts, "-\n", job.half)
    model = Model(read_pack(folder), provider="cpu")
    others = [Model(find_pack(each), provider="cpu") for each in arguments.beside or job.beside]
    paths = measure_paths(model, split, job.labels)
    rows = _drawn(job.labels, arguments.images)
    part = ferplus.FerPlus(split.images[rows], split.votes[rows], split.landmarks[rows])
    with tempfile.TemporaryDirectory() as scratch:
        corpus = _corpus(arguments.data / "ferplus_valid.npz", rows, Path(scratch))
        measured = Measured(
            on=job.on,
            paths=paths,
            conditions=measure_conditions(model, part, job.labels[rows]),
            temperature=temperature,
            uncalibrated_error=score(logits, job.labels).calibration_error,
            findings=_findings(model, corpus, job.labels_name),
            beside=[_findings(other, corpus, job.labels_name) for other in others],
            drawn=arguments.images,
        )
    story: Story = replace(job.words.story(job.training), title=name)
    ways = (("raw", paths.raw), ("aligned", paths.aligned), ("full path", paths.full))
    figures = [
        {"name": f"{way} {what}", "value": round(value, 5), "on": f"{job.on}, one pass"}
        for way, scores in ways
        for what, value in (
            ("accuracy", scores.accuracy),
            ("mean recall", scores.mean_recall),
            ("calibration error", scores.calibration_error),
        )
    ]
    card = write_card(story, measured)
    write_pack(folder, job.network, alignment, facts | {"measured": figures}, card, job.half)
    print(card)


def _facts(job: Job, name: str, temperature: float) -> dict[str, object]:
    words = job.words
    return manifest_facts((name, job.version, words.TITLE), words.LABELS, words.DATA, temperature, job.trained_on)


def _drawn(labels: NDArray[np.int64], images: int) -> NDArray[np.int64]:
    """Rows to verify on: all of them, or so many of the labelled ones, always the same."""
    if images == 0:
        return np.arange(len(labels))
    known = np.flatnonzero(labels >= 0)
    return np.sort(np.random.default_rng(0).permutation(known)[:images])


def _corpus(path: Path, rows: NDArray[np.int64], scratch: Path) -> Path:
    """The file, or where not all of its rows are taken, one with those rows."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    n = len(arrays["images"])
    if len(rows) == n:
        return path
    kept = scratch / path.name
    np.savez(kept, **{name: each[rows] if each.shape[:1] == (n,) else each for name, each in arrays.items()})
    return kept


def _findings(model: Model, path: Path, labels: str) -> Findings:
    corpus = open_corpus(path, labels=labels)
    with tempfile.TemporaryDirectory() as folder:
        return verify(model, corpus, Options(), Path(folder))


if __name__ == "__main__":
    main()
