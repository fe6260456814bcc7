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
from core.stimulus import AT_REST, Pose, Puppet

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


@cache
def mesh() -> Mesh:
    """The one mesh model of the process."""
    return Mesh()
