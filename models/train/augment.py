"""Face-true augmentation of whole batches at once."""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch users know
from torch import Tensor

ROTATION_RAD = math.radians(15)
SCALE = 0.15
SHIFT = 0.10  # of the side
CONTRAST = 0.3
BRIGHTNESS = 0.2  # of the full range
CUT_SHARE = 0.5  # of the images lose a patch
CUT_PX = (6, 20)  # side of that patch
COARSE_SHARE = 0.25  # of the images are seen at a lower resolution


def _uniform(n: int, spread: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(n, generator=generator) * 2 - 1) * spread


def _affine(faces: Tensor, generator: torch.Generator) -> Tensor:
    n = len(faces)
    angle, scale = _uniform(n, ROTATION_RAD, generator), 1 + _uniform(n, SCALE, generator)
    mirror = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    dx, dy = _uniform(n, 2 * SHIFT, generator), _uniform(n, 2 * SHIFT, generator)
    theta = torch.stack([torch.stack([cos * mirror, -sin, dx], 1), torch.stack([sin * mirror, cos, dy], 1)], 1)
    grid = F.affine_grid(theta, list(faces.shape), align_corners=False)
    return F.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def _light(faces: Tensor, generator: torch.Generator) -> Tensor:
    n = len(faces)
    contrast = 1 + _uniform(n, CONTRAST, generator)
    offset = 255 * _uniform(n, BRIGHTNESS, generator)
    mean = faces.mean(dim=(1, 2, 3))
    lit = (faces - mean[:, None, None, None]) * contrast[:, None, None, None] + (mean + offset)[:, None, None, None]
    return lit.clamp(0, 255)


def _coarse(faces: Tensor, generator: torch.Generator) -> Tensor:
    chosen = torch.rand(len(faces), generator=generator) < COARSE_SHARE
    if not bool(chosen.any()):
        return faces
    side = int(torch.randint(faces.shape[-1] // 2, faces.shape[-1], (1,), generator=generator))
    small = F.interpolate(faces[chosen], size=side, mode="bilinear", antialias=True)
    faces = faces.clone()
    faces[chosen] = F.interpolate(small, size=faces.shape[-1], mode="bilinear")
    return faces


def _cut(faces: Tensor, generator: torch.Generator) -> Tensor:
    n, side = len(faces), faces.shape[-1]
    low, high = CUT_PX
    height, width = (torch.randint(low, high + 1, (n, 1, 1), generator=generator) for _ in range(2))
    top, left = (torch.randint(-low, side, (n, 1, 1), generator=generator) for _ in range(2))
    rows, columns = torch.arange(side)[None, :, None], torch.arange(side)[None, None, :]
    hole = (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)
    hole &= torch.rand(n, 1, 1, generator=generator) < CUT_SHARE
    grey = torch.rand(n, 1, 1, 1, generator=generator) * 255
    return torch.where(hole[:, None], grey, faces)


def augment(faces: Tensor, generator: torch.Generator) -> Tensor:
    """Random views of faces, float32 [n, 1, side, side] in 0..255: turned, scaled, mirrored, lit, blurred, covered."""
    return _cut(_light(_coarse(_affine(faces, generator), generator), generator), generator)
