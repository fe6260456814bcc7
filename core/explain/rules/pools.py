"""Rules of what takes one value from many places: pools and averages."""

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from core.explain.emit import Array, Signals, Step, UncoveredError, array_of, dims
from core.explain.layers import windows_of
from core.explain.windows import Window


def max_pool(step: Step) -> Signals:
    """To the winner, the first one where several are equal."""
    emit, source = step.emit, step.source
    kernel = tuple(step.node.attributes["kernel_shape"].as_ints())
    windows = windows_of(step.node, kernel)
    if len(step.node.outputs) == 1:
        step.node.resize_outputs(2)
    indices = step.node.outputs[1]
    if all(w.span <= w.stride for w in windows):
        pads = {"kernel_shape": list(kernel), "strides": [w.stride for w in windows]}
        return step.to(emit("MaxUnpool", step.factor(), indices, emit("Shape", source), **pads))
    flat = emit("ConstantOfShape", emit("Reshape", emit("Size", source), emit.ints(1)))
    where, what = emit("Reshape", indices, emit.ints(-1)), emit("Reshape", step.factor(), emit.ints(-1))
    scattered = emit("ScatterElements", flat, where, what, axis=0, reduction="add")
    return step.to(emit("Reshape", scattered, emit.ints(-1, *dims(source))))


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
    source = step.source
    sizes, axes = dims(source), _reduced(step)
    kept = [1 if axis in axes else size for axis, size in enumerate(sizes, start=1)]
    factor = step.factor()
    if len(dims(step.output)) != len(sizes):
        factor = step.emit("Reshape", factor, step.emit.ints(0, *kept))
    area = [size if axis in axes else 1 for axis, size in enumerate(sizes, start=1)]
    return step.to(step.emit("Mul", factor, step.emit.constant(np.full(area, 1 / np.prod(area), np.float32))))


def _repeated(step: Step, windows: Sequence[Window]) -> ir.Value:
    """Give every place of a tile the average's share: ONNX Runtime repeats places faster than it multiplies."""
    emit, strides = step.emit, [w.stride for w in windows]
    share = emit("Mul", step.factor(), emit.constant(1 / math.prod(strides)))
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return emit("Resize", share, None, emit.constant([1.0, 1.0, *strides]), **how)


def along_axes(step: Step, values: ir.Value, matrices: Sequence[Array]) -> ir.Value:
    """Spread values [..., outputs] to [..., inputs] with one matrix [inputs, outputs] for each of the last axes."""
    emit = step.emit
    spread = emit("MatMul", values, emit.constant(np.ascontiguousarray(matrices[-1].T)))
    return spread if len(matrices) == 1 else emit("MatMul", emit.constant(matrices[0]), spread)


def _reduced(step: Step) -> set[int]:
    rank = len(dims(step.source)) + 1
    if step.node.op_type == "GlobalAveragePool":
        return set(range(2, rank))
    axes = array_of(step.node.inputs[1]) if len(step.node.inputs) > 1 else None
    reduced = set(range(rank)) if axes is None else {int(axis) % rank for axis in axes}
    if 0 in reduced:
        raise UncoveredError("an average over the batch mixes pictures")
    return reduced
