"""GiMeFive as a pack: the published network in our program, weights in half precision."""

from pathlib import Path

import torch

from models.data.fer2013 import CLASSES
from models.export.card import Story
from models.networks.gimefive import GiMeFive

ID = "gimefive"
TITLE = "Six expressions, GiMeFive as published by Wang and Kawka in 2024"
DATA = "FER2013, original labels without neutral"
LABELS = CLASSES


def network_of(run: Path) -> GiMeFive:
    """The weights of a run's best epoch."""
    network = GiMeFive(len(CLASSES))
    network.load_state_dict(torch.load(run / "best.pt", weights_only=True))
    return network.eval()


def story(lines: str) -> Story:
    """The card's words; `lines` are the training's figures."""
    return Story(ID, INTRODUCTION, TRAINING.format(figures=lines), LIMITS)


INTRODUCTION = """Reads six expressions, without neutral, in an aligned grey face of 64 x 64 px: happiness, surprise,
sadness, anger, disgust, fear. The network of GiMeFive (Wang and Kawka 2024, arXiv 2402.15662) as published: five blocks
of 3 x 3 convolution, batch norm, ReLU, maximum pooling and dropout, then three dense layers, 10,478,086 parameters. It
was trained here, by our code; nothing of the authors' code or weights is in it.

**It has no neutral: every face gets one of six expressions.** What it reads is an expression as people label pictures,
not what somebody feels. It is not a medical device.
"""

TRAINING = """- Data: FER2013 with its original labels, neutral left out: the published protocol. Trained on the
  training rows; measured on the public-test rows, which were never trained on. The published number, 67.5 %, is on
  public and private test rows together; the private ones are not among these. The default pack's network, trained on
  the same images and labels, reads 71.5 % of the same rows.
- **Rights to the images:** they were collected from the web and never cleared for redistribution by the people shown.
  The weights were trained on them; the images are not part of this pack. Decide whether that suits your use.
- SGD, momentum .9, weight decay .0001 and batches of 16, as published. 80 epochs at a constant rate of .001, also as
  published, were too many for the machine it was trained on. It learnt by that rate in 12 epochs on pictures of 32 px
  and 4 of 64 px, augmented as the default pack's (turned, scaled, shifted, mirrored, lit, blurred, covered); then in 14
  epochs, 6 of 48 px and 8 of 64 px, in which the rate fell from .004 to 0 along a cosine, with movement alone as
  augmentation, which is closer to what is usual; and in 12 more of 64 px, from .003 to 0. The weights are a moving
  average (decay .999 a step) of the epoch that was best on the validation rows. What is measured is never augmented.
- Weights are stored in half precision and computed in single precision.
- Licence of the weights: Apache-2.0, with the note on the images' rights above.

{figures}
"""

LIMITS = """- Not for diagnosis, triage, or any decision about a person. Not for judging people at work or in school,
  which the EU's AI Act forbids.
- It has no class for a face that shows nothing: a calm face is read as whatever is nearest.
- FER2013's own labels are noisy: later votes on the same images often disagree. So does what was learnt from them.
- Posed and stock pictures dominate the data; ages, skin tones and cultures are unevenly and unverifiably represented.
"""
