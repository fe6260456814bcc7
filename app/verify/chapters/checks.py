"""Checks of the explanations themselves: what another way, another network, some noise make of them."""

from collections.abc import Iterator, Mapping

import numpy as np

from app.documents.document import (
    MISSING,
    Block,
    Cell,
    Column,
    Content,
    Figure,
    Heading,
    Note,
    Table,
    Text,
    code,
    table,
)
from app.verify.charts import Series, cascade, dots
from app.verify.numerals import cell, number, percent, plural, small, span
from app.verify.words import method, region, sentence, tone
from core.verification.findings import Findings, Judgement, MethodAgreement, SanityFinding

NOT_ASKED = "Not checked: left out by the command, or there was no image to check."


def checks(findings: Findings) -> Iterator[Block]:
    """Everything that is measured of the maps rather than of the network."""
    yield Heading("Checks of the explanations", new_page=True)
    yield Text(
        "A map can look convincing and still say nothing about the network. These checks look at the maps "
        "themselves. Where a check looks at a part of the images only, the part is drawn evenly over the classes by "
        "a stated seed."
    )
    yield Heading("Boxes against polygons", 2)
    yield from _modes(findings)
    yield Heading("Methods against each other", 2)
    yield from _agreement(findings.agreement)
    yield Heading("Faithfulness", 2)
    yield from _faithfulness(findings)
    yield Heading("Sanity", 2)
    yield from _sanity(findings.sanity)
    yield Heading("Stability", 2)
    yield from _stability(findings)
    yield Heading("Conservation", 2)
    yield from _conservation(findings)


def _verdict(verdict: Judgement) -> Note:
    return Note(sentence(verdict.words), sentence(verdict.reason), tone(verdict))


def _modes(findings: Findings) -> Iterator[Block]:
    found = findings.modes
    if not found.images:
        yield Text("No image was examined.")
        return
    flipped, rank = found.flipped, found.rank_correlation
    yield Text(
        "Regions were first outlined by boxes (Rieger et al. 2020) and later by polygons. On the same maps of "
        f"{plural(found.images, 'image')}, the shares by boxes and by polygons have a mean rank correlation of "
        f"{number(None if rank is None else rank.value)}; the verdict of "
        f"{percent(None if flipped is None else flipped.value)} of the images is another one. This report uses "
        f"{findings.options.region_mode}."
    )
    yield table(
        "Share of the positive relevance by boxes, less that by polygons",
        [Column("region"), Column("difference, percentage points", numeric=True)],
        [[region(name), cell(each, True)] for name, each in found.differences.items()],
        ["Boxes are larger than what they hold: smaller regions are drawn over larger ones."],
    )
    rows: list[list[Content]] = [
        [each.label, cell(found.face_density[each.label, "polygons"]), cell(found.face_density[each.label, "boxes"])]
        for each in findings.classes
    ]
    yield table("V_f by polygons and by boxes", [Column("class"), *_numeric("polygons", "boxes")], rows)
    if found.flips:
        yield table(
            "Images whose verdict is another one",
            [Column("by polygons"), Column("by boxes"), Column("images", numeric=True)],
            [[one, other, f"{images}"] for (one, other), images in found.flips.items()],
            headers=2,
        )


def _numeric(*titles: str) -> list[Column]:
    return [Column(title, numeric=True) for title in titles]


def _agreement(found: MethodAgreement | None) -> Iterator[Block]:
    if found is None:
        yield Text(NOT_ASKED)
        return
    yield Text(
        f"The same {plural(found.images, 'image')}, explained for the same classes by several methods. Spearman's rank "
        "correlation, mean over the images: 1 where two methods order pixels, or regions, alike; 0 where they have "
        "nothing in common. Methods that answer different questions need not agree."
    )
    yield _square("Rank correlation of the maps, pixel by pixel", found, found.maps, found.maps_low, found.maps_high)
    yield _square("Rank correlation of the regions' shares", found, found.shares, found.shares_low, found.shares_high)
    if found.impossible:
        yield table(
            "Methods that this network cannot be explained with",
            [Column("method"), Column("why")],
            [[method(name), reason] for name, reason in found.impossible.items()],
        )


def _square(
    caption: str,
    found: MethodAgreement,
    values: np.ndarray,  # type: ignore[type-arg]
    low: np.ndarray,  # type: ignore[type-arg]
    high: np.ndarray,  # type: ignore[type-arg]
) -> Table:
    names = [method(name) for name in found.methods]
    rows: list[list[Content]] = []
    for place, name in enumerate(names):
        row: list[Content] = [name]
        for column in range(len(names)):
            value = float(values[place, column])
            if column == place or np.isnan(value):
                row.append(MISSING)
            else:
                interval = span(float(low[place, column]), float(high[place, column]))
                row.append(Cell(number(value), interval, shade=min(1.0, max(0.0, value))))
        rows.append(row)
    return table(caption, [Column("method"), *_numeric(*names)], rows)


def _faithfulness(findings: Findings) -> Iterator[Block]:
    found = findings.faithfulness
    if found is None:
        yield Text(NOT_ASKED)
        return
    yield Text(
        "The most relevant pixels are blurred away first (deletion: the probability of the class should fall fast, "
        "so a small area is good) or brought back into a blurred face first (insertion: a large area is good). "
        "Controls look at "
        f"nothing. {plural(found.images, 'image')}."
    )
    yield _verdict(found.verdict)
    names = [_map_name(row.name, row.control) for row in found.rows]
    yield table(
        "Area under the probability of the class",
        [Column("map"), *_numeric("deletion (lower is better)", "insertion (higher is better)")],
        [[name, cell(row.deletion), cell(row.insertion)] for name, row in zip(names, found.rows, strict=True)],
    )
    yield Figure(
        dots(
            names,
            {
                "deletion: lower is better": [Series("deletion", [row.deletion for row in found.rows])],
                "insertion: higher is better": [Series("insertion", [row.insertion for row in found.rows])],
            },
        ),
        "Deletion and insertion areas of the method and of the controls; the numbers are in the table above.",
        "Faithfulness with 95 % intervals.",
    )
    yield table(
        "By how much the method is better than a control, image by image",
        [Column("control"), *_numeric("deletion", "insertion")],
        [
            [_map_name(name, True), cell(deletion), cell(insertion)]
            for name, (deletion, insertion) in found.gains.items()
        ],
        ["Above 0: the method is better. Where the interval holds 0, it cannot be told from the control."],
    )


def _map_name(name: str, control: bool) -> str:
    return f"control: {name}" if control else method(name)


def _sanity(found: SanityFinding | None) -> Iterator[Block]:
    if found is None:
        yield Text(NOT_ASKED)
        return
    yield Text(
        "If a map stays the same when the network's weights are drawn at random, it shows the picture rather than the "
        "network (Adebayo et al. 2018). Layer after layer is drawn anew, from the head down, and the map compared "
        "with the "
        f"original. {plural(found.images, 'image')}."
    )
    yield _verdict(found.verdict)
    yield Figure(
        cascade(found),
        "Rank correlation with the original maps against the number of layers drawn anew; the numbers are in the table "
        "below.",
        "Cascading randomisation. Bands: 95 % intervals.",
    )
    yield table(
        "Cascading randomisation",
        [
            Column("layers drawn anew", numeric=True),
            Column("the last of them"),
            *_numeric("rank correlation, signed", "rank correlation, absolute"),
        ],
        [
            [
                f"{step.depth}",
                step.layer or "none: the original",
                cell(step.rank_correlation),
                cell(step.rank_correlation_of_sizes),
            ]
            for step in found.cascade
        ],
        headers=2,
    )
    yield table(
        "Does the class matter? The map of the class read, against that of the runner-up",
        [Column("explained"), *_numeric("rank correlation", "evidence that lies elsewhere, %")],
        [
            [
                "each class alone" if each.seed == "predicted" else "each against the highest other",
                cell(each.rank_correlation),
                cell(each.moved, True),
            ]
            for each in found.classes
        ],
        ["A rank correlation of 1 means that the map does not depend on the class."],
    )


def _stability(findings: Findings) -> Iterator[Block]:
    found = findings.stability
    if found is None:
        yield Text(NOT_ASKED)
        return
    yield Text(
        "The same images, disturbed so little that a person would not see it, explained for the same classes. "
        f"{plural(found.images, 'image')}."
    )
    yield table(
        "Maps of disturbed images",
        [
            Column("disturbance"),
            *_numeric("copies", "Sens_max", "change of the regions' shares, %", "read as another class, %"),
        ],
        [
            [
                f"{row.disturbance}, {row.radius:g} {row.unit}",
                f"{row.draws}",
                cell(row.sens_max),
                cell(row.moved_shares, True),
                cell(row.relabelled, True),
            ]
            for row in found.rows
        ],
        ["Sens_max: largest relative change of the map over the copies; 0 is a map that does not move."],
    )


def _conservation(findings: Findings) -> Iterator[Block]:
    found = findings.conservation
    if found is None:
        yield Text(NOT_ASKED)
        return
    name = method(findings.options.method)
    if not found.promised:
        yield Text(f"{name} does not promise that its map sums to the score, so there is nothing to check.")
        return
    yield Text(
        (
            f"{name} promises that pixels and biases together sum to the explained score. Over "
            f"{plural(found.images, 'image')} "
            f"the sum misses it by at most {small(found.largest)} of the score. A gap of more than ",
            code("0.01"),
            " would mean that the network is explained wrongly.",
        )
    )
    quantiles: Mapping[float, float] = found.relative_gap or {}
    yield table(
        "|gap| over |score|",
        [Column("quantile"), Column("relative gap", numeric=True)],
        [[percent(place, 0), small(value)] for place, value in quantiles.items()] + [["largest", small(found.largest)]],
    )
