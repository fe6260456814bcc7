"""Boxes, similarity transforms and the aligned crop. Pure functions; pixels with the origin at the top left.

A pixel's centre lies at integer coordinates, as in OpenCV: pixel (0, 0) covers [-0.5, 0.5] x [-0.5, 0.5].
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.opencv import cv2

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view of an array."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels of whatever frame its owner names; floats, may reach beyond the picture."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def around(cls, points: Floats) -> "Box":
        """Smallest box around points [n, 2 or more]; only x and y count."""
        (x0, y0), (x1, y1) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        return cls(float(x0), float(y0), float(x1 - x0), float(y1 - y0))

    @property
    def centre(self) -> tuple[float, float]:
        """Centre (x, y)."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def right(self) -> float:
        """Largest x."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Largest y."""
        return self.y + self.height

    @property
    def area(self) -> float:
        """Width times height, px^2."""
        return self.width * self.height

    def scaled(self, factor: float) -> "Box":
        """The box grown about its own centre."""
        w, h = self.width * factor, self.height * factor
        cx, cy = self.centre
        return Box(cx - w / 2, cy - h / 2, w, h)

    def squared(self) -> "Box":
        """The smallest square with the same centre that holds the box."""
        side = max(self.width, self.height)
        cx, cy = self.centre
        return Box(cx - side / 2, cy - side / 2, side, side)

    def moved(self, dx: float, dy: float) -> "Box":
        """The box shifted by (dx, dy)."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def intersection(self, other: "Box") -> float:
        """Area shared with another box, px^2."""
        w = min(self.right, other.right) - max(self.x, other.x)
        h = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(w, 0.0) * max(h, 0.0)

    def iou(self, other: "Box") -> float:
        """Intersection over union, 0..1."""
        shared = self.intersection(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Similarity:
    """A rotation, uniform scale and shift of the plane: ``[u, v] = [[a, -b], [b, a]] [x, y] + [tx, ty]``."""

    a: float
    b: float
    tx: float
    ty: float

    @property
    def scale(self) -> float:
        """Length of a unit step after the transform."""
        return float(np.hypot(self.a, self.b))

    @property
    def rotation_rad(self) -> float:
        """Angle of the rotation; positive turns x towards y (clockwise on the screen)."""
        return float(np.arctan2(self.b, self.a))

    @property
    def matrix(self) -> NDArray[np.float64]:
        """As an affine matrix, float64 [2, 3], for OpenCV."""
        return np.array([[self.a, -self.b, self.tx], [self.b, self.a, self.ty]])

    def apply(self, points: Floats) -> Floats:
        """Map points [n, 2] and return float32 [n, 2]."""
        matrix = self.matrix
        mapped: Floats = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        return mapped

    def inverse(self) -> "Similarity":
        """The transform that undoes this one. ZeroDivisionError for a scale of zero."""
        norm = self.a**2 + self.b**2
        a, b = self.a / norm, -self.b / norm
        return Similarity(a, b, -(a * self.tx - b * self.ty), -(b * self.tx + a * self.ty))

    def after(self, first: "Similarity") -> "Similarity":
        """The composition: `first`, then this."""
        a = self.a * first.a - self.b * first.b
        b = self.b * first.a + self.a * first.b
        tx = self.a * first.tx - self.b * first.ty + self.tx
        ty = self.b * first.tx + self.a * first.ty + self.ty
        return Similarity(a, b, tx, ty)

    @classmethod
    def between(cls, source: Floats, target: Floats) -> "Similarity":
        """Least-squares similarity from points [n, 2] to points [n, 2] (Umeyama 1991, without reflection)."""
        source, target = source.astype(np.float64), target.astype(np.float64)
        source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
        (x, y), (u, v) = (source - source_mean).T, (target - target_mean).T
        norm = float((x * x + y * y).sum())
        if norm == 0.0:
            raise ValueError("a similarity needs at least two different points, got one repeated")
        a, b = float((x * u + y * v).sum()) / norm, float((x * v - y * u).sum()) / norm
        tx = target_mean[0] - (a * source_mean[0] - b * source_mean[1])
        ty = target_mean[1] - (b * source_mean[0] + a * source_mean[1])
        return cls(a, b, float(tx), float(ty))


# Landmarks of MediaPipe's 478-point mesh. Right and left are the person's.
RIGHT_EYE_CORNERS: Final = (33, 133)
LEFT_EYE_CORNERS: Final = (362, 263)
MOUTH_CORNERS: Final = (61, 291)
FACE_OVAL: Final = (  # the face's outline once around, from the top of the forehead towards the person's left
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)


def anchors(landmarks: Floats) -> Floats:
    """Centres of the right eye, the left eye and the mouth: float32 [3, 2], in the landmarks' own frame.

    Landmarks are [478, 2 or 3]. Corners are averaged because they barely move with lids and lips.
    """
    groups = (RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS, MOUTH_CORNERS)
    centres: Floats = np.stack([landmarks[list(group), :2].mean(axis=0) for group in groups]).astype(np.float32)
    return centres


@dataclass(frozen=True)
class Alignment:
    """Where the anchors of a face come to lie in a square crop, as fractions of its side."""

    size: int
    right_eye: tuple[float, float]
    left_eye: tuple[float, float]
    mouth: tuple[float, float]

    @cached_property
    def places(self) -> Floats:
        """The anchors' places in crop pixels, float32 [3, 2].

        A fraction f of the side lies at pixel coordinate f * size - 0.5, so crops of any size show the same face.
        """
        fractions = np.array([self.right_eye, self.left_eye, self.mouth])
        return (fractions * self.size - 0.5).astype(np.float32)

    def to_crop(self, landmarks: Floats) -> Similarity:
        """The transform from the landmarks' frame (478 points, px) to the crop's pixels."""
        return Similarity.between(anchors(landmarks), self.places)


def crop(image: Image, to_crop: Similarity, size: int) -> Image:
    """Resample a picture into a square crop: uint8 [size, size] or [size, size, channels].

    One function for training and run time. Where the crop is coarser than the picture, it is sampled on a finer grid
    first and averaged, so that small patterns do not alias; beyond the picture's edge its border is repeated.
    """
    fine = int(np.clip(np.ceil(0.999 / max(to_crop.scale, 1e-6)), 1, 8))
    centre = (fine - 1) / 2  # an s-times finer grid puts pixel p at s * p + (s - 1) / 2
    matrix = Similarity(fine, 0.0, centre, centre).after(to_crop).matrix
    side = size * fine
    sampled = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if fine == 1:
        return sampled.astype(np.uint8, copy=False)
    return cv2.resize(sampled, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
