"""What became of every image."""

from collections.abc import Iterator

from app.documents.document import Block, Column, Heading, Note, Text, code, table
from app.verify.numerals import count, percent, plural
from app.verify.words import STATES, listed
from core.verification.findings import Findings
from core.verification.record import EXAMINED
from core.verification.record import STATES as ORDER

NAMED = 40  # names listed per state in the report; all of them are in the table of rows


def losses(findings: Findings) -> Iterator[Block]:
    """Data and losses: every image accounted for."""
    counts, about = findings.counts, findings.about
    yield Heading("Data and losses", new_page=True)
    subjects = (
        "does not say who is seen" if about.subjects is None else f"shows {plural(about.subjects, 'person', 'people')}"
    )
    cut = "cut to the face already" if about.corpus_tight else "searched for faces"
    yield Text(
        f"{about.corpus_title} (layout: {about.corpus_layout}) holds {plural(counts.images, 'labelled picture')}, "
        f"{cut}; it {subjects}. {_clusters(findings)}"
    )
    yield table(
        "What became of the pictures",
        [Column("pictures"), Column("number", numeric=True), Column("share", numeric=True)],
        [
            *(
                [STATES[state], f"{counts.states[state]}", percent(counts.states[state] / counts.images)]
                for state in ORDER
            ),
            ["all", f"{counts.images}", percent(sum(counts.states.values()) / counts.images)],
        ],
    )
    if counts.dropped:
        yield table(
            "What the corpus leaves out when it is opened",
            [Column("reason"), Column("pictures", numeric=True)],
            [[reason, f"{images}"] for reason, images in counts.dropped.items()],
            ["These are not among the pictures above."],
        )
    yield from _labels(findings)
    yield from _names(findings)


def _clusters(findings: Findings) -> str:
    if findings.about.subjects is None:
        return "Intervals take the pictures as independent; where several show one person, they are too narrow."
    return "Bootstrap intervals draw people, not pictures, since pictures of one person resemble each other."


def _labels(findings: Findings) -> Iterator[Block]:
    counts = findings.counts
    rows = [
        [label, count(images, counts.images), "no: excluded" if label in counts.excluded_labels else "yes"]
        for label, images in counts.labels.items()
        if images or label in findings.about.pack_labels
    ]
    yield table(
        "Labels of the corpus",
        [Column("label"), Column("pictures", numeric=True), Column("known to the pack")],
        rows,
    )
    if counts.absent:
        one = len(counts.absent) == 1
        yield Note(
            "Classes that nobody shows",
            f"The corpus has no picture of {listed(counts.absent)}. What this report says of "
            f"{'this class' if one else 'these classes'} rests on pictures that were mistaken for "
            f"{'it' if one else 'them'}.",
            "warn",
        )


def _names(findings: Findings) -> Iterator[Block]:
    for state in ORDER:
        names = findings.counts.listed.get(state, ())
        if state == EXAMINED or not names:
            continue
        yield Heading(f"Pictures {_title(state)}", 2)
        yield table(
            f"{plural(len(names), 'picture')}: {STATES[state]}",
            [Column("picture"), Column("why")],
            [[name, reason] for name, reason in names[:NAMED]],
            headers=1,
        )
        if len(names) > NAMED:
            yield Text((f"And {len(names) - NAMED} more: all are in ", code("regions.parquet"), " with their state."))


def _title(state: str) -> str:
    return {
        "whole picture": "read whole",
        "no face": "without a face",
        "unreadable": "that could not be read",
        "excluded": "with an unknown label",
    }[state]
