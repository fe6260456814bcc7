"""Rules of what moves, repeats or leaves out values and changes none of them."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from core.explain.axes import PLACES, cubic, linear, nearest, selection, spread
from core.explain.emit import Array, Signal, Signals, Step, UncoveredError, array_of, batch_axis, dims, sizes_of


def reshape(step: Step) -> Signals:
    """Flatten, Reshape, Squeeze, Unsqueeze: back to the input's shape."""
    return step.moved(lambda values: _shaped(step, values))


def transpose(step: Step) -> Signals:
    """Permute the axes back."""
    perm = step.node.attributes.get("perm")
    order = range(len(sizes_of(step.source)))[::-1] if perm is None else perm.as_ints()
    back = [int(i) for i in np.argsort(order)]
    return step.moved(lambda values: step.emit("Transpose", values, perm=back))


def concat(step: Step) -> Signals:
    """To each part its own. What a constant part holds (a class token) found no input."""
    emit, inputs = step.emit, [value for value in step.node.inputs if value is not None]
    axis = _axis(step, step.output)
    sizes = emit.ints(*_lengths(step, inputs, axis))
    signal = step.signal
    values = signal.factor if signal.value is None else step.factor()
    parts = emit.several("Split", [values, sizes], len(inputs), axis=axis)
    signals: list[Signal | None] = []
    for part, value in zip(parts, inputs, strict=True):
        varies = step.varying(value)
        signals.append(Signal(part, None if signal.value is None else value) if varies else None)
        if not varies and step.rests is not None:
            step.leave_all(part if signal.value is None else emit("Mul", part, value))
    return signals


def split(step: Step) -> Signals:
    """Parts side by side again, zeros where a part counts for nothing."""
    emit, axis = step.emit, _axis(step, step.source)
    outputs, signals = step.node.outputs, step.signals
    plain = any(signal is not None and signal.value is None for signal in signals)
    parts: list[ir.Value] = []
    missing = 0
    for output, signal in zip(outputs, signals, strict=True):
        if signal is None:
            missing += sizes_of(output)[axis]
            continue
        part = signal.relevance(emit) if plain else signal.factor_of(emit, output)
        parts.append(_padded(step, part, axis, missing, 0))
        missing = 0
    parts[-1] = _padded(step, parts[-1], axis, 0, missing)
    whole = emit("Concat", *parts, axis=axis) if len(parts) > 1 else parts[0]
    return step.relevant(whole) if plain else step.to(whole)


def cut(step: Step) -> Signals:
    """Slice: back to where the values stood, zeros elsewhere."""
    wanted, sizes = sliced(step.node), list(sizes_of(step.output))
    return step.moved(lambda values: _laid_back(step, values, sizes, wanted))


def sliced(node: ir.Node) -> dict[int, list[int]]:
    """Return the places of a Slice's input that its output holds, for each axis it cuts (the batch is axis 0)."""
    source, output = node.inputs[0], node.outputs[0]
    assert source is not None
    sizes = sizes_of(source)
    starts, steps = _known_ints(node, 1), _known_ints(node, 4)
    wanted: dict[int, list[int]] = {}
    for index, axis in enumerate(axis % len(sizes) for axis in _known_ints(node, 3) or range(len(starts))):
        stride, size, start = steps[index] if steps else 1, sizes[axis], starts[index]
        if size == -1:
            _refuse_some_pictures(node, index, stride)
            continue
        start = min(max(start + (size if start < 0 else 0), 0), size - 1 if stride < 0 else size)
        wanted[axis] = [start + stride * i for i in range(sizes_of(output)[axis])]
    return wanted


def gather(step: Step) -> Signals:
    """Constant indices along one axis: each value back to its place, repeated ones added up."""
    emit, sizes, axis = step.emit, sizes_of(step.source), _axis(step, step.source)
    indices = array_of(step.node.inputs[1])
    if indices is None or not step.varying(step.source):
        raise UncoveredError("only constant indices have a rule")
    chosen = [int(i) % sizes[axis] for i in indices.reshape(-1)]
    upright = [*sizes[:axis], len(chosen), *sizes[axis + 1 :]]

    def back(values: ir.Value) -> ir.Value:
        if indices.ndim != 1:
            values = emit("Reshape", values, emit.ints(*upright))
        return _laid_back(step, values, upright, {axis: chosen})

    return step.moved(back)


def pad(step: Step) -> Signals:
    """Cut the frame away; where it repeats the picture (reflect, edge, wrap), add it back.

    What a frame of another value than zero holds found no input.
    """
    emit, sizes = step.emit, sizes_of(step.source)
    mode = step.node.attributes["mode"].as_string() if "mode" in step.node.attributes else "constant"
    frame = _frame(step)
    if batch_axis(step.source) in frame:
        raise UncoveredError("it pads the batch")
    if mode == "constant":
        back = [-frame.get(axis, (0, 0))[end] for end in (0, 1) for axis in range(len(sizes))]
        signals = step.moved(lambda values: emit("Pad", values, emit.ints(*back)))
        _leave_frame(step, signals)
        return signals
    if any(min(ends) < 0 for ends in frame.values()):
        raise UncoveredError("a negative frame has a rule with constants alone")
    style = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}[mode]
    wanted = {
        axis: np.pad(np.arange(sizes[axis]), ends, mode=style).tolist()  # type: ignore[call-overload]
        for axis, ends in frame.items()
    }
    return step.moved(lambda values: _laid_back(step, values, list(sizes_of(step.output)), wanted))


def expand(step: Step) -> Signals:
    """Sum over the repetitions."""
    return step.moved(lambda values: step.unbroadcast(values, 0))


def tile(step: Step) -> Signals:
    """Sum over the repetitions, which lie behind each other."""
    emit, sizes = step.emit, sizes_of(step.source)
    repeats = array_of(step.node.inputs[1])
    batch = batch_axis(step.source)
    if repeats is None or (batch is not None and repeats[batch] != 1):
        raise UncoveredError("it may repeat pictures")
    apart = [n for repeat, size in zip(repeats, sizes, strict=True) for n in (int(repeat), size)]
    counts = [2 * axis for axis, repeat in enumerate(repeats) if repeat != 1]
    if not counts:
        return step.moved(lambda values: values)

    def summed(values: ir.Value) -> ir.Value:
        tall = emit("Reshape", values, emit.ints(*apart))
        return _shaped(step, emit("ReduceSum", tall, emit.ints(*counts), keepdims=0))

    return step.moved(summed)


def depth_to_space(step: Step) -> Signals:
    """Blocks of places back to channels."""
    emit, block = step.emit, step.node.attributes["blocksize"].as_int()
    mode = step.node.attributes["mode"].as_string() if "mode" in step.node.attributes else "DCR"
    if mode == "DCR":
        return step.moved(lambda values: emit("SpaceToDepth", values, blocksize=block))
    channels, rows, columns = dims(step.source)

    def back(values: ir.Value) -> ir.Value:
        apart = emit("Reshape", values, emit.ints(-1, channels // block**2, rows, block, columns, block))
        return _shaped(step, emit("Transpose", apart, perm=[0, 1, 3, 5, 2, 4]))

    return step.moved(back)


def space_to_depth(step: Step) -> Signals:
    """Channels back to blocks of places."""
    block = step.node.attributes["blocksize"].as_int()
    return step.moved(lambda values: step.emit("DepthToSpace", values, blocksize=block))


def resize(step: Step) -> Signals:
    """Each input by its weight in the interpolation, one axis after the other."""
    sizes, values = list(sizes_of(step.output)), step.factor()
    for axis, inputs in enumerate(sizes_of(step.source)):
        if inputs != sizes[axis]:
            values = spread(step.emit, values, sizes, axis, resizing(step.node, axis))
            sizes[axis] = inputs
    return step.to(values)


def resizing(node: ir.Node, axis: int) -> Array:
    """Return the matrix [inputs, outputs] of a Resize along one axis (the batch is axis 0)."""
    source = node.inputs[0]
    assert source is not None
    sizes = sizes_of(source)[axis], sizes_of(node.outputs[0])[axis]
    scales = array_of(node.inputs[2]) if len(node.inputs) > 2 else None
    listed = _resized_axes(node)
    scale = sizes[1] / sizes[0] if scales is None or not scales.size else float(scales[listed.index(axis)])
    texts = {
        name: value.as_string() for name, value in node.attributes.items() if value.type == ir.AttributeType.STRING
    }
    places, mode = texts.get("coordinate_transformation_mode", "half_pixel"), texts.get("mode", "nearest")
    unusual = any(
        name in node.attributes and node.attributes[name].as_int() for name in ("antialias", "exclude_outside")
    )
    if places not in PLACES or unusual or texts.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise UncoveredError("this way of resizing has no rule")
    if mode == "nearest":
        return nearest(sizes, scale, places, texts.get("nearest_mode", "round_prefer_floor"))
    if mode == "linear":
        return linear(sizes, scale, places)
    sharpness = node.attributes["cubic_coeff_a"].as_float() if "cubic_coeff_a" in node.attributes else -0.75
    return cubic(sizes, scale, places, sharpness)


def _resized_axes(node: ir.Node) -> list[int]:
    rank = len(dims(node.outputs[0])) + 1
    return (
        [axis % rank for axis in node.attributes["axes"].as_ints()] if "axes" in node.attributes else list(range(rank))
    )


def _shaped(step: Step, values: ir.Value) -> ir.Value:
    return step.emit("Reshape", values, step.emit.ints(*sizes_of(step.source)))


def _axis(step: Step, value: ir.Value) -> int:
    """The node's axis, which must not be the batch."""
    sizes = sizes_of(value)
    axis = step.node.attributes["axis"].as_int() % len(sizes) if "axis" in step.node.attributes else 0
    if sizes[axis] == -1:
        raise UncoveredError("it joins or parts pictures")
    return axis


def _lengths(step: Step, parts: Sequence[ir.Value], axis: int) -> list[int]:
    """How long each part of a Concat is; of one constant part that may follow from the others."""
    lengths = [int(size) if isinstance(size := (value.shape or [None] * 9)[axis], int) else -1 for value in parts]
    unknown = [index for index, length in enumerate(lengths) if length < 0]
    if len(unknown) > 1:
        raise UncoveredError("the sizes of its parts are not known")
    for index in unknown:
        lengths[index] = sizes_of(step.output)[axis] - sum(lengths) - 1
    return lengths


def _known_ints(node: ir.Node, index: int) -> list[int]:
    """A constant input's numbers; none where there is no such input."""
    if index >= len(node.inputs) or node.inputs[index] is None:
        return []
    array = array_of(node.inputs[index])
    if array is None:
        raise UncoveredError("only constant places have a rule")
    return [int(n) for n in array.reshape(-1)]


def _refuse_some_pictures(node: ir.Node, index: int, stride: int) -> None:
    """Let a slice through that keeps the batch as it is."""
    start, end = _known_ints(node, 1)[index], _known_ints(node, 2)[index]
    if start != 0 or stride != 1 or end < np.iinfo(np.int32).max:
        raise UncoveredError("it picks from the batch")


def _padded(step: Step, values: ir.Value, axis: int, before: int, after: int) -> ir.Value:
    """Zeros in front of and behind values along one axis."""
    if not before and not after:
        return values
    rank = len(sizes_of(step.source))
    ends = [before if a == axis else 0 for a in range(rank)] + [after if a == axis else 0 for a in range(rank)]
    return step.emit("Pad", values, step.emit.ints(*ends))


def _laid_back(step: Step, values: ir.Value, sizes: list[int], wanted: dict[int, list[int]]) -> ir.Value:
    """Bring values back to the input's places `wanted` of each axis: zeros elsewhere, what meets is added up."""
    emit, whole = step.emit, sizes_of(step.source)
    frame = np.zeros((2, len(whole)), int)
    for axis, chosen in wanted.items():
        inputs = whole[axis]
        if chosen == list(range(chosen[0], chosen[0] + len(chosen))):
            frame[:, axis] = chosen[0], inputs - chosen[-1] - 1
        elif sorted(chosen) == list(range(inputs)):
            back = emit.constant(np.argsort(chosen), np.int64)
            values = emit("Gather", values, back, axis=axis)
        else:
            values = spread(emit, values, sizes, axis, selection(inputs, chosen))
            sizes = [*sizes[:axis], inputs, *sizes[axis + 1 :]]
    return emit("Pad", values, emit.ints(*frame.reshape(-1).tolist())) if frame.any() else values


def _frame(step: Step) -> dict[int, tuple[int, int]]:
    """Places in front and behind along each padded axis."""
    rank = len(sizes_of(step.source))
    pads = _known_ints(step.node, 1)
    axes = [axis % rank for axis in _known_ints(step.node, 3)] or list(range(rank))
    ends = zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True)
    return {axis: (before, after) for axis, before, after in ends if before or after}


def _leave_frame(step: Step, signals: Sequence[Signal | None]) -> None:
    value = array_of(step.node.inputs[2]) if len(step.node.inputs) > 2 else None
    inner = signals[0]
    if step.rests is None or inner is None or (inner.value is not None and (value is None or not value.any())):
        return
    step.leave_all(step.signal.relevance(step.emit))
    step.leave_all(inner.relevance(step.emit), -1.0)
