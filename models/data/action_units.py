"""Which action units faces show: our own estimates, what FACS coders saw, or a table that somebody made."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import UNITS, estimate
from core.errors import CorpusInvalid
from core.geometry import Floats
from core.neurons.following import UnitTable

PRESENT: Final = 1.0  # intensity from which on an estimated unit is there: FACS A, a trace, as coders count it


def estimated(landmarks: Floats) -> UnitTable:
    """Estimate the units of faces [n, 478, 3], each from its mesh alone, held against the population's norm."""
    told = [place for place, unit in enumerate(UNITS) if unit.like is None]
    intensities = np.stack([estimate(face.astype(np.float32)).both[told] for face in landmarks])
    numbers = np.array([UNITS[place].au for place in told], np.int16)
    source = (
        "our own estimates (core.action_units) from each face's mesh against the population's norm, "
        f"present from intensity {PRESENT:g} (FACS A)"
    )
    return UnitTable(numbers, intensities >= PRESENT, source)


def coded(units: Sequence[Mapping[int, int]], source: str) -> UnitTable:
    """What coders saw in every picture: a unit is there whatever its intensity, also where that was not graded."""
    numbers = sorted({unit for each in units for unit in each})
    present = np.array([[number in each for number in numbers] for each in units], bool)
    return UnitTable(np.array(numbers, np.int16), present.reshape(len(units), len(numbers)), source)


def read_table(path: Path, images: int, rows: NDArray[np.int64]) -> UnitTable:
    """Read an npz of `units` int [units], `present` bool [images, units], and `source`, words for people: some rows."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("units", "present", "source")}
    except (OSError, ValueError, KeyError) as error:
        raise CorpusInvalid(
            f"{path.name} is not a table of action units: expected an npz of `units`, `present`, `source` ({error})."
        ) from error
    table = UnitTable(arrays["units"].astype(np.int16), arrays["present"], str(arrays["source"]))
    if len(table.present) != images:
        raise CorpusInvalid(f"{path.name}: a row for each of {images} images is expected, got {len(table.present)}.")
    return UnitTable(table.units, table.present[rows], table.source)
