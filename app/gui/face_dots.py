"""The relevance of the mesh's points on the video: a dot per point, and what the dots stand for."""

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter

from app.gui import names, theme
from core.geometry import Floats
from core.relevance_dots import AGAINST, FOR, RIM, RIM_OPACITY, radii, rim
from core.types import PointRelevance

GROUND: Final = QColor(13, 16, 20, 190)
TEXT: Final = QColor("#f2f4f6")
QUIET: Final = QColor("#aab2bb")
SAMPLE_PX: Final = 4.5  # radius of the dots in the legend


def paint_dots(painter: QPainter, places: Floats, points: PointRelevance) -> None:
    """Paint one face's dots at places [478, 2], widget px; all rims lie under all dots."""
    paint_sized(painter, places, points.relevance, radii(points, float(np.ptp(places[:, 0]))))


def paint_sized(painter: QPainter, places: Floats, relevance: Floats, radius_of: Floats) -> None:
    """Paint dots of these radii, px, coloured by the sign of each point's relevance; both float32 [478]."""
    sizes = radius_of.tolist()
    shown = [index for index, size in enumerate(sizes) if size > 0]
    centres = [QPointF(x, y) for x, y in places.tolist()]
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    dark = QColor(*RIM)
    dark.setAlphaF(RIM_OPACITY)
    painter.setBrush(dark)
    for index in shown:
        reach = sizes[index] + rim(sizes[index])
        painter.drawEllipse(centres[index], reach, reach)
    inks = QBrush(QColor(*FOR)), QBrush(QColor(*AGAINST))
    for index in shown:
        painter.setBrush(inks[0] if relevance[index] > 0 else inks[1])
        painter.drawEllipse(centres[index], sizes[index], sizes[index])
    painter.restore()


def paint_dots_legend(painter: QPainter, corner: QPointF, points: PointRelevance) -> QRectF:
    """Say what dots stand for, with the chip's top right corner here; return where it lies."""
    font = theme.font(11, tabular=True)
    metrics = QFontMetricsF(font)
    words = ((FOR, f"for {points.target}"), (AGAINST, "against"))
    scale = f"full dot {names.compact(points.reference)} logit"
    widths = [metrics.horizontalAdvance(text) + 2 * SAMPLE_PX + 6 for _, text in words]
    box = QRectF(0, 0, sum(widths) + metrics.horizontalAdvance(scale) + 20 + 12 * len(widths), 24)
    box.moveTopRight(corner)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(GROUND)
    painter.drawRoundedRect(box, 6, 6)
    painter.setFont(font)
    x, centre = box.left() + 10, Qt.AlignmentFlag.AlignVCenter
    for (ink, text), width in zip(words, widths, strict=True):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(*ink))
        painter.drawEllipse(QPointF(x + SAMPLE_PX, box.center().y()), SAMPLE_PX, SAMPLE_PX)
        painter.setPen(TEXT)
        painter.drawText(QRectF(x + 2 * SAMPLE_PX + 6, box.top(), width, box.height()), centre, text)
        x += width + 12
    painter.setPen(QUIET)
    painter.drawText(QRectF(x, box.top(), box.right() - x, box.height()), centre, scale)
    return box
