"""Small versions of the classifiers people use, random weights, batch-norm statistics that leave nothing trivial."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

SIDE = 32
PICTURE = (3, SIDE, SIDE)
CLASSES = 5


def norm_conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution and batch norm, padded to keep the size."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(outputs)]


class Block(nn.Module):
    """ReLU(branch(x) + shortcut(x)): He et al. 2016, basic or bottleneck."""

    def __init__(self, inputs: int, outputs: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        inner = outputs // 4 if bottleneck else outputs
        layers = (
            [*norm_conv(inputs, inner, 1), nn.ReLU(), *norm_conv(inner, inner, 3, stride), nn.ReLU()]
            if bottleneck
            else [*norm_conv(inputs, inner, 3, stride), nn.ReLU()]
        )
        self.branch = nn.Sequential(*layers, *norm_conv(inner, outputs, 1 if bottleneck else 3))
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*norm_conv(inputs, outputs, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.branch(x) + self.shortcut(x))


def resnet(bottleneck: bool) -> nn.Module:
    stem = [*norm_conv(3, 8, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    blocks = [Block(8, 16, 1, bottleneck), Block(16, 16, 1, bottleneck), Block(16, 24, 2, bottleneck)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, CLASSES))


class Excitation(nn.Module):
    """Squeeze and excitation: Hu et al. 2018."""

    def __init__(self, channels: int, inner: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 4, 1), inner, nn.Conv2d(4, channels, 1), gate
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)


class Inverted(nn.Module):
    """Inverted residual: Sandler et al. 2018; with excitation as in MobileNet-V3 and EfficientNet."""

    def __init__(self, inputs: int, outputs: int, stride: int, activation: type[nn.Module], excite: nn.Module) -> None:
        super().__init__()
        wide = 2 * inputs
        self.residual = inputs == outputs and stride == 1
        self.branch = nn.Sequential(
            *(*norm_conv(inputs, wide, 1), activation()),
            *(*norm_conv(wide, wide, 5, stride, groups=wide), activation()),
            *(excite, *norm_conv(wide, outputs, 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.residual else self.branch(x)


def mobilenet_v2() -> nn.Module:
    blocks = [Inverted(8, 8, 1, nn.ReLU6, nn.Identity()), Inverted(8, 12, 2, nn.ReLU6, nn.Identity())]
    stem = [*norm_conv(3, 8, 3, 2), nn.ReLU6()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(12, CLASSES))


def mobilenet_v3() -> nn.Module:
    def excitation(channels: int) -> nn.Module:
        return Excitation(channels, nn.ReLU(), nn.Hardsigmoid())

    blocks = [Inverted(8, 8, 1, nn.ReLU, excitation(16)), Inverted(8, 12, 2, nn.Hardswish, excitation(16))]
    stem = [*norm_conv(3, 8, 3, 2), nn.Hardswish()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 16), nn.Hardswish(), nn.Linear(16, CLASSES)]
    return nn.Sequential(*stem, *blocks, *head)


def efficientnet() -> nn.Module:
    def excitation(channels: int) -> nn.Module:
        return Excitation(channels, nn.SiLU(), nn.Sigmoid())

    blocks = [Inverted(8, 8, 1, nn.SiLU, excitation(16)), Inverted(8, 12, 2, nn.SiLU, excitation(16))]
    stem = [*norm_conv(3, 8, 3, 2), nn.SiLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, CLASSES))


def vgg_bn() -> nn.Module:
    layers: list[nn.Module] = []
    width = 3
    for wider in (8, 12, 16):
        layers += [nn.Conv2d(width, wider, 3, padding=1), nn.BatchNorm2d(wider), nn.ReLU(), nn.MaxPool2d(2, 2)]
        width = wider
    head = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, CLASSES)]
    return nn.Sequential(*layers, *head)


class Dense(nn.Module):
    """What came in beside what is new: Huang et al. 2017."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.new = nn.Sequential(
            *(nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, 12, 1, bias=False)),
            *(nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, growth, 3, padding=1, bias=False)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.new(x)], 1)


def densenet() -> nn.Module:
    transition = [nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 8, 1, bias=False), nn.AvgPool2d(2, 2)]
    stem = [*norm_conv(3, 8, 5, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    head = [nn.BatchNorm2d(12), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, CLASSES)]
    return nn.Sequential(*stem, Dense(8, 4), Dense(12, 4), *transition, Dense(8, 4), *head)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of [batch, channels, height, width]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Next(nn.Module):
    """ConvNeXt's block: Liu et al. 2022."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.wider, self.narrower = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.ones(width, 1, 1) * 0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.narrower(F.gelu(self.wider(y))).permute(0, 3, 1, 2)
        return x + self.scale * y


def convnext() -> nn.Module:
    stem = [nn.Conv2d(3, 8, 4, 4), ChannelNorm(8)]
    down = [ChannelNorm(8), nn.Conv2d(8, 12, 2, 2)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(12), nn.Linear(12, CLASSES)]
    return nn.Sequential(*stem, Next(8), *down, Next(12), *head)


class Attention(nn.Module):
    """Self-attention of several heads: Vaswani et al. 2017."""

    def __init__(self, width: int, heads: int, tokens: int) -> None:
        super().__init__()
        self.heads, self.tokens, self.scale = heads, tokens, (width // heads) ** -0.5
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        width = self.out.in_features
        q, k, v = self.qkv(x).reshape(-1, self.tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * self.scale).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(-1, self.tokens, width))


class Transformer(nn.Module):
    """One layer, norms in front."""

    def __init__(self, width: int, tokens: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, 2, tokens)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.first(x))
        return x + self.mlp(self.second(x))


class VisionTransformer(nn.Module):
    """Patches, a class token, positions: Dosovitskiy et al. 2021."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 17, width))
        self.layers = nn.Sequential(Transformer(width, 17), Transformer(width, 17))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.layers(x))[:, 0])


class TorchAttention(nn.Module):
    """Attention as torch writes it itself: the batch is moved behind the tokens and merged with the heads."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CLASSES)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        y = self.norm(x)
        return self.head((x + self.attention(y, y, y)[0]).mean(1))


class ShiftedWindows(nn.Module):
    """Attention inside windows of a shifted picture (Liu et al. 2021): windows are merged with the batch."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, width, 4, 4), nn.Linear(width, CLASSES)
        self.qkv = nn.Linear(width, 3 * width)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.roll(self.patches(x).permute(0, 2, 3, 1), (-2, -2), (1, 2))
        batch, rows, columns, width = x.shape
        apart = x.reshape(batch, rows // 4, 4, columns // 4, 4, width).permute(0, 1, 3, 2, 4, 5)
        q, k, v = self.qkv(apart.reshape(-1, 16, width)).chunk(3, -1)
        y = (q @ k.transpose(1, 2) / width**0.5).softmax(-1) @ v
        y = y.reshape(batch, rows // 4, columns // 4, 4, 4, width).permute(0, 1, 3, 2, 4, 5)
        return self.head((x + y.reshape(batch, rows, columns, width)).mean((1, 2)))


ZOO: dict[str, Callable[[], nn.Module]] = {
    "resnet": lambda: resnet(bottleneck=False),
    "resnet bottleneck": lambda: resnet(bottleneck=True),
    "mobilenet v2": mobilenet_v2,
    "mobilenet v3": mobilenet_v3,
    "efficientnet": efficientnet,
    "vgg bn": vgg_bn,
    "densenet": densenet,
    "convnext": convnext,
    "vit": VisionTransformer,
    "torch attention": TorchAttention,
    "shifted windows": ShiftedWindows,
}
# Those with a softmax inside and without a last feature map.
ATTENTION = ("vit", "torch attention", "shifted windows")


def member(name: str, biases: bool = True) -> nn.Module:
    """The network of that name with random weights; without biases every layer, norm and token adds nothing."""
    torch.manual_seed(7)
    network = ZOO[name]()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
        elif isinstance(module, nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=(2 / module.weight[0].numel()) ** 0.5)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.2)
    if not biases:
        for key, values in [*network.named_parameters(), *network.named_buffers()]:
            if key.endswith(("bias", "running_mean", "token", "positions")):
                nn.init.zeros_(values)
    return network.eval()
