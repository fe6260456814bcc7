"""The images that the checks of explanations look at: drawn by seed, as many of every predicted class as there are."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.corpora import Corpus
from core.errors import StoreMismatch, VerificationError
from core.geometry import Floats, Image
from core.model import Model
from core.regions import REGIONS, partition
from core.types import FaceObservation
from core.verification.estimates import Doubles
from core.verification.intervals import Bootstrap, clusters
from core.verification.locating import digest, read_picture
from core.verification.measurements import Measurements
from core.verification.options import Options
from core.verification.store import AGAIN, Arrays, Layout, Store

Tick = Callable[[int, int], None]  # done, of how many


@dataclass(frozen=True)
class Subset:
    """Some examined images, ready to be explained again.

    Attributes
    ----------
    rows
        int64 [k]: which of the examined images; a prefix of them is as evenly spread over the classes as they are.
    faces
        uint8 [k, channels, size, size], as the model takes them.
    parts
        uint8 [k, size, size]: which region each pixel belongs to, in the mode that the verdicts rest on.
    predicted
        int64 [k]: the class that was explained.
    subjects
        Who is seen.
    """

    rows: NDArray[np.int64]
    faces: Image
    parts: NDArray[np.uint8]
    predicted: NDArray[np.int64]
    subjects: tuple[str | None, ...]
    options: Options
    classes: int

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, count: int) -> "Subset":
        """The first images of the subset."""
        return replace(
            self,
            rows=self.rows[:count],
            faces=self.faces[:count],
            parts=self.parts[:count],
            predicted=self.predicted[:count],
            subjects=self.subjects[:count],
        )

    @cached_property
    def bootstrap(self) -> Bootstrap:
        """Draws of these images, or of the people in them."""
        return Bootstrap(clusters(self.subjects), self.options.draws, self.options.seed)

    @cached_property
    def seeds(self) -> Floats:
        """The predicted classes as seeds, float32 [k, classes]."""
        return np.eye(self.classes, dtype=np.float32)[self.predicted]


def spread_order(predicted: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Order the images so that the classes take turns, as long as each lasts; within a class by chance."""
    generator = np.random.default_rng([seed, 2])
    turn = np.zeros(len(predicted), np.int64)
    for label in np.unique(predicted):
        members = np.flatnonzero(predicted == label)
        turn[members] = generator.permutation(len(members))
    return np.asarray(np.lexsort((predicted, turn)), np.int64)


def draw(model: Model, corpus: Corpus, found: Measurements, options: Options, count: int) -> Subset:
    """Draw a subset, and cut its faces out again where they were found the first time."""
    rows = spread_order(found.predicted, options.seed)[:count]
    size = model.pack.manifest.input.size
    crops, parts = [], []
    places = found.examined[rows].tolist()
    for place, landmarks in zip(places, found.rows("landmarks", places), strict=True):
        image = read_picture(corpus.examples[place])
        if digest(image) != int(found.arrays["digest"][place]):
            name = corpus.examples[place].name
            raise VerificationError(
                f"The picture '{name}' is another one than when it was examined; begin anew (--restart)."
            )
        face = FaceObservation(landmarks, 1.0)
        crop = model.crop(image, face)
        crops.append(crop)
        parts.append(partition(crop.landmarks(face), size, options.region_mode).labels)
    channels = 1 if model.pack.manifest.input.colour == "grey" else 3
    return Subset(
        rows=rows,
        faces=model.faces(crops) if crops else np.zeros((0, channels, size, size), np.uint8),
        parts=np.stack(parts) if parts else np.zeros((0, size, size), np.uint8),
        predicted=found.predicted[rows],
        subjects=tuple(found.subjects[row] for row in rows),
        options=options,
        classes=len(model.labels),
    )


def region_masses(relevance: Floats, parts: NDArray[np.uint8]) -> Doubles:
    """Positive relevance per region of maps [n, size, size] over one partition [size, size]: float64 [n, regions]."""
    flat = np.maximum(relevance.reshape(len(relevance), -1), 0).astype(np.float64)
    return np.stack([np.bincount(parts.ravel(), row, len(REGIONS)) for row in flat])


def normalised(values: NDArray[Any]) -> Doubles:
    """Rows [..., n] over their sums; zeros where there is nothing."""
    total = values.sum(axis=-1, keepdims=True, dtype=np.float64)
    return np.divide(values, total, out=np.zeros(values.shape), where=total > 0)


def kept(
    store: Store,
    name: str,
    settings: object,
    layout: Layout,
    measure: Callable[[], Arrays],
    whole: tuple[str, ...] = (),
) -> Arrays:
    """What a check measures, taken from the store where it was measured before under the same settings.

    NaN stands for what could not be measured, but not in the arrays named in `whole`.
    """
    key = hashlib.sha256(json.dumps([settings, sorted(layout.items())], default=str).encode()).hexdigest()[:16]
    if store.check(f"{name}-{key}", layout) is None:
        store.write_check(f"{name}-{key}", measure())
    found = store.check(f"{name}-{key}", layout)  # also at once: the same numbers as a later run will read
    assert found is not None
    for array, values in found.items():
        if values.dtype.kind == "f" and (np.isinf(values).any() or (array in whole and np.isnan(values).any())):
            raise StoreMismatch(f"{store.folder}: what the check '{name}' left there is not what it measures. {AGAIN}")
    return found
