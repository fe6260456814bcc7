"""Find the one face of a labelled picture, and cut it out as the pack wants to see it."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from threading import local
from typing import Final, Protocol

import numpy as np

from core.corpora import Corpus, Example
from core.faces import FaceFinder
from core.geometry import Floats, Image, Similarity
from core.mesh import Mesh
from core.model import Model
from core.opencv import cv2
from core.regions import MODES, Partition, partition
from core.tight import fit_tight
from core.types import Crop, FaceObservation
from core.verification.record import EXAMINED, EXCLUDED, NO_FACE, UNREADABLE, WHOLE, State

AHEAD: Final = 128  # faces that may wait for the model; crops are small, pictures are not kept


class Locator(Protocol):
    """Finds faces in the calling thread."""

    def locate(self, image: Image) -> tuple[FaceObservation | None, int]:
        """Return the face to read in an RGB picture, or None, and how many faces were seen."""

    def close(self) -> None:
        """Release the models."""


class TightLocator:
    """For pictures that are cut to the face already."""

    def __init__(self) -> None:
        self._mesh = Mesh()

    def locate(self, image: Image) -> tuple[FaceObservation | None, int]:
        """Fit the mesh to the whole picture."""
        face = fit_tight(self._mesh, image)
        return face, int(face is not None)

    def close(self) -> None:
        """Release the model."""
        self._mesh.close()


class SearchingLocator:
    """For pictures with something around the face."""

    def __init__(self) -> None:
        self._finder = FaceFinder()

    def locate(self, image: Image) -> tuple[FaceObservation | None, int]:
        """Search the picture; of several faces the largest is the one the label is taken to speak of."""
        faces = self._finder.find(image)
        return (faces[0] if faces else None), len(faces)

    def close(self) -> None:
        """Release the models."""
        self._finder.close()


@dataclass(frozen=True)
class Located:
    """An image half way: with a crop if it can be read, with landmarks and partitions if it can be explained.

    Attributes
    ----------
    digest
        Of the picture's pixels; 0 where they were not read.
    landmarks
        float32 [478, 3], px of the picture; presence is the mesh's own confidence.
    parts
        The crop's regions, by polygons and by boxes.
    """

    state: State
    reason: str = ""
    digest: int = 0
    faces: int = 0
    presence: float = float("nan")
    landmarks: Floats | None = None
    crop: Crop | None = None
    parts: tuple[Partition, ...] = ()


class Locating:
    """Reads pictures and finds their faces in threads of its own, ahead of whoever asks; in order.

    Parameters
    ----------
    make
        Makes the locator of a thread; by default the one that suits the corpus.
    """

    def __init__(self, model: Model, corpus: Corpus, threads: int, make: Callable[[], Locator] | None = None) -> None:
        self._model, self._corpus = model, corpus
        self._make = make or (TightLocator if corpus.tight else SearchingLocator)
        self._here = local()
        self._made: list[Locator] = []
        self._stack = ExitStack()
        self._threads = self._stack.enter_context(ThreadPoolExecutor(threads, "locating"))

    def __enter__(self) -> "Locating":
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for locator in self._made:
            locator.close()

    def each(self, places: Iterable[int]) -> Iterator[Located]:
        """Locate the face of the images at these places of the corpus."""
        waiting_places = iter(places)
        waiting = deque(self._threads.submit(self._locate, place) for place in islice(waiting_places, AHEAD))
        while waiting:
            found = waiting.popleft().result()
            waiting.extend(self._threads.submit(self._locate, place) for place in islice(waiting_places, 1))
            yield found

    def _locate(self, place: int) -> Located:
        example = self._corpus.examples[place]
        if example.label not in self._model.labels:
            return Located(EXCLUDED, f"The pack has no class '{example.label}'.")
        try:
            image = read_picture(example)
        except PictureError as error:
            return Located(UNREADABLE, str(error))
        face, count = self._locator().locate(image)
        if face is not None:
            try:
                return self._found(image, face, count)
            except (ValueError, ArithmeticError, cv2.error) as error:
                return Located(UNREADABLE, f"The face that was found cannot be cut out: {error}", digest(image), count)
        if not self._corpus.tight:
            return Located(NO_FACE, "No face was found in the picture.", digest(image), count)
        reason = "No mesh could be fitted; the whole picture was read, and nothing explained by region."
        return Located(WHOLE, reason, digest(image), count, crop=whole(self._model, image))

    def _found(self, image: Image, face: FaceObservation, count: int) -> Located:
        crop = self._model.crop(image, face)
        places = crop.landmarks(face)
        parts = tuple(partition(places, crop.size, mode) for mode in MODES)
        return Located(EXAMINED, "", digest(image), count, face.confidence, face.landmarks, crop, parts)

    def _locator(self) -> Locator:
        if not hasattr(self._here, "locator"):
            self._here.locator = self._make()
            self._made.append(self._here.locator)
        locator: Locator = self._here.locator
        return locator


class PictureError(Exception):
    """A picture of a corpus cannot be used; the message is told with the image's name."""


def read_picture(example: Example) -> Image:
    """Read a picture, RGB uint8 [height, width, 3]. PictureError says why it cannot be used."""
    try:
        image = example.read()
    except Exception as error:  # whatever a broken file makes a decoder do, the other images are still there
        raise PictureError(str(error) or type(error).__name__) from error
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise PictureError(f"expected RGB uint8 [height, width, 3], got {getattr(image, 'dtype', type(image))}.")
    if not image.size:
        raise PictureError(f"the picture is empty: {image.shape[1]} x {image.shape[0]} px.")
    return image


def digest(image: Image) -> int:
    """64 bits over size and pixels."""
    hashed = hashlib.blake2b(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes(), digest_size=8)
    return int.from_bytes(hashed.digest(), "little")


def whole(model: Model, image: Image) -> Crop:
    """Take a picture as it is, its longer side filling the pack's crop: what training does where no mesh fits."""
    height, width = image.shape[:2]
    size = model.pack.alignment.size
    scale = size / max(height, width)
    middle = (size - 1) / 2
    return model.cut(image, Similarity(scale, 0.0, middle - scale * (width - 1) / 2, middle - scale * (height - 1) / 2))
