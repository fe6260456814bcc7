"""Expected against observed regions, and what lies outside the face."""

from collections.abc import Iterator

from app.documents.document import (
    Block,
    Bullets,
    Cell,
    Column,
    Content,
    Figure,
    Heading,
    Note,
    Table,
    Text,
    link,
    strong,
    table,
)
from app.verify.chapters.summary import face_density, lift, verdict_cell
from app.verify.charts import Series, dots, outside
from app.verify.numerals import cell, number, percent
from app.verify.words import ORIGINS, regions, sentence
from core.verification.findings import CONTRAST, EXPLANATION, GAUSSIAN, ClassFinding, Expectation, Findings


def expectations(findings: Findings) -> Iterator[Block]:
    """V, V_w, V_f and lift with the controls beside them, and the verdict of each class."""
    yield Heading("Expected against observed regions", new_page=True)
    yield Text(
        (
            "EMFACS names the muscle movements (action units) that make up an expression; each moves certain regions "
            "of the "
            "face. If a reading rests on these movements, its evidence should lie there: ",
            strong("V"),
            " is its share there, ",
            strong("V_w"),
            " the density against a uniform map over the crop, ",
            strong("V_f"),
            " against a uniform map over the face, and ",
            strong("lift"),
            " tells whether it is there more than for other classes. The verdict rests on V_f, lift and the share "
            "outside the face. V_w is shown since it is common, but any map that is centred on the face passes it, a "
            "Gaussian that "
            "has seen nothing included.",
        )
    )
    yield _verdicts(findings)
    yield Bullets(tuple((strong(f"{each.label}: "), sentence(each.verdict.reason)) for each in findings.classes))
    judged = [each for each in findings.classes if each.expected and each.images]
    if judged:
        yield _chart(judged)
        yield _beside_controls(judged)
        yield _lifts(judged)
    unjudged = [each.label for each in findings.classes if not each.expected]
    if unjudged:
        yield Note(
            "Classes without expected regions",
            f"EMFACS names no action units for {', '.join(unjudged)}: there V, V_w, V_f and lift are not defined and "
            f"shown "
            "as –. That is no verdict in favour of them.",
        )
    yield from _outside(findings)


def _verdicts(findings: Findings) -> Table:
    return table(
        "Expected regions and verdict of each class",
        [
            Column("class"),
            Column("action units"),
            Column("expected regions"),
            Column("images", numeric=True),
            Column("V_f", numeric=True),
            Column("lift", numeric=True),
            Column("verdict"),
        ],
        [
            [
                each.label,
                ", ".join(map(str, each.action_units)) or None,
                regions(each.expected) or None,
                f"{each.images}",
                cell(face_density(each)),
                cell(lift(each)),
                verdict_cell(each),
            ]
            for each in findings.classes
        ],
        ["Images: those read as the class. Lift: against the runner-up."],
    )


def _chart(judged: list[ClassFinding]) -> Figure:
    def series(quantity: str) -> list[Series]:
        return [
            Series(ORIGINS[origin], [getattr(each.by_origin[origin], quantity) for each in judged], origin == GAUSSIAN)
            for origin in (EXPLANATION, CONTRAST, GAUSSIAN)
        ]

    return Figure(
        dots([each.label for each in judged], {"V_f": series("face_density"), "lift": series("lift")}, reference=1.0),
        "V_f and lift of each class with 95 % intervals, for the explanation, the explanation against the runner-up "
        "and "
        "the centre Gaussian; the numbers are in the tables below.",
        "V_f and lift with 95 % intervals. Dashed: 1, where there is no more evidence than chance would put there.",
    )


def _beside_controls(judged: list[ClassFinding]) -> Table:
    rows: list[list[Content]] = [
        [each.label if place == 0 else "", words, *_values(each.by_origin[origin])]
        for each in judged
        for place, (origin, words) in enumerate(ORIGINS.items())
    ]
    return table(
        "The expected regions under the explanations and under maps that have seen no face",
        [
            Column("class"),
            Column("map"),
            Column("V", "%", numeric=True),
            Column("V_w", numeric=True),
            Column("V_f", numeric=True),
            Column("images with V_f of 1 or more", "%", numeric=True),
            Column("outside the face", "%", numeric=True),
        ],
        rows,
        headers=2,
    )


def _values(found: Expectation) -> list[Cell]:
    return [
        cell(found.mass, True),
        cell(found.crop_density),
        cell(found.face_density),
        cell(found.supported, True),
        cell(found.outside, True),
    ]


def _lifts(judged: list[ClassFinding]) -> Table:
    origins = (EXPLANATION, CONTRAST, GAUSSIAN)
    columns = [
        Column("class"),
        *(Column(ORIGINS[origin], numeric=True, group="lift over other images") for origin in origins),
        *(Column(ORIGINS[origin], numeric=True, group="lift within the image") for origin in origins[:2]),
    ]
    rows: list[list[Content]] = [
        [
            each.label,
            *(cell(each.by_origin[origin].lift) for origin in origins),
            *(cell(each.by_origin[origin].within_lift) for origin in origins[:2]),
        ]
        for each in judged
    ]
    return table(
        "Lift: the class's own regions under its own explanations, over the same under other classes'",
        columns,
        rows,
        [
            "Over other images: the other classes' explanations are of images that were read as those classes. "
            "Within the image: they are explanations of other classes for the same images. 1 means that the regions "
            "count no more for this class than for others. A control that looks at nothing differs from 1 only as "
            "faces do."
        ],
    )


def _outside(findings: Findings) -> Iterator[Block]:
    found = findings.outside
    yield Heading("Outside the face", 2)
    yield Text(
        f"Evidence outside the face (background, hair, ears, neck) cannot be an expression. {percent(found.area)} of "
        f"the crop lies there, so much a uniform map would put there. An image counts as looking outside the face "
        f"above {found.limit:.2f}: {percent(None if found.above is None else found.above.value)} of the images do."
    )
    gaussian = found.mean.get(GAUSSIAN)
    yield Figure(
        outside(findings, None if gaussian is None else gaussian.value),
        "Histogram of the share of positive relevance outside the face, for correct and wrong predictions; quantiles "
        "are "
        "in the table below.",
        "Share of the positive relevance outside the face, image by image.",
    )
    yield table(
        "Share of the positive relevance outside the face",
        [Column("map"), Column("mean", "%", numeric=True)],
        [[ORIGINS[origin], cell(each, True)] for origin, each in found.mean.items()],
        [
            "Quantiles over the images: "
            + ", ".join(
                f"{percent(place, 0)} of them below {number(100 * value, 1)} %"
                for place, value in found.quantiles.items()
            )
            + ".",
            ("Of each class: ", link("table above", "#expected-against-observed-regions"), "."),
        ],
    )
