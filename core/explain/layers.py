"""Layers with weights as linear maps that can be applied with other weights and transposed.

Rules are written once against `Layer` and serve convolutions and dense layers alike.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx_ir as ir

from core.explain.emit import Array, Emitter, UncoveredError, array_of, dims
from core.explain.windows import Window, resolve


class Layer(Protocol):
    """A linear map with constant weights."""

    @property
    def weight(self) -> Array:
        """The weights, in the node's own layout."""

    @property
    def bias(self) -> Array | None:
        """One value per output channel, or None."""

    @property
    def channels(self) -> int:
        """Number of output channels."""

    @property
    def placed(self) -> bool:
        """Whether `per_place` has places: [batch, height, width]. Else it is [batch]."""

    def apply(self, emit: Emitter, x: ir.Value, weight: Array, bias: Array | None) -> ir.Value:
        """Return the map of x with another weight and bias."""

    def transpose(self, emit: Emitter, s: ir.Value, weight: Array) -> ir.Value:
        """Return the transposed map of s with another weight."""

    def per_place(self, emit: Emitter, s: ir.Value) -> ir.Value:
        """Return the sum of s over its channels: [batch, height, width], or [batch] where places are not two axes."""

    def along_channels(self, values: Array) -> Array:
        """One value per output channel, shaped to multiply an output."""


class _Places:
    """What convolutions and their transposes share: channels in front, places behind."""

    windows: tuple[Window, ...]

    @property
    def placed(self) -> bool:
        """Whether the places are rows and columns."""
        return len(self.windows) == 2

    def per_place(self, emit: Emitter, s: ir.Value) -> ir.Value:
        """Sum over channels, and over places where these are no rows and columns."""
        return emit("ReduceSum", s if self.placed else emit("Flatten", s, axis=1), emit.ints(1), keepdims=0)

    def along_channels(self, values: Array) -> Array:
        """[channels, 1, 1]."""
        return values.reshape(-1, *[1] * len(self.windows))


@dataclass(frozen=True)
class Convolution(_Places):
    """Conv: weight [out, in / group, ...]."""

    weight: Array
    bias: Array | None
    group: int
    windows: tuple[Window, ...]

    @property
    def channels(self) -> int:
        """Out."""
        return int(self.weight.shape[0])

    def apply(self, emit: Emitter, x: ir.Value, weight: Array, bias: Array | None) -> ir.Value:
        """Return a convolution like the node's own."""
        pads = [w.before for w in self.windows] + [w.after for w in self.windows]
        return emit("Conv", x, *_constants(emit, weight, bias), **self._attributes(), pads=pads)

    def transpose(self, emit: Emitter, s: ir.Value, weight: Array, bias: Array | None = None) -> ir.Value:
        """With stride 1 a convolution with the flipped kernel, which ONNX Runtime does faster; else ConvTranspose."""
        befores = [w.span - 1 - w.before for w in self.windows]
        if all(w.stride == 1 for w in self.windows) and min(befores) >= 0:
            afters = [w.inputs + w.span - 1 - w.outputs - b for w, b in zip(self.windows, befores, strict=True)]
            if min(afters) >= 0:
                kernel = _constants(emit, flipped(weight, self.group), bias)
                return emit("Conv", s, *kernel, **self._attributes(), pads=befores + afters)
        pads = [w.before for w in self.windows] + [w.after for w in self.windows]
        reached = [(w.outputs - 1) * w.stride + w.span - w.before - w.after for w in self.windows]
        missing = [w.inputs - r for w, r in zip(self.windows, reached, strict=True)]
        kernel = _constants(emit, weight, bias)
        return emit("ConvTranspose", s, *kernel, **self._attributes(), pads=pads, output_padding=missing)

    def _attributes(self) -> dict[str, int | list[int]]:
        return {
            "group": self.group,
            "kernel_shape": [w.kernel for w in self.windows],
            "strides": [w.stride for w in self.windows],
            "dilations": [w.dilation for w in self.windows],
        }


@dataclass(frozen=True)
class TransposedConvolution(_Places):
    """ConvTranspose: weight [in, out / group, ...], that of a convolution from its outputs to its inputs.

    `windows` are that convolution's, so their inputs are this layer's outputs.
    """

    weight: Array
    bias: Array | None
    group: int
    windows: tuple[Window, ...]

    @property
    def channels(self) -> int:
        """Out."""
        return int(self.weight.shape[1]) * self.group

    def apply(self, emit: Emitter, x: ir.Value, weight: Array, bias: Array | None) -> ir.Value:
        """Return a transposed convolution like the node's own."""
        return Convolution(weight, None, self.group, self.windows).transpose(emit, x, weight, bias)

    def transpose(self, emit: Emitter, s: ir.Value, weight: Array) -> ir.Value:
        """Return the convolution that the node transposes."""
        return Convolution(weight, None, self.group, self.windows).apply(emit, s, weight, None)


@dataclass(frozen=True)
class Dense:
    """Gemm, or MatMul with a constant right side: weight [in, out]."""

    weight: Array
    bias: Array | None

    @property
    def channels(self) -> int:
        """Out."""
        return int(self.weight.shape[1])

    @property
    def placed(self) -> bool:
        """Never: what stands before the channels may be rows or tokens."""
        return False

    def apply(self, emit: Emitter, x: ir.Value, weight: Array, bias: Array | None) -> ir.Value:
        """Return a product like the node's own."""
        product = emit("MatMul", x, emit.constant(weight))
        return product if bias is None else emit("Add", product, emit.constant(bias))

    def transpose(self, emit: Emitter, s: ir.Value, weight: Array) -> ir.Value:
        """Return the product with the transposed weight."""
        return emit("MatMul", s, emit.constant(np.ascontiguousarray(weight.T)))

    def per_place(self, emit: Emitter, s: ir.Value) -> ir.Value:
        """Sum over everything but the batch."""
        return emit("ReduceSum", emit("Flatten", s, axis=1), emit.ints(1), keepdims=0)

    def along_channels(self, values: Array) -> Array:
        """[channels]."""
        return values


def _constants(emit: Emitter, weight: Array, bias: Array | None) -> tuple[ir.Value, ...]:
    return (emit.constant(weight),) if bias is None else (emit.constant(weight), emit.constant(bias))


def flipped(weight: Array, group: int) -> Array:
    """Return the transposed convolution's kernel: [out, in / group, ...] to [in, out / group, ...], axes reversed."""
    out, inside = weight.shape[:2]
    kernel = weight.shape[2:]
    grouped = weight.reshape(group, out // group, inside, *kernel).swapaxes(1, 2)
    axes = tuple(range(3, grouped.ndim))
    return np.flip(grouped, axes).reshape(group * inside, out // group, *kernel)


def layer_of(node: ir.Node) -> Layer:
    """Return the node's linear map. UncoveredError where its weight is computed."""
    if node.op_type == "Conv":
        return _convolution(node)
    return _transposed(node) if node.op_type == "ConvTranspose" else _dense(node)


def windows_of(node: ir.Node, kernel: tuple[int, ...]) -> tuple[Window, ...]:
    """How a Conv or pool node slides along each of its axes."""
    source, output = node.inputs[0], node.outputs[0]
    assert source is not None
    inputs, outputs = dims(source)[1:], dims(output)[1:]
    rank = len(kernel)
    strides, dilations = _ints(node, "strides", [1] * rank), _ints(node, "dilations", [1] * rank)
    pads = _ints(node, "pads", [0] * 2 * rank)
    auto_pad = node.attributes["auto_pad"].as_string() if "auto_pad" in node.attributes else "NOTSET"
    return tuple(
        resolve(auto_pad, (inputs[i], outputs[i]), kernel[i], strides[i], dilations[i], (pads[i], pads[i + rank]))
        for i in range(rank)
    )


def windows_back(node: ir.Node) -> tuple[Window, ...]:
    """How the convolution slides whose transpose a ConvTranspose is: from the node's output to its input."""
    source, output, weight = node.inputs[0], node.outputs[0], _constant(node, 1)
    assert source is not None
    assert weight is not None
    kernel = weight.shape[2:]
    rank = len(kernel)
    strides, dilations = _ints(node, "strides", [1] * rank), _ints(node, "dilations", [1] * rank)
    pads, extra = _ints(node, "pads", [0] * 2 * rank), _ints(node, "output_padding", [0] * rank)
    auto_pad = node.attributes["auto_pad"].as_string() if "auto_pad" in node.attributes else "NOTSET"
    windows = []
    for axis, (narrow, wide) in enumerate(zip(dims(source)[1:], dims(output)[1:], strict=True)):
        stride, dilation = strides[axis], dilations[axis]
        filled = (narrow - 1) * stride + dilation * (kernel[axis] - 1) + 1
        before = pads[axis]
        if auto_pad.startswith("SAME") or "output_shape" in node.attributes:
            # ONNX: what is cut off is what the size asked for leaves over; the odd one behind only with SAME_UPPER.
            cut = max(filled + extra[axis] - wide, 0)
            before = cut // 2 if auto_pad == "SAME_UPPER" else cut - cut // 2
        after = max(filled - wide - before, 0)
        if wide + before + after - filled >= stride:
            raise UncoveredError("an output padded by a stride or more has no rule")
        windows.append(Window(wide, narrow, kernel[axis], stride, dilation, before, after))
    return tuple(windows)


def _convolution(node: ir.Node) -> Convolution:
    weight = _constant(node, 1)
    assert weight is not None
    group = node.attributes["group"].as_int() if "group" in node.attributes else 1
    return Convolution(weight, _constant(node, 2), group, windows_of(node, weight.shape[2:]))


def _transposed(node: ir.Node) -> TransposedConvolution:
    weight = _constant(node, 1)
    assert weight is not None
    group = node.attributes["group"].as_int() if "group" in node.attributes else 1
    return TransposedConvolution(weight, _constant(node, 2), group, windows_back(node))


def _dense(node: ir.Node) -> Dense:
    weight = _constant(node, 1)
    assert weight is not None
    if weight.ndim != 2:
        raise UncoveredError("a constant factor with more than two axes has no rule")
    if node.op_type == "MatMul":
        return Dense(weight, None)
    if "transA" in node.attributes and node.attributes["transA"].as_int():
        raise UncoveredError("a transposed input mixes pictures")
    alpha, beta = (node.attributes[n].as_float() if n in node.attributes else 1.0 for n in ("alpha", "beta"))
    if "transB" in node.attributes and node.attributes["transB"].as_int():
        weight = weight.T
    bias = _constant(node, 2)
    width = weight.shape[1]
    return Dense(alpha * weight, None if bias is None else np.broadcast_to(beta * bias.reshape(-1), width).copy())


def _constant(node: ir.Node, index: int) -> Array | None:
    if index >= len(node.inputs) or node.inputs[index] is None:
        return None
    array = array_of(node.inputs[index])
    if array is None:
        raise UncoveredError("only constant weights have a rule")
    return array


def _ints(node: ir.Node, name: str, default: list[int]) -> list[int]:
    return list(node.attributes[name].as_ints()) if name in node.attributes else default
