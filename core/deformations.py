"""What each action unit does to the face mesh: the table behind the stimulus. Add a unit here and it can be shown.

Lengths are in inter-ocular distances, strengths run from 0 to 5; left and right are the person's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_STRENGTH: Final = 5.0


@dataclass(frozen=True)
class Pull:
    """Skin drawn from one place, fading with distance like a Gaussian.

    Attributes
    ----------
    at
        Landmarks that the pull starts from: one on each side, or one on the midline.
    outwards, downwards
        Displacement at strength 5, inter-ocular distances; negative is inwards, upwards.
    reach
        Standard deviation of the fading, inter-ocular distances.
    """

    at: tuple[int, ...]
    outwards: float
    downwards: float
    reach: float


@dataclass(frozen=True)
class Gap:
    """An opening made wider, or closed, by its two edges.

    Attributes
    ----------
    openings
        Names in `OPENINGS`.
    width
        At strength 5, inter-ocular distances in the opening's middle. None: strength 5 closes it.
    """

    openings: tuple[str, ...]
    width: float | None


@dataclass(frozen=True)
class Crease:
    """Skin that a unit folds and bulges; it is smoothed where a still is shown with less of the unit than it has.

    Attributes
    ----------
    at
        Landmarks on the folds.
    reach
        Standard deviation of the smoothed patch around each, inter-ocular distances.
    breadth
        Standard deviation of the smoothing, inter-ocular distances; the skin's fine grain stays.
    sparing
        Outlines that keep their shading: lips and nose.
    """

    at: tuple[int, ...]
    reach: float
    breadth: float
    sparing: tuple[tuple[int, ...], ...]


LIPS: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
NOSE: Final = (
    *(168, 193, 245, 188, 174, 217, 126, 129, 98, 97),
    *(2, 326, 327, 358, 355, 437, 399, 412, 465, 417),
)

Effect: TypeAlias = Pull | Gap | Crease

# What each unit does at strength 5. The amounts are ours, set by eye on stills and bounded by the mesh, which must not
# fold; reach is a third to a half of the size of the feature that moves.
ACTION_UNITS: Final[Mapping[int, tuple[Effect, ...]]] = {
    1: (Pull((107, 336), outwards=0.0, downwards=-0.11, reach=0.15),),  # inner brow raiser
    2: (Pull((63, 293), outwards=0.0, downwards=-0.11, reach=0.16),),  # outer brow raiser
    4: (  # brow lowerer: brows down and together
        Pull((55, 285), outwards=-0.045, downwards=0.115, reach=0.14),
        Pull((105, 334), outwards=-0.02, downwards=0.085, reach=0.17),
        Pull((9,), outwards=0.0, downwards=0.03, reach=0.12),
    ),
    5: (Pull((159, 386), outwards=0.0, downwards=-0.05, reach=0.08),),  # upper lid raiser
    6: (  # cheek raiser: cheeks up, lower lids with them
        Pull((50, 280), outwards=0.015, downwards=-0.075, reach=0.24),
        Pull((145, 374), outwards=0.0, downwards=-0.025, reach=0.10),
    ),
    7: (  # lid tightener: lower lids up, the eyes narrow
        Pull((145, 374), outwards=0.0, downwards=-0.05, reach=0.10),
        Pull((159, 386), outwards=0.0, downwards=0.02, reach=0.06),
    ),
    9: (  # nose wrinkler: the nose's wings and the skin beside them up, the root of the nose down
        Pull((129, 358), outwards=0.01, downwards=-0.10, reach=0.13),
        Pull((37, 267), outwards=0.0, downwards=-0.03, reach=0.10),
        Pull((9,), outwards=0.0, downwards=0.03, reach=0.10),
    ),
    10: (  # upper lip raiser: the upper lip up, most between middle and corner, the folds beside the nose along
        Pull((39, 269), outwards=0.0, downwards=-0.10, reach=0.10),
        Pull((206, 426), outwards=0.02, downwards=-0.04, reach=0.12),
    ),
    12: (  # lip corner puller: corners out and up, folds and cheeks along
        Pull((61, 291), outwards=0.155, downwards=-0.165, reach=0.22),
        Pull((61, 291), outwards=0.0, downwards=-0.035, reach=0.07),
        Pull((205, 425), outwards=0.03, downwards=-0.05, reach=0.22),
        Crease(
            at=(203, 205, 206, 216, 212, 92, 186, 57, 423, 425, 426, 436, 432, 322, 410, 287),
            reach=0.16,
            breadth=0.20,
            sparing=(LIPS, NOSE),
        ),
    ),
    14: (Pull((61, 291), outwards=0.06, downwards=0.0, reach=0.07),),  # dimpler: corners tight and out, level
    15: (Pull((61, 291), outwards=0.0, downwards=0.12, reach=0.13),),  # lip corner depressor
    17: (  # chin raiser: the chin's boss and the lower lip up
        Pull((18,), outwards=0.0, downwards=-0.09, reach=0.14),
        Pull((199,), outwards=0.0, downwards=-0.07, reach=0.14),
    ),
    20: (Pull((61, 291), outwards=0.16, downwards=0.02, reach=0.18),),  # lip stretcher
    23: (  # lip tightener: the red of the lips narrower and the corners in
        Pull((61, 291), outwards=-0.05, downwards=0.0, reach=0.12),
        Pull((37, 267), outwards=0.0, downwards=0.025, reach=0.06),
        Pull((84, 314), outwards=0.0, downwards=-0.025, reach=0.06),
    ),
    24: (  # lip pressor: the red of the lips rolled in
        Pull((39, 269), outwards=0.0, downwards=0.05, reach=0.07),
        Pull((181, 405), outwards=0.0, downwards=-0.05, reach=0.07),
    ),
    25: (Gap(("mouth",), width=0.30),),  # lips part
    26: (  # jaw drop: the chin down, and the lower lip with it
        Pull((199,), outwards=0.0, downwards=0.26, reach=0.32),
        Gap(("mouth",), width=0.12),
    ),
    27: (  # mouth stretch: the jaw as far down as it goes
        Pull((199,), outwards=0.0, downwards=0.42, reach=0.36),
        Gap(("mouth",), width=0.42),
    ),
    43: (Gap(("right_eye", "left_eye"), width=None),),  # eyes closed
}


@dataclass(frozen=True)
class Opening:
    """A hole in the skin: its two edges as landmarks from corner to corner, corners left out.

    Attributes
    ----------
    upper_part
        Share of the way that the upper edge goes when the hole opens or closes.
    reach
        Over which skin beyond the edges is drawn along, inter-ocular distances: (above, below).
    firm
        Landmarks that move as the nearest part of the edge does, without fading: the lips.
    """

    corners: tuple[int, int]
    upper: tuple[int, ...]
    lower: tuple[int, ...]
    upper_part: float
    reach: tuple[float, float]
    firm: tuple[int, ...] = ()

    @property
    def outline(self) -> list[int]:
        """The edge, once around."""
        return [self.corners[0], *self.upper, self.corners[1], *reversed(self.lower)]


OPENINGS: Final[Mapping[str, Opening]] = {
    "mouth": Opening(
        corners=(78, 308),
        upper=(191, 80, 81, 82, 13, 312, 311, 310, 415),
        lower=(95, 88, 178, 87, 14, 317, 402, 318, 324),
        upper_part=0.3,
        reach=(0.10, 0.30),
        firm=(
            *(61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405, 321, 375),
            *(76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306, 77, 90, 180, 85, 16, 315, 404, 320, 307),
            *(62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292, 96, 89, 179, 86, 15, 316, 403, 319, 325),
        ),
    ),
    "right_eye": Opening(
        corners=(33, 133),
        upper=(246, 161, 160, 159, 158, 157, 173),
        lower=(7, 163, 144, 145, 153, 154, 155),
        upper_part=0.85,
        reach=(0.09, 0.05),
    ),
    "left_eye": Opening(
        corners=(263, 362),
        upper=(466, 388, 387, 386, 385, 384, 398),
        lower=(249, 390, 373, 374, 380, 381, 382),
        upper_part=0.85,
        reach=(0.09, 0.05),
    ),
}
