"""The first page: what was verified on what, the verdict and why, the numbers that matter, what was not examined."""

from collections.abc import Iterator

from app.documents.document import (
    Block,
    Cell,
    Column,
    Content,
    Heading,
    KeyFigure,
    KeyFigures,
    Note,
    Rich,
    Span,
    Text,
    Tone,
    link,
    strong,
    table,
)
from app.verify.numerals import cell, interval, number, percent, plural
from app.verify.words import NOTICE, READS, listed, method, sentence, tone
from core.verification.findings import CONTRAST, EXPLANATION, ClassFinding, Estimate, Findings
from core.verification.record import EXAMINED, EXCLUDED, NO_FACE, UNREADABLE, WHOLE


def summary(findings: Findings) -> Iterator[Block]:
    """One page in plain words."""
    yield Heading("Summary")
    yield Text(_what(findings), lead=True)
    verdict = findings.verdict
    yield Note(f"Verdict: {verdict.words}", sentence(verdict.reason), tone(verdict))
    yield from _doubts(findings)
    yield KeyFigures(tuple(_key_figures(findings)))
    yield Text(_not_examined(findings))
    yield Text(
        (strong(NOTICE), f" {READS} This report says where in the picture the evidence for a reading lies. ", _limits())
    )
    yield _classes(findings)


def _doubts(findings: Findings) -> Iterator[Block]:
    """Checks that the maps have failed: relevance can be taught to lie where it should while the reading does not."""
    for name, check in (("Faithfulness", findings.faithfulness), ("Sanity", findings.sanity)):
        if check is not None and check.verdict.passed is False:
            text = "A verdict that rests on such maps says little of what the network reads from."
            yield Note(
                f"{name}: {check.verdict.words}", f"{sentence(check.verdict.reason)} {text}", tone(check.verdict)
            )


def _limits() -> Span:
    return link("It does not say that a reading is right.", "#limits")


def _what(findings: Findings) -> str:
    about, counts = findings.about, findings.counts
    people = "" if about.subjects is None else f" of {plural(about.subjects, 'person', 'people')}"
    return (
        f"{about.pack_id} {about.pack_version} was verified on {plural(counts.images, 'labelled picture')}{people} "
        f"from {about.corpus_title}. Each face was read, the reading was explained pixel by pixel "
        f"({method(findings.options.method)}), and the explanation was summed over the regions of the face."
    )


def _key_figures(findings: Findings) -> Iterator[KeyFigure]:
    read = findings.classification
    yield KeyFigure(
        "Accuracy",
        percent(None if read.accuracy is None else read.accuracy.value),
        interval(read.accuracy, as_percent=True),
        f"mean recall: {percent(read.mean_recall)}",
    )
    yield KeyFigure(
        "Calibration error",
        percent(None if read.calibration_error is None else read.calibration_error.value),
        interval(read.calibration_error, as_percent=True),
        "confidence against accuracy, 15 bins",
    )
    yield _outside(findings)
    yield _weakest(findings, "V_f", "V_f of the weakest class")
    yield _weakest(findings, "lift", "Lift of the weakest class")


def _outside(findings: Findings) -> KeyFigure:
    found = findings.outside.mean.get(EXPLANATION)
    return KeyFigure(
        "Evidence outside the face",
        percent(None if found is None else found.value),
        interval(found, as_percent=True),
        f"a uniform map: {percent(findings.outside.area)}",
        "plain" if found is None else "bad" if found.value > findings.outside.limit else "good",
    )


def face_density(found: ClassFinding) -> Estimate | None:
    """V_f of the class's explanations."""
    return found.by_origin[EXPLANATION].face_density


def lift(found: ClassFinding) -> Estimate | None:
    """Lift of the class, by the contrast seed."""
    return found.by_origin[CONTRAST].lift


def verdict_cell(found: ClassFinding) -> Cell:
    """The verdict of a class; where it passes though an interval reaches below 1, that is said."""
    unsure = [each for each in (face_density(found), lift(found)) if each is not None and not each.low >= 1]
    if found.verdict.passed and unsure:
        return Cell(found.verdict.words, "uncertain: an interval reaches below 1", tone="warn")
    return Cell(found.verdict.words, tone=tone(found.verdict))


def _weakest(findings: Findings, quantity: str, title: str) -> KeyFigure:
    of_class = face_density if quantity == "V_f" else lift
    known = [(found.value, each.label, found) for each in findings.classes if (found := of_class(each)) is not None]
    if not known:
        return KeyFigure(title, number(None), note="no class with expected regions was read")
    value, label, found = min(known, key=lambda each: each[:2])
    return KeyFigure(
        title, number(value), f"{label}: {interval(found)}", "1 means no more than chance", side_of_one(found)
    )


def side_of_one(found: Estimate | None) -> Tone:
    """Whether an estimate is above 1, below it, or cannot be told from it."""
    if found is None:
        return "plain"
    if found.value < 1:
        return "bad"
    return "good" if found.low > 1 else "warn"


def _not_examined(findings: Findings) -> Rich:
    counts = findings.counts
    states = counts.states
    others = {
        WHOLE: "read as whole pictures, since no mesh could be fitted",
        NO_FACE: "without a face that could be found",
        UNREADABLE: "that could not be opened or read",
        EXCLUDED: "with a label that the pack does not know",
    }
    said = [f"{states[state]} {words}" for state, words in others.items() if states.get(state)]
    dropped = sum(counts.dropped.values())
    left_out = f" The corpus itself leaves out {plural(dropped, 'picture')} before that." if dropped else ""
    rest = f"; the others: {listed(said)}." if said else "; none was lost."
    return (
        strong(f"{states[EXAMINED]} of {counts.images} pictures were examined by region"),
        f"{rest}{left_out} ",
        link("Every picture is accounted for.", "#data-and-losses"),
    )


def _classes(findings: Findings) -> Block:
    rows: list[list[Content]] = []
    for each in findings.classes:
        outside = each.by_origin[EXPLANATION].outside
        rows.append(
            [
                each.label,
                f"{each.images}",
                cell(face_density(each)),
                cell(lift(each)),
                cell(outside, as_percent=True),
                verdict_cell(each),
            ]
        )
    return table(
        "Verdict for each class",
        [
            Column("class"),
            Column("images", numeric=True),
            Column("V_f", numeric=True),
            Column("lift", numeric=True),
            Column("outside", "%", numeric=True),
            Column("verdict"),
        ],
        rows,
        [
            (
                "Intervals: 95 %. Images: read as the class. V_f: density of the evidence in the expected regions; 1 "
                "is a uniform map over the face. Lift: V_f over what other classes' explanations have there. "
                "Outside: of the "
                "face. ",
                link("How the verdict is reached.", "#expected-against-observed-regions"),
            )
        ],
    )
