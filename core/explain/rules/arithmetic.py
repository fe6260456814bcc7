"""Rules of sums and differences, of the largest and smallest of several values, and of choices between two."""

from collections.abc import Sequence

import onnx_ir as ir

from core.explain.emit import Signal, Signals, Step, UncoveredError, dims
from core.explain.rules.products import multiply_gated


def add(step: Step) -> Signals:
    """Pass the factor to each part of a sum. A constant part is a bias: its relevance has no input."""
    return _sum(step, [1] * len(step.node.inputs))


def subtract(step: Step) -> Signals:
    """Pass the factor to one part of a difference and its negative to the other."""
    return _sum(step, [1, -1])


def negate(step: Step) -> Signals:
    """Turn the sign."""
    return step.to(step.emit("Neg", step.factor()))


def cast(step: Step) -> Signals:
    """Pass the factor: the values stay what they are, and signals are float32 throughout."""
    target = step.output.dtype
    if target is not None and not target.is_floating_point():
        raise UncoveredError("rounding has no slope")
    return step.moved(lambda values: values)


def unchanged(step: Step) -> Signals:
    """Pass relevance through the pixels' own scale and shift: it belongs to the pixel, whatever its zero point.

    Where pixels are mixed (a grey value made of colours), each gets its part. A local mean that is subtracted is the
    pixel's own zero point.
    """
    computed = [i for i, value in enumerate(step.node.inputs) if value is not None and step.varying(value)]
    if len(computed) > 1 and not _takes_local_mean(step.node):
        return {"Add": add, "Sub": subtract}.get(step.node.op_type, multiply_gated)(step)
    return step.relevant(step.unbroadcast(step.signal.relevance(step.emit), computed[0]), computed[0])


def _takes_local_mean(node: ir.Node) -> bool:
    """Whether a difference is a value less the average of its surroundings."""
    if node.op_type != "Sub" or node.inputs[1] is None:
        return False
    average = node.inputs[1].producer()
    return average is not None and average.op_type == "AveragePool" and average.inputs[0] is node.inputs[0]


def extremum(step: Step) -> Signals:
    """Max, Min of several values: to the winner, the first one where several are equal."""
    emit, factor, none = step.emit, step.factor(), step.emit.constant(0.0)
    signals: list[Signal | None] = []
    for index, value in enumerate(step.node.inputs):
        part = factor
        if index < len(step.node.inputs) - 1:
            wins = emit("Equal", value, step.output)
            part = emit("Where", wins, factor, none)
            factor = emit("Where", wins, none, factor)
        signals.append(_part(step, part, index))
    return signals


def where(step: Step) -> Signals:
    """To the value that was chosen. The condition is a constant, though perhaps a computed one: it has no slope."""
    emit, condition, none = step.emit, step.node.inputs[0], step.emit.constant(0.0)
    factor = step.factor()
    chosen = emit("Where", condition, factor, none), emit("Where", condition, none, factor)
    return [None, _part(step, chosen[0], 1), _part(step, chosen[1], 2)]


def _sum(step: Step, signs: Sequence[int]) -> Signals:
    factor = step.factor()
    signals: list[Signal | None] = []
    for index, sign in enumerate(signs):
        value = step.node.inputs[index]
        assert value is not None
        if step.varying(value):
            part = step.unbroadcast(factor, index)
            signals.append(Signal(part if sign > 0 else step.emit("Neg", part), value))
            continue
        signals.append(None)
        if step.rests is not None:
            share = step.emit("Mul", factor, value)
            _leave(step, share if sign > 0 else step.emit("Neg", share))
    return signals


def _part(step: Step, factor: ir.Value, index: int) -> Signal | None:
    """Send a factor to an input; what a constant holds found no input."""
    value = step.node.inputs[index]
    assert value is not None
    if step.varying(value):
        return Signal(step.unbroadcast(factor, index), value)
    if step.rests is not None:
        _leave(step, step.emit("Mul", factor, value))
    return None


def _leave(step: Step, relevance: ir.Value) -> None:
    """Report relevance that a constant holds, by place where the value has places."""
    if len(dims(step.output)) == 3 and -1 not in dims(step.output):
        step.leave(step.emit("ReduceSum", relevance, step.emit.ints(1), keepdims=0))
    else:
        step.leave_all(relevance)
