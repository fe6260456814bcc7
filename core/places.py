"""Where a panel goes on a picture: beside the face it is about, and on nothing that is there already."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from core.geometry import Box

Size = tuple[int, int]  # width and height, px
STEP_PX: Final = 6.0  # between places that are tried away from a face


def beside(box: Box, size: Size, gap: float, room: Box, taken: Sequence[Box]) -> Box | None:
    """A free place at a box: right of it, left of it or under it; None where none is free and within the room."""
    width, height = size
    middle = min(max(box.centre[1] - height / 2, room.y), room.bottom - height)
    under = min(max(box.centre[0] - width / 2, room.x), room.right - width)
    for x, y in ((box.right + gap, middle), (box.x - gap - width, middle), (under, box.bottom + gap)):
        place = Box(round(x), round(y), width, height)
        within = x >= room.x and y >= room.y and x + width <= room.right and y + height <= room.bottom
        if within and not any(place.intersection(other) for other in taken):
            return place
    return None


def around(box: Box, size: Size, gap: float, room: Box, taken: Sequence[Box]) -> Box | None:
    """The free place within the room that is nearest to a box but at least `gap` away; None where there is none."""
    width, height = size
    x = np.arange(room.x, room.right - width + 1, STEP_PX)[None, :]
    y = np.arange(room.y, room.bottom - height + 1, STEP_PX)[:, None]
    if not x.size or not y.size:
        return None
    across = np.maximum(np.maximum(box.x - (x + width), x - box.right), 0)
    down = np.maximum(np.maximum(box.y - (y + height), y - box.bottom), 0)
    away = np.hypot(across, down)
    away[away < gap] = np.inf
    for other in taken:
        over = (x < other.right) & (x + width > other.x) & (y < other.bottom) & (y + height > other.y)
        away[over] = np.inf
    row, column = divmod(int(away.argmin()), x.size)
    if not np.isfinite(away[row, column]):
        return None
    return Box(float(x[0, column]), float(y[row, 0]), width, height)


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
