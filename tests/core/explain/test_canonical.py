"""Reading changes how a network is written and nothing of what it computes: against ONNX Runtime on the file itself."""

import warnings

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.errors import GraphInvalid
from core.explain.graph import read
from core.explain.upgrade import NEWEST, OPSET
from tests.core.explain.networks import session

RNG = np.random.default_rng(5)
SHAPE = (4, 6, 8)


def weights(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def positive(*shape: int) -> np.ndarray:
    return RNG.uniform(0.5, 1.5, size=shape).astype(np.float32)


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def node(operator: str, *inputs: str, out: str = "y", **attributes) -> onnx.NodeProto:
    return helper.make_node(operator, list(inputs), [out], f"node_{out}", **attributes)


def network(
    nodes,
    constants=None,
    opset=17,
    *,
    batch="n",
    shape=SHAPE,
    dtype=TensorProto.FLOAT,
    scores=None,
    tail=True,
    rank=2,
    ir_version=8,
) -> bytes:
    """A network x -> y of the nodes given, of which every number then goes into three scores."""
    arrays = dict(constants or {})
    ends = []
    if tail:
        ends = [node("Flatten", "y", out="flat"), node("Gemm", "flat", "head", "zeros", out="scores")]
        probe = helper.make_graph(
            list(nodes),
            "probe",
            [helper.make_tensor_value_info("x", dtype, [1, *shape])],
            [helper.make_tensor_value_info("y", dtype, None)],
            [numpy_helper.from_array(array, name) for name, array in arrays.items()],
        )
        model = helper.make_model(probe, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
        sizes = session(model.SerializeToString()).run(None, {"x": inputs(1, shape, dtype)})[0].shape
        arrays["zeros"] = np.zeros(3, helper.tensor_dtype_to_np_dtype(dtype))
        arrays["head"] = weights(int(np.prod(sizes[1:])), 3).astype(helper.tensor_dtype_to_np_dtype(dtype))
    graph = helper.make_graph(
        [*nodes, *ends],
        "network",
        [helper.make_tensor_value_info("x", dtype, [batch, *shape])],
        [helper.make_tensor_value_info("scores", scores or dtype, [batch, *[None] * (rank - 1)])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    return model.SerializeToString()


def inputs(count: int, shape=SHAPE, dtype=TensorProto.FLOAT) -> np.ndarray:
    values = np.random.default_rng(9).normal(size=(count, *shape))
    return values.astype(helper.tensor_dtype_to_np_dtype(dtype))


def forward(model: bytes, x: np.ndarray) -> np.ndarray:
    return session(model).run(None, {session(model).get_inputs()[0].name: x})[0]


def as_read(model: bytes, at=None) -> bytes:
    return ir.to_proto(read(model, at).model).SerializeToString()


def operators(model: bytes) -> list[str]:
    return [each.op_type for each in read(model).model.graph]


CONV = {"w": weights(5, 4, 3, 3)}
NORM = {"s": positive(4), "b": weights(4), "m": weights(4), "v": positive(4)}
BATCH_NORM = node("BatchNormalization", "x", "s", "b", "m", "v")

# Operator or pattern: nodes from x to y, constants, operator set, operators that must be gone.
FORMS = {
    "hard swish": ([node("HardSwish", "x")], {}, 17, {"HardSwish"}),
    "gelu": ([node("Gelu", "x")], {}, 20, {"Gelu"}),
    "gelu by tanh": ([node("Gelu", "x", approximate="tanh")], {}, 20, {"Gelu"}),
    "mish": ([node("Mish", "x")], {}, 18, {"Mish"}),
    "swish": ([node("Swish", "x")], {}, 24, {"Swish"}),
    "swish with alpha": ([node("Swish", "x", alpha=1.5)], {}, 24, {"Swish"}),
    "layer norm": (
        [node("LayerNormalization", "x", "s", "b")],
        {"s": positive(8), "b": weights(8)},
        17,
        {"LayerNormalization"},
    ),
    "layer norm over three axes": (
        [node("LayerNormalization", "x", "s", axis=1, epsilon=1e-2)],
        {"s": positive(*SHAPE)},
        17,
        {"LayerNormalization"},
    ),
    "instance norm": (
        [node("InstanceNormalization", "x", "s", "b")],
        {"s": positive(4), "b": weights(4)},
        17,
        {"InstanceNormalization"},
    ),
    "group norm of channels": (
        [node("GroupNormalization", "x", "s", "b", num_groups=2)],
        {"s": positive(4), "b": weights(4)},
        21,
        {"GroupNormalization"},
    ),
    "rms norm": ([node("RMSNormalization", "x", "s")], {"s": positive(8)}, 23, {"RMSNormalization"}),
    "unit length": ([node("LpNormalization", "x", axis=1)], {}, 17, {"LpNormalization"}),
    "mean of two": ([node("Relu", "x", out="r"), node("Mean", "x", "r")], {}, 17, {"Mean"}),
    "attention": (
        [node("Relu", "x", out="k"), node("Neg", "x", out="v"), node("Attention", "x", "k", "v")],
        {},
        23,
        {"Attention"},
    ),
    "attention with a scale": (
        [node("Slice", "x", "s", "e", "a", out="k"), node("Attention", "x", "k", "k", scale=0.3)],
        {"s": ints(1), "e": ints(5), "a": ints(2)},
        23,
        {"Attention"},
    ),
    "square": ([node("Pow", "x", "two")], {"two": np.array(2, np.float32)}, 17, {"Pow"}),
    "cube": ([node("Pow", "x", "three")], {"three": np.array([3], np.float32)}, 17, {"Pow"}),
    "root": ([node("Abs", "x", out="a"), node("Pow", "a", "half")], {"half": np.array(0.5, np.float32)}, 17, {"Pow"}),
    "sum of absolutes": ([node("ReduceL1", "x", "axes")], {"axes": ints(1)}, 18, {"ReduceL1"}),
    "sum of squares": ([node("ReduceSumSquare", "x", axes=[3], keepdims=0)], {}, 13, {"ReduceSumSquare"}),
    "one place": ([node("Gather", "x", "i", axis=2)], {"i": np.array(-2)}, 17, {"Gather"}),
    "places behind each other": ([node("Gather", "x", "i", axis=3)], {"i": ints(2, 3, 4)}, 17, {"Gather"}),
    "identity, dropout and cast": (
        [
            node("Identity", "x", out="a"),
            node("Dropout", "a", out="b"),
            node("Cast", "b", out="c", to=TensorProto.FLOAT),
            node("Concat", "c", out="d", axis=1),
            node("Slice", "d", "zero", "many", out="e"),
            node("Transpose", "e", out="f", perm=[0, 1, 2, 3]),
            node("Relu", "f"),
        ],
        {"zero": ints(0), "many": ints(99)},
        17,
        {"Identity", "Dropout", "Cast", "Concat", "Slice", "Transpose"},
    ),
    "batch norm behind a convolution": (
        [node("Conv", "x", "w", out="c"), node("BatchNormalization", "c", "s", "b", "m", "v")],
        {**CONV, "s": positive(5), "b": weights(5), "m": weights(5), "v": positive(5)},
        17,
        {"BatchNormalization", "Mul"},
    ),
    "batch norm behind a transposed convolution": (
        [node("ConvTranspose", "x", "w", out="c"), node("BatchNormalization", "c", "s", "b", "m", "v")],
        {"w": weights(4, 5, 3, 3), "s": positive(5), "b": weights(5), "m": weights(5), "v": positive(5)},
        17,
        {"BatchNormalization", "Mul"},
    ),
    "batch norm behind a dense layer": (
        [
            node("Flatten", "x", out="f"),
            node("Gemm", "f", "w", "c", out="g", transB=1),
            node("BatchNormalization", "g", "s", "b", "m", "v"),
        ],
        {"w": weights(4, 192), "c": weights(4), **NORM},
        17,
        {"BatchNormalization", "Mul"},
    ),
    "batch norm before an unpadded convolution": (
        [
            node("Relu", "x", out="r"),
            node("BatchNormalization", "r", "s", "b", "m", "v", out="n"),
            node("Conv", "n", "w", "bias", group=2),
        ],
        {**NORM, "w": weights(6, 2, 3, 3), "bias": weights(6)},
        17,
        {"BatchNormalization", "Mul"},
    ),
    "batch norm before a padded convolution": (
        [
            node("Relu", "x", out="r"),
            node("BatchNormalization", "r", "s", "b", "m", "v", out="n"),
            node("Conv", "n", "w", pads=[1, 1, 1, 1]),
        ],
        {**NORM, **CONV},
        17,
        {"BatchNormalization"},
    ),
    "scale and shift behind a convolution": (
        [
            node("Conv", "x", "w", out="a"),
            node("Mul", "a", "k", out="b"),
            node("Add", "l", "b", out="c"),
            node("Div", "c", "two", out="d"),
            node("Sub", "d", "k"),
        ],
        {**CONV, "k": weights(5, 1, 1), "l": weights(1, 5, 1, 1), "two": np.array(2, np.float32)},
        17,
        {"Mul", "Add", "Div", "Sub"},
    ),
    "zeros around": (
        [node("Pad", "x", "p", out="a"), node("Conv", "a", "w", pads=[0, 1, 0, 1])],
        {**CONV, "p": ints(0, 0, 1, 0, 0, 0, 0, 2)},
        17,
        {"Pad"},
    ),
    "zeros around by axes": (
        [node("Pad", "x", "p", "", "axes", out="a"), node("Conv", "a", "w", auto_pad="VALID")],
        {**CONV, "p": ints(1, 2, 3, 0), "axes": ints(-1, 2)},
        18,
        {"Pad"},
    ),
    "zeros around an average": (
        [node("Pad", "x", "p", out="a"), node("AveragePool", "a", kernel_shape=[3, 3])],
        {"p": ints(0, 0, 1, 0, 0, 0, 1, 2)},
        17,
        {"Pad"},
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_rewritten_gives_the_same_numbers(name):
    nodes, constants, opset, gone = FORMS[name]
    model = network(nodes, constants, opset, ir_version=10)
    x = inputs(3)
    np.testing.assert_allclose(forward(as_read(model), x), forward(model, x), atol=2e-5, rtol=1e-4)
    assert gone.isdisjoint(operators(model))


KEPT = {
    "ones around": (
        [node("Pad", "x", "p", "one", out="a"), node("Conv", "a", "w")],
        {**CONV, "p": ints(0, 0, 1, 0, 0, 0, 0, 2), "one": np.array(1, np.float32)},
        "Pad",
    ),
    "mirrored border": (
        [node("Pad", "x", "p", out="a", mode="reflect"), node("Conv", "a", "w")],
        {**CONV, "p": ints(0, 0, 1, 0, 0, 0, 0, 2)},
        "Pad",
    ),
    "a scale per place": (
        [node("Conv", "x", "w", out="a"), node("Mul", "a", "k")],
        {**CONV, "k": weights(4, 6)},
        "Mul",
    ),
    "a result that is used twice": (
        [node("Conv", "x", "w", out="a"), node("Mul", "a", "k", out="b"), node("Add", "a", "b")],
        {**CONV, "k": np.array(3, np.float32)},
        "Mul",
    ),
    "a slice backwards": (
        [node("Slice", "x", "s", "e", "a", "t")],
        {"s": ints(-1), "e": ints(-99), "a": ints(3), "t": ints(-1)},
        "Slice",
    ),
    "a zero padding that stays within": ([node("Pad", "x", "p")], {"p": ints(0, 0, 1, 1, 0, 0, -1, -1)}, "Pad"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_cannot_be_folded_exactly_stays(name):
    nodes, constants, stays = KEPT[name]
    model = network(nodes, constants)
    x = inputs(2)
    np.testing.assert_allclose(forward(as_read(model), x), forward(model, x), atol=1e-5, rtol=1e-4)
    assert stays in operators(model)


# What changed between operator sets 11 and 23, written as operator set 11 has it.
OLD = {
    "Pad": (
        [node("Pad", "x", "p", "one", mode="constant")],
        {"p": ints(0, 0, 1, 1, 0, 0, 2, 0), "one": np.float32([1])},
    ),
    "Clip": ([node("Clip", "x", "low", "high")], {"low": np.array(-0.5, np.float32), "high": np.array(1, np.float32)}),
    "Clip from below": ([node("Clip", "x", "low")], {"low": np.array(0, np.float32)}),
    "Split": (
        [helper.make_node("Split", ["x"], ["a", "b"], "split", axis=2, split=[2, 4]), node("Concat", "b", "a", axis=2)],
        {},
    ),
    "Split evenly": (
        [helper.make_node("Split", ["x"], ["a", "b"], "split", axis=1), node("Mul", "a", "b")],
        {},
    ),
    "Squeeze and Unsqueeze": ([node("Unsqueeze", "x", out="u", axes=[1, 3]), node("Squeeze", "u", axes=[3])], {}),
    "Squeeze of all": (
        [
            node("ReduceMax", "x", out="m", axes=[2, 3]),
            node("Unsqueeze", "m", out="u", axes=[4]),
            node("Squeeze", "u", axes=[2, 3]),
        ],
        {},
    ),
    "ReduceSum": ([node("ReduceSum", "x", axes=[1, -1], keepdims=0)], {}),
    "ReduceMean": ([node("ReduceMean", "x", axes=[2], keepdims=1)], {}),
    "ReduceMax": ([node("ReduceMax", "x", axes=[-1], keepdims=0)], {}),
    "Softmax over the rest": ([node("Softmax", "x")], {}),
    "Softmax over two axes": ([node("Softmax", "x", axis=2)], {}),
    "Softmax over the last axis": ([node("Softmax", "x", axis=3)], {}),
    "Softmax over the last axis, counted from behind": ([node("Softmax", "x", axis=-1)], {}),
    "LogSoftmax": ([node("LogSoftmax", "x", axis=3)], {}),
    "Dropout": ([node("Dropout", "x", ratio=0.3)], {}),
    "BatchNormalization": ([BATCH_NORM], NORM),
    "Resize": (
        [node("Resize", "x", "roi", "s", mode="nearest")],
        {"roi": np.zeros(0, np.float32), "s": np.float32([1, 1, 2, 2])},
    ),
    "Resize by sizes": (
        [node("Resize", "x", "none", "none", "s", mode="linear", coordinate_transformation_mode="align_corners")],
        {"none": np.zeros(0, np.float32), "s": ints(2, 4, 9, 12)},
    ),
    "AveragePool": (
        [node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1)],
        {},
    ),
    "MaxPool": ([node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], dilations=[1, 2])], {}),
    "Gemm": ([node("Flatten", "x", out="f"), node("Gemm", "f", "w", transB=1, alpha=0.5)], {"w": weights(7, 192)}),
    "PRelu": ([node("PRelu", "x", "a")], {"a": weights(4, 1, 1)}),
    "HardSigmoid": ([node("HardSigmoid", "x", alpha=0.3)], {}),
    "hard swish of old": (
        [
            node("Add", "x", "three", out="a"),
            node("Clip", "a", "zero", "six", out="b"),
            node("Mul", "x", "b", out="c"),
            node("Div", "c", "six"),
        ],
        {name: np.array(value, np.float32) for name, value in (("zero", 0), ("three", 3), ("six", 6))},
    ),
    "Expand": ([node("ReduceMean", "x", out="m", axes=[3]), node("Expand", "m", "s")], {"s": ints(1, 1, 1, 5)}),
    "Slice": ([node("Slice", "x", "s", "e", "a", "t")], {"s": ints(1), "e": ints(8), "a": ints(3), "t": ints(2)}),
    "Elu and LeakyRelu": ([node("Elu", "x", out="e"), node("LeakyRelu", "e", alpha=0.2)], {}),
    "DepthToSpace": ([node("DepthToSpace", "x", blocksize=2)], {}),
    "ArgMax as a gate": (
        [node("ArgMax", "x", out="a", axis=1), node("Cast", "a", out="f", to=1), node("Mul", "x", "f")],
        {},
    ),
}


@pytest.mark.parametrize("name", OLD)
def test_operators_as_operator_set_11_wrote_them_give_the_same_numbers(name):
    nodes, constants = OLD[name]
    batch = 2 if name == "Resize by sizes" else "n"  # its sizes name the batch
    model = network(nodes, constants, opset=11, batch=batch, ir_version=6) if batch == "n" else None
    if model is None:
        arrays = {**constants, "head": weights(4 * 9 * 12, 3)}
        ends = [node("Flatten", "y", out="flat"), node("Gemm", "flat", "head", out="scores")]
        model = network([*nodes, *ends], arrays, opset=11, batch=batch, tail=False, ir_version=6)
    x = inputs(2)
    np.testing.assert_allclose(forward(as_read(model), x), forward(model, x), atol=2e-5, rtol=1e-4)
    assert read(model).model.opset_imports[""] == OPSET


@pytest.mark.parametrize("opset", range(7, NEWEST + 1))
def test_every_operator_set_up_to_the_newest_is_read(opset):
    nodes = [
        node("Conv", "x", "w", out="c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c", "s", "b", "m", "v", out="n"),
        node("Relu", "n", out="r"),
        node("GlobalAveragePool", "r"),
    ]
    constants = {**CONV, "s": positive(5), "b": weights(5), "m": weights(5), "v": positive(5)}
    model = network(nodes, constants, opset=opset, ir_version=10)
    x = inputs(2)
    np.testing.assert_allclose(forward(as_read(model), x), forward(model, x), atol=1e-5)


def test_a_model_keeps_a_newer_operator_set_where_it_needs_it():
    cumulated = [node("CumProd", "x", "axis")]
    model = network(cumulated, {"axis": np.array(3)}, opset=26, ir_version=10)
    assert read(model).model.opset_imports[""] == 26


def test_a_model_of_an_operator_set_that_nothing_reads_is_refused():
    with pytest.raises(GraphInvalid, match="operator sets 1 to 26 are read; this model has 27"):
        read(
            network([node("Relu", "x")], {}, opset=26, ir_version=10).replace(
                b"B\x04\n\x00\x10\x1a", b"B\x04\n\x00\x10\x1b"
            )
        )


@pytest.mark.parametrize("last", [["Softmax"], ["LogSoftmax"], ["Softmax", "Identity"]])
@pytest.mark.parametrize("opset", [11, 17])
def test_a_softmax_head_is_split_off_whatever_stands_behind_it(last, opset):
    names = ["scores_0", *(f"scores_{i + 1}" for i in range(len(last)))]
    ends = [node(operator, names[i], out=names[i + 1]) for i, operator in enumerate(last)]
    ends[-1].output[0] = "scores"
    nodes = [node("Flatten", "x", out="f"), node("Gemm", "f", "w", out=names[0]), *ends]
    model = network(nodes, {"w": weights(192, 3)}, opset=opset, tail=False)
    assert [name for name in operators(model) if "Softmax" in name] == []
    bare = network([*nodes[:1], node("Gemm", "f", "w", out="scores")], read_constants(model), opset=opset, tail=False)
    np.testing.assert_allclose(forward(as_read(model), inputs(2)), forward(bare, inputs(2)), atol=1e-5)


def read_constants(model: bytes) -> dict[str, np.ndarray]:
    return {each.name: numpy_helper.to_array(each) for each in onnx.load_model_from_string(model).graph.initializer}


@pytest.mark.parametrize("behind", ["Flatten", "Squeeze", "Reshape", "nothing"])
def test_a_softmax_over_channels_of_one_place_is_a_head_too(behind):
    ends = {
        "Flatten": [node("Softmax", "s", out="p", axis=1), node("Flatten", "p", out="scores")],
        "Squeeze": [node("Softmax", "s", out="p", axis=1), node("Squeeze", "p", "axes", out="scores")],
        "Reshape": [node("Softmax", "s", out="p", axis=1), node("Reshape", "p", "shape", out="scores")],
        "nothing": [node("Softmax", "s", out="scores", axis=1)],
    }[behind]
    nodes = [node("Conv", "x", "w", out="c"), node("GlobalAveragePool", "c", out="s"), *ends]
    constants = {**CONV, "axes": ints(2, 3), "shape": ints(-1, 5)}
    model = network(nodes, constants, tail=False, rank=4 if behind == "nothing" else 2)
    assert "Softmax" not in operators(model)
    assert read(model).logits.shape == ir.Shape(["batch", 5])
    found = forward(as_read(model), inputs(2))
    odds = np.exp(found) / np.exp(found).sum(1, keepdims=True)
    np.testing.assert_allclose(odds, forward(model, inputs(2)).reshape(2, 5), atol=1e-5)


def test_a_softmax_inside_is_no_head():
    nodes = [node("Softmax", "x", out="p", axis=1), node("Mul", "p", "x")]
    assert "Softmax" in operators(network(nodes))


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT16, TensorProto.BFLOAT16])
def test_half_precision_becomes_float32_and_the_picture_keeps_its_type(dtype):
    small = helper.tensor_dtype_to_np_dtype(dtype)
    half = {name: array.astype(small) for name, array in {**CONV, "k": weights(5, 1, 1), "h": weights(5, 3)}.items()}
    nodes = [
        node("Conv", "x", "w", out="c"),
        node("Constant", out="two", value=numpy_helper.from_array(np.array(2, np.float32).astype(small))),
        node("Mul", "c", "two", out="d"),
        node("Cast", "d", out="wide", to=TensorProto.FLOAT),
        node("Cast", "wide", out="narrow", to=dtype),
        node("Mul", "narrow", "k", out="e"),
        node("ReduceMean", "e", "axes", out="f", keepdims=0),
        node("MatMul", "f", "h", out="scores"),
    ]
    model = network(nodes, {**half, "axes": ints(2, 3)}, opset=22, dtype=dtype, tail=False, ir_version=10)
    classifier = read(model)
    assert int(classifier.face.dtype) == dtype
    assert {str(value.dtype) for value in classifier.varying if value is not classifier.face} == {"FLOAT"}
    wide = {name: array.astype(np.float32) for name, array in half.items()}
    nodes[1] = node("Constant", out="two", value=numpy_helper.from_array(np.array(2, np.float32)))
    nodes[4] = node("Cast", "wide", out="narrow", to=TensorProto.FLOAT)
    plain = network(nodes, {**wide, "axes": ints(2, 3)}, opset=22, tail=False, ir_version=10)
    np.testing.assert_allclose(forward(as_read(plain), inputs(2)), forward(plain, inputs(2)), atol=1e-5)
    if dtype == TensorProto.FLOAT16:
        x = inputs(2, dtype=dtype)
        np.testing.assert_allclose(forward(as_read(model), x), forward(plain, x.astype(np.float32)), atol=1e-5)


def test_functions_of_the_model_are_read():
    body = [helper.make_node("Sigmoid", ["a"], ["s"]), helper.make_node("Mul", ["a", "s"], ["b"])]
    function = helper.make_function("own", "Silu", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    proto = onnx.load_model_from_string(network([node("Sigmoid", "x")]))
    proto.graph.node[0].op_type, proto.graph.node[0].domain = "Silu", "own"
    proto.functions.append(function)
    proto.opset_import.append(helper.make_opsetid("own", 1))
    model = proto.SerializeToString()
    np.testing.assert_allclose(forward(as_read(model), inputs(2)), forward(model, inputs(2)), atol=1e-5)


def test_warnings_are_not_made():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(network([node("Relu", "x")]))
