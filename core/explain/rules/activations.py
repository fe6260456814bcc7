"""Rules of functions of one value, element by element.

LRP passes relevance through all of them: it then belongs to the value behind the activation, and is taken back to the
value in front only where a rule asks for that (`Signal.factor_of`), stabilised, so that it stays finite at 0.
"""

from collections.abc import Callable, Mapping

import numpy as np
import onnx_ir as ir

from core.explain.emit import Signals, Step, UncoveredError, array_of, dims, passing
from core.explain.rules.products import serves_as_gate

Derivative = Callable[[Step], ir.Value]

# Keeps the slope of a root at 0 finite: far below any value that matters.
SMALLEST = 1e-12


def activation_gradient(step: Step) -> Signals:
    """Multiply by the derivative, which depends on the forward pass alone: many seeds share it."""
    return step.to(step.emit("Mul", step.factor(), DERIVATIVES[step.node.op_type](step)))


def activation_pass(step: Step) -> Signals:
    """Relevance passes; it still belongs to the value behind the activation."""
    if dims(step.source) != dims(step.output):
        raise UncoveredError("an activation that repeats its input has no rule")
    return [step.signal, *[None] * (len(step.node.inputs) - 1)]


def relu_guided(step: Step) -> Signals:
    """Guided backprop (Springenberg et al. 2015): what is negative on the way back is dropped, too.

    The paper speaks of ReLUs. For its relatives we keep the one change it makes: the incoming gradient's positive part,
    times the ordinary derivative (a leak still leaks). Clip is a relative where it starts at 0 and is no gate.
    """
    if not _is_rectifier(step):
        return activation_gradient(step)
    rising = step.emit("Relu", step.factor())
    return step.to(step.emit("Mul", rising, DERIVATIVES[step.node.op_type](step)))


def relu_deconvnet(step: Step) -> Signals:
    """Deconvnet (Zeiler & Fergus 2014): the backward signal goes through a ReLU, whatever the forward one did.

    The relatives of the ReLU do the same; Clip is one where it starts at 0 and is no gate.
    """
    if not _is_rectifier(step):
        return activation_gradient(step)
    return step.to(step.emit("Relu", step.factor()))


def _is_rectifier(step: Step) -> bool:
    if step.node.op_type != "Clip":
        return True
    low = _limits(step)[0]
    return low is not None and _is_zero(low) and not serves_as_gate(step.output, step.varying)


def _is_zero(value: ir.Value) -> bool:
    array = array_of(value)
    return array is not None and not array.any()


def _number(step: Step, name: str, default: float) -> float:
    attributes = step.node.attributes
    return attributes[name].as_float() if name in attributes else default


def _where_positive(step: Step, otherwise: ir.Value) -> ir.Value:
    """1 where the source is positive, else another slope."""
    positive = step.emit("Greater", step.source, step.emit.constant(0.0))
    return step.emit("Where", positive, step.emit.constant(1.0), otherwise)


def _flag(step: Step, condition: ir.Value) -> ir.Value:
    return step.emit("Cast", condition, to=int(ir.DataType.FLOAT))


def _relu(step: Step) -> ir.Value:
    return passing(step.emit, step.output)


def _leaky(step: Step) -> ir.Value:
    return _where_positive(step, step.emit.constant(_number(step, "alpha", 0.01)))


def _prelu(step: Step) -> ir.Value:
    return _where_positive(step, step.known(1))


def _limits(step: Step) -> tuple[ir.Value | None, ir.Value | None]:
    """The limits of a Clip; None where there is none."""
    found: list[ir.Value | None] = [None, None]
    for index in (1, 2):
        if index < len(step.node.inputs) and step.node.inputs[index] is not None:
            found[index - 1] = step.known(index)
    return found[0], found[1]


def _clip(step: Step) -> ir.Value:
    """1 between the limits, 0 on them, as for a ReLU at 0."""
    emit, (low, high) = step.emit, _limits(step)
    if low is None and high is None:
        return emit.constant(1.0)
    above = None if low is None else emit("Greater", step.source, low)
    below = None if high is None else emit("Less", step.source, high)
    if above is not None and below is not None:
        return _flag(step, emit("And", above, below))
    inside = below if above is None else above
    assert inside is not None
    return _flag(step, inside)


def _elu(step: Step) -> ir.Value:
    """Slope alpha exp(x) = y + alpha where x is negative."""
    return _where_positive(step, step.emit("Add", step.output, step.emit.constant(_number(step, "alpha", 1.0))))


def _selu(step: Step) -> ir.Value:
    """Slope gamma where x is positive, gamma alpha exp(x) = y + gamma alpha where not; defaults of ONNX."""
    emit = step.emit
    alpha, gamma = _number(step, "alpha", 1.67326319217681884765625), _number(step, "gamma", 1.05070102214813232421875)
    positive = emit("Greater", step.source, emit.constant(0.0))
    return emit("Where", positive, emit.constant(gamma), emit("Add", step.output, emit.constant(gamma * alpha)))


def _celu(step: Step) -> ir.Value:
    """exp(x / alpha) = y / alpha + 1 where x is negative."""
    emit = step.emit
    scaled = emit("Div", step.output, emit.constant(_number(step, "alpha", 1.0)))
    return _where_positive(step, emit("Add", scaled, emit.constant(1.0)))


def _thresholded(step: Step) -> ir.Value:
    return _flag(step, step.emit("Greater", step.source, step.emit.constant(_number(step, "alpha", 1.0))))


def _softplus(step: Step) -> ir.Value:
    return step.emit("Sigmoid", step.source)


def _softsign(step: Step) -> ir.Value:
    """1 / (1 + |x|)^2 = (1 - |y|)^2."""
    root = step.emit("Sub", step.emit.constant(1.0), step.emit("Abs", step.output))
    return step.emit("Mul", root, root)


def _sigmoid(step: Step) -> ir.Value:
    return step.emit("Sub", step.output, step.emit("Mul", step.output, step.output))


def _hard_sigmoid(step: Step) -> ir.Value:
    emit, y = step.emit, step.output
    inside = emit("And", emit("Greater", y, emit.constant(0.0)), emit("Less", y, emit.constant(1.0)))
    return emit("Where", inside, emit.constant(_number(step, "alpha", 0.2)), emit.constant(0.0))


def _tanh(step: Step) -> ir.Value:
    return step.emit("Sub", step.emit.constant(1.0), step.emit("Mul", step.output, step.output))


def _erf(step: Step) -> ir.Value:
    emit, x = step.emit, step.source
    bell = emit("Exp", emit("Neg", emit("Mul", x, x)))
    return emit("Mul", bell, emit.constant(2 / np.sqrt(np.pi)))


def _exp(step: Step) -> ir.Value:
    return step.output


def _log(step: Step) -> ir.Value:
    return step.emit("Reciprocal", step.source)


def _sqrt(step: Step) -> ir.Value:
    root = step.emit("Max", step.output, step.emit.constant(SMALLEST))
    return step.emit("Div", step.emit.constant(0.5), root)


def _reciprocal(step: Step) -> ir.Value:
    return step.emit("Neg", step.emit("Mul", step.output, step.output))


def _abs(step: Step) -> ir.Value:
    return step.emit("Sign", step.source)


def _pow(step: Step) -> ir.Value:
    """Slope p x^(p - 1) of a constant exponent."""
    emit, exponent = step.emit, array_of(step.node.inputs[1])
    if exponent is None or not step.varying(step.source):
        raise UncoveredError("only a constant exponent has a rule")
    if exponent.size == 1 and float(exponent.reshape(-1)[0]) == 2:  # squares are frequent, and Pow is slow
        return emit("Add", step.source, step.source)
    p = exponent.astype(np.float32)
    if dims(step.source) != dims(step.output):
        raise UncoveredError("an exponent that repeats its base has no rule")
    return emit("Mul", emit.constant(p), emit("Pow", step.source, emit.constant(p - 1)))


DERIVATIVES: Mapping[str, Derivative] = {
    "Relu": _relu,
    "LeakyRelu": _leaky,
    "PRelu": _prelu,
    "Clip": _clip,
    "Elu": _elu,
    "Selu": _selu,
    "Celu": _celu,
    "ThresholdedRelu": _thresholded,
    "Softplus": _softplus,
    "Softsign": _softsign,
    "Sigmoid": _sigmoid,
    "HardSigmoid": _hard_sigmoid,
    "Tanh": _tanh,
    "Erf": _erf,
    "Exp": _exp,
    "Log": _log,
    "Sqrt": _sqrt,
    "Reciprocal": _reciprocal,
    "Abs": _abs,
    "Pow": _pow,
}
