"""Contact sheets of a layer: every filter's patterns, the action unit it follows, and how its maxima are spread."""

import textwrap
from collections.abc import Iterator
from typing import Final

import numpy as np

from core.facs import unit_name
from core.geometry import Floats, Image
from core.lettering import ACCENT, QUIET, WHITE, Colour, plate, stamp, text_width, write
from core.neurons.atlas import BEST, LayerAtlas
from core.opencv import cv2
from models.verify.neurons import Gallery, LayerFindings

PER_SHEET: Final = 40  # filters
COLUMNS: Final = 4
LARGE_PX: Final = 104  # side of a filter's mean pattern
SMALL_PX: Final = 49  # side of a single one
BARS_PX: Final = (66, 46)  # width and height of a histogram
PAD_PX: Final = 10
TEXT_PX: Final = 22
CAPITAL_PX: Final = 8.0
HEADER_PX: Final = 128
LINE: Final = 190  # letters that fit into the width of a sheet
BACKGROUND: Final[Colour] = (22, 25, 31)
TILE: Final[Colour] = (33, 38, 46)
TILE_SIZE: Final = (2 * PAD_PX + LARGE_PX + 8 + BEST * (BARS_PX[0] + 8), 2 * PAD_PX + LARGE_PX + TEXT_PX + 4)


def sheets(found: LayerFindings, gallery: Gallery, pack: str) -> Iterator[Image]:
    """Draw the layer's filters, those with a name first, by unit: RGB uint8 pictures of `PER_SHEET` filters."""
    order = in_order(found.atlas)
    parts = [order[start : start + PER_SHEET] for start in range(0, len(order), PER_SHEET)]
    for number, part in enumerate(parts, start=1):
        columns = min(COLUMNS, len(part))
        rows = -(-len(part) // columns)
        width, height = (size + PAD_PX for size in TILE_SIZE)
        size = (HEADER_PX + rows * height + PAD_PX, max(COLUMNS * width + PAD_PX, 900))
        sheet = np.full((*size, 3), BACKGROUND, np.uint8)
        _header(sheet, found, gallery, f"{pack}, {_ascii(found.layer.title)}", f"{number} of {len(parts)}")
        for place, each in enumerate(part):
            corner = (PAD_PX + place % columns * width, HEADER_PX + place // columns * height)
            plate(sheet, (*corner, *TILE_SIZE), TILE, 1.0)
            _tile(sheet, found.atlas, each, corner)
        yield sheet


def in_order(atlas: LayerAtlas) -> list[int]:
    """Filters by the unit that names them and falling divergence; those without a name last."""
    strength = np.nan_to_num(atlas.divergence)
    return sorted(range(atlas.filters), key=lambda each: (atlas.unit[each] or 1 << 14, -strength[each], each))


def _ascii(text: str) -> str:
    return text.replace(" · ", ", ").replace("×", "x").encode("ascii", "replace").decode()


def _header(sheet: Image, found: LayerFindings, gallery: Gallery, title: str, number: str) -> None:
    following = found.following
    write(sheet, f"What the filters look for: {title}", PAD_PX, 24, 12.0, bold=True)
    write(sheet, number, sheet.shape[1] - PAD_PX - text_width(number, CAPITAL_PX), 24, CAPITAL_PX, QUIET)
    patterns = found.patterns
    single = ", and those of three single pictures" if found.atlas.patterns.shape[1] > 1 else ""
    about = (
        f"{gallery.title}. Action units: {gallery.table.source}. Each tile: the mean {patterns.method.lower()} pattern "
        f"of the top {patterns.top.shape[1]} pictures, {patterns.side_px} px of the crop wide{single}; then the three "
        "action units with the largest divergence (nats): the spread of the maximum over pictures with the unit (blue) "
        f"and without (grey). Named where q <= {following.level:g}, {following.permutations} permutations."
    )
    for place, line in enumerate(textwrap.wrap(_ascii(about), LINE)):
        write(sheet, line, PAD_PX, 52 + place * TEXT_PX, CAPITAL_PX, QUIET)


def _tile(sheet: Image, atlas: LayerAtlas, number: int, corner: tuple[int, int]) -> None:
    left, top = corner[0] + PAD_PX, corner[1] + PAD_PX
    unit = int(atlas.unit[number])
    name = f"AU {unit} {unit_name(unit)}" if unit else "no action unit"
    write(sheet, f"{number}", left, top + 6, CAPITAL_PX, QUIET)
    write(sheet, name, left + 40, top + 6, 1.05 * CAPITAL_PX, WHITE if unit else QUIET, bold=bool(unit))
    top += TEXT_PX
    _picture(sheet, atlas.patterns[number, 0], (left, top), LARGE_PX)
    left += LARGE_PX + 8
    for place in range(BEST):
        _unit(sheet, atlas, number, place, (left + place * (BARS_PX[0] + 8), top))
    for place, pattern in enumerate(atlas.patterns[number, 1:]):
        _picture(sheet, pattern, (left + place * (BARS_PX[0] + 8), top + LARGE_PX - SMALL_PX + 8), SMALL_PX - 8)


def _picture(sheet: Image, pattern: Image, corner: tuple[int, int], side: int) -> None:
    large = cv2.resize(
        pattern, (side, side), interpolation=cv2.INTER_NEAREST if side < len(pattern) else cv2.INTER_CUBIC
    )
    sheet[corner[1] : corner[1] + side, corner[0] : corner[0] + side] = large[..., None]


def _unit(sheet: Image, atlas: LayerAtlas, number: int, place: int, corner: tuple[int, int]) -> None:
    unit = int(atlas.units[number, place])
    if not unit:
        return
    found = atlas.q_values[number, place] <= atlas.level
    text = f"{unit}  {atlas.divergences[number, place]:.2f}"
    write(sheet, text, corner[0], corner[1] + BARS_PX[1] + 8, 0.9 * CAPITAL_PX, WHITE if found else QUIET)
    top = max(float(atlas.present[number, place].max()), float(atlas.absent[number, place].max()))
    for values, colour, opacity in ((atlas.absent, QUIET, 0.55), (atlas.present, ACCENT, 0.75 if found else 0.35)):
        stamp(sheet, _bars(values[number, place] / top), corner[0], corner[1], colour, opacity)


def _bars(heights: Floats) -> Image:
    """Bars of heights 0..1 as coverage uint8 [height, width]."""
    width, height = BARS_PX
    columns = heights[np.arange(width) * len(heights) // width]
    return np.where(
        (height - np.arange(height))[:, None] <= np.rint(columns * height)[None], np.uint8(255), np.uint8(0)
    )


def faces_sheet(found: LayerFindings, gallery: Gallery, filters: list[int]) -> Image:
    """The top pictures of some filters, a row each: grey uint8. Of training data these stay on the machine."""
    rows = []
    for number in filters:
        crops = gallery.faces[found.patterns.top[number]].mean(axis=1)
        rows.append(np.concatenate([np.pad(crop, 1) for crop in crops], axis=1))
    sheet: Image = np.concatenate(rows).astype(np.uint8)
    return sheet
