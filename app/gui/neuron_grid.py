"""The strongest filters side by side: what each looks for, where on the face it finds it, and which unit it follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QWidget

from app.gui import names, theme
from app.gui.map_colours import Shades, as_image
from app.gui.map_view import paint_ring
from app.gui.tile_grid import SEAM_PX, Form, Tile, TileGrid
from core.geometry import Floats, Image

CAPTION_PX: Final = 42
BARE_PX: Final = 24  # of the caption where nobody knows what a filter follows
LINE_PX: Final = 17
BAR_PX: Final = 4  # of the activation, between the lines of the caption
RING_PX: Final = 5.0
OVER_FACE: Final = "#ffffff"  # rings of filters without a line
WITH_PLACE: Final = Form(104, 66, 16, CAPTION_PX, across=2)
WITHOUT_PLACE: Final = Form(120, 84, 24, CAPTION_PX)  # layers whose units see the whole face
BARE: Final = (replace(WITHOUT_PLACE, caption_px=BARE_PX), replace(WITH_PLACE, caption_px=BARE_PX))
NARROW_PX: Final = 150  # captions of tiles below this width are in short words


@dataclass(frozen=True)
class Neuron:
    """What is known of one filter now.

    Attributes
    ----------
    activation
        Its spatial maximum, in the layer's unit.
    share
        That over its full scale.
    place
        x and y of the maximum as shares of the crop's sides; None where it has none.
    unit, unit_short
        Which action unit it follows, in words, with the divergence; "" where nobody has looked.
    follows
        Whether that is an action unit.
    colour
        Of its line in the chart; "" while it has none.
    """

    activation: float
    share: float
    place: tuple[float, float] | None
    unit: str = ""
    unit_short: str = ""
    follows: bool = False
    colour: str = ""


class NeuronGrid(TileGrid):
    """Shows filters. Where nothing is known of what a filter looks for, its map stands in for the pattern."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(WITH_PLACE, "Strongest filters", parent)
        self._neurons: Mapping[int, Neuron] = {}
        self._patterns: NDArray[np.uint8] | None = None
        self._drawn: dict[int, QPixmap] = {}  # patterns at the size of the tiles, by channel
        self._maps: Floats | None = None
        self._shades = Shades()
        self._face: Image | None = None
        self._pixels: NDArray[np.uint32] | None = None  # of the maps, made when painted
        self._font = theme.font(11, tabular=True)

    @property
    def side_px(self) -> int:
        """Side of a picture."""
        return self._shelves.side_px

    def show_layer(self, channels: int, has_places: bool, patterns: NDArray[np.uint8] | None) -> None:
        """Make room for a layer; patterns uint8 [channels, shown, p, p], grey, where there is an atlas."""
        self._patterns = patterns
        self._drawn.clear()
        known = WITH_PLACE if has_places else WITHOUT_PLACE
        self.make_room(channels, BARE[has_places] if patterns is None else known)

    def show_neurons(
        self, tiles: Sequence[Tile], neurons: Mapping[int, Neuron], maps: Floats, shades: Shades, face: Image
    ) -> None:
        """Show these filters by their tiles; maps [channels, height, width], and the face RGB uint8 [side, side, 3]."""
        self._neurons, self._maps, self._shades, self._face, self._message = neurons, maps, shades, face, ""
        self._put(tiles)

    def forget_pixels(self) -> None:
        """The maps are painted anew; patterns stay as long as the tiles have their size."""
        self._pixels = None
        if self._drawn and next(iter(self._drawn.values())).deviceIndependentSize().width() != self.side_px:
            self._drawn.clear()

    def paint_tiles(self, painter: QPainter) -> None:
        """Paint pictures and captions."""
        face = None if self._face is None or self._form.across == 1 else picture(self._face)
        painter.setFont(self._font)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for place, tile in enumerate(self._tiles):
            rect = self.rect_of(place)
            neuron = self._neurons.get(tile.channel)
            if neuron is None:  # the room has just grown
                continue
            left = QRect(rect.topLeft(), QSize(self.side_px, self.side_px))
            self._paint_pattern(painter, left, place, tile.channel)
            if face is not None:
                self._paint_place(painter, left.translated(self.side_px + SEAM_PX, 0), face, neuron)
            self._paint_caption(painter, rect, tile, neuron)

    def _paint_pattern(self, painter: QPainter, rect: QRect, place: int, channel: int) -> None:
        if self._patterns is not None:
            if channel not in self._drawn:
                self._drawn[channel] = grey_pixmap(self._patterns[channel, 0], rect.width(), self.devicePixelRatioF())
            painter.drawPixmap(rect.topLeft(), self._drawn[channel])
        elif self._maps is not None:
            if self._pixels is None:
                side = round(self.side_px * self.devicePixelRatioF())
                self._pixels = self._shades.paint(self._maps[self.channels], (side, side), smooth=False)
            painter.drawImage(rect, as_image(self._pixels[place]))

    def _paint_place(self, painter: QPainter, rect: QRect, face: QImage, neuron: Neuron) -> None:
        painter.drawImage(rect, face)
        if neuron.place is None:
            return
        colour = neuron.colour or OVER_FACE
        centre = QPointF(neuron.place[0] * rect.width(), neuron.place[1] * rect.height()) + QPointF(rect.topLeft())
        painter.setClipRect(rect)
        paint_ring(painter, centre, RING_PX, colour, strong=bool(neuron.colour))
        painter.setClipping(False)

    def _paint_caption(self, painter: QPainter, rect: QRect, tile: Tile, neuron: Neuron) -> None:
        line = QRect(rect.left(), rect.bottom() + 2, rect.width(), LINE_PX)
        middle, metrics = Qt.AlignmentFlag.AlignVCenter, QFontMetrics(self._font)
        value = names.compact(neuron.activation)
        marked = tile.channel == self._channel
        colour = QColor(neuron.colour) if neuron.colour else self._theme.colour("accent" if marked else "muted")
        painter.setPen(colour)
        name = tile.name or f"#{tile.channel}"
        room = line.width() - metrics.horizontalAdvance(value) - 6
        name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | middle, name)
        painter.setPen(self._theme.colour("text"))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | middle, value)
        foot = QRect(line.left(), line.bottom() + 1, line.width(), BAR_PX)
        painter.fillRect(foot, self._theme.colour("track"))
        share = min(max(neuron.share, 0.0), 1.0)
        painter.fillRect(QRect(foot.topLeft(), QSize(round(foot.width() * share), BAR_PX)), colour)
        if not neuron.unit:
            return
        words = neuron.unit if line.width() >= NARROW_PX else neuron.unit_short
        words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, line.width())
        painter.setPen(self._theme.colour("text" if neuron.follows else "faint"))
        painter.drawText(line.translated(0, LINE_PX + BAR_PX), Qt.AlignmentFlag.AlignLeft | middle, words)


def picture(face: Image) -> QImage:
    """A picture of Qt's on the same memory, which must stay as long as it; RGB uint8 [height, width, 3]."""
    height, width = face.shape[:2]
    return QImage(face.data, width, height, 3 * width, QImage.Format.Format_RGB888)


def grey_pixmap(pattern: NDArray[np.uint8], side_px: int, ratio: float = 1.0) -> QPixmap:
    """A pattern, grey uint8 [p, p], as a square of this side."""
    pattern = np.ascontiguousarray(pattern)
    height, width = pattern.shape
    image = QImage(pattern.data, width, height, width, QImage.Format.Format_Grayscale8)
    size = QSize(round(side_px * ratio), round(side_px * ratio))
    modes = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    drawn = QPixmap.fromImage(image.scaled(size, *modes))
    drawn.setDevicePixelRatio(ratio)
    return drawn
