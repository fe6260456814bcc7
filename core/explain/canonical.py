"""Composite operators written as the primitives they are made of, so that the rules need few.

Exporters write most of them so themselves; the forms here are the ones they use.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import onnx_ir as ir

from core.errors import GraphInvalid
from core.explain.emit import Attribute, array_of
from core.explain.surgery import float_of, initializer, insert, int_of, ints_of, replace

# What changes nothing where the shape stays the same.
SHAPING: Final = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile"})


def canonise(graph: ir.Graph) -> None:
    """Rewrite every operator that FORMS names, and drop what does nothing. Shapes must be known."""
    for node in list(graph):
        if node.op_type in FORMS and node.outputs[0].shape is not None:
            written = FORMS[node.op_type](Writer(graph, node))
            if written is not None:
                _rename(node.outputs[0], written)
                replace(node, written)
    for node in list(graph):
        source = node.inputs[0] if node.inputs else None
        if source is not None and _does_nothing(node, source):
            replace(node, source)


def _rename(old: ir.Value, new: ir.Value) -> None:
    """Let the new value go by the old one's name: people ask for layers by name."""
    if new.producer() is not None and new is not old:
        name = old.name
        old.name = f"{name}_composite"
        new.name = name


class Writer:
    """Writes nodes in place of one node.

    Parameters
    ----------
    graph
        Where the constants go.
    node
        The node to be replaced.
    """

    def __init__(self, graph: ir.Graph, node: ir.Node) -> None:
        self.graph, self.node, self.count = graph, node, 0

    @property
    def source(self) -> ir.Value:
        """The node's first input."""
        source = self.node.inputs[0]
        assert source is not None
        return source

    @property
    def sizes(self) -> list[int | str]:
        """The first input's sizes; the batch is a name where it is free."""
        assert self.source.shape is not None
        return [size if isinstance(size, int) else str(size) for size in self.source.shape]

    def __call__(
        self, operator: str, *inputs: ir.Value, sizes: Sequence[int | str] | None = None, **attributes: Attribute
    ) -> ir.Value:
        """Write a node whose output has those sizes, or else its first input's."""
        value = insert(self.node, operator, inputs, **attributes)
        producer = value.producer()
        assert producer is not None
        self.count += 1
        value.name = f"{self.node.outputs[0].name}_{operator}_{self.count}"
        producer.name = f"{self.node.name}_{operator}_{self.count}"
        value.shape = ir.Shape(list(inputs[0].shape or ()) if sizes is None else sizes)
        value.type = inputs[0].type
        return value

    def number(self, value: float) -> ir.Value:
        """A constant scalar."""
        return initializer(self.graph, np.array(value, np.float32), f"{self.node.outputs[0].name}_number")

    def ints(self, numbers: Sequence[int]) -> ir.Value:
        """A constant vector of whole numbers."""
        return initializer(self.graph, np.array(numbers, np.int64), f"{self.node.outputs[0].name}_ints")

    def input(self, index: int) -> ir.Value | None:
        """An input, None where it is left out."""
        return self.node.inputs[index] if index < len(self.node.inputs) else None

    def mean(self, x: ir.Value, axes: Sequence[int]) -> ir.Value:
        """The mean over axes, which stay with size 1."""
        sizes = [1 if axis in axes else size for axis, size in enumerate(x.shape or ())]
        return self("ReduceMean", x, self.ints(axes), sizes=_named(sizes), keepdims=1)

    def normalised(self, x: ir.Value, axes: Sequence[int], epsilon: float, centred: bool = True) -> ir.Value:
        """``(x - mean) / sqrt(mean((x - mean)^2) + epsilon)`` over axes."""
        away = self("Sub", x, self.mean(x, axes)) if centred else x
        spread = self.mean(self("Mul", away, away), axes)
        return self("Div", away, self("Sqrt", self("Add", spread, self.number(epsilon))))

    def affine(
        self, x: ir.Value, scale: ir.Value | None, shift: ir.Value | None, tail: Sequence[int] | None
    ) -> ir.Value:
        """Scale and shift, both reshaped to `tail` if it is given."""
        for operator, factor in (("Mul", scale), ("Add", shift)):
            if factor is not None:
                x = self(operator, x, factor if tail is None else self.reshaped(factor, tail))
        return x

    def reshaped(self, value: ir.Value, tail: Sequence[int]) -> ir.Value:
        """A vector in another shape."""
        array = array_of(value)
        if array is not None:
            return initializer(self.graph, array.reshape(tail), f"{value.name}_reshaped")
        (size,) = value.shape or (1,)
        return self("Reshape", value, self.ints(tail), sizes=_named([size if axis == -1 else 1 for axis in tail]))


def _named(sizes: Sequence[object]) -> list[int | str]:
    return [size if isinstance(size, int) else str(size) for size in sizes]


def _hard_swish(write: Writer) -> ir.Value:
    """``x HardSigmoid(x)``; Howard et al. 2019."""
    return write("Mul", write.source, write("HardSigmoid", write.source, alpha=1 / 6, beta=0.5))


def _mish(write: Writer) -> ir.Value:
    """``x tanh(softplus(x))``; Misra 2019."""
    return write("Mul", write.source, write("Tanh", write("Softplus", write.source)))


def _gelu(write: Writer) -> ir.Value:
    """``x (1 + erf(x / sqrt 2)) / 2``, or its approximation by tanh; Hendrycks & Gimpel 2016."""
    x, attributes = write.source, write.node.attributes
    if "approximate" in attributes and attributes["approximate"].as_string() == "tanh":
        cubed = write("Mul", write("Mul", write("Mul", x, x), x), write.number(0.044715))
        gate = write("Tanh", write("Mul", write("Add", x, cubed), write.number(math.sqrt(2 / math.pi))))
    else:
        gate = write("Erf", write("Mul", x, write.number(math.sqrt(0.5))))
    return write("Mul", write("Mul", x, write("Add", gate, write.number(1.0))), write.number(0.5))


def _layer_norm(write: Writer) -> ir.Value | None:
    if any(output.uses() for output in write.node.outputs[1:]):
        return None
    rank = len(write.sizes)
    axes = list(range(int_of(write.node, "axis", -1) % rank, rank))
    even = write.normalised(write.source, axes, float_of(write.node, "epsilon", 1e-5))
    return write.affine(even, write.input(1), write.input(2), None)


def _rms_norm(write: Writer) -> ir.Value:
    rank = len(write.sizes)
    axes = list(range(int_of(write.node, "axis", -1) % rank, rank))
    even = write.normalised(write.source, axes, float_of(write.node, "epsilon", 1e-5), centred=False)
    return write.affine(even, write.input(1), None, None)


def _instance_norm(write: Writer) -> ir.Value:
    rank = len(write.sizes)
    even = write.normalised(write.source, list(range(2, rank)), float_of(write.node, "epsilon", 1e-5))
    return write.affine(even, write.input(1), write.input(2), [-1, *[1] * (rank - 2)])


def _group_norm(write: Writer) -> ir.Value:
    """Groups of channels are normalised together; scale and bias are per channel (Wu & He 2018)."""
    sizes, groups = write.sizes, write.node.attributes["num_groups"].as_int()
    inside = [int(size) for size in sizes[1:]]
    apart = [sizes[0], groups, math.prod(inside) // groups]
    x = write("Reshape", write.source, write.ints([-1, *apart[1:]]), sizes=apart)  # type: ignore[list-item]
    even = write.normalised(x, [2], float_of(write.node, "epsilon", 1e-5))
    whole = write("Reshape", even, write.ints([-1, *inside]), sizes=sizes)
    return write.affine(whole, write.input(1), write.input(2), [-1, *[1] * (len(inside) - 1)])


def _mean(write: Writer) -> ir.Value:
    """The mean of several values: a chain of additions, and a scale."""
    parts = [value for value in write.node.inputs if value is not None]
    total = parts[0]
    for part in parts[1:]:
        shape = np.broadcast_shapes(*([_unnamed(each) for each in (total, part)]))
        total = write("Add", total, part, sizes=_batched(shape, write))
    return write("Mul", total, write.number(1 / len(parts)))


_STAND_IN = 1_000_003  # for a free batch: a size that no layer has


def _unnamed(value: ir.Value) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else _STAND_IN for size in value.shape or ())


def _batched(shape: Sequence[int], write: Writer) -> list[int | str]:
    name = next((str(size) for size in write.node.outputs[0].shape or () if not isinstance(size, int)), "batch")
    return [name if size == _STAND_IN else size for size in shape]


def _attention(write: Writer) -> ir.Value | None:
    """Softmax(Q K^T scale) V for heads on their own axis, without mask or memory; Vaswani et al. 2017."""
    node = write.node
    key, value = write.input(1), write.input(2)
    if key is None or value is None or len(write.sizes) != 4 or any(each is not None for each in node.inputs[3:]):
        return None
    if int_of(node, "is_causal", 0) or float_of(node, "softcap", 0.0) or any(each.uses() for each in node.outputs[1:]):
        return None
    (_, heads, _, width), sizes = write.sizes, _named(list(key.shape or ()))
    if sizes[1] != heads or not isinstance(width, int):
        return None  # heads that share keys
    turned = write("Transpose", key, sizes=[*sizes[:2], sizes[3], sizes[2]], perm=[0, 1, 3, 2])
    scaled = write("Mul", write.source, write.number(float_of(node, "scale", width**-0.5)))
    weight = write("Softmax", write("MatMul", scaled, turned, sizes=[*write.sizes[:3], sizes[2]]), axis=-1)
    return write("MatMul", weight, value, sizes=_named(list(node.outputs[0].shape or ())))


def _power(write: Writer) -> ir.Value | None:
    """Powers that exporters write for squares, cubes and roots."""
    exponent = array_of(write.input(1))
    if exponent is None or exponent.size != 1:
        return None
    x, power = write.source, float(exponent.reshape(-1)[0])
    if power == 2:
        return write("Mul", x, x)
    if power == 3:
        return write("Mul", write("Mul", x, x), x)
    return write("Sqrt", x) if power == 0.5 else None


def _norm(write: Writer) -> ir.Value | None:
    """ReduceSumSquare and ReduceL1."""
    x, operator = write.source, write.node.op_type
    inside = write("Abs", x) if operator == "ReduceL1" else write("Mul", x, x)
    axes = write.input(1)
    attributes = {
        name: int_of(write.node, name, default) for name, default in (("keepdims", 1), ("noop_with_empty_axes", 0))
    }
    inputs = [inside] if axes is None else [inside, axes]
    return write("ReduceSum", *inputs, sizes=_named(list(write.node.outputs[0].shape or ())), **attributes)


def _unit_length(write: Writer) -> ir.Value | None:
    """LpNormalization of order 2; its operator adds nothing below the root."""
    if int_of(write.node, "p", 2) != 2:
        return None
    axis, x = int_of(write.node, "axis", -1) % len(write.sizes), write.source
    sizes = [1 if place == axis else size for place, size in enumerate(write.sizes)]
    total = write("ReduceSum", write("Mul", x, x), write.ints([axis]), sizes=sizes, keepdims=1)
    return write("Div", x, write("Sqrt", total))


def _gather(write: Writer) -> ir.Value | None:
    """One place, or places behind each other, of an axis: a slice, the axis dropped where one number is given."""
    chosen = array_of(write.input(1))
    if chosen is None or chosen.ndim > 1 or chosen.size == 0:
        return None
    axis = int_of(write.node, "axis", 0) % len(write.sizes)
    whole = write.sizes[axis]
    if not isinstance(whole, int) or array_of(write.source) is not None:
        return None
    places = [int(place) % whole for place in chosen.reshape(-1)]
    if places != list(range(places[0], places[0] + len(places))):
        return None
    sizes = [len(places) if place == axis else size for place, size in enumerate(write.sizes)]
    starts, ends, axes = write.ints([places[0]]), write.ints([places[-1] + 1]), write.ints([axis])
    part = write("Slice", write.source, starts, ends, axes, sizes=sizes)
    if chosen.ndim == 1:
        return part
    return write("Squeeze", part, write.ints([axis]), sizes=sizes[:axis] + sizes[axis + 1 :])


def _split(write: Writer) -> None:
    """Let every Split name its sizes."""
    node, axis = write.node, int_of(write.node, "axis", 0) % len(write.sizes)
    if write.input(1) is None and all(output.shape is not None for output in node.outputs):
        sizes = [output.shape[axis] for output in node.outputs if output.shape is not None]
        if all(isinstance(size, int) for size in sizes):
            node.resize_inputs(2)
            node.replace_input_with(1, write.ints([int(size) for size in sizes]))  # type: ignore[arg-type]
            if "num_outputs" in node.attributes:
                del node.attributes["num_outputs"]


def _softmax_of_old(write: Writer) -> ir.Value | None:
    """Reshape(Softmax(Flatten(x))), as softmax was before operator set 13, where it ran over one axis."""
    node = write.node
    inner = node.inputs[0].producer() if node.inputs[0] is not None else None
    if inner is None or inner.op_type not in ("Softmax", "LogSoftmax", "Hardmax") or inner.inputs[0] is None:
        return None
    flat = inner.inputs[0].producer()
    x = flat.inputs[0] if flat is not None and flat.op_type == "Flatten" else None
    if (
        flat is None
        or x is None
        or x.shape is None
        or x.shape != node.outputs[0].shape
        or len(inner.outputs[0].uses()) > 1
    ):
        return None
    first = int_of(flat, "axis", 1) % max(len(x.shape), 1)
    wide = [axis for axis in range(first, len(x.shape)) if x.shape[axis] != 1]
    if len(wide) > 1 or first == 0 or len(inner.outputs[0].uses()) > 1:
        return None
    return write(inner.op_type, x, axis=wide[0] if wide else len(x.shape) - 1)


def _does_nothing(node: ir.Node, source: ir.Value) -> bool:  # noqa: PLR0911 - a table
    output = node.outputs[0]
    same = source.shape is not None and source.shape == output.shape
    match node.op_type:
        case "Identity":
            return True
        case "Dropout":
            _refuse_training(node)
            return not (len(node.outputs) > 1 and (node.outputs[1].uses() or node.outputs[1].is_graph_output()))
        case "Cast":
            return source.dtype is not None and source.dtype == node.attributes["to"].as_int()
        case "Concat" | "Sum" | "Max" | "Min":
            return len(node.inputs) == 1
        case "Split":
            return len(node.outputs) == 1
        case "Transpose":
            perm = ints_of(node, "perm")
            return perm == sorted(perm) and bool(perm)
        case "Slice":
            steps = array_of(node.inputs[4]) if len(node.inputs) > 4 else np.ones(1)
            return same and steps is not None and bool((steps == 1).all())
        case "Pad":
            pads = array_of(node.inputs[1])
            return pads is not None and not pads.any()
        case _:
            return same and node.op_type in SHAPING


def _refuse_training(node: ir.Node) -> None:
    training = array_of(node.inputs[2]) if len(node.inputs) > 2 else None
    if training is not None and training.any():
        raise GraphInvalid(f"Dropout '{node.name}' is in training mode; export the model for inference.")


FORMS: Final[Mapping[str, Callable[[Writer], ir.Value | None]]] = {
    "HardSwish": _hard_swish,
    "Mish": _mish,
    "Gelu": _gelu,
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm,
    "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
    "LpNormalization": _unit_length,
    "Mean": _mean,
    "Attention": _attention,
    "Pow": _power,
    "ReduceL1": _norm,
    "ReduceSumSquare": _norm,
    "Gather": _gather,
    "Split": _split,
    "Reshape": _softmax_of_old,
}
