"""Taking the head's pose out of a mesh: a rigid similarity in 3-D carries stable points onto the canonical face.

The canonical frame is the face's own: origin between the eyes, x towards the person's left, y down, z away from the
camera of a face seen from the front; its unit is the inter-ocular distance of the mean neutral face.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units.fitted import fitted
from core.geometry import Floats

Points = NDArray[np.float64]

# Forehead and temples, bridge of the nose, eye corners: what action units hardly move. Each mirrors another or itself.
STABLE: Final = (
    *(10, 151, 9, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389, 127, 356),
    *(168, 6, 197, 195, 33, 133, 362, 263),
)
_STABLE: Final = list(STABLE)


@dataclass(frozen=True)
class Posed:
    """Faces in the canonical frame, and how they stood before; any number of leading axes.

    Attributes
    ----------
    points
        float64 [..., 478, 3], canonical frame, inter-ocular distances.
    rotation
        float64 [..., 3, 3]: a row of coordinates times it leads from the landmarks' axes to the canonical ones.
    scale
        float64 [...]: inter-ocular distances per unit of the landmarks.
    origin
        float64 [..., 3]: the stable points' centre in the landmarks' frame.
    centre
        float64 [3]: the same in the canonical frame.
    """

    points: Points
    rotation: Points
    scale: Points
    origin: Points
    centre: Points

    def to_picture(self, points: Points) -> Points:
        """Carry canonical points [n, 3] back into one face's picture: float64 [n, 2]."""
        turn = self.rotation[:2] / self.scale
        placed: Points = (turn @ points.T + (self.origin[:2] - turn @ self.centre)[:, None]).T
        return placed

    @property
    def angles_deg(self) -> Points:
        """Yaw (towards the picture's right) and pitch (down) of the head against the camera, float64 [..., 2]."""
        towards = -self.rotation[..., :, 2]  # the way the face looks, in the landmarks' axes
        yaw = np.arctan2(towards[..., 0], -towards[..., 2])
        pitch = np.arcsin(np.clip(towards[..., 1], -1, 1))
        angles: Points = np.degrees(np.stack([yaw, pitch], axis=-1))
        return angles


def posed(landmarks: Floats) -> Posed:
    """Carry meshes [..., 478, 3] (z at the scale of x and y, smaller is nearer) into the canonical frame.

    Raises
    ------
    ValueError
        Where the shape is another, a number is not finite, or the stable points lie on one line.
    """
    return posed_onto(landmarks, fitted().points)


def posed_onto(landmarks: Floats, canonical: Points) -> Posed:
    """Carry meshes onto a canonical face [478, 3]: least squares over `STABLE` (Umeyama 1991, without reflection)."""
    if landmarks.shape[-2:] != (478, 3):
        raise ValueError(f"action units need landmarks [..., 478, 3], got {landmarks.shape}")
    if not np.isfinite(landmarks).all():
        raise ValueError("action units need finite landmarks, got some that are not (was no face found?)")
    target = canonical[_STABLE]
    centre = target.mean(axis=0)
    mesh = landmarks.astype(np.float64)
    stable = mesh[..., _STABLE, :]
    origin = stable.mean(axis=-2)
    centred = stable - origin[..., None, :]
    u, strength, v = np.linalg.svd(np.swapaxes(centred, -1, -2) @ (target - centre))
    if (strength[..., 1] <= 1e-9 * np.abs(mesh).max()).any():
        raise ValueError("action units need a face with an extent, got stable points on one line or in one place")
    signs = np.ones(strength.shape)
    signs[..., 2] = np.sign(np.linalg.det(u @ v))
    rotation = (u * signs[..., None, :]) @ v
    scale = (strength * signs).sum(axis=-1) / (centred**2).sum(axis=(-2, -1))
    points = scale[..., None, None] * ((mesh - origin[..., None, :]) @ rotation) + centre
    return Posed(points, rotation, scale, origin, centre)
