"""Rules of what moves values and changes none of them."""

import numpy as np

from core.explain.emit import Signal, Signals, Step, dims


def reshape(step: Step) -> Signals:
    """Flatten, Reshape, Squeeze, Unsqueeze: back to the input's shape. Relevance stays relevance."""
    target = step.emit.ints(0, *dims(step.source))
    if step.signal.value is None:
        return step.relevant(step.emit("Reshape", step.signal.factor, target))
    return step.to(step.emit("Reshape", step.factor(), target))


def transpose(step: Step) -> Signals:
    """Permute the axes back."""
    order = [int(i) for i in np.argsort(step.node.attributes["perm"].as_ints())]
    if step.signal.value is None:
        return step.relevant(step.emit("Transpose", step.signal.factor, perm=order))
    return step.to(step.emit("Transpose", step.factor(), perm=order))


def concat(step: Step) -> Signals:
    """To each part its own."""
    emit, inputs = step.emit, [value for value in step.node.inputs if value is not None]
    axis = step.node.attributes["axis"].as_int() % (len(dims(step.output)) + 1)
    sizes = emit.ints(*(dims(value)[axis - 1] for value in inputs))
    parts = emit.several("Split", [step.factor(), sizes], len(inputs), axis=axis)
    return [Signal(part, value) for part, value in zip(parts, inputs, strict=True)]
