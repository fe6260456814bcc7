"""``mienscope verify pain``: recordings whose pain is known in; figures (JSON), every measurement (Parquet) out."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app import packs
from app.analyze import make_folder
from app.progress import Progress
from app.verify.command import today
from core.errors import VerificationError
from core.export import versions, write_json, writing
from core.model import Model
from core.overlay import NOTICE
from core.packs import DEFAULT_PACK
from core.pain_corpora import open_pain_corpus
from core.pspi import MOST
from core.verification.estimates import Estimate
from core.verification.pain import LEAST_SHARE, Measured, PainFindings, findings, measure

FIGURES: Final = "pain.json"
TABLE: Final = "pain.parquet"
TITLES: Final = {"pcc": "PCC", "icc": "ICC(3,1)", "mse": "MSE", "mae": "MAE"}
# Options of `verify` that are about expressions, with what they are where nobody gave them.
OF_EXPRESSIONS: Final[dict[str, object]] = {
    "pack": None,
    "labels": None,
    "split": None,
    "column": [],
    "pictures": "auto",
    "method": "lrp",
    "regions": "polygons",
    "checks": None,
    "quick": False,
    "with_faces": False,
    "restart": False,
}


def run_verify_pain(chosen: argparse.Namespace) -> int:
    """Measure, write, say what came out; 1 where nothing was measurable."""
    if given := [name for name, usual in OF_EXPRESSIONS.items() if getattr(chosen, name) != usual]:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise VerificationError(f"verify pain reads no expressions: leave {options} out.")
    corpus = open_pain_corpus(chosen.data, chosen.layout, chosen.rate)
    make_folder(chosen.out)
    model = Model(packs.find(DEFAULT_PACK), provider="cpu")  # cuts faces out; it is never run
    with Progress(corpus.title, "recordings") as tick:
        measured = list(measure(corpus, model, tick))
    found = findings(corpus, measured, chosen.seed)
    document = _document(found, chosen)
    write_json(chosen.out / FIGURES, document)
    _write_table(measured, chosen.out / TABLE)
    if chosen.json:
        from app.cli import print_json

        print_json(document)
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(found, chosen.out))
    return int(sum(found.unmeasured.values()) == found.judged)


def _document(found: PainFindings, chosen: argparse.Namespace) -> dict[str, object]:
    return {
        "versions": versions(),
        "date": today(),
        "notice": NOTICE,
        "estimate": f"PSPI, 0 to {MOST:g}, each face against the population's norm",
        "rate_hz": chosen.rate,
        **found.document(),
    }


def _write_table(measured: Sequence[Measured], path: Path) -> None:
    """One row per frame, or per recording."""
    kinds = {"name": pa.string(), "subject": pa.string(), "reason": pa.string()}
    schema = pa.schema(
        [(each.name, kinds.get(each.name, pa.float64())) for each in fields(Measured)],
        metadata={"notice": f"Mienscope is {NOTICE}.", "pspi": f"0 to {MOST:g}"},
    )
    with writing(path):
        pq.write_table(
            pa.Table.from_pylist([asdict(each) for each in measured], schema=schema), path, compression="zstd"
        )


def _lines(found: PainFindings, folder: Path) -> Iterator[str]:
    what = "frames" if found.truth.is_pspi else "recordings, each by its highest score"
    yield f"{found.corpus}: {found.judged} {what} of {found.subjects} people; estimate PSPI 0 to {MOST:g} ({NOTICE})"
    yield f"  against {found.truth.title}; intervals of 95 % over people"
    for name, estimate in found.scores.items():
        yield f"  {_title(name, found):<26}{_shown(estimate)}"
    if not found.truth.is_pspi:
        yield "  A stimulus is no PSPI: ICC, MSE and MAE between them would mean nothing."
        yield f"  A recording is judged where at least {100 * LEAST_SHARE:.0f} % of its frames are measurable."
    total = sum(found.unmeasured.values())
    reasons = ", ".join(f"{reason} {number}" for reason, number in found.unmeasured.items())
    yield f"  not measurable: {total} of {found.judged}" + (f" ({reasons})" if reasons else "")
    shares = (f"{name} {100 * share:.0f} %" for name, share in found.unmeasured_share.items() if share is not None)
    yield f"  not measurable by what is known: {', '.join(shares)}"
    if found.dropped:
        yield "  left out: " + ", ".join(f"{reason} {number}" for reason, number in found.dropped.items())
    yield from (f"  {folder / name}" for name in (FIGURES, TABLE))


def _title(name: str, found: PainFindings) -> str:
    if name in TITLES:
        return TITLES[name]
    level, _, against = name.removeprefix("auc_").partition("_against_")
    what = "PSPI" if found.truth.is_pspi else "level"
    return f"AUC, {what} {level} against {against}" if against else f"AUC, {what} >= {level}"


def _shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return "not defined"
    interval = "one person" if np.isnan(estimate.low) else f"{estimate.low:.3f} to {estimate.high:.3f}"
    return f"{estimate.value:.3f} ({interval})"
