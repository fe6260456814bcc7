"""Accuracy and calibration."""

from collections.abc import Iterator

from app.documents.document import MISSING, Block, Cell, Column, Content, Figure, Heading, Table, Text, table
from app.verify.charts import Series, dots, reliability
from app.verify.numerals import GAP, cell, number, percent, span
from core.verification.findings import Estimate, Findings


def reading(findings: Findings) -> Iterator[Block]:
    """How well the pack reads the corpus."""
    read = findings.classification
    yield Heading("Accuracy and calibration", new_page=True)
    yield Text(
        f"{read.images} pictures have a label that the pack knows; in {read.read} of them it read something. "
        f"Pictures with "
        "other labels count nowhere in this chapter."
    )
    yield _overall(findings)
    yield _recalls(findings)
    yield Figure(
        dots(
            list(read.labels),
            {"recall": [Series("recall", read.recall)], "precision": [Series("precision", read.precision)]},
            limits=(-0.03, 1.03),
        ),
        "Recall and precision of each class with 95 % intervals; the numbers are in the table above.",
        "Recall and precision with 95 % intervals (Wilson).",
    )
    yield confusion(findings)
    yield Heading("Calibration", 2)
    yield Text(
        f"The expected calibration error over 15 equal bins of confidence is {_calibration(read.calibration_error)}, "
        f"the mean negative log-likelihood {number(read.negative_log_likelihood, 3)} nats. On few pictures the error "
        "comes out too large, and its interval with it: chance alone opens gaps between confidence and accuracy. On "
        "the dashed line, what the pack calls 80 % probable is right in 80 of 100 cases; below it the pack is too "
        "sure of itself."
    )
    yield Figure(
        reliability({findings.about.pack_id: read}),
        "Reliability diagram: accuracy in each bin of confidence, with the number of images; the numbers are in the "
        "table below.",
        "Reliability diagram. Below: how many images have that confidence.",
    )
    yield _bins(findings)


def _calibration(found: Estimate | None) -> str:
    """The error with its interval by the bootstrap, in a sentence."""
    if found is None:
        return MISSING
    ends = span(found.low, found.high, as_percent=True, digits=2)
    return percent(found.value, 2) + (f" (95 % interval {ends}{GAP}%, bootstrap)" if ends else "")


def _overall(findings: Findings) -> Table:
    read = findings.classification
    rows = {
        "over the pictures read": read.accuracy,
        "over all, a picture without a reading being wrong": read.accuracy_of_all,
        "over faces with a mesh": read.accuracy_examined,
        "over those read as whole pictures": read.accuracy_whole,
    }
    return table(
        "Accuracy",
        [Column("accuracy"), Column("%", numeric=True), Column("images", numeric=True)],
        [
            [name, cell(found, as_percent=True), MISSING if found is None else f"{found.n}"]
            for name, found in rows.items()
        ],
        [f"Mean recall over the classes that occur: {percent(read.mean_recall)}. Intervals: Wilson, 95 %."],
    )


def _recalls(findings: Findings) -> Table:
    read = findings.classification

    def images(found: Estimate | None) -> str:
        return MISSING if found is None else f"{found.n}"

    rows: list[list[Content]] = [
        [label, cell(recall, True), images(recall), cell(precision, True), images(precision)]
        for label, recall, precision in zip(read.labels, read.recall, read.precision, strict=True)
    ]
    columns = [
        Column("class"),
        Column("recall", "%", numeric=True),
        Column("images with this label", numeric=True),
        Column("precision", "%", numeric=True),
        Column("images read as it", numeric=True),
    ]
    return table("Recall and precision of each class", columns, rows)


def confusion(findings: Findings) -> Table:
    """Rows are labels, columns what was read."""
    read = findings.classification
    rows: list[list[Content]] = []
    for place, label in enumerate(read.labels):
        total = int(read.confusion[place].sum())
        row: list[Content] = [label]
        for column, images in enumerate(read.confusion[place]):
            share = float(images) / total if total else None
            row.append(Cell(f"{images}", percent(share, 0), shade=share, strong=column == place))
        rows.append(row)
    return table(
        "Confusion: labels in rows, readings in columns",
        [Column("label"), *(Column(label, numeric=True, group="read as") for label in read.labels)],
        rows,
        ["Number of images, and share of the row. Darker: larger share. Bold: right."],
    )


def _bins(findings: Findings) -> Table:
    rows: list[list[Content]] = [
        [
            f"{each.low:.3f} to {each.high:.3f}",
            f"{each.n}",
            percent(each.confidence),
            percent(each.accuracy),
        ]
        for each in findings.classification.bins
    ]
    columns = [
        Column("confidence"),
        Column("images", numeric=True),
        Column("mean confidence", numeric=True),
        Column("accuracy", numeric=True),
    ]
    return table("Reliability diagram in numbers", columns, rows)
