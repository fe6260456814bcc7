"""A second opinion on action units: the blendshapes of MediaPipe's face landmarker, where the person has its file.

The file (`face_landmarker.task`) does not come with Mienscope. Its blendshapes are made for avatars: 0 to 1, on no
scale of FACS, never fitted to coded faces. They are shown beside our units and take no part in any score. MediaPipe's
`cheekSquint` and `noseSneer` hardly leave 0, so that it has no opinion on AU6 and AU9.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

FILE: Final = "face_landmarker.task"

# As MediaPipe names and orders them, without the first, which stands for all others being 0.
NAMES: Final = (
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff"),
    *("cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight"),
    *("eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight"),
    *("eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight"),
    *("mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel"),
    *("mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker"),
    *("mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft"),
    *("mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
    *("noseSneerLeft", "noseSneerRight"),
)

# Which blendshape is the nearest to a unit, without its side ("browDownLeft" is "browDown"): Apple's ARKit, whose names
# these are, describes each in words that FACS has a unit for.
UNIT_OF: Final[Mapping[str, int]] = {
    "browInnerUp": 1,
    "browOuterUp": 2,
    "browDown": 4,
    "eyeWide": 5,
    "cheekSquint": 6,
    "eyeSquint": 7,
    "noseSneer": 9,
    "mouthUpperUp": 10,
    "mouthSmile": 12,
    "mouthDimple": 14,
    "mouthFrown": 15,
    "mouthShrugLower": 17,
    "mouthStretch": 20,
    "mouthPress": 24,
    "jawOpen": 26,
    "eyeBlink": 43,
}
UNIT_NAMES: Final[Mapping[int, str]] = {au: name for name, au in UNIT_OF.items()}


@dataclass(frozen=True)
class Blendshapes:
    """What MediaPipe reads in one face.

    Attributes
    ----------
    values
        0..1 by `NAMES`; left and right are the person's.
    timestamp_s
        Of the frame that it was read in.
    """

    values: Mapping[str, float]
    timestamp_s: float

    def of(self, au: int) -> tuple[float, float] | None:
        """What stands for a unit on the person's right and left, 0..1; None where nothing does."""
        name = UNIT_NAMES.get(au)
        if name is None:
            return None
        right, left = (f"{name}{side}" if f"{name}{side}" in self.values else name for side in ("Right", "Left"))
        return self.values[right], self.values[left]
