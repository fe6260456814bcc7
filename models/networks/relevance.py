"""LRP of `Mien` in torch, so that training can see where the relevance lies, and change it.

The same rules as the method "lrp" (EpsilonPlusFlat, SCIENCE 2) down to the stem's maps; the stem, whose rule is flat,
only spreads each value over 3 x 3 px. A test holds both against each other.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name torch users know

from models.networks.mien import Block, Mien

UNSUPPORTED = 1e-6  # stands in denominators in place of nothing


class Folded:
    """A convolution with its batch norm as one affine layer, as the exported graph will hold it, on the maps x.

    While the network learns, batch norm's statistics are the batch's own, as in its plain forward pass; running ones
    lag behind weights that move fast. `output` is rectified, [batch, outputs, h / stride, w / stride].
    """

    def __init__(self, layer: nn.Module, x: Tensor) -> None:
        convolution, norm, _ = layer.children()
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_var is not None
        assert norm.running_mean is not None
        self.stride, self.padding = convolution.stride[0], int(convolution.padding[0])
        raw = F.conv2d(x, convolution.weight, None, self.stride, self.padding)
        mean, variance = norm.running_mean, norm.running_var
        if norm.training:
            variance, mean = torch.var_mean(raw.float(), dim=(0, 2, 3), correction=0)
        scale = norm.weight / torch.sqrt(variance + norm.eps)
        self.weight = convolution.weight * scale[:, None, None, None]
        self.bias = norm.bias - mean * scale
        self.output = F.relu(raw * scale[:, None, None] + self.bias[:, None, None])

    def back(self, x: Tensor, relevance: Tensor, floor: float) -> Tensor:
        """z+: relevance of the output to relevance of x, which is not negative; b+ takes its part."""
        weight = self.weight.clamp(min=0)
        z = F.conv2d(x, weight, self.bias.clamp(min=0), self.stride, self.padding)
        s = relevance.float() / (z.float() + floor)
        spare = self.stride - 1 if self.stride > 1 else 0
        return x * F.conv_transpose2d(s, weight, None, self.stride, self.padding, output_padding=spare)


class Explained(nn.Module):
    """A network's logits and the relevance behind them, both differentiable; running statistics stay as they are.

    Parameters
    ----------
    floor
        Added to every denominator. Where activations all but vanish the relevance's own gradient grows without bounds:
        training takes a floor that is small against activations, but not against rounding.
    """

    def __init__(self, network: Mien, floor: float = UNSUPPORTED) -> None:
        super().__init__()
        self.network = network
        self._floor = floor

    def forward(self, face: Tensor, target: Tensor, contrast: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """Read faces and explain a class of each.

        Parameters
        ----------
        face
            float [batch, 1, size, size] in 0..255.
        target
            int64 [batch]: the class explained.
        contrast
            float [batch]: 1 where it is explained against the strongest other class, else 0.

        Returns
        -------
        Logits [batch, classes], the gate's logits, and relevance [batch, size / 2, size / 2] in logit units.
        """
        network = self.network
        maps = Folded(network.stem, (face.float() - network.MEAN) / network.SPREAD).output
        gate = None if network.gate is None else network.gate(maps.detach())
        gated = maps if gate is None else maps * torch.sigmoid(gate.detach())
        taken: list[_Taken] = []
        x = gated
        for block in network.blocks:
            assert isinstance(block, Block)
            taken.append(_Taken(x, block))
            x = taken[-1].output
        pooled = x.mean(dim=(2, 3))
        logits: Tensor = F.linear(network.dropout(pooled), network.head.weight)
        relevance = x * self._seed(logits.detach(), target, contrast)[:, :, None, None] / x[0, 0].numel()
        for way in reversed(taken):
            relevance = way.back(relevance, self._floor)
        return logits, gate, relevance.float().sum(dim=1)

    def _seed(self, logits: Tensor, target: Tensor, contrast: Tensor) -> Tensor:
        """Weights of the explained score [batch, features]; the head has no bias, so epsilon is weight times map."""
        own = F.one_hot(target, logits.shape[1]).to(logits.dtype)
        rival = F.one_hot((logits - own * 1e9).argmax(dim=1), logits.shape[1]).to(logits.dtype)
        seed: Tensor = (own - contrast[:, None].to(logits.dtype) * rival) @ self.network.head.weight.to(logits.dtype)
        return seed


class _Taken:
    """A block's way forward on x, with what the way back needs."""

    def __init__(self, x: Tensor, block: Block) -> None:
        self.x = x
        first, second = block.main.children()
        self.first = Folded(first, x)
        self.middle = self.first.output
        self.second = Folded(second, self.middle)
        self.main = self.second.output
        self.side: Folded | None = None
        self.pool = 1
        beside = self.pooled = x
        if isinstance(block.shortcut, nn.Sequential):
            _, layer = block.shortcut.children()
            self.pool = block.stride
            self.pooled = x if self.pool == 1 else F.avg_pool2d(x, self.pool)
            self.side = Folded(layer, self.pooled)
            beside = self.side.output
        self.beside = beside
        self.output = self.main + beside

    def back(self, relevance: Tensor, floor: float) -> Tensor:
        """Relevance of the output to relevance of x: sums split in proportion."""
        per_value = relevance / (self.output.float() + floor)
        main = self.second.back(self.middle, per_value * self.main, floor)
        along = self.first.back(self.x, main, floor)
        beside = per_value * self.beside
        if self.side is not None:
            beside = self.side.back(self.pooled, beside, floor)
        if self.pool > 1:
            share = beside / (self.pooled.float() + floor)
            beside = self.x * F.interpolate(share, scale_factor=self.pool) / self.pool**2
        return along + beside
