"""Small classifiers with random weights, and one shaped like the shipped one: the torch module and its ONNX export."""

import io
import warnings
from collections.abc import Callable

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

torch.set_num_threads(1)  # the networks are tiny: threads only wait for each other


class Residual(nn.Module):
    """x + branch(x), with a ReLU behind the sum or not."""

    def __init__(self, branch: nn.Module, relu_after: bool = False) -> None:
        super().__init__()
        self.branch, self.relu_after = branch, relu_after

    def forward(self, x: Tensor) -> Tensor:
        total = x + self.branch(x)
        return torch.relu(total) if self.relu_after else total


class Side(nn.Module):
    """The channels of two branches behind each other."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.left, self.right = left, right

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.left(x), self.right(x)], 1)


class Mean(nn.Module):
    """Global average pooling."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class Shaped(nn.Module):
    """The same values with other axes behind the batch."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.sizes = sizes

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.sizes)


class Turned(nn.Module):
    """The two axes behind the batch exchanged: channels and places to tokens."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


class Average(nn.Module):
    """Average over all places of [batch, channels, ...], or over tokens [batch, tokens, channels]."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.axes)


class Scaled(nn.Module):
    """A network with the scaling of its uint8 pixels inside."""

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        self.network = network

    def forward(self, face: Tensor) -> Tensor:
        return self.network(scaled(face))


def scaled(face: Tensor) -> Tensor:
    """What `Scaled` makes of pixels."""
    return (face.to(torch.get_default_dtype()) - 120.0) / 64.0


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, norm: bool = True, **options) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    options.setdefault("padding", kernel // 2)
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, bias=not norm, **options)]
    return nn.Sequential(*layers, *([nn.BatchNorm2d(outputs)] if norm else []), nn.ReLU())


def head(width: int, classes: int = 5, bias: bool = False) -> list[nn.Module]:
    return [Mean(), nn.Linear(width, classes, bias=bias)]


def shipped_like(classes: int = 8) -> nn.Sequential:
    """The shape of the shipped network: stem of stride 2, four stages, residual sums of non-negative branches."""
    layers: list[nn.Module] = [conv(1, 48, stride=2), Residual(conv(48, 48)), Residual(conv(48, 48))]
    width = 48
    for wider, stride in ((96, 2), (160, 2), (256, 1)):
        layers += [conv(width, wider, stride=stride), Residual(conv(wider, wider))]
        width = wider
    return nn.Sequential(*layers, *head(width, classes))


NETWORKS: dict[str, Callable[[], nn.Sequential]] = {
    "plain": lambda: nn.Sequential(conv(1, 6), conv(6, 8), *head(8)),
    "biases": lambda: nn.Sequential(conv(1, 6, norm=False), conv(6, 8, norm=False), *head(8, bias=True)),
    "colour": lambda: nn.Sequential(conv(3, 6), conv(6, 8), *head(8)),
    "strides": lambda: nn.Sequential(conv(1, 6, stride=2), conv(6, 8, 1, stride=2), conv(8, 8), *head(8)),
    "groups": lambda: nn.Sequential(conv(1, 6), conv(6, 6, groups=6), conv(6, 8, groups=2), *head(8)),
    "grouped colour stem": lambda: nn.Sequential(conv(3, 6, groups=3), conv(6, 8), *head(8)),
    "dilation": lambda: nn.Sequential(conv(1, 6, padding=2, dilation=2), conv(6, 8, padding=0, dilation=2), *head(8)),
    "wide padding": lambda: nn.Sequential(conv(1, 6, padding=2), conv(6, 8, padding=2, stride=2), *head(8)),
    "max pool": lambda: nn.Sequential(conv(1, 6), nn.MaxPool2d(2), conv(6, 8), nn.MaxPool2d(2), *head(8)),
    "overlapping pool": lambda: nn.Sequential(conv(1, 6), nn.MaxPool2d(3, 2, 1), conv(6, 8), *head(8)),
    "average pool": lambda: nn.Sequential(conv(1, 6), nn.AvgPool2d(3, 2, 1), conv(6, 8), nn.AvgPool2d(2), *head(8)),
    "padding not counted": lambda: nn.Sequential(
        conv(1, 6), nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), conv(6, 8), *head(8)
    ),
    "residual": lambda: nn.Sequential(conv(1, 6), Residual(conv(6, 6)), conv(6, 8), Residual(conv(8, 8)), *head(8)),
    "resnet": lambda: nn.Sequential(
        conv(1, 6), Residual(nn.Sequential(conv(6, 6), conv(6, 6)[:2]), relu_after=True), conv(6, 8), *head(8)
    ),
    "linear residual": lambda: nn.Sequential(conv(1, 6), Residual(conv(6, 6)[:2]), conv(6, 8), *head(8)),
    "concat": lambda: nn.Sequential(conv(1, 6), Side(conv(6, 4), conv(6, 3, 1)), conv(7, 8), *head(8)),
    "norm in front": lambda: nn.Sequential(conv(1, 6), nn.BatchNorm2d(6), conv(6, 8), *head(8)),
    "dense": lambda: nn.Sequential(
        conv(1, 4), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 5)
    ),
    "transposed": lambda: nn.Sequential(
        conv(1, 6, stride=2),
        nn.ConvTranspose2d(6, 8, 3, 2, padding=1, output_padding=1, bias=False),
        nn.ReLU(),
        *head(8),
    ),
    "transposed in groups": lambda: nn.Sequential(
        conv(1, 6), nn.ConvTranspose2d(6, 4, (3, 2), 1, (2, 0), groups=2, dilation=(2, 1)), nn.ReLU(), *head(4)
    ),
}

# Networks whose layers have other axes than channels, rows and columns: no feature map for a CAM at their end.
OTHER_AXES: dict[str, Callable[[], nn.Sequential]] = {
    "line": lambda: nn.Sequential(
        conv(1, 6),
        Shaped(6, 64),
        nn.Conv1d(6, 8, 3, 2, 2, dilation=2, groups=2),
        nn.ReLU(),
        Average(2),
        nn.Linear(8, 5, bias=False),
    ),
    "volume": lambda: nn.Sequential(
        conv(1, 6),
        Shaped(2, 3, 8, 8),
        nn.Conv3d(2, 4, (2, 3, 3), (1, 2, 1), (0, 1, 1)),
        nn.ReLU(),
        Average(2, 3, 4),
        nn.Linear(4, 5, bias=False),
    ),
    "tokens": lambda: nn.Sequential(
        conv(1, 6),
        Shaped(6, 64),
        Turned(),
        nn.Linear(6, 8, bias=False),
        nn.ReLU(),
        Average(1),
        nn.Linear(8, 5, bias=False),
    ),
    "dense first": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(64, 12, bias=False), nn.ReLU(), nn.Linear(12, 5, bias=False)
    ),
}


WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)


def channels(network: nn.Sequential) -> int:
    """How many channels the network's pictures have."""
    first = next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
    return 1 if first is None else first.in_channels


def build(name: str) -> nn.Sequential:
    """The network of that name with weights, statistics and biases that leave nothing trivial."""
    generator = torch.Generator().manual_seed(7)
    network = shipped_like() if name == "shipped" else (NETWORKS | OTHER_AXES)[name]()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 1.5),
                (module.weight, 0.5, 1.5),
                (module.bias, -0.3, 0.3),
            ):
                values.data = torch.rand(values.shape, generator=generator) * (high - low) + low
        if isinstance(module, WEIGHTED):
            spread = (2 / module.weight[0].numel()) ** 0.5
            module.weight.data = torch.randn(module.weight.shape, generator=generator) * spread
            if module.bias is not None:
                module.bias.data = torch.randn(module.bias.shape, generator=generator) * 0.2
    return network.eval()


def to_onnx(
    network: nn.Module,
    picture: tuple[int, ...],
    opset: int = 17,
    batch: int = 2,
    dtype: torch.dtype = torch.uint8,
) -> bytes:
    """Export with a free batch; `picture` is the shape of one input."""
    buffer = io.BytesIO()
    example = torch.zeros(batch, *picture, dtype=dtype)
    free = {"face": {0: "batch"}, "logits": {0: "batch"}} if batch > 1 else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.float().eval(),
            (example,),
            buffer,
            dynamo=False,
            opset_version=opset,
            input_names=["face"],
            output_names=["logits"],
            dynamic_axes=free,
        )
    return buffer.getvalue()


def pictures(count: int, picture: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random uint8 pictures."""
    return np.random.default_rng(seed).integers(0, 256, (count, *picture)).astype(np.uint8)


def session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(explainer: bytes, faces: np.ndarray, seed: np.ndarray | None = None, contrast: float = 0) -> dict:
    """The explainer's outputs by name. Without a seed the predicted class is explained."""
    runner = session(explainer)
    classes = runner.get_outputs()[0].shape[1]
    seed = np.zeros((len(faces), classes), np.float32) if seed is None else seed.astype(np.float32)
    feeds = {runner.get_inputs()[0].name: faces, "seed": seed, "contrast": np.full(len(seed), contrast, np.float32)}
    return dict(zip([output.name for output in runner.get_outputs()], runner.run(None, feeds), strict=True))
