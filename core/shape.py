"""The shape of a face: its mesh without place, tilt and size. One function for training and run time."""

from typing import Final

import numpy as np

from core.geometry import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, Floats

POINTS: Final = 478


def normalised(landmarks: Floats) -> Floats:
    """Shapes of meshes: centred between the eyes, turned level, and divided by the inter-ocular distance (SCIENCE 1.3).

    Parameters
    ----------
    landmarks
        [..., 478, 3] in px of any frame, z at the same scale; every mesh is taken by itself.

    Returns
    -------
    Floats
        float32 [..., 478, 3] in inter-ocular distances: the right eye centred at (-1/2, 0), the left at (1/2, 0),
        in the image plane; y points down. z is divided only: 0 stays where the mesh has it, smaller is nearer.
        A turn of the head out of the image plane stays in the shape.
    """
    if landmarks.ndim < 2 or landmarks.shape[-2:] != (POINTS, 3):
        raise ValueError(f"a shape needs meshes [..., {POINTS}, 3], got {list(landmarks.shape)}")
    right = landmarks[..., RIGHT_EYE_CORNERS, :2].mean(axis=-2, dtype=np.float64)
    left = landmarks[..., LEFT_EYE_CORNERS, :2].mean(axis=-2, dtype=np.float64)
    across = left - right
    squared = (across**2).sum(axis=-1)
    if not (np.isfinite(squared) & (squared > 0)).all():
        raise ValueError(
            "a shape needs two eyes that lie apart, got a mesh whose eye centres coincide or are no numbers"
        )
    level = across / squared[..., None]  # (cos, sin) of the eye line's tilt over the inter-ocular distance
    cos, sin = level[..., 0, None], level[..., 1, None]
    offset = landmarks[..., :2] - ((left + right) / 2)[..., None, :]
    x, y = offset[..., 0], offset[..., 1]
    z = landmarks[..., 2] / np.sqrt(squared)[..., None]
    shape: Floats = np.stack([cos * x + sin * y, cos * y - sin * x, z], axis=-1).astype(np.float32)
    return shape
