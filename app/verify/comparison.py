"""Several packs on one corpus, side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from app.documents.document import (
    Block,
    Cell,
    Column,
    Content,
    Document,
    Figure,
    Heading,
    Note,
    Table,
    Text,
    code,
    strong,
    table,
)
from app.verify.chapters.summary import face_density, lift, verdict_cell
from app.verify.charts import Series, dots, reliability
from app.verify.heatmaps import Tile, heatmaps
from app.verify.numerals import cell, percent, plural, small
from app.verify.overlap import overlap
from app.verify.report import Edition
from app.verify.words import NOTICE, ORIGINS, READS, listed, method, sentence, tone
from core.verification import Findings
from core.verification.estimates import Estimate
from core.verification.findings import CONTRAST, EXPLANATION, GAUSSIAN, ClassFinding

Found = Mapping[str, Findings]


def comparison(found: Found, edition: Edition) -> Document:
    """The findings of two packs or more as one document; keys are their names."""
    first = next(iter(found.values())).about
    names = listed(found)
    return Document(
        title=f"{names} side by side",
        subtitle=f"Verified on {first.corpus_title}",
        header=f"{names} on {first.corpus_title}",
        made_on=edition.made_on,
        notice=NOTICE,
        blocks=(
            *_summary(found),
            *_reading(found),
            *_evidence(found),
            *_maps(found),
            *_checks(found),
            *_provenance(found, edition),
        ),
    )


def _summary(found: Found) -> Iterator[Block]:
    first = next(iter(found.values()))
    yield Heading("Summary")
    yield Text(
        f"{listed(found)} were verified on the same {plural(first.counts.images, 'labelled picture')} of "
        f"{first.about.corpus_title}, explained by {method(first.options.method)}. Each has a report of its own; "
        f"this page "
        "sets them side by side.",
        lead=True,
    )
    for name, each in found.items():
        yield Note(f"{name}: {each.verdict.words}", sentence(each.verdict.reason), tone(each.verdict))
    yield _headline(found)
    yield Text((strong(NOTICE), f" {READS}"))


def _columns(found: Found) -> list[Column]:
    return [Column(name, numeric=True) for name in found]


def _row(title: str, found: Found, value: Callable[[Findings], Cell | str]) -> list[Content]:
    return [title, *(value(each) for each in found.values())]


def _weakest(found: Findings, of_class: Callable[[ClassFinding], Estimate | None]) -> Cell:
    known = [(estimate, each.label) for each in found.classes if (estimate := of_class(each)) is not None]
    if not known:
        return cell(None)
    estimate, label = min(known, key=lambda each: each[0].value)
    shown = cell(estimate)
    return Cell(shown.text, f"{label}: {shown.detail}")


def _headline(found: Found) -> Table:
    rows: list[list[Content]] = [
        _row("classes", found, lambda each: f"{len(each.about.pack_labels)}"),
        _row("pictures read", found, lambda each: f"{each.classification.read} of {each.classification.images}"),
        _row("examined by region", found, lambda each: f"{each.modes.images}"),
        _row("accuracy, %", found, lambda each: cell(each.classification.accuracy, True)),
        _row("mean recall, %", found, lambda each: percent(each.classification.mean_recall).removesuffix("\xa0%")),
        _row("expected calibration error, %", found, lambda each: cell(each.classification.calibration_error, True)),
        _row("evidence outside the face, %", found, lambda each: cell(each.outside.mean[EXPLANATION], True)),
        _row("V_f, weakest class", found, lambda each: _weakest(each, face_density)),
        _row("lift, weakest class", found, lambda each: _weakest(each, lift)),
        _row("classes that pass, of those judged", found, _passed),
    ]
    return table(
        "The numbers that matter",
        [Column("measure"), *_columns(found)],
        rows,
        [
            "Each pack on the pictures whose label it knows: where classes differ, see the next chapter before "
            "comparing."
        ],
    )


def _passed(found: Findings) -> str:
    judged = [each.verdict.passed for each in found.classes if each.verdict.passed is not None]
    return f"{sum(judged)} of {len(judged)}"


def _reading(found: Found) -> Iterator[Block]:
    yield Heading("Accuracy and calibration", new_page=True)
    yield from _shared(found)
    labels = _labels(found)

    def recalls(each: Findings) -> list[Estimate | None]:
        by_label = dict(zip(each.classification.labels, each.classification.recall, strict=True))
        return [by_label.get(label) for label in labels]

    every = {name: recalls(each) for name, each in found.items()}
    rows: list[list[Content]] = [
        [label, *(cell(every[name][place], True) for name in found)] for place, label in enumerate(labels)
    ]
    yield table(
        "Recall of each class, %",
        [Column("class"), *_columns(found)],
        rows,
        ["Each pack chooses among all its classes, over the pictures with this label."],
    )
    yield Figure(
        dots(
            labels,
            {"recall": [Series(name, values) for name, values in every.items()]},
            limits=(-0.03, 1.03),
        ),
        "Recall of each class by pack; the numbers are in the table above.",
        "Recall with 95 % intervals.",
    )
    yield Figure(
        reliability({name: each.classification for name, each in found.items()}),
        "Reliability diagram of the packs; each report has its numbers.",
        "Reliability: accuracy against confidence. On the dashed line, confidence is what it says.",
    )


def _shared(found: Found) -> Iterator[Block]:
    same = overlap(found)
    if not same.labels or not same.images:
        yield Note(
            "Nothing in common", "No picture with a label that every pack knows was read by all of them.", "warn"
        )
        return
    yield Text(
        f"Every pack knows {listed(same.labels)}, and {plural(same.images, 'picture')} with these labels were read "
        f"by all. "
        "There they can be compared picture by picture."
    )
    reference = next(iter(found))
    rows: list[list[Content]] = [
        ["choosing among all its classes, %", *(cell(same.as_read[name], True) for name in found)],
        ["choosing among the common classes, %", *(cell(same.among_common[name], True) for name in found)],
        [
            f"common classes, over {reference}, percentage points",
            *(None if name == reference else cell(same.gains[name], True) for name in found),
        ],
    ]
    yield table(
        "Accuracy on the pictures and classes in common",
        [Column("accuracy"), *_columns(found)],
        rows,
        ["Bootstrap intervals over the same draws. A difference whose interval holds 0 cannot be told from none."],
    )


def _labels(found: Found) -> list[str]:
    """Every class of any pack, in order of appearance."""
    return list(dict.fromkeys(label for each in found.values() for label in each.about.pack_labels))


def _evidence(found: Found) -> Iterator[Block]:
    labels = _labels(found)
    judged = [label for label in labels if any(_finding(each, label, True) for each in found.values())]
    yield Heading("What the readings rest on", new_page=True)
    yield Text(
        "V_f: density of the evidence in the regions where the expression's muscles move; 1 is a uniform map over "
        "the face. Lift: the same for a class's own explanations (against the runner-up), over other classes' "
        "explanations. The verdict rests on both and on the share outside the face."
    )
    rows: list[list[Content]] = []
    for label in labels:
        row: list[Content] = [label]
        for each in found.values():
            one = _finding(each, label)
            if one is None:
                row += ["class unknown", None, None, None]
            else:
                row += [
                    verdict_cell(one),
                    cell(face_density(one)),
                    cell(lift(one)),
                    cell(one.by_origin[EXPLANATION].outside, True),
                ]
        rows.append(row)
    columns = [Column("class")]
    for name in found:
        columns += [
            Column("verdict", group=name),
            Column("V_f", numeric=True, group=name),
            Column("lift", numeric=True, group=name),
            Column("outside", "%", numeric=True, group=name),
        ]
    yield table("Verdict of each class", columns, rows)
    if judged:
        yield _evidence_chart(found, judged)
    yield _outside(found)


def _finding(found: Findings, label: str, judged: bool = False) -> ClassFinding | None:
    if label not in found.about.pack_labels:
        return None
    one = found.finding(label)
    return one if one.expected or not judged else None


def _evidence_chart(found: Found, judged: Sequence[str]) -> Figure:
    def series(of_class: Callable[[ClassFinding], Estimate | None], control: str) -> list[Series]:
        rows = [
            Series(name, [None if (one := _finding(each, label)) is None else of_class(one) for label in judged])
            for name, each in found.items()
        ]
        first = next(iter(found.values()))
        gaussian = [
            None if (one := _finding(first, label)) is None else getattr(one.by_origin[GAUSSIAN], control)
            for label in judged
        ]
        return [*rows, Series(ORIGINS[GAUSSIAN], gaussian, control=True)]

    return Figure(
        dots(judged, {"V_f": series(face_density, "face_density"), "lift": series(lift, "lift")}, reference=1.0),
        "V_f and lift of each class by pack, and of the centre Gaussian; the numbers are in the table above and in the "
        "packs' reports.",
        f"V_f and lift with 95 % intervals. Hollow: the centre Gaussian on the images of {next(iter(found))}. "
        f"Dashed: 1.",
    )


def _outside(found: Found) -> Table:
    origins = (EXPLANATION, CONTRAST, GAUSSIAN)
    rows: list[list[Content]] = [
        [ORIGINS[origin], *(cell(each.outside.mean.get(origin), True) for each in found.values())] for origin in origins
    ]
    rows.append(["uniform map", *(percent(each.outside.area).removesuffix("\xa0%") for each in found.values())])
    rows.append(
        [
            f"images above {next(iter(found.values())).outside.limit:.2f}",
            *(cell(each.outside.above, True) for each in found.values()),
        ]
    )
    return table("Share of the positive relevance outside the face, %", [Column("map"), *_columns(found)], rows)


def _maps(found: Found) -> Iterator[Block]:
    yield Heading("Mean heatmaps", new_page=True)
    yield Text(
        "Maps of the images read as a class, aligned and averaged, over the outline of the mean face; dotted: the "
        "expected regions. White is what a uniform map would give, orange more, blue less, on the same scale "
        "everywhere."
    )
    for seed, words in (("predicted", "the class that was read"), ("contrast", "that class against the runner-up")):
        for name, each in found.items():
            tiles = [
                Tile(f"{one.label} ({one.n})", one.density, each.finding(one.label).expected)
                for one in each.maps.maps
                if (one.seed, one.group) == (seed, "all")
            ]
            yield Figure(
                heatmaps(tiles, each.maps.landmarks, each.options.region_mode),
                f"Mean heatmaps of {name} for each class: evidence for {words}; densities by region are in its report.",
                (strong(name), f": evidence for {words}. In brackets: number of images."),
            )


def _checks(found: Found) -> Iterator[Block]:
    yield Heading("Checks of the explanations", new_page=True)
    yield table(
        "The maps themselves",
        [Column("measure"), *_columns(found)],
        [
            *_faithful_rows(found),
            _row("sanity: rank correlation once all layers are random", found, _last_step),
            *_stability_rows(found),
            _row("largest gap of the sum, over the score", found, _gap),
        ],
        ["Small print: 95 % intervals. – where a check was left out. Each report says how the checks are made."],
    )


def _faithful_rows(found: Found) -> Iterator[list[Content]]:
    for control in (None, "random", GAUSSIAN):
        for kind in ("deletion", "insertion"):
            words = {"deletion": "lower is better", "insertion": "higher is better"}[kind]
            title = f"{kind} ({words})" if control is None else f"{kind}, control: {control}"
            yield _row(title, found, lambda each, control=control, kind=kind: _faithful(each, control, kind))  # type: ignore[misc]


def _faithful(found: Findings, control: str | None, kind: str) -> Cell:
    rows = () if found.faithfulness is None else found.faithfulness.rows
    for row in rows:
        if row.control == (control is not None) and control in (None, row.name):
            return cell(getattr(row, kind))
    return cell(None)


def _last_step(found: Findings) -> Cell:
    steps = () if found.sanity is None else found.sanity.cascade
    return cell(steps[-1].rank_correlation if steps else None)


def _stability_rows(found: Found) -> Iterator[list[Content]]:
    for kind in ("noise", "shift"):
        yield _row(f"Sens_max under {kind}", found, lambda each, kind=kind: _stability(each, kind))  # type: ignore[misc]


def _stability(found: Findings, kind: str) -> Cell:
    rows = () if found.stability is None else found.stability.rows
    return cell(next((row.sens_max for row in rows if row.disturbance == kind), None))


def _gap(found: Findings) -> str:
    return small(None if found.conservation is None else found.conservation.largest)


def _provenance(found: Found, edition: Edition) -> Iterator[Block]:
    yield Heading("Provenance")
    yield Text(("Made by ", code(edition.command)))
    rows: list[list[Content]] = [
        [name, f"{each.about.pack_version}: {each.about.pack_title}", each.about.pack_sha256, f"{name}/report.html"]
        for name, each in found.items()
    ]
    yield table("Packs", [Column("pack"), Column("version"), Column("SHA-256 of its model"), Column("report")], rows)
    about = next(iter(found.values())).about
    yield table(
        "Corpus and versions",
        [Column("what"), Column("value")],
        [
            ["corpus", about.corpus_title],
            ["fingerprint of names, labels and people", about.corpus_fingerprint],
            *([name, version] for name, version in about.versions.items()),
        ],
    )
