"""The face's named regions: a partition of the aligned crop in which every pixel belongs to exactly one region.

Left and right are the person's, not the picture's. Region borders are polygons over MediaPipe's 478-point mesh
(the literature's later mode, doi 10.1007/978-3-031-40837-3_3) or the regions' bounding boxes (arXiv 2003.00828; the
paper's own boxes are not known to us). What belongs to which expression follows from EMFACS.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import UnknownName
from core.geometry import Floats, frozen
from core.opencv import cv2

REGIONS: Final = (
    "left_brow",
    "right_brow",
    "left_eye",
    "right_eye",
    "glabella",
    "nose",
    "left_cheek",
    "right_cheek",
    "upper_lip",
    "lower_lip",
    "chin",
    "forehead",
    "left_jaw",
    "right_jaw",
    "outside",
)
OUTSIDE: Final = REGIONS.index("outside")

Mode: TypeAlias = Literal["polygons", "boxes"]
MODES: Final[tuple[Mode, ...]] = ("polygons", "boxes")

_BROWS: Final = frozenset({"left_brow", "right_brow"})
_EYES: Final = frozenset({"left_eye", "right_eye"})
_CHEEKS: Final = frozenset({"left_cheek", "right_cheek"})
_LIPS: Final = frozenset({"upper_lip", "lower_lip"})  # each holds its half of both mouth corners

# Where each action unit shows (SCIENCE 4). The eyes hold upper and lower lid.
ACTION_UNIT_REGIONS: Final[Mapping[int, frozenset[str]]] = {
    1: _BROWS | {"forehead"},  # inner brow raiser
    2: _BROWS | {"forehead"},  # outer brow raiser
    4: _BROWS | {"glabella"},  # brow lowerer
    5: _EYES,  # upper lid raiser
    6: _CHEEKS | _EYES,  # cheek raiser: cheek and lower lid
    7: _EYES,  # lid tightener
    9: frozenset({"nose"}),  # nose wrinkler
    10: frozenset({"upper_lip"}),  # upper lip raiser
    12: _LIPS,  # lip corner puller
    14: _LIPS,  # dimpler
    15: _LIPS,  # lip corner depressor
    16: frozenset({"lower_lip", "chin"}),  # lower lip depressor
    17: frozenset({"chin"}),  # chin raiser
    20: _LIPS,  # lip stretcher
    23: _LIPS,  # lip tightener
    24: _LIPS,  # lip pressor
    25: _LIPS,  # lips part
    26: frozenset({"lower_lip", "chin"}),  # jaw drop
    27: frozenset({"lower_lip", "chin"}),  # mouth stretch
    43: _EYES,  # eyes closed
    45: _EYES,  # blink
}

# EMFACS. Contempt is R12 + R14: the person's right side only. The lips are not split into halves, so that its expected
# regions are those of a two-sided 12 + 14; a cheek, were it listed, would have to be the right one.
EMFACS: Final[Mapping[str, tuple[int, ...]]] = {
    "neutral": (),
    "happiness": (6, 12),
    "sadness": (1, 4, 15),
    "surprise": (1, 2, 5, 26),
    "fear": (1, 2, 4, 5, 20, 26),
    "anger": (4, 5, 7, 23),
    "disgust": (9, 15, 16),
    "contempt": (12, 14),
}
EXPECTED: Final[Mapping[str, frozenset[str]]] = {
    expression: frozenset().union(*(ACTION_UNIT_REGIONS[unit] for unit in units))
    for expression, units in EMFACS.items()
}


@dataclass(frozen=True)
class Partition:
    """Which region each pixel of a crop belongs to: `labels` uint8 [height, width], indices into `REGIONS`."""

    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.labels.ndim != 2 or self.labels.dtype != np.uint8:
            raise ValueError(f"a partition needs uint8 [height, width], got {self.labels.dtype} {self.labels.shape}")
        object.__setattr__(self, "labels", frozen(self.labels))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Pixels in each region, int64 [regions]."""
        return np.bincount(self.labels.ravel(), minlength=len(REGIONS)).astype(np.int64)

    def mask(self, *names: str) -> NDArray[np.bool_]:
        """Where any of the named regions is, bool [height, width]."""
        for name in names:
            if name not in REGIONS:
                raise UnknownName("region", name, REGIONS)
        return np.isin(self.labels, [REGIONS.index(name) for name in names])


def partition(landmarks: Floats, size: int, mode: Mode = "polygons") -> Partition:
    """Partition a crop into the regions of the face in it.

    Parameters
    ----------
    landmarks
        float32 [478, 2 or 3], crop px; points may lie beyond the crop.
    size
        Side of the crop in px.
    mode
        "polygons", or "boxes": each region's bounding box, smaller regions over larger ones.
    """
    if mode not in MODES:
        raise UnknownName("region mode", mode, MODES)
    # Drawn finer, since OpenCV's polygons grow by half a pixel of their grid; an odd number, to sample at the centres.
    fine = max(1, 192 // size) | 1
    corners = ((_OUTLINES.corners(landmarks) + 0.5) * fine - 0.5).clip(-_FAR_PX, _FAR_PX)
    outlines = _OUTLINES.split(np.rint(corners * _UNIT).astype(np.int32))
    order = _far_to_near(outlines)
    if mode == "boxes":
        outlines = [_box(outline, whole=place != _OVAL) for place, outline in enumerate(outlines)]
        order = sorted(order, key=lambda place: -cv2.contourArea(outlines[place]))
    canvas = np.full((size * fine, size * fine), OUTSIDE, np.uint8)
    for place in order:
        cv2.fillPoly(canvas, [outlines[place]], (_PAINTED[place][0],), shift=_SHIFT)
    middle = fine // 2
    return Partition(np.ascontiguousarray(canvas[middle::fine, middle::fine]))


_SHIFT: Final = 4  # binary digits after the point in OpenCV's coordinates
_UNIT: Final = 1 << _SHIFT
_FAR_PX: Final = 1e5  # keeps OpenCV's integers from running over

# A corner of an outline: a landmark, or the point the given way from one landmark to another (beyond it for t > 1).
Corner: TypeAlias = int | tuple[int, int, float]

# Outlines of the person's right half, from the mesh's published topology. Neighbours share their corners.
_RIGHT_OVAL: Final = (10, 109, 67, 103, 54, 21, 162, 127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)
# Hair moves at its edges, so a brow reaches half its thickness above the mesh's own brow and half way to the lid.
_RIGHT_BROW_TOP: Final = ((46, 70, 1.4), (53, 63, 1.5), (52, 105, 1.5), (65, 66, 1.5), (55, 107, 1.2))
_RIGHT_BROW_BASE: Final = (46, (53, 224, 0.5), (52, 223, 0.5), (65, 222, 0.5), (55, 221, 0.5))
_RIGHT_LOWER_LID: Final = (
    (232, 121, 0.5), (231, 120, 0.5), (230, 119, 0.5), (229, 118, 0.5), (228, 117, 0.5), (31, 111, 0.5),
)  # fmt: skip
_RIGHT_NOSE_SIDE: Final = (168, 193, 245, 114, 47, 126, 49, 129, 64, 98, 97, 2)
_RIGHT_MOUTH: Final = (
    57, 61, 78, (191, 95, 0.5), (80, 88, 0.5), (81, 178, 0.5), (82, 87, 0.5), (13, 14, 0.5),
)  # fmt: skip
_RIGHT_UPPER_LIP_TOP: Final = (57, 186, 92, 98, 97, 2)
_RIGHT_LOWER_LIP_BASE: Final = (57, (43, 202, 0.5), (106, 204, 0.5), (182, 194, 0.5), (83, 201, 0.5), (18, 200, 0.5))
_RIGHT_CHIN_SIDE: Final = (57, 202, 211, 149)

_LEFT_OF: Final[Mapping[int, int]] = {
    21: 251, 31: 261, 35: 265, 43: 273, 46: 276, 47: 277, 49: 279, 52: 282, 53: 283, 54: 284, 55: 285, 57: 287,
    58: 288, 61: 291, 63: 293, 64: 294, 65: 295, 66: 296, 67: 297, 70: 300, 78: 308, 80: 310, 81: 311, 82: 312,
    83: 313, 87: 317, 88: 318, 92: 322, 93: 323, 95: 324, 97: 326, 98: 327, 103: 332, 105: 334, 106: 335, 107: 336,
    109: 338, 111: 340, 114: 343, 117: 346, 118: 347, 119: 348, 120: 349, 121: 350, 124: 353, 126: 355, 127: 356,
    129: 358, 132: 361, 136: 365, 148: 377, 149: 378, 150: 379, 162: 389, 172: 397, 176: 400, 178: 402, 182: 406,
    186: 410, 191: 415, 193: 417, 194: 418, 201: 421, 202: 422, 204: 424, 211: 431, 221: 441, 222: 442, 223: 443,
    224: 444, 228: 448, 229: 449, 230: 450, 231: 451, 232: 452, 234: 454, 245: 465,
}  # fmt: skip
_ON_MIDLINE: Final = frozenset({2, 10, 13, 14, 18, 152, 168, 200})


def _mirrored(corners: Iterable[Corner]) -> tuple[Corner, ...]:
    """The same outline on the person's left."""

    def left(index: int) -> int:
        return index if index in _ON_MIDLINE else _LEFT_OF[index]

    return tuple((left(c[0]), left(c[1]), c[2]) if isinstance(c, tuple) else left(c) for c in corners)


def _both(right: tuple[Corner, ...]) -> tuple[Corner, ...]:
    """An outline that runs along the right half to the midline, and back along the left one."""
    return right + _mirrored(right)[::-1]


# Outlines of a side reach the midline where finer regions are painted over them, so that no gap can open.
_RIGHT_SIDE: Final[Mapping[str, tuple[Corner, ...]]] = {
    "cheek": (162, 127, 234, 93, 132, 57, 2, 168, 124),
    "jaw": (132, 58, 172, 136, 150, *_RIGHT_CHIN_SIDE[::-1]),
    "eye": (*_RIGHT_BROW_BASE, 193, 245, 114, *_RIGHT_LOWER_LID, 35, 124),
    "brow": (*_RIGHT_BROW_TOP, *_RIGHT_BROW_BASE[::-1]),
}
_MIDDLE: Final[Mapping[str, tuple[Corner, ...]]] = {
    "chin": _both((*_RIGHT_CHIN_SIDE, 176, 148, 152)),
    "glabella": _both(((55, 107, 1.2), (55, 221, 0.5), 193, 168)),
    "nose": _both(_RIGHT_NOSE_SIDE),
    "upper_lip": _both(_RIGHT_MOUTH[::-1] + _RIGHT_UPPER_LIP_TOP),
    "lower_lip": _both(_RIGHT_MOUTH[::-1] + _RIGHT_LOWER_LIP_BASE),
}
_PAINTED: Final[tuple[tuple[int, tuple[Corner, ...]], ...]] = (
    (REGIONS.index("forehead"), _both(_RIGHT_OVAL)),
    *((REGIONS.index(f"right_{name}"), outline) for name, outline in _RIGHT_SIDE.items()),
    *((REGIONS.index(f"left_{name}"), _mirrored(outline)) for name, outline in _RIGHT_SIDE.items()),
    *((REGIONS.index(name), outline) for name, outline in _MIDDLE.items()),
)
# Places in _PAINTED.
_OVAL: Final = 0
_TEMPLE: Final = _RIGHT_OVAL.index(162) + 1  # corners of the oval from the middle of the forehead to the temple
_RIGHT_CHEEK, _RIGHT_JAW, _RIGHT_EYE, _RIGHT_BROW = range(1, 5)
_LEFT_CHEEK, _LEFT_JAW, _LEFT_EYE, _LEFT_BROW = range(5, 9)
_MIDDLES: Final = range(9, 14)


class _Outlines:
    """All outlines' corners in one table, so that a face costs one look-up."""

    def __init__(self, outlines: Iterable[tuple[Corner, ...]]) -> None:
        each = [[c if isinstance(c, tuple) else (c, c, 0.0) for c in outline] for outline in outlines]
        rows = [corner for outline in each for corner in outline]
        self._start = np.array([row[0] for row in rows])
        self._end = np.array([row[1] for row in rows])
        self._way = np.array([[row[2]] for row in rows], np.float32)
        ends = np.cumsum([0, *map(len, each)]).tolist()
        self._spans = list(itertools.pairwise(ends))

    def corners(self, landmarks: Floats) -> Floats:
        """All outlines' corners one after another, float32 [corners, 2]."""
        start, end = landmarks[self._start, :2], landmarks[self._end, :2]
        return (start + self._way * (end - start)).astype(np.float32, copy=False)

    def split(self, corners: NDArray[np.int32]) -> list[NDArray[np.int32]]:
        """The same, outline by outline."""
        return [corners[begin:end] for begin, end in self._spans]


_OUTLINES: Final = _Outlines(outline for _, outline in _PAINTED)


def _far_to_near(outlines: list[NDArray[np.int32]]) -> list[int]:
    """Order of painting: on a turned head the nearer half hides the farther one."""
    far = (_RIGHT_CHEEK, _RIGHT_JAW, _RIGHT_EYE, _RIGHT_BROW)
    near = (_LEFT_CHEEK, _LEFT_JAW, _LEFT_EYE, _LEFT_BROW)
    # Outlines of the two sides run in opposite senses; a hidden side's is turned inside out.
    if -_signed_area(outlines[_RIGHT_CHEEK]) > _signed_area(outlines[_LEFT_CHEEK]):
        far, near = near, far
    return [_OVAL, *far, *near[:2], *_MIDDLES, *near[2:]]


def _signed_area(outline: NDArray[np.int32]) -> float:
    return float(cv2.contourArea(outline, oriented=True))


def _box(outline: NDArray[np.int32], whole: bool) -> NDArray[np.int32]:
    """The box around an outline; of the face's oval, which stands for the forehead, only around its upper part."""
    points = outline if whole else np.concatenate([outline[:_TEMPLE], outline[-_TEMPLE:]])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.int32)
