"""The strongest channels of a layer side by side: the map, the channel's number, its strength, and a pin."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QWidget

from app.gui import names, theme
from app.gui.map_colours import Shades, as_image
from app.gui.tile_grid import Form, Tile, TileGrid
from core.geometry import Floats

CAPTION_PX: Final = 20
BAR_PX: Final = 3  # of the strength, at the foot of the caption
MAPS: Final = Form(176, 84, 30, CAPTION_PX)
VALUES: Final = Form(96, 64, 72, CAPTION_PX)  # maps of one pixel


class MapGrid(TileGrid):
    """Shows maps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(MAPS, "Feature maps", parent)
        self._maps: Floats | None = None
        self._shades = Shades()
        self._smooth = False
        self._pixels: NDArray[np.uint32] | None = None  # made when painted
        self._font = theme.font(11, tabular=True)
        self._digit_px = QFontMetrics(self._font).horizontalAdvance("0")

    def show_layer(self, shape: tuple[int, int, int]) -> None:
        """Make room for maps of this many channels, rows and columns."""
        channels, height, width = shape
        self.make_room(channels, VALUES if height * width == 1 else MAPS)

    def show_tiles(self, tiles: Sequence[Tile], maps: Floats, shades: Shades, smooth: bool) -> None:
        """Show these channels of maps [channels, height, width]."""
        self._maps, self._shades, self._smooth, self._message = maps, shades, smooth, ""
        self._put(tiles)

    def forget_pixels(self) -> None:
        """The maps are painted anew."""
        self._pixels = None

    def paint_tiles(self, painter: QPainter) -> None:
        """Paint maps with their captions."""
        assert self._maps is not None
        pixels = self._painted_pixels(self._maps)
        painter.setFont(self._font)
        for place, tile in enumerate(self._tiles):
            painter.drawImage(self.rect_of(place), as_image(pixels[place]))
            self._paint_caption(painter, self.rect_of(place), tile)

    def _painted_pixels(self, maps: Floats) -> NDArray[np.uint32]:
        if self._pixels is None:
            side = round(self._shelves.side_px * self.devicePixelRatioF())
            self._pixels = self._shades.paint(maps[self.channels], (side, side), self._smooth)
        return self._pixels

    def _paint_caption(self, painter: QPainter, rect: QRect, tile: Tile) -> None:
        caption = QRect(rect.left(), rect.bottom() + 2, rect.width(), CAPTION_PX - BAR_PX - 2)
        name, value = self._caption(tile, caption.width())
        marked = tile.pinned or tile.channel == self._channel
        painter.setPen(self._theme.colour("accent" if marked else "muted"))
        painter.drawText(caption, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        painter.setPen(self._theme.colour("text"))
        painter.drawText(caption, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, value)
        share = min(max(tile.strength / self._shades.top, 0.0), 1.0)
        foot = QRect(caption.left(), caption.bottom() + 1, caption.width(), BAR_PX)
        painter.fillRect(foot, self._theme.colour("track"))
        painter.fillRect(QRect(foot.topLeft(), QSize(round(foot.width() * share), BAR_PX)), self._theme.colour("muted"))

    def _caption(self, tile: Tile, width: int) -> tuple[str, str]:
        """Class or number of the channel and its strength, as long as there is room; a class is cut for two digits."""
        texts = [names.compact(tile.strength, digits) for digits in (3, 2, 1)]
        if tile.name:
            room = width - self._digit_px * (len(texts[1]) + 1)
            return QFontMetrics(self._font).elidedText(tile.name, Qt.TextElideMode.ElideRight, room), texts[1]
        name = f"#{tile.channel}"
        room = width // self._digit_px - len(name) - 1
        return name, next((text for text in texts if len(text) <= room), "")
