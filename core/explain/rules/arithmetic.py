"""Rules of sums, differences, products and quotients."""

from core.explain.emit import Signal, Signals, Step, dims


def add(step: Step) -> Signals:
    """Pass the factor to each part of a sum. A constant part is a bias: its relevance has no input."""
    return _sum(step, (1, 1))


def subtract(step: Step) -> Signals:
    """Pass the factor to one part of a difference and its negative to the other."""
    return _sum(step, (1, -1))


def multiply(step: Step) -> Signals:
    """Scale by a constant."""
    index = _computed(step)
    scaled = step.emit("Mul", step.factor(), step.known(1 - index))
    return step.to(step.unbroadcast(scaled, index), index)


def divide(step: Step) -> Signals:
    """Divide by a constant."""
    scaled = step.emit("Div", step.factor(), step.known(1))
    return step.to(step.unbroadcast(scaled, 0), 0)


def cast(step: Step) -> Signals:
    """Pass the factor: the values stay what they are, and signals are float32 throughout."""
    return step.to(step.factor())


def unchanged(step: Step) -> Signals:
    """Pass relevance through the pixels' own scale and shift: it belongs to the pixel, whatever its zero point."""
    index = _computed(step)
    return step.relevant(step.unbroadcast(step.signal.relevance(step.emit), index), index)


def _computed(step: Step) -> int:
    """Return the index of the first input that depends on the picture."""
    return next(i for i, value in enumerate(step.node.inputs) if value is not None and step.varying(value))


def _sum(step: Step, signs: tuple[int, int]) -> Signals:
    factor = step.factor()
    signals: list[Signal | None] = []
    for index, (value, sign) in enumerate(zip(step.node.inputs, signs, strict=True)):
        assert value is not None
        signed = factor if sign > 0 else step.emit("Neg", factor)
        if step.varying(value):
            signals.append(Signal(step.unbroadcast(signed, index), value))
            continue
        signals.append(None)
        if step.rests is not None:
            part = step.emit("Mul", signed, value)
            whole = part if len(dims(step.output)) == 3 else step.emit("Flatten", part, axis=1)
            step.leave(step.emit("ReduceSum", whole, step.emit.ints(1), keepdims=0))
    return signals
