"""Words and plates on pictures: OpenCV's stroke letters, drawn large and averaged down so that small print is clean."""

from functools import lru_cache
from typing import Final

import numpy as np

from core.geometry import Image, frozen
from core.opencv import cv2

Colour = tuple[int, int, int]

WHITE: Final[Colour] = (245, 247, 250)
QUIET: Final[Colour] = (168, 176, 188)
ACCENT: Final[Colour] = (96, 190, 255)
AMBER: Final[Colour] = (255, 184, 77)  # warnings
DARK: Final[Colour] = (16, 19, 24)

_FINE: Final = 8  # letters are drawn this much larger
_CAPITAL: Final = 21.0  # height of a capital at OpenCV's font scale 1, px
_WEIGHT: Final = 0.13  # thickness of a stroke over the height of a capital


@lru_cache(maxsize=512)
def lettering(text: str, capital_px: float, bold: bool = False) -> Image:
    """Coverage of one line of ASCII text, uint8 [height, width]; a capital is `capital_px` high."""
    scale = capital_px * _FINE / _CAPITAL
    stroke = max(round(capital_px * _FINE * _WEIGHT * (1.5 if bold else 1.0)), 1)
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
    size = (-(-(width + stroke) // _FINE) * _FINE, -(-(height + base + stroke) // _FINE) * _FINE)
    canvas = np.zeros((size[1], size[0]), np.uint8)
    origin = (stroke // 2, height + stroke // 2)
    cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, (255,), stroke, cv2.LINE_AA)
    small = cv2.resize(canvas, (size[0] // _FINE, size[1] // _FINE), interpolation=cv2.INTER_AREA)
    return frozen(np.asarray(small, np.uint8))


def text_width(text: str, capital_px: float, bold: bool = False) -> int:
    """How wide a line of text is, px."""
    return int(lettering(text, capital_px, bold).shape[1])


def write(
    image: Image, text: str, left: int, middle: int, capital_px: float, colour: Colour = WHITE, bold: bool = False
) -> None:
    """Write one line into a picture, its capitals centred on the row `middle`."""
    ink = lettering(text, capital_px, bold)
    stamp(image, ink, left, round(middle - capital_px / 2 - capital_px * _WEIGHT / 2), colour)


def plate(image: Image, box: tuple[int, int, int, int], colour: Colour = DARK, opacity: float = 0.78) -> None:
    """Lay a rounded rectangle (left, top, width, height; px) under what comes next."""
    left, top, width, height = box
    stamp(image, _rounded(width, height), left, top, colour, opacity)


def stamp(image: Image, coverage: Image, left: int, top: int, colour: Colour, opacity: float = 1.0) -> None:
    """Blend a colour into a picture where `coverage` (uint8 [height, width]) says so; what lies beyond is cut off."""
    height, width = coverage.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, image.shape[1]), min(top + height, image.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    alpha = coverage[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.float32) * (opacity / 255)
    under = image[y0:y1, x0:x1]
    under[:] = np.round(under + alpha * (np.array(colour, np.float32) - under)).astype(np.uint8)


@lru_cache(maxsize=128)
def _rounded(width: int, height: int) -> Image:
    radius = min(height, width, 12) // 3
    canvas = np.zeros((height * 4, width * 4), np.uint8)
    r, w, h = radius * 4, width * 4, height * 4
    cv2.rectangle(canvas, (r, 0), (w - r - 1, h - 1), (255,), -1)
    cv2.rectangle(canvas, (0, r), (w - 1, h - r - 1), (255,), -1)
    for x in (r, w - r - 1):
        for y in (r, h - r - 1):
            cv2.circle(canvas, (x, y), r, (255,), -1)
    return frozen(np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.uint8))
