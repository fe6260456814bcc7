"""Faces to try a model on: from the clip that comes with Mienscope, the same every time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core.errors import PackInvalid
from core.faces import FaceFinder
from core.geometry import Alignment, crop
from core.opencv import cv2
from core.sources import DEMO, open_source
from core.types import FaceObservation, Frame

FACES = 8  # spread over the clip, so that they show different expressions


@dataclass(frozen=True)
class Sample:
    """Frames of the demo clip with the face in each."""

    frames: tuple[Frame, ...]
    faces: tuple[FaceObservation, ...]

    def crops(self, alignment: Alignment) -> Mapping[str, NDArray[np.uint8]]:
        """The faces aligned: "grey" uint8 [n, 1, size, size] and "rgb" uint8 [n, 3, size, size]."""
        size = alignment.size
        grey, colour = [], []
        for frame, face in zip(self.frames, self.faces, strict=True):
            to_crop = alignment.to_crop(face.landmarks)
            plain = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
            grey.append(crop(plain, to_crop, size)[None])
            colour.append(crop(frame.image, to_crop, size).transpose(2, 0, 1))
        return {"grey": np.stack(grey), "rgb": np.stack(colour)}


@cache
def sample_faces() -> Sample:
    """Find the sample faces. PackInvalid where the clip shows none, which a whole installation never does."""
    frames, faces = [], []
    finder = FaceFinder()
    try:
        with open_source(DEMO) as source:
            length_s = source.duration_s or 0.0
            for k in range(FACES):
                source.seek(source.start_s + k / FACES * length_s)
                frame = source.read()
                found = finder.find(frame.image) if frame is not None else []
                if frame is not None and found:
                    frames.append(frame)
                    faces.append(found[0])
    finally:
        finder.close()
    if not frames:
        raise PackInvalid("No face was found on the demo clip, so the model cannot be tried. Install Mienscope again.")
    return Sample(tuple(frames), tuple(faces))
