"""The face mesh as lines on a picture: all of it faintly, and the outlines of face, brows, eyes, irises and lips."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, Floats, Image
from core.lettering import WHITE, Colour, stamp
from core.opencv import cv2

Edges = NDArray[np.intp]

MESH_FROM_PX: Final = 90.0  # width of the smallest face that gets the whole mesh; on smaller ones it hides the face
MESH_OPACITY: Final = 0.28
MESH: Final = ("TESSELATION",)
OUTLINES: Final = ("CONTOURS", "IRISES")
LINES_OPACITY: Final = 0.9


def draw_wireframe(image: Image, landmarks: Floats, colour: Colour) -> None:
    """Draw landmarks [478, 2 or 3], frame px, into a picture; the outlines in `colour`."""
    box = Box.around(landmarks)
    thickness = max(round(box.width / 300), 1)
    if box.width >= MESH_FROM_PX:
        _draw(image, landmarks, edges(*MESH), (WHITE, MESH_OPACITY, 1))
    _draw(image, landmarks, edges(*OUTLINES), (colour, LINES_OPACITY, thickness))


@lru_cache(maxsize=4)
def edges(*names: str) -> Edges:
    """Lines of these parts of MediaPipe's mesh as pairs of landmarks, [n, 2], each once."""
    from mediapipe.python.solutions import face_mesh_connections

    pairs = {tuple(sorted(pair)) for name in names for pair in getattr(face_mesh_connections, f"FACEMESH_{name}")}
    return np.array(sorted(pairs), np.intp)


def _draw(image: Image, landmarks: Floats, lines: Edges, pen: tuple[Colour, float, int]) -> None:
    """Draw lines between landmarks as one layer, so that they do not darken where they meet."""
    colour, opacity, thickness = pen
    height, width = image.shape[:2]
    low = np.maximum(np.floor(landmarks[:, :2].min(axis=0)).astype(int) - thickness - 1, 0)
    high = np.minimum(np.ceil(landmarks[:, :2].max(axis=0)).astype(int) + thickness + 2, [width, height])
    if (high - low).min() < 1:
        return
    layer = np.zeros((int(high[1] - low[1]), int(high[0] - low[0])), np.uint8)
    ends = np.round((landmarks[:, :2] - low)[lines] * 16).astype(np.int32)
    cv2.polylines(layer, list(ends), False, (255,), thickness, cv2.LINE_AA, 4)
    stamp(image, layer, int(low[0]), int(low[1]), colour, opacity)
