"""What an examination has measured, for all images at once: as records for people, as arrays for statistics."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.regions import EXPECTED, MODES, OUTSIDE, REGIONS, Mode
from core.verification.estimates import Doubles, Seed
from core.verification.examination import SEEDS
from core.verification.record import EXAMINED, STATES, Record
from core.verification.store import Layout, Store


@dataclass(frozen=True)
class Sums:
    """What is summed over the images while they are read, since it is too large to be held for all of them.

    Attributes
    ----------
    density
        float64 [classes, seeds, 2, side, side]: maps of the positive relevance by predicted class, of wrong and of
        correct predictions.
    maps
        int64 [classes, seeds, 2]: how many; maps without positive relevance say nothing of where it lies.
    landmarks
        float64 [478, 2]: landmarks in crop px.
    """

    density: Doubles
    maps: NDArray[np.int64]
    landmarks: Doubles


@dataclass(frozen=True)
class Measurements:
    """All images of a corpus.

    Attributes
    ----------
    labels
        The pack's classes.
    arrays
        As in `examination.layout`, one row per image; without those that are large, for which `rows` is there.
    records
        The same for people, in the corpus's order.
    size
        Side of the crop, px.
    sums
        Of what is large.
    store, kept
        Where all of it is kept, and in which layout.
    """

    labels: tuple[str, ...]
    arrays: Mapping[str, NDArray[Any]]
    records: tuple[Record, ...]
    size: int
    sums: Sums
    store: Store
    kept: Layout

    def rows(self, name: str, places: Sequence[int]) -> list[NDArray[Any]]:
        """Read an array's rows of a few images again."""
        found: dict[int, NDArray[Any]] = {}
        for part in sorted({self.store.part_of(place) for place in places}):
            array = self.store.read(part, self.kept)[name]
            inside = self.store.places(part)
            found |= {place: array[place - inside.start].copy() for place in places if place in inside}
        return [found[place] for place in places]

    @cached_property
    def examined(self) -> NDArray[np.int64]:
        """Places of the examined images, int64 [examined]; rows of everything below."""
        return np.flatnonzero(self.arrays["state"] == STATES.index(EXAMINED))

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted, and so explained, class of each examined image, int64 [examined]."""
        return np.asarray(self.arrays["target"][self.examined, 0], np.int64)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether it is the label, bool [examined]."""
        return np.array([self.records[place].correct for place in self.examined], np.bool_)

    @cached_property
    def subjects(self) -> tuple[str | None, ...]:
        """Who is seen in each examined image."""
        return tuple(self.records[place].subject for place in self.examined)

    def of(self, name: str) -> NDArray[Any]:
        """An array's rows of the examined images."""
        return self.arrays[name][self.examined]

    def shares(self, seed: Seed, mode: Mode, name: str = "shares") -> Doubles:
        """Shares by region under one seed and mode, float64 [examined, regions]."""
        return self.of(name)[:, SEEDS.index(seed), MODES.index(mode)].astype(np.float64)

    def counts(self, mode: Mode) -> Doubles:
        """Pixels by region, float64 [examined, regions]."""
        return self.of("counts")[:, MODES.index(mode)].astype(np.float64)

    def gaussian(self, mode: Mode) -> Doubles:
        """The centre-Gaussian control's mass by region, float64 [examined, regions]."""
        return np.asarray(self.of("gaussian")[:, MODES.index(mode)], np.float64)

    @cached_property
    def crop_landmarks(self) -> Floats | None:
        """The mean face of the examined images, float32 [478, 2], crop px; None without any."""
        if not len(self.examined):
            return None
        return (self.sums.landmarks / len(self.examined)).astype(np.float32)

    @cached_property
    def pictures_digest(self) -> str:
        """SHA-256 over the pictures' own digests, in order."""
        return hashlib.sha256(self.arrays["digest"].astype("<u8").tobytes()).hexdigest()


def expected_mask(label: str) -> NDArray[np.bool_]:
    """Where the regions are that a class is expected to show in, bool [regions]; none for one EMFACS does not know."""
    return np.array([name in EXPECTED.get(label, ()) for name in REGIONS])


def crop_density(mass: Doubles, counts: Doubles, expected: NDArray[np.bool_]) -> Doubles:
    """V_w of maps given by mass per region, [images, regions]: float64 [images], NaN where it is not defined."""
    return _ratio(mass[:, expected].sum(1) * counts.sum(1), mass.sum(1) * counts[:, expected].sum(1))


def face_density(mass: Doubles, counts: Doubles, expected: NDArray[np.bool_]) -> Doubles:
    """V_f of maps given by mass per region, [images, regions]: float64 [images], NaN where it is not defined.

    Written without shares, so that a map which is uniform over the face gets 1 exactly.
    """
    face = np.arange(mass.shape[1]) != OUTSIDE
    return _ratio(mass[:, expected].sum(1) * counts[:, face].sum(1), mass[:, face].sum(1) * counts[:, expected].sum(1))


def _ratio(above: Doubles, below: Doubles) -> Doubles:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
