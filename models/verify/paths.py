"""The way a video frame takes, detector and alignment included, against the crops the network was trained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import MienscopeError
from core.faces import FaceFinder
from core.geometry import Image
from core.model import Model
from core.opencv import cv2
from core.types import FaceObservation
from core.verification.scores import Scores, score
from models.data.ferplus import FerPlus, majority_labels

ENLARGED = 4  # times
BORDER = 0.25  # of the side, repeated around an image


@dataclass(frozen=True)
class PathScores:
    """The same images by three ways.

    Attributes
    ----------
    images
        Labelled images.
    found
        How many of them the detector found a face in.
    raw, aligned
        Scores of raw crops and of crops aligned as in training, over all labelled images.
    full
        Scores of detector, mesh and alignment over the images with a face found.
    raw_found
        Scores of the raw crops over those same images.
    """

    images: int
    found: int
    raw: Scores
    aligned: Scores
    full: Scores
    raw_found: Scores


def enlarged(image: Image) -> Image:
    """A grey image four times as large, with its border repeated, as an RGB frame uint8 [h, w, 3]."""
    large = cv2.resize(image, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    edge = round(BORDER * large.shape[0])
    framed = cv2.copyMakeBorder(large, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    return cv2.cvtColor(framed, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)


def central(faces: list[FaceObservation], side_px: int) -> FaceObservation:
    """The face nearest to the middle of a square frame: FER images show one, and at times a neighbour's."""
    return min(faces, key=lambda face: sum((c - side_px / 2) ** 2 for c in face.box.centre))


def _enlarged_to(images: Image, side: int) -> Image:
    """Raw crops in the size the model takes, uint8 [n, 1, side, side]."""
    if images.shape[-1] == side:
        return images[:, None]
    larger = [cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR) for image in images]
    return np.asarray(larger, np.uint8)[:, None]


def measure_paths(model: Model, split: FerPlus, labels: NDArray[np.int64] | None = None) -> PathScores:
    """Score raw crops, training's alignment, and the full path over the labelled images of a split.

    `labels` are int64 [n], -1 where an image does not count; by default FER+'s majority labels.
    """
    labels = majority_labels(split.votes) if labels is None else labels
    if not (labels >= 0).any():
        raise MienscopeError("The split holds no image with a label.")
    temperature = model.pack.temperature
    raw = model.logits(_enlarged_to(split.images, model.pack.alignment.size))
    aligned = model.logits(split.crops(model.pack.alignment)[:, None])
    full, found = np.zeros_like(raw), np.zeros(len(labels), bool)
    finder = FaceFinder()
    for index in np.flatnonzero(labels >= 0):
        frame = enlarged(split.images[index])
        faces = finder.find(frame)
        if faces:
            crop = model.crop(frame, central(faces, frame.shape[0]))
            full[index], found[index] = model.predict([crop])[0].logits, True
    finder.close()
    seen = np.where(found, labels, -1)
    return PathScores(
        images=int((labels >= 0).sum()),
        found=int(found.sum()),
        raw=score(raw, labels, temperature),
        aligned=score(aligned, labels, temperature),
        full=score(full, seen, temperature),
        raw_found=score(raw, seen, temperature),
    )
