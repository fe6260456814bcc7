"""The backward rules: one small function per operator and rule. They emit nodes; a literal table at the end lists them.

A signal is a factor with relevance = factor * value (see `emit.Signal`), so "gradient" is the plain chain rule, and
every operator that is linear without a constant (adding, averaging, choosing, scaling, reshaping) has the gradient
as its proportional relevance rule: that the parts sum to the whole is Euler's theorem. What differs between methods are
the layers with weights, and ReLU. Rules with numbers follow Bach et al. 2015 and Montavon et al. 2019 (SCIENCE 2).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir as ir

from core.explain.emit import Array, Rule, Signal, Step, UncoveredError, array_of, dims
from core.explain.layers import Convolution, Layer, layer_of, windows_of

Signals = Sequence[Signal | None]

# Stands in the denominator of z+ in place of nothing: relevance of a unit that no input supports comes out as rest.
# Far below any activation that matters (float32 resolves 1e-7 of it), far above the smallest float32 (1e-38).
UNSUPPORTED = 1e-9


# Layers with weights


def layer_gradient(step: Step) -> Signals:
    """dL/dx = W^T dL/dy."""
    layer = layer_of(step.node)
    return _to(step, layer.transpose(step.emit, step.factor(), layer.weight))


def layer_epsilon(step: Step) -> Signals:
    """R_j = a_j sum_k w_jk R_k / (z_k + epsilon sign z_k), bias within z."""
    emit, layer, z = step.emit, layer_of(step.node), step.output
    size = emit("Abs", z)  # z / (z + epsilon sign z) = |z| / (|z| + epsilon)
    factor = step.factor()
    s = emit("Mul", factor, emit("Div", size, emit("Add", size, emit.constant(step.options["epsilon"]))))
    if step.rests is not None and (layer.bias is not None or step.biases == "absorb"):
        supported = z if layer.bias is None else emit("Sub", z, emit.constant(layer.along_channels(layer.bias)))
        step.leave(layer.per_place(emit, emit("Sub", emit("Mul", factor, z), emit("Mul", s, supported))))
    return _to(step, layer.transpose(emit, s, layer.weight))


def layer_zplus(step: Step) -> Signals:
    """R_j = a+_j sum_k w+_jk R_k / sum_j a+_j w+_jk; with absorbing biases b+_k joins the sum."""
    emit, layer = step.emit, layer_of(step.node)
    x, weight = _positive_input(step), np.maximum(layer.weight, 0)
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
    sizes, source = dims(step.output), _input(step)
    if not isinstance(layer, Convolution):
        even = emit("ReduceMean", relevance, emit.ints(-1), keepdims=1)
        shares = np.full(dims(source)[-1], sizes[-1] / dims(source)[-1], np.float32)
        return _relevance(step, emit("Mul", even, emit.constant(shares)))
    group, inside = layer.group, layer.weight.shape[1]
    grouped = (
        emit("Reshape", relevance, emit.ints(-1, group, sizes[0] // group, *sizes[1:])) if group > 1 else relevance
    )
    summed = emit("ReduceSum", grouped, emit.ints(2 if group > 1 else 1), keepdims=0 if group > 1 else 1)
    spread = along_axes(step, summed, [w.spread() for w in layer.windows])
    if inside == 1:
        return _relevance(step, spread)
    ones = np.full((inside, *[1] * len(layer.windows)), 1 / inside, np.float32)
    apart = emit("Reshape", spread, emit.ints(-1, group, 1, *dims(source)[1:]))
    return _relevance(step, emit("Reshape", emit("Mul", apart, emit.constant(ones)), emit.ints(-1, *dims(source))))


# Activations


def relu_gradient(step: Step) -> Signals:
    """Pass the gradient where the unit is active."""
    return _to(step, step.emit("Mul", step.factor(), step.emit("Sign", step.output)))


def relu_pass(step: Step) -> Signals:
    """Relevance passes; it still belongs to the value after the ReLU, and an inactive unit has none."""
    return [step.signal]


# Sums and constants


def add(step: Step) -> Signals:
    """Pass the factor to each part of a sum. A constant part is a bias: its relevance has no input."""
    return _sum(step, (1, 1))


def subtract(step: Step) -> Signals:
    """Pass the factor to one part of a difference and its negative to the other."""
    return _sum(step, (1, -1))


def multiply(step: Step) -> Signals:
    """Scale by a constant."""
    constants = [array_of(value) for value in step.node.inputs]
    index = 0 if constants[1] is not None else 1
    scaled = step.emit("Mul", step.factor(), _known(step, 1 - index))
    return _at(step, index, _unbroadcast(step, scaled, index))


def divide(step: Step) -> Signals:
    """Divide by a constant."""
    scaled = step.emit("Div", step.factor(), _known(step, 1))
    return _at(step, 0, _unbroadcast(step, scaled, 0))


def cast(step: Step) -> Signals:
    """Pass the factor: the values stay what they are, and signals are float32 throughout."""
    return _to(step, step.factor())


def unchanged(step: Step) -> Signals:
    """Pass relevance through the pixels' own scale and shift: it belongs to the pixel, whatever its zero point."""
    index = next(i for i, value in enumerate(step.node.inputs) if array_of(value) is None)
    relevance = _unbroadcast(step, step.signal.relevance(step.emit), index)
    return [Signal(relevance, None) if i == index else None for i in range(len(step.node.inputs))]


# Pools


def max_pool(step: Step) -> Signals:
    """To the winner, the first one where several are equal."""
    emit, source = step.emit, _input(step)
    kernel = tuple(step.node.attributes["kernel_shape"].as_ints())
    windows = windows_of(step.node, kernel)
    if len(step.node.outputs) == 1:
        step.node.resize_outputs(2)
    indices = step.node.outputs[1]
    if all(w.span <= w.stride for w in windows):
        pads = {"kernel_shape": list(kernel), "strides": [w.stride for w in windows]}
        return _to(step, emit("MaxUnpool", step.factor(), indices, emit("Shape", source), **pads))
    flat = emit("ConstantOfShape", emit("Reshape", emit("Size", source), emit.ints(1)))
    where, what = emit("Reshape", indices, emit.ints(-1)), emit("Reshape", step.factor(), emit.ints(-1))
    scattered = emit("ScatterElements", flat, where, what, axis=0, reduction="add")
    return _to(step, emit("Reshape", scattered, emit.ints(-1, *dims(source))))


def average_pool(step: Step) -> Signals:
    """Each input by its weight in the average."""
    attributes = step.node.attributes
    windows = windows_of(step.node, tuple(attributes["kernel_shape"].as_ints()))
    padded = "count_include_pad" in attributes and bool(attributes["count_include_pad"].as_int())
    return _to(step, along_axes(step, step.factor(), [w.average(padded) for w in windows]))


def reduce_mean(step: Step) -> Signals:
    """Average over whole axes (GlobalAveragePool, ReduceMean)."""
    source = _input(step)
    sizes, axes = dims(source), _reduced(step)
    kept = [1 if axis in axes else size for axis, size in enumerate(sizes, start=1)]
    factor = step.factor()
    if len(dims(step.output)) != len(sizes):
        factor = step.emit("Reshape", factor, step.emit.ints(0, *kept))
    area = [size if axis in axes else 1 for axis, size in enumerate(sizes, start=1)]
    return _to(step, step.emit("Mul", factor, step.emit.constant(np.full(area, 1 / np.prod(area), np.float32))))


# Shapes


def reshape(step: Step) -> Signals:
    """Flatten, Reshape, Squeeze, Unsqueeze: back to the input's shape. Relevance stays relevance."""
    target = step.emit.ints(0, *dims(_input(step)))
    if step.signal.value is None:
        return _relevance(step, step.emit("Reshape", step.signal.factor, target))
    return _to(step, step.emit("Reshape", step.factor(), target))


def transpose(step: Step) -> Signals:
    """Permute the axes back."""
    order = [int(i) for i in np.argsort(step.node.attributes["perm"].as_ints())]
    if step.signal.value is None:
        return _relevance(step, step.emit("Transpose", step.signal.factor, perm=order))
    return _to(step, step.emit("Transpose", step.factor(), perm=order))


def concat(step: Step) -> Signals:
    """To each part its own."""
    emit, inputs = step.emit, [value for value in step.node.inputs if value is not None]
    axis = step.node.attributes["axis"].as_int() % (len(dims(step.output)) + 1)
    sizes = emit.ints(*(dims(value)[axis - 1] for value in inputs))
    parts = emit.several("Split", [step.factor(), sizes], len(inputs), axis=axis)
    return [Signal(part, value) for part, value in zip(parts, inputs, strict=True)]


# What the rules share


def along_axes(step: Step, values: ir.Value, matrices: Sequence[Array]) -> ir.Value:
    """Spread values [..., outputs] to [..., inputs] with one matrix [inputs, outputs] for each of the last axes."""
    emit = step.emit
    spread = emit("MatMul", values, emit.constant(np.ascontiguousarray(matrices[-1].T)))
    return spread if len(matrices) == 1 else emit("MatMul", emit.constant(matrices[0]), spread)


def _input(step: Step) -> ir.Value:
    source = step.node.inputs[0]
    assert source is not None
    return source


def _to(step: Step, factor: ir.Value) -> Signals:
    return _at(step, 0, factor)


def _at(step: Step, index: int, factor: ir.Value) -> Signals:
    inputs = step.node.inputs
    return [Signal(factor, inputs[i]) if i == index else None for i in range(len(inputs))]


def _relevance(step: Step, relevance: ir.Value) -> Signals:
    return [Signal(relevance, None), *[None] * (len(step.node.inputs) - 1)]


def _known(step: Step, index: int) -> ir.Value:
    value = step.node.inputs[index]
    if value is None or array_of(value) is None:
        raise UncoveredError("only a constant factor has a rule")
    return value


def _positive_input(step: Step) -> ir.Value:
    source = _input(step)
    return source if step.nonnegative(source) else step.emit("Relu", source)


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


def _sum(step: Step, signs: tuple[int, int]) -> Signals:
    factor = step.factor()
    signals: list[Signal | None] = []
    for index, (value, sign) in enumerate(zip(step.node.inputs, signs, strict=True)):
        assert value is not None
        signed = factor if sign > 0 else step.emit("Neg", factor)
        if array_of(value) is None:
            signals.append(Signal(_unbroadcast(step, signed, index), value))
            continue
        signals.append(None)
        if step.rests is not None:
            part = step.emit("Mul", signed, value)
            whole = part if len(dims(step.output)) == 3 else step.emit("Flatten", part, axis=1)
            step.leave(step.emit("ReduceSum", whole, step.emit.ints(1), keepdims=0))
    return signals


def _unbroadcast(step: Step, values: ir.Value, index: int) -> ir.Value:
    """Sum over the axes along which an input was repeated to the output's size."""
    source = step.node.inputs[index]
    assert source is not None
    sizes, whole = dims(source), dims(step.output)
    if len(sizes) != len(whole):
        raise UncoveredError("parts with different numbers of axes have no rule")
    axes = [axis for axis, (part, all_) in enumerate(zip(sizes, whole, strict=True), start=1) if part != all_]
    return step.emit("ReduceSum", values, step.emit.ints(*axes), keepdims=1) if axes else values


def _reduced(step: Step) -> set[int]:
    rank = len(dims(_input(step))) + 1
    if step.node.op_type == "GlobalAveragePool":
        return set(range(2, rank))
    axes = array_of(step.node.inputs[1]) if len(step.node.inputs) > 1 else None
    reduced = set(range(rank)) if axes is None else {int(axis) % rank for axis in axes}
    if 0 in reduced:
        raise UncoveredError("an average over the batch mixes pictures")
    return reduced


RULES: Mapping[tuple[str, str], Rule] = {
    ("Conv", "gradient"): layer_gradient,
    ("Conv", "epsilon"): layer_epsilon,
    ("Conv", "zplus"): layer_zplus,
    ("Conv", "flat"): layer_flat,
    ("Gemm", "gradient"): layer_gradient,
    ("Gemm", "epsilon"): layer_epsilon,
    ("Gemm", "zplus"): layer_zplus,
    ("Gemm", "flat"): layer_flat,
    ("MatMul", "gradient"): layer_gradient,
    ("MatMul", "epsilon"): layer_epsilon,
    ("MatMul", "zplus"): layer_zplus,
    ("MatMul", "flat"): layer_flat,
    ("Relu", "gradient"): relu_gradient,
    ("Relu", "pass"): relu_pass,
    ("Add", "gradient"): add,
    ("Sub", "gradient"): subtract,
    ("Mul", "gradient"): multiply,
    ("Div", "gradient"): divide,
    ("Cast", "gradient"): cast,
    ("Add", "unchanged"): unchanged,
    ("Sub", "unchanged"): unchanged,
    ("Mul", "unchanged"): unchanged,
    ("Div", "unchanged"): unchanged,
    ("Cast", "unchanged"): unchanged,
    ("MaxPool", "gradient"): max_pool,
    ("AveragePool", "gradient"): average_pool,
    ("GlobalAveragePool", "gradient"): reduce_mean,
    ("ReduceMean", "gradient"): reduce_mean,
    ("Flatten", "gradient"): reshape,
    ("Reshape", "gradient"): reshape,
    ("Squeeze", "gradient"): reshape,
    ("Unsqueeze", "gradient"): reshape,
    ("Transpose", "gradient"): transpose,
    ("Concat", "gradient"): concat,
}
