"""The zero-bias network as a pack: the published network in our program, trained on FER+ in place of CK+."""

import csv
from collections import Counter
from pathlib import Path

from models.data.ferplus import CLASSES
from models.export.card import Story
from models.networks.zero_bias import SIZE, ZeroBias
from models.train.run import averaged_weights
from models.train.zero_bias import recipe_of

ID = "zero-bias"
TITLE = "Eight expressions, zero-bias network as published by Khorrami, Paine and Huang in 2015"
DATA = "FER+ votes on FER2013 images"
LABELS = CLASSES


def network_of(run: Path) -> ZeroBias:
    """The averaged weights of a run, in the widths it was trained in."""
    state = averaged_weights(run)
    widths = [len(state[f"features.{place}.weight"]) for place in (0, 3, 6)]
    network = ZeroBias(len(CLASSES), widths, len(state["head.0.weight"]))
    network.load_state_dict(state)
    return network.eval()


def departures(run: Path) -> str:
    """How long a run trained, and where its recipe departs from the published one: lines of Markdown."""
    recipe = recipe_of(run)
    with (run / "log.csv").open(newline="") as file:
        sides = Counter(int(float(row["side"])) for row in csv.DictReader(file))
    found = []
    if recipe.small_epochs:
        found.append(
            f"{sides[recipe.small_side]} epochs on pictures of {recipe.small_side} px (the same weights, quadrants of "
            f"a smaller picture, contrast times {recipe.small_contrast:g}) come before {sides[SIZE]} on the published "
            f"{SIZE} px"
        )
    if recipe.annealed_epochs:
        found.append(f"in the recipe's last {recipe.annealed_epochs} epochs the rate falls to zero along a cosine")
    if recipe.average_decay:
        found.append(f"the weights are a moving average, decay {recipe.average_decay:g} per step")
    trained = f"- {sides.total()} of the recipe's {recipe.epochs} epochs were trained.\n"
    return trained + f"- Departures from the published recipe: {'; '.join(found) if found else 'none that is known'}."


def story(lines: str) -> Story:
    """The card's words; `lines` are the training's figures."""
    return Story(ID, INTRODUCTION, TRAINING.format(figures=lines), LIMITS)


INTRODUCTION = """Reads eight expressions in an aligned grey face of 96 x 96 px: neutral, happiness, surprise, sadness,
anger, disgust, fear, contempt. The network of "Do deep neural networks learn facial action units when doing expression
recognition?" (Khorrami, Paine and Huang 2015, arXiv 1510.02969) as published: the mean of each pixel's surroundings of
5 x 5 px is subtracted, three convolutions of 5 x 5 without biases follow, the last one's maxima in the four quadrants,
and two dense layers; 1,335,508 parameters. It was trained here, by our code; nothing of the authors' code or weights is
in it.

Its filters are there to be looked at: without biases each fires for what it sees alone, and relevance is conserved
exactly from the dense layers down to the pixels. How it compares with the default pack stands below.

**What it reads is an expression as people label pictures, not what somebody feels.** It is not a medical device.
"""

TRAINING = """- Data: FER+ (labels by Barsoum et al. 2016, MIT licence) on the images of FER2013 (ICML 2013 challenge).
  **The paper trained on CK+ and TFD**, which are licensed: its accuracies, 95.1 % and 88.6 %, are on those and say
  nothing of this pack.
- **Rights to the images:** they were collected from the web and never cleared for redistribution by the people shown.
  The weights were trained on them; the images are not part of this pack. Decide whether that suits your use.
- Alignment as for the default pack: images in which the 478-point mesh finds a face are aligned as a video frame is,
  the others taken whole. Six in ten training views are aligned, the rest raw.
- SGD, rate .01, momentum .9, weight decay .00001, batches of 64; rotation by 5 degrees, scale .7 to 1.4, mirroring and
  jitter of intensity, as published. How far intensity was jittered, for how long the network trained, how its weights
  began, how borders were padded and what contrast was divided by is not known to us and is ours. Cross-entropy to the
  soft votes.
{figures}
- Licence of the weights: Apache-2.0, with the note on the images' rights above.
"""

LIMITS = """- Not for diagnosis, triage, or any decision about a person. Not for judging people at work or in school,
  which the EU's AI Act forbids.
- It learnt from pictures of 48 px, enlarged. A sharp video shows its first layer detail that it never saw.
- Contempt, disgust and fear are rare in the data and recalled poorly; see the tables. Read them as hints.
- Posed and stock pictures dominate the data; ages, skin tones and cultures are unevenly and unverifiably represented.
"""
