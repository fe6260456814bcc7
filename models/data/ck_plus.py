"""CK+ as the zero-bias paper uses it (SCIENCE 1.2): first frames neutral, last three the emotion, ten folds by subject.

The data set is licensed and no part of this repository; whoever holds it names its folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.corpora import Example, open_corpus
from core.errors import CorpusInvalid
from core.geometry import Alignment, Image, crop
from core.opencv import cv2
from core.verification.locating import Locator, SearchingLocator
from models.data.ferplus import CLASSES

FOLDS: Final = 10
BASIC: Final = tuple(name for name in CLASSES if name not in ("neutral", "contempt"))
# The published variants, by their number of classes.
VARIANTS: Final[Mapping[int, tuple[str, ...]]] = {8: CLASSES, 6: BASIC}


@dataclass(frozen=True)
class CkPlus:
    """Aligned pictures of one variant.

    Attributes
    ----------
    images
        Grey uint8 [n, size, size].
    labels
        Indices into `classes`, int64 [n].
    subjects
        Who is seen, n names.
    units
        What FACS coders saw in each (see `core.corpora.Example`).
    missed
        Names of pictures in which no face was found; they are in no fold.
    """

    images: Image
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    subjects: tuple[str, ...]
    units: tuple[Mapping[int, int] | None, ...]
    missed: tuple[str, ...]


def load(folder: Path, classes: int, alignment: Alignment, locator: Locator | None = None) -> CkPlus:
    """Find and align every face of the variant with so many classes; a whole search takes about a minute."""
    corpus = open_corpus(folder, "ck+")
    names = VARIANTS[classes]
    wanted = [example for example in corpus.examples if example.label in names]
    if not wanted:
        raise CorpusInvalid(f"{corpus.title} holds none of {', '.join(names)}; there are {', '.join(corpus.labels)}.")
    finder = SearchingLocator() if locator is None else locator
    try:
        crops = [_aligned(example, finder, alignment) for example in wanted]
    finally:
        finder.close()
    found = [(example, face) for example, face in zip(wanted, crops, strict=True) if face is not None]
    if not found:
        raise CorpusInvalid(f"No face was found in any of {len(wanted)} pictures of {corpus.title}.")
    return CkPlus(
        images=np.stack([face for _, face in found]),
        labels=np.array([names.index(example.label) for example, _ in found], np.int64),
        classes=names,
        subjects=tuple(str(example.subject) for example, _ in found),
        units=tuple(example.units for example, _ in found),
        missed=tuple(example.name for example, face in zip(wanted, crops, strict=True) if face is None),
    )


def _aligned(example: Example, locator: Locator, alignment: Alignment) -> Image | None:
    picture = example.read()
    face, _ = locator.locate(picture)
    if face is None:
        return None
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    return crop(grey, alignment.to_crop(face.landmarks), alignment.size)


def folds(subjects: Sequence[str], count: int = FOLDS) -> NDArray[np.int64]:
    """The fold of every picture, int64 [n]: subjects in the order of their names, dealt out in turn.

    No subject is in two folds. Which subjects the paper put together is not known to us, so a fold here is not a fold
    there; only the manner is the same. ValueError where there are fewer subjects than folds.
    """
    names = sorted(set(subjects))
    if len(names) < count:
        raise ValueError(f"{count} folds by subject need as many subjects; there are {len(names)}.")
    place = {name: number % count for number, name in enumerate(names)}
    return np.array([place[name] for name in subjects], np.int64)
