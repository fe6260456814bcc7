"""LRP written down slowly and plainly, to compare with: every linear layer becomes a dense matrix in float64.

Shares nothing with core.explain. Follows the formulas of Bach et al. 2015 word by word, dividing where they divide.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.core.explain.networks import Mean, Residual, Side, scaled


def lrp(network: nn.Sequential, faces: Tensor, seed: Tensor, biases: bool) -> tuple[Tensor, Tensor, Tensor]:
    """EpsilonPlusFlat: relevance [batch, height, width], what biases absorbed [batch], what found no input at all."""
    torch.set_default_dtype(torch.float64)
    try:
        return _lrp(network.double(), faces, seed, biases)
    finally:
        torch.set_default_dtype(torch.float32)


@torch.no_grad()
def _lrp(network: nn.Sequential, faces: Tensor, seed: Tensor, biases: bool) -> tuple[Tensor, Tensor, Tensor]:
    maps, takes, losses = [], [], []
    for face, row in zip(faces, seed, strict=True):
        x, walker = scaled(face[None]), _Walker(network, biases)
        maps.append(walker.back(network, x, row[None] * network(x)).sum((0, 1)))
        takes.append(sum(walker.absorbed, torch.zeros(())))
        losses.append(sum(walker.lost, torch.zeros(())))
    return torch.stack(maps), torch.stack(takes), torch.stack(losses)


class _Walker:
    def __init__(self, network: nn.Sequential, biases: bool) -> None:
        self.biases = biases
        self.absorbed: list[Tensor] = []
        self.lost: list[Tensor] = []
        self.first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))

    def back(self, module: nn.Module, x: Tensor, relevance: Tensor) -> Tensor:  # noqa: PLR0911 -- one per kind
        """Relevance of the module's output to relevance of its input x [1, ...]."""
        if isinstance(module, nn.Sequential):
            return self._chain(_with_norms(module), x, relevance)
        if isinstance(module, Residual):
            branch = module.branch(x)
            part = self.back(module.branch, x, _share(branch, x + branch, relevance))
            return part + _share(x, x + branch, relevance)
        if isinstance(module, Side):
            split = module.left(x).shape[1]
            return self.back(module.left, x, relevance[:, :split]) + self.back(module.right, x, relevance[:, split:])
        if isinstance(module, nn.MaxPool2d):
            return _to_winner(module, x, relevance)
        if isinstance(module, nn.ReLU | nn.Dropout | nn.Flatten):
            return relevance.reshape(x.shape)
        if isinstance(module, Norm):
            return _share(x * module.scale, module(x), relevance)
        return self._linear(module, x, relevance)

    def _chain(self, modules: list[nn.Module], x: Tensor, relevance: Tensor) -> Tensor:
        inputs = [x]
        for module in modules:
            inputs.append(module(inputs[-1]))
        for module, value in zip(reversed(modules), reversed(inputs[:-1]), strict=True):
            relevance = self.back(module, value, relevance)
        return relevance

    def _linear(self, module: nn.Module, x: Tensor, relevance: Tensor) -> Tensor:
        a, r = x.flatten(), relevance.flatten()
        bias = module(torch.zeros_like(x)).flatten()
        w = module(torch.eye(len(a)).reshape(-1, *x.shape[1:])).flatten(1) - bias
        if isinstance(module, nn.Linear):
            z = a @ w + bias
            sign = torch.where(z >= 0, 1.0, -1.0)
            s = r / (z + 1e-6 * sign)
            self.absorbed.append((s * (bias + 1e-6 * sign)).sum())
            return (a * (w @ s)).reshape(x.shape)
        if isinstance(module, nn.AvgPool2d | Mean):
            z = a @ w
            return (a * (w @ torch.where(z == 0, 0, r / z))).reshape(x.shape)
        conv = module.conv if isinstance(module, Fused) else module
        if conv is self.first:
            seen = F.conv2d(
                torch.eye(len(a)).reshape(-1, *x.shape[1:]),
                torch.ones_like(conv.weight),
                None,
                conv.stride,
                conv.padding,
                conv.dilation,
                conv.groups,
            ).flatten(1)
            return ((seen / seen.sum(0)) @ r).reshape(x.shape)
        a, w = a.clamp(min=0), w.clamp(min=0)
        taken = bias.clamp(min=0) if self.biases else torch.zeros_like(bias)
        z = a @ w + taken
        s = torch.where(z == 0, 0, r / z)
        self.absorbed.append((s * taken).sum())
        self.lost.append(r[z == 0].abs().sum())
        return (a * (w @ s)).reshape(x.shape)


class Fused(nn.Module):
    """A convolution and the batch norm behind it: one linear map with a bias."""

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.conv, self.norm = convolution, norm

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class Norm(nn.Module):
    """A batch norm with no convolution in front: a scale, and a shift that takes its share."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.norm = norm
        self.scale = (norm.weight / (norm.running_var + norm.eps).sqrt())[:, None, None]

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


def _with_norms(module: nn.Sequential) -> list[nn.Module]:
    fused: list[nn.Module] = []
    for layer in module:
        if isinstance(layer, nn.BatchNorm2d) and fused and isinstance(fused[-1], nn.Conv2d):
            fused[-1] = Fused(fused[-1], layer)
        else:
            fused.append(Norm(layer) if isinstance(layer, nn.BatchNorm2d) else layer)
    return fused


def _share(part: Tensor, whole: Tensor, relevance: Tensor) -> Tensor:
    return torch.where(relevance == 0, 0, part / whole * relevance)


def _to_winner(pool: nn.MaxPool2d, x: Tensor, relevance: Tensor) -> Tensor:
    _, winner = F.max_pool2d(
        x, pool.kernel_size, pool.stride, pool.padding, ceil_mode=pool.ceil_mode, return_indices=True
    )
    planes = torch.zeros(x.shape[1], x[0, 0].numel())
    planes.scatter_add_(1, winner.reshape(x.shape[1], -1), relevance.reshape(x.shape[1], -1))
    return planes.reshape(x.shape)
