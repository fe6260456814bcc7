"""Model files that ask for more than they should get: each a few kB, or a few MB where its size is the attack."""

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Edit = Callable[[onnx.ModelProto], object]
BIG = 1 << 31


def small(nodes: Sequence[onnx.NodeProto] = (), constants: dict[str, object] | None = None, opset: int = 17):
    """A classifier of 1 x 8 x 8 pictures: average and matrix, with nodes of the attacker's before that."""
    tail = [
        helper.make_node("ReduceMean", ["x"], ["mean"], "mean", axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "weight"], ["logits"], "dense"),
    ]
    arrays = {"weight": np.ones((1, 3), np.float32), **(constants or {})}
    graph = helper.make_graph(
        [*nodes, *tail],
        "classifier",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def makes(operator: str, *inputs: str, opset: int = 17, attributes: dict | None = None, **constants) -> bytes:
    """A node that makes much of little."""
    node = helper.make_node(operator, list(inputs), ["much"], "greedy", **(attributes or {}))
    return small([node], constants, opset).SerializeToString()


def tensor(data_type: int = TensorProto.FLOAT, dims: Sequence[int] = (1 << 29,), raw: bytes | None = b"\0" * 4):
    made = TensorProto(name="large", data_type=data_type, dims=dims)
    if raw is not None:
        made.raw_data = raw
    return made


def declares(made: TensorProto, where: str = "initializer") -> bytes:
    model = small()
    if where == "initializer":
        model.graph.initializer.append(made)
    else:
        node = helper.make_node("Constant", [], ["large"], "constant")
        node.attribute.append(helper.make_attribute("value", made))
        holder = model.graph
        if where == "function":
            function = helper.make_function("own", "Large", [], ["large"], [node], [helper.make_opsetid("", 17)])
            model.functions.append(function)
        else:
            holder.node.insert(0, node)
    return model.SerializeToString()


def external(location: str, where: str = "initializer") -> bytes:
    made = tensor(dims=(4,), raw=None)
    made.data_location = TensorProto.EXTERNAL
    made.external_data.add(key="location", value=location)
    return declares(made, where)


def sparse(where: str) -> bytes:
    values = helper.make_tensor("spread", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("places", TensorProto.INT64, [1], [0])
    made = helper.make_sparse_tensor(values, indices, [1 << 40])
    model = small()
    if where == "initializer":
        model.graph.sparse_initializer.append(made)
    else:
        model.graph.node.insert(0, helper.make_node("Constant", [], ["large"], "constant", sparse_value=made))
    return model.SerializeToString()


def body(name: str = "body") -> onnx.GraphProto:
    return helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"])],
        name,
        [
            helper.make_tensor_value_info(each, kind, [])
            for each, kind in (("i", TensorProto.INT64), ("c", TensorProto.BOOL))
        ],
        [helper.make_tensor_value_info("d", TensorProto.BOOL, [])],
    )


def functions(count: int, per_level: int, closed: bool = False) -> bytes:
    """Functions of `per_level` calls to the next; `closed`: the last calls the first."""
    model = small([helper.make_node("F0", ["x"], ["y"], "first", domain="own")])
    model.opset_import.append(helper.make_opsetid("own", 1))
    for level in range(count):
        last = level + 1 == count
        target = "F0" if closed else "Relu"
        nodes = [
            helper.make_node(
                target if last else f"F{level + 1}", ["x"], [f"y{i}"], domain="own" if closed or not last else ""
            )
            for i in range(per_level)
        ]
        imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        model.functions.append(helper.make_function("own", f"F{level}", ["x"], ["y0"], nodes, imports))
    return model.SerializeToString()


def edited(edit: Edit) -> bytes:
    model = small()
    edit(model)
    return model.SerializeToString()


def doubling(times: int, operator: str = "Concat", channels: bool = True) -> bytes:
    nodes = [
        helper.make_node(operator, [f"d{i}", f"d{i}"], [f"d{i + 1}"], f"double{i}", axis=1 if channels else 0)
        for i in range(times)
    ]
    nodes[0].input[:] = ["x", "x"]
    return small(nodes).SerializeToString()


def many(count: int, at_the_end: onnx.NodeProto | None = None) -> bytes:
    nodes = [helper.make_node("Slice", [f"s{i}", "zero", "ten"], [f"s{i + 1}"]) for i in range(count)]
    nodes[0].input[0] = "x"
    return small(
        [*nodes, *([at_the_end] if at_the_end else [])], {"zero": ints(0), "ten": ints(10), "huge": ints(1 << 40)}
    ).SerializeToString()


def field(number: int, payload: bytes) -> bytes:
    """A protobuf field of bytes."""
    length, head = len(payload), b""
    while True:
        head += bytes([length & 127 | (128 if length > 127 else 0)])
        length >>= 7
        if not length:
            return bytes([number << 3 | 2]) + head + payload if number < 16 else _wide(number) + head + payload


def _wide(number: int) -> bytes:
    key = number << 3 | 2
    return bytes([key & 127 | 128, key >> 7])


def nested(depth: int) -> bytes:
    """Graph in attribute in node in graph ..."""
    inside = b""
    for _ in range(depth):
        inside = field(1, field(5, field(6, inside)))
    return field(7, inside)


def nested_type(depth: int) -> bytes:
    inside = b""
    for _ in range(depth):
        inside = field(4, field(1, inside))
    return field(7, field(11, field(2, inside)))


def add_cycle(model: onnx.ModelProto) -> None:
    model.graph.node.insert(0, helper.make_node("Add", ["x", "b"], ["a"], "first"))
    model.graph.node.insert(1, helper.make_node("Relu", ["a"], ["b"], "second"))


def control(operator: str) -> bytes:
    node = {
        "Loop": helper.make_node("Loop", ["times", "yes"], ["out"], "loop", body=body()),
        "If": helper.make_node("If", ["yes"], ["out"], "branch", then_branch=body("a"), else_branch=body("b")),
        "Scan": helper.make_node("Scan", ["x"], ["out"], "scan", body=body(), num_scan_inputs=1),
    }[operator]
    constants = {"times": np.array(1 << 62, np.int64), "yes": np.array(True)}
    return small([node], constants).SerializeToString()


def sound() -> bytes:
    return small().SerializeToString()


ONE = np.ones(1, np.float32)

# What it is called: how it is made, and a word of the sentence that it is refused with.
KINDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "weights outside the folder": (lambda: external("../../../etc/passwd"), "another file"),
    "weights by absolute path": (lambda: external("/etc/passwd"), "another file"),
    "weights beside the model": (lambda: external("weights.bin"), "another file"),
    "a constant node in another file": (lambda: external("../secret", "constant"), "another file"),
    "a function's constant in another file": (lambda: external("../secret", "function"), "another file"),
    "2 GB declared, 4 bytes carried": (lambda: declares(tensor()), "carries 4"),
    "2 GB declared, nothing carried": (lambda: declares(tensor(raw=None)), "carries 0"),
    "2 GB declared in a constant node": (lambda: declares(tensor(), "constant"), "carries 4"),
    "2 GB declared in a function": (lambda: declares(tensor(), "function"), "carries 4"),
    "a product that overflows to four bytes": (lambda: declares(tensor(dims=(1 << 62, 4, 1))), "carries 4"),
    "a product that overflows to nothing": (lambda: declares(tensor(dims=(1 << 32, 1 << 32), raw=b"")), "carries 0"),
    "a negative size": (lambda: declares(tensor(dims=(-1,))), "no possible size"),
    "two negative sizes": (lambda: declares(tensor(dims=(-1, -1))), "no possible size"),
    "a type that does not exist": (lambda: declares(tensor(data_type=99, dims=(1,))), "unknown type"),
    "a string tensor without strings": (lambda: declares(tensor(TensorProto.STRING, (1 << 30,), None)), "carries 0"),
    "a sparse tensor": (lambda: sparse("initializer"), "sparse"),
    "a sparse constant": (lambda: sparse("constant"), "sparse"),
    "ConstantOfShape": (lambda: makes("ConstantOfShape", "s", s=ints(1 << 20, 1 << 10)), "at most"),
    "ConstantOfShape of a computed size": (
        lambda: small(
            [
                helper.make_node("Mul", ["s", "s"], ["t"], "times"),
                helper.make_node("ConstantOfShape", ["t"], ["much"], "greedy"),
            ],
            {"s": ints(1 << 15)},
        ).SerializeToString(),
        "at most",
    ),
    "Expand": (lambda: makes("Expand", "x", "s", s=ints(1, 1 << 24, 8, 8)), "at most"),
    "Tile": (lambda: makes("Tile", "x", "s", s=ints(1, 1 << 24, 1, 1)), "at most"),
    "Tile that overflows": (lambda: makes("Tile", "x", "s", s=ints(1, 1, 1 << 61, 1)), "2\\^31"),
    "Range": (lambda: makes("Range", "a", "b", "c", a=np.array(0), b=np.array(1 << 30), c=np.array(1)), "at most"),
    "Resize by scales": (
        lambda: makes("Resize", "x", "", "s", s=np.array([1, 1, 1e4, 1e4], np.float32)),
        "at most",
    ),
    "Resize to sizes": (lambda: makes("Resize", "x", "", "", "s", s=ints(1, 1, 1 << 15, 1 << 15)), "at most"),
    "Upsample of an old model": (
        lambda: makes("Upsample", "x", "s", s=np.array([1, 1, 1e4, 1e4], np.float32), opset=9),
        "at most|cannot be brought",
    ),
    "Pad": (lambda: makes("Pad", "x", "s", s=ints(0, 0, 0, 0, 0, 0, 1 << 28, 0)), "at most"),
    "Pad that overflows": (lambda: makes("Pad", "x", "s", s=ints(0, 0, 0, 0, 0, 0, 1 << 62, 1 << 62)), "2\\^31"),
    "OneHot": (
        lambda: makes("OneHot", "i", "d", "v", i=ints(*range(64)), d=np.array(1 << 28), v=np.array([0.0, 1.0])),
        "at most",
    ),
    "EyeLike": (
        lambda: small(
            [
                helper.make_node("Expand", ["one", "s"], ["e"], "expand"),
                helper.make_node("EyeLike", ["e"], ["much"], "greedy"),
            ],
            {"one": np.ones((1, 1), np.float32), "s": ints(1 << 16, 1 << 16)},
        ).SerializeToString(),
        "at most",
    ),
    "random numbers": (lambda: makes("RandomNormal", attributes={"shape": [1 << 30, 4]}), "at most"),
    "a sum of a row and a column": (
        lambda: makes("Add", "a", "b", a=np.zeros((1 << 14, 1), np.float32), b=np.zeros((1, 1 << 14), np.float32)),
        "at most",
    ),
    "a product of a row and a column": (
        lambda: makes("MatMul", "a", "b", a=np.zeros((1 << 14, 1), np.float32), b=np.zeros((1, 1 << 14), np.float32)),
        "at most",
    ),
    "the same place gathered again and again": (
        lambda: makes("Gather", "a", "i", a=np.zeros((1, 1 << 14), np.float32), i=np.zeros(1 << 14, np.int64)),
        "at most",
    ),
    "a convolution with wide padding": (
        lambda: makes("Conv", "x", "w", w=np.ones((1, 1, 1, 1), np.float32), attributes={"pads": [1 << 15] * 4}),
        "at most",
    ),
    "a convolution with padding that overflows": (
        lambda: makes("Conv", "x", "w", w=np.ones((1, 1, 1, 1), np.float32), attributes={"pads": [1 << 62] * 4}),
        "beyond",
    ),
    "a transposed convolution with a wide stride": (
        lambda: makes(
            "ConvTranspose", "x", "w", w=np.ones((1, 1, 1, 1), np.float32), attributes={"strides": [1 << 14] * 2}
        ),
        "at most",
    ),
    "channels doubled forty times": (lambda: doubling(40), "at most"),
    "a batch doubled forty times": (lambda: doubling(40, channels=False), "at most"),
    "a picture of 2^40 pixels": (
        lambda: edited(lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", 1 << 40)),
        "at most",
    ),
    "a size that only the data tell": (lambda: makes("NonZero", "x"), "not known"),
    "a sequence": (lambda: makes("SequenceConstruct", "x", "x"), "not known|not fit"),
    "a huge loop": (lambda: control("Loop"), "control flow"),
    "a branch": (lambda: control("If"), "control flow"),
    "a scan": (lambda: control("Scan"), "control flow"),
    "another domain": (
        lambda: edited(lambda m: m.graph.node.append(helper.make_node("Bomb", ["x"], ["y"], "b", domain="evil"))),
        "domain 'evil'",
    ),
    "ONNX Runtime's own domain": (
        lambda: edited(
            lambda m: m.graph.node.append(helper.make_node("Gelu", ["x"], ["y"], "g", domain="com.microsoft"))
        ),
        "com.microsoft",
    ),
    "a cycle": (lambda: edited(add_cycle), "cycle"),
    "a node that feeds itself": (
        lambda: edited(lambda m: m.graph.node.insert(0, helper.make_node("Relu", ["r"], ["r"], "self"))),
        "cycle",
    ),
    "a value made twice": (
        lambda: edited(lambda m: m.graph.node.append(helper.make_node("Relu", ["x"], ["logits"], "again"))),
        "made twice",
    ),
    "functions that multiply": (lambda: functions(30, 10), "at most"),
    "a function that calls itself": (lambda: functions(1, 1, closed=True), "calls itself"),
    "functions that call each other": (lambda: functions(5, 2, closed=True), "calls itself"),
    "a thousand functions in a row": (lambda: functions(1000, 1), "calls itself"),
    "too many nodes": (lambda: many(10_500), "at most"),
    "many nodes before the bad one": (
        lambda: many(5_000, helper.make_node("ConstantOfShape", ["huge"], ["much"], "greedy")),
        "at most|2\\^31",
    ),
    "a million empty nodes": (lambda: field(7, field(1, b"") * 1_000_000), "at most"),
    "a million empty attributes": (lambda: field(7, field(1, field(5, b"") * 1_000_000)), "at most"),
    "a million empty inputs": (lambda: field(7, field(11, b"") * 1_000_000), "at most"),
    "ten million numbers in ten megabytes": (lambda: field(7, field(5, field(7, b"\0" * 10_000_000))), "at most"),
    "graphs nested five thousand deep": (lambda: nested(5_000), "deeper"),
    "types nested five thousand deep": (lambda: nested_type(5_000), "deeper"),
    "a file that ends early": (lambda: sound()[:-40], "ends early"),
    "a length beyond the end": (lambda: b"\x3a\xff\xff\xff\xff\x0f", "ends early"),
    "a number without end": (lambda: b"\x08" + b"\xff" * 1000, "ends early"),
    "text": (lambda: b"not a model", "not a readable"),
    "nothing": (lambda: b"", "has none"),
    "a training procedure": (lambda: edited(lambda m: m.training_info.add()), "training"),
    "an operator set from the future": (lambda: edited(lambda m: setattr(m.opset_import[0], "version", 99)), "99"),
    "no operator set": (lambda: edited(lambda m: m.ClearField("opset_import")), "has none"),
    "an operator that does not exist": (lambda: makes("Bomb", "x"), "Bomb"),
    "an input of unknown size": (
        lambda: edited(lambda m: m.graph.input[0].type.tensor_type.ClearField("shape")),
        "must be fixed|required",
    ),
}
