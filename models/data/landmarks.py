"""Shapes of faces to learn from: the meshes of FER+, one against the rest for each of six expressions."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.shape import POINTS, normalised
from models.data import ferplus
from models.data.ferplus import CLASSES

EXPRESSIONS: Final = ("happiness", "surprise", "sadness", "anger", "disgust", "fear")

# Points on the face's midline. Of the others below 468, the person's right ones come first and the left ones follow in
# the same order; then the irises. Found by matching the mean shape of FER+'s meshes with its mirror image.
_MIDLINE: Final = (
    *(0, 1, 2, 4, 5, 6, *range(8, 20), 94, 151, 152, 164, 168, 175, 195, 197, 199, 200),
)  # fmt: skip
_IRISES: Final = ((468, 473), (469, 476), (470, 475), (471, 474), (472, 477))


def _mirror() -> NDArray[np.int64]:
    places = np.arange(POINTS)
    aside = np.setdiff1d(places[:468], _MIDLINE)
    right, left = np.split(aside, 2)
    rights, lefts = (
        np.concatenate([side, eye]) for side, eye in zip((right, left), np.transpose(_IRISES), strict=True)
    )
    places[rights], places[lefts] = lefts, rights
    return places


MIRROR: Final = _mirror()  # the point on the other side of the face, int64 [478]


def mirrored(shapes: Floats) -> Floats:
    """The mirror images of shapes [..., 478, 3]: what was left is right."""
    flipped: Floats = shapes[..., MIRROR, :]
    flipped[..., 0] *= -1
    return flipped


@dataclass(frozen=True)
class Shapes:
    """Shapes float32 [n, T, 478, 3] (T = 1: stills) and what they show, int64 [n], indices into FER+'s `CLASSES`."""

    shapes: Floats
    classes: NDArray[np.int64]

    @property
    def targets(self) -> NDArray[np.bool_]:
        """Whether each shows each expression, bool [n, 6]: one against the rest, all eight classes."""
        wanted = np.array([CLASSES.index(name) for name in EXPRESSIONS])
        shown: NDArray[np.bool_] = self.classes[:, None] == wanted
        return shown

    @cached_property
    def mirrored(self) -> Floats:
        """The mirror images of the shapes."""
        return mirrored(self.shapes)

    def part(self, chosen: NDArray[np.bool_]) -> "Shapes":
        """Those that are chosen, bool [n]."""
        return Shapes(self.shapes[chosen], self.classes[chosen])

    def counts(self) -> dict[str, int]:
        """How many show each class."""
        return dict(zip(CLASSES, np.bincount(self.classes, minlength=len(CLASSES)).tolist(), strict=True))


def held_out(classes: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """A part drawn within every class, bool [n]: at least one of each class that has two."""
    generator = np.random.default_rng([seed, 5])
    held = np.zeros(len(classes), np.bool_)
    for value in np.unique(classes):
        members = generator.permutation(np.flatnonzero(classes == value))
        held[members[: max(round(share * len(members)), int(len(members) > 1))]] = True
    return held


def usable(split: ferplus.FerPlus) -> NDArray[np.bool_]:
    """Images with a majority label in which the mesh finds a face, bool [n]."""
    return split.found & (ferplus.majority_labels(split.votes) >= 0)


def load(folder: Path, split: str, cache_folder: Path) -> Shapes:
    """The shapes of a split of FER+ ("train" or "valid") with their majority labels."""
    faces = ferplus.load(folder, split, cache_folder)
    kept = usable(faces)
    return Shapes(normalised(faces.landmarks[kept])[:, None], ferplus.majority_labels(faces.votes)[kept])


def count_table(split: ferplus.FerPlus) -> dict[str, tuple[int, int]]:
    """Per class: images with that majority label, and those of them in which the mesh finds a face."""
    labels = ferplus.majority_labels(split.votes)
    return {
        name: (int((labels == index).sum()), int((split.found & (labels == index)).sum()))
        for index, name in enumerate(CLASSES)
    }
