"""Which action units FER+'s faces show: a table that somebody made."""

from pathlib import Path

import numpy as np

from core.errors import CorpusInvalid
from core.neurons.following import UnitTable


def read_table(path: Path, images: int) -> UnitTable:
    """Read an npz of `units` int [units], `present` bool [images, units], and `source`, one sentence for people."""
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
    return table
