"""The action units that are estimated: their names, and which measures tell of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units.measures import MEASURES
from core.action_units.texture import places

MAX: Final = 5.0  # FACS E
SIDES: Final = ("right", "left")  # the person's


@dataclass(frozen=True)
class Unit:
    """One action unit.

    Attributes
    ----------
    leads
        Names of the measures that FACS describes the unit by.
    helps
        Measures that tell it from other units, and one face from another; they take part in the gain, no more.
    band
        Where the texture tells of it: from and to, in inter-ocular distances below the eye line. None where the mesh
        alone measures better. The skin's motion tells from the whole face.
    like
        A unit that looks the same in a single picture: it takes that one's estimate.
    """

    au: int
    name: str
    leads: tuple[str, ...]
    helps: tuple[str, ...] = ()
    band: tuple[float, float] | None = None
    like: int | None = None

    @property
    def measures(self) -> tuple[int, ...]:
        """Places in `MEASURES` of what tells of the unit."""
        names = self.leads + self.helps
        return tuple(place for place, measure in enumerate(MEASURES) if measure.name in names)

    @property
    def cells(self) -> NDArray[np.int64]:
        """Places of what tells of the unit among a side's texture cells."""
        if self.band is None:
            return np.zeros(0, np.int64)
        top, bottom = self.band
        y = places()[:, 1]
        return np.flatnonzero((top < y) & (y < bottom))


_BROW: Final = (
    *("inner brow down", "middle brow down", "outer brow down", "inner brow out", "glabella down"),
    *("lid fold down", "upper lid down"),
)
_EYE: Final = (
    *("upper lid down", "lower lid down", "eye opening", "lid fold down", "under the lid down", "eye bag down"),
    *("middle brow down", "cheek down"),
)
_NOSE: Final = (
    *("nose wing down", "nose base down", "fold beside the nose down", "fold beside the nose back", "glabella down"),
    *("cheek down", "cheek back", "upper lip down", "middle of the upper lip down", "corner down", "corner out"),
    *("inner brow down", "middle brow down", "lips' gap", "red of the upper lip"),
)
_MOUTH: Final = (
    *("corner out", "corner down", "corner below the lips' middle", "corner back", "beside the corner back"),
    *("lips' gap", "red of the upper lip", "red of the lower lip", "upper lip down", "middle of the upper lip down"),
    *("lower lip down", "chin's boss down", "lower lip over the chin", "jaw down", "chin's boss back", "jaw back"),
    *("nose base down", "cheek down", "fold beside the nose back"),
)

# Bands of texture, from above the unit's landmarks to below them by what their motion reaches.
_BROWS: Final = (-0.85, 0.3)
_EYES: Final = (-0.45, 0.6)
_CHEEKS: Final = (-0.45, 0.9)
_NOSES: Final = (-0.5, 1.1)
_UPPER_LIP: Final = (0.3, 1.45)
_LOWER_FACE: Final = (0.5, 1.85)

UNITS: Final[tuple[Unit, ...]] = (
    Unit(1, "inner brow raiser", ("inner brow down",), _BROW, band=_BROWS),
    Unit(2, "outer brow raiser", ("outer brow down",), _BROW, band=_BROWS),
    Unit(4, "brow lowerer", ("inner brow down", "middle brow down", "inner brow out"), _BROW, band=_BROWS),
    Unit(5, "upper lid raiser", ("upper lid down",), _EYE, band=_EYES),
    Unit(6, "cheek raiser", ("cheek down", "under the lid down", "eye bag down"), _EYE, band=_CHEEKS),
    Unit(7, "lid tightener", ("lower lid down", "eye opening"), _EYE, band=_EYES),
    Unit(9, "nose wrinkler", ("nose wing down", "glabella down"), _NOSE, band=_NOSES),
    Unit(10, "upper lip raiser", ("upper lip down",), _NOSE, band=_UPPER_LIP),
    Unit(12, "lip corner puller", ("corner out", "corner down"), _MOUTH, band=_LOWER_FACE),
    Unit(14, "dimpler", ("corner out", "beside the corner back"), _MOUTH, band=_LOWER_FACE),
    Unit(15, "lip corner depressor", ("corner below the lips' middle",), _MOUTH, band=_LOWER_FACE),
    Unit(17, "chin raiser", ("lower lip down", "chin's boss down"), _MOUTH, band=_LOWER_FACE),
    Unit(20, "lip stretcher", ("corner out",), _MOUTH, band=_LOWER_FACE),
    Unit(23, "lip tightener", ("corner out", "red of the upper lip", "red of the lower lip"), _MOUTH, band=_LOWER_FACE),
    Unit(24, "lip pressor", ("red of the upper lip", "red of the lower lip"), _MOUTH, band=_LOWER_FACE),
    Unit(25, "lips part", ("lips' gap",), _MOUTH, band=_LOWER_FACE),
    Unit(26, "jaw drop", ("jaw down", "chin's boss down"), _MOUTH, band=_LOWER_FACE),
    Unit(27, "mouth stretch", ("jaw down", "lips' gap"), _MOUTH, band=_LOWER_FACE),
    Unit(43, "eyes closed", ("eye opening",), _EYE),
    Unit(45, "blink", ("eye opening",), _EYE, like=43),
)
