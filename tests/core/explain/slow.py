"""LRP written down slowly and plainly, to compare with: every linear layer becomes a dense matrix in float64.

Shares nothing with core.explain. Follows the formulas of SCIENCE 2 word by word, dividing where they divide.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tests.core.explain.networks import WEIGHTED, Residual, Shaped, Side, Turned, scaled


@dataclass(frozen=True)
class Layer:
    """A layer as a matrix: input a [in], weights w [in, out], which of them exist, bias b [out], and its output's sign.

    `low` and `high` are the bounds of a; `absorbs` whether biases take part.
    """

    a: Tensor
    w: Tensor
    exists: Tensor
    b: Tensor
    absorbs: bool
    low: float = scaled(torch.zeros(1)).item()
    high: float = scaled(torch.full((1,), 255)).item()


def epsilon(layer: Layer, r: Tensor) -> Tensor:
    z = layer.a @ layer.w + layer.b
    return (layer.a[:, None] * layer.w / (z + 1e-6 * torch.where(z >= 0, 1.0, -1.0)) * r).sum(1)


def zplus(layer: Layer, r: Tensor) -> Tensor:
    parts = layer.a.clamp(min=0)[:, None] * layer.w.clamp(min=0)
    return (_over(parts, parts.sum(0) + layer.absorbs * layer.b.clamp(min=0)) * r).sum(1)


def gamma(layer: Layer, r: Tensor) -> Tensor:
    up, down = layer.w + 0.25 * layer.w.clamp(min=0), layer.w + 0.25 * layer.w.clamp(max=0)
    above, below = layer.a.clamp(min=0)[:, None], layer.a.clamp(max=0)[:, None]
    risen, fallen = above * up + below * down, above * down + below * up
    z = layer.a @ layer.w + layer.b
    for_risen = risen.sum(0) + layer.b + 0.25 * layer.b.clamp(min=0)
    for_fallen = fallen.sum(0) + layer.b + 0.25 * layer.b.clamp(max=0)
    return (torch.where(z > 0, _over(risen, for_risen), _over(fallen, for_fallen)) * r).sum(1)


def alpha2_beta1(layer: Layer, r: Tensor) -> Tensor:
    positive = (layer.a[:, None] * layer.w).clamp(min=0)
    negative = (layer.a[:, None] * layer.w).clamp(max=0)
    for_positive = positive.sum(0) + layer.absorbs * layer.b.clamp(min=0)
    for_negative = negative.sum(0) + layer.absorbs * layer.b.clamp(max=0)
    return ((2 * _over(positive, for_positive) - _over(negative, for_negative)) * r).sum(1)


def flat(layer: Layer, r: Tensor) -> Tensor:
    return (_over(layer.exists, layer.exists.sum(0)) * r).sum(1)


def w2(layer: Layer, r: Tensor) -> Tensor:
    return (_over(layer.w**2, (layer.w**2).sum(0)) * r).sum(1)


def zbox(layer: Layer, r: Tensor) -> Tensor:
    parts = (
        layer.a[:, None] * layer.w - layer.low * layer.w.clamp(min=0) - layer.high * layer.w.clamp(max=0)
    ) * layer.exists
    return (_over(parts, parts.sum(0)) * r).sum(1)


def _over(parts: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole == 0, 0, parts / torch.where(whole == 0, 1, whole))


Rule = Callable[[Layer, Tensor], Tensor]


@dataclass(frozen=True)
class Rules:
    """What a composite does with a first convolution, a first dense layer, and those behind."""

    first: Rule
    first_dense: Rule
    convolution: Rule
    dense: Rule


COMPOSITES: Mapping[str, Rules] = {
    "lrp": Rules(flat, epsilon, zplus, epsilon),
    "lrp_pixels": Rules(flat, epsilon, zplus, epsilon),
    "lrp_epsilon": Rules(epsilon, epsilon, epsilon, epsilon),
    "lrp_zplus": Rules(zplus, zplus, zplus, zplus),
    "lrp_gamma": Rules(gamma, gamma, gamma, gamma),
    "lrp_alpha_beta": Rules(alpha2_beta1, alpha2_beta1, alpha2_beta1, alpha2_beta1),
    "lrp_gamma_box": Rules(zbox, epsilon, gamma, epsilon),
    "lrp_alpha_beta_flat": Rules(flat, epsilon, alpha2_beta1, epsilon),
    "lrp_w2": Rules(w2, w2, zplus, epsilon),
}


def lrp(
    network: nn.Sequential, faces: Tensor, seed: Tensor, rules: Rules, biases: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Relevance [batch, height, width], what no input got [batch], and how much of either sign that was [batch]."""
    torch.set_default_dtype(torch.float64)
    try:
        return _lrp(network.double(), faces, seed, rules, biases)
    finally:
        torch.set_default_dtype(torch.float32)


@torch.no_grad()
def _lrp(
    network: nn.Sequential, faces: Tensor, seed: Tensor, rules: Rules, biases: bool
) -> tuple[Tensor, Tensor, Tensor]:
    maps, takes, losses = [], [], []
    for face, row in zip(faces, seed, strict=True):
        x, walker = scaled(face[None]), _Walker(network, rules, biases)
        maps.append(walker.back(network, x, row[None] * network(x)).sum((0, 1)))
        takes.append(sum(walker.absorbed, torch.zeros(())))
        losses.append(sum(walker.lost, torch.zeros(())))
    return torch.stack(maps), torch.stack(takes), torch.stack(losses)


class _Walker:
    def __init__(self, network: nn.Sequential, rules: Rules, biases: bool) -> None:
        self.rules, self.biases = rules, biases
        self.absorbed: list[Tensor] = []
        self.lost: list[Tensor] = []
        self.first = next(module for module in network.modules() if isinstance(module, WEIGHTED))

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
        if isinstance(module, Turned):
            return relevance.transpose(1, 2)
        if isinstance(module, nn.ReLU | nn.Dropout | nn.Flatten | Shaped):
            return relevance.reshape(x.shape)
        if isinstance(module, Norm):
            self._take(relevance - _share(x * module.scale, module(x), relevance))
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
        bias, w = _matrix(module, x)
        if not isinstance(module, (*WEIGHTED, Fused)):  # an average
            return (_over(a[:, None] * w, a @ w) * r).sum(1).reshape(x.shape)
        _, exists = _matrix(_all_ones(module), x)
        given = self._rule(module)(Layer(a, w, exists, bias, self.biases), r)
        self._take((r.sum() - given.sum())[None])
        return given.reshape(x.shape)

    def _rule(self, module: nn.Module) -> Rule:
        dense, is_first = isinstance(module, nn.Linear), getattr(module, "conv", module) is self.first
        if is_first:
            return self.rules.first_dense if dense else self.rules.first
        return self.rules.dense if dense else self.rules.convolution

    def _take(self, relevance: Tensor) -> None:
        self.absorbed.append(relevance.sum())
        self.lost.append(relevance.abs().sum())


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


def _matrix(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Bias [out] and weights [in, out] of an affine module, by feeding it one unit after another."""
    units = torch.eye(x.numel()).reshape(-1, *x.shape[1:])
    bias = module(torch.zeros_like(x)).flatten()
    return bias, module(units).flatten(1) - bias


def _all_ones(module: nn.Module) -> nn.Module:
    layer = copy.deepcopy(getattr(module, "conv", module))
    nn.init.ones_(layer.weight)
    layer.bias = None
    return layer


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
