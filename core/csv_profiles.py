"""Tables as other programs write them: one row per picture, so that what reads theirs reads ours.

Each profile is an entry in `PROFILES`. Classes are named as in EMFACS, whatever a pack calls them.
"""

import csv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.corpora import expression
from core.errors import ExportError, PackError, UnknownName
from core.export import Closing, number, writing
from core.geometry import Floats
from core.types import Prediction, Result


@dataclass(frozen=True)
class Profile:
    """A table of probabilities.

    Attributes
    ----------
    picture
        Heading of the column that holds a picture's path.
    classes
        The columns after it; a pack may know more, then these are scaled to sum to 1.
    """

    title: str
    picture: str
    classes: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The heading."""
        return self.picture, *self.classes

    def check(self, labels: Sequence[str], pack: str) -> None:
        """PackError where a pack of these classes cannot fill the columns."""
        missing = sorted(set(self.classes) - {expression(label) for label in labels})
        if missing:
            raise PackError(
                f"The table of {self.title} needs the classes {', '.join(self.classes)}; pack {pack} lacks "
                f"{', '.join(missing)} (it has {', '.join(labels)}). Choose another pack."
            )

    def probabilities(self, prediction: Prediction) -> Floats:
        """Probabilities of the profile's classes, float32 [classes]: as if there were no others."""
        names = np.array([expression(label) for label in prediction.labels])
        given = prediction.probabilities.astype(np.float64)
        chosen = np.array([given[names == name].sum() for name in self.classes])
        # Scaled as logarithms: where another class takes all, float32 leaves nothing of these to divide by.
        shares = np.log(np.maximum(chosen, 1e-300))
        weights = np.exp(shares - shares.max())
        return np.asarray(weights / weights.sum(), np.float32)


PROFILES: Final[Mapping[str, Profile]] = {
    # Wang, Kawka 2024 (SCIENCE 1.4): six classes without neutral.
    "gimefive": Profile("GiMeFive", "filepath", ("happiness", "surprise", "sadness", "anger", "disgust", "fear")),
}


def find_profile(name: str) -> Profile:
    """A profile by its key. UnknownName lists what there is."""
    if name not in PROFILES:
        raise UnknownName("CSV profile", name, PROFILES)
    return PROFILES[name]


class ProfileTable(Closing):
    """A profile's table, one row per picture in the pictures' order, of the largest face in each.

    Cells are empty for a picture without a face, and for one that could not be read. UTF-8, comma, dot.

    Parameters
    ----------
    pictures
        Paths as they shall stand in the table; frame k is picture k.

    Attributes
    ----------
    without_face, with_several
        How many pictures had no face, or more than one.
    """

    def __init__(self, path: Path, profile: Profile, pictures: Sequence[str]) -> None:
        self.path = path
        self.without_face = self.with_several = 0
        self._profile, self._pictures = profile, tuple(pictures)
        self._next = 0
        with writing(path):
            self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        try:
            with writing(path):
                self._rows.writerow(profile.columns)
                self._file.flush()
        except ExportError:
            with suppress(OSError):
                self._file.close()
            raise

    def write(self, result: Result) -> None:
        """Add the row of one picture, after empty ones for pictures before it that could not be read."""
        self._skip_to(result.frame.index)
        self.without_face += not result.faces
        self.with_several += len(result.faces) > 1
        largest = max(result.faces, key=lambda face: face.observation.box.area, default=None)
        if largest is None:
            self._row(None)
            return
        if largest.prediction is None:
            raise ExportError(f"The table of {self._profile.title} holds emotions, and got a face without.")
        self._row([number(share) for share in self._profile.probabilities(largest.prediction).tolist()])

    def finish(self) -> None:
        """Add empty rows for the pictures at the end that could not be read."""
        self._skip_to(len(self._pictures))

    def close(self) -> None:
        """Finish the file."""
        with writing(self.path):
            self._file.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the table has to know about it."""
        empty = f"Pictures without a face, whose cells are empty: {self.without_face}."
        several = f"Pictures with several faces, of which the largest is in the table: {self.with_several}."
        return (*([empty] if self.without_face else []), *([several] if self.with_several else []))

    def _skip_to(self, index: int) -> None:
        while self._next < index:
            self._row(None)

    def _row(self, cells: list[str] | None) -> None:
        with writing(self.path):
            self._rows.writerow([self._pictures[self._next], *(cells or [""] * len(self._profile.classes))])
            self._file.flush()
        self._next += 1
