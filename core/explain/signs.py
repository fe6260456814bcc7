"""Which forward values are known to have no negative element: rules for non-negative inputs need no ReLU then."""

from collections.abc import Callable

import onnx_ir as ir

from core.explain.emit import array_of

Known = Callable[[ir.Value], bool]

# What never gives a negative number.
NONNEGATIVE = frozenset({"Relu", "Sigmoid", "HardSigmoid", "Softmax", "Softplus", "Exp", "Abs", "Sqrt"})
NONNEGATIVE_SUMS = frozenset({"ReduceL1", "ReduceL2", "ReduceSumSquare"})
# What gives no negative number for a first input that has none, whatever the others.
KEEPS_SIGN = frozenset(
    {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceSum", "ReduceMax"}
    | {"ReduceMin", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Split", "Slice", "Gather", "Expand"}
    | {"Tile", "DepthToSpace", "SpaceToDepth", "Cast", "Identity", "Dropout", "LeakyRelu", "PRelu", "Elu", "Selu"}
    | {"Celu", "Softsign", "Tanh", "Erf", "Reciprocal", "Pow"}
)
# What gives none where none of its inputs has any.
KEEPS_SIGNS = frozenset({"Concat", "Add", "Sum", "Mul", "Div", "Min", "MatMul"})


def is_nonnegative(value: ir.Value, known: Known) -> bool:
    """Whether a value is, given what is `known` of the values before it."""
    array, node = array_of(value), value.producer()
    if array is not None:
        return bool((array >= 0).all())
    if node is None:
        return value.dtype is not None and value.dtype.is_integer() and not value.dtype.is_signed()
    inputs = [part for part in node.inputs if part is not None]
    if node.op_type in NONNEGATIVE | NONNEGATIVE_SUMS or _is_square(node):
        return True
    if node.op_type in KEEPS_SIGN:
        return known(inputs[0])
    if node.op_type in KEEPS_SIGNS:
        return all(known(part) for part in inputs)
    return node.op_type in SPECIAL and SPECIAL[node.op_type](node, known)


def _is_square(node: ir.Node) -> bool:
    if node.op_type == "Mul":
        return node.inputs[0] is node.inputs[1]
    exponent = array_of(node.inputs[1]) if node.op_type == "Pow" else None
    return exponent is not None and bool((exponent % 2 == 0).all())


def _clip(node: ir.Node, known: Known) -> bool:
    low, high = (node.inputs[i] if i < len(node.inputs) else None for i in (1, 2))
    from_below = low is not None and known(low)
    return (from_below or known(_first(node))) and (high is None or known(high))


def _pad(node: ir.Node, known: Known) -> bool:
    frame = node.inputs[2] if len(node.inputs) > 2 else None
    return known(_first(node)) and (frame is None or known(frame))


def _resize(node: ir.Node, known: Known) -> bool:
    mode = node.attributes["mode"].as_string() if "mode" in node.attributes else "nearest"
    return mode != "cubic" and known(_first(node))  # a cubic overshoots


def _thresholded(node: ir.Node, known: Known) -> bool:
    return "alpha" not in node.attributes or node.attributes["alpha"].as_float() >= 0


def _maximum(node: ir.Node, known: Known) -> bool:
    return any(known(value) for value in node.inputs if value is not None)


def _where(node: ir.Node, known: Known) -> bool:
    return all(known(value) for value in node.inputs[1:] if value is not None)


def _first(node: ir.Node) -> ir.Value:
    assert node.inputs[0] is not None
    return node.inputs[0]


SPECIAL: dict[str, Callable[[ir.Node, Known], bool]] = {
    "Clip": _clip,
    "Pad": _pad,
    "Resize": _resize,
    "ThresholdedRelu": _thresholded,
    "Max": _maximum,
    "Where": _where,
}
