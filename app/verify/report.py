"""Findings of a verification as a document."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.documents.document import Document
from app.verify.chapters.checks import checks
from app.verify.chapters.expectations import expectations
from app.verify.chapters.losses import losses
from app.verify.chapters.maps import mean_maps, worst_images
from app.verify.chapters.provenance import provenance
from app.verify.chapters.reading import reading
from app.verify.chapters.regions import regions
from app.verify.chapters.science import limits, methods
from app.verify.chapters.summary import summary
from app.verify.words import NOTICE
from core.geometry import Image
from core.verification.findings import Findings


@dataclass(frozen=True)
class Edition:
    """What a report says beside its findings.

    Attributes
    ----------
    made_on
        The date to print.
    command
        What was typed.
    faces
        Pictures of the worst images by their place in `Findings.records`, RGB uint8; empty unless asked for.
    """

    made_on: str
    command: str
    faces: Mapping[int, Image] = field(default_factory=dict)


def report(findings: Findings, edition: Edition) -> Document:
    """Assemble the chapters."""
    about = findings.about
    return Document(
        title=f"Verification of {about.pack_id}",
        subtitle=f"{about.pack_title} ({about.pack_version}), on {about.corpus_title}",
        header=f"{about.pack_id} {about.pack_version} on {about.corpus_title}",
        made_on=edition.made_on,
        notice=NOTICE,
        blocks=(
            *summary(findings),
            *losses(findings),
            *reading(findings),
            *regions(findings),
            *expectations(findings),
            *mean_maps(findings),
            *worst_images(findings, edition.faces),
            *checks(findings),
            *methods(findings),
            *limits(findings),
            *provenance(findings, edition.command),
        ),
    )
