"""The zero-bias network's recipe: the published one (SCIENCE 1.2), changed so that two cores can finish it.

What the paper's summary leaves open is ours: how far intensity is jittered, how long it trains, and the first weights
(He's in the convolutions; behind quadrants, which pick maxima, they would be too large for the dense layers).
Everything else that departs from it is a setting of the recipe, and can be set back.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from core.geometry import Alignment, Floats
from core.verification.scores import score
from models.data import ferplus
from models.networks.zero_bias import SIZE, ZeroBias
from models.train import mien
from models.train.run import Run

# The default network's, on larger pictures.
ALIGNMENT = Alignment(SIZE, mien.ALIGNMENT.right_eye, mien.ALIGNMENT.left_eye, mien.ALIGNMENT.mouth)
RECIPE = "recipe.json"
AT_ONCE = 64  # pictures read together where nothing is learnt


@dataclass(frozen=True)
class Recipe:
    """How the network learns.

    Batch, rate, momentum, weight decay, rotation and scale are as published.

    Attributes
    ----------
    rotation_deg
        At most, to either side.
    smallest, largest
        Times the face's size.
    intensity
        Contrast is multiplied by, and brightness raised to the power of, a number from 1 / intensity to this.
    aligned_share
        Of the training views come from the aligned crop, the others from FER2013's own, as for the default network.
    small_epochs, small_side
        So many epochs first on smaller pictures, at a fraction of the cost; 0 is as published. The same weights read
        both: quadrants are quarters of any picture. The sides should be nearer to each other than the largest to the
        smallest of the scaled faces, or what was learnt on one says little on the other.
    small_contrast
        Times the contrast of small pictures, whose neighbouring pixels differ more: it makes theirs what it is on large
        ones.
    annealed_epochs
        In so many epochs at the end the rate falls to zero along a cosine; 0 for a constant rate, as published.
    average_decay
        Of the weight average, per step; 0 is as published.
    """

    epochs: int = 16
    batch: int = 64
    rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-5
    rotation_deg: float = 5.0
    smallest: float = 0.7
    largest: float = 1.4
    intensity: float = 1.4
    aligned_share: float = 0.6
    small_epochs: int = 12
    small_side: int = 64
    small_contrast: float = 0.72
    annealed_epochs: int = 4
    average_decay: float = 0.998

    def side_in(self, epoch: int) -> int:
        """Side of the pictures in an epoch counted from 0, px."""
        return self.small_side if epoch < self.small_epochs else SIZE

    def contrast_at(self, side: int) -> float:
        """What pictures of a side are multiplied by."""
        return self.small_contrast if side < SIZE else 1.0

    def slowing(self, epochs: float) -> float:
        """Share of the rate after so many epochs."""
        left = self.epochs - epochs
        if left >= self.annealed_epochs:
            return 1.0
        return 0.5 - 0.5 * math.cos(math.pi * max(left, 0.0) / self.annealed_epochs)


@dataclass(frozen=True)
class Faces:
    """Pictures to learn from or to be measured on.

    Attributes
    ----------
    aligned
        uint8 [n, 1, 96, 96].
    raw
        The same as FER2013 holds them, uint8 [n, 1, 48, 48]; None where there are aligned ones alone.
    distribution
        What is learnt, float32 [n, classes].
    labels
        What is scored: int64 [n], -1 where a picture does not count.
    kept
        Which pictures may be learnt from, int64.
    """

    aligned: Tensor
    raw: Tensor | None
    distribution: Tensor
    labels: NDArray[np.int64]
    kept: Tensor

    def views(self, chosen: Tensor, recipe: Recipe, side: int, generator: torch.Generator) -> Tensor:
        """Random views of these pictures, float32 [n, 1, side, side], grey levels."""
        faces = self.aligned[chosen].float()
        if self.raw is not None:
            aligned = torch.rand(len(chosen), generator=generator) < recipe.aligned_share
            large = F.interpolate(self.raw[chosen].float(), size=SIZE, mode="bilinear")
            faces = torch.where(aligned[:, None, None, None], faces, large)
        return jitter(faces, recipe, side, generator) * recipe.contrast_at(side)


def ferplus_faces(split: ferplus.FerPlus) -> Faces:
    """A split of FER+: soft votes to learn from, the majority's labels to be scored on."""
    distribution, kept = ferplus.soft_labels(split.votes)
    return Faces(
        torch.from_numpy(split.crops(ALIGNMENT))[:, None],
        torch.from_numpy(split.images)[:, None],
        torch.from_numpy(distribution),
        ferplus.majority_labels(split.votes),
        torch.from_numpy(np.flatnonzero(kept)),
    )


def jitter(faces: Tensor, recipe: Recipe, side: int, generator: torch.Generator) -> Tensor:
    """Faces float32 [n, 1, h, w] in 0..255 turned, scaled, mirrored and lit anew: float32 [n, 1, side, side]."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(faces), generator=generator)

    angle = torch.deg2rad(uniform(-recipe.rotation_deg, recipe.rotation_deg))
    reach = 1 / uniform(recipe.smallest, recipe.largest)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin, none = torch.cos(angle) * reach, torch.sin(angle) * reach, torch.zeros(len(faces))
    theta = torch.stack([torch.stack([cos * mirror, -sin, none], 1), torch.stack([sin * mirror, cos, none], 1)], 1)
    grid = F.affine_grid(theta, [len(faces), 1, side, side], align_corners=False)
    moved = F.grid_sample(faces, grid, padding_mode="border", align_corners=False)
    widest = math.log(recipe.intensity)
    power, factor = (torch.exp(uniform(-widest, widest))[:, None, None, None] for _ in range(2))
    return 255 * (moved / 255).clamp(0, 1) ** power * factor


def recipe_of(folder: Path) -> Recipe:
    """The recipe that a run in this folder was begun with."""
    return Recipe(**json.loads((folder / RECIPE).read_text()))


def fresh_run(folder: Path, make: Callable[[], ZeroBias], recipe: Recipe, steps: int, seed: int) -> Run[ZeroBias]:
    """A run at its beginning, of so many steps an epoch; the seed rules the network's first weights too.

    The folder keeps the recipe. RuntimeError where it holds a run of another one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / RECIPE).exists() and recipe_of(folder) != recipe:
        raise RuntimeError(f"{folder} holds a run of {recipe_of(folder)}. Name another folder, or the same recipe.")
    (folder / RECIPE).write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    torch.manual_seed(seed)
    network = make().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        network.parameters(), lr=recipe.rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: recipe.slowing(step / steps))
    return Run(folder, network, optimizer, schedule, seed, recipe.average_decay)


@torch.no_grad()
def predict(network: ZeroBias, faces: Tensor) -> Floats:
    """Logits float32 [n, classes] of faces [n, 1, side, side], one pass, nothing augmented."""
    network.eval()
    return torch.cat([network(part).float() for part in torch.split(faces, AT_ONCE)]).numpy()


def train(run: Run[ZeroBias], recipe: Recipe, faces: Faces, valid: Faces | None = None) -> None:
    """Train until the recipe's last epoch; `valid` is scored after each, roughly: in bfloat16, at the epoch's size."""
    run.resume()
    while run.epoch < recipe.epochs:
        started, side = time.monotonic(), recipe.side_in(run.epoch)
        loss = _epoch(run, recipe, faces, side)
        row = {"epoch": run.epoch + 1, "side": side, "loss": loss, "seconds": time.monotonic() - started}
        run.epoch += 1
        run.save()
        if valid is not None:
            row |= _watched(run, recipe, valid, side)
        run.log(row)


def _watched(run: Run[ZeroBias], recipe: Recipe, valid: Faces, side: int) -> dict[str, float]:
    labelled = np.flatnonzero(valid.labels >= 0)
    pictures = F.interpolate(valid.aligned[labelled].float(), size=side, mode="bilinear", antialias=side < SIZE)
    with torch.autocast("cpu", torch.bfloat16):
        scores = score(predict(run.average, pictures * recipe.contrast_at(side)), valid.labels[labelled])
    return {"accuracy": scores.accuracy, "recall": scores.mean_recall}


def _epoch(run: Run[ZeroBias], recipe: Recipe, faces: Faces, side: int) -> float:
    """Every picture once, in random order; the mean loss."""
    run.network.train()
    order = faces.kept[torch.randperm(len(faces.kept), generator=run.generator)]
    losses = []
    for chosen in torch.split(order, recipe.batch)[: steps_in(faces, recipe)]:
        views = faces.views(chosen, recipe, side, run.generator)
        with torch.autocast("cpu", torch.bfloat16):
            logits = run.network(views.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), faces.distribution[chosen])
        run.step(loss)
        losses.append(loss.item())
    return float(np.mean(losses))


def steps_in(faces: Faces, recipe: Recipe) -> int:
    """Steps of an epoch: whole batches, at least one."""
    return max(len(faces.kept) // recipe.batch, 1)
