"""Rules of the layers with weights: convolutions and dense layers alike, through `layers.Layer`.

Rules with numbers follow Bach et al. 2015 and Montavon et al. 2019 (SCIENCE 2).
"""

import numpy as np
import onnx_ir as ir

from core.explain.emit import Array, Signal, Signals, Step, dims
from core.explain.layers import Convolution, Layer, layer_of
from core.explain.rules.pools import along_axes

# Stands in the denominator of z+ in place of nothing: relevance of a unit that no input supports comes out as rest.
# Far below any activation that matters (float32 resolves 1e-7 of it), far above the smallest float32 (1e-38).
UNSUPPORTED = 1e-9


def layer_gradient(step: Step) -> Signals:
    """dL/dx = W^T dL/dy."""
    layer = layer_of(step.node)
    return step.to(layer.transpose(step.emit, step.factor(), layer.weight))


def layer_epsilon(step: Step) -> Signals:
    """R_j = a_j sum_k w_jk R_k / (z_k + epsilon sign z_k), bias within z."""
    emit, layer, z = step.emit, layer_of(step.node), step.output
    size = emit("Abs", z)  # z / (z + epsilon sign z) = |z| / (|z| + epsilon)
    factor = step.factor()
    s = emit("Mul", factor, emit("Div", size, emit("Add", size, emit.constant(step.options["epsilon"]))))
    if step.rests is not None and (layer.bias is not None or step.biases == "absorb"):
        supported = z if layer.bias is None else emit("Sub", z, emit.constant(layer.along_channels(layer.bias)))
        step.leave(layer.per_place(emit, emit("Sub", emit("Mul", factor, z), emit("Mul", s, supported))))
    return step.to(layer.transpose(emit, s, layer.weight))


def layer_zplus(step: Step) -> Signals:
    """R_j = a+_j sum_k w+_jk R_k / sum_j a+_j w+_jk; with absorbing biases b+_k joins the sum."""
    emit, layer = step.emit, layer_of(step.node)
    x, weight = step.positive_source(), np.maximum(layer.weight, 0)
    bias = np.full(_channels(layer), UNSUPPORTED, np.float32)
    if step.biases == "absorb" and layer.bias is not None:
        bias = bias + np.maximum(layer.bias, 0)
    s = step.signal.over(emit, layer.apply(emit, x, weight, bias))
    _leave_bias(step, layer, s, bias)
    return [Signal(layer.transpose(emit, s, weight), x), *[None] * (len(step.node.inputs) - 1)]


def layer_flat(step: Step) -> Signals:
    """R_j = sum_k R_k / N_k over the N_k inputs that unit k sees: a and w replaced by 1."""
    emit, layer = step.emit, layer_of(step.node)
    relevance = step.signal.relevance(emit)
    sizes, source = dims(step.output), step.source
    if not isinstance(layer, Convolution):
        even = emit("ReduceMean", relevance, emit.ints(-1), keepdims=1)
        shares = np.full(dims(source)[-1], sizes[-1] / dims(source)[-1], np.float32)
        return step.relevant(emit("Mul", even, emit.constant(shares)))
    group, inside = layer.group, layer.weight.shape[1]
    grouped = (
        emit("Reshape", relevance, emit.ints(-1, group, sizes[0] // group, *sizes[1:])) if group > 1 else relevance
    )
    summed = emit("ReduceSum", grouped, emit.ints(2 if group > 1 else 1), keepdims=0 if group > 1 else 1)
    spread = along_axes(step, summed, [w.spread() for w in layer.windows])
    if inside == 1:
        return step.relevant(spread)
    ones = np.full((inside, *[1] * len(layer.windows)), 1 / inside, np.float32)
    apart = emit("Reshape", spread, emit.ints(-1, group, 1, *dims(source)[1:]))
    return step.relevant(emit("Reshape", emit("Mul", apart, emit.constant(ones)), emit.ints(-1, *dims(source))))


def _channels(layer: Layer) -> int:
    return int(layer.weight.shape[0 if isinstance(layer, Convolution) else 1])


def _leave_bias(step: Step, layer: Layer, s: ir.Value, bias: Array) -> None:
    if step.rests is None:
        return
    if np.ptp(bias) == 0:
        step.leave(layer.per_place(step.emit, s), float(bias[0]))
    else:
        share = step.emit("Mul", s, step.emit.constant(layer.along_channels(bias)))
        step.leave(layer.per_place(step.emit, share))
