"""Landmark networks (SCIENCE 1.3): six binary networks side by side, one per expression, on the shape of the mesh.

::

    shapes [n, T, 478, 3] -> kept points -> axes (fixed) -> hidden units (ReLU) -> read-out -> logits [n, 6]

Two kinds. *Randomised*: hidden weights are drawn and frozen, the read-out is solved in closed form; the six networks
draw the same hidden weights, so that they are computed once. *Trained*: each network has hidden units of its own.

The axes are the principal axes of the training shapes, each divided by a root of its spread: neighbouring points move
together, and without this the small movements that tell expressions apart would hardly be learnt. They are linear and
are folded into the first layer of what is exported.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from core.geometry import Floats
from models.data.landmarks import EXPRESSIONS, MIRROR

NETWORKS: Final = len(EXPRESSIONS)


@dataclass(frozen=True)
class Moments:
    """Mean [478 * 3] and covariance [478 * 3, 478 * 3] of shapes and their mirror images, every frame by itself."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @classmethod
    def of(cls, shapes: Floats) -> "Moments":
        """Of shapes [n, T, 478, 3]."""
        rows = shapes.reshape(-1, shapes.shape[-2] * 3)
        mean = rows.mean(axis=0, dtype=np.float64)
        centred = rows - mean.astype(np.float32)
        covariance = (centred.T @ centred).astype(np.float64) / len(rows)
        # A mirror image's moments are the same ones at other places, x with its sign turned.
        places = (3 * MIRROR[:, None] + np.arange(3)).ravel()
        signs = np.tile([-1.0, 1.0, 1.0], len(MIRROR))
        other = signs * mean[places]
        apart = (mean - other) / 2
        both = (covariance + signs[:, None] * signs * covariance[np.ix_(places, places)]) / 2
        return cls((mean + other) / 2, both + np.outer(apart, apart))

    def variances(self) -> NDArray[np.float64]:
        """Of every point, the sum over x, y, z: [478]."""
        spread: NDArray[np.float64] = np.diag(self.covariance).reshape(-1, 3).sum(axis=1)
        return spread

    def axes(self, kept: NDArray[np.int64], count: int, power: float) -> tuple[Floats, Floats]:
        """Centre [3 K] and axes [3 K, d] of the kept points, d at most `count`.

        Every principal axis is divided by its standard deviation to the `power`: 0 leaves the spreads, 1 makes them
        equal. Axes without spread are left out; the first axes' mean spread is 1.
        """
        places = (3 * kept[:, None] + np.arange(3)).ravel()
        values, vectors = np.linalg.eigh(self.covariance[np.ix_(places, places)])
        values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
        there = values > 1e-9 * values[0]
        values, vectors = values[there], vectors[:, there]
        axes = vectors / values ** (power / 2)
        axes /= np.sqrt((values ** (1 - power)).mean())
        return self.mean[places].astype(np.float32), axes.astype(np.float32)


class LandmarkNetworks(nn.Module):
    """Six binary networks on the same kept points.

    Parameters
    ----------
    kept
        int64 [K], the points of the mesh that are read, ascending.
    centre, axes
        float32 [3 K] and [3 K, d], see `Moments.axes`; every frame of a window has the same.
    window
        Frames per input, T.
    width
        Hidden units: of each network, or of all together when they are shared.
    shared
        Whether the six networks read from the same hidden units (the randomised kind).
    """

    kept: Tensor
    centre: Tensor
    axes: Tensor

    def __init__(
        self, kept: NDArray[np.int64], centre: Floats, axes: Floats, window: int, width: int, shared: bool
    ) -> None:
        super().__init__()
        self.window, self.width, self.shared = window, width, shared
        for name, values in (("kept", kept), ("centre", centre), ("axes", axes)):
            self.register_buffer(name, torch.from_numpy(np.array(values)))
        self.hidden = nn.Linear(window * axes.shape[1], width if shared else NETWORKS * width)
        self.readout = nn.Parameter(torch.randn(NETWORKS, width) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(NETWORKS))

    def points(self, shapes: Tensor) -> Tensor:
        """The kept points of shapes [n, T, 478, 3]: [n, T, 3 K]."""
        return shapes.index_select(2, self.kept).flatten(2)

    def along(self, points: Tensor) -> Tensor:
        """Kept points [n, T, 3 K] along the axes: [n, T d]."""
        return ((points - self.centre) @ self.axes).flatten(1)

    def coordinates(self, shapes: Tensor) -> Tensor:
        """Shapes [n, T, 478, 3] along the axes: [n, T d]."""
        return self.along(self.points(shapes))

    def read(self, units: Tensor) -> Tensor:
        """Logits [n, 6] of hidden units after the ReLU, [n, units]."""
        logits: Tensor
        if self.shared:
            logits = F.linear(units, self.readout, self.bias)
        else:
            logits = (units.view(-1, NETWORKS, self.width) * self.readout).sum(dim=2) + self.bias
        return logits

    def answer(self, coordinates: Tensor) -> Tensor:
        """Logits [n, 6] of coordinates [n, T d]."""
        return self.read(torch.relu(self.hidden(coordinates)))

    def forward(self, shapes: Tensor) -> Tensor:
        """Logits [n, 6] of shapes [n, T, 478, 3]."""
        return self.answer(self.coordinates(shapes))

    def backwards(self, network: int, units: Tensor) -> Tensor:
        """Gradients at a network's hidden units before the ReLU, [n, units], taken to the kept points: [n, T 3 K]."""
        weight = self.hidden.weight[self.units_of(network)]
        if len(weight) < self.axes.shape[1]:  # fewer products this way round
            return units @ self._inwards(weight)
        return self._inwards(units @ weight)

    def _inwards(self, along: Tensor) -> Tensor:
        """Rows that weigh coordinates, [n, T d], as rows that weigh kept points, [n, T 3 K]."""
        inwards: Tensor = along.view(len(along), self.window, -1) @ self.axes.T
        return inwards.flatten(1)

    def units_of(self, network: int) -> slice:
        """Which hidden units a network reads from."""
        return slice(None) if self.shared else slice(network * self.width, (network + 1) * self.width)


def drawn(
    kept: NDArray[np.int64], centre: Floats, axes: Floats, window: int, width: int, seed: int
) -> LandmarkNetworks:
    """Randomised networks before their read-out is solved: normal weights of variance 1 / inputs, biases of 1/4."""
    generator = torch.Generator().manual_seed(seed)
    network = LandmarkNetworks(kept, centre, axes, window, width, shared=True)
    inputs = network.hidden.in_features
    with torch.no_grad():
        network.hidden.weight.copy_(torch.randn(width, inputs, generator=generator) / inputs**0.5)
        network.hidden.bias.copy_(torch.randn(width, generator=generator) * 0.5)
    return network.requires_grad_(False)


class FoldedNetworks(nn.Module):
    """The same networks as two plain layers: what is exported. The second is block-diagonal for the trained kind."""

    kept: Tensor

    def __init__(self, network: LandmarkNetworks) -> None:
        super().__init__()
        self.register_buffer("kept", network.kept.clone())
        window, (inputs, count) = network.window, network.axes.shape
        units = network.hidden.out_features
        self.first, self.second = nn.Linear(window * inputs, units), nn.Linear(units, NETWORKS)
        with torch.no_grad():
            weight = network.hidden.weight.double().view(units, window, count) @ network.axes.double().T
            shift = weight.sum(dim=1) @ network.centre.double()
            self.first.weight.copy_(weight.flatten(1))
            self.first.bias.copy_(network.hidden.bias.double() - shift)
            self.second.weight.zero_()
            for index in range(NETWORKS):
                self.second.weight[index, network.units_of(index)] = network.readout[index]
            self.second.bias.copy_(network.bias)

    def forward(self, shapes: Tensor) -> Tensor:
        """Logits [n, 6] of shapes [n, T, 478, 3]."""
        units: Tensor = self.first(shapes.index_select(2, self.kept).flatten(1))
        logits: Tensor = self.second(torch.relu(units))
        return logits
