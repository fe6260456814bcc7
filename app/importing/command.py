"""``mienscope packs import``: from the command line to a pack, and what is said on the way."""

import argparse
import sys

from app.importing.pack import SHEET, Imported, Wish, import_model
from app.importing.trial import failures
from core.regions import EMFACS


def run_import(chosen: argparse.Namespace) -> int:
    """Import a model and tell what was found."""
    wish = Wish(
        labels=chosen.labels,
        name=chosen.name,
        size=chosen.size,
        colour=chosen.colour,
        mean=chosen.mean,
        std=chosen.std,
        places=chosen.alignment,
        output=chosen.output,
        licence=chosen.licence,
        replace=chosen.replace,
        sheet=not chosen.no_sheet,
    )
    done = import_model(chosen.model, wish, _progress)
    if chosen.json:
        from app.cli import print_json

        print_json(report(done))
    else:
        sys.stdout.writelines(f"{line}\n" for line in sentences(done))
    return 0


def _progress(step: str) -> None:
    sys.stderr.write(f"{step} ...\n")


def report(done: Imported) -> dict[str, object]:
    """What was made, for a program."""
    preparation = done.guess.preparation
    return {
        "id": done.pack.id,
        "folder": str(done.pack.folder),
        "sheet": str(sheet) if (sheet := done.pack.folder / SHEET).is_file() else None,
        "labels": list(done.pack.labels),
        "colour": preparation.colour,
        "scaling": None if preparation.scaling is None else preparation.scaling.text,
        "evidence": done.guess.evidence,
        "sure": done.guess.sure,
        "tried": list(done.guess.table),
        "ending": done.ending,
        "probability_gap": done.gap,
        "notes": list(done.notes),
        "first_face": done.answer,
        "methods": {trial.key: trial.problem for trial in done.trials},
    }


def sentences(done: Imported) -> list[str]:
    """What was made, for people."""
    pack, guess = done.pack, done.guess
    renamed = [f"{old} as {new}" for old, new in zip(done.given_labels, pack.labels, strict=True) if old != new]
    strange = [label for label in pack.labels if label not in EMFACS]
    works = [trial for trial in done.trials if trial.problem is None]
    lines = [
        f"Pack {pack.id}: {len(pack.labels)} classes, {pack.manifest.input.size} px, {guess.preparation.text}",
        f"  {'Known' if guess.sure else 'GUESSED'}: {guess.evidence}.",
        *(f"    {line}" for line in guess.table),
    ]
    if renamed:
        lines.append(f"  Kept under the names whose action units are known: {', '.join(renamed)}.")
    if strange:
        lines.append(f"  No action units are known for {', '.join(strange)}: no regions are expected there.")
    lines += [f"  {note}" for note in done.notes]
    lines.append(f"  On the first face of the demo clip it reads: {done.answer}.")
    lines.append(f"  {len(works)} of {len(done.trials)} methods explain it.")
    lines += [f"    Not {'; '.join(titles)}. {reason}" for reason, titles in failures(done.trials).items()]
    lines.append(f"  Written to {pack.folder}")
    if (sheet := pack.folder / SHEET).is_file():
        lines.append(f"  How the methods explain that face: {sheet}")
    return [*lines, f"Try it: mienscope gui --pack {pack.id}"]
