"""The default pack: a run of `models.train mien` as a pack, measured as it will run."""

from models.data.ferplus import CLASSES
from models.export.card import Story

ID = "mien-s"
TITLE = "Eight expressions, small residual network made to be explained"
DATA = "FER+ votes on FER2013 images"
LABELS = CLASSES


def story(lines: str) -> Story:
    """The card's words; `lines` are the training's figures and the table of seeds."""
    return Story(ID, INTRODUCTION, TRAINING.format(figures=lines), LIMITS, BESIDE)


INTRODUCTION = """Reads eight expressions in an aligned grey face of 48 x 48 px: neutral, happiness, surprise, sadness,
anger, disgust, fear, contempt. A small residual network made to be explained: every sum joins non-negative parts, one
linear head without bias follows global average pooling, so that Grad-CAM is exact and LRP splits cleanly, and a gate
behind the first layer lets through what lies on the face. The gate was taught by the face mesh where the face is; it
never saw a class.

**What it reads is an expression as people label pictures, not what somebody feels.** It is not a medical device.
"""

TRAINING = """- Data: FER+ (labels by Barsoum et al. 2016, MIT licence) on the images of FER2013 (ICML 2013 challenge).
- **Rights to the images:** they were collected from the web and never cleared for redistribution by the people shown.
  The weights were trained on them; the images are not part of this pack. Decide whether that suits your use.
- Alignment: images in which the 478-point mesh finds a face are aligned as a video frame is, by the same function; the
  others are taken whole. Six in ten training views are aligned, the rest raw.
- Soft-vote cross-entropy, SGD with one cycle, weight average, pictures that grow from 32 over 40 to 48 px; rotation,
  scale, shift, mirror, light and darkness, noise, low resolution and covered patches as augmentation. Rare classes are
  drawn more often.
- Then twelve more epochs in a second, lower cycle, on pictures of full size that are only moved, mirrored and scaled,
  with rare classes drawn more often still: the first network had learnt too little rather than too much (88.8 % on
  faces it was trained on, 85.9 on others). That made it forget the dark; so five epochs followed in which half of the
  batches are augmented in every way again, which took half a point back on clean faces and gave 23 in the dark.
- **Where this pack looks was taught, not discovered**, so that its agreement with EMFACS is no evidence for EMFACS. In
  one view of five only the regions that EMFACS expects of the label are sharp; in one of twenty only the others are,
  under a label half withdrawn (afterwards: in one of ten, and in none). In the last two fifths of the first
  cycle every third step, afterwards every sixth to eighteenth, adds a penalty on positive LRP outside the face, and on
  too little of it where the label's action units show.
- Licence of the weights: Apache-2.0, with the note on the images' rights above.

{figures}
"""

LIMITS = """- Not for diagnosis, triage, or any decision about a person. Not for judging people at work or in school,
  which the EU's AI Act forbids.
- Contempt, disgust and fear are rare in the data and recalled poorly; see the tables. Read them as hints.
- Posed and stock pictures dominate the data; ages, skin tones and cultures are unevenly and unverifiably represented.
  Nothing here was measured on patients or on infants.
- The label is the majority of some ten people's votes on a still. Where they disagreed, so does the truth.
"""

BESIDE = """
`mien-s-seed-2` and `mien-s-seed-3` are the same recipe begun with other random numbers. `plain` is the same network
with neither gate nor a say in where it looks. `mien-s` 1.0 was as plain; 2.0 had learnt one cycle of three.
"""
