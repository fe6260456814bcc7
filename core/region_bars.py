"""How much each face region counted, as small bars on a picture; mirrored, the person's right on the left."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Image
from core.lettering import AMBER, QUIET, WHITE, Colour, plate, write
from core.types import FaceResult, RegionRelevance

TROUGH: Final[Colour] = (44, 49, 57)
FULL: Final = 0.6  # share of relevance at which a whole bar is full; a half bar is full at half of it

# Label, regions of the left half bar, regions of the right one; no second entry: one bar over the whole width.
ROWS: Final[tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]] = (
    ("forehead", ("forehead",), ()),
    ("brow", ("right_brow",), ("left_brow",)),
    ("glabella", ("glabella",), ()),
    ("eye", ("right_eye",), ("left_eye",)),
    ("nose", ("nose",), ()),
    ("cheek", ("right_cheek",), ("left_cheek",)),
    ("mouth", ("upper_lip", "lower_lip"), ()),
    ("chin", ("chin",), ()),
    ("jaw", ("right_jaw",), ("left_jaw",)),
    ("outside", ("outside",), ()),
)


def bars_size(capital_px: float) -> tuple[int, int]:
    """Width and height of the panel, px."""
    return round(24 * capital_px), round((2.0 * len(ROWS) + 3.4) * capital_px)


def draw_bars(
    image: Image, face: FaceResult, left: int, top: int, capital_px: float, colours: NDArray[np.uint8]
) -> None:
    """Draw the panel with its top left corner at (left, top); `colours`, uint8 [n, 3], lead from none to strongest."""
    regions, explanation = face.regions, face.explanation
    if regions is None or explanation is None:
        return
    width, height = bars_size(capital_px)
    plate(image, (left, top, width, height))
    edge = left + round(capital_px)
    write(image, f"looked at for {explanation.title}", edge, round(top + 1.6 * capital_px), 0.72 * capital_px, QUIET)
    for number, row in enumerate(ROWS):
        middle = round(top + (3.8 + 2.0 * number) * capital_px)
        _draw_row(image, regions, row, (edge, middle), capital_px, colours)


def _draw_row(
    image: Image,
    regions: RegionRelevance,
    row: tuple[str, tuple[str, ...], tuple[str, ...]],
    place: tuple[int, int],
    capital_px: float,
    colours: NDArray[np.uint8],
) -> None:
    label, one, other = row
    left, middle = place
    outside = label == "outside"
    write(image, label, left, middle, 0.78 * capital_px, AMBER if outside else WHITE)
    start, whole = left + round(7.2 * capital_px), round(10.4 * capital_px)
    shares = [_sum(regions, names) for names in (one, other) if names]
    if other:
        half = whole // 2 - 1
        _bar(image, (start + half, middle, -half), shares[0], capital_px, colours)
        _bar(image, (start + half + 2, middle, half), shares[1], capital_px, colours)
    else:
        _bar(image, (start, middle, whole), shares[0], capital_px, colours, hatched=outside)
    percent = f"{100 * sum(share for share, _ in shares):.0f} %"
    write(image, percent, start + whole + round(0.6 * capital_px), middle, 0.78 * capital_px, QUIET)


def _bar(
    image: Image,
    line: tuple[int, int, int],
    values: tuple[float, float],
    capital_px: float,
    colours: NDArray[np.uint8],
    hatched: bool = False,
) -> None:
    """One bar from `line` (start x, middle y, signed length; px); a tick marks what a uniform map would give."""
    start, middle, length = line
    share, area = values
    reach = abs(length) / (FULL / 2 if abs(length) < 6 * capital_px else FULL)
    thick = max(round(0.9 * capital_px), 3)
    top = middle - thick // 2
    sign = 1 if length > 0 else -1
    fill(image, (start, start + length), top, thick, TROUGH)
    end = start + sign * min(round(share * reach), abs(length))
    red, green, blue = (int(v) for v in colours[int((len(colours) - 1) * min(0.3 + share, 1.0))])
    fill(image, (start, end), top, thick, AMBER if hatched else (red, green, blue))
    if hatched:
        for x in range(start + 2, end, 4):
            fill(image, (x, x + 1), top, thick, TROUGH)
    tick = start + sign * min(round(area * reach), abs(length) - 1)
    fill(image, (tick, tick + 1), top - 1, thick + 2, WHITE)


def fill(image: Image, across: tuple[int, int], top: int, height: int, colour: Colour) -> None:
    """Paint a rectangle between two columns, in either order, px; what lies beyond the picture is cut off."""
    x0, x1 = across
    rows = slice(max(top, 0), max(top + height, 0))
    image[rows, max(min(x0, x1), 0) : max(x0, x1, 0)] = colour


def _sum(regions: RegionRelevance, names: tuple[str, ...]) -> tuple[float, float]:
    """Share of the positive relevance and of the area that regions have together; 0 for regions that are not there."""
    places = [regions.regions.index(name) for name in names if name in regions.regions]
    return float(regions.shares[places].sum()), float(regions.areas[places].sum())
