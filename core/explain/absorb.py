"""Fold what stands around a layer into its weights: batch norm, constant scales and shifts, padding with zeros."""

from typing import Final

import numpy as np
import onnx_ir as ir

from core.errors import GraphInvalid
from core.explain.emit import Array, array_of, dims
from core.explain.surgery import alone, float_of, initializer, insert, int_of, ints_of, remove_attribute, replace

LAYERS: Final = ("Conv", "ConvTranspose", "Gemm", "MatMul")
# What may stand between the pixels and the first weight: a norm there scales pixels, and stays what it is.
BEFORE_WEIGHTS: Final = frozenset({"Cast", "Sub", "Add", "Mul", "Div", "Transpose", "Reshape", "Squeeze", "Unsqueeze"})


def absorb(graph: ir.Graph, face: ir.Value) -> None:
    """Fold what can be folded exactly; batch norm with no layer beside it becomes a scale and a shift."""
    for node in list(graph):
        if node.op_type in ("Add", "Sub", "Mul", "Div"):
            _fold_constant(graph, node)
        elif node.op_type == "BatchNormalization":
            _fold_norm(graph, node, face)
        elif node.op_type in ("Conv", "AveragePool"):
            _fold_pad(node)


def _fold_constant(graph: ir.Graph, node: ir.Node) -> None:
    """A layer's result plus, minus, times or over one constant per channel."""
    swaps = node.op_type in ("Add", "Mul")
    for index in (0, 1) if swaps else (0,):
        layer, array = alone(node.inputs[index], LAYERS), array_of(node.inputs[1 - index])
        values = None if layer is None or array is None else _per_channel(layer, array)
        if layer is None or values is None or (node.op_type == "Div" and not values.all()):
            continue
        one, zero = np.ones_like(values), np.zeros_like(values)
        scale, shift = {
            "Add": (one, values),
            "Sub": (one, -values),
            "Mul": (values, zero),
            "Div": (one / values if node.op_type == "Div" else one, zero),
        }[node.op_type]
        _absorb_affine(graph, layer, scale, shift)
        replace(node, layer.outputs[0])
        return


def _channel_axis_of_weight(layer: ir.Node) -> int | None:
    """Axis of a layer's output channels in its weight; None where they are not on one axis or nothing is constant."""
    weight = array_of(layer.inputs[1])
    if weight is None or (len(layer.inputs) > 2 and layer.inputs[2] is not None and array_of(layer.inputs[2]) is None):
        return None
    if layer.op_type == "Conv":
        return 0
    if layer.op_type == "ConvTranspose":
        return 1 if int_of(layer, "group", 1) == 1 else None
    if layer.op_type == "Gemm":
        plain = float_of(layer, "alpha", 1.0) == 1 and float_of(layer, "beta", 1.0) == 1
        return (0 if int_of(layer, "transB", 0) else 1) if plain else None
    return 1 if weight.ndim == 2 and len(dims(layer.outputs[0])) == 1 else None


def _per_channel(layer: ir.Node, array: Array) -> Array | None:
    """Return the array as float64 [channels], or None if it has more than one number per output channel."""
    axis = _channel_axis_of_weight(layer)
    weight, sizes = array_of(layer.inputs[1]), dims(layer.outputs[0])
    if axis is None or weight is None:
        return None
    channels = weight.shape[axis]
    whole = (1, channels, *[1] * (len(sizes) - 1))
    if array.size not in (1, channels) or array.ndim > len(whole) or np.broadcast_shapes(array.shape, whole) != whole:
        return None
    return np.broadcast_to(np.asarray(array, np.float64).reshape(-1), channels).copy()


def _absorb_affine(graph: ir.Graph, layer: ir.Node, scale: Array, shift: Array) -> None:
    weight, axis, name = array_of(layer.inputs[1]), _channel_axis_of_weight(layer), layer.outputs[0].name
    assert weight is not None
    assert axis is not None
    old = array_of(layer.inputs[2]) if len(layer.inputs) > 2 else None
    bias = (0 if old is None else np.asarray(old, np.float64).reshape(-1)) * scale + shift
    if (scale != 1).any():
        along = [1] * weight.ndim
        along[axis] = -1
        folded = weight * scale.astype(np.float32).reshape(along)
        layer.replace_input_with(1, initializer(graph, folded.astype(weight.dtype), f"{name}_weight"))
    if old is not None or (bias != 0).any():
        layer.resize_inputs(3)
        layer.replace_input_with(2, initializer(graph, bias.astype(weight.dtype), f"{name}_bias"))
        if layer.op_type == "MatMul":
            layer.op_type = "Gemm"


def _fold_norm(graph: ir.Graph, node: ir.Node, face: ir.Value) -> None:
    """Into the layer before; into an unpadded convolution behind; else a scale and a shift."""
    if int_of(node, "training_mode", 0):
        raise GraphInvalid(f"Batch norm '{node.name}' is in training mode; export the model for inference.")
    scale, shift = _statistics(node)
    layer = alone(node.inputs[0], LAYERS)
    if layer is not None and _channel_axis_of_weight(layer) is not None:
        _absorb_affine(graph, layer, scale, shift)
        replace(node, layer.outputs[0])
        return
    behind = _unpadded_behind(node.outputs[0])
    if behind is not None and not _is_pixels(node.inputs[0], face):
        _absorb_before(graph, behind, scale, shift)
        replace(node, node.inputs[0])  # type: ignore[arg-type]
    else:
        _write_affine(graph, node, scale, shift)


def _statistics(node: ir.Node) -> tuple[Array, Array]:
    """Scale and shift of a batch norm in inference: float64 [channels]."""
    arrays = [array_of(value) for value in node.inputs[1:5]]
    if any(array is None for array in arrays):
        raise GraphInvalid(f"Batch norm '{node.name}' computes its statistics; only constant ones are read.")
    gain, offset, mean, variance = (np.asarray(array, np.float64) for array in arrays)
    if not (variance >= 0).all():
        raise GraphInvalid(f"Batch norm '{node.name}' has a variance below zero, or none that is a number.")
    scale = gain / np.sqrt(variance + float_of(node, "epsilon", 1e-5))
    return scale, offset - mean * scale


def _unpadded_behind(value: ir.Value) -> ir.Node | None:
    """The only user of a value, if it is a convolution with constant weights that sees no padding."""
    users = list(value.uses())
    if len(users) != 1 or value.is_graph_output() or users[0].idx != 0 or users[0].node.op_type != "Conv":
        return None
    layer = users[0].node
    automatic = layer.attributes["auto_pad"].as_string() if "auto_pad" in layer.attributes else "NOTSET"
    padded = automatic.startswith("SAME") or (automatic == "NOTSET" and any(ints_of(layer, "pads")))
    return None if padded or _channel_axis_of_weight(layer) is None else layer


def _is_pixels(value: ir.Value | None, face: ir.Value) -> bool:
    while value is not None and value is not face:
        node = value.producer()
        if node is None or node.op_type not in BEFORE_WEIGHTS:
            return False
        value = next((each for each in node.inputs if each is not None and array_of(each) is None), None)
    return value is face


def _absorb_before(graph: ir.Graph, layer: ir.Node, scale: Array, shift: Array) -> None:
    """Let a convolution take ``scale x + shift`` for x: W (s x + t) + b = (W s) x + (W t + b)."""
    weight, name, group = array_of(layer.inputs[1]), layer.outputs[0].name, int_of(layer, "group", 1)
    assert weight is not None
    rest = [1] * (weight.ndim - 2)
    parts = np.split(weight.astype(np.float64), group)
    scales, shifts = np.split(scale, group), np.split(shift, group)
    folded = np.concatenate([part * s.reshape(1, -1, *rest) for part, s in zip(parts, scales, strict=True)])
    moved = [
        (part * t.reshape(1, -1, *rest)).reshape(len(part), -1).sum(1) for part, t in zip(parts, shifts, strict=True)
    ]
    old = array_of(layer.inputs[2]) if len(layer.inputs) > 2 else None
    bias = np.concatenate(moved) + (0 if old is None else old)
    layer.resize_inputs(3)
    layer.replace_input_with(1, initializer(graph, folded.astype(weight.dtype), f"{name}_weight"))
    layer.replace_input_with(2, initializer(graph, bias.astype(weight.dtype), f"{name}_bias"))


def _write_affine(graph: ir.Graph, node: ir.Node, scale: Array, shift: Array) -> None:
    source, output = node.inputs[0], node.outputs[0]
    assert source is not None
    name, tail = output.name, (-1, *[1] * (len(dims(output)) - 1))
    gain = initializer(graph, scale.astype(np.float32).reshape(tail), f"{name}_scale")
    offset = initializer(graph, shift.astype(np.float32).reshape(tail), f"{name}_shift")
    product = insert(node, "Mul", [source, gain])
    total = insert(node, "Add", [product, offset])
    for value in (product, total):
        value.shape, value.type = output.shape, output.type
    product.name, output.name, total.name = f"{name}_scaled", f"{name}_norm", name
    replace(node, total)


def _fold_pad(layer: ir.Node) -> None:
    """Zeros written around a picture by a node of its own become the padding of the layer behind it."""
    pad = alone(layer.inputs[0], ("Pad",))
    if pad is None or not _pads_with_zeros(pad):
        return
    rank, pads = len(dims(pad.outputs[0])) + 1, array_of(pad.inputs[1])
    axes = array_of(pad.inputs[3]) if len(pad.inputs) > 3 else np.arange(rank)
    automatic = layer.attributes["auto_pad"].as_string() if "auto_pad" in layer.attributes else "NOTSET"
    if pads is None or axes is None or automatic.startswith("SAME"):
        return
    added = np.zeros((2, rank), np.int64)
    added[:, [int(axis) % rank for axis in axes]] = pads.reshape(2, -1)
    if added[:, :2].any() or (added < 0).any():
        return
    old = np.array(ints_of(layer, "pads") or [0] * (2 * (rank - 2)), np.int64).reshape(2, -1)
    if layer.op_type == "AveragePool":
        if int_of(layer, "ceil_mode", 0) or (old.any() and not int_of(layer, "count_include_pad", 0)):
            return
        kernel = ints_of(layer, "kernel_shape")
        if ((old + added[:, 2:]) >= np.array(kernel)).any():
            return  # ONNX Runtime wants paddings below the kernel's size
        layer.attributes["count_include_pad"] = ir.AttrInt64("count_include_pad", 1)
    remove_attribute(layer, "auto_pad")
    layer.attributes["pads"] = ir.AttrInt64s("pads", [int(size) for size in (old + added[:, 2:]).reshape(-1)])
    layer.replace_input_with(0, pad.inputs[0])
    assert pad.graph is not None
    pad.graph.remove(pad)


def _pads_with_zeros(pad: ir.Node) -> bool:
    mode = pad.attributes["mode"].as_string() if "mode" in pad.attributes else "constant"
    filling = pad.inputs[2] if len(pad.inputs) > 2 else None
    value = np.zeros(1) if filling is None else array_of(filling)
    return mode == "constant" and value is not None and not value.any()
