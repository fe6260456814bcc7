"""The scores of every face, as small bars on a picture: see `core.score_panels`."""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from core.geometry import Box, Image
from core.lettering import ACCENT, AMBER, DARK, QUIET, WHITE, plate, text_width, write
from core.opencv import cv2
from core.panel_places import MIDDLE, Anchor, PanelPlaces
from core.places import around, beside, nearest_points
from core.region_bars import TROUGH, fill
from core.score_panels import Panel, Row, panel_of
from core.types import FaceResult

ROW: Final = 1.9  # from line to line, over the height of a capital
BAR: Final = 7.0  # length of a full bar, over the height of a capital
LETTERS: Final = 0.85  # height of the letters' capitals, over the panel's
SIZES: Final = (1.0, 0.85, 0.7)  # of the panel, tried one after another, over the size of other letters
LEADER: Final = 3.5  # distance from which a line leads to the face, over the height of a capital: a label has room
LEAST_PX: Final = 5.0  # height of the smallest capitals that can be read


def panel_size(panel: Panel, capital_px: float) -> tuple[int, int]:
    """Width and height of the panel, px."""
    names = max(text_width(label, LETTERS * capital_px, bold=True) for label in (*panel.names, panel.heading))
    width = names + (BAR + 3.0) * capital_px + text_width("0.00", LETTERS * capital_px, bold=True)
    return round(width), round((ROW * (len(panel.rows) + 1) + 0.9) * capital_px)


def draw_scores(
    image: Image,
    faces: Sequence[FaceResult],
    names: Sequence[str],
    room: Box,
    taken: Sequence[Box],
    capital_px: float,
    kept: PanelPlaces | None = None,
) -> list[Box]:
    """Draw every face's panel near its box; what there is no room for is told in the picture.

    Parameters
    ----------
    names
        Of the faces; nothing for a face without one.
    room
        Where panels may lie.
    taken
        What they must not cover, besides the faces.
    kept
        Where panels were in the frames before, so that they stay there; a picture by itself has none.

    Returns
    -------
        Where panels lie now, px.
    """
    boxes = [face.observation.box for face in faces]
    if kept is None:
        size_px, places = _places(faces, room, [*taken, *boxes], capital_px)
    else:
        size_px, places = _steady_places(kept, faces, room, taken, capital_px)
    for face, place in zip(faces, places, strict=True):
        if place is not None:
            _draw_leader(image, face, place, capital_px)
    for face, name, place in zip(faces, names, places, strict=True):
        if place is not None:
            _draw_panel(image, panel_of(face), place, size_px, name)
    found = [place for place in places if place is not None]
    if len(found) < len(faces):
        text = f"no room for the scores of {len(faces) - len(found)} of {len(faces)} faces"
        _draw_notice(image, text, room, [*taken, *boxes, *found], capital_px)
    return found


def _draw_notice(image: Image, text: str, room: Box, taken: Sequence[Box], capital_px: float) -> None:
    """A line in amber, as near to the bottom left corner as there is room."""
    pad = round(0.6 * capital_px)
    size = text_width(text, 0.78 * capital_px) + 2 * pad, round(2.2 * capital_px)
    corner = Box(0, room.bottom, 0, 0)
    place = around(corner, size, 0, room, taken) or Box(pad, pad, *size)
    left, top = round(place.x), round(place.y)
    plate(image, (left, top, *size))
    write(image, text, left + pad, top + size[1] // 2, 0.78 * capital_px, AMBER)


def _steady_places(
    kept: PanelPlaces, faces: Sequence[FaceResult], room: Box, taken: Sequence[Box], capital_px: float
) -> tuple[float, list[Box | None]]:
    """Size of the scores' letters and a place for each face: that of the frame before, while it can be."""
    sizes_px = [_letters_px(factor, capital_px) for factor in SIZES]
    anchors = [
        Anchor(
            face.observation.face_id,
            face.observation.box,
            tuple(panel_size(panel_of(face), size_px) for size_px in sizes_px),
            _gap_px(capital_px),
            LEADER * capital_px,
        )
        for face in faces
    ]
    found = kept.arrange(anchors, room, taken)
    return sizes_px[found.size], [None if spot is None else spot.place for spot in found.spots]


def _letters_px(factor: float, capital_px: float) -> float:
    """What a panel is measured by, px: a share of the picture's capitals, but no less than can be read."""
    return max(factor * capital_px, LEAST_PX / LETTERS)


def _gap_px(capital_px: float) -> int:
    """Between a panel and its face."""
    return round(0.6 * capital_px)


def _places(
    faces: Sequence[FaceResult], room: Box, taken: Sequence[Box], capital_px: float
) -> tuple[float, list[Box | None]]:
    """Size of the scores' letters and a place for each face: as large and as near as all have room."""
    best: tuple[float, list[Box | None]] = capital_px, [None] * len(faces)
    least = len(faces) + 1, 0.0
    for factor, where in itertools.product(SIZES, (beside, around)):
        size_px = _letters_px(factor, capital_px)
        used = list(taken)
        places: list[Box | None] = []
        for face in faces:
            size = panel_size(panel_of(face), size_px)
            place = where(face.observation.box, size, _gap_px(capital_px), room, used)
            places.append(place)
            used += [] if place is None else [place]
        led = (_led_px(face, place, capital_px) for face, place in zip(faces, places, strict=True))
        if (cost := (places.count(None), sum(led))) < least:
            best, least = (size_px, places), cost
        if least == (0, 0):
            return best
    return best[0], _onto_faces(faces, best, room, taken)


def _led_px(face: FaceResult, place: Box | None, capital_px: float) -> float:
    """Length of the line from a panel to its face, px; 0 where they are so near that there is none."""
    if place is None:
        return 0.0
    (x0, y0), (x1, y1) = nearest_points(face.observation.box, place)
    length = float(np.hypot(x1 - x0, y1 - y0))
    return length if length > LEADER * capital_px else 0.0


def _onto_faces(
    faces: Sequence[FaceResult], best: tuple[float, list[Box | None]], room: Box, taken: Sequence[Box]
) -> list[Box | None]:
    """Places for those that have none yet, which may cover the rim of their own face, as one that fills the picture."""
    size_px, places = best[0], list(best[1])
    for number, face in enumerate(faces):
        if places[number] is None:
            own = face.observation.box
            used = [box for box in (*taken, *places) if box is not None and box != own]
            size = panel_size(panel_of(face), size_px)
            places[number] = around(own, size, 0, room, [*used, own.scaled(MIDDLE)])
    return places


def _draw_leader(image: Image, face: FaceResult, place: Box, capital_px: float) -> None:
    """A line from a panel to its face, where they do not lie side by side."""
    if _led_px(face, place, capital_px):
        (x0, y0), (x1, y1) = nearest_points(face.observation.box, place)
        start, end = (round(x0), round(y0)), (round(x1), round(y1))
        cv2.line(image, start, end, ACCENT, max(round(capital_px / 10), 1), cv2.LINE_AA)


def _draw_panel(image: Image, panel: Panel, place: Box, capital_px: float, badge: str) -> None:
    """Draw one panel; `badge` names the face."""
    left, top = round(place.x), round(place.y)
    width, height = panel_size(panel, capital_px)
    plate(image, (left, top, width, height))
    edge, letters = left + round(0.8 * capital_px), LETTERS * capital_px
    middle = top + round(1.35 * capital_px)
    write(image, panel.heading, edge, middle, 0.85 * letters, QUIET)
    if badge:
        side = text_width(badge, letters, bold=True) + round(capital_px)
        box = (left + width - side - round(0.5 * capital_px), middle - round(0.8 * capital_px))
        plate(image, (*box, side, round(1.6 * capital_px)), ACCENT, 1.0)
        write(image, badge, box[0] + round(0.5 * capital_px), middle, letters, DARK, bold=True)
    for number, row in enumerate(panel.rows):
        line = (edge, top + round((1.35 + ROW * (number + 1)) * capital_px), left + width - round(0.8 * capital_px))
        _draw_row(image, row, line, capital_px, first=number == panel.strong)


def _draw_row(image: Image, row: Row, line: tuple[int, int, int], capital_px: float, first: bool) -> None:
    """One row on `line` (left, middle, right; px)."""
    left, middle, right = line
    letters, ink = LETTERS * capital_px, WHITE if first else QUIET
    write(image, row.label, left, middle, letters, ink, bold=first)
    write(image, row.number, right - text_width(row.number, letters, first), middle, letters, ink, first)
    whole, thick = round(BAR * capital_px), max(round(0.8 * capital_px), 3)
    start = right - text_width("0.00", letters, bold=True) - round(0.7 * capital_px) - whole
    fill(image, (start, start + whole), middle - thick // 2, thick, TROUGH)
    fill(image, (start, start + round(whole * row.share)), middle - thick // 2, thick, ACCENT if first else QUIET)
