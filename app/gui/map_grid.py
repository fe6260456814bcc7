"""The strongest channels of a layer side by side: the map, the channel's number, its strength, and a pin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import names, theme
from app.gui.map_colours import Shades, as_image
from core.geometry import Floats

GAP_PX: Final = 10
CAPTION_PX: Final = 20
BAR_PX: Final = 3  # of the strength, at the foot of the caption
PIN_PX: Final = 22
PIN_SIGN_PX: Final = 14
SIDES_PX: Final = (176, 84)  # largest and smallest tile
VALUE_SIDES_PX: Final = (96, 64)  # of maps of one pixel
WANTED: Final = 30  # tiles to make room for, where the layer has so many
WANTED_VALUES: Final = 72


@dataclass(frozen=True)
class Tile:
    """One channel; `strength` is what it is ranked by, `name` the class it stands for, if any."""

    channel: int
    strength: float
    pinned: bool
    name: str = ""

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return f"Channel {self.channel}" + (f", {self.name}" if self.name else "")


@dataclass(frozen=True)
class Shelves:
    """Tiles of one size in rows."""

    columns: int
    rows: int
    side_px: int

    @property
    def room(self) -> int:
        """How many tiles there are places for."""
        return self.columns * self.rows

    @classmethod
    def fitted(cls, size: QSize, channels: int, values: bool) -> "Shelves":
        """The largest tiles of which so many as are wanted fit into a size."""
        largest, smallest = VALUE_SIDES_PX if values else SIDES_PX
        wanted = min(channels, WANTED_VALUES if values else WANTED)
        for side in range(largest, smallest - 1, -1):
            columns = (size.width() + GAP_PX) // (side + GAP_PX)
            rows = (size.height() + GAP_PX) // (side + CAPTION_PX + GAP_PX)
            if columns * rows >= wanted:
                break
        columns, rows = max(columns, 1), max(rows, 1)
        filling = (size.width() + GAP_PX) // columns - GAP_PX, (size.height() + GAP_PX) // rows - GAP_PX - CAPTION_PX
        return cls(columns, rows, max(min(*filling, largest), side))


class MapGrid(QWidget):
    """Shows tiles and lets one be chosen: by a click, or by the arrow keys while it has the focus."""

    chosen = Signal(int)  # channel
    pin_wanted = Signal(int)  # channel, to be pinned or let go
    painted = Signal()
    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._tiles: tuple[Tile, ...] = ()
        self._maps: Floats | None = None
        self._shades = Shades()
        self._smooth = False
        self._channel: int | None = None
        self._message = ""
        self._pointed: int | None = None  # place of the tile under the pointer
        self._pixels: NDArray[np.uint32] | None = None  # made when painted
        self._shelves = Shelves(1, 1, SIDES_PX[0])
        self._shape = (1, 1, 1)
        self._font = theme.font(11, tabular=True)
        self._digit_px = QFontMetrics(self._font).horizontalAdvance("0")
        self._make_pins()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(200, 140)
        self.setAccessibleName("Feature maps")

    @property
    def room(self) -> int:
        """How many tiles can be shown."""
        return self._shelves.room

    @property
    def channels(self) -> list[int]:
        """The channels shown, in their order."""
        return [tile.channel for tile in self._tiles]

    @property
    def message(self) -> str:
        """What is said in place of tiles."""
        return self._message

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self._make_pins()
        self.update()

    def show_layer(self, shape: tuple[int, int, int]) -> None:
        """Make room for maps of this many channels, rows and columns."""
        self._shape = shape
        self._fit()

    def show_tiles(self, tiles: Sequence[Tile], maps: Floats, shades: Shades, smooth: bool) -> None:
        """Show these channels of maps [channels, height, width]."""
        self._tiles, self._maps, self._shades, self._smooth = tuple(tiles[: self.room]), maps, shades, smooth
        self._message, self._pixels = "", None
        self.update()

    def show_message(self, text: str) -> None:
        """A quiet sentence where there are no maps."""
        if text != self._message or self._tiles:
            self._message, self._tiles, self._pixels = text, (), None
            self.update()

    def choose(self, channel: int | None) -> None:
        """Mark a channel."""
        if channel != self._channel:
            self._channel = channel
            self.update()

    def rect_of(self, place: int) -> QRect:
        """Where a tile's map lies; its caption is below."""
        row, column = divmod(place, self._shelves.columns)
        side = self._shelves.side_px
        return QRect(column * (side + GAP_PX) + 2, row * (side + CAPTION_PX + GAP_PX) + 2, side, side)

    def pin_rect(self, place: int) -> QRect:
        """Where a click pins: the map's upper right corner."""
        map_rect = self.rect_of(place)
        return QRect(map_rect.right() - PIN_PX + 1, map_rect.top(), PIN_PX, PIN_PX)

    def step(self, by: int) -> None:
        """Choose the tile so many places on; the first where none is chosen."""
        channels = self.channels
        place = channels.index(self._channel) + by if self._channel in channels else 0
        if 0 <= place < len(channels):
            self.chosen.emit(channels[place])

    # Qt's own calls

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102, N802 - Qt's name
        columns = self._shelves.columns
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns}
        key = Qt.Key(event.key())
        if key in steps and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self.step(steps[key])
        elif key == Qt.Key.Key_Home and self._tiles:
            self.chosen.emit(self._tiles[0].channel)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        place = self._place_at(event.position())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            on_pin = self.pin_rect(place).contains(event.position().toPoint())
            (self.pin_wanted if on_pin else self.chosen).emit(self._tiles[place].channel)
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        place = self._place_at(event.position())
        if place is not None and not self.pin_rect(place).contains(event.position().toPoint()):
            self.pin_wanted.emit(self._tiles[place].channel)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        self._point_at(self._place_at(event.position()))

    def leaveEvent(self, event: object) -> None:  # noqa: D102, N802 - Qt's name
        self._point_at(None)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().resizeEvent(event)
        self._fit()
        self.resized.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._tiles or self._maps is None:
            painter.setFont(theme.font(14))
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._message)
        else:
            pixels = self._painted_pixels(self._maps)
            for place in range(len(self._tiles)):
                painter.drawImage(self.rect_of(place), as_image(pixels[place]))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # straight lines only
            painter.setFont(self._font)
            for place, tile in enumerate(self._tiles):
                self._paint_frame(painter, place, tile)
                self._paint_caption(painter, self.rect_of(place), tile)
        painter.end()
        self.painted.emit()

    def _make_pins(self) -> None:
        colours = {True: self._theme.colour("on_accent"), False: self._theme.colour("text")}
        ratio = self.devicePixelRatioF()
        self._pins = {pinned: theme.pixmap("pin", colour, PIN_SIGN_PX, ratio) for pinned, colour in colours.items()}

    def _fit(self) -> None:
        channels, height, width = self._shape
        fitted = Shelves.fitted(self.size() - QSize(4, 4), channels, height * width == 1)
        if fitted != self._shelves:
            self._shelves, self._pixels = fitted, None
            self._tiles = self._tiles[: self.room]
            self.update()

    def _painted_pixels(self, maps: Floats) -> NDArray[np.uint32]:
        if self._pixels is None:
            side = round(self._shelves.side_px * self.devicePixelRatioF())
            self._pixels = self._shades.paint(maps[self.channels], (side, side), self._smooth)
        return self._pixels

    def _paint_frame(self, painter: QPainter, place: int, tile: Tile) -> None:
        chosen = tile.channel == self._channel
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.colour("accent" if chosen else "line"), 3 if chosen else 1))
        painter.drawRect(self.rect_of(place).adjusted(-1, -1, 0, 0))
        if not tile.pinned and place != self._pointed:
            return
        corner, margin = self.pin_rect(place), (PIN_PX - PIN_SIGN_PX) // 2
        painter.fillRect(corner, self._theme.colour("accent" if tile.pinned else "raised"))
        painter.drawPixmap(corner.topLeft() + QPoint(margin, margin), self._pins[tile.pinned])

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

    def _place_at(self, point: QPointF) -> int | None:
        for place in range(len(self._tiles)):
            if self.rect_of(place).adjusted(0, 0, 0, CAPTION_PX).contains(point.toPoint()):
                return place
        return None

    def _point_at(self, place: int | None) -> None:
        if place != self._pointed:
            self._pointed = place
            shape = Qt.CursorShape.ArrowCursor if place is None else Qt.CursorShape.PointingHandCursor
            self.setCursor(shape)
            self.setToolTip("" if place is None else f"{self._tiles[place].title} (double click or P: pin)")
            self.update()
