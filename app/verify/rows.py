"""The table that comes with a report: Parquet, one row per image and region.

An image that was not examined has one row, without a region, so that none is missing. Regions are outlined in the mode
that the verdicts rest on; the other mode's area and share stand beside it, and so does the contrast's.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import ExportError
from core.regions import MODES, Mode
from core.verification.findings import Findings
from core.verification.record import Evidence, Record

_WORDS: Final = pa.dictionary(pa.int32(), pa.string())  # few different ones: stored once


def schema(findings: Findings) -> pa.Schema:
    """Columns and what they are, and what the table is about."""
    share, score = pa.float32(), pa.float64()
    columns = [
        ("image", pa.string()),
        ("label", _WORDS),
        ("subject", _WORDS),
        ("state", _WORDS),
        ("reason", pa.string()),
        ("predicted", _WORDS),
        ("correct", pa.bool_()),
        ("probability", share),
        *((f"p_{label}", share) for label in findings.about.pack_labels),
        ("method", _WORDS),
        ("target", _WORDS),
        ("score", score),
        ("mode", _WORDS),
        ("region", _WORDS),
        ("expected", pa.bool_()),
        ("area", share),
        ("share", share),
        ("density", share),
        ("negative_share", share),
        ("expected_share", share),
        ("v_f", share),
        ("outside_share", share),
        ("verdict", _WORDS),
        ("other_mode_area", share),
        ("other_mode_share", share),
        ("against", _WORDS),
        ("contrast_score", score),
        ("contrast_share", share),
        ("contrast_density", share),
        ("contrast_v_f", share),
    ]
    return pa.schema(columns, metadata=_metadata(findings))


def _metadata(findings: Findings) -> dict[str, str]:
    about = findings.about
    return {
        "pack": f"{about.pack_id} {about.pack_version}",
        "pack_sha256": about.pack_sha256,
        "corpus": about.corpus_title,
        "corpus_fingerprint": about.corpus_fingerprint,
        "versions": json.dumps(dict(about.versions), sort_keys=True),
        "method": findings.options.method,
        "region_mode": findings.options.region_mode,
        "notice": "Mienscope is not a medical device.",
        "columns": (
            "share, negative_share: of the positive (negative) relevance for target; density: share over area; "
            "expected_share, v_f, outside_share, verdict: of the image; contrast_*: target against the class in "
            "against; other_mode_*: regions outlined in the other mode"
        ),
    }


def table(findings: Findings) -> pa.Table:
    """The whole table in memory."""
    mode = findings.options.region_mode
    found = schema(findings)
    columns: dict[str, list[Any]] = {name: [] for name in found.names}
    for record in findings.records:
        for row in _rows(record, findings, mode):
            for name, values in columns.items():
                values.append(_storable(row.get(name)))
    return pa.table(columns, schema=found)


def write_rows(findings: Findings, path: Path) -> None:
    """Write the table. ExportError where it cannot be written."""
    try:
        pq.write_table(table(findings), path, compression="zstd")
    except OSError as error:
        raise ExportError(f"The table cannot be written to {path}: {error.strerror or error}.") from error


def _storable(value: Any) -> Any:
    """Names of files need not be text: what is none becomes a question mark."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _rows(record: Record, findings: Findings, mode: Mode) -> Iterator[dict[str, Any]]:
    image = _image(record, findings)
    if record.evidence is None:
        yield image
        return
    other: Mode = MODES[1 - MODES.index(mode)]
    evidence, contrast = record.evidence, record.contrast
    found, beside = evidence.by(mode), evidence.by(other)
    image |= _of_image(evidence, findings, mode)
    for place, region in enumerate(found.regions):
        row = {
            "region": region,
            "expected": region in found.expected,
            "area": float(found.areas[place]),
            "share": float(found.shares[place]),
            "density": float(found.densities[place]) if found.areas[place] > 0 else None,
            "negative_share": float(found.negative_shares[place]),
            "other_mode_area": float(beside.areas[place]),
            "other_mode_share": float(beside.shares[place]),
        }
        yield image | row | (_contrast(contrast, place, mode) if contrast is not None else {})


def _image(record: Record, findings: Findings) -> dict[str, Any]:
    """What is the same in every row of an image."""
    row: dict[str, Any] = {
        "image": record.name,
        "label": record.label,
        "subject": record.subject,
        "state": record.state,
        "reason": record.reason or None,
        "predicted": record.predicted,
        "correct": record.correct,
    }
    if record.prediction is not None:
        row["probability"] = record.prediction.probability
        row |= _probabilities(record.prediction.labels, record.prediction.probabilities)
    return row


def _probabilities(labels: tuple[str, ...], values: Any) -> Mapping[str, float]:
    return {f"p_{label}": float(value) for label, value in zip(labels, values, strict=True)}


def _of_image(evidence: Evidence, findings: Findings, mode: Mode) -> dict[str, Any]:
    found = evidence.by(mode)
    return {
        "method": findings.options.method,
        "target": evidence.target,
        "score": evidence.score,
        "mode": mode,
        "expected_share": found.expected_share,
        "v_f": found.expected_density,
        "outside_share": found.outside_share,
        "verdict": found.verdict,
    }


def _contrast(contrast: Evidence, place: int, mode: Mode) -> dict[str, Any]:
    found = contrast.by(mode)
    return {
        "against": contrast.against,
        "contrast_score": contrast.score,
        "contrast_share": float(found.shares[place]),
        "contrast_density": float(found.densities[place]) if found.areas[place] > 0 else None,
        "contrast_v_f": found.expected_density,
    }
