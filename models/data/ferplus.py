"""FER+ faces: votes to labels, and the same alignment that runs live.

The images are faces that are already cropped, 48x48 grey. The mesh is fitted to each, enlarged; where it finds a face
the image is aligned with `core.geometry`, exactly as a video frame is; where it does not, the image is taken as it is.
"""

from dataclasses import dataclass
from functools import cache
from multiprocessing import Pool
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.corpora.votes import clean_votes, majority
from core.geometry import Alignment, Floats, Image, Similarity, anchors, crop
from core.mesh import POINTS, Mesh
from core.tight import fit_tight

CLASSES: Final = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
IMAGE_PX: Final = 48


def soft_labels(votes: NDArray[np.uint8]) -> tuple[Floats, NDArray[np.bool_]]:
    """Distribution over the eight classes, float32 [n, 8], and which images may be trained on, bool [n].

    An image is kept unless most of its votes say "unknown" or "not a face".
    """
    cleaned = clean_votes(votes)
    expression = cleaned[:, : len(CLASSES)]
    kept = (expression.sum(axis=1) > 0) & (cleaned.argmax(axis=1) < len(CLASSES))
    return expression / np.maximum(expression.sum(axis=1, keepdims=True), 1), kept


def majority_labels(votes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Class index per image, int64 [n], or -1 where the majority protocol drops it.

    The majority among ten classes needs more than half of the votes that are left once single votes are removed;
    "unknown" and "not a face" are dropped (Barsoum et al. 2016).
    """
    top = majority(votes)
    return np.where(top < len(CLASSES), top, -1)


def _fit(image: Image) -> Floats:
    face = fit_tight(_worker_mesh(), image)
    return np.full((POINTS, 3), np.nan, np.float32) if face is None else face.landmarks


@cache
def _worker_mesh() -> Mesh:
    """The one mesh model of a worker process."""
    return Mesh()


def fit_meshes(images: Image, processes: int = 2) -> Floats:
    """Landmarks of every image in its own pixels: float32 [n, 478, 3], NaN where no face was found."""
    with Pool(processes) as pool:
        return np.stack(list(pool.imap(_fit, images, chunksize=64)))


@dataclass(frozen=True)
class FerPlus:
    """One split: images uint8 [n, 48, 48], votes uint8 [n, 10], landmarks float32 [n, 478, 3] or NaN."""

    images: Image
    votes: NDArray[np.uint8]
    landmarks: Floats

    @property
    def found(self) -> NDArray[np.bool_]:
        """Where the mesh found a face, bool [n]."""
        found: NDArray[np.bool_] = ~np.isnan(self.landmarks[:, 0, 0])
        return found

    def crops(self, alignment: Alignment) -> Image:
        """Every image aligned, uint8 [n, size, size]; images without a mesh are taken whole."""
        size = alignment.size
        ratio = size / IMAGE_PX
        whole = Similarity(ratio, 0.0, (ratio - 1) / 2, (ratio - 1) / 2)
        return np.stack(
            [
                crop(image, alignment.to_crop(landmarks) if found else whole, size)
                for image, landmarks, found in zip(self.images, self.landmarks, self.found, strict=True)
            ]
        )

    def mean_places(self) -> Floats:
        """Where eyes and mouth lie on average, as fractions of the side, float32 [3, 2]."""
        places = np.stack([anchors(landmarks) for landmarks in self.landmarks[self.found]])
        mean: Floats = ((places.mean(axis=0) + 0.5) / IMAGE_PX).astype(np.float32)
        return mean


def load(folder: Path, split: str, cache_folder: Path) -> FerPlus:
    """Read a split ("train" or "valid"); meshes are fitted once and kept in the cache folder."""
    with np.load(folder / f"ferplus_{split}.npz", allow_pickle=False) as file:
        images, votes = file["images"], file["votes"]
    kept = cache_folder / f"ferplus_{split}_meshes.npz"
    if kept.exists():
        with np.load(kept, allow_pickle=False) as file:
            landmarks = file["landmarks"]
    else:
        landmarks = fit_meshes(images)
        cache_folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(kept, landmarks=landmarks)
    return FerPlus(images, votes, landmarks)
