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
DARK_SHARE = 0.1  # of the images lose most of their light
NOISE_SHARE = 0.25  # of the images are noisy
NOISE = 12.0  # grey levels, standard deviation at most


def _uniform(n: int, spread: float, generator: torch.Generator) -> Tensor:
    return (torch.rand(n, generator=generator) * 2 - 1) * spread


def move(faces: Tensor, regions: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Faces and the numbers of their pixels (as for `augment`) turned, scaled, shifted and mirrored."""
    n = len(faces)
    angle, scale = _uniform(n, ROTATION_RAD, generator), 1 + _uniform(n, SCALE, generator)
    mirror = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    dx, dy = _uniform(n, 2 * SHIFT, generator), _uniform(n, 2 * SHIFT, generator)
    theta = torch.stack([torch.stack([cos * mirror, -sin, dx], 1), torch.stack([sin * mirror, cos, dy], 1)], 1)
    grid = F.affine_grid(theta, list(faces.shape), align_corners=False)
    turned = F.grid_sample(faces, grid, padding_mode="border", align_corners=False)
    moved = F.grid_sample(regions[:, None].float(), grid, "nearest", "border", align_corners=False)
    return turned, moved[:, 0].long()


def _light(faces: Tensor, generator: torch.Generator) -> Tensor:
    n = len(faces)
    contrast = 1 + _uniform(n, CONTRAST, generator)
    offset = 255 * _uniform(n, BRIGHTNESS, generator)
    mean = faces.mean(dim=(1, 2, 3))
    dark = torch.rand(n, generator=generator) < DARK_SHARE
    dim = torch.where(dark, 0.15 + 0.35 * torch.rand(n, generator=generator), torch.ones(n))
    lit = (faces - mean[:, None, None, None]) * contrast[:, None, None, None] + (mean + offset)[:, None, None, None]
    return lit.clamp(0, 255) * dim[:, None, None, None]


def _coarse(faces: Tensor, generator: torch.Generator) -> Tensor:
    chosen = torch.rand(len(faces), generator=generator) < COARSE_SHARE
    if not bool(chosen.any()):
        return faces
    side = int(torch.randint(faces.shape[-1] // 2, faces.shape[-1], (1,), generator=generator))
    small = F.interpolate(faces[chosen], size=side, mode="bilinear", antialias=True)
    faces = faces.clone()
    faces[chosen] = F.interpolate(small, size=faces.shape[-1], mode="bilinear")
    return faces


def _noise(faces: Tensor, generator: torch.Generator) -> Tensor:
    n = len(faces)
    strength = torch.rand(n, 1, 1, 1, generator=generator) * NOISE
    strength = strength * (torch.rand(n, 1, 1, 1, generator=generator) < NOISE_SHARE)
    return (faces + strength * torch.randn(faces.shape, generator=generator)).clamp(0, 255)


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


def augment(faces: Tensor, regions: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random views of faces: turned, scaled, mirrored, lit, blurred, noisy, covered.

    Parameters
    ----------
    faces
        float32 [n, 1, side, side] in 0..255.
    regions
        int64 [n, side, side]: a number per pixel that moves with the faces. Left and right of a mirrored face are not
        swapped.
    """
    faces, regions = move(faces, regions, generator)
    faces = _cut(_noise(_light(_coarse(faces, generator), generator), generator), generator)
    return faces, regions


def blur_outside(faces: Tensor, kept: Tensor) -> Tensor:
    """Faces float32 [n, 1, side, side], sharp only where `kept` (bool [n, side, side]) and softly around."""
    weight = F.avg_pool2d(F.max_pool2d(kept[:, None].float(), 3, 1, 1), 3, 1, 1, count_include_pad=False)
    blurred = F.avg_pool2d(F.avg_pool2d(faces, 9, 1, 4, count_include_pad=False), 9, 1, 4, count_include_pad=False)
    return weight * faces + (1 - weight) * blurred
