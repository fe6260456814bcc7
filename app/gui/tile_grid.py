"""Channels of a layer side by side, as tiles: which there is room for, which one is chosen, and pins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import theme

GAP_PX: Final = 10
SEAM_PX: Final = 4  # between the pictures of one tile
EDGE_PX: Final = 2  # around all, for the frame of a chosen tile
PIN_PX: Final = 22
PIN_SIGN_PX: Final = 14


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
class Form:
    """How tiles are made up.

    Attributes
    ----------
    largest_px, smallest_px
        Limits of the side of a picture.
    wanted
        Tiles to make room for, where the layer has so many.
    caption_px
        Height of the words below.
    across
        Pictures side by side in one tile.
    """

    largest_px: int
    smallest_px: int
    wanted: int
    caption_px: int
    across: int = 1

    def width_px(self, side_px: int) -> int:
        """Width of a tile whose pictures have this side."""
        return self.across * side_px + (self.across - 1) * SEAM_PX


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
    def fitted(cls, size: QSize, channels: int, form: Form) -> "Shelves":
        """The largest tiles of which so many as are wanted fit into a size."""
        for side in range(form.largest_px, form.smallest_px - 1, -1):
            columns = (size.width() + GAP_PX) // (form.width_px(side) + GAP_PX)
            rows = (size.height() + GAP_PX) // (side + form.caption_px + GAP_PX)
            if columns * rows >= min(channels, form.wanted):
                break
        columns, rows = max(columns, 1), max(rows, 1)
        seams = (form.across - 1) * SEAM_PX
        wide = ((size.width() + GAP_PX) // columns - GAP_PX - seams) // form.across
        high = (size.height() + GAP_PX) // rows - GAP_PX - form.caption_px
        return cls(columns, rows, max(min(wide, high, form.largest_px), side))


class TileGrid(QWidget):
    """Lets a tile be chosen: by a click, or by the arrow keys while it has the focus. What tiles show is others'."""

    chosen = Signal(int)  # channel
    pin_wanted = Signal(int)  # channel, to be pinned or let go
    painted = Signal()
    resized = Signal()

    def __init__(self, form: Form, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._form, self._count = form, 1
        self._tiles: tuple[Tile, ...] = ()
        self._channel: int | None = None
        self._message = ""
        self._pointed: int | None = None  # place of the tile under the pointer
        self._shelves = Shelves(1, 1, form.largest_px)
        self._make_pins()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(200, 140)
        self.setAccessibleName(name)

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

    def make_room(self, channels: int, form: Form) -> None:
        """Make room for this many channels, as tiles of this form."""
        self._count, self._form = channels, form
        self._fit()

    def show_message(self, text: str) -> None:
        """A quiet sentence where there are no tiles."""
        if text != self._message or self._tiles:
            self._message = text
            self._put(())

    def choose(self, channel: int | None) -> None:
        """Mark a channel."""
        if channel != self._channel:
            self._channel = channel
            self.update()

    def rect_of(self, place: int) -> QRect:
        """Where a tile's pictures lie; its caption is below."""
        row, column = divmod(place, self._shelves.columns)
        side, width = self._shelves.side_px, self._form.width_px(self._shelves.side_px)
        left, top = column * (width + GAP_PX), row * (side + self._form.caption_px + GAP_PX)
        return QRect(left + EDGE_PX, top + EDGE_PX, width, side)

    def pin_rect(self, place: int) -> QRect:
        """Where a click pins: the upper right corner."""
        pictures = self.rect_of(place)
        return QRect(pictures.right() - PIN_PX + 1, pictures.top(), PIN_PX, PIN_PX)

    def step(self, by: int) -> None:
        """Choose the tile so many places on; the first where none is chosen."""
        channels = self.channels
        place = channels.index(self._channel) + by if self._channel in channels else 0
        if 0 <= place < len(channels):
            self.chosen.emit(channels[place])

    # What tiles show

    def paint_tiles(self, painter: QPainter) -> None:
        """Paint every tile's pictures and words."""
        raise NotImplementedError

    def forget_pixels(self) -> None:
        """What was made for painting is no longer good."""

    # Qt's own calls

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102, N802 - Qt's name
        columns = self._shelves.columns
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns}
        key = Qt.Key(event.key())
        if key in steps and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self.step(steps[key])
        elif key == Qt.Key.Key_Home and self._tiles:
            self.chosen.emit(self._tiles[0].channel)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._channel is not None:
            self.pin_wanted.emit(self._channel)
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
        if self._tiles:
            self.paint_tiles(painter)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # straight lines only
            for place, tile in enumerate(self._tiles):
                self._paint_frame(painter, place, tile)
        else:
            painter.setFont(theme.font(14))
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._message)
        painter.end()
        self.painted.emit()

    def _put(self, tiles: Sequence[Tile]) -> None:
        """Show these tiles, as many as there is room for."""
        self._tiles = tuple(tiles[: self.room])
        self.forget_pixels()
        self.update()

    def _make_pins(self) -> None:
        colours = {True: self._theme.colour("on_accent"), False: self._theme.colour("text")}
        ratio = self.devicePixelRatioF()
        self._pins = {pinned: theme.pixmap("pin", colour, PIN_SIGN_PX, ratio) for pinned, colour in colours.items()}

    def _fit(self) -> None:
        fitted = Shelves.fitted(self.size() - QSize(2 * EDGE_PX, 2 * EDGE_PX), self._count, self._form)
        if fitted != self._shelves:
            self._shelves = fitted
            self._put(self._tiles)

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

    def _place_at(self, point: QPointF) -> int | None:
        for place in range(len(self._tiles)):
            if self.rect_of(place).adjusted(0, 0, 0, self._form.caption_px).contains(point.toPoint()):
                return place
        return None

    def _point_at(self, place: int | None) -> None:
        if place != self._pointed:
            self._pointed = place
            shape = Qt.CursorShape.ArrowCursor if place is None else Qt.CursorShape.PointingHandCursor
            self.setCursor(shape)
            self.setToolTip("" if place is None else f"{self._tiles[place].title} (double click, P or Enter: pin)")
            self.update()
