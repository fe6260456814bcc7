"""Where a model fails: the validation faces in the dark, seen small, turned away, and with the eyes or mouth covered.

The mesh is that of the untouched picture, so these are the network's losses; the detector's come on top.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Alignment, Floats, Image, crop
from core.model import Model
from core.opencv import cv2
from core.verification.scores import Scores, score
from models.data.ferplus import FerPlus, majority_labels

Change = Callable[[Image, Floats, np.random.Generator], Image]
# Corners of both eyes and the bridge between them, from the person's right to the left (MediaPipe's mesh).
_EYES: Final = ((33, 133, 159, 145), (362, 263, 386, 374))
_SIDES: Final = (234, 454)  # before the person's right and left ear


def _dark(image: Image, _: Floats, generator: np.random.Generator) -> Image:
    """A sixth of the light, and the sensor's noise that comes with it."""
    noisy = image / 6 + generator.normal(0, 3, image.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def _small(side: int) -> Change:
    def change(image: Image, _: Floats, __: np.random.Generator) -> Image:
        coarse = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(coarse, image.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)

    return change


def _glasses(dark: bool) -> Change:
    """Round frames over both eyes, joined by a bridge; dark ones hide the eyes."""

    def change(image: Image, landmarks: Floats, _: np.random.Generator) -> Image:
        fine = cv2.resize(image, None, fx=8, fy=8, interpolation=cv2.INTER_LINEAR)
        centres = [(landmarks[list(eye), :2].mean(axis=0) + 0.5) * 8 for eye in _EYES]
        radius = int(0.36 * np.linalg.norm(centres[0] - centres[1]))
        places = [tuple(np.rint(centre).astype(int).tolist()) for centre in centres]
        for place in places:
            cv2.circle(fine, place, radius, (20.0,), -1 if dark else 10)
        bridge = [(places[0][0] + radius, places[0][1]), (places[1][0] - radius, places[1][1])]
        cv2.line(fine, bridge[0], bridge[1], (20.0,), 10)
        return np.asarray(cv2.resize(fine, image.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)

    return change


def _mask(image: Image, landmarks: Floats, _: np.random.Generator) -> Image:
    """A light cloth over mouth and chin, from below the nose."""
    points = landmarks[[234, 2, 454, 365, 152, 136], :2]
    covered = image.copy()
    cv2.fillPoly(covered, [np.rint(points).astype(np.int32)], (200.0,))
    return covered


CHANGES: Final[Mapping[str, Change]] = {
    "as they are": lambda image, _, __: image,
    "a sixth of the light, with noise": _dark,
    "seen at 24 px": _small(24),
    "seen at 16 px": _small(16),
    "seen at 12 px": _small(12),
    "glasses with dark frames": _glasses(dark=False),
    "sunglasses": _glasses(dark=True),
    "mouth and chin covered": _mask,
}
TURNED_DEG: Final = ((0, 15), (15, 30), (30, 45), (45, 90))


@dataclass(frozen=True)
class Condition:
    """What a model is worth on faces under one condition."""

    name: str
    scores: Scores


def turned_deg(landmarks: Floats) -> Floats:
    """How far each head is turned to a side, degrees [n]; landmarks float32 [n, 478, 3]."""
    across = landmarks[:, _SIDES[1]] - landmarks[:, _SIDES[0]]
    turned: Floats = np.degrees(np.arctan2(np.abs(across[:, 2]), np.hypot(across[:, 0], across[:, 1])))
    return turned


def measure_conditions(model: Model, split: FerPlus, labels: NDArray[np.int64] | None = None) -> list[Condition]:
    """Score every condition on the aligned images in which the mesh finds a face.

    Parameters
    ----------
    labels
        int64 [n], -1 where an image does not count; by default FER+'s majority labels.
    """
    labels = majority_labels(split.votes) if labels is None else labels
    rows = np.flatnonzero(split.found & (labels >= 0))
    images, landmarks, labels = split.images[rows], split.landmarks[rows], labels[rows]
    generator = np.random.default_rng(0)
    found: list[Condition] = []
    logits = np.zeros((0, len(model.labels)), np.float32)
    for name, change in CHANGES.items():
        changed = np.stack([change(*pair, generator) for pair in zip(images, landmarks, strict=True)])
        answers = model.logits(_crops(changed, landmarks, model.pack.alignment))
        logits = answers if not found else logits
        found.append(Condition(name, score(answers, labels, model.pack.temperature)))
    turned = turned_deg(landmarks)
    for low, high in TURNED_DEG:
        chosen = (turned >= low) & (turned < high)
        if chosen.any():
            scores = score(logits[chosen], labels[chosen], model.pack.temperature)
            found.append(Condition(f"turned {low} to {high} degrees", scores))
    return found


def _crops(images: Image, landmarks: Floats, alignment: Alignment) -> Image:
    """Aligned crops uint8 [n, 1, size, size]."""
    pairs = zip(images, landmarks, strict=True)
    return np.stack([crop(image, alignment.to_crop(points), alignment.size) for image, points in pairs])[:, None]
