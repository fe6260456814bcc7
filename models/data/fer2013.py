"""FER2013 with its original labels, in GiMeFive's six classes (SCIENCE 1.4): without neutral.

The public-test rows of FER2013 are the validation split; they are never trained on.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Image

# In the order of GiMeFive's own table, under FER2013's names.
CLASSES: Final = ("happiness", "surprise", "sadness", "anger", "disgust", "fear")
_NAMES: Final = {"happy": "happiness", "sad": "sadness", "angry": "anger", "surprise": "surprise"}


@dataclass(frozen=True)
class Fer2013:
    """One split: images uint8 [n, 48, 48], labels int64 [n], indices into `CLASSES`, and each image's row in the file.

    `neutral` counts the images left out.
    """

    images: Image
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]
    neutral: int


def load(folder: Path, split: str) -> Fer2013:
    """Read a split ("train" or "valid") of the files that also hold FER+'s votes."""
    with np.load(folder / f"ferplus_{split}.npz", allow_pickle=False) as file:
        images, given = file["images"], file["fer2013_label"]
        columns = [_NAMES.get(str(name), str(name)) for name in file["fer2013_columns"]]
    place = np.array([CLASSES.index(name) if name in CLASSES else -1 for name in columns])
    labels = place[given].astype(np.int64)
    rows = np.flatnonzero(labels >= 0)
    return Fer2013(images[rows], labels[rows], rows, int((labels < 0).sum()))
