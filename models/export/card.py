"""The card of a pack: for people, with every figure as measured."""

from dataclasses import dataclass

from core.verification.scores import Scores
from models.data.ferplus import CLASSES
from models.verify.explanations import Conservation, Faithfulness
from models.verify.paths import PathScores


@dataclass(frozen=True)
class TrainingFacts:
    """What the weights were made from, and how."""

    images: int
    trained_on: int
    with_mesh: int
    valid_images: int
    valid_with_mesh: int
    epochs: int
    seed: int
    parameters: int
    multiply_adds: int
    temperature: float
    uncalibrated_error: float


def write_card(
    facts: TrainingFacts, paths: PathScores, conserved: list[Conservation], faithful: list[Faithfulness]
) -> str:
    """Markdown for CARD.md."""
    return "\n".join(
        [_INTRODUCTION, _training(facts), _measured(facts, paths), _explained(conserved, faithful), _LIMITS]
    )


_INTRODUCTION = """# mien-s

Reads eight expressions in an aligned grey face of 48 x 48 px: neutral, happiness, surprise, sadness, anger, disgust,
fear, contempt. A small residual network made to be explained: every sum joins non-negative parts, and one linear head
without bias follows global average pooling, so that Grad-CAM is exact and LRP splits cleanly.

**What it reads is an expression as people label pictures, not what somebody feels.** It is not a medical device.
"""


def _training(facts: TrainingFacts) -> str:
    return f"""## Training

- Data: FER+ (labels by Barsoum et al. 2016, MIT licence) on the images of FER2013 (ICML 2013 challenge). {facts.images}
  training images, {facts.trained_on} of them kept: the others are mostly voted "unknown" or "not a face".
- **Rights to the images:** they were collected from the web and never cleared for redistribution by the people shown.
  The weights were trained on them; the images are not part of this pack. Decide whether that suits your use.
- Alignment: the 478-point mesh finds a face in {facts.with_mesh} of the {facts.images} training images and
  {facts.valid_with_mesh} of the {facts.valid_images} validation images; those are aligned as a video frame is, by the
  same function. The others are taken whole. Six in ten training views are aligned, the rest raw.
- Soft-vote cross-entropy, SGD with one cycle, {facts.epochs} epochs, seed {facts.seed}, weight average; rotation,
  scale, shift, mirror, light, low resolution and covered patches as augmentation. Rare classes are drawn more often.
- {facts.parameters / 1e6:.2f} M parameters, {facts.multiply_adds / 1e6:.1f} M multiply-adds.
- Licence of the weights: Apache-2.0, with the note on the images' rights above.
"""


def _row(name: str, scores: Scores) -> str:
    return (
        f"| {name} | {scores.images} | {scores.accuracy:.2%} | {scores.mean_recall:.2%} "
        f"| {scores.calibration_error:.2%} |"
    )


def _measured(facts: TrainingFacts, paths: PathScores) -> str:
    recalls = "\n".join(
        f"| {label} | {raw:.1%} | {aligned:.1%} |"
        for label, raw, aligned in zip(CLASSES, paths.raw.recall, paths.aligned.recall, strict=True)
    )
    return f"""## Measured

On the FER+ validation split, majority protocol (single votes dropped, more than half of the rest), one pass without
averaging over flips. The temperature and the number of epochs were chosen on this same split: a split that was not
looked at will come out lower.

| way in | images | accuracy | mean recall | calibration error (15 bins) |
|---|---|---|---|---|
{_row("raw crops, as published", paths.raw)}
{_row("aligned as in training", paths.aligned)}
{_row("full path: detector, mesh, alignment", paths.full)}
{_row("raw crops of those same images", paths.raw_found)}

The full path starts from images enlarged four times; its detector finds a face in {paths.found} of {paths.images}.
Temperature {facts.temperature:.3f}, fitted on the aligned validation crops; before it the calibration error there was
{facts.uncalibrated_error:.2%}.

| recall | raw | aligned |
|---|---|---|
{recalls}
"""


def _explained(conserved: list[Conservation], faithful: list[Faithfulness]) -> str:
    gaps = "\n".join(
        f"| {row.method} | {row.images} | {row.gap_with_biases:.1e} | {row.gap_pixels:.1e} | {row.bias_share:.1%} |"
        for row in conserved
    )
    curves = "\n".join(f"| {row.name} | {row.deletion:.3f} | {row.insertion:.3f} |" for row in faithful)
    return f"""## Explanations

Relevance against the logit it explains, median over aligned validation images:

| method | images | gap of pixels and biases | gap of pixels alone | share taken by biases |
|---|---|---|---|---|
{gaps}

Faithfulness: mean probability of the predicted class while the most relevant pixels are blurred away (deletion, lower
is better) or brought back into a blurred face (insertion, higher is better). The first two rows look at nothing.

| map | deletion | insertion |
|---|---|---|
{curves}
"""


_LIMITS = """## For whom it is not

- Not for diagnosis, triage, or any decision about a person. Not for judging people at work or in school, which the EU's
  AI Act forbids.
- Contempt, disgust and fear are rare in the data and recalled poorly; see the table. Read them as hints.
- Posed and stock pictures dominate the data; ages, skin tones and cultures are unevenly and unverifiably represented.
  Nothing here was measured on patients, on infants, in profile or in the dark.
- The label is the majority of some ten people's votes on a still. Where they disagreed, so does the truth.
"""
