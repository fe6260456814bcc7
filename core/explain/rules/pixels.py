"""Rules of the first layer, whose inputs are pixels: what a pixel gets hangs on bounds or weights, not on its size.

Biases take nothing under these rules, absorbing or not: none of the formulas has one.
"""

import numpy as np
import onnx_ir as ir

from core.explain.emit import Array, Signals, Step, UncoveredError, dims
from core.explain.layers import Convolution, Dense, Layer, layer_of
from core.explain.rules.pools import along_axes
from core.explain.rules.weights import UNSUPPORTED, leave_bias

# In place of nothing under weights whose largest is 1: see weights.UNSUPPORTED. Squared weights may be far smaller.
UNWEIGHTED = 1e-20
# What may stand between the pixels and the first layer for the bounds of the one to be bounds of the other.
ELEMENTWISE = frozenset({"Cast", "Add", "Sub", "Mul", "Div"})
MOVES = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Split", "Slice", "Gather", "Pad", "Identity"}
    | {"Expand", "Tile", "AveragePool"}
)
OTHER_END = {"low": "high", "high": "low"}


def layer_flat(step: Step) -> Signals:
    """R_j = sum_k R_k / N_k over the N_k inputs that unit k sees: a and w replaced by 1."""
    layer = layer_of(step.node)
    if isinstance(layer, Convolution):
        return _flat_convolution(step, layer)
    if isinstance(layer, Dense):
        emit, inputs = step.emit, dims(step.source)[-1]
        even = emit("ReduceMean", step.signal.relevance(emit), emit.ints(-1), keepdims=1)
        return step.relevant(emit("Mul", even, emit.constant(np.full(inputs, layer.channels / inputs, np.float32))))
    return _by_weights(step, layer, np.ones_like(layer.weight))


def layer_w2(step: Step) -> Signals:
    """R_j = sum_k w_jk^2 / sum_j w_jk^2 R_k (Montavon et al. 2017)."""
    layer = layer_of(step.node)
    squared = np.square(layer.weight / max(float(np.abs(layer.weight).max()), np.finfo(np.float32).tiny))
    return _by_weights(step, layer, squared)


def layer_zbox(step: Step) -> Signals:
    """R_j = sum_k (x_j w_jk - l_j w+_jk - h_j w-_jk) / sum_j (...) R_k for pixels x in [l, h] (Montavon et al. 2017).

    As (x - l) w+ + (x - h) w- every part is positive and nothing cancels. The bounds are options `low` and `high`, in
    units of the model's own input, 0 and 255 where that holds integers; they are followed through the pixels' scaling.
    Pixels outside them count as being at them.
    """
    emit, layer, x = step.emit, layer_of(step.node), step.source
    low, high = _bounds(step)
    bias = np.full(layer.channels, UNSUPPORTED, np.float32)
    sides = [
        (emit("Relu", emit("Sub", x, low)), np.maximum(layer.weight, 0), bias),
        (emit("Relu", emit("Sub", high, x)), np.maximum(-layer.weight, 0), None),
    ]
    s = step.signal.over(emit, emit.add([layer.apply(emit, *side) for side in sides]))
    leave_bias(step, layer, s, bias)
    return step.relevant(emit.add([emit("Mul", part, layer.transpose(emit, s, weight)) for part, weight, _ in sides]))


def _flat_convolution(step: Step, layer: Convolution) -> Signals:
    """Windows are separable, so an even spread over them is one small matrix per axis."""
    emit, sizes, source = step.emit, dims(step.output), step.source
    relevance = step.signal.relevance(emit)
    group, inside = layer.group, layer.weight.shape[1]
    if group > 1:
        relevance = emit("Reshape", relevance, emit.ints(-1, group, sizes[0] // group, *sizes[1:]))
    summed = emit("ReduceSum", relevance, emit.ints(2 if group > 1 else 1), keepdims=0 if group > 1 else 1)
    spread = along_axes(step, summed, [w.spread() for w in layer.windows])
    if inside == 1:
        return step.relevant(spread)
    ones = np.full((inside, *[1] * len(layer.windows)), 1 / inside, np.float32)
    apart = emit("Reshape", spread, emit.ints(-1, group, 1, *dims(source)[1:]))
    return step.relevant(emit("Reshape", emit("Mul", apart, emit.constant(ones)), emit.ints(-1, *dims(source))))


def _by_weights(step: Step, layer: Layer, weight: Array) -> Signals:
    """Relevance in proportion to weights alone: the denominators are constants of the graph."""
    emit = step.emit
    bias = np.full(layer.channels, UNWEIGHTED, np.float32)
    ones = emit.constant(np.ones((1, *dims(step.source))))
    s = emit("Div", step.signal.relevance(emit), layer.apply(emit, ones, weight, bias))
    leave_bias(step, layer, s, bias)
    return step.relevant(layer.transpose(emit, s, weight))


def _bounds(step: Step) -> tuple[ir.Value, ir.Value]:
    """The lowest and the highest that each input of the layer can be: constants shaped like one picture."""
    ends = [_followed(step, step.source, end) for end in ("low", "high")]
    return step.emit("Min", *ends), step.emit("Max", *ends)  # a negative scale turns them round


def _followed(step: Step, value: ir.Value, end: str) -> ir.Value:
    """What a picture that is everywhere at one end of its range comes to: the scaling's own nodes, on a constant.

    A difference of two computed values (a pixel less the mean around it) is largest where the second is at its other
    end.
    """
    node = value.producer()
    if node is None:
        assert value.dtype is not None
        return step.emit.constant(np.full((1, *dims(value)), _end(step, value, end)), value.dtype.numpy().type)
    varying = [source is not None and step.varying(source) for source in node.inputs]
    apart = node.op_type == "Sub" and all(varying)
    if not (node.op_type in MOVES or apart or (node.op_type in ELEMENTWISE and sum(varying) == 1)):
        raise UncoveredError(f"the bounds of pixels cannot be followed through {node.op_type}")
    ends = (end, OTHER_END[end]) if apart else (end,) * len(varying)
    inputs = [
        _followed(step, source, each) if source is not None and varies else source
        for source, varies, each in zip(node.inputs, varying, ends, strict=True)
    ]
    return step.emit.again(node, inputs)[list(node.outputs).index(value)]


def _end(step: Step, picture: ir.Value, end: str) -> float:
    if end in step.options:
        return step.options[end]
    if picture.dtype is None or not picture.dtype.is_integer():
        raise UncoveredError("pixels that are no integers have bounds only where the options low and high state them")
    return {"low": 0.0, "high": 255.0}[end]
