"""What comes in: a frame, the faces in it, and each face as the model sees it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.geometry import Box, Floats, Image, Similarity, frozen


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Attributes
    ----------
    image
        RGB uint8 [height, width, 3].
    index
        Place in the source, from 0, as decoded.
    timestamp_s
        Presentation time for files, seconds since opening for live sources.
    captured_s
        `time.monotonic()` when the picture was taken or decoded.
    """

    image: Image
    index: int
    timestamp_s: float
    captured_s: float

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"a frame needs uint8 [height, width, 3], got {self.image.dtype} {self.image.shape}")
        object.__setattr__(self, "image", frozen(self.image))

    @property
    def width(self) -> int:
        """Width in px."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in px."""
        return int(self.image.shape[0])


@dataclass(frozen=True)
class FaceObservation:
    """Where a face is in a frame.

    Attributes
    ----------
    landmarks
        float32 [478, 3]: x, y in frame px, z in px at the same scale (smaller is nearer the camera).
    confidence
        How sure the mesh model is that there is a face, 0..1.
    face_id
        Identity across frames, from 1; 0 before tracking has given one.
    """

    landmarks: Floats
    confidence: float
    face_id: int = 0

    def __post_init__(self) -> None:
        if self.landmarks.shape != (478, 3):
            raise ValueError(f"a face needs landmarks [478, 3], got {self.landmarks.shape}")
        object.__setattr__(self, "landmarks", frozen(self.landmarks))

    @cached_property
    def box(self) -> Box:
        """The smallest box around the landmarks, frame px."""
        return Box.around(self.landmarks)


@dataclass(frozen=True)
class Crop:
    """A face as a model sees it: uint8 [size, size] grey or [size, size, 3] RGB, and where it lies in the frame."""

    image: Image
    to_frame: Similarity

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", frozen(self.image))

    @property
    def size(self) -> int:
        """Side in px."""
        return int(self.image.shape[0])

    def landmarks(self, observation: FaceObservation) -> Floats:
        """The face's landmarks in crop px, float32 [478, 2]."""
        return self.to_frame.inverse().apply(observation.landmarks[:, :2])
