"""What was verified with what: enough to do it again."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from app.documents.document import Block, Column, Heading, Text, code, table
from core.verification.findings import Findings


def provenance(findings: Findings, command: str) -> Iterator[Block]:
    """Pack, corpus, settings, versions and the command."""
    about = findings.about
    yield Heading("Provenance")
    yield Text(("Made by ", code(command)))
    yield Text(
        (
            "With this report come ",
            code("regions.parquet"),
            " (one row per image and region) and ",
            code("findings.json"),
            " (every figure, for a program to read).",
        )
    )
    yield table(
        "Pack and corpus",
        [Column("what"), Column("value")],
        [
            ["pack", f"{about.pack_id} {about.pack_version}: {about.pack_title}"],
            ["pack's classes", ", ".join(about.pack_labels)],
            ["SHA-256 of its model", about.pack_sha256],
            ["corpus", about.corpus_title],
            ["layout", about.corpus_layout],
            ["pictures", "cut to the face" if about.corpus_tight else "searched for faces"],
            ["people", "not said" if about.subjects is None else f"{about.subjects}"],
            ["fingerprint of names, labels and people", about.corpus_fingerprint],
            ["ran on", about.provider],
        ],
    )
    yield table(
        "Settings",
        [Column("setting"), Column("value")],
        [
            [field.name.replace("_", " "), _said(getattr(findings.options, field.name))]
            for field in fields(findings.options)
        ],
    )
    yield table(
        "Versions", [Column("of"), Column("version")], [[name, version] for name, version in about.versions.items()]
    )


def _said(value: object) -> str:
    if is_dataclass(value):
        return ", ".join(
            f"{field.name.replace('_', ' ')} {_said(getattr(value, field.name))}" for field in fields(value)
        )
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else f"{value}"
