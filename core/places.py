"""Where a panel goes on a picture: beside the face it is about, and on nothing that is there already."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from core.geometry import Box

Size = tuple[int, int]  # width and height, px
Side = Literal["right", "left", "under"]
SIDES: Final[tuple[Side, ...]] = ("right", "left", "under")  # as they are tried
STEP_PX: Final = 6.0  # between places that are tried away from a face


def beside(box: Box, size: Size, gap: float, room: Box, taken: Sequence[Box]) -> Box | None:
    """A free place at a box: right of it, left of it or under it; None where none is free and within the room."""
    places = (at_side(box, size, gap, room, side) for side in SIDES)
    return next((place for place in places if is_free(place, room, taken)), None)


def at_side(box: Box, size: Size, gap: float, room: Box, side: Side) -> Box:
    """The place at one side of a box, moved along that side as far as the room asks for; it may not be free."""
    width, height = size
    x = min(max(box.centre[0] - width / 2, room.x), room.right - width)
    y = min(max(box.centre[1] - height / 2, room.y), room.bottom - height)
    if side == "right":
        x = box.right + gap
    elif side == "left":
        x = box.x - gap - width
    else:
        y = box.bottom + gap
    return Box(round(x), round(y), width, height)


def is_free(place: Box, room: Box, taken: Sequence[Box]) -> bool:
    """Whether a place lies within the room and on nothing that is there already."""
    within = place.x >= room.x and place.y >= room.y and place.right <= room.right and place.bottom <= room.bottom
    return within and not any(place.intersection(other) for other in taken)


def around(box: Box, size: Size, gap: float, room: Box, taken: Sequence[Box]) -> Box | None:
    """The free place within the room that is nearest to a box but at least `gap` away; None where there is none."""
    width, height = size
    x = np.arange(room.x, room.right - width + 1, STEP_PX)
    y = np.arange(room.y, room.bottom - height + 1, STEP_PX)
    if not x.size or not y.size:
        return None
    across = np.maximum(np.maximum(box.x - (x + width), x - box.right), 0)
    down = np.maximum(np.maximum(box.y - (y + height), y - box.bottom), 0)
    away = np.hypot(across[None, :], down[:, None])
    away[away < gap] = np.inf
    for other in taken:
        left, right = np.searchsorted(x, other.x - width, "right"), np.searchsorted(x, other.right, "left")
        top, bottom = np.searchsorted(y, other.y - height, "right"), np.searchsorted(y, other.bottom, "left")
        away[top:bottom, left:right] = np.inf
    row, column = divmod(int(away.argmin()), x.size)
    if not np.isfinite(away[row, column]):
        return None
    return Box(float(x[column]), float(y[row]), width, height)


def nearest_points(box: Box, other: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    """The points of two boxes that are nearest to each other; in the middle of where they lie side by side."""
    (x0, x1), (y0, y1) = (
        (high, other_low)
        if high < other_low
        else (low, other_high)
        if other_high < low
        else ((max(low, other_low) + min(high, other_high)) / 2,) * 2
        for low, high, other_low, other_high in (
            (box.x, box.right, other.x, other.right),
            (box.y, box.bottom, other.y, other.bottom),
        )
    )
    return (x0, y0), (x1, y1)
