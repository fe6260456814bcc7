"""The relevance of a mesh's points as dots on a picture: the larger the stronger; orange speaks for, blue against."""

from typing import Final

import numpy as np

from core.geometry import Box, Floats, Image
from core.lettering import Colour, stamp
from core.types import PointRelevance

# The two sides of the signed colour map, which people with the common colour blindnesses can tell apart.
FOR: Final[Colour] = (255, 140, 26)
AGAINST: Final[Colour] = (64, 150, 255)
RIM: Final[Colour] = (13, 16, 20)

FULL_PER_WIDTH: Final = 0.017  # radius of a dot of the reference relevance, over the width of the face
LARGEST: Final = 1.6  # radius of the strongest dots, over that: beyond it they would hide the face
WEAKEST: Final = 0.08  # of the reference: points below are left out, a face is not to be covered with specks
SMALLEST_PX: Final = 0.6
RIM_PX: Final = 1.1  # what is seen of the dark rim, on the largest dots; less on small ones
RIM_OPACITY: Final = 0.72


def radii(points: PointRelevance, width_px: float) -> Floats:
    """Radius of every point's dot on a face of this width, px: float32 [478], 0 for those left out.

    The area of a dot is proportional to its relevance, so that areas add up as relevance does.
    """
    return sizes(points.relevance, points.reference, width_px)


def sizes(relevance: Floats, reference: float, width_px: float) -> Floats:
    """The same of any relevance of points, float32 [478], with its reference."""
    strength = np.abs(relevance) / reference
    found = FULL_PER_WIDTH * width_px * np.minimum(np.sqrt(strength), LARGEST)
    return np.where((strength >= WEAKEST) & (found >= SMALLEST_PX), found, 0).astype(np.float32)


def rim(radius: float) -> float:
    """How far the rim of a dot reaches beyond it, px."""
    return min(RIM_PX, 0.35 * radius)


def draw_dots(image: Image, landmarks: Floats, points: PointRelevance) -> None:
    """Draw a face's dots into a picture, RGB; landmarks [478, 2 or 3] in its px.

    All rims lie under all dots, so that none cuts into its neighbour.
    """
    radius_of = radii(points, Box.around(landmarks).width)
    shown = np.flatnonzero(radius_of)
    reach = float(radius_of.max(initial=0)) + 3
    low = np.maximum(np.floor(landmarks[:, :2].min(axis=0) - reach).astype(int), 0)
    high = np.minimum(np.ceil(landmarks[:, :2].max(axis=0) + reach).astype(int), [image.shape[1], image.shape[0]])
    if not len(shown) or (high - low).min() < 1:
        return
    layers = {ink: np.zeros((high - low)[::-1], np.uint8) for ink in (RIM, FOR, AGAINST)}
    for index in shown:
        place, radius = landmarks[index, :2] - low, float(radius_of[index])
        _disc(layers[RIM], place, radius + rim(radius))
        _disc(layers[FOR if points.relevance[index] > 0 else AGAINST], place, radius)
    for ink, layer in layers.items():
        stamp(image, layer, int(low[0]), int(low[1]), ink, RIM_OPACITY if ink is RIM else 1.0)


def _disc(layer: Image, place: Floats, radius: float) -> None:
    """Add a disc to a layer of coverage, uint8 [height, width]; its edge is as soft as a pixel is wide."""
    reach = int(radius) + 2
    column, row = (round(float(each)) for each in place)
    left, top = max(column - reach, 0), max(row - reach, 0)
    right, bottom = min(column + reach + 1, layer.shape[1]), min(row + reach + 1, layer.shape[0])
    if left >= right or top >= bottom:
        return
    x, y = np.arange(left, right) - place[0], np.arange(top, bottom) - place[1]
    inside = (radius + 0.5 - np.sqrt(x * x + (y * y)[:, None])).clip(0, 1)
    under = layer[top:bottom, left:right]
    np.maximum(under, (255 * inside).astype(np.uint8), out=under)
