"""The face mesh on the video: all of it faintly, the outlines of face, brows, eyes, irises and lips more strongly.

OpenCV draws the lines, pixel for pixel as the screen has them: 1300 lines take Qt ten times as long.
"""

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QColor, QImage, QPainter

from core.geometry import Floats, Image
from core.opencv import cv2
from core.wireframe import MESH, MESH_FROM_PX, OUTLINES, Edges, edges

MESH_ALPHA: Final = (40.0, 84.0)  # of 255, on the smallest face that gets the mesh, and from `CLEAR_PX` on
CLEAR_PX: Final = 280.0  # width of a face from which on its heatmap is well seen between the lines
SHADE_ALPHA: Final = (30.0, 90.0)  # likewise of the dark rim of outlines, which would else vanish on light skin
LINES_OPACITY: Final = (0.75, 1.0)  # likewise of outlines, over that of their colour
THICK_PER_PX: Final = 1 / 300  # of an outline, over the width of the face
_FINE_BITS: Final = 4  # of the ends of lines, below a pixel


def paint_mesh(painter: QPainter, points: Floats, colour: QColor, size: QSize, ratio: float) -> None:
    """Paint one face's mesh.

    Parameters
    ----------
    points
        Its landmarks, float32 [478, 2], widget px with pixel corners at whole numbers.
    colour
        Of the outlines.
    size
        Of the widget; what lies beyond is left out.
    ratio
        Device pixels per widget px.
    """
    width = float(np.ptp(points[:, 0]))
    thick = max(round(width * THICK_PER_PX * ratio), round(ratio), 1)
    ends = points * ratio - 0.5
    low = np.maximum(np.floor(ends.min(axis=0)).astype(int) - thick - 2, 0)
    high = np.ceil(ends.max(axis=0)).astype(int) + thick + 3
    columns, rows = np.minimum(high, [round(size.width() * ratio), round(size.height() * ratio)]) - low
    if min(columns, rows) < 1:
        return
    layer = np.zeros((rows, columns, 4), np.uint8)
    ends -= low
    mesh_alpha, shade_alpha, opacity = (
        float(np.interp(width, (MESH_FROM_PX, CLEAR_PX), limits)) for limits in (MESH_ALPHA, SHADE_ALPHA, LINES_OPACITY)
    )
    if width >= MESH_FROM_PX:
        _draw(
            layer,
            ends,
            edges(*MESH),
            _premultiplied(QColor(255, 255, 255, round(mesh_alpha))),
            max(round(0.7 * ratio), 1),
        )
    lines = edges(*OUTLINES)
    _draw(layer, ends, lines, (0, 0, 0, round(shade_alpha)), thick + 2 * max(round(0.7 * ratio), 1))
    _draw(layer, ends, lines, _premultiplied(colour, opacity), thick)
    image = QImage(layer.data, int(columns), int(rows), 4 * int(columns), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(float(low[0]) / ratio, float(low[1]) / ratio), image)


def _draw(layer: Image, ends: Floats, lines: Edges, colour: tuple[int, int, int, int], thick: int) -> None:
    """Draw lines between landmarks [478, 2], layer px; they take the place of what is under them."""
    fixed = np.round(ends[lines] * 2**_FINE_BITS).astype(np.int32)
    cv2.polylines(layer, list(fixed), False, colour, thick, cv2.LINE_AA, _FINE_BITS)


def _premultiplied(colour: QColor, opacity: float = 1.0) -> tuple[int, int, int, int]:
    """Blue, green, red and alpha as `Format_ARGB32_Premultiplied` has them in memory on little-endian machines."""
    alpha = round(colour.alpha() * opacity)
    blue, green, red = (round(part * alpha / 255) for part in (colour.blue(), colour.green(), colour.red()))
    return blue, green, red, alpha
