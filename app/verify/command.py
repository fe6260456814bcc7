"""The command ``mienscope verify``: packs and a labelled corpus in, reports, a table and figures out."""

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from app import packs, paths
from app.analyze import make_folder
from app.documents.document import Document
from app.progress import Progress
from app.verify.faces import faces_of
from app.verify.machine import document, write, write_document, write_maps
from app.verify.report import Edition, report
from app.verify.rows import write_rows
from core.corpora import Corpus, open_corpus
from core.errors import MienscopeError
from core.model import Model
from core.packs import DEFAULT_PACK
from core.verification import Findings, Options, verify
from core.verification.options import SUBSETS
from core.verification.record import UNREADABLE

NAMED: Final = 20  # failed pictures that are named on the screen; all of them are in the report
STOPPED: Final = 130  # exit status of a program that a person stopped


@dataclass(frozen=True)
class Job:
    """One pack, and the folder its results go to."""

    model: Model
    folder: Path


def run_verify(chosen: argparse.Namespace) -> int:
    """Verify every pack; name what failed; return the exit status."""
    options = options_from(chosen)
    corpus = open_corpus(
        chosen.data,
        chosen.layout,
        chosen.labels,
        split=chosen.split,
        columns=dict(chosen.column),
        tight={"auto": None, "crops": True, "whole": False}[chosen.pictures],
    )
    jobs = _jobs(chosen, options)
    make_folder(chosen.out)
    done: dict[str, Findings] = {}
    failed = False
    for job in jobs:
        try:
            done[job.folder.name if len(jobs) > 1 else job.model.pack.id] = _verify_one(job, corpus, options, chosen)
        except KeyboardInterrupt:
            return _stopped(job)
        except MienscopeError as error:
            if len(jobs) == 1:
                raise
            failed = True
            sys.stderr.write(f"mienscope: {job.model.pack.id}: {error}\n")
    if len(done) > 1:
        _compare(done, chosen)
    if chosen.json:
        from app.cli import print_json

        print_json([_summary(name, found, _folder(chosen, name, jobs)) for name, found in done.items()])
    return int(failed or any(_failures(found) for found in done.values()))


def options_from(chosen: argparse.Namespace) -> Options:
    """What the command line asks for. UnknownName or VerificationError where it cannot be."""
    options = Options(method=chosen.method, region_mode=chosen.regions, seed=chosen.seed, worst=chosen.worst)
    images = 0 if chosen.quick else chosen.checks
    subsets: dict[str, Any] = {} if images is None else dict.fromkeys(SUBSETS, images)
    return replace(options, **subsets)


def _jobs(chosen: argparse.Namespace, options: Options) -> list[Job]:
    """One job per pack; several get a folder each, equal names being told apart by a number."""
    jobs: list[Job] = []
    taken: dict[str, int] = {}
    for name in chosen.pack or [DEFAULT_PACK]:
        model = Model(packs.find(name), provider=chosen.provider, cache=paths.data_folder() / "compiled")
        model.explainer(options.method)  # what cannot be explained is told before hours of work
        if model.provider_warning:
            sys.stderr.write(f"mienscope: {model.provider_warning}\n")
        taken[model.pack.id] = taken.get(model.pack.id, 0) + 1
        number = taken[model.pack.id]
        folder = model.pack.id if number == 1 else f"{model.pack.id}-{number}"
        jobs.append(Job(model, chosen.out / folder if len(chosen.pack or ()) > 1 else chosen.out))
    return jobs


def _folder(chosen: argparse.Namespace, name: str, jobs: Sequence[Job]) -> Path:
    return Path(chosen.out / name if len(jobs) > 1 else chosen.out)


def _verify_one(job: Job, corpus: Corpus, options: Options, chosen: argparse.Namespace) -> Findings:
    make_folder(job.folder)
    with Stages(job.model.pack.id) as stages:
        findings = verify(job.model, corpus, options, job.folder, stages.tell, restart=chosen.restart)
    faces = faces_of(findings, corpus) if chosen.with_faces else {}
    edition = Edition(today(), command_line(chosen), faces)
    write_rows(findings, job.folder / "regions.parquet")
    write_document(document(findings), job.folder / "findings.json")
    write_maps(findings.maps, job.folder / "maps.npz")
    write_report(report(findings, edition), job.folder / "report")
    _tell(findings, job.folder, chosen)
    return findings


def write_report(made: Document, path: Path) -> None:
    """Write a document as HTML and as PDF, `path` being without ending."""
    from app.documents.html import to_html
    from app.documents.pdf import to_pdf

    write(path.with_suffix(".html"), to_html(made).encode("utf-8"))
    write(path.with_suffix(".pdf"), to_pdf(made))


def today() -> str:
    """The date that reports state, in universal time."""
    return datetime.now(timezone.utc).date().isoformat()


def command_line(chosen: argparse.Namespace) -> str:
    """The command that makes the same again, options left at their defaults left out."""
    words = ["mienscope", "verify"]
    for name in chosen.pack or [DEFAULT_PACK]:
        words += ["--pack", name]
    words += ["--data", str(chosen.data)]
    defaults: Mapping[str, Any] = {
        "layout": "auto",
        "labels": None,
        "split": None,
        "pictures": "auto",
        "method": "lrp",
        "regions": "polygons",
        "checks": None,
        "seed": 0,
        "worst": Options().worst,
        "provider": "auto",
    }
    for name, usual in defaults.items():
        if getattr(chosen, name) != usual:
            words += [f"--{name}", str(getattr(chosen, name))]
    words += [part for what, column in chosen.column for part in ("--column", f"{what}={column}")]
    words += [f"--{name.replace('_', '-')}" for name in ("quick", "with_faces") if getattr(chosen, name)]
    return shlex.join([*words, "--out", str(chosen.out)])


class Stages:
    """Progress through the stages of a verification, one bar after the other."""

    def __init__(self, name: str) -> None:
        self._name, self._stage = name, ""
        self._progress: Progress | None = None
        self._tick: Any = None

    def __enter__(self) -> "Stages":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def tell(self, stage: str, done: int, total: int) -> None:
        """Show what is done of a stage."""
        if stage != self._stage:
            self._end()
            self._stage = stage
            self._progress = Progress(f"{self._name}, {stage}", "images" if stage == "images" else "done")
            self._tick = self._progress.__enter__()
        self._tick(done, total)

    def _end(self) -> None:
        if self._progress is not None:
            self._progress.__exit__()
            self._progress = None


def _stopped(job: Job) -> int:
    sys.stderr.write(
        f"\nStopped. What was measured of {job.model.pack.id} is kept in {job.folder}; the same command goes on from "
        "there.\n"
    )
    return STOPPED


def _failures(findings: Findings) -> tuple[tuple[str, str], ...]:
    return findings.counts.listed.get(UNREADABLE, ())


def _tell(findings: Findings, folder: Path, chosen: argparse.Namespace) -> None:
    """Name what failed; say in a sentence or two what came out, and where it lies."""
    failures = _failures(findings)
    for name, reason in failures[:NAMED]:
        sys.stderr.write(f"mienscope: {printable(name)}: {printable(reason)}\n")
    if len(failures) > NAMED:
        sys.stderr.write(f"mienscope: and {len(failures) - NAMED} more pictures failed; all are in the table.\n")
    if chosen.json:
        return
    counts, verdict = findings.counts, findings.verdict
    states = ", ".join(f"{number} {state}" for state, number in counts.states.items() if number)
    sys.stdout.write(
        f"{findings.about.pack_id} on {findings.about.corpus_title}: {counts.images} pictures ({states})\n"
        f"  {verdict.words}: {verdict.reason}\n"
        + "".join(f"  {folder / name}\n" for name in FILES)
        + f"  {sum(findings.stages_s.values()):.0f} s\n"
    )


FILES: Final = ("report.html", "report.pdf", "regions.parquet", "findings.json", "maps.npz")


def printable(text: str) -> str:
    """Text for a terminal: what could move its cursor or turn its writing is shown by its number."""
    return "".join(letter if letter.isprintable() else f"\\u{{{ord(letter):x}}}" for letter in text)


def _summary(name: str, findings: Findings, folder: Path) -> dict[str, object]:
    content = document(findings)
    kept = ("about", "counts", "verdict", "classes", "outside")
    accuracy = content["classification"]["accuracy"]
    return {
        "name": name,
        **{part: content[part] for part in kept},
        "accuracy": accuracy,
        "seconds": {stage: round(seconds, 2) for stage, seconds in findings.stages_s.items()},
        "files": [str(folder / file) for file in FILES],
    }


def _compare(done: Mapping[str, Findings], chosen: argparse.Namespace) -> None:
    from app.verify.comparison import comparison

    write_report(comparison(done, Edition(today(), command_line(chosen))), chosen.out / "comparison")
    if not chosen.json:
        sys.stdout.write(f"  {chosen.out / 'comparison.html'}\n  {chosen.out / 'comparison.pdf'}\n")
