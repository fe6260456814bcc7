"""Rules of what takes one value from many places: pools, averages, sums and extrema."""

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from core.explain.axes import spread
from core.explain.emit import Array, Emitter, Signals, Step, UncoveredError, array_of, batch_axis, dims, sizes_of
from core.explain.layers import windows_of
from core.explain.windows import Window

# Keeps the slope of a length at 0 finite.
SMALLEST = 1e-12


def max_pool(step: Step) -> Signals:
    """To the winner, the first one where several are equal."""
    emit, source = step.emit, step.source
    kernel = tuple(step.node.attributes["kernel_shape"].as_ints())
    windows = windows_of(step.node, kernel)
    indices = _indices(step)

    def unpool(values: ir.Value) -> ir.Value:
        batch = emit("Shape", values, start=0, end=1)
        places = emit("Add", indices, _offsets(emit, batch, source))
        if all(w.span <= w.stride for w in windows):
            whole = emit("Concat", batch, emit.ints(*dims(source)), axis=0)
            beyond = [max((w.outputs - 1) * w.stride + w.kernel - w.inputs, 0) for w in windows]
            slides = {"kernel_shape": list(kernel), "strides": [w.stride for w in windows]}
            slides["pads"] = [0] * len(windows) + beyond  # the last windows may reach beyond the input
            return emit("MaxUnpool", values, places, whole, **slides)
        flat = emit("ConstantOfShape", emit("Mul", batch, emit.ints(math.prod(dims(source)))))
        where, what = emit("Reshape", places, emit.ints(-1)), emit("Reshape", values, emit.ints(-1))
        scattered = emit("ScatterElements", flat, where, what, axis=0, reduction="add")
        return emit("Reshape", scattered, emit.ints(-1, *dims(source)))

    return step.moved(unpool)


def _indices(step: Step) -> ir.Value:
    """Let the node tell its winners: int64, counted through the whole batch."""
    node = step.node
    if len(node.outputs) == 1:
        node.resize_outputs(2)
        if "storage_order" in node.attributes:
            node.attributes["storage_order"] = ir.AttrInt64("storage_order", 0)
    elif "storage_order" in node.attributes and node.attributes["storage_order"].as_int():
        raise UncoveredError("places counted by columns have no rule")
    return node.outputs[1]


def _offsets(emit: Emitter, batch: ir.Value, source: ir.Value) -> ir.Value:
    """What to add to winners' indices: zeros, or for many seeds of one picture where each seed's copy begins."""

    def copies() -> ir.Value:
        alike = emit("Equal", batch, emit("Shape", source, start=0, end=1))
        counted = emit("Range", emit.constant(0, np.int64), emit("Squeeze", batch), emit.constant(1, np.int64))
        return emit("Where", alike, emit.ints(0), counted)

    begins = emit("Mul", emit.shared("copies of a picture", copies), emit.ints(math.prod(dims(source))))
    return emit("Reshape", begins, emit.ints(-1, *[1] * len(dims(source))))


def average_pool(step: Step) -> Signals:
    """Each input by its weight in the average."""
    attributes = step.node.attributes
    windows = windows_of(step.node, tuple(attributes["kernel_shape"].as_ints()))
    if all(w.tiles for w in windows):
        return step.to(_repeated(step, windows))
    padded = "count_include_pad" in attributes and bool(attributes["count_include_pad"].as_int())
    return step.to(along_axes(step, step.factor(), [w.average(padded) for w in windows]))


def reduce_mean(step: Step) -> Signals:
    """Average over whole axes (GlobalAveragePool, ReduceMean)."""
    sizes = sizes_of(step.source)
    return step.to(_laid_out(step, step.factor(), 1 / math.prod(sizes[axis] for axis in _reduced(step))))


def reduce_sum(step: Step) -> Signals:
    """Sum over whole axes."""
    return step.to(_laid_out(step, step.factor(), 1.0))


def reduce_length(step: Step) -> Signals:
    """Euclidean length over whole axes: d|x| = x / |x|."""
    emit = step.emit
    slope = emit("Div", step.factor(), emit("Max", step.output, emit.constant(SMALLEST)))
    return step.to(emit("Mul", _kept(step, slope), step.source))


def reduce_extremum(step: Step) -> Signals:
    """To the highest place (the lowest for ReduceMin), the first one where several are equal."""
    emit, sizes, axes = step.emit, sizes_of(step.source), _reduced(step)
    if not axes:
        return step.moved(lambda values: values)
    first, last = axes[0], axes[-1]
    if axes != list(range(first, last + 1)):
        raise UncoveredError("an extremum over axes that are apart has no rule")
    before, after, count = sizes[:first], sizes[last + 1 :], math.prod(sizes[first : last + 1])
    flat = emit("Reshape", step.source, emit.ints(*before, count, *after)) if last > first else step.source
    place = emit("ArgMin" if step.node.op_type == "ReduceMin" else "ArgMax", flat, axis=first, keepdims=1)
    numbers = emit.constant(np.arange(count).reshape(count, *[1] * len(after)), np.int64)
    won = emit("Equal", numbers, place)

    def to_winner(values: ir.Value) -> ir.Value:
        upright = emit("Reshape", values, emit.ints(*before, 1, *after))
        laid = emit("Where", won, upright, emit.constant(0.0))
        return emit("Reshape", laid, emit.ints(*sizes)) if last > first else laid

    return step.moved(to_winner)


def _repeated(step: Step, windows: Sequence[Window]) -> ir.Value:
    """Give every place of a tile the average's share: ONNX Runtime repeats places faster than it multiplies."""
    emit, strides = step.emit, [w.stride for w in windows]
    share = emit("Mul", step.factor(), emit.constant(1 / math.prod(strides)))
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return emit("Resize", share, None, emit.constant([1.0, 1.0, *strides]), **how)


def along_axes(step: Step, values: ir.Value, matrices: Sequence[Array]) -> ir.Value:
    """Spread values [..., outputs] to [..., inputs] with one matrix [inputs, outputs] for each of the last axes."""
    sizes = list(sizes_of(step.output))
    for axis, matrix in zip(range(len(sizes) - 1, 0, -1), reversed(matrices), strict=False):
        values = spread(step.emit, values, sizes, axis, matrix)
        sizes[axis] = matrix.shape[0]
    return values


def _kept(step: Step, values: ir.Value) -> ir.Value:
    """Give the axes that were reduced away back with size 1."""
    sizes, axes = sizes_of(step.source), _reduced(step)
    if len(sizes_of(step.output)) == len(sizes):
        return values
    kept = [1 if axis in axes else size for axis, size in enumerate(sizes)]
    return step.emit("Reshape", values, step.emit.ints(*kept))


def _laid_out(step: Step, values: ir.Value, scale: float) -> ir.Value:
    """Repeat values along the axes that were reduced, times a number."""
    sizes, axes = sizes_of(step.source), _reduced(step)
    area = [size if axis in axes else 1 for axis, size in enumerate(sizes)]
    return step.emit("Mul", _kept(step, values), step.emit.constant(np.full(area, scale, np.float32)))


def _reduced(step: Step) -> list[int]:
    """The axes that are reduced, in order."""
    rank = len(sizes_of(step.source))
    if step.node.op_type in ("GlobalAveragePool", "GlobalMaxPool"):
        return list(range(2, rank))
    given = step.node.inputs[1] if len(step.node.inputs) > 1 else None
    axes = array_of(given)
    if given is not None and axes is None:
        raise UncoveredError("only constant axes have a rule")
    if axes is None or not axes.size:
        attribute = step.node.attributes.get("noop_with_empty_axes")
        reduced = [] if attribute is not None and attribute.as_int() else list(range(rank))
    else:
        reduced = sorted({int(axis) % rank for axis in axes.reshape(-1)})
    if batch_axis(step.source) in reduced:
        raise UncoveredError("a value over the whole batch mixes pictures")
    return reduced
