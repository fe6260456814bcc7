"""Class by region: how much of the relevance lies where."""

from collections.abc import Iterator

import numpy as np

from app.documents.document import MISSING, Block, Cell, Column, Content, Heading, Table, Text, link, table
from app.verify.numerals import GAP, number, span
from app.verify.words import region
from core.verification.estimates import Group, Quantity, Seed, Sign
from core.verification.findings import Findings, RegionTable

GROUPS: dict[Group, str] = {"all": "all images", "correct": "correct predictions", "wrong": "wrong predictions"}
QUANTITIES: dict[Quantity, str] = {"mass": "Share", "density": "Density"}
SEEDS: dict[Seed, str] = {"predicted": "", "contrast": " against the runner-up"}


def regions(findings: Findings) -> Iterator[Block]:
    """Tables of mass and density, correct and wrong apart."""
    yield Heading("What counted, by class and region", new_page=True)
    yield Text(
        (
            "Each image is explained for the class that the pack reads in it; columns are these classes. The share "
            "(mass) of a region is its part of the positive relevance and sums to 100 % down a column. The density "
            "is the share over the region's part of the crop: 1 is what a uniform map would give, 2 is twice as "
            "much. Cells are means over images "
            "with 95 % bootstrap intervals. ",
            link("Formulas.", "#methods-and-sources"),
        )
    )
    yield Heading("Shares", 2)
    for group in GROUPS:
        yield region_table(findings, "mass", group)
    yield Heading("Densities", 2)
    for group in GROUPS:
        yield region_table(findings, "density", group)
    yield Heading("Against the runner-up", 2)
    yield Text(
        "The same for the contrast: relevance for the class read less relevance for the next most probable one. It "
        "shows what speaks for this class rather than for a face as such."
    )
    yield region_table(findings, "density", seed="contrast")
    yield Heading("Against the class", 2)
    yield Text("Relevance of the other sign: what spoke against the class that was read.")
    if np.isnan(findings.table("density", "negative").mean).all():
        yield Text("With this method, nothing did in any image.")
    else:
        yield region_table(findings, "density", sign="negative")


def region_table(
    findings: Findings, quantity: Quantity, group: Group = "all", seed: Seed = "predicted", sign: Sign = "positive"
) -> Table:
    """One quantity, regions in rows and classes in columns; expected regions are marked."""
    found = findings.table(quantity, sign, seed, group)
    expected = {each.label: set(each.expected) for each in findings.classes}
    strongest = float(np.nanmax(found.mean)) if not np.isnan(found.mean).all() else 0.0
    images = found.n.max(axis=1)
    columns = [
        Column("region"),
        *(Column(label, f"n{GAP}={GAP}{n}", numeric=True) for label, n in zip(found.classes, images, strict=True)),
    ]
    rows: list[list[Content]] = [
        [
            region(name),
            *(
                _cell(found, place, column, name in expected.get(label, ()), strongest)
                for column, label in enumerate(found.classes)
            ),
        ]
        for place, name in enumerate(found.regions)
    ]
    unit = ", %" if quantity == "mass" else ""
    kind = "negative" if sign == "negative" else "positive"
    caption = f"{QUANTITIES[quantity]} of the {kind} relevance{SEEDS[seed]}{unit}: {GROUPS[group]}"
    return table(caption, columns, rows, ["● and bold: expected regions of the class (EMFACS). Darker: more."])


def _cell(found: RegionTable, place: int, column: int, expected: bool, strongest: float) -> Cell:
    mean = float(found.mean[column, place])
    if np.isnan(mean):
        return Cell(MISSING)
    as_percent = found.quantity == "mass"
    text = number(100 * mean, 1) if as_percent else number(mean)
    interval = span(float(found.low[column, place]), float(found.high[column, place]), as_percent)
    shade = min(1.0, max(0.0, mean / strongest)) if strongest > 0 else 0.0
    return Cell(f"● {text}" if expected else text, interval, shade=shade, strong=expected)
