"""The quiet mark of a decision whose evidence lies elsewhere, on a picture: a shape of its own for each reason.

The empty diamond says "not the expected regions" (which a full one marks everywhere else), the ring with a point beside
it "outside the face", the empty ring "nothing speaks for it". Amber for the first two; never colour alone.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from core.geometry import Image
from core.lettering import AMBER, QUIET, Colour, plate, stamp, text_width, write
from core.opencv import cv2
from core.verdict import Verdict

WORDS: Final[Mapping[Verdict, str]] = {
    Verdict.UNEXPECTED: "unexpected regions",
    Verdict.OUTSIDE: "outside the face",
    Verdict.NO_EVIDENCE: "no evidence",
}
COLOURS: Final[Mapping[Verdict, Colour]] = {
    Verdict.UNEXPECTED: AMBER,
    Verdict.OUTSIDE: AMBER,
    Verdict.NO_EVIDENCE: QUIET,
}
_FINE: Final = 8  # marks are drawn this much larger, and averaged down
_SHIFT: Final = 4  # binary digits after the point in OpenCV's coordinates


def mark_width(verdict: Verdict, capital_px: float, words: bool = True) -> int:
    """Width of a mark's plate, px, with or without its words."""
    height = _height(capital_px)
    if not words:
        return height
    return height + text_width(WORDS[verdict], 0.78 * capital_px) + round(0.6 * capital_px)


def draw_mark(image: Image, verdict: Verdict, corner: tuple[int, int], capital_px: float, words: bool = True) -> None:
    """Draw the mark of an unsupported verdict on a plate, whose upper left corner is given; as high as a label."""
    (left, top), height = corner, _height(capital_px)
    plate(image, (left, top, mark_width(verdict, capital_px, words), height))
    side = round(1.4 * capital_px)
    canvas = np.zeros((side * _FINE, side * _FINE), np.uint8)
    _SHAPES[verdict](canvas, side * _FINE)
    ink = np.asarray(cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    inset = (height - side) // 2
    stamp(image, ink, left + inset, top + inset, COLOURS[verdict])
    if words:
        write(image, WORDS[verdict], left + height, top + height // 2, 0.78 * capital_px, COLOURS[verdict])


def _height(capital_px: float) -> int:
    return round(2.2 * capital_px)


def _diamond(canvas: Image, side: int) -> None:
    corners = np.array([(0.5, 0.10), (0.90, 0.5), (0.5, 0.90), (0.10, 0.5)]) * side * (1 << _SHIFT)
    cv2.polylines(canvas, [np.rint(corners).astype(np.int32)], True, (255,), _thick(side), cv2.LINE_AA, _SHIFT)


def _ring_and_point(canvas: Image, side: int) -> None:
    """A face, and a point beside it."""
    centre, axes = (round(0.36 * side), side // 2), (round(0.27 * side), round(0.37 * side))
    cv2.ellipse(canvas, centre, axes, 0, 0, 360, (255,), _thick(side), cv2.LINE_AA)
    cv2.circle(canvas, (round(0.86 * side), side // 2), round(0.13 * side), (255,), -1, cv2.LINE_AA)


def _empty_ring(canvas: Image, side: int) -> None:
    cv2.circle(canvas, (side // 2, side // 2), round(0.36 * side), (255,), _thick(side), cv2.LINE_AA)


_SHAPES: Final[Mapping[Verdict, Callable[[Image, int], None]]] = {
    Verdict.UNEXPECTED: _diamond,
    Verdict.OUTSIDE: _ring_and_point,
    Verdict.NO_EVIDENCE: _empty_ring,
}


def _thick(side: int) -> int:
    return max(round(0.12 * side), 1)
