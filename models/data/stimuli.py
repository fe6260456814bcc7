"""Faces that show units of known strength, with what is measured of them: by the way that any picture goes.

The stimulus renders a picture, the mesh is fitted to it anew, and the features of `core.action_units` are read from
both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import UNITS, Reading, read
from core.deformations import ACTION_UNITS, MAX_STRENGTH, Gap
from core.geometry import Floats, Image
from core.mesh import Mesh, region_of_landmarks
from core.opencv import cv2
from core.stimulus import AT_REST, Pose, Puppet

SURROUNDINGS: Final = 2.0  # radius of what stays in place when a head turns, in distances of the outer eye corners
FOLLOWING: Final = 0.08  # standard deviation of the kernel by which the picture follows landmarks, the same unit
FITS: Final = 2  # of the mesh per picture, the second framed by the first, as on video


@dataclass(frozen=True)
class Command:
    """What a face is told to show, and how its head stands."""

    strengths: Mapping[int, float] = field(default_factory=dict)
    pose: Pose = AT_REST

    @property
    def truth(self) -> NDArray[np.float64]:
        """Intensity of every unit of `UNITS`, float64 [units], 0..5.

        A jaw that drops parts the lips, which FACS codes as AU25, and closed eyes are AU43 as well as a blink.
        """
        shown = dict(self.strengths)
        shown[45] = shown.get(43, 0.0)
        parted = sum(strength * _PARTS[au] for au, strength in self.strengths.items() if au in _PARTS)
        shown[25] = min(parted, MAX_STRENGTH)
        return np.array([shown.get(unit.au, 0.0) for unit in UNITS])


def _mouth_width(au: int) -> float:
    widths = [e.width for e in ACTION_UNITS[au] if isinstance(e, Gap) and "mouth" in e.openings]
    return sum(width for width in widths if width is not None)


# How far each unit parts the lips, as a share of what AU25 does.
_PARTS: Final = {au: _mouth_width(au) / _mouth_width(25) for au in ACTION_UNITS if _mouth_width(au) > 0}


def show(
    still: Image, landmarks: Floats, commands: Sequence[Command], baseline: Mapping[int, float] | None = None
) -> list[Reading]:
    """Render a face under each command, fit the mesh, and read it.

    Parameters
    ----------
    still
        RGB uint8 [height, width, 3].
    landmarks
        float32 [478, 3], its mesh, px of the still.
    baseline
        What the still itself shows, see `Puppet`.
    """
    puppet = Puppet(still, landmarks, baseline)
    readings = []
    for command in commands:
        image = puppet.render(command.strengths, command.pose)
        seen = landmarks
        for _ in range(FITS):
            seen, _presence = mesh().fit(image, region_of_landmarks(seen))
        readings.append(read(seen, image))
    return readings


def turned(still: Image, landmarks: Floats, yaw_deg: float, pitch_deg: float) -> Reading:
    """Read a face at rest whose head has turned: the picture follows its landmarks, which turn in 3-D.

    The stimulus' own `Pose` is made for slow sway: its eyes stay where they are. The mesh is too flat: 35 degrees of
    its landmarks look like, and are read as, some 20.
    """
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    about_down = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    across = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    middle = landmarks.mean(axis=0)
    moved = ((landmarks - middle) @ about_down @ across + middle)[:, :2]
    size = float(np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]))
    around = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    far = middle[:2] + SURROUNDINGS * size * np.stack([np.cos(around), np.sin(around)], axis=1)
    rows, columns = still.shape[:2]
    coarse = np.stack(np.meshgrid(np.arange(0, columns, 4), np.arange(0, rows, 4)), axis=2).reshape(-1, 2)
    ends = np.vstack([moved, far])
    back = np.vstack([landmarks[:, :2] - moved, np.zeros_like(far)])
    squares = ((coarse[:, None] - ends[None]) ** 2).sum(axis=2) / (FOLLOWING * size) ** 2
    weights = np.exp(-0.5 * (squares - squares.min(axis=1, keepdims=True)))
    shift = (weights @ back / weights.sum(axis=1, keepdims=True)).reshape(-(-rows // 4), -(-columns // 4), 2)
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2).astype(np.float32)
    places = grid + cv2.resize(shift.astype(np.float32), (columns, rows), interpolation=cv2.INTER_LINEAR)
    image = cv2.remap(still, places, np.empty(0, np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    shown, seen = np.asarray(image, np.uint8), np.column_stack([moved, landmarks[:, 2]]).astype(np.float32)
    for _ in range(FITS):
        seen, _presence = mesh().fit(shown, region_of_landmarks(seen))
    return read(seen, shown)


@cache
def mesh() -> Mesh:
    """The one mesh model of the process."""
    return Mesh()
