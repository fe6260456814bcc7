"""Pictures that show nearly the same as an earlier one: copies in a collection, neighbouring frames of a video.

They would be a filter's top pictures side by side, and count as several observations where there is one.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats, Image
from core.neurons.lens import Faces
from core.opencv import cv2

SMALL_PX: Final = 16  # side at which pictures are compared
# Correlation of two pictures from which on they show the same. In FER+'s validation faces, looked at in pairs: above
# .95 all are copies with other cuts, contrasts or imprints, below .92 few are; in between every second one is.
ALIKE: Final = 0.93
CHUNK: Final = 512  # pictures that are compared with all earlier ones at a time


def repeated(faces: Faces) -> NDArray[np.bool_]:
    """Whether each face resembles an earlier one: bool [n]."""
    looks = np.concatenate([_looks(faces[rows]) for rows in _chunks(len(faces))])
    found = np.zeros(len(looks), bool)
    for rows in _chunks(len(looks)):
        likeness = looks[rows] @ looks[: rows[-1] + 1].T
        earlier = np.arange(rows[-1] + 1) < rows[:, None]
        found[rows] = ((likeness > ALIKE) & earlier).any(axis=1)
    return found


def _chunks(count: int) -> list[NDArray[np.int64]]:
    return [np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def _looks(faces: Image) -> Floats:
    """Small grey pictures around their mean, of length 1: float32 [n, values]; 0 for a plain one, which has no like."""
    flat = faces.astype(np.float32).mean(axis=1)
    small = np.stack([cv2.resize(each, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA) for each in flat])
    centred = small.reshape(len(small), -1) - small.mean(axis=(1, 2))[:, None]
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    looks: Floats = np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-3)
    return looks
