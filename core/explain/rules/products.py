"""Rules of products and quotients of computed values: gates, attention, normalisation.

The gradient is the product rule. LRP has to decide how much of a product each side holds (conventions, not theorems):

- a gate, the bounded side of a product, keeps its value as a constant, and the other side gets all relevance
  (Arras et al. 2017 for gates; Rezaei Jafari et al. 2024 for x sigmoid(x));
- where neither side is a gate both get half, as in AttnLRP (Achtibat et al. 2024), attention's two products among them;
- a divisor is a constant: so is the deviation in a layer norm (Ali et al. 2022);
- a softmax inside follows its gradient in factor form (AttnLRP's Taylor rule), which does not hold all relevance:
  the remainder is reported.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from core.explain.emit import Emitter, Rest, Rule, Signal, Signals, Step, UncoveredError, array_of, dims, sizes_of

# Bounded functions, the surest gates first: they say how much passes. The others are activations as well.
SQUASHING = ("Sigmoid", "HardSigmoid", "Softmax")
BOUNDED = ("Tanh", "Erf", "Softsign", "Clip")
# A divisor written as a factor.
DIVISORS = ("Reciprocal",)
# What may stand between such a function and the product.
SCALED = ("Mul", "Div", "Add", "Sub", "Neg", "Cast", "Identity")
SHAPED = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Tile", "Resize", "Slice", "Split")

Varying = Callable[[ir.Value], bool]


def gate_of(node: ir.Node, varying: Varying) -> int | None:
    """Return which input of a product of two computed values is its gate; None where neither is.

    A gate is a bounded function behind nothing but constant scales, shapes and repetition: the sigmoid of squeeze and
    excitation or of swish, clip(x + 3, 0, 6) / 6, 1 + erf(x / sqrt 2), or a reciprocal. Where both sides are such, the
    gate is the one computed from the other (x may be a ReLU6); failing that, the one that is a share between 0 and 1.
    """
    ranks = [_boundedness(value, varying) for value in node.inputs]
    gates = [index for index, rank in enumerate(ranks) if rank]
    if len(gates) < 2:
        return gates[0] if gates else None
    for index in gates:
        carried = node.inputs[1 - index]
        if carried is not node.inputs[index] and _depends(node.inputs[index], carried):
            return index
    return None if ranks[0] == ranks[1] else int(np.argmax(ranks))


def serves_as_gate(value: ir.Value, varying: Varying) -> bool:
    """Whether a value ends, scaled and reshaped at most, as the gate of a product."""
    for node, index in value.uses():
        if node.op_type == "Mul" and _computed(node, varying) == [0, 1]:
            if gate_of(node, varying) == index:
                return True
        elif _keeps_bounds(node, varying) and any(serves_as_gate(output, varying) for output in node.outputs):
            return True
    return False


def _boundedness(value: ir.Value | None, varying: Varying) -> int:
    """0: not bounded as far as is known; 1: bounded; 2: a share between 0 and 1, or a divisor."""
    node = None if value is None else value.producer()
    if node is None or value is None or not varying(value):
        return 0
    if node.op_type in SQUASHING or node.op_type in DIVISORS or _divides_constant(node, varying):
        return 2
    if node.op_type in BOUNDED:
        return int(node.op_type != "Clip" or sum(limit is not None for limit in node.inputs[1:]) == 2)
    if node.op_type == "Mul" and _computed(node, varying) == [0, 1]:
        return min(_boundedness(side, varying) for side in node.inputs)
    if not _keeps_bounds(node, varying):
        return 0
    return _boundedness(node.inputs[_computed(node, varying)[0]], varying)


def _keeps_bounds(node: ir.Node, varying: Varying) -> bool:
    """Whether a node scales, shifts or moves one computed value."""
    return node.op_type in (*SCALED, *SHAPED) and _computed(node, varying) in ([0], [1]) and not _divides(node, varying)


def _divides(node: ir.Node, varying: Varying) -> bool:
    return node.op_type == "Div" and 1 in _computed(node, varying)


def _divides_constant(node: ir.Node, varying: Varying) -> bool:
    return node.op_type == "Div" and _computed(node, varying) == [1]


def _depends(value: ir.Value | None, source: ir.Value | None) -> bool:
    """Whether a value is computed from another."""
    seen: set[ir.Value] = set()
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if here is None or here in seen:
            continue
        if here is source:
            return True
        seen.add(here)
        node = here.producer()
        waiting.extend([] if node is None else node.inputs)
    return False


def _computed(node: ir.Node, varying: Varying) -> list[int]:
    return [index for index, value in enumerate(node.inputs) if value is not None and varying(value)]


def multiply(step: Step) -> Signals:
    """To each computed side the factor times the other side."""
    return _product(step, step.factor(), _computed(step.node, step.varying))


def multiply_gated(step: Step) -> Signals:
    """Relevance goes past a gate to the other side; without a gate each side gets half."""
    sides = _computed(step.node, step.varying)
    if len(sides) < 2:
        return _product(step, step.factor(), sides)
    gate = gate_of(step.node, step.varying)
    if gate is not None:
        return _product(step, step.factor(), [1 - gate])
    return _product(step, step.emit("Mul", step.factor(), step.emit.constant(0.5)), sides)


def _product(step: Step, factor: ir.Value, sides: list[int]) -> Signals:
    signals: list[Signal | None] = [None, None]
    for index in sides:
        other = step.node.inputs[1 - index]
        signals[index] = Signal(step.unbroadcast(step.emit("Mul", factor, other), index), step.node.inputs[index])
    return signals


def divide(step: Step) -> Signals:
    """d(a / b) = da / b - (a / b) db / b."""
    emit, sides = step.emit, _computed(step.node, step.varying)
    quotient = emit("Div", step.factor(), step.node.inputs[1])
    signals: list[Signal | None] = [None, None]
    if 0 in sides:
        signals[0] = Signal(step.unbroadcast(quotient, 0), step.node.inputs[0])
    if 1 in sides:
        below = step.unbroadcast(emit("Mul", quotient, step.output), 1)
        signals[1] = Signal(emit("Neg", below), step.node.inputs[1])
    return signals


def divide_fixed(step: Step) -> Signals:
    """The divisor is a constant. One under a constant passes relevance on, as a reciprocal does."""
    if step.varying(step.source):
        quotient = step.emit("Div", step.factor(), step.node.inputs[1])
        return step.to(step.unbroadcast(quotient, 0), 0)
    divisor = step.node.inputs[1]
    assert divisor is not None
    if dims(divisor) == dims(step.output):
        return [None, step.signal]
    return step.relevant(step.unbroadcast(step.signal.relevance(step.emit), 1), 1)


def matmul_of_values(step: Step) -> Signals:
    """Gradients dA = dZ B^T and dB = A^T dZ."""
    return _matmul(step, step.factor())


def matmul_halves(step: Step) -> Signals:
    """Half of the relevance to each side of a product of two computed values: attention (AttnLRP)."""
    return _matmul(step, step.emit("Mul", step.factor(), step.emit.constant(0.5)))


def _matmul(step: Step, factor: ir.Value) -> Signals:
    left, right = step.node.inputs[:2]
    assert left is not None
    assert right is not None
    many = sizes_of(step.output)[:-2]
    if any(-1 in sizes_of(value)[-2:] or len(sizes_of(value)) < 2 for value in (left, right, step.output)):
        raise UncoveredError("a product over the batch mixes pictures")
    to_left = step.emit("MatMul", factor, _turned(step.emit, right))
    to_right = step.emit("MatMul", _turned(step.emit, left), factor)
    return [
        Signal(step.unbroadcast(to_left, 0, many + sizes_of(left)[-2:]), left),
        Signal(step.unbroadcast(to_right, 1, many + sizes_of(right)[-2:]), right),
    ]


def _turned(emit: Emitter, value: ir.Value, like: ir.Value | None = None) -> ir.Value:
    """Swap the last two axes of a value that has as many axes as another."""
    rank = len(dims(value if like is None else like)) + 1
    return emit("Transpose", value, perm=[*range(rank - 2), rank - 1, rank - 2])


def by_sides(weighted: Rule, product: Rule) -> Rule:
    """Return one rule for a MatMul: of a layer, constant on either side, and of two computed values."""

    def rule(step: Step) -> Signals:
        sides = _computed(step.node, step.varying)
        if len(sides) == 2:
            return product(step)
        return weighted(step) if sides == [0] else _from_right(step, weighted)

    return rule


def _from_right(step: Step, weighted: Rule) -> Signals:
    """W X = (X^T W^T)^T: follow the rule for a constant on the right."""
    emit, weight, source = step.emit, array_of(step.node.inputs[0]), step.node.inputs[1]
    assert source is not None
    if weight is None or weight.ndim != 2 or len(dims(source)) < 2:
        raise UncoveredError("only one constant matrix for all has a rule")
    upright = _turned(emit, source)
    product = emit("MatMul", upright, emit.constant(np.ascontiguousarray(weight.T)))
    for turned, plain in ((upright, source), (product, step.output)):
        sizes = list(plain.shape or [])
        turned.shape, turned.type = ir.Shape([*sizes[:-2], sizes[-1], sizes[-2]]), plain.type
    layer = product.producer()
    assert layer is not None
    layer.name = f"{step.node.name}_turned"
    rests: list[Rest] | None = None if step.rests is None else []
    signal = Signal(_turned(emit, step.factor(), step.output), product)
    passed = weighted(replace(step, node=layer, signals=[signal], rests=rests))[0]
    assert passed is not None
    for rest in rests or ():
        step.leave(rest.value, rest.scale, placed=False)
    if passed.value is None:
        return step.relevant(_turned(emit, passed.factor, source), 1)
    return step.to(_turned(emit, passed.factor_of(emit, upright), source), 1)


def softmax(step: Step) -> Signals:
    """Gradient dx = s (ds - sum(s ds)). As a relevance rule it leaves a remainder."""
    emit, s = step.emit, step.output
    axis = step.node.attributes["axis"].as_int() if "axis" in step.node.attributes else -1
    factor = step.factor()
    weighted = emit("Mul", factor, s)
    mean = emit("ReduceSum", weighted, emit.ints(axis), keepdims=1)
    return _remaining(step, emit("Sub", weighted, emit("Mul", s, mean)), weighted)


def log_softmax(step: Step) -> Signals:
    """Gradient dx = dy - softmax(x) sum(dy). As a relevance rule it leaves a remainder."""
    emit, y = step.emit, step.output
    axis = step.node.attributes["axis"].as_int() if "axis" in step.node.attributes else -1
    factor = step.factor()
    summed = emit("ReduceSum", factor, emit.ints(axis), keepdims=1)
    gradient = emit("Sub", factor, emit("Mul", emit("Exp", y), summed))
    return _remaining(step, gradient, emit("Mul", factor, y) if step.rests is not None else gradient)


def _remaining(step: Step, gradient: ir.Value, relevance: ir.Value) -> Signals:
    if step.rests is not None:
        step.leave_all(step.emit("Sub", relevance, step.emit("Mul", gradient, step.source)))
    return step.to(gradient)
