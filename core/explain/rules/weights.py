"""Rules of the layers with weights, wherever they stand: one function for all of `layers.Layer`.

a is a layer's input, w its weights, b its biases, z = sum_j a_j w_jk + b_k; + and - mark positive and negative parts.
Formulas follow Bach et al. 2015 and Montavon et al. 2019 (SCIENCE 2). What a rule cannot give to an input (a bias's
part, a unit that no input supports) is left as a rest, so that inputs and rests together always hold all relevance.
"""

import numpy as np
import onnx_ir as ir

from core.explain.emit import Array, Signal, Signals, Step, stabilised
from core.explain.layers import Layer, layer_of

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
    epsilon = step.options["epsilon"]
    if step.signal.value is z or _after_relu(step):
        size = emit("Abs", z)  # z / (z + epsilon sign z) = |z| / (|z| + epsilon)
        factor = step.factor()
        s = emit("Mul", factor, emit("Div", size, emit("Add", size, emit.constant(epsilon))))
        arrived = Signal(factor, z)
    else:
        s, arrived = step.signal.over(emit, stabilised(emit, z, epsilon)), step.signal
    if step.rests is not None and (layer.bias is not None or step.biases == "absorb"):
        supported = z if layer.bias is None else emit("Sub", z, emit.constant(layer.along_channels(layer.bias)))
        left = emit("Sub", arrived.relevance(emit), emit("Mul", s, supported))
        step.leave(layer.per_place(emit, left), placed=layer.placed)
    return step.to(layer.transpose(emit, s, layer.weight))


def layer_zplus(step: Step) -> Signals:
    """R_j = a+_j sum_k w+_jk R_k / sum_j a+_j w+_jk; with absorbing biases b+_k joins the sum.

    Inputs below zero get nothing: of inputs of either sign `layer_alpha_beta` with alpha 1, beta 0 speaks.
    """
    emit, layer = step.emit, layer_of(step.node)
    x, weight = step.positive_source(), np.maximum(layer.weight, 0)
    bias = _floor(layer, np.maximum(layer.bias, 0) if step.biases == "absorb" and layer.bias is not None else None)
    s = step.signal.over(emit, layer.apply(emit, x, weight, bias))
    leave_bias(step, layer, s, bias)
    return [Signal(layer.transpose(emit, s, weight), x), *[None] * (len(step.node.inputs) - 1)]


def layer_gamma(step: Step) -> Signals:
    """R_j = sum_k (a_j w_jk + gamma (a_j w_jk)^s) / (z_k + gamma z_k^s) R_k, s the sign of z_k.

    Where inputs are positive and z_k > 0 these are weights w + gamma w+ (Montavon et al. 2019); the general form, for
    inputs and outputs of either sign, is that of Andeol et al. 2021. What agrees with z_k grows, so no denominator is
    smaller than z_k. For that the bias, grown alike, stands in the denominators throughout; its part is absorbed or
    spread as the method says.
    """
    emit, layer, gamma, z = step.emit, layer_of(step.node), step.options["gamma"], step.output
    bias = np.zeros(layer.channels, np.float32) if layer.bias is None else layer.bias
    more = gamma * np.maximum(bias, 0) + UNSUPPORTED
    positive, negative = (gamma * part for part in _parts(layer.weight))
    grown = _sum_of_parts(step, layer, positive, negative, more)
    if _after_relu(step) and step.signal.value is not None:
        up, down = step.signal.over(emit, emit("Add", step.signal.value, grown)), None
    else:
        below = emit("Less", z, emit.constant(0.0))
        shrunk = emit("Sub", emit("Mul", z, emit.constant(gamma)), grown)  # z+ and z- add up to z
        s = step.signal.over(emit, emit("Add", z, emit("Where", below, shrunk, grown)))
        none = emit.constant(0.0)
        up, down = emit("Where", below, none, s), emit("Where", below, s, none)
        leave_bias(step, layer, down, bias + gamma * np.minimum(bias, 0) - UNSUPPORTED)
    leave_bias(step, layer, up, bias + more)
    return _back(step, layer, (up, down), layer.weight + positive, layer.weight + negative)


def layer_alpha_beta(step: Step) -> Signals:
    """R_j = sum_k (alpha (a_j w_jk)+ / sum_j (a_j w_jk)+ - beta (a_j w_jk)- / sum_j (a_j w_jk)-) R_k.

    (a w)+ = a+ w+ + a- w-, so inputs of either sign are served; with absorbing biases b+_k and b-_k join the sums.
    A unit without negative parts has nobody to take -beta R_k, which then is a rest.
    """
    emit, layer = step.emit, layer_of(step.node)
    alpha, beta = step.options["alpha"], step.options["beta"]
    positive, negative = _parts(layer.weight)
    takes = step.biases == "absorb" and layer.bias is not None
    bias = layer.bias if takes and layer.bias is not None else np.zeros(layer.channels, np.float32)
    up = down = None
    # The factors alpha and -beta are divided out of the denominators' constant weights: no node of their own.
    if alpha:
        more = np.maximum(bias, 0) + UNSUPPORTED
        up = step.signal.over(emit, _sum_of_parts(step, layer, positive / alpha, negative / alpha, more / alpha))
        leave_bias(step, layer, up, more)
    if beta:
        less = np.minimum(bias, 0) - UNSUPPORTED
        down = step.signal.over(emit, _sum_of_parts(step, layer, negative / -beta, positive / -beta, less / -beta))
        leave_bias(step, layer, down, less)
    return _back(step, layer, (up, down), positive, negative)


def _parts(weight: Array) -> tuple[Array, Array]:
    """Weights without their negative, and without their positive part."""
    return np.maximum(weight, 0), np.minimum(weight, 0)


def _floor(layer: Layer, bias: Array | None) -> Array:
    floor = np.full(layer.channels, UNSUPPORTED, np.float32)
    return floor if bias is None else floor + bias


def _after_relu(step: Step) -> bool:
    """Whether what arrived belongs to the ReLU of the output: no relevance then where the output is negative."""
    producer = None if step.signal.value is None else step.signal.value.producer()
    return producer is not None and producer.op_type == "Relu" and producer.inputs[0] is step.output


def _sum_of_parts(step: Step, layer: Layer, with_positive: Array, with_negative: Array, bias: Array) -> ir.Value:
    """Positive inputs under one weight, negative ones under another, and the bias."""
    emit = step.emit
    whole = layer.apply(emit, step.positive_source(), with_positive, bias)
    if step.nonnegative(step.source):
        return whole
    below = emit("Min", step.source, emit.constant(0.0))
    return emit("Add", whole, layer.apply(emit, below, with_negative, None))


def _back(
    step: Step, layer: Layer, signals: tuple[ir.Value | None, ir.Value | None], agreeing: Array, opposing: Array
) -> Signals:
    """Carry back two signals: through these two weights to inputs above zero, through the two swapped to others."""
    emit = step.emit

    def through(weights: tuple[Array, Array]) -> ir.Value:
        pairs = zip(signals, weights, strict=True)
        return emit.add([layer.transpose(emit, s, weight) for s, weight in pairs if s is not None])

    above = through((agreeing, opposing))
    if step.nonnegative(step.source):
        return step.to(above)
    below = emit("Less", step.source, emit.constant(0.0))
    return step.to(emit("Where", below, through((opposing, agreeing)), above))


def leave_bias(step: Step, layer: Layer, s: ir.Value, bias: Array) -> None:
    """Report what stood in the denominators without being an input: s times one value per channel."""
    if step.rests is None:
        return
    if np.ptp(bias) == 0:
        step.leave(layer.per_place(step.emit, s), float(bias[0]), placed=layer.placed)
    else:
        share = step.emit("Mul", s, step.emit.constant(layer.along_channels(bias)))
        step.leave(layer.per_place(step.emit, share), placed=layer.placed)
