"""The default network's recipe: soft votes, growing pictures, and in the end a say in where the relevance lies."""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from core.geometry import Alignment, Floats
from core.regions import ACTION_UNIT_REGIONS, EMFACS, EXPECTED, OUTSIDE, REGIONS, partition
from core.verification.scores import score
from models.data import ferplus
from models.networks.mien import Mien, MienConfig
from models.networks.relevance import Explained
from models.train.augment import augment, blur_outside, move
from models.train.run import Run, averaged_weights

# Mean places of eyes and mouth over the training images where the mesh finds a face, made symmetric: an aligned crop
# shows, on average, what a raw one shows.
ALIGNMENT = Alignment(48, right_eye=(0.325, 0.3825), left_eye=(0.675, 0.3825), mouth=(0.5, 0.764))
MOST = 0.9  # share of the relevance that is asked of the expected regions at most
SMALL_SHARE = 0.02  # below this the penalty on relevance elsewhere grows no steeper
MEASURED_EVERY = 4  # epochs, and each of the last ones
FLOOR = 0.01  # in the denominators of the relevance that is learnt from
LARGEST_GRADIENT = 4.0  # norm beyond which a guided step is shortened
UNSEEN = len(REGIONS)  # in place of a region where no mesh was found
_NAMES = (*REGIONS, "")
# Which regions, UNSEEN last, are expected of a class: bool [classes, regions + 1]; and, for each of its action units,
# where that unit shows: bool [classes, units, regions + 1], nowhere where the class has no more units.
_EXPECTED = torch.tensor([[name in EXPECTED[c] for name in _NAMES] for c in ferplus.CLASSES])
_MOST_UNITS = max(map(len, EMFACS.values()))
_UNITS = torch.zeros(len(ferplus.CLASSES), _MOST_UNITS, len(_NAMES), dtype=torch.bool)
for _place, _class in enumerate(ferplus.CLASSES):
    for _number, _unit in enumerate(EMFACS[_class]):
        _UNITS[_place, _number] = torch.tensor([name in ACTION_UNIT_REGIONS[_unit] for name in _NAMES])


@dataclass(frozen=True)
class Recipe:
    """What may differ between runs; the table of runs names it.

    Attributes
    ----------
    balance
        Images of a class are drawn with weight (class count) ** -balance.
    aligned_share
        Of the training views come from the aligned crop, the others from the raw one.
    sizes
        From which share of the epochs on pictures have which side, px.
    guided_from
        From which share of the epochs on every `guided_every`-th step adds the penalty on relevance.
    outside, expected
        Weights of the penalties: on positive relevance outside the face, and on too little of it in expected regions.
    enough
        Density (V_f) from which on there is relevance enough in the expected regions.
    focused, hidden
        Of the training views, in so many only the expected regions are sharp, and in so many only the others: what the
        network may read the expression from, and what it may not.
    moved_share
        Of the batches are augmented by movement alone.
    taught_share
        Of what is learnt comes from the teachers, where there are any, the rest from the votes.
    """

    epochs: int = 60
    batch: int = 128
    peak_rate: float = 0.15
    weight_decay: float = 5e-4
    average_decay: float = 0.998
    balance: float = 0.35
    aligned_share: float = 0.6
    sizes: tuple[tuple[float, int], ...] = ((0.0, 32), (0.6, 40), (0.8, 48))
    guided_from: float = 0.6
    guided_every: int = 3
    outside: float = 0.3
    expected: float = 0.1
    enough: float = 1.8
    focused: float = 0.2
    hidden: float = 0.05
    dropout: float = 0.3
    moved_share: float = 0.0
    taught_share: float = 0.5

    def size(self, epoch: int) -> int:
        """Side of the pictures in an epoch, px."""
        return [side for start, side in self.sizes if epoch >= start * self.epochs][-1]

    def guides(self, epoch: int) -> bool:
        """Whether an epoch, counted from 0, has a say in where relevance lies."""
        return epoch >= self.guided_from * self.epochs


# What a run that begins with another's weights goes by: it learns to see faces as they are, in full size, and its say
# in where relevance lies keeps that where it is.
FURTHER = Recipe(
    epochs=12,
    peak_rate=0.08,
    balance=0.5,
    sizes=((0.0, ALIGNMENT.size),),
    guided_from=0.0,
    guided_every=6,
    focused=0.1,
    hidden=0.0,
    dropout=0.1,
    moved_share=1.0,
)
# The same with teachers: long, and with half of the views lit anew, blurred, noisy or covered, so that nothing that the
# first cycle taught about bad pictures is forgotten.
TAUGHT = replace(FURTHER, epochs=40, peak_rate=0.1, balance=0.35, guided_every=18, moved_share=0.5)


class Faces:
    """One split as tensors: aligned and raw crops uint8 [n, 1, size, size], their regions, and the votes."""

    def __init__(self, split: ferplus.FerPlus) -> None:
        distribution, kept = ferplus.soft_labels(split.votes)
        self.labels = ferplus.majority_labels(split.votes)
        self.aligned = torch.from_numpy(split.crops(ALIGNMENT))[:, None]
        self.raw = torch.from_numpy(split.images)[:, None]
        meshes = zip(split.landmarks, split.found, strict=True)
        regions = np.stack([_regions(landmarks, found) for landmarks, found in meshes])
        self.regions_aligned, self.regions_raw = torch.from_numpy(regions).unbind(1)
        self.distribution = torch.from_numpy(distribution)
        self.kept = torch.from_numpy(np.flatnonzero(kept))

    def teach(self, seen: Sequence[Tensor], share: float) -> None:
        """Mix into the votes what teachers see, float32 [n, classes] each: this share of what is learnt is theirs."""
        self.distribution = (1 - share) * self.distribution + share * torch.stack(list(seen)).mean(0)

    def draw(self, recipe: Recipe, generator: torch.Generator) -> Tensor:
        """Indices of one epoch, as many as there are images, rare classes more often."""
        classes = self.distribution[self.kept].argmax(1)
        weight = torch.bincount(classes).float()[classes] ** -recipe.balance
        return self.kept[torch.multinomial(weight, len(self.kept), replacement=True, generator=generator)]

    def batch(self, chosen: Tensor, recipe: Recipe, side: int, generator: torch.Generator) -> "Batch":
        """Random views of these images."""
        aligned = torch.rand(len(chosen), generator=generator) < recipe.aligned_share
        faces = torch.where(aligned[:, None, None, None], self.aligned[chosen], self.raw[chosen]).float()
        regions = torch.where(aligned[:, None, None], self.regions_aligned[chosen], self.regions_raw[chosen]).long()
        distribution = self.distribution[chosen]
        target = distribution.argmax(1)
        only_moved = float(torch.rand(1, generator=generator)) < recipe.moved_share
        faces, regions = (move if only_moved else augment)(faces, regions, generator)
        faces, distribution = _hide(faces, regions, distribution, recipe, generator)
        if side != faces.shape[-1]:
            faces = F.interpolate(faces, size=side, mode="bilinear", antialias=True)
        coarse = F.interpolate(regions[:, None].float(), size=side // 2, mode="nearest-exact")[:, 0].long()
        return Batch(faces, distribution, target, coarse)


def _hide(
    faces: Tensor, regions: Tensor, distribution: Tensor, recipe: Recipe, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Blur some faces but for their expected regions, and of others those; what is left of these tells little."""
    expected = _EXPECTED[distribution.argmax(1)[:, None, None], regions]
    known = expected.any(dim=(1, 2))
    chance = torch.rand(len(faces), generator=generator)
    focused, hidden = known & (chance < recipe.focused), known & (chance > 1 - recipe.hidden)
    kept = torch.where(focused[:, None, None], expected, ~expected)
    changed = (focused | hidden)[:, None, None, None]
    unsure = distribution * 0.5 + 0.5 / distribution.shape[1]
    return torch.where(changed, blur_outside(faces, kept), faces), torch.where(hidden[:, None], unsure, distribution)


def _regions(landmarks: Floats, found: bool) -> Floats:
    """Which region each pixel of the aligned and of the raw crop belongs to, uint8 [2, size, size]."""
    if not found:
        return np.full((2, ALIGNMENT.size, ALIGNMENT.size), UNSEEN, np.uint8)
    aligned = ALIGNMENT.to_crop(landmarks).apply(landmarks[:, :2])
    return np.stack([partition(points, ALIGNMENT.size).labels for points in (aligned, landmarks[:, :2])])


@dataclass(frozen=True)
class Batch:
    """Views to learn from.

    Attributes
    ----------
    faces
        float32 [n, 1, side, side] in 0..255.
    distribution
        Votes over the classes, float32 [n, classes].
    target
        The class with most votes, int64 [n].
    regions
        Where the stem's maps lie, int64 [n, side / 2, side / 2]: indices into `REGIONS`, or UNSEEN.
    """

    faces: Tensor
    distribution: Tensor
    target: Tensor
    regions: Tensor

    @property
    def seen(self) -> Tensor:
        """Where regions are known, bool [n]."""
        return self.regions[:, 0, 0] != UNSEEN

    @property
    def face(self) -> Tensor:
        """1 on the face, float32 [n, side / 2, side / 2]."""
        return (self.regions != OUTSIDE).float()

    @property
    def units(self) -> Tensor:
        """1 where each action unit of the target shows, float32 [n, units, side / 2, side / 2]."""
        n, rows, columns = self.regions.shape
        table = _UNITS[self.target].float()
        places = self.regions.reshape(n, 1, -1).expand(-1, table.shape[1], -1)
        return table.gather(2, places).reshape(n, -1, rows, columns)


def reading_loss(logits: Tensor, gate: Tensor | None, batch: Batch) -> Tensor:
    """Cross-entropy to the votes, and of the gate to the face."""
    loss = F.cross_entropy(logits.float(), batch.distribution)
    if gate is not None and bool(batch.seen.any()):
        loss = loss + F.binary_cross_entropy_with_logits(gate[batch.seen, 0].float(), batch.face[batch.seen])
    return loss


def relevance_loss(relevance: Tensor, batch: Batch, recipe: Recipe) -> Tensor:
    """Penalty on positive relevance outside the face, and on too little of it in the regions expected of the target.

    The first is a share. The second is a hinge on logarithms of shares: the expected regions should hold as much as
    makes their density `recipe.enough`, and each action unit of the target its part of that.
    """
    positive = relevance.clamp(min=0)
    total = positive.sum(dim=(1, 2)) + 1e-6
    on_face = (positive * batch.face).sum(dim=(1, 2)) / total
    units = batch.units
    shown = units.sum(dim=(2, 3)) > 0
    known = batch.seen & shown.any(dim=1)
    expected = units.amax(dim=1)
    area = expected.sum(dim=(1, 2)) / batch.face.sum(dim=(1, 2)).clamp(min=1)
    wanted = (recipe.enough * area).clamp(max=MOST)
    whole = _short(wanted, (positive * expected).sum(dim=(1, 2)) / total)
    each = _short(
        (wanted / shown.sum(dim=1).clamp(min=1))[:, None], (positive[:, None] * units).sum(dim=(2, 3)) / total[:, None]
    )
    parts = (each * shown).sum(dim=1) / shown.sum(dim=1).clamp(min=1)
    outside = _mean(1 - on_face[batch.seen])
    return recipe.outside * outside + recipe.expected * _mean((whole + parts)[known])


def _short(wanted: Tensor, share: Tensor) -> Tensor:
    """By how much a share falls short, as a logarithm."""
    return (torch.log(wanted + SMALL_SHARE) - torch.log(share + SMALL_SHARE)).clamp(min=0)


def _mean(values: Tensor) -> Tensor:
    return values.sum() / max(len(values), 1)


@torch.no_grad()
def predict(network: Mien, faces: Tensor) -> Floats:
    """Logits float32 [n, classes] in fp32, one pass."""
    network.eval()
    return torch.cat([network(part) for part in torch.split(faces, 256)]).numpy()


def trained(folder: Path) -> Mien:
    """The network of a run, gated or not, with its averaged weights."""
    weights = averaged_weights(folder)
    network = Mien(MienConfig(gated=any(name.startswith("gate.") for name in weights)))
    network.load_state_dict(weights)
    return network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]


def fresh_run(
    folder: Path, config: MienConfig, recipe: Recipe, steps_per_epoch: int, seed: int, begun: Path | None = None
) -> Run[Mien]:
    """A run of the default network, at its beginning; with the averaged weights of the run in `begun`, if given."""
    torch.manual_seed(seed)
    network = Mien(replace(config, dropout=recipe.dropout)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if begun is not None:
        network.load_state_dict(averaged_weights(begun))
    optimizer = torch.optim.SGD(
        network.parameters(), lr=recipe.peak_rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.peak_rate, epochs=recipe.epochs, steps_per_epoch=steps_per_epoch, pct_start=0.2
    )
    return Run(folder, network, optimizer, schedule, seed, recipe.average_decay)


def train(run: Run[Mien], recipe: Recipe, train_faces: Faces, valid_faces: Faces, steps_per_epoch: int) -> None:
    """Train until the recipe's last epoch."""
    run.resume()
    while run.epoch < recipe.epochs:
        started = time.monotonic()
        chosen = torch.split(train_faces.draw(recipe, run.generator), recipe.batch)[:steps_per_epoch]
        losses = np.array(list(_epoch(run, recipe, train_faces, chosen)))
        run.epoch += 1
        run.save()
        row = {"epoch": run.epoch, "loss": losses[:, 0].mean(), "guidance": losses[:, 1].mean()}
        row |= {"seconds": time.monotonic() - started}
        for name, faces in (("aligned", valid_faces.aligned), ("raw", valid_faces.raw)):
            row |= {f"{name}_accuracy": math.nan, f"{name}_recall": math.nan}
            if run.epoch % MEASURED_EVERY == 0 or run.epoch > recipe.epochs - MEASURED_EVERY:
                scores = score(predict(run.average, faces), valid_faces.labels)
                row |= {f"{name}_accuracy": scores.accuracy, f"{name}_recall": scores.mean_recall}
        run.log(row)


def _epoch(run: Run[Mien], recipe: Recipe, faces: Faces, chosen: Iterable[Tensor]) -> Iterator[tuple[float, float]]:
    """Losses of reading and of relevance, step by step."""
    side = recipe.size(run.epoch)
    explained = Explained(run.network, floor=FLOOR)
    for number, part in enumerate(chosen):
        batch = faces.batch(part, recipe, side, run.generator)
        pictures = batch.faces.contiguous(memory_format=torch.channels_last)
        guided = recipe.guides(run.epoch) and number % recipe.guided_every == 0
        run.network.train()
        guidance = torch.zeros(())
        with torch.autocast("cpu", torch.bfloat16):
            if guided:  # what is explained is the network as it is shipped, its batch norm folded
                contrast = (torch.rand(len(part), generator=run.generator) < 0.5).float()
                logits, gate, relevance = explained(pictures, batch.target, contrast)
                guidance = relevance_loss(relevance, batch, recipe)
            else:
                logits, gate = run.network.read(pictures)
        reading = reading_loss(logits, gate, batch)
        run.step(reading + recipe.guided_every * guidance, LARGEST_GRADIENT if guided else None)
        yield reading.item(), guidance.item()
