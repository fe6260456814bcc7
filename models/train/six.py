"""Six classes of FER2013 (SCIENCE 1.4): GiMeFive by its published recipe, and the default network on the same data."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from core.geometry import Floats, Image
from core.verification.scores import score
from models.data.fer2013 import CLASSES, Fer2013
from models.networks.gimefive import SIZE, GiMeFive
from models.networks.mien import Mien, MienConfig
from models.train.augment import augment, move
from models.train.run import N, Run, averaged_weights


@dataclass(frozen=True)
class SixRecipe:
    """How a network learns the six classes; the defaults are GiMeFive's as published.

    The paper's augmentation is not known to us: ours is the default network's (`models.train.augment`). It is never
    applied to what is measured.

    Attributes
    ----------
    epochs
        At most.
    patience
        Epochs without a better validation accuracy, after which training ends.
    peak_rate
        0 for a constant `rate`; else of one cycle.
    small_epochs, small_side
        So many epochs first on smaller pictures, at a fraction of the cost; 0 is as published. They count neither for
        the best epoch nor for patience.
    annealed_epochs
        In so many epochs at the end a constant `rate` falls to zero along a cosine; 0 is as published.
    moved_only
        1: pictures are turned, scaled, shifted and mirrored, but neither lit anew nor blurred, noisy or covered.
    """

    epochs: int = 80
    patience: int = 15
    batch: int = 16
    rate: float = 1e-3
    peak_rate: float = 0.0
    weight_decay: float = 1e-4
    average_decay: float = 0.0
    smoothing: float = 0.0
    side: int = SIZE
    small_epochs: int = 0
    small_side: int = 32
    annealed_epochs: int = 0
    moved_only: int = 0

    def slowing(self, epochs: float) -> float:
        """Share of a constant rate after so many epochs."""
        left = self.epochs - epochs
        if left >= self.annealed_epochs:
            return 1.0
        return 0.5 - 0.5 * math.cos(math.pi * max(left, 0.0) / self.annealed_epochs)

    def side_in(self, epoch: int) -> int:
        """Side of the pictures in an epoch counted from 0, px."""
        return self.small_side if epoch < self.small_epochs else self.side


# Our own network learns as it does for the default pack: one cycle, averaged weights, first on small pictures.
OURS = SixRecipe(
    epochs=40,
    patience=40,
    batch=128,
    rate=0.15,
    peak_rate=0.15,
    weight_decay=5e-4,
    average_decay=0.998,
    smoothing=0.1,
    side=48,
    small_epochs=24,
    small_side=32,
    moved_only=1,
)


def fresh_gimefive() -> GiMeFive:
    """GiMeFive at its beginning."""
    return GiMeFive(len(CLASSES))


def fresh_mien() -> Mien:
    """The default network, without its gate, for six classes, at its beginning."""
    return Mien(MienConfig(classes=len(CLASSES), gated=False))


def fresh_run(
    folder: Path, make: Callable[[], N], recipe: SixRecipe, steps: int, seed: int, begun: Path | None = None
) -> Run[N]:
    """A run at its beginning. The seed rules the first weights too, unless they come from the run in `begun`."""
    torch.manual_seed(seed)
    network = make()
    if begun is not None:
        network.load_state_dict(averaged_weights(begun))
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.rate,
        momentum=0.9,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.peak_rate > 0,
        fused=True,
    )
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None
    if recipe.annealed_epochs:
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: recipe.slowing(step / steps))
    elif recipe.peak_rate:
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.peak_rate, epochs=recipe.epochs, steps_per_epoch=steps, pct_start=0.2
        )
    return Run(folder, network, optimizer, schedule, seed, recipe.average_decay)


def pictures(images: Image, side: int) -> Tensor:
    """Images uint8 [n, 48, 48] as float32 [n, 1, side, side] in 0..255, enlarged bilinearly."""
    faces = torch.from_numpy(images)[:, None].float()
    return faces if side == 48 else F.interpolate(faces, size=side, mode="bilinear", antialias=side < 48)


@torch.no_grad()
def predict(network: nn.Module, images: Image, side: int) -> Floats:
    """Logits float32 [n, 6] of images uint8 [n, 48, 48], one pass, nothing augmented."""
    network.eval()
    parts = [network(pictures(images[i : i + 128], side)) for i in range(0, len(images), 128)]
    return torch.cat(parts).float().numpy()


def train(run: Run[N], recipe: SixRecipe, train_split: Fer2013, valid: Fer2013) -> None:
    """Train until the last epoch, or until patience ends; the best epoch's weights are kept as best.pt."""
    run.resume()
    best, since = _best(run)
    while run.epoch < recipe.epochs and since < recipe.patience:
        started, side = time.monotonic(), recipe.side_in(run.epoch)
        loss = _epoch(run, recipe, train_split, side)
        run.epoch += 1
        scores = score(predict(run.average, valid.images, side), valid.labels)
        if side == recipe.side:
            best, since = max(best, scores.accuracy), 0 if scores.accuracy > best else since + 1
            if since == 0:
                torch.save(run.average.state_dict(), run.folder / "best.pt")
        run.save()
        seconds = time.monotonic() - started
        figures = {"accuracy": scores.accuracy, "recall": scores.mean_recall, "best": best, "since": since}
        run.log({"epoch": run.epoch, "loss": loss, "seconds": seconds, **figures})


def _best(run: Run[N]) -> tuple[float, int]:
    """Best accuracy so far and epochs since, from the run's own log."""
    path = run.folder / "log.csv"
    if run.epoch == 0 or not path.exists():
        return 0.0, 0
    header, *rows = [line.split(",") for line in path.read_text().splitlines()]
    last = dict(zip(header, rows[run.epoch - 1], strict=True))
    return float(last["best"]), int(last["since"])


def _epoch(run: Run[N], recipe: SixRecipe, split: Fer2013, side: int) -> float:
    """Every image once, in random order; the mean loss."""
    run.network.train()
    images, labels = torch.from_numpy(split.images)[:, None], torch.from_numpy(split.labels)
    order = torch.randperm(len(labels), generator=run.generator)
    none = torch.zeros(recipe.batch, 48, 48, dtype=torch.long)
    change = move if recipe.moved_only else augment
    losses = []
    for chosen in torch.split(order, recipe.batch)[: len(order) // recipe.batch]:
        faces, _ = change(images[chosen].float(), none, run.generator)
        faces = faces if side == 48 else F.interpolate(faces, size=side, mode="bilinear", antialias=side < 48)
        with torch.autocast("cpu", torch.bfloat16):
            logits = run.network(faces.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), labels[chosen], label_smoothing=recipe.smoothing)
        run.step(loss)
        losses.append(loss.item())
    return float(np.mean(losses))
