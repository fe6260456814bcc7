"""Mean heatmaps on the mean face: a drawing of landmarks, never a picture of anybody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.patches import Rectangle

from app.documents.drawing import Chart
from core.geometry import FACE_OVAL, Floats, Image
from core.opencv import cv2
from core.regions import Mode, partition
from core.scales import SMOOTH_PX
from core.verification.findings import MeanMaps

LIMITS: Final = (0.25, 4.0)  # density; the colours end here, in every report, so that reports can be compared
TILE_CM: Final = 3.9
TITLE_CM: Final = 0.6  # above a tile
INK: Final = "#101318"  # of lines on the map, by day and by night
OUTLINE_PX: Final = 240  # side at which the borders of regions are found

# Blue, white, orange: parts for readers with any of the common colour blindnesses; white is a uniform map.
_ANCHORS: Final = ("#0b3c6f", "#3d8fd1", "#b9dcf5", "#ffffff", "#ffd9a8", "#f08a1d", "#7f3b00")

# Landmarks of MediaPipe's mesh along the features; the first lists are closed.
_CLOSED: Final[tuple[tuple[int, ...], ...]] = (
    FACE_OVAL,
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
    (46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
    (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
)
_OPEN: Final[tuple[tuple[int, ...], ...]] = ((168, 6, 197, 195, 5), (129, 98, 97, 2, 326, 327, 358))


@dataclass(frozen=True)
class Tile:
    """One map with its title; NaN throughout where no image made it."""

    title: str
    density: Floats
    expected: Sequence[str] = ()


def heatmaps(
    tiles: Sequence[Tile], landmarks: Floats | None, mode: Mode = "polygons", columns: int = 4, tile_cm: float = TILE_CM
) -> Chart:
    """Maps side by side on one scale of colours, with the mean face and the expected regions outlined."""
    columns = max(1, min(columns, len(tiles)))
    rows = max(1, -(-len(tiles) // columns))

    def draw(figure: Any) -> None:
        norm, ramp = _scale()
        side = tiles[0].density.shape[0] if tiles else 1
        gap, head = 0.08 * side, TITLE_CM / tile_cm * side
        axes = figure.subplots()  # one for all tiles: axes are dear
        axes.set_axis_off()
        axes.set_aspect("equal")
        for place, tile in enumerate(tiles):
            left, top = place % columns * (side + gap), place // columns * (side + head) + head
            _Place(axes, left, top, side).draw(tile, landmarks, mode, lambda values: ramp(norm(values)))
        axes.set_xlim(-gap / 2, columns * (side + gap) - gap / 2)  # after the pictures, which set it themselves
        axes.set_ylim(rows * (side + head) + gap / 2, 0)
        bar = figure.colorbar(
            _mappable(norm, ramp), ax=axes, location="bottom", shrink=0.5, aspect=36, pad=0.02, extend="both"
        )
        bar.set_ticks([0.25, 0.5, 1, 2, 4], labels=["¼", "½", "1", "2", "4"])
        bar.minorticks_off()
        bar.set_label("density of the positive relevance; 1 is what a uniform map would give")

    return Chart(draw, tile_cm * columns + 0.6, (tile_cm + TITLE_CM) * rows + 1.8)


def of_classes(
    maps: MeanMaps, expected: Mapping[str, Sequence[str]], seed: Any = "predicted", group: Any = "all"
) -> list[Tile]:
    """One tile per class."""
    found = [maps.of(label, seed, group) for label in expected]
    return [Tile(f"{each.label} ({each.n})", each.density, expected[each.label]) for each in found]


def pictures(images: Sequence[tuple[str, Image]], columns: int = 6) -> Chart:
    """Pictures with a title each, RGB uint8 [height, width, 3]."""
    columns = max(1, min(columns, len(images)))
    rows = max(1, -(-len(images) // columns))

    def draw(figure: Any) -> None:
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for each in axes:
            each.set_axis_off()
        for each, (title, image) in zip(axes, images, strict=False):
            each.imshow(image, interpolation="none")
            each.set_title(title, fontsize=7)

    return Chart(draw, 2.7 * columns, 3.2 * rows)


def _scale() -> tuple[Any, Any]:
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    return LogNorm(*LIMITS), LinearSegmentedColormap.from_list("density", list(_ANCHORS))


def _mappable(norm: Any, ramp: Any) -> Any:
    from matplotlib.cm import ScalarMappable

    return ScalarMappable(norm, ramp)


@dataclass(frozen=True)
class _Place:
    """Where a tile goes on the axes: its upper left corner and its side, px of the map."""

    axes: Any
    left: float
    top: float
    side: int

    def draw(self, tile: Tile, landmarks: Floats | None, mode: Mode, colours: Callable[[Floats], Any]) -> None:
        """Draw map, face and regions."""
        middle = self.left + self.side / 2
        self.axes.text(middle, self.top - 0.04 * self.side, tile.title, fontsize=8, weight="bold", ha="center")
        if np.isnan(tile.density).all():
            self.axes.text(middle, self.top + self.side / 2, "no image", ha="center", va="center")
            return
        values = np.clip(_smoothed(tile.density), *LIMITS)
        image = (colours(values)[:, :, :3] * 255).round().astype(np.uint8)
        ends = (self.left, self.left + self.side, self.top + self.side, self.top)
        self.axes.imshow(image, interpolation="none", extent=ends)
        if landmarks is not None:
            self._face(landmarks)
            self._regions(landmarks, tile.expected, mode)

    def _face(self, landmarks: Floats) -> None:
        clip = Rectangle((self.left, self.top), self.side, self.side, transform=self.axes.transData)
        offset = np.array([self.left + 0.5, self.top + 0.5], np.float32)  # the first pixel's centre
        for line in (*((*closed, closed[0]) for closed in _CLOSED), *_OPEN):
            points = landmarks[list(line)] + offset
            (drawn,) = self.axes.plot(points[:, 0], points[:, 1], color=INK, linewidth=0.7, alpha=0.75)
            drawn.set_clip_path(clip)

    def _regions(self, landmarks: Floats, expected: Sequence[str], mode: Mode) -> None:
        """The border of the expected regions, dotted."""
        if not expected:
            return
        factor = OUTLINE_PX / self.side
        inside = partition(((landmarks + 0.5) * factor - 0.5).astype(np.float32), OUTLINE_PX, mode).mask(*expected)
        places = (np.arange(OUTLINE_PX) + 0.5) / factor
        lines = [(0, (1, 1.2))]
        self.axes.contour(
            places + self.left, places + self.top, inside, levels=[0.5], colors=[INK], linewidths=1.3, linestyles=lines
        )


def _smoothed(density: Floats) -> Floats:
    """As maps are shown everywhere in the program: pixel grain averaged out, the sum kept."""
    return np.asarray(cv2.GaussianBlur(density, (0, 0), SMOOTH_PX, borderType=cv2.BORDER_REFLECT), np.float32)
