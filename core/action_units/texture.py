"""What the mesh cannot see: brows, lids, folds and wrinkles as edges in the picture of the face.

MediaPipe's mesh follows a warped brow by a fifth of its way, and a raised cheek hardly at all (`models.verify units`).
So the picture is laid onto the plane of the canonical face, which takes the pose out, and the edges in it are counted
by direction in soft cells (histograms of oriented gradients, Dalal & Triggs 2005, with half-wave rectified projections
instead of bins). Cells lie symmetrically, so that the left half, mirrored, is read exactly as the right one.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units.pose import Posed
from core.geometry import Floats, Image, Similarity
from core.opencv import cv2

PX: Final = 24  # per inter-ocular distance: what a face of 50 px still has
LEFT, RIGHT, TOP, BOTTOM = -1.25, 1.25, -0.85, 1.85  # the part of the face that is looked at, inter-ocular distances
DEPTH: Final = -0.1  # of the plane in the canonical frame: that of brows, lids and mouth
CELL: Final = 0.15  # distance of cells, inter-ocular distances; each is a Gaussian of half that deviation
AROUND: Final = 0.2  # standard deviation of the surroundings that a cell's contrast is held against
DIRECTIONS: Final = 8  # of gradients, evenly over the circle; the first points to the person's left
ACROSS: Final = 0.25  # a side's cells reach this far beyond the midline
LEAST_VIEW: Final = 0.5  # of the face's area, seen flat: beyond some 60 degrees there is no texture to read

COLUMNS: Final = np.arange(-7.5, 8) * CELL  # of cells, canonical x
ROWS: Final = np.arange(TOP + CELL, BOTTOM - CELL / 2, CELL)  # canonical y
SIDE_COLUMNS: Final = COLUMNS[COLUMNS < ACROSS]  # of the person's right side
CELLS: Final = DIRECTIONS * len(ROWS) * len(SIDE_COLUMNS)


def flattened(image: Image, face: Posed) -> Floats | None:
    """The face laid onto the canonical plane: grey float32 [height, width], `PX` per inter-ocular distance.

    None where the head is turned too far away.

    Parameters
    ----------
    image
        The picture that the landmarks lie in: RGB uint8 [height, width, 3] or grey uint8 [height, width].
    face
        One face.
    """
    matrix = face.from_canonical(DEPTH)
    view = abs(np.linalg.det(matrix[:, :2])) * float(face.scale) ** 2
    if view < LEAST_VIEW:
        return None
    width, height = round((RIGHT - LEFT) * PX), int((BOTTOM - TOP) * PX)
    corners = np.array([[LEFT, TOP, 1], [RIGHT, TOP, 1], [RIGHT, BOTTOM, 1], [LEFT, BOTTOM, 1]]) @ matrix.T
    part, to_image = _averaged(image, corners, factor=int(np.clip(1 / (PX * float(face.scale)), 1, 32)))
    step = 1 / PX
    to_canonical = np.array([[step, 0, LEFT + step / 2], [0, step, TOP + step / 2], [0, 0, 1]])
    to_part = to_image.inverse().matrix @ np.vstack([matrix @ to_canonical, (0, 0, 1)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(part, to_part, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32)


def _averaged(image: Image, corners: NDArray[np.float64], factor: int) -> tuple[Image, Similarity]:
    """The part of a picture within corners [n, 2] px, grey and averaged down by a factor, and the way back from it."""
    height, width = image.shape[:2]
    x0, y0 = np.clip(np.floor(corners.min(axis=0)) - factor, 0, (width - 1, height - 1)).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)) + factor, 0, (width, height)).astype(int).tolist()
    columns, rows = max((x1 - x0) // factor, 1), max((y1 - y0) // factor, 1)
    part = np.asarray(image[y0 : y0 + rows * factor, x0 : x0 + columns * factor])
    if factor > 1:
        part = np.asarray(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA))
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) if part.ndim == 3 else part
    return np.asarray(grey, np.uint8), Similarity(factor, 0.0, x0 + (factor - 1) / 2, y0 + (factor - 1) / 2)


def cells(flat: Floats) -> Floats:
    """Edges of a flattened face by direction and place: float32 [2, CELLS], right and left (mirrored).

    A side holds [directions, rows, columns], from the cheek to beyond the midline.
    """
    windows = _windows()
    smooth = cv2.GaussianBlur(flat, (0, 0), 1.0)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1)
    length = np.sqrt(across * across + down * down) + 1e-3
    half = windows.cosines[:, None, None] * across + windows.sines[:, None, None] * down
    turned = np.concatenate([np.maximum(half, 0), np.maximum(-half, 0)])
    edges = windows.rows @ (turned * turned / length) @ windows.columns.T
    contrast = windows.near_rows @ np.sqrt((edges * edges).sum(axis=0)) @ windows.near_columns.T
    edges /= contrast + contrast.mean() + 1e-3  # flat skin has little, and no direction worth a number
    sided = len(SIDE_COLUMNS)
    right, left = edges[:, :, :sided], edges[windows.mirrored][:, :, ::-1][:, :, :sided]
    return np.stack([right.ravel(), left.ravel()])


def places() -> NDArray[np.float64]:
    """Where a side's cells lie, canonical x (of the right side) and y: float64 [CELLS, 2]."""
    _, y, x = np.meshgrid(np.arange(DIRECTIONS), ROWS, SIDE_COLUMNS, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


@dataclass(frozen=True)
class _Windows:
    """Weights of a flattened face's pixels in each row and column of cells, and of cells in their surroundings."""

    rows: Floats
    columns: Floats
    near_rows: Floats
    near_columns: Floats
    cosines: Floats
    sines: Floats
    mirrored: list[int]


@cache
def _windows() -> _Windows:
    x = LEFT + (np.arange(round((RIGHT - LEFT) * PX)) + 0.5) / PX
    y = TOP + (np.arange(int((BOTTOM - TOP) * PX)) + 0.5) / PX
    angles = 2 * np.pi * np.arange(DIRECTIONS // 2) / DIRECTIONS
    return _Windows(
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
