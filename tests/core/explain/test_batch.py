"""The batch: freed where every picture still gets the scores it had, kept where it would not."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from core.explain import compile_explainer
from core.explain.graph import read
from tests.core.explain.networks import pictures, run, to_onnx
from tests.core.explain.test_canonical import as_read, forward, inputs, ints, network, node, weights

PICTURE = (3, 16, 16)


class Pixels(nn.Module):
    """A network of torch behind the scaling of uint8 pixels."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.network = network

    def forward(self, face: Tensor) -> Tensor:
        return self.network(face.float() / 128 - 1)


class Tail(nn.Module):
    """A convolution, and its places in a row as `shape` says it: the batch, or what stands in its place, is {}."""

    def __init__(self, rows) -> None:
        super().__init__()
        self.conv, self.dense, self.rows = nn.Conv2d(3, 4, 4, 4), nn.Linear(64, 5), rows

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.rows(torch.relu(self.conv(x))))


class TimmAttention(nn.Module):
    """Queries, keys and values in one tensor, taken apart on its first axis."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        weight = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1)
        return self.out((weight @ v).transpose(1, 2).reshape(batch, tokens, width))


class MergedAttention(nn.Module):
    """Tokens first, heads merged with the batch, as torch's own attention was long written."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(0, 1)
        tokens, batch, width = x.shape
        q, k, v = (
            part.reshape(tokens, batch * self.heads, width // self.heads).transpose(0, 1)
            for part in self.qkv(x).chunk(3, -1)
        )
        weight = torch.softmax(torch.bmm(q, k.transpose(1, 2)) / 2, -1)
        mixed = torch.bmm(weight, v).transpose(0, 1).reshape(tokens, batch, width)
        return self.out(mixed).transpose(0, 1)


class TorchAttention(nn.Module):
    """torch's own, which merges tokens with pictures and pictures with heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class Windows(nn.Module):
    """Attention-like mixing within windows that are merged with the batch, as in Swin."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.mix = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        windows = x[:, 1:].reshape(batch, 2, 2, 2, 2, width).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, width)
        mixed = self.mix(windows.transpose(1, 2)).transpose(1, 2)
        back = mixed.reshape(batch, 2, 2, 2, 2, width).permute(0, 1, 3, 2, 4, 5).reshape(batch, tokens - 1, width)
        return torch.cat([x[:, :1], back], 1)


class Transformer(nn.Module):
    """Patches, class token, positions, two blocks, the class token's scores."""

    def __init__(self, attention, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, 17, width))
        self.blocks = nn.ModuleList(
            nn.ModuleList([nn.LayerNorm(width), attention(width, heads), nn.LayerNorm(width), nn.Linear(width, width)])
            for _ in range(2)
        )
        self.head = nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        for first, attention, second, dense in self.blocks:
            x = x + attention(first(x))
            x = x + nn.functional.gelu(dense(second(x)))
        return self.head(x[:, 0])


NETWORKS = {
    "flatten": lambda: Tail(lambda x: x.flatten(1)),
    "size asked": lambda: Tail(lambda x: x.view(x.size(0), -1)),
    "size computed": lambda: Tail(lambda x: x.view(x.size(0), x.size(1) * x.size(2) * (x.size(3) // 1))),
    "two steps": lambda: Tail(lambda x: x.view(x.size(0), 4, 16).transpose(1, 2).reshape(x.size(0), -1)),
    "attention in one tensor": lambda: Transformer(TimmAttention),
    "attention merged with the batch": lambda: Transformer(MergedAttention),
    "torch's own attention": lambda: Transformer(TorchAttention),
    "windows merged with the batch": lambda: Transformer(Windows),
}


@pytest.mark.parametrize("batch", [1, 2, 3, "free"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_batch_is_free_however_it_was_exported(name, batch):
    torch.manual_seed(1)
    module = Pixels(NETWORKS[name]()).eval()
    count = 2 if batch == "free" else batch
    model = to_onnx(module, PICTURE, 17, count)
    if batch != "free" and count > 1:
        model = fixed(model, count)
    faces = pictures(5, PICTURE)
    with torch.no_grad():
        expected = module(torch.tensor(faces)).numpy()
    classifier = read(model)
    assert classifier.batch is None
    classifier.refuse_unknown_sizes()
    assert all(value.shape[0] == "batch" for value in classifier.varying)
    np.testing.assert_allclose(forward(as_read(model), faces), expected, atol=2e-5)
    np.testing.assert_allclose(forward(as_read(model), faces[:1]), expected[:1], atol=2e-5)


def fixed(model: bytes, batch: int) -> bytes:
    """The model with sizes written for that batch, as an exporter that knows of no other leaves it."""
    proto = onnx.load_model_from_string(model)
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "fixed.onnx")
        onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return Path(options.optimized_model_filepath).read_bytes()


MIXING = {
    "a mean over the batch": ([node("ReduceMean", "x", out="m", axes=[0], keepdims=1), node("Sub", "x", "m")], {}),
    "a softmax over the batch": ([node("Softmax", "x", axis=0)], {}),
    "a batch turned round": (
        [node("Slice", "x", "s", "e", "a", "t")],
        {"s": ints(-1), "e": ints(-99), "a": ints(0), "t": ints(-1)},
    ),
    "pictures behind each other": (
        [node("Concat", "x", "x", out="c", axis=0), node("Slice", "c", "s", "e", "a")],
        {"s": ints(0), "e": ints(2), "a": ints(0)},
    ),
    "a batch as channels": (
        [node("Transpose", "x", out="t", perm=[1, 0, 2, 3]), node("Conv", "t", "w", out="c"),
         node("Transpose", "c", perm=[1, 0, 2, 3])],
        {"w": weights(2, 2, 1, 1)},
    ),
    "a constant for each picture of the batch": ([node("Add", "x", "k")], {"k": weights(2, 4, 6, 8)}),
    "a constant for each picture behind it": ([node("Concat", "x", "k", axis=1)], {"k": weights(2, 4, 6, 8)}),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXING)
def test_a_model_that_mixes_the_pictures_of_its_batch_keeps_it(name):
    nodes, constants = MIXING[name]
    model = fixed_network(nodes, constants)
    classifier = read(model)
    assert classifier.batch == 2
    assert classifier.face.shape == ir.Shape([2, 4, 6, 8])
    np.testing.assert_allclose(forward(as_read(model), inputs(2)), forward(model, inputs(2)), atol=1e-5)


def fixed_network(nodes, constants, batch: int = 2) -> bytes:
    """A network that was exported for a batch of that size, and says so everywhere."""
    ends = [
        node("GlobalAveragePool", "y", out="p"),
        node("Conv", "p", "h", out="q"),
        node("Flatten", "q", out="scores"),
    ]
    width = 8 if any(each.op_type == "Concat" and each.output[0] == "y" for each in nodes) else 4
    return network([*nodes, *ends], {**constants, "h": weights(3, width, 1, 1)}, batch=batch, tail=False)


@pytest.mark.parametrize("name", ["a mean over the batch", "a softmax over the batch"])
def test_a_model_said_to_be_free_that_mixes_pictures_is_bound_to_one(name):
    nodes, constants = MIXING[name]
    model = fixed_network(nodes, constants, batch="n")
    assert read(model).batch == 1
    np.testing.assert_allclose(forward(as_read(model), inputs(1)), forward(model, inputs(1)), atol=1e-5)


def test_a_mean_over_a_batch_of_one_is_not_freed():
    nodes, constants = MIXING["a mean over the batch"]
    assert read(fixed_network(nodes, constants, batch=1)).batch == 1


def test_a_model_said_to_be_free_but_written_for_one_picture_is_freed():
    nodes = [node("Reshape", "x", "s", out="f"), node("Gemm", "f", "w", out="scores")]
    model = network(nodes, {"s": ints(1, -1), "w": weights(192, 3)}, tail=False)
    classifier = read(model)
    assert classifier.batch is None
    one_by_one = np.concatenate([forward(model, x[None]) for x in inputs(3)])
    np.testing.assert_allclose(forward(as_read(model), inputs(3)), one_by_one, atol=1e-5)


def test_an_explainer_of_a_bound_model_has_that_batch_in_all_its_inputs():
    nodes, constants = MIXING["a constant for each picture of the batch"]
    explainer = onnx.load_model_from_string(compile_explainer(fixed_network(nodes, constants), "gradient"))
    sizes = [each.type.tensor_type.shape.dim[0].dim_value for each in (*explainer.graph.input, *explainer.graph.output)]
    assert sizes == [2] * len(sizes)
    found = run(explainer.SerializeToString(), inputs(2))
    assert found["relevance"].shape == (2, 6, 8)


@pytest.mark.parametrize("declared", ["N", "batch_size", "", None])
def test_the_batch_may_have_any_name_or_none(declared):
    proto = onnx.load_model_from_string(network([node("Relu", "x")]))
    for value in (*proto.graph.input, *proto.graph.output):
        size = value.type.tensor_type.shape.dim[0]
        size.Clear()
        if declared is not None:
            size.dim_param = declared
    assert read(proto.SerializeToString()).face.shape == ir.Shape(["batch", 4, 6, 8])


def test_an_output_of_unknown_shape_is_read():
    proto = onnx.load_model_from_string(network([node("Relu", "x")]))
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    assert read(proto.SerializeToString()).classes == 3


def as_keras(channels: int, dtype: int = TensorProto.FLOAT) -> bytes:
    """What tf2onnx makes of a small Keras network: channels last outside, SAME padding, a Squeeze and a Reshape."""
    nodes = [
        node("Cast", "x", out="p", to=TensorProto.FLOAT),
        node("Transpose", "p", out="a", perm=[0, 3, 1, 2]),
        node("Conv", "a", "w", out="b", auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Relu", "b", out="c"),
        node("Transpose", "c", out="d", perm=[0, 2, 3, 1]),
        node("Add", "d", "k", out="e"),
        node("Transpose", "e", out="f", perm=[0, 3, 1, 2]),
        node("GlobalAveragePool", "f", out="g"),
        node("Squeeze", "g", "axes", out="h"),
        node("Shape", "h", out="sizes"),
        node("Slice", "sizes", "zero", "one", out="count"),
        node("Concat", "count", "rest", out="target", axis=0),
        node("Reshape", "h", "target", out="i"),
        node("MatMul", "i", "v", out="j"),
        node("Add", "j", "bias", out="l"),
        node("Softmax", "l", out="scores", axis=1),
    ]
    constants = {
        "w": weights(6, channels, 3, 3), "k": weights(6), "v": weights(6, 3), "bias": weights(3),
        "axes": ints(2, 3), "zero": ints(0), "one": ints(1), "rest": ints(6),
    }  # fmt: skip
    return network(
        nodes, constants, opset=13, shape=(9, 10, channels), dtype=dtype, scores=TensorProto.FLOAT, tail=False
    )


@pytest.mark.parametrize("dtype", [TensorProto.UINT8, TensorProto.FLOAT, TensorProto.FLOAT16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_keras_converters_leave_is_read(channels, dtype):
    model = as_keras(channels, dtype)
    classifier = read(model)
    assert (classifier.channel_axis, classifier.size, classifier.batch) == (3, (9, 10), None)
    x = np.abs(inputs(3, (9, 10, channels), TensorProto.FLOAT) * 2).astype(helper.tensor_dtype_to_np_dtype(dtype))
    odds = np.exp(forward(as_read(model), x))
    np.testing.assert_allclose(odds / odds.sum(1, keepdims=True), forward(model, x), atol=1e-5)
    assert run(compile_explainer(model, "gradient"), x)["relevance"].shape == (3, 9, 10)


@pytest.mark.parametrize("first", [True, False])
def test_a_picture_of_three_pixels_height_and_width_is_read_by_what_the_model_does_with_it(first):
    nodes = [] if first else [node("Transpose", "x", out="t", perm=[0, 3, 1, 2])]
    nodes += [node("Conv", "x" if first else "t", "w")]
    classifier = read(network(nodes, {"w": weights(2, 3, 1, 1)}, shape=(3, 3, 3)))
    assert classifier.channel_axis == (1 if first else 3)


def test_a_signal_of_channels_and_length_is_mapped_place_by_place():
    nodes = [node("Conv", "x", "w", out="c", pads=[1, 1]), node("Relu", "c")]
    model = network(nodes, {"w": weights(4, 3, 3)}, shape=(3, 20))
    x = inputs(2, (3, 20))
    assert read(model).channel_axis is None
    found = run(compile_explainer(model, "gradient"), x, np.array([[1, 0, 0], [1, 0, 0]]))["relevance"]
    assert found.shape == (2, 3, 20)
    nudge = np.zeros_like(x)
    nudge[:, 1, 7] = 1e-2
    numeric = (forward(model, x + nudge) - forward(model, x - nudge))[:, 0] / 2e-2
    np.testing.assert_allclose(found[:, 1, 7], numeric, atol=1e-3)
