"""One feature map, large, over the face it belongs to; the pointer reads its values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import theme
from app.gui.map_colours import Shades
from core.geometry import Floats, Image, Similarity, crop
from core.types import Crop, Frame

SIDE_PX: Final = 320  # largest, and what the face is sampled at
RING_PX: Final = 7.0  # radius of a mark
EDGE_PX: Final = 3  # of a ring, beyond its radius


@dataclass(frozen=True)
class Mark:
    """A ring on the face: x and y as shares of the crop's sides, and its colour."""

    x: float
    y: float
    colour: str
    strong: bool = False


class MapView(QWidget):
    """The map stretched over the crop: its units cover equal parts of what the network sees."""

    read = Signal()  # the pointer is elsewhere, or the value below it is another

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._image: QImage | None = None
        self._pixels: Image | None = None
        self._values: Floats | None = None
        self._point: QPointF | None = None
        self._marks: tuple[Mark, ...] = ()
        self._seen: QRectF | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 180)
        self.setAccessibleName("Feature map over the face")

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(SIDE_PX, SIDE_PX)

    @property
    def pointed(self) -> tuple[int, int, float] | None:
        """Column, row and value of the unit under the pointer."""
        if self._values is None or self._point is None:
            return None
        square, (rows, columns) = self._square(), self._values.shape
        x, y = ((self._point - square.topLeft()) / square.width()).toTuple()
        column, row = math.floor(x * columns), math.floor(y * rows)
        if not (0 <= column < columns and 0 <= row < rows):
            return None
        return column, row, float(self._values[row, column])

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_map(self, frame: Frame, cut: Crop, values: Floats, shades: Shades, smooth: bool, opacity: float) -> None:
        """Lay a map [height, width] over a face of a frame."""
        face = enlarged(frame.image, cut)
        self._values = values
        self._pixels = shades.over(face, values, smooth, opacity)
        self._image = QImage(self._pixels.data, SIDE_PX, SIDE_PX, 3 * SIDE_PX, QImage.Format.Format_RGB888)
        self.update()
        if self._point is not None:
            self.read.emit()

    def show_marks(self, marks: Sequence[Mark], seen: QRectF | None) -> None:
        """Rings on the face, and the square that a unit sees, in shares of the crop's sides."""
        self._marks, self._seen = tuple(marks), seen
        self.update()

    def show_nothing(self) -> None:
        """There is no map."""
        if self._image is not None:
            self._image = self._pixels = self._values = None
            self.update()
            self.read.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        self._point = event.position()
        self.read.emit()
        self.update()

    def leaveEvent(self, event: object) -> None:  # noqa: D102, N802 - Qt's name
        self._point = None
        self.read.emit()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        square = self._square()
        if self._image is None:
            painter.fillRect(square, self._theme.colour("field"))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(square, self._image)
            self._paint_marks(painter, square)
            self._paint_unit(painter, square)
        painter.setPen(QPen(self._theme.colour("line"), 1.0))
        painter.drawRect(square.adjusted(0, 0, -0.5, -0.5))
        painter.end()

    def _paint_marks(self, painter: QPainter, square: QRectF) -> None:
        """Rings, dark below so that they are seen on any face, and the dashed square."""
        side = square.width()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(square)
        if self._seen is not None:
            area = QRectF(self._seen.topLeft() * side + square.topLeft(), self._seen.size() * side)
            for colour, style in ((Qt.GlobalColor.black, Qt.PenStyle.SolidLine), ("#ffffff", Qt.PenStyle.DashLine)):
                painter.setPen(QPen(QColor(colour), 1.0, style))
                painter.drawRect(area)
        for mark in self._marks:
            paint_ring(painter, QPointF(mark.x, mark.y) * side + square.topLeft(), RING_PX, mark.colour, mark.strong)
        painter.setClipping(False)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_unit(self, painter: QPainter, square: QRectF) -> None:
        """Frame the unit that is read."""
        if self.pointed is None or self._values is None:
            return
        (column, row, _), (rows, columns) = self.pointed, self._values.shape
        width, height = square.width() / columns, square.height() / rows
        unit = QRectF(square.left() + column * width, square.top() + row * height, width, height)
        for colour, thick in ((Qt.GlobalColor.black, 3.0), (Qt.GlobalColor.white, 1.2)):
            painter.setPen(QPen(colour, thick))
            painter.drawRect(unit)

    def _square(self) -> QRectF:
        side = min(self.width(), self.height(), SIDE_PX)
        return QRectF((self.width() - side) / 2, 0, side, side)


def paint_ring(painter: QPainter, centre: QPointF, radius: float, colour: str, strong: bool) -> None:
    """A ring with a dark edge on either side."""
    drawn = _ring(radius, colour, strong, painter.device().devicePixelRatio())
    half = drawn.deviceIndependentSize() / 2
    painter.drawPixmap(centre - QPointF(half.width(), half.height()), drawn)


@lru_cache(maxsize=64)
def _ring(radius: float, colour: str, strong: bool, ratio: float) -> QPixmap:
    """The ring as a picture: smooth curves are dear to draw, and there is one in every tile of every frame."""
    side = 2 * math.ceil(radius + EDGE_PX)
    drawn = QPixmap(round(side * ratio), round(side * ratio))
    drawn.setDevicePixelRatio(ratio)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for pen in (QPen(QColor(0, 0, 0, 190), 4.6 if strong else 3.6), QPen(QColor(colour), 2.4 if strong else 1.6)):
        painter.setPen(pen)
        painter.drawEllipse(QPointF(side / 2, side / 2), radius, radius)
    painter.end()
    return drawn


def enlarged(image: Image, cut: Crop, side_px: int = SIDE_PX) -> Image:
    """The face as it is aligned for the network, but as sharp as the frame: RGB uint8 [side, side, 3]."""
    step = side_px / cut.size
    larger = Similarity(step, 0.0, (step - 1) / 2, (step - 1) / 2)  # pixel p lies at step * (p + 1/2) - 1/2
    return crop(image, larger.after(cut.to_frame.inverse()), side_px)
