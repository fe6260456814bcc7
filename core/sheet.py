"""A comparison of methods as one picture: the face, and beside it every method's map with what was measured of it."""

import textwrap
from collections.abc import Callable
from typing import Final

import numpy as np

from core.comparison import Compared, Comparison
from core.geometry import Image
from core.lettering import ACCENT, AMBER, QUIET, WHITE, Colour, plate, text_width, write
from core.opencv import cv2
from core.overlay import NOTICE, Style, tinted
from core.types import Crop

FACE_PX: Final = 240
GAP_PX: Final = 20
TEXT_PX: Final = 104  # under each map
HEADER_PX: Final = 96
FOOTER_PX: Final = 64
LINE_PX: Final = 22
CAPITAL_PX: Final = 9.0
BACKGROUND: Final[Colour] = (22, 25, 31)
TILE: Final[Colour] = (33, 38, 46)
DIMMED: Final = 0.62  # brightness of the face under a map: colours stand out, features stay readable
COLOUR_MAP: Final = "blue-orange"


def draw_sheet(comparison: Comparison) -> Image:
    """Draw a comparison: RGB uint8 [height, width, 3]."""
    tiles = len(comparison.rows) + 1
    columns = min(6, max(2, int(np.ceil(np.sqrt(tiles * 1.6)))))
    rows = -(-tiles // columns)
    step_x, step_y = FACE_PX + GAP_PX, FACE_PX + TEXT_PX + GAP_PX
    size = (HEADER_PX + rows * step_y + FOOTER_PX, columns * step_x + GAP_PX)
    sheet = np.full((*size, 3), BACKGROUND, np.uint8)
    _draw_header(sheet, comparison)
    face = _enlarged(comparison.crop)
    best = _best(comparison)
    for place in range(tiles):
        left, top = GAP_PX + place % columns * step_x, HEADER_PX + place // columns * step_y
        plate(sheet, (left - 6, top - 6, FACE_PX + 12, FACE_PX + TEXT_PX + 8), TILE, 1.0)
        if place == 0:
            _draw_face(sheet, comparison, face, (left, top))
        else:
            _draw_row(sheet, comparison.rows[place - 1], face, (left, top), best)
    _draw_footer(sheet)
    return sheet


def _enlarged(crop: Crop) -> Image:
    image = crop.image if crop.image.ndim == 3 else np.repeat(crop.image[..., None], 3, axis=2)
    return np.asarray(cv2.resize(image, (FACE_PX, FACE_PX), interpolation=cv2.INTER_CUBIC), np.uint8)


def _draw_header(sheet: Image, comparison: Comparison) -> None:
    write(sheet, f"What explains {comparison.title}?", GAP_PX, 34, 1.7 * CAPITAL_PX, bold=True)
    about = (
        f"The model reads {comparison.prediction.label} with probability {comparison.prediction.probability:.2f}. "
        f"The explained score is {comparison.score:.2f} logits."
    )
    write(sheet, about, GAP_PX, 66, CAPITAL_PX, QUIET)


def _draw_footer(sheet: Image) -> None:
    height, width = sheet.shape[:2]
    ramp = Style(colour_map=COLOUR_MAP).colours
    strip, middle = 180, height - FOOTER_PX // 2
    words = ("against", "for the class; the colours end at the scale stated under each map")
    left = GAP_PX + text_width(words[0], CAPITAL_PX) + 12
    write(sheet, words[0], GAP_PX, middle, CAPITAL_PX, QUIET)
    sheet[middle - 5 : middle + 5, left : left + strip] = ramp[np.linspace(0, 255, strip).round().astype(int)]
    write(sheet, words[1], left + strip + 12, middle, CAPITAL_PX, QUIET)
    write(sheet, NOTICE, width - GAP_PX - text_width(NOTICE, CAPITAL_PX), middle, CAPITAL_PX, QUIET)


def _draw_face(sheet: Image, comparison: Comparison, face: Image, place: tuple[int, int]) -> None:
    left, top = place
    sheet[top : top + FACE_PX, left : left + FACE_PX] = face
    lines = [("The face, as the model sees it", WHITE, True), ("maps that have seen nothing:", QUIET, False)]
    for name, found in comparison.controls.items():
        lines.append((f"{name}: deletion {found.deletion:.3f}, insertion {found.insertion:.3f}", QUIET, False))
    _write_lines(sheet, lines, place)


def _draw_row(sheet: Image, row: Compared, face: Image, place: tuple[int, int], best: tuple[float, float]) -> None:
    left, top = place
    under = np.round(face * DIMMED).astype(np.uint8)
    where = (slice(top, top + FACE_PX), slice(left, left + FACE_PX))
    if row.explanation is None:
        sheet[where] = under // 2
        for number, line in enumerate(textwrap.wrap((row.problem or "").partition(" Still possible:")[0], 30)[:9]):
            write(sheet, line, left + 10, top + 24 + number * LINE_PX, 0.9 * CAPITAL_PX, AMBER)
        _write_lines(sheet, [(row.method.title, WHITE, True), ("cannot explain this model", AMBER, False)], place)
        return
    style = Style(colour_map=COLOUR_MAP, opacity=0.85)
    scale = style.scale(row.explanation)
    sheet[where] = tinted(under, row.explanation, style)
    _write_lines(
        sheet,
        [
            (row.method.title, WHITE, True),
            (_conservation(row), QUIET, False),
            ("", QUIET, False),
            (f"{_time(row.time_ms)}, scale {scale.value:.2g} {scale.unit_shown}", QUIET, False),
        ],
        place,
    )
    _write_faithful(sheet, row, (left, top + FACE_PX + 18 + 2 * LINE_PX), best)


def _write_lines(sheet: Image, lines: list[tuple[str, Colour, bool]], place: tuple[int, int]) -> None:
    left, top = place
    for number, (text, colour, bold) in enumerate(lines):
        size = CAPITAL_PX * (1.1 if bold else 0.85)
        write(sheet, _fitted(text, size, bold), left + 2, top + FACE_PX + 18 + number * LINE_PX, size, colour, bold)


def _write_faithful(sheet: Image, row: Compared, place: tuple[int, int], best: tuple[float, float]) -> None:
    """Both areas, the best of all methods in the accent colour."""
    assert row.faithful is not None
    left, middle = place[0] + 2, place[1]
    size = 0.85 * CAPITAL_PX
    for name, value, winner in zip(
        ("deletion", "insertion"), (row.faithful.deletion, row.faithful.insertion), best, strict=True
    ):
        wins = value == winner
        text = f"{name} {value:.3f}"
        write(sheet, text, left, middle, size, ACCENT if wins else QUIET, bold=wins)
        left += FACE_PX // 2


def _best(comparison: Comparison) -> tuple[float, float]:
    """The lowest deletion and the highest insertion of all methods."""
    found = [row.faithful for row in comparison.rows if row.faithful is not None]
    if not found:
        return float("nan"), float("nan")
    return min(each.deletion for each in found), max(each.insertion for each in found)


def _conservation(row: Compared) -> str:
    if row.gap is None:
        return "promises no sum"
    text = f"sum within {100 * max(row.gap, 1e-5):.2g} %"
    return text if row.absorbed is None else f"{text}, biases {100 * row.absorbed:.0f} %"


def _time(time_ms: float | None) -> str:
    if time_ms is None:
        return ""
    return f"{time_ms:.1f} ms" if time_ms < 10 else f"{time_ms:.0f} ms"


def _fitted(text: str, capital_px: float, bold: bool) -> str:
    """The text, shortened to the tile's width."""
    fits: Callable[[str], bool] = lambda part: text_width(part, capital_px, bold) <= FACE_PX  # noqa: E731
    if not text or fits(text):
        return text
    while text and not fits(text + ".."):
        text = text[:-1]
    return text + ".."
