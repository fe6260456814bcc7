"""Which face region each of the mesh's 478 points belongs to: exactly one, mirrored points to mirrored regions.

A point belongs to the region of `core.regions` that most of its surroundings lie in, on the symmetric median of 3487
meshes (FER+ validation images); the brows keep their inner ends, which lie on the border. No point lies outside the
face. The corners of the mouth count to the lower lip; both lips are one row wherever regions are shown.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import frozen
from core.regions import REGIONS

POINTS: Final = 478

# fmt: off
POINTS_OF: Final[Mapping[str, tuple[int, ...]]] = {
    "left_brow": (276, 282, 283, 285, 293, 295, 296, 300, 334, 336),
    "right_brow": (46, 52, 53, 55, 63, 65, 66, 70, 105, 107),
    "left_eye": (
        249, 252, 253, 254, 255, 256, 257, 258, 259, 260, 261, 263, 286, 339, 341, 342, 353, 357, 359, 362, 373, 374,
        380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 413, 414, 441, 442, 443, 444, 445, 446, 448, 449, 450, 451,
        452, 453, 463, 464, 466, 467, 473, 474, 475, 476, 477,
    ),
    "right_eye": (
        7, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 33, 56, 110, 112, 113, 124, 128, 130, 133, 144, 145, 153, 154, 155,
        157, 158, 159, 160, 161, 163, 173, 189, 190, 221, 222, 223, 224, 225, 226, 228, 229, 230, 231, 232, 233, 243,
        244, 246, 247, 468, 469, 470, 471, 472,
    ),
    "glabella": (8, 9, 193, 417),
    "nose": (
        1, 3, 4, 5, 6, 19, 20, 44, 45, 48, 49, 51, 59, 60, 64, 75, 79, 94, 98, 99, 102, 114, 115, 122, 125, 126, 131,
        134, 141, 166, 168, 174, 188, 195, 196, 197, 198, 209, 217, 218, 219, 220, 235, 236, 237, 238, 239, 240, 241,
        242, 245, 248, 250, 274, 275, 278, 279, 281, 289, 290, 294, 305, 309, 327, 328, 331, 343, 344, 351, 354, 355,
        360, 363, 370, 392, 399, 412, 419, 420, 429, 437, 438, 439, 440, 455, 456, 457, 458, 459, 460, 461, 462, 465,
    ),
    "left_cheek": (
        264, 265, 266, 277, 280, 323, 329, 330, 340, 345, 346, 347, 348, 349, 350, 352, 356, 358, 361, 366, 368, 371,
        372, 376, 383, 401, 410, 411, 423, 425, 426, 427, 436, 447, 454,
    ),
    "right_cheek": (
        34, 35, 36, 47, 50, 93, 100, 101, 111, 116, 117, 118, 119, 120, 121, 123, 127, 129, 132, 137, 139, 142, 143,
        147, 156, 177, 186, 187, 203, 205, 206, 207, 216, 227, 234,
    ),
    "upper_lip": (
        0, 2, 11, 12, 13, 37, 38, 39, 40, 41, 42, 72, 73, 74, 80, 81, 82, 92, 97, 164, 165, 167, 183, 184, 185, 191,
        267, 268, 269, 270, 271, 272, 302, 303, 304, 310, 311, 312, 322, 326, 391, 393, 407, 408, 409, 415,
    ),
    "lower_lip": (
        14, 15, 16, 17, 18, 43, 61, 62, 76, 77, 78, 83, 84, 85, 86, 87, 88, 89, 90, 91, 95, 96, 106, 146, 178, 179,
        180, 181, 182, 273, 291, 292, 306, 307, 308, 313, 314, 315, 316, 317, 318, 319, 320, 321, 324, 325, 335, 375,
        402, 403, 404, 405, 406,
    ),
    "chin": (
        32, 140, 148, 149, 152, 171, 175, 176, 194, 199, 200, 201, 204, 208, 211, 262, 369, 377, 378, 396, 400, 418,
        421, 424, 428, 431,
    ),
    "forehead": (
        10, 21, 54, 67, 68, 69, 71, 103, 104, 108, 109, 151, 162, 251, 284, 297, 298, 299, 301, 332, 333, 337, 338,
        389,
    ),
    "left_jaw": (287, 288, 364, 365, 367, 379, 394, 395, 397, 416, 422, 430, 432, 433, 434, 435),
    "right_jaw": (57, 58, 135, 136, 138, 150, 169, 170, 172, 192, 202, 210, 212, 213, 214, 215),
}
# fmt: on


def point_regions() -> NDArray[np.uint8]:
    """The region of every point: uint8 [478], indices into `core.regions.REGIONS`."""
    return _REGION_OF


def _table() -> NDArray[np.uint8]:
    found = np.full(POINTS, REGIONS.index("outside"), np.uint8)
    for name, points in POINTS_OF.items():
        found[list(points)] = REGIONS.index(name)
    return frozen(found)


_REGION_OF: Final = _table()
