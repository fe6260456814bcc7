"""What the mesh cannot see: the picture of a face as seen from the front, and the edges in it.

MediaPipe's mesh follows a warped brow by a fifth of its way, and a raised cheek hardly at all. So the picture is laid
onto the mean face's surface, which is looked at from the front: that takes the pose out (Hassner et al. 2015). Against
a person's own neutral face it is compared with that one's picture (`core.action_units.motion`); otherwise the edges in
it are counted by direction in soft cells: histograms of oriented gradients (Dalal & Triggs 2005), with half-wave
rectified projections instead of bins. Cells lie symmetrically: the left half, mirrored, is read as the right one is.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units.fitted import fitted
from core.action_units.pose import Posed
from core.geometry import Floats, Image, Similarity
from core.opencv import cv2

PX: Final = 24  # per inter-ocular distance: what a face of 50 px still has
LEFT, RIGHT, TOP, BOTTOM = -1.25, 1.25, -0.85, 1.85  # the part of the face that is looked at, inter-ocular distances
WIDTH, HEIGHT = round((RIGHT - LEFT) * PX), int((BOTTOM - TOP) * PX)
SMOOTH: Final = 0.1  # standard deviation of the kernel that makes a surface of the mean face's landmarks
CELL: Final = 0.15  # distance of cells, inter-ocular distances; each is a Gaussian of half that deviation
AROUND: Final = 0.2  # standard deviation of the surroundings that a cell's contrast is held against
DIRECTIONS: Final = 8  # of gradients, evenly over the circle; the first points to the person's left
ACROSS: Final = 0.25  # a side's cells reach this far beyond the midline
LEAST_VIEW: Final = 0.5  # cosine of the head's turn: beyond 60 degrees half of the face is hidden

COLUMNS: Final = np.arange(-7.5, 8) * CELL  # of cells, canonical x
ROWS: Final = np.arange(TOP + CELL, BOTTOM - CELL / 2, CELL)  # canonical y
SIDE_COLUMNS: Final = COLUMNS[COLUMNS < ACROSS]  # of the person's right side
CELLS: Final = DIRECTIONS * len(ROWS) * len(SIDE_COLUMNS)


def flattened(image: Image, face: Posed) -> Image | None:
    """The face as it would be seen from the front: grey uint8 [HEIGHT, WIDTH], `PX` per inter-ocular distance.

    None where the head is turned too far away.

    Parameters
    ----------
    image
        The picture that the landmarks lie in: RGB uint8 [height, width, 3] or grey uint8 [height, width].
    face
        One face.
    """
    if abs(face.rotation[2, 2]) < LEAST_VIEW:
        return None
    seen_at = face.to_picture(_surface())
    part, to_image = _averaged(image, seen_at, factor=int(np.clip(1 / (PX * float(face.scale)), 1, 32)))
    places = ((seen_at - (to_image.tx, to_image.ty)) / to_image.a).astype(np.float32).reshape(HEIGHT, WIDTH, 2)
    nothing = np.empty(0, np.float32)  # the second map, which a map of pairs does without
    seen = cv2.remap(part, places, nothing, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


@cache
def _surface() -> NDArray[np.float64]:
    """The mean face's skin behind each pixel of a flattened face, canonical frame: float64 [HEIGHT * WIDTH, 3]."""
    x, y = LEFT + (np.arange(WIDTH) + 0.5) / PX, TOP + (np.arange(HEIGHT) + 0.5) / PX
    flat = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)
    points = fitted().points
    squares = ((flat[:, None] - points[None, :, :2]) ** 2).sum(axis=2)
    weights = np.exp(-0.5 * (squares - squares.min(axis=1, keepdims=True)) / SMOOTH**2)
    depth = weights @ points[:, 2] / weights.sum(axis=1)
    return np.column_stack([flat, depth])


def _averaged(image: Image, places: NDArray[np.float64], factor: int) -> tuple[Image, Similarity]:
    """The part of a picture around places [n, 2] px, grey and averaged down by a factor, and the way back from it."""
    (x, y), (height, width) = places.T, image.shape[:2]  # one axis at a time, which NumPy finds the ends of quickly
    x0, y0 = (int(np.clip(np.floor(c.min()) - factor, 0, n - 1)) for c, n in ((x, width), (y, height)))
    x1, y1 = (int(np.clip(np.ceil(c.max()) + factor, 0, n)) for c, n in ((x, width), (y, height)))
    columns, rows = max((x1 - x0) // factor, 1), max((y1 - y0) // factor, 1)
    part = np.asarray(image[y0 : y0 + rows * factor, x0 : x0 + columns * factor])
    if factor > 1:
        part = np.asarray(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA))
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) if part.ndim == 3 else part
    return np.asarray(grey, np.uint8), Similarity(factor, 0.0, x0 + (factor - 1) / 2, y0 + (factor - 1) / 2)


def cells(flat: Image) -> Floats:
    """Edges of a flattened face by direction and place: float32 [2, CELLS], right and left (mirrored).

    A side holds [directions, rows, columns], from the cheek to beyond the midline.
    """
    over = windows()
    smooth = cv2.GaussianBlur(flat.astype(np.float32), (0, 0), 1.0)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1)
    length = np.sqrt(across * across + down * down) + 1e-3
    half = over.cosines[:, None, None] * across + over.sines[:, None, None] * down
    turned = np.concatenate([np.maximum(half, 0), np.maximum(-half, 0)])
    edges = over.rows @ (turned * turned / length) @ over.columns.T
    contrast = over.near_rows @ np.sqrt((edges * edges).sum(axis=0)) @ over.near_columns.T
    edges /= contrast + contrast.mean() + 1e-3  # flat skin has little, and no direction worth a number
    sided = len(SIDE_COLUMNS)
    right, left = edges[:, :, :sided], edges[over.mirrored][:, :, ::-1][:, :, :sided]
    return np.stack([right.ravel(), left.ravel()])


def places() -> NDArray[np.float64]:
    """Where a side's cells lie, canonical x (of the right side) and y: float64 [CELLS, 2]."""
    _, y, x = np.meshgrid(np.arange(DIRECTIONS), ROWS, SIDE_COLUMNS, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


@dataclass(frozen=True)
class Windows:
    """Weights of a flattened face's pixels in each row and column of cells, and of cells in their surroundings."""

    rows: Floats
    columns: Floats
    near_rows: Floats
    near_columns: Floats
    cosines: Floats
    sines: Floats
    mirrored: list[int]


@cache
def windows() -> Windows:
    """The weights, made once."""
    x, y = LEFT + (np.arange(WIDTH) + 0.5) / PX, TOP + (np.arange(HEIGHT) + 0.5) / PX
    angles = 2 * np.pi * np.arange(DIRECTIONS // 2) / DIRECTIONS
    return Windows(
        rows=_gaussians(ROWS, y, CELL / 2),
        columns=_gaussians(COLUMNS, x, CELL / 2),
        near_rows=_gaussians(ROWS, ROWS, AROUND),
        near_columns=_gaussians(COLUMNS, COLUMNS, AROUND),
        cosines=np.cos(angles).astype(np.float32),
        sines=np.sin(angles).astype(np.float32),
        mirrored=[(DIRECTIONS // 2 - direction) % DIRECTIONS for direction in range(DIRECTIONS)],
    )


def _gaussians(centres: NDArray[np.float64], places: NDArray[np.float64], deviation: float) -> Floats:
    weights = np.exp(-0.5 * ((places[None] - centres[:, None]) / deviation) ** 2)
    shares: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
