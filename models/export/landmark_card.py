"""The card of a landmark pack: for people, with every figure as measured, also what it cannot do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.regions import REGIONS
from core.verification.estimates import Estimate
from models.data.landmarks import EXPRESSIONS
from models.export.card import number, table
from models.train.landmarks import Kind, LandmarkRecipe
from models.train.landmarks_scores import Row
from models.verify.landmark_comparison import Beside


@dataclass(frozen=True)
class Measured:
    """What the pack gives, through ONNX Runtime.

    Attributes
    ----------
    on
        On which faces, in words.
    shown, spared
        For each expression: share of the faces with it that are read so, and of those without it that are not.
    errors
        Calibration error before the temperature and with it.
    beside
        Each expression beside the default pack, which reads pixels.
    six
        Share read rightly among the six, of faces that show one: the default pack's and this one's.
    explained, gaps
        Of so many faces: mean and largest gap of completeness, mean distance from the baselines' score, logits.
    """

    on: str
    shown: tuple[Estimate, ...]
    spared: tuple[Estimate, ...]
    accuracy: float
    temperature: float
    errors: tuple[float, float]
    beside: Sequence[Beside]
    six: tuple[float, float]
    explained: int
    gaps: tuple[float, float, float]

    @property
    def recall(self) -> float:
        """Mean over the expressions of the mean of both rates."""
        return float(np.mean([each.value for each in (*self.shown, *self.spared)]))

    def figures(self) -> Iterator[tuple[str, float]]:
        """What the manifest says."""
        yield "mean accuracy", self.accuracy
        yield "mean recall", self.recall
        yield "area under the curve, mean", float(np.mean([each.landmarks for each in self.beside]))
        yield "calibration error", self.errors[1]


def card(kind: Kind, recipe: LandmarkRecipe, row: Row, measured: Measured, learnt: int, labelled: int) -> str:
    """Markdown for CARD.md."""
    parts = (
        f"# landmarks-{kind}\n\n{_INTRODUCTION.format(points=row.count, how=_HOW[kind])}",
        _training(kind, recipe, row, learnt, labelled),
        _measured(measured),
        _points(row, measured),
        f"## For whom it is not\n\n{_LIMITS}",
    )
    return "\n".join(part.rstrip() + "\n" for part in parts)


_HOW: Final = {
    "trained": "Each network has hidden units of its own, learnt by gradient descent.",
    "random": "The hidden weights were drawn once and never learnt, the same for all six; only each\n"
    "network's read-out was solved, in closed form.",
}

_INTRODUCTION: Final = """Reads six expressions in the shape of a face mesh of 478 points; it looks at {points} of them:
happiness, surprise, sadness, anger, disgust, fear. It sees no pixels. Six small binary networks stand side by side, one
per expression, each against everything else (neutral, contempt and the other five): probabilities do not sum to one,
and a calm face should get low ones from all.

{how}
After Di Luzio, Rosato, Panella 2024 (arXiv 2407.14865), as far as its summaries tell: a reconstruction. No code or
weights of the authors are in it.

**What it reads is an expression as people label pictures, not what somebody feels.** It is not a medical device.
"""


def _training(kind: Kind, recipe: LandmarkRecipe, row: Row, learnt: int, labelled: int) -> str:
    hidden = {
        "trained": f"{recipe.trained_width} hidden units each, ReLU; weighted logistic loss, {recipe.epochs} epochs of "
        "AdamW with one cycle,\n  small noise on the coordinates.",
        "random": f"{recipe.random_width} hidden units, ReLU, weights and biases drawn from a normal distribution; "
        "read-out by weighted ridge\n  regression to -1 and 1, each ridge chosen on the held-out part.",
    }
    return f"""## Training

- Data: FER+ (labels by Barsoum et al. 2016, MIT licence) on the images of FER2013 (ICML 2013 challenge): {labelled}
  training images with a majority label in which the mesh finds a face; {learnt} were learnt from, each with its mirror
  image, the others held out, class by class, for temperature and choices. FER2013 does not say who is who: a person may
  be on both sides.
- **Rights to the images:** they were collected from the web and never cleared for redistribution by the people shown.
  The weights were trained on their meshes; no image is part of this pack. Its five typical samples (`golden.npz`) are
  meshes of five of these faces, 478 points each. Decide whether that suits your use.
- Shape: the mesh centred between the eyes, turned level, divided by the distance of the eyes; stills, without a
  person's neutral. {recipe.axes} principal axes of the kept points, their spreads evened out by a root, are
  folded into the first layer.
- {hidden[kind]}
- Faces with an expression weigh as much in learning as all faces without it.
- The {row.count} points: from all 478 on, those with the most integrated gradients were kept and the networks learnt
  again, down to the smallest number within half a point of the best mean recall on held-out images. Are they special?
  {_beside_chance(row)}
- Licence of the weights: Apache-2.0, with the note on the images' rights above.
"""


def _beside_chance(row: Row) -> str:
    """What as many random points do, in words."""
    if row.over_random is None:
        return "All points are kept, so there is nothing to compare them with."
    low, high = row.over_random.low, row.over_random.high
    said = "more than" if low > 0 else "less than" if high < 0 else "as far as can be told no more than"
    points = f"{100 * row.over_random.value:+.1f} percentage points"
    return (
        f"On validation images {said} as many random ones:\n  the difference in mean recall is {points} "
        f"({100 * low:+.1f} to {100 * high:+.1f}, {row.seeds} seeds);\n  see docs/landmarks.md."
    )


def _measured(measured: Measured) -> str:
    rates = [
        (name, str(shown.n), number(shown, percent=True), number(spared, percent=True), f"{beside.landmarks:.3f}")
        for name, shown, spared, beside in zip(
            EXPRESSIONS, measured.shown, measured.spared, measured.beside, strict=True
        )
    ]
    pixels = [
        (each.expression, f"{each.pixels:.3f}", f"{each.landmarks:.3f}", number_of(each.difference))
        for each in measured.beside
    ]
    before, after = measured.errors
    return f"""## Measured

On {measured.on}:
{len_of(measured)} faces, none of which was used for any choice. 95 % intervals.

{table(("expression", "faces with it", "of these read so", "of the others not read so", "area under the curve"), rates)}

Mean recall {measured.recall:.2%}, mean accuracy {measured.accuracy:.2%}. An expression is read where its probability
is above one half. Temperature {measured.temperature:.3f}, fitted on the held-out part; calibration error {before:.2%}
before it, {after:.2%} with it. **Probabilities are for an expression that is as common as not**: where it is
rare, most faces above one half do not show it.

### Beside pixels

The default pack on the same faces, area under the curve of each expression against the rest. It learnt from pixels of
the same training split; its own temperature and recipe were chosen on these validation images.

{table(("expression", "pixels", "landmarks", "difference"), pixels)}

Of faces that show one of the six, the largest of six scores is right for {measured.six[0]:.1%} by pixels and
{measured.six[1]:.1%} by landmarks.
"""


def len_of(measured: Measured) -> int:
    """Faces it was measured on."""
    return measured.shown[0].n + measured.spared[0].n


def number_of(estimate: Estimate) -> str:
    """A difference with its interval, three digits and sign."""
    return f"{estimate.value:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"


def _points(row: Row, measured: Measured) -> str:
    regions = [
        (name.replace("_", " "), f"{points:.1f}")
        for name, points in zip(REGIONS, row.regions, strict=True)
        if name != "outside"
    ]
    mean, largest, way = measured.gaps
    return f"""## Where it looks

Kept points per region, mean of {row.seeds} seeds:

{table(("region", "points"), regions)}

Integrated gradients of the strongest expression, 32 steps from each of five typical samples, on {measured.explained}
faces: their sum misses the score's distance from the typical samples' by {mean:.4f} on average and {largest:.4f} at
most, where that distance is {way:.2f} on average (logits).
"""


_LIMITS: Final = """- Not for diagnosis, triage, or any decision about a person. Not for judging people at work or in
  school, which the EU's AI Act forbids.
- What leaves the mesh as it is cannot be seen: wrinkles, cheeks raised, a wrinkled nose. Sadness and disgust suffer
  most; see the table.
- The mesh of a turned head is another shape: some of the relevance is the head's turn and the face's outline.
- Fitted to meshes of 48 px images: on sharp video the mesh is steadier than what it learnt from.
- Posed and stock pictures dominate the data; ages, skin tones and cultures are unevenly and unverifiably represented.
"""
