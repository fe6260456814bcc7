"""One small graph per operator and form: ONNX text from z to y, and what it means, in torch.

z [batch, 4, 6, 6] is a convolution of the picture [batch, 3, 6, 6]; y goes through a dense layer to three logits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.parser
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

PICTURE = (3, 6, 6)
RANDOM = np.random.default_rng(11)
SLOPES = RANDOM.uniform(0.1, 0.5, (4, 1, 1)).astype(np.float32)
SCALES = RANDOM.uniform(-2, 2, (4, 1, 1)).astype(np.float32)
WIDE = RANDOM.normal(size=(1, 4, 6, 6)).astype(np.float32)
ROWS = RANDOM.normal(size=(5, 6)).astype(np.float32)
COLUMNS = RANDOM.normal(size=(6, 5)).astype(np.float32)
TOKEN = RANDOM.normal(size=(1, 2, 6, 6)).astype(np.float32)
KERNEL = RANDOM.normal(size=(5, 4, 3, 3)).astype(np.float32) / 3
GROUPED = RANDOM.normal(size=(4, 2, 3, 3)).astype(np.float32) / 3
UPWARDS = RANDOM.normal(size=(4, 5, 3, 3)).astype(np.float32) / 3
DENSE = RANDOM.normal(size=(144, 7)).astype(np.float32) / 6
BIAS = RANDOM.normal(size=7).astype(np.float32)
MASK = RANDOM.random((1, 1, 6, 6)) > 0.5
CONV = RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32) / 3


@dataclass(frozen=True)
class Case:
    """An operator in one of its forms."""

    operator: str
    body: str
    meaning: Callable[[Tensor], Tensor]
    opset: int = 17
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.body} ({self.opset})"

    def logits(self, pictures: Tensor) -> Tensor:
        """What the graph computes, in the pictures' precision."""
        flat = self.meaning(F.conv2d(pictures, like(CONV, pictures), padding=1)).flatten(1)
        return flat @ like(head(flat.shape[1]), pictures)

    def model(self) -> bytes:
        with torch.no_grad():
            width = self.meaning(torch.zeros(1, 4, 6, 6)).flatten(1).shape[1]
        text = f"""<ir_version: 10, opset_import: ["" : {self.opset}]>
            case (float[batch, {", ".join(map(str, PICTURE))}] x) => (float[batch, 3] logits) {{
                z = Conv<pads = [1, 1, 1, 1]>(x, conv)
                {self.body}
                flat = Flatten(y)
                logits = MatMul(flat, head)
            }}"""
        proto = onnx.parser.parse_model(text)
        for name, values in {**self.constants, "conv": CONV, "head": head(width)}.items():
            proto.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values), name))
        return proto.SerializeToString()


def like(values: np.ndarray, other: Tensor) -> Tensor:
    return torch.tensor(values).to(other.dtype)


def head(width: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(width, 3)).astype(np.float32) / np.float32(width**0.5)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def scalar(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def tokens(z: Tensor) -> Tensor:
    return z.flatten(2).transpose(1, 2)


def attention(z: Tensor) -> Tensor:
    q, k, v = z[:, :, :2], z[:, :, 2:4], z[:, :, 4:]
    return torch.softmax(q @ k.transpose(-1, -2), -1) @ v


def resized(z: Tensor, **options) -> Tensor:
    return F.interpolate(z, **options)


ACTIVATIONS = (
    Case("Relu", "y = Relu(z)", F.relu),
    Case("LeakyRelu", "y = LeakyRelu<alpha = 0.2>(z)", lambda z: F.leaky_relu(z, 0.2)),
    Case("LeakyRelu", "y = LeakyRelu(z)", F.leaky_relu, 11),
    Case("PRelu", "y = PRelu(z, a)", lambda z: torch.where(z > 0, z, like(SLOPES, z) * z), 17, {"a": SLOPES}),
    Case("Clip", "y = Clip(z, a, b)", lambda z: z.clamp(-0.5, 0.5), 17, {"a": scalar(-0.5), "b": scalar(0.5)}),
    Case("Clip", "y = Clip(z, a)", lambda z: z.clamp(min=0.1), 17, {"a": scalar(0.1)}),
    Case("Clip", "y = Clip(z, , b)", lambda z: z.clamp(max=0.1), 13, {"b": scalar(0.1)}),
    Case("Clip", "y = Clip(z)", lambda z: z, 13),
    Case("Clip", "y = Clip<min = 0.0, max = 6.0>(z)", F.relu6, 10),
    Case("Elu", "y = Elu<alpha = 0.7>(z)", lambda z: F.elu(z, 0.7)),
    Case("Selu", "y = Selu(z)", F.selu),
    Case("Celu", "y = Celu<alpha = 0.7>(z)", lambda z: F.celu(z, 0.7)),
    Case("ThresholdedRelu", "y = ThresholdedRelu<alpha = 0.3>(z)", lambda z: F.threshold(z, 0.3, 0.0)),
    Case("Softplus", "y = Softplus(z)", F.softplus),
    Case("Softsign", "y = Softsign(z)", F.softsign),
    Case("Sigmoid", "y = Sigmoid(z)", torch.sigmoid),
    Case("HardSigmoid", "y = HardSigmoid<alpha = 0.4, beta = 0.5>(z)", lambda z: (0.4 * z + 0.5).clamp(0, 1)),
    Case("HardSigmoid", "y = HardSigmoid(z)", lambda z: (0.2 * z + 0.5).clamp(0, 1), 11),
    Case("Tanh", "y = Tanh(z)", torch.tanh),
    Case("Erf", "y = Erf(z)", torch.erf),
    Case("Exp", "y = Exp(z)", torch.exp),
    Case("Log", "a = Exp(z) \n b = Add(a, one) \n y = Log(b)", F.softplus, 17, {"one": scalar(1)}),
    Case(
        "Sqrt", "a = Mul(z, z) \n b = Add(a, one) \n y = Sqrt(b)", lambda z: (z * z + 1).sqrt(), 17, {"one": scalar(1)}
    ),
    Case("Reciprocal", "a = Exp(z) \n y = Reciprocal(a)", lambda z: (-z).exp()),
    Case("Abs", "y = Abs(z)", torch.abs),
    Case("Pow", "y = Pow(z, p)", lambda z: z**2, 17, {"p": scalar(2)}),
    Case("Pow", "y = Pow(z, p)", lambda z: z**3, 11, {"p": scalar(3)}),
    Case("Pow", "a = Exp(z) \n y = Pow(a, p)", lambda z: (z / 2).exp(), 17, {"p": scalar(0.5)}),
    Case("Pow", "a = Exp(z) \n y = Pow(a, p)", lambda z: z.exp() ** like(SCALES, z), 17, {"p": SCALES}),
)

ARITHMETIC = (
    Case("Add", "y = Add(z, a)", lambda z: z + like(WIDE, z), 17, {"a": WIDE}),
    Case("Add", "a = Relu(z) \n y = Add(a, z)", lambda z: F.relu(z) + z),
    Case("Add", "a = GlobalAveragePool(z) \n y = Add(a, z)", lambda z: z.mean((2, 3), keepdim=True) + z),
    Case(
        "Add",
        "a = ReduceMean<axes = [3], keepdims = 1>(z) \n b = ReduceMean<axes = [2], keepdims = 1>(z) \n y = Add(a, b)",
        lambda z: z.mean(3, keepdim=True) + z.mean(2, keepdim=True),
    ),
    Case("Sum", "a = Relu(z) \n b = Tanh(z) \n y = Sum(a, z, b)", lambda z: F.relu(z) + z + z.tanh()),
    Case("Sub", "y = Sub(z, a)", lambda z: z - like(WIDE, z), 17, {"a": WIDE}),
    Case("Sub", "y = Sub(a, z)", lambda z: like(SCALES, z) - z, 17, {"a": SCALES}),
    Case("Sub", "a = GlobalAveragePool(z) \n y = Sub(z, a)", lambda z: z - z.mean((2, 3), keepdim=True)),
    Case("Sub", "a = GlobalAveragePool(z) \n y = Sub(a, z)", lambda z: z.mean((2, 3), keepdim=True) - z),
    Case("Neg", "y = Neg(z)", torch.neg),
    Case("Cast", "a = Cast<to = 1>(z) \n y = Relu(a)", F.relu),
    Case("Mul", "y = Mul(z, a)", lambda z: z * like(SCALES, z), 17, {"a": SCALES}),
    Case("Mul", "y = Mul(a, z)", lambda z: z * like(WIDE, z), 11, {"a": WIDE}),
    Case("Mul", "a = Sigmoid(z) \n y = Mul(z, a)", F.silu),
    Case("Mul", "y = Mul(z, z)", torch.square),
    Case("Mul", "a = Exp(z) \n y = Mul(z, a)", lambda z: z * z.exp()),
    Case("Mul", "a = Tanh(z) \n b = Sigmoid(z) \n y = Mul(a, b)", lambda z: z.tanh() * z.sigmoid()),
    Case(
        "Mul",
        "m = GlobalAveragePool(z) \n a = HardSigmoid(m) \n y = Mul(a, z)",
        lambda z: z * (0.2 * z.mean((2, 3), keepdim=True) + 0.5).clamp(0, 1),
    ),
    Case(
        "Mul",
        "a = ReduceMean<axes = [1]>(z) \n b = GlobalAveragePool(z) \n y = Mul(a, b)",
        lambda z: z.mean(1, keepdim=True) * z.mean((2, 3), keepdim=True),
    ),
    Case("Div", "y = Div(z, a)", lambda z: z / like(SCALES, z), 17, {"a": SCALES}),
    Case(
        "Div",
        "a = Exp(z) \n b = GlobalAveragePool(a) \n y = Div(z, b)",
        lambda z: z / z.exp().mean((2, 3), keepdim=True),
    ),
    Case("Div", "a = Exp(z) \n y = Div(two, a)", lambda z: 2 * (-z).exp(), 17, {"two": scalar(2)}),
    Case("Div", "a = Exp(z) \n y = Div(w, a)", lambda z: like(WIDE, z) / z.exp(), 17, {"w": WIDE}),
    Case("Max", "a = Tanh(z) \n b = Neg(z) \n y = Max(z, a, b)", lambda z: torch.maximum(z.tanh(), z.abs())),
    Case("Max", "y = Max(z, a)", lambda z: z.clamp(min=0.2), 13, {"a": scalar(0.2)}),
    Case("Min", "a = Neg(z) \n y = Min(z, a)", lambda z: -z.abs()),
    Case("Min", "y = Min(a, z)", lambda z: torch.minimum(z, like(SCALES, z)), 13, {"a": SCALES}),
    Case(
        "Where",
        "a = Tanh(z) \n y = Where(m, z, a)",
        lambda z: torch.where(torch.tensor(MASK), z, z.tanh()),
        17,
        {"m": MASK},
    ),
    Case(
        "Where",
        "m = Greater(z, zero) \n a = Mul(z, w) \n y = Where(m, z, a)",
        lambda z: torch.where(z > 0, z, z * like(SCALES, z)),
        17,
        {"zero": scalar(0), "w": SCALES},
    ),
    Case(
        "Where",
        "y = Where(m, z, a)",
        lambda z: torch.where(torch.tensor(MASK), z, 0.3),
        17,
        {"m": MASK, "a": scalar(0.3)},
    ),
    Case("Softmax", "y = Softmax<axis = 1>(z)", lambda z: z.softmax(1)),
    Case("Softmax", "y = Softmax<axis = -1>(z)", lambda z: z.softmax(-1), 13),
    Case("Softmax", "y = Softmax<axis = 3>(z)", lambda z: z.softmax(3), 11),
    Case("LogSoftmax", "y = LogSoftmax<axis = 1>(z)", lambda z: z.log_softmax(1)),
)

LAYERS = (
    Case(
        "Conv", "y = Conv<strides = [2, 2]>(z, k)", lambda z: F.conv2d(z, like(KERNEL, z), stride=2), 11, {"k": KERNEL}
    ),
    Case(
        "Conv",
        'y = Conv<auto_pad = "SAME_LOWER", strides = [2, 2], group = 2>(z, k)',
        lambda z: F.conv2d(F.pad(z, (1, 0, 1, 0)), like(GROUPED, z), stride=2, groups=2),
        17,
        {"k": GROUPED},
    ),
    Case(
        "ConvTranspose",
        "y = ConvTranspose<strides = [2, 1], pads = [1, 0, 1, 1], output_padding = [1, 0]>(z, k)",
        lambda z: F.conv_transpose2d(z, like(UPWARDS, z), stride=(2, 1), output_padding=(1, 0))[:, :, 1:-1, :-1],
        11,
        {"k": UPWARDS},
    ),
    Case(
        "Gemm",
        "a = Flatten(z) \n y = Gemm<alpha = 0.5, beta = 2.0>(a, k, b)",
        lambda z: z.flatten(1) @ like(DENSE, z) / 2 + 2 * like(BIAS, z),
        13,
        {"k": DENSE, "b": BIAS},
    ),
    Case("MatMul", "y = MatMul(z, k)", lambda z: z @ like(COLUMNS, z), 17, {"k": COLUMNS}),
    Case("MatMul", "y = MatMul(k, z)", lambda z: like(ROWS, z) @ z, 17, {"k": ROWS}),
    Case("MatMul", "a = Relu(z) \n y = MatMul(k, a)", lambda z: like(ROWS, z) @ F.relu(z), 13, {"k": ROWS}),
    Case("MatMul", "a = Transpose<perm = [0, 1, 3, 2]>(z) \n y = MatMul(z, a)", lambda z: z @ z.transpose(2, 3)),
    Case(
        "MatMul",
        "a = ReduceMean<axes = [1], keepdims = 1>(z) \n y = MatMul(a, z)",
        lambda z: z.mean(1, keepdim=True) @ z,
    ),
    Case(
        "MatMul",
        """q, k, v = Split<axis = 2>(z, sizes) \n t = Transpose<perm = [0, 1, 3, 2]>(k)
        s = MatMul(q, t) \n p = Softmax(s) \n y = MatMul(p, v)""",
        attention,
        17,
        {"sizes": ints(2, 2, 2)},
    ),
)

POOLS = (
    Case("MaxPool", "y = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(z)", lambda z: F.max_pool2d(z, 2)),
    Case(
        "MaxPool",
        "y = MaxPool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>(z)",
        lambda z: F.max_pool2d(z, 3, 2, 1),
        11,
    ),
    Case(
        "MaxPool",
        "y = MaxPool<kernel_shape = [2, 2], dilations = [2, 2]>(z)",
        lambda z: F.max_pool2d(z, 2, 1, 0, 2),
        13,
    ),
    Case(
        "MaxPool",
        "y = MaxPool<kernel_shape = [4, 4], strides = [4, 4], ceil_mode = 1>(z)",
        lambda z: F.max_pool2d(z, 4, 4, ceil_mode=True),
    ),
    Case(
        "MaxPool",
        'y = MaxPool<kernel_shape = [3, 2], strides = [2, 2], auto_pad = "SAME_UPPER">(z)',
        lambda z: F.max_pool2d(F.pad(z, (0, 0, 0, 1), value=-1e9), (3, 2), 2),
    ),
    Case(
        "MaxPool",
        'y = MaxPool<kernel_shape = [3, 2], strides = [2, 2], auto_pad = "SAME_LOWER", storage_order = 1>(z)',
        lambda z: F.max_pool2d(F.pad(z, (0, 0, 1, 0), value=-1e9), (3, 2), 2),
    ),
    Case(
        "MaxPool",
        "a = Reshape(z, s) \n y = MaxPool<kernel_shape = [3], strides = [2]>(a)",
        lambda z: F.max_pool1d(z.flatten(2), 3, 2),
        17,
        {"s": ints(0, 4, 36)},
    ),
    Case(
        "MaxPool",
        "a = Reshape(z, s) \n y = MaxPool<kernel_shape = [2, 2, 3], strides = [2, 2, 3]>(a)",
        lambda z: F.max_pool3d(z[:, None], (2, 2, 3)),
        17,
        {"s": ints(0, 1, 4, 6, 6)},
    ),
    Case(
        "MaxPool",
        "y, i = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(z)",
        lambda z: F.max_pool2d(z, 2),
    ),
    Case("AveragePool", "y = AveragePool<kernel_shape = [2, 2], strides = [2, 2]>(z)", lambda z: F.avg_pool2d(z, 2)),
    Case(
        "AveragePool",
        "y = AveragePool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], count_include_pad = 1>(z)",
        lambda z: F.avg_pool2d(z, 3, 2, 1),
        11,
    ),
    Case(
        "AveragePool",
        "y = AveragePool<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1>(z)",
        lambda z: F.avg_pool2d(z, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    ),
    Case(
        "AveragePool",
        "y = AveragePool<kernel_shape = [2, 2], dilations = [2, 1]>(z)",
        lambda z: (z[:, :, :4, :5] + z[:, :, :4, 1:] + z[:, :, 2:, :5] + z[:, :, 2:, 1:]) / 4,
        19,
    ),
    Case(
        "AveragePool",
        'y = AveragePool<kernel_shape = [2, 2], strides = [1, 1], auto_pad = "SAME_UPPER", count_include_pad = 1>(z)',
        lambda z: F.avg_pool2d(F.pad(z, (0, 1, 0, 1)), 2, 1),
    ),
    Case(
        "AveragePool",
        "a = Reshape(z, s) \n y = AveragePool<kernel_shape = [4], strides = [3]>(a)",
        lambda z: F.avg_pool1d(z.flatten(2), 4, 3),
        17,
        {"s": ints(0, 4, 36)},
    ),
    Case(
        "AveragePool",
        "a = Reshape(z, s) \n y = AveragePool<kernel_shape = [3, 2, 3], strides = [1, 2, 1]>(a)",
        lambda z: F.avg_pool3d(z[:, None], (3, 2, 3), (1, 2, 1)),
        17,
        {"s": ints(0, 1, 4, 6, 6)},
    ),
    Case("GlobalAveragePool", "y = GlobalAveragePool(z)", lambda z: z.mean((2, 3))),
    Case("GlobalMaxPool", "y = GlobalMaxPool(z)", lambda z: z.amax((2, 3))),
    Case("ReduceMean", "y = ReduceMean<axes = [2, 3], keepdims = 0>(z)", lambda z: z.mean((2, 3)), 13),
    Case("ReduceMean", "y = ReduceMean<keepdims = 1>(z, a)", lambda z: z.mean(1), 18, {"a": ints(-3)}),
    Case("ReduceSum", "y = ReduceSum<axes = [1], keepdims = 0>(z)", lambda z: z.sum(1), 11),
    Case("ReduceSum", "y = ReduceSum(z, a)", lambda z: z.sum((1, 3)), 13, {"a": ints(1, 3)}),
    Case("ReduceMax", "y = ReduceMax<axes = [2, 3], keepdims = 0>(z)", lambda z: z.amax((2, 3)), 13),
    Case("ReduceMax", "y = ReduceMax(z, a)", lambda z: z.amax(1), 18, {"a": ints(1)}),
    Case("ReduceMax", "y = ReduceMax<keepdims = 0>(z, a)", lambda z: z.amax((1, 2)), 20, {"a": ints(1, 2)}),
    Case("ReduceMax", "y = ReduceMax<noop_with_empty_axes = 1>(z)", lambda z: z, 18),
    Case(
        "ReduceMin", "y = ReduceMin<axes = [1, 2, 3], keepdims = 0>(z)", lambda z: z.amin((1, 2, 3), keepdim=True), 17
    ),
    Case("ReduceMin", "y = ReduceMin<axes = [3]>(z)", lambda z: z.amin(3), 11),
    Case("ReduceL2", "y = ReduceL2<axes = [1]>(z)", lambda z: z.norm(dim=1), 13),
    Case("ReduceL2", "n = ReduceL2(z, a) \n y = Div(z, n)", lambda z: F.normalize(z, dim=1), 18, {"a": ints(1)}),
)

SHAPES = (
    Case("Flatten", "y = Flatten(z)", lambda z: z),
    Case(
        "Flatten",
        "a = Unsqueeze(z, i) \n b = Squeeze(a, i) \n y = Flatten<axis = -3>(b)",
        lambda z: z,
        13,
        {"i": ints(1)},
    ),
    Case("Reshape", "y = Reshape(z, s)", lambda z: z, 11, {"s": ints(0, -1, 12)}),
    Case(
        "Reshape",
        "a = Reshape(z, s) \n y = Softmax<axis = 1>(a)",
        lambda z: z.reshape(-1, 8, 18).softmax(1),
        14,
        {"s": ints(-1, 8, 18)},
    ),
    Case("Squeeze", "a = ReduceMean<axes = [2]>(z) \n y = Squeeze<axes = [2]>(a)", lambda z: z.mean(2), 11),
    Case("Squeeze", "a = ReduceMean<axes = [2]>(z) \n y = Squeeze(a, i)", lambda z: z.mean(2), 13, {"i": ints(-2)}),
    Case("Unsqueeze", "a = Unsqueeze<axes = [1, 3]>(z) \n y = Relu(a)", F.relu, 11),
    Case("Unsqueeze", "a = Unsqueeze(z, i) \n y = Softmax<axis = 2>(a)", lambda z: z.softmax(1), 13, {"i": ints(1)}),
    Case("Transpose", "y = Transpose<perm = [0, 2, 3, 1]>(z)", lambda z: z.permute(0, 2, 3, 1)),
    Case("Concat", "a = Tanh(z) \n y = Concat<axis = 1>(a, z)", lambda z: torch.cat([z.tanh(), z], 1)),
    Case("Concat", "a = Relu(z) \n y = Concat<axis = -1>(z, a, z)", lambda z: torch.cat([z, F.relu(z), z], -1), 11),
    Case(
        "Concat",
        """b = Shape<start = 0, end = 1>(x) \n s = Concat<axis = 0>(b, rest) \n t = Expand(token, s)
        y = Concat<axis = 1>(t, z)""",
        lambda z: torch.cat([like(TOKEN, z).expand(len(z), -1, -1, -1), z], 1),
        17,
        {"token": TOKEN, "rest": ints(2, 6, 6)},
    ),
    Case(
        "Split", "a, b = Split<axis = 1>(z) \n c = Tanh(a) \n y = Mul(b, c)", lambda z: z[:, 2:] * z[:, :2].tanh(), 11
    ),
    Case("Split", "a, b, c = Split<axis = 3, num_outputs = 3>(z) \n y = Tanh(b)", lambda z: z[..., 2:4].tanh(), 18),
    Case("Split", "a, b = Split<axis = 3, split = [1, 5]>(z) \n y = Tanh(b)", lambda z: z[..., 1:].tanh(), 11),
    Case(
        "Split",
        "a, b, c, d = Split<axis = 1>(z, s) \n e = Tanh(a) \n y = Mul(e, c)",
        lambda z: z[:, :1].tanh() * z[:, 2:3],
        13,
        {"s": ints(1, 1, 1, 1)},
    ),
    Case("Slice", "y = Slice(z, s, e, a)", lambda z: z[:, 1:3], 11, {"s": ints(1), "e": ints(3), "a": ints(1)}),
    Case("Slice", "y = Slice<starts = [1, -4], ends = [100, -1], axes = [2, 3]>(z)", lambda z: z[:, :, 1:, 2:5], 9),
    Case(
        "Slice",
        "y = Slice(z, s, e, a, t)",
        lambda z: z[:, :, 1::2, ::3],
        13,
        {"s": ints(1, 0), "e": ints(9, 9), "a": ints(2, 3), "t": ints(2, 3)},
    ),
    Case(
        "Slice",
        "y = Slice(z, s, e, a, t)",
        lambda z: z.flip(1)[..., [4, 2, 0]],
        17,
        {"s": ints(-1, 4), "e": ints(-100, -100), "a": ints(1, -1), "t": ints(-1, -2)},
    ),
    Case(
        "Slice",
        "y = Slice(z, s, e)",
        lambda z: z[:, 1:],
        13,
        {"s": ints(0, 1), "e": ints(np.iinfo(np.int64).max, 4)},
    ),
    Case("Gather", "y = Gather<axis = 1>(z, i)", lambda z: z[:, 0], 17, {"i": np.array(0, np.int64)}),
    Case("Gather", "y = Gather<axis = 2>(z, i)", lambda z: z[:, :, -2], 13, {"i": np.array(-2, np.int64)}),
    Case("Gather", "y = Gather<axis = 1>(z, i)", lambda z: z[:, [2, 1, 0, 3]], 11, {"i": ints(2, 1, 0, 3)}),
    Case("Gather", "y = Gather<axis = 3>(z, i)", lambda z: z[..., [1, 1, 5, 0]], 11, {"i": ints(1, 1, 5, 0)}),
    Case(
        "Gather", "y = Gather<axis = 1>(z, i)", lambda z: z[:, [[0, 2], [2, 3]]], 17, {"i": np.array([[0, 2], [2, -1]])}
    ),
    Case("Pad", "y = Pad(z, p)", lambda z: F.pad(z, (0, 2, 1, 0)), 13, {"p": ints(0, 0, 1, 0, 0, 0, 0, 2)}),
    Case(
        "Pad",
        "y = Pad(z, p, v, a)",
        lambda z: F.pad(z, (1, 2), value=0.7),
        18,
        {"p": ints(1, 2), "v": scalar(0.7), "a": ints(-1)},
    ),
    Case("Pad", "y = Pad(z, p)", lambda z: F.pad(z, (-1, 2, 1, -2)), 13, {"p": ints(0, 0, 1, -1, 0, 0, -2, 2)}),
    Case(
        "Pad",
        'y = Pad<mode = "reflect">(z, p)',
        lambda z: F.pad(z, (2, 1, 3, 0), "reflect"),
        17,
        {"p": ints(0, 0, 3, 2, 0, 0, 0, 1)},
    ),
    Case(
        "Pad",
        'y = Pad<mode = "edge">(z, p)',
        lambda z: F.pad(z, (2, 1, 3, 0), "replicate"),
        11,
        {"p": ints(0, 0, 3, 2, 0, 0, 0, 1)},
    ),
    Case(
        "Pad",
        'y = Pad<mode = "wrap">(z, p)',
        lambda z: F.pad(z, (2, 1, 3, 0), "circular"),
        19,
        {"p": ints(0, 0, 3, 2, 0, 0, 0, 1)},
    ),
    Case("Pad", "y = Pad<pads = [0, 0, 1, 0, 0, 0, 0, 2]>(z)", lambda z: F.pad(z, (0, 2, 1, 0)), 10),
    Case(
        "Expand",
        "a = GlobalAveragePool(z) \n b = Expand(a, s) \n y = Mul(b, z)",
        lambda z: z.mean((2, 3), keepdim=True) * z,
        13,
        {"s": ints(1, 4, 6, 6)},
    ),
    Case("Tile", "y = Tile(z, r)", lambda z: z.repeat(1, 2, 1, 3), 13, {"r": ints(1, 2, 1, 3)}),
    Case("Tile", "y = Tile(z, r)", lambda z: z, 13, {"r": ints(1, 1, 1, 1)}),
    Case("DepthToSpace", 'y = DepthToSpace<blocksize = 2, mode = "CRD">(z)', lambda z: F.pixel_shuffle(z, 2), 13),
    Case(
        "DepthToSpace",
        "y = DepthToSpace<blocksize = 2>(z)",
        lambda z: z.reshape(-1, 2, 2, 1, 6, 6).permute(0, 3, 4, 1, 5, 2).reshape(-1, 1, 12, 12),
        11,
    ),
    Case(
        "SpaceToDepth",
        "y = SpaceToDepth<blocksize = 2>(z)",
        lambda z: z.reshape(-1, 4, 3, 2, 3, 2).permute(0, 3, 5, 1, 2, 4).reshape(-1, 16, 3, 3),
        13,
    ),
    Case(
        "Resize",
        'y = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(z, , s)',
        lambda z: resized(z, scale_factor=2),
        13,
        {"s": np.array([1, 1, 2, 2], np.float32)},
    ),
    Case(
        "Resize",
        """y = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor",
        axes = [2, 3]>(z, , , s)""",
        lambda z: resized(z, size=(4, 9)),
        18,
        {"s": ints(4, 9)},
    ),
    Case(
        "Resize",
        'y = Resize<mode = "nearest">(z, , s)',
        lambda z: z[:, :, [0, 0, 1, 2, 2, 3, 4, 4, 5]][..., [0, 0, 1, 2, 2, 3, 4, 4, 5]],
        17,
        {"s": np.array([1, 1, 1.5, 1.5], np.float32)},
    ),
    Case(
        "Resize",
        'y = Resize<mode = "nearest", nearest_mode = "round_prefer_ceil">(z, , s)',
        lambda z: resized(z, scale_factor=1.5, mode="nearest-exact"),
        17,
        {"s": np.array([1, 1, 1.5, 1.5], np.float32)},
    ),
    Case(
        "Resize",
        """b = Shape<start = 0, end = 2>(z) \n c = Concat<axis = 0>(b, s)
        y = Resize<mode = "linear", coordinate_transformation_mode = "pytorch_half_pixel">(z, , , c)""",
        lambda z: resized(z, size=(9, 4), mode="bilinear"),
        17,
        {"s": ints(9, 4)},
    ),
    Case(
        "Resize",
        'y = Resize<mode = "linear", coordinate_transformation_mode = "align_corners">(z, roi, s)',
        lambda z: resized(z, scale_factor=2, mode="bilinear", align_corners=True),
        11,
        {"roi": np.zeros(0, np.float32), "s": np.array([1, 1, 2, 2], np.float32)},
    ),
    Case(
        "Resize",
        'y = Resize<mode = "cubic", axes = [2, 3]>(z, , s)',
        lambda z: resized(z, scale_factor=2, mode="bicubic"),
        18,
        {"s": np.array([2, 2], np.float32)},
    ),
)

CASES = (*ACTIVATIONS, *ARITHMETIC, *LAYERS, *POOLS, *SHAPES)
