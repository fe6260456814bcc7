"""How landmark networks learn: the randomised ones by ridge regression, the trained ones by gradient descent."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from core.geometry import Floats
from models.data.landmarks import Shapes
from models.networks.landmarks import NETWORKS, LandmarkNetworks, Moments, drawn

Kind: TypeAlias = Literal["random", "trained"]
KINDS: Final[tuple[Kind, ...]] = ("random", "trained")


@dataclass(frozen=True)
class LandmarkRecipe:
    """How both kinds are made.

    Attributes
    ----------
    axes, power
        How many principal axes, and how far their spreads are evened out, see `Moments.axes`.
    random_width, trained_width
        Hidden units: of all randomised networks together, and of each trained one.
    held
        Share of the training images that is held out, class by class: for the regularisation, the temperature and the
        choice of how many points. Nothing is chosen on the validation split.
    noise
        Standard deviation of what is added to the coordinates in training; their mean spread is 1.
    """

    axes: int = 64
    power: float = 0.5
    random_width: int = 512
    trained_width: int = 32
    held: float = 0.15
    epochs: int = 12
    batch: int = 256
    rate: float = 3e-3
    weight_decay: float = 0.01
    noise: float = 0.1


RIDGES: Final = (1e-4, 1e-3, 1e-2, 1e-1)  # added to the diagonal of the units' mean square, of size 1 or so


def class_weights(targets: NDArray[np.bool_]) -> Floats:
    """Weights float32 [n, 6], 1 on average: faces that show an expression weigh as much as all that do not."""
    share = targets.mean(axis=0, dtype=np.float64)
    if not ((share > 0) & (share < 1)).all():
        raise ValueError(
            f"every expression needs faces with it and without it, got shares of {share.round(3).tolist()}"
        )
    return np.where(targets, 0.5 / share, 0.5 / (1 - share)).astype(np.float32)


def fit(
    kind: Kind,
    recipe: LandmarkRecipe,
    moments: Moments,
    kept: NDArray[np.int64],
    parts: tuple[Shapes, Shapes],
    seed: int,
) -> LandmarkNetworks:
    """Networks of a kind on the kept points; `parts` are what is learnt from, and what is held out.

    Every shape is learnt from together with its mirror image.
    """
    learnt, held = parts
    centre, axes = moments.axes(kept, recipe.axes, recipe.power)
    window = learnt.shapes.shape[1]
    if kind == "random":
        network = drawn(kept, centre, axes, window, recipe.random_width, seed)
        _solve(network, learnt, held)
    else:
        torch.manual_seed(seed)
        network = LandmarkNetworks(kept, centre, axes, window, recipe.trained_width, shared=False)
        _descend(network, recipe, learnt, seed)
    return network.requires_grad_(False).eval()


@torch.no_grad()
def _solve(network: LandmarkNetworks, learnt: Shapes, held: Shapes) -> None:
    """Solve each read-out: weighted ridge regression to targets of -1 and 1, the ridge chosen on the held part."""

    def units(shapes: Floats) -> Tensor:
        hidden = torch.relu(network.hidden(network.coordinates(torch.from_numpy(shapes))))
        return torch.cat([hidden, torch.ones(len(hidden), 1)], dim=1)

    seen = torch.cat([units(learnt.shapes), units(learnt.mirrored)])
    asked = units(held.shapes)
    targets, held_targets = np.concatenate([learnt.targets] * 2), held.targets
    weights, held_weights = map(torch.from_numpy, (class_weights(targets), class_weights(held_targets)))
    every = seen.T @ seen
    for index in range(NETWORKS):
        shown = torch.from_numpy(targets[:, index])
        rows = seen[shown]
        some = rows.T @ rows
        with_it, without = weights[shown, index][0], weights[~shown, index][0]
        square = (with_it * some + without * (every - some)).double() / len(seen)
        wanted = torch.where(shown, 1.0, -1.0)
        across = (seen.T @ (weights[:, index] * wanted)).double() / len(seen)
        aim = torch.where(torch.from_numpy(held_targets[:, index]), 1.0, -1.0)
        solutions = []
        for ridge in RIDGES:
            diagonal = torch.full((len(square),), ridge, dtype=torch.float64)
            diagonal[-1] = 0  # the bias is free
            solution = torch.linalg.solve(square + torch.diag(diagonal), across).float()
            error = (held_weights[:, index] * (asked @ solution - aim) ** 2).mean().item()
            solutions.append((error, ridge, solution))
        _, _, best = min(solutions, key=lambda each: each[:2])
        network.readout[index], network.bias[index] = best[:-1], best[-1]


def _descend(network: LandmarkNetworks, recipe: LandmarkRecipe, learnt: Shapes, seed: int) -> None:
    """Weighted logistic loss of all six at once; each shape or its mirror image, with a little noise."""
    with torch.no_grad():
        views = torch.stack([network.coordinates(torch.from_numpy(each)) for each in (learnt.shapes, learnt.mirrored)])
    targets = torch.from_numpy(learnt.targets).float()
    weights = torch.from_numpy(class_weights(learnt.targets))
    generator = torch.Generator().manual_seed(seed)
    steps = max(len(targets) // recipe.batch, 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, total_steps=recipe.epochs * steps, pct_start=0.2
    )
    for _ in range(recipe.epochs):
        order = torch.randperm(len(targets), generator=generator)
        for chosen in torch.split(order, recipe.batch)[:steps]:
            side = torch.randint(2, (len(chosen),), generator=generator)
            seen = views[side, chosen]
            seen = seen + recipe.noise * torch.randn(seen.shape, generator=generator)
            logits = network.answer(seen)
            loss = F.binary_cross_entropy_with_logits(logits, targets[chosen], weight=weights[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()


@torch.no_grad()
def logits_of(network: LandmarkNetworks, shapes: Floats) -> Floats:
    """Logits float32 [n, 6] of shapes [n, T, 478, 3]."""
    parts = [network(part) for part in torch.split(torch.from_numpy(shapes), 1024)]
    return torch.cat(parts).numpy()
