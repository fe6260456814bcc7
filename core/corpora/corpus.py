"""What a labelled collection of face pictures is, whatever files it came from."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from core.corpora.labels import expression, in_order
from core.errors import CorpusInvalid, SourceError
from core.geometry import Image
from core.sources.images import SUFFIXES, read_image

SMALL_PX: Final = 128  # pictures up to this longer side are taken for face crops: there is no room for anything else


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled picture.

    Attributes
    ----------
    name
        Unique in its corpus, and the same whenever it is opened.
    label
        Its class; expressions by their names in `core.regions.EMFACS`.
    subject
        Who is seen, where the collection says so: for splits by person.
    read
        Gives the picture, RGB uint8 [height, width, 3]. A SourceError where it cannot be read.
    score
        A number that goes with the label where the collection has one (PSPI, 0..16, for UNBC-McMaster).
    split
        The part of the collection it belongs to, in the collection's own word ("train", "PublicTest" ...).
    units
        Intensity of every FACS action unit that a coder saw, by its number: 1..5 for A..E, 0 where it was seen but not
        graded. None where nobody coded the picture: that says nothing, unlike an empty mapping.
    """

    name: str
    label: str
    subject: str | None
    read: Callable[[], Image]
    score: float | None = None
    split: str | None = None
    units: Mapping[int, int] | None = None


@dataclass(frozen=True)
class Corpus:
    """A labelled collection of face pictures; pictures are read one by one, when they are asked for.

    Attributes
    ----------
    title
        For people.
    layout
        Key in `core.corpora.LAYOUTS`.
    dropped
        Pictures that are left out, by reason.
    tight
        Pictures are face crops already: to be fitted with `core.tight.fit_tight`, not searched for faces.
    """

    title: str
    layout: str
    examples: Sequence[Example]
    dropped: Mapping[str, int]
    tight: bool

    def __post_init__(self) -> None:
        if not self.examples:
            left_out = ", ".join(f"{reason}: {n}" for reason, n in self.dropped.items()) or "none was found"
            raise CorpusInvalid(f"{self.title} holds no labelled picture (left out: {left_out}).")
        twice = [name for name, n in Counter(example.name for example in self.examples).items() if n > 1]
        if twice:
            raise CorpusInvalid(f"{self.title} names {len(twice)} pictures more than once, the first is '{twice[0]}'.")

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class there is: expressions in the order of EMFACS, then others by name."""
        return in_order({example.label for example in self.examples})

    @property
    def counts(self) -> dict[str, int]:
        """Pictures per class, in the order of `labels`."""
        found = Counter(example.label for example in self.examples)
        return {label: found[label] for label in self.labels}

    @property
    def splits(self) -> tuple[str, ...]:
        """Every part there is, by name; empty where the collection has none."""
        return tuple(sorted({example.split for example in self.examples if example.split is not None}))


@dataclass(frozen=True)
class Choice:
    """What a person chose where a collection leaves a choice; None takes the layout's default.

    Attributes
    ----------
    labels
        Which labels: see each layout.
    columns
        Of a table: which column holds "image", "subject", "score" or "split".
    tight
        Whether pictures are face crops already, where the layout does not say.
    """

    labels: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    tight: bool | None = None


class Gathering:
    """Collects the examples of a corpus, and counts what is left out."""

    def __init__(self) -> None:
        self.examples: list[Example] = []
        self.dropped: Counter[str] = Counter()

    def add_file(
        self,
        root: Path,
        name: str,
        label: str,
        subject: str | None = None,
        score: float | None = None,
        split: str | None = None,
        units: Mapping[int, int] | None = None,
    ) -> None:
        """Take a picture file, named by its path below `root`; it is not opened."""
        read = partial(read_below, root, name)
        self.examples.append(Example(name, expression(label), subject, read, score, split, units))

    def drop(self, reason: str, pictures: int = 1) -> None:
        """Leave pictures out."""
        if pictures:
            self.dropped[reason] += pictures

    def corpus(self, title: str, layout: str, tight: bool) -> Corpus:
        """What was gathered."""
        return Corpus(title, layout, tuple(self.examples), dict(self.dropped), tight)

    def looks_tight(self, chosen: bool | None) -> bool:
        """Whether pictures are face crops: as chosen, else by the size of the first that can be read."""
        if chosen is not None:
            return chosen
        for example in self.examples[:20]:
            try:
                return max(example.read().shape[:2]) <= SMALL_PX
            except SourceError:  # told when this picture's turn comes
                continue
        return False


def read_below(root: Path, name: str) -> Image:
    """Read the picture of that name below a folder: RGB uint8 [height, width, 3]."""
    return read_image(root / name)


def as_rgb(image: Image) -> Image:
    """Grey uint8 [height, width] or RGB as RGB uint8 [height, width, 3], a copy of its own."""
    return np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image.copy()


def is_picture(name: str) -> bool:
    """Whether a file is a picture, by its ending."""
    return name.lower().endswith(SUFFIXES)
