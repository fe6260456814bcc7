"""A session's verdicts as files: one row per face and class (.csv), and everything with where it comes from (.json)."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from app.gui.snapshot import Origin
from core.errors import ExportError
from core.export import number, versions, write_json, write_whole
from core.overlay import face_name
from core.tally import Tally, lift
from core.verdict import Verdict


def as_document(tally: Tally, origin: Origin) -> dict[str, object]:
    """The summary in words and numbers, with where it comes from."""
    return {
        "versions": versions(),
        "saved": datetime.now().astimezone().isoformat(timespec="seconds"),
        "source": origin.source,
        "provider": origin.provider,
        "notice": "not a medical device",
        **tally.document(),
    }


def as_rows(tally: Tally) -> list[dict[str, object]]:
    """One row per face and class; a cell that is not known is empty."""
    rows = []
    for basis, face_id, label, account in tally.rows():
        longest = account.longest
        row: dict[str, object] = asdict(basis) | {
            "face_id": face_id,
            "face": face_name(face_id),
            "class": label,
            "frames": account.seen,
            "seconds": number(account.seen_s, 3),
        }
        row |= {f"share_{verdict.value}": number(account.share(verdict)) for verdict in Verdict}
        row |= {
            "maps": account.maps,
            "expected_density": number(account.density.mean if account.density.n else None, 4),
            "expected_density_sd": number(account.density.deviation, 4),
            "control_density": number(account.control.mean if account.control.n else None, 4),
            "lift": number(lift(label, tally.faces(basis)[face_id]), 4),
            "outside_share": number(account.outside.mean if account.outside.n else None),
            "outside_share_sd": number(account.outside.deviation),
            "unsupported_from_s": number(None if longest is None else longest.start_s, 3),
            "unsupported_to_s": number(None if longest is None else longest.end_s, 3),
        }
        rows.append(row)
    return rows


def save(document: Mapping[str, object], rows: Sequence[Mapping[str, object]], folder: Path) -> tuple[Path, Path]:
    """Write `<time>.csv` and `.json` and return them. ExportError where the place refuses."""
    stem = datetime.now().astimezone().strftime("mienscope-session-%Y%m%d-%H%M%S-%f")[:-3]
    table, sheet = folder / f"{stem}.csv", folder / f"{stem}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"The summary could not be written to {folder}: {error.strerror}.") from error
    write_whole(table, lambda temporary: write_rows(temporary, rows))
    write_json(sheet, document)
    return table, sheet


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that have the same columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
