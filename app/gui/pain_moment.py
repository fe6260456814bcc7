"""One face at one moment: its reading, and as much of the picture as its reasons are drawn on; in memory alone."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from core import pain_network
from core.geometry import Box, Floats, Image, Similarity, frozen
from core.pain import Why, because
from core.pspi import PainReading
from core.types import Crop, FaceObservation, FaceResult, Frame, NetworkPain

ROOM: Final = 1.5  # what is kept of the picture, over the face's box
LARGEST_PX: Final = 360  # width of what is kept, about; larger faces are thinned out


@dataclass(frozen=True)
class Moment:
    """What an alarm keeps, and what is shown of the face now.

    Attributes
    ----------
    timestamp_s
        Presentation time of the frame.
    landmarks
        float32 [478, 3], px of the frame.
    picture
        RGB uint8 [height, width, 3]: the face and some room around it; gone with the window, it goes into no file.
    corner, step_px
        Where the picture's first pixel lies in the frame, px, and how many pixels of the frame one of it stands for.
    crop
        The face as the network sees it.
    network
        What it reads of pain; None where it reads none.
    """

    face_id: int
    timestamp_s: float
    reading: PainReading
    landmarks: Floats
    picture: Image
    corner: tuple[int, int]
    step_px: int
    crop: Crop
    network: NetworkPain | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "picture", frozen(self.picture))

    @cached_property
    def why(self) -> Why | None:
        """What the score is made of; None where there is no score."""
        return None if self.reading.score is None else because(self.reading)

    def document(self) -> dict[str, object]:
        """Reading and reasons in words and numbers, for files; no picture and no landmarks."""
        why: dict[str, object] = {} if self.why is None else {"regions": self.why.by_region()}
        if self.network is not None and self.reading.score is not None:
            why = {**why, "by_network": pain_network.document(self.network)}
        return {"timestamp_s": self.timestamp_s, **self.reading.document(), **why}

    @cached_property
    def points(self) -> Floats:
        """The landmarks in px of the picture, float32 [478, 2]."""
        inside: Floats = (self.landmarks[:, :2] - self.corner) / self.step_px
        return frozen(inside)

    def mapped(self, in_picture: bool) -> FaceResult | None:
        """The face with the network's map for `core.overlay.heat`, in px of the frame, or of the picture; None without.

        It carries nothing else: no class is read here.
        """
        explanation = None if self.network is None else self.network.explanation
        if explanation is None:
            return None
        landmarks, to_frame = self.landmarks, self.crop.to_frame
        if in_picture:
            landmarks = np.column_stack([self.points, landmarks[:, 2] / self.step_px]).astype(np.float32)
            x, y = (-place / self.step_px for place in self.corner)
            to_frame = Similarity(1 / self.step_px, 0.0, x, y).after(to_frame)
        observation = FaceObservation(landmarks, 1.0, self.face_id)
        return FaceResult(observation, Crop(self.crop.image, to_frame), None, explanation)


def moment(frame: Frame, face: FaceResult) -> Moment | None:
    """The moment of a face; None where pain was not estimated."""
    if face.pain is None:
        return None
    observation = face.observation
    rows, columns, corner = _within(observation.box.scaled(ROOM), frame)
    step = max(round((columns.stop - columns.start) / LARGEST_PX), 1)
    picture = frame.image[rows.start : rows.stop : step, columns.start : columns.stop : step].copy()
    return Moment(
        observation.face_id,
        frame.timestamp_s,
        face.pain,
        observation.landmarks,
        picture,
        corner,
        step,
        face.crop,
        face.pain_by_network,
    )


def _within(box: Box, frame: Frame) -> tuple[slice, slice, tuple[int, int]]:
    """Rows and columns of a box as far as it lies in a frame, at least one of each, and their corner (x, y)."""
    left, top = (min(max(int(low), 0), size - 1) for low, size in ((box.x, frame.width), (box.y, frame.height)))
    right = min(max(int(box.right) + 1, left + 1), frame.width)
    bottom = min(max(int(box.bottom) + 1, top + 1), frame.height)
    return slice(top, bottom), slice(left, right), (left, top)
