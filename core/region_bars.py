"""How much each face region counted, as small bars on a picture; mirrored, the person's right on the left."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Image
from core.lettering import AMBER, QUIET, WHITE, Colour, plate, write
from core.relevance import agreement
from core.types import FaceResult, LandmarkWait, RegionRelevance

TROUGH: Final[Colour] = (44, 49, 57)
MESH: Final[Colour] = (122, 216, 196)  # what a landmark network says, beside what pixels say
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


def has_bars(face: FaceResult) -> bool:
    """Whether there is something to show about a face."""
    return (face.regions is not None and face.explanation is not None) or face.by_landmarks is not None


def bars_size(face: FaceResult, capital_px: float) -> tuple[int, int]:
    """Width and height of the panel, px."""
    return round(24 * capital_px), round((2.0 * len(ROWS) + 1.6 + 1.8 * len(_titles(face))) * capital_px)


def draw_bars(
    image: Image, face: FaceResult, left: int, top: int, capital_px: float, colours: NDArray[np.uint8]
) -> None:
    """Draw the panel with its top left corner at (left, top); `colours`, uint8 [n, 3], lead from none to strongest.

    Where a landmark network reads the face too, a thin bar under each shows what its points say of the same region.
    """
    width, height = bars_size(face, capital_px)
    plate(image, (left, top, width, height))
    edge, line = left + round(capital_px), top + 1.6 * capital_px
    for text, colour in _titles(face):
        write(image, text, edge, round(line), 0.72 * capital_px, colour)
        line += 1.8 * capital_px
    explained = (face.regions, face.points.regions if face.points is not None else None)
    for number, row in enumerate(ROWS):
        middle = round(line + (0.4 + 2.0 * number) * capital_px)
        _draw_row(image, explained, row, (edge, middle), capital_px, colours)


def _titles(face: FaceResult) -> list[tuple[str, Colour]]:
    """What the bars are about: the pixels' class, and what the landmark network reads, or why it does not."""
    titles = [] if face.explanation is None else [(f"looked at for {face.explanation.title}", QUIET)]
    read = face.by_landmarks
    if isinstance(read, LandmarkWait):
        titles.append((f"landmarks: {read.why}", QUIET))
    elif read is not None:
        agreed = agreement(face)
        said = f"landmarks, {read.points.target} {read.probability(read.points.target):.2f}"
        titles.append((said if agreed is None else f"{said}, agree {agreed:.2f}", MESH))
    return titles


def _draw_row(
    image: Image,
    explained: tuple[RegionRelevance | None, RegionRelevance | None],
    row: tuple[str, tuple[str, ...], tuple[str, ...]],
    place: tuple[int, int],
    capital_px: float,
    colours: NDArray[np.uint8],
) -> None:
    label, one, other = row
    left, middle = place
    outside = label == "outside"
    pixels, points = explained
    write(image, label, left, middle, 0.78 * capital_px, AMBER if outside else WHITE)
    start, whole = left + round(7.2 * capital_px), round(10.4 * capital_px)
    half, parts = whole // 2 - 1, [names for names in (one, other) if names]
    lines = ((start + half, -half), (start + half + 2, half)) if other else ((start, whole),)
    for names, (begin, length) in zip(parts, lines, strict=True):
        if pixels is not None:
            _bar(image, (begin, middle, length), _sum(pixels, names), capital_px, colours, hatched=outside)
        if points is not None and not outside:
            _thin_bar(image, (begin, middle, length), _sum(points, names)[0], capital_px)
    leading = pixels if pixels is not None else points
    if leading is None:
        return
    percent = f"{100 * sum(_sum(leading, names)[0] for names in parts):.0f} %"
    write(image, percent, start + whole + round(0.6 * capital_px), middle, 0.78 * capital_px, QUIET)


def _reach(length: int, capital_px: float) -> float:
    """Pixels per share of relevance of a bar of this length."""
    return abs(length) / (FULL / 2 if abs(length) < 6 * capital_px else FULL)


def _thin_bar(image: Image, line: tuple[int, int, int], share: float, capital_px: float) -> None:
    """The landmark network's bar, under the pixels' one."""
    start, middle, length = line
    thick = max(round(0.9 * capital_px), 3)
    end = start + (1 if length > 0 else -1) * min(round(share * _reach(length, capital_px)), abs(length))
    fill(image, (start, end), middle - thick // 2 + thick + 1, max(round(0.3 * capital_px), 2), MESH)


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
    reach = _reach(length, capital_px)
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
