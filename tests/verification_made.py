"""A corpus of one face under many disguises, and a locator that knows where it is."""

import numpy as np

from core.corpora import Corpus, Example
from core.errors import SourceUnreadable
from core.types import FaceObservation
from core.verification import Options

SIDE = 120
QUICK = Options(
    draws=50,
    worst=5,
    compared=("gradient", "gradcam"),
    class_images=6,
    agreement_images=6,
    faithfulness_images=3,
    sanity_images=3,
    stability_images=3,
    cascade_steps=3,
    noises=2,
)
NO_CHECKS = Options(
    draws=50, class_images=0, agreement_images=0, faithfulness_images=0, sanity_images=0, stability_images=0
)
HIDDEN = 7  # the grey of a picture in which the locator finds nothing


class KnownPlace:
    """Finds the face where it was put; in pictures of one colour it finds none."""

    def __init__(self, landmarks):
        self._landmarks = landmarks
        self.open = True

    def locate(self, image):
        if (image == HIDDEN).all():
            return None, 0
        sway = float(image[0, 0, 0]) / 255 - 0.5  # another place in every picture
        landmarks = self._landmarks + np.array((3 * sway, 2 * sway, 0))
        return FaceObservation(landmarks.astype(np.float32), 0.99), 1

    def close(self):
        self.open = False


def disguised(face, number):
    """The face with noise and another brightness, RGB uint8."""
    generator = np.random.default_rng(number)
    noise = generator.normal(0, 25, face.shape)
    return np.clip(face * generator.uniform(0.6, 1.2) + noise, 0, 255).astype(np.uint8)


def example(face, number, label, subject=None):
    return Example(f"{number:03}.png", label, subject, lambda: disguised(face, number))


def hidden(number, label):
    return Example(f"{number:03}-hidden.png", label, None, lambda: np.full((SIDE, SIDE, 3), HIDDEN, np.uint8))


def broken(number, label):
    def read():
        raise SourceUnreadable(f"{number:03} cannot be decoded.")

    return Example(f"{number:03}-broken.png", label, None, read)


def corpus_of(examples, *, tight=True, dropped=None):
    return Corpus("made", "folders", tuple(examples), dropped or {}, tight)
