"""The card of a pack: for people, with every figure as measured, also where the model fails."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from core.verification import Findings
from core.verification.estimates import Estimate
from core.verification.findings import CONTRAST, EXPLANATION, GAUSSIAN
from core.verification.scores import Scores
from models.verify.conditions import Condition
from models.verify.paths import PathScores


@dataclass(frozen=True)
class Story:
    """What nobody can measure: Markdown of the card's beginning and end, and what the packs beside it are."""

    title: str
    introduction: str
    training: str
    limits: str
    beside: str = ""


@dataclass(frozen=True)
class Measured:
    """What was measured of a pack.

    Attributes
    ----------
    on
        On which images, in words.
    paths
        Accuracy by every way in which a face may come.
    conditions
        Where it fails.
    temperature, uncalibrated_error
        What logits are divided by, and the calibration error without it.
    findings
        Its verification (`mienscope verify`) on the same images.
    beside
        Other packs, verified on the same images.
    drawn
        On how many images, drawn from all of them, everything but accuracy by way in was measured; 0: on all.
    """

    on: str
    paths: PathScores
    conditions: Sequence[Condition]
    temperature: float
    uncalibrated_error: float
    findings: Findings
    beside: Sequence[Findings] = ()
    drawn: int = 0


DRAWN: Final = """
Everything that follows was measured on {} of these images, drawn at random: intervals are wider for it.
"""


def write_card(story: Story, measured: Measured) -> str:
    """Markdown for CARD.md."""
    parts = (
        f"# {story.title}\n\n{story.introduction}",
        f"## Training\n\n{story.training}",
        _accuracy(measured),
        _confusion(measured.findings),
        _failures(measured.conditions),
        _regions(measured.findings),
        _checks(measured.findings),
        *([_trade([measured.findings, *measured.beside], story.beside)] if measured.beside else []),
        f"## For whom it is not\n\n{story.limits}",
    )
    return "\n".join(part.rstrip() + "\n" for part in parts)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _accuracy(measured: Measured) -> str:
    paths = measured.paths
    ways = [
        ("raw crops, as published", paths.raw),
        ("aligned as in training", paths.aligned),
        ("full path: detector, mesh, alignment", paths.full),
        ("raw crops of those same images", paths.raw_found),
    ]
    by_way = table(
        ("way in", "images", "accuracy", "mean recall", "calibration error (15 bins)"),
        [(name, str(scores.images), *_scores(scores)) for name, scores in ways],
    )
    labels = measured.findings.classification.labels
    recalls = table(
        ("recall", "raw", "aligned"),
        [
            (label, f"{raw:.1%}", f"{aligned:.1%}")
            for label, raw, aligned in zip(labels, paths.raw.recall, paths.aligned.recall, strict=True)
        ],
    )
    return f"""## Measured

On {measured.on}, one pass without averaging over flips. Temperature and recipe were chosen on these same images: images
that nobody looked at will come out lower.

{by_way}

The full path starts from images enlarged four times; its detector finds a face in {paths.found} of {paths.images}.
Temperature {measured.temperature:.3f}, fitted on the aligned crops; before it the calibration error there was
{measured.uncalibrated_error:.2%}.

{recalls}
{DRAWN.format(measured.drawn) if measured.drawn else ""}"""


def _scores(scores: Scores) -> tuple[str, str, str]:
    return f"{scores.accuracy:.2%}", f"{scores.mean_recall:.2%}", f"{scores.calibration_error:.2%}"


def _confusion(findings: Findings) -> str:
    found = findings.classification
    rows = [(label, *map(str, row)) for label, row in zip(found.labels, found.confusion.tolist(), strict=True)]
    return f"""### What is taken for what

Rows are labels, columns what was read (aligned; images without a mesh as they are).

{table(("label", *found.labels), rows)}
"""


def _failures(conditions: Sequence[Condition]) -> str:
    rows = [(each.name, str(each.scores.images), *_scores(each.scores)) for each in conditions]
    return f"""### Where it fails

The same images changed on purpose, and the images by how far the head is turned. The mesh is that of the unchanged
picture: these are the network's losses, the detector's come on top.

{table(("condition", "images", "accuracy", "mean recall", "calibration error"), rows)}
"""


def number(estimate: Estimate | None, percent: bool = False) -> str:
    """A figure with its 95 % interval, "-" where there is none."""
    if estimate is None:
        return "-"
    value, low, high = estimate.value, estimate.low, estimate.high
    if percent:
        return f"{value:.1%} ({low:.1%} to {high:.1%})"
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def _regions(findings: Findings) -> str:
    rows = []
    for each in findings.classes:
        if each.expected:
            plain, contrast, gaussian = (each.by_origin[name] for name in (EXPLANATION, CONTRAST, GAUSSIAN))
            figures = (plain.face_density, contrast.face_density, contrast.lift, contrast.within_lift)
            cells = (*map(number, figures), number(gaussian.face_density), number(plain.supported, percent=True))
            rows.append((each.label, str(each.images), *cells, each.verdict.words))
    outside = findings.outside
    header = (
        *("class read", "images", "V_f", "V_f, contrast", "lift, contrast", "lift within images"),
        *("V_f of a centre Gaussian", "images with V_f of 1 or more", "verdict"),
    )
    return f"""## Where it looks

`mienscope verify` with {findings.options.method}: V_f is the density of the expected regions (EMFACS) against a uniform
map over the face, lift that density against the one under explanations of other classes; 95 % intervals. Contrast: the
class against the runner-up. Neutral has no expected regions.

{table(header, rows)}

Positive relevance outside the face: {number(outside.mean[EXPLANATION], percent=True)}, contrast
{number(outside.mean[CONTRAST], percent=True)}, a centre Gaussian {number(outside.mean[GAUSSIAN], percent=True)}; that
part is {outside.area or 0:.1%} of the crop.
"""


def _checks(findings: Findings) -> str:
    parts = ["### Whether the maps can be trusted\n"]
    if findings.faithfulness is not None:
        rows = [(row.name, number(row.deletion), number(row.insertion)) for row in findings.faithfulness.rows]
        parts.append(
            f"Mean probability of the class read while the most relevant pixels are blurred away (deletion, lower is "
            f"better) or brought back (insertion, higher is better), {findings.faithfulness.images} images:\n\n"
            f"{table(('map', 'deletion', 'insertion'), rows)}\n"
        )
    if findings.sanity is not None:
        parts.append(f"Sanity: {findings.sanity.verdict.words}. {findings.sanity.verdict.reason}\n")
    if findings.stability is not None:
        disturbed = [
            (row.disturbance, f"{row.radius:g} {row.unit}", number(row.sens_max), number(row.relabelled, percent=True))
            for row in findings.stability.rows
        ]
        parts.append(table(("disturbance", "radius", "Sens_max", "read as another class"), disturbed) + "\n")
    return "\n".join(parts)


def _trade(packs: Sequence[Findings], words: str) -> str:
    """What one pack gives up for what, beside the others."""
    header = (
        *("pack", "accuracy", "mean recall", "calibration error", "outside the face", "V_f by class"),
        *("lift by class", "deletion", "insertion"),
    )
    return f"""## Beside other packs

The same images, aligned, one verification each. V_f and lift (contrast) are those of the lowest and of the highest of
the classes that have expected regions.

{table(header, map(_trade_row, packs))}
{words}"""


def _trade_row(findings: Findings) -> tuple[str, ...]:
    found = findings.classification
    judged = [each for each in findings.classes if each.expected]
    faithful = [] if findings.faithfulness is None else findings.faithfulness.rows
    own = [(row.deletion, row.insertion) for row in faithful if row.name == findings.options.method]
    return (
        f"{findings.about.pack_id} {findings.about.pack_version}",
        number(found.accuracy, percent=True),
        "-" if found.mean_recall is None else f"{found.mean_recall:.1%}",
        "-" if found.calibration_error is None else f"{found.calibration_error.value:.1%}",
        number(findings.outside.mean[EXPLANATION], percent=True),
        _range(each.by_origin[EXPLANATION].face_density for each in judged),
        _range(each.by_origin[CONTRAST].lift for each in judged),
        *map(number, own[0] if own else (None, None)),
    )


def _range(estimates: Iterable[Estimate | None]) -> str:
    values = [each.value for each in estimates if each is not None]
    return f"{min(values):.2f} to {max(values):.2f}" if values else "-"
