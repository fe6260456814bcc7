"""Mien: a small residual network made to be explained.

Every branch ends in a ReLU before it is added, so each sum joins non-negative parts: relevance splits there in clean
proportion, where the usual ``relu(a + b)`` lets large parts of opposite sign cancel. Global average pooling and one
linear head without bias make Grad-CAM exact: the class score is the sum of its map. A gate behind the stem lets through
what lies on the face: hair, hands beside it and walls reach no later layer, so neither decision nor relevance rests on
them. The gate is taught where the face is by the mesh alone and never hears of the classes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name torch users know


@dataclass(frozen=True)
class MienConfig:
    """Widths of the four stages, which work on maps of 24, 12, 6 and 6 px for an input of 48 px.

    `gated` says whether the gate that keeps to the face is there.
    """

    size: int = 48
    classes: int = 8
    widths: tuple[int, int, int, int] = (32, 80, 144, 200)
    dropout: float = 0.3
    gated: bool = True


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut; both non-negative."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.main = nn.Sequential(_conv(inputs, outputs, 3, stride), _conv(outputs, outputs, 3))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            pool = nn.AvgPool2d(stride) if stride != 1 else nn.Identity()
            self.shortcut = nn.Sequential(pool, _conv(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Maps [batch, inputs, h, w] to [batch, outputs, h / stride, w / stride]."""
        out: Tensor = self.shortcut(x) + self.main(x)
        return out


class FaceGate(nn.Module):
    """Where the face is: maps [batch, channels, h, w] to logits [batch, 1, h, w], from as far as four times around."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.near = _conv(channels, 16, 3, 2)
        self.far = nn.Sequential(_conv(16, 24, 3, 2), _conv(24, 24, 3))
        self.join = _conv(40, 12, 3)
        self.logit = nn.Conv2d(12, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits at the size of x."""
        near = self.near(x)
        far = F.interpolate(self.far(near), size=near.shape[2:], mode="bilinear", align_corners=False)
        logits = self.logit(self.join(torch.cat([near, far], dim=1)))
        return F.interpolate(logits, size=x.shape[2:], mode="bilinear", align_corners=False)


class Mien(nn.Module):
    """Aligned grey faces uint8 or float [batch, 1, size, size] in 0..255 to logits [batch, classes]."""

    MEAN, SPREAD = 128.0, 64.0  # grey levels; fixed, so that normalisation stays affine inside the graph

    def __init__(self, config: MienConfig) -> None:
        super().__init__()
        self.config = config
        first, second, third, fourth = config.widths
        self.stem = _conv(1, first, 3, 2)
        self.gate = FaceGate(first) if config.gated else None
        self.blocks = nn.Sequential(
            Block(first, first, 1), Block(first, second, 2), Block(second, third, 2), Block(third, fourth, 1)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(fourth, config.classes, bias=False)

    def forward(self, face: Tensor) -> Tensor:
        """Logits, float32 [batch, classes]."""
        return self.read(face)[0]

    def read(self, face: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits, and the gate's logits [batch, 1, size / 2, size / 2] (None without a gate)."""
        maps = self.stem((face.float() - self.MEAN) / self.SPREAD)
        gate = None if self.gate is None else self.gate(maps.detach())
        if gate is not None:
            maps = maps * torch.sigmoid(gate.detach())
        logits: Tensor = self.head(self.dropout(self.blocks(maps).mean(dim=(2, 3))))
        return logits, gate


def multiply_adds(network: nn.Module, size: int) -> int:
    """Multiply-adds of one forward pass on one face: convolutions and dense layers, counted by running it."""
    total = 0

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += output.shape[2] * output.shape[3] * layer.weight.numel()
        elif isinstance(layer, nn.Linear):
            total += layer.weight.numel()

    hooks = [layer.register_forward_hook(count) for layer in network.modules()]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 1, size, size))
    for hook in hooks:
        hook.remove()
    return total
