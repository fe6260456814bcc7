"""Feature maps as pixels: one scale for a whole layer, and the bar that states it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import names, theme
from core.geometry import Floats, Image
from core.opencv import cv2
from core.overlay import COLOUR_MAPS, SIGNED_MAPS

SIGNED: Final = "blue-orange"
UNSIGNED: Final = "inferno"
BAR_PX: Final = 96
NARROW_BAR_PX: Final = 40
UNIT: Final = "activation"


@dataclass(frozen=True)
class Shades:
    """How a layer's activations get their colours.

    Attributes
    ----------
    top
        Activation that gets the last colour; fixed, never fitted to a picture.
    signed
        Whether colours run from -top; else from 0.
    colour_map
        Of the settings. A layer with negative values has its own, in which 0 is dark and in the middle.
    """

    top: float = 1.0
    signed: bool = False
    colour_map: str = UNSIGNED

    @property
    def lowest(self) -> float:
        """Activation that gets the first colour."""
        return -self.top if self.signed else 0.0

    @property
    def colours(self) -> NDArray[np.uint8]:
        """RGB uint8 [256, 3], from the lowest to the top; what is 0 is near black."""
        if self.signed:
            return COLOUR_MAPS[SIGNED]
        usable = self.colour_map in COLOUR_MAPS and self.colour_map not in SIGNED_MAPS
        colours = COLOUR_MAPS[self.colour_map if usable else UNSIGNED]
        fade = np.clip(np.linspace(0.08, 4.0, 256), 0, 1)[:, None]  # maps for skin begin bright; silence is dark
        return np.asarray(colours * fade, np.uint8)

    def codes(self, values: Floats) -> NDArray[np.uint8]:
        """Places in `colours`, the shape of the values."""
        return np.asarray(np.clip((values - self.lowest) * (255 / (self.top - self.lowest)) + 0.5, 0, 255), np.uint8)

    def paint(self, values: Floats, side_px: tuple[int, int], smooth: bool) -> NDArray[np.uint32]:
        """Maps [n, height, width] enlarged to width and height in px: 0xffRRGGBB, uint32 [n, height, width].

        Values are enlarged first and coloured then, so that a colour between two units is a value between theirs.
        """
        way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
        width, height = side_px
        large = np.empty((len(values), height, width), np.uint8)
        for place, each in enumerate(values):
            large[place] = (
                self.codes(np.asarray(cv2.resize(each, side_px, interpolation=way), np.float32))
                if smooth
                else cv2.resize(self.codes(each), side_px, interpolation=way)
            )
        return np.asarray(_packed(self.colours)[large])

    def over(self, picture: Image, values: Floats, smooth: bool, opacity: float) -> Image:
        """A map [height, width] over a picture, RGB uint8 [h, w, 3]: the stronger, the less the picture is seen."""
        height, width = picture.shape[:2]
        way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
        codes = self.codes(np.asarray(cv2.resize(values, (width, height), interpolation=way), np.float32))
        steps = np.linspace(self.lowest, self.top, 256) / self.top
        alpha = np.asarray(cv2.LUT(codes, (np.sqrt(np.abs(steps)) * opacity).astype(np.float32)), np.float32)
        colours = np.asarray(cv2.applyColorMap(codes, np.ascontiguousarray(self.colours)[:, None]), np.uint8)
        return np.asarray(cv2.blendLinear(colours, np.ascontiguousarray(picture), alpha, 1 - alpha), np.uint8)


def as_image(pixels: NDArray[np.uint32]) -> QImage:
    """A picture of Qt's on the same memory, which must stay as long as it."""
    height, width = pixels.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    red, green, blue = (colours[:, channel].astype(np.uint32) for channel in range(3))
    return np.asarray(0xFF000000 | red << 16 | green << 8 | blue, np.uint32)


class ScaleBar(QWidget):
    """The colours with the activations at their ends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar_px = BAR_PX
        self._shades = Shades()
        self._theme = theme.DARK
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip("One scale for all maps of the layer. + and − change it, 0 sets it back, A fits it to now")

    def set_narrow(self, narrow: bool) -> None:
        """Leave room to others."""
        self._bar_px = NARROW_BAR_PX if narrow else BAR_PX
        self.updateGeometry()
        self.update()

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_shades(self, shades: Shades) -> None:
        """State this scale."""
        if shades != self._shades:
            self._shades = shades
            self.setAccessibleName(f"Scale: {' to '.join(self._ends())} {UNIT}")
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        metrics = QFontMetricsF(theme.font(12, tabular=True))
        texts = sum(metrics.horizontalAdvance(text) for text in (*self._ends(), UNIT))
        return QSize(round(texts) + self._bar_px + 28, 24)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(12, tabular=True))
        metrics, centre = QFontMetricsF(painter.font()), Qt.AlignmentFlag.AlignVCenter
        low, high = self._ends()
        painter.setPen(self._theme.colour("text"))
        painter.drawText(self.rect(), centre, low)
        x = metrics.horizontalAdvance(low) + 8
        ramp = QRectF(x, self.height() / 2 - 4, self._bar_px, 8)
        painter.drawText(QRectF(ramp.right() + 8, 0, 200, self.height()), centre, high)
        painter.setPen(self._theme.colour("muted"))
        unit_x = ramp.right() + 8 + metrics.horizontalAdvance(high) + 6
        painter.drawText(QRectF(unit_x, 0, 200, self.height()), centre, UNIT)
        painter.setPen(self._theme.colour("line"))
        painter.setBrush(_gradient(self._shades.colours, ramp))
        painter.drawRoundedRect(ramp, 4, 4)
        painter.end()

    def _ends(self) -> tuple[str, str]:
        return names.compact(self._shades.lowest), names.compact(self._shades.top)


def _gradient(colours: NDArray[np.uint8], rect: QRectF) -> QLinearGradient:
    gradient = QLinearGradient(QPointF(rect.topLeft()), QPointF(rect.topRight()))
    for place in np.linspace(0, 1, 17):
        red, green, blue = (int(value) for value in colours[round(float(place) * (len(colours) - 1))])
        gradient.setColorAt(float(place), QColor(red, green, blue))
    return gradient
