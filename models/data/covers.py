"""Faces whose eyes or brows are covered: what `models.train.covering` learns from."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from core.geometry import Floats, Image
from core.opencv import cv2

RIGHT: Final = (33, 133, 159, 145, 70, 107, 55, 46)  # eye and brow
LEFT: Final = (263, 362, 386, 374, 300, 336, 285, 276)
EYES: Final = ((33, 133), (362, 263))
CHEEKS: Final = (50, 280, 205, 425)
FOREHEAD: Final = (10, 151, 67, 297)


def _colour(image: Image, landmarks: Floats, generator: np.random.Generator) -> float:
    """Of the face's own skin, or anything: grey."""
    if generator.random() < 0.5:
        return float(generator.uniform(0, 255))
    x, y = np.round(landmarks[list(CHEEKS), :2]).astype(int).T
    rows, columns = image.shape[:2]
    return float(np.median(image[np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)]))


def _filled(image: Image, inside: Image, colour: float, generator: np.random.Generator) -> Image:
    """The picture with what is inside (uint8, 0 or 255) painted over, smoothly shaded and a little rough."""
    rows, columns = image.shape[:2]
    slope = generator.normal(0, 0.4, 2)
    y, x = np.mgrid[:rows, :columns]
    shade = colour + slope[0] * (x - columns / 2) + slope[1] * (y - rows / 2)
    painted = shade + generator.normal(0, generator.uniform(0, 10), (rows, columns))
    soft = cv2.GaussianBlur(inside, (0, 0), float(generator.uniform(0.4, 1.0))).astype(np.float64) / 255
    return np.asarray(np.clip(np.rint(image * (1 - soft) + painted * soft), 0, 255), np.uint8)


def patch(image: Image, landmarks: Floats, generator: np.random.Generator) -> Image:
    """A turned rectangle over eyes and brows, of both sides or of one."""
    sides = (RIGHT, LEFT, RIGHT + LEFT)[int(generator.integers(3))]
    points = landmarks[list(sides), :2].astype(np.float32)
    (x, y), (width, height), angle = cv2.minAreaRect(points)
    grown = tuple(float(each * generator.uniform(1.1, 1.5)) for each in (width, height))
    corners = cv2.boxPoints(((x, y), grown, angle + float(generator.normal(0, 6))))
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, np.round(corners).astype(np.int32), (255,))
    return _filled(image, inside, _colour(image, landmarks, generator), generator)


def sunglasses(image: Image, landmarks: Floats, generator: np.random.Generator) -> Image:
    """Two dark glasses and their bridge."""
    inside, dark = np.zeros(image.shape[:2], np.uint8), float(generator.uniform(0, 50))
    wide, tall = generator.uniform(0.75, 1.05), generator.uniform(0.55, 0.9)
    middles = []
    for pair in EYES:
        ends = landmarks[list(pair), :2]
        size = float(np.linalg.norm(ends[1] - ends[0]))
        middle = ends.mean(axis=0) + np.array([0, 0.05 * size])
        middles.append(np.round(middle).astype(int).tolist())
        cv2.ellipse(inside, middles[-1], (round(wide * size), round(tall * size)), 0, 0, 360, (255,), -1)
    cv2.line(inside, middles[0], middles[1], (255,), 1)
    return _filled(image, inside, dark, generator)


def half(image: Image, landmarks: Floats, generator: np.random.Generator) -> Image:
    """One half of the face, as behind somebody or something."""
    inside = np.zeros(image.shape[:2], np.uint8)
    middle = round(float(landmarks[168, 0] + generator.normal(0, 2)))
    if generator.random() < 0.5:
        inside[:, : max(middle, 0)] = 255
    else:
        inside[:, max(middle, 0) :] = 255
    return _filled(image, inside, _colour(image, landmarks, generator), generator)


def hair(image: Image, landmarks: Floats, generator: np.random.Generator) -> Image:
    """A fringe, or a cap, from above the face down over brows and eyes."""
    inside = np.zeros(image.shape[:2], np.uint8)
    eyes, brow = landmarks[[33, 263], 1].mean(), landmarks[[105, 334], 1].mean()
    end = round(float(eyes + generator.uniform(0.2, 0.6) * (eyes - brow)))
    inside[: max(end, 0)] = 255
    return _filled(image, inside, _colour(image, landmarks, generator), generator)


COVERS: Final[Mapping[str, Callable[[Image, Floats, np.random.Generator], Image]]] = {
    "patch": patch,
    "sunglasses": sunglasses,
    "half": half,
    "hair": hair,
}
