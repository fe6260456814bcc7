"""What exporters compute from constants and sizes, computed here: plain numpy, and only operators that are named below.

Nothing runs that loops or that makes much of little: the caller knows a result's size before it is made.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx_ir as ir

from core.explain.emit import Array
from core.explain.surgery import int_of, ints_of

Inputs = Sequence[Array | None]
Fold = Callable[[ir.Node, Inputs], Array]


def fold(node: ir.Node, inputs: Inputs) -> Array | None:
    """Return the node's first output, or None for an operator that is not in the table or a use it does not cover."""
    if node.op_type not in FOLDS:
        return None
    try:
        with np.errstate(all="ignore"):
            return np.asarray(FOLDS[node.op_type](node, inputs))
    except (ValueError, TypeError, IndexError, ArithmeticError):
        return None  # then it is left to ONNX Runtime, which says what is wrong


def _given(inputs: Inputs, index: int) -> Array | None:
    return inputs[index] if index < len(inputs) else None


def _needed(inputs: Inputs, index: int) -> Array:
    array = _given(inputs, index)
    if array is None:
        raise ValueError("a needed input is missing")
    return array


def _plain(function: Callable[..., Any]) -> Fold:
    """Operator whose numpy twin takes the same inputs."""
    return lambda _, inputs: np.asarray(function(*(_needed(inputs, i) for i in range(len(inputs)))))


def _kept(function: Callable[..., Any]) -> Fold:
    """Do the same, with the result in the first input's type (numpy widens some)."""
    return lambda _, inputs: np.asarray(
        function(*(_needed(inputs, i) for i in range(len(inputs)))), _needed(inputs, 0).dtype
    )


def _many(function: Callable[[Array, Array], Any]) -> Fold:
    def run(node: ir.Node, inputs: Inputs) -> Array:
        total = _needed(inputs, 0)
        for index in range(1, len(inputs)):
            total = np.asarray(function(total, _needed(inputs, index)))
        return total

    return run


def _divide(node: ir.Node, inputs: Inputs) -> Array:
    over, under = _needed(inputs, 0), _needed(inputs, 1)
    if over.dtype.kind in "iu":
        if not under.all():
            raise ValueError("division by zero")
        return np.asarray(np.sign(over) * np.sign(under) * (np.abs(over) // np.abs(under)), over.dtype)
    return np.asarray(over / under)


def _modulo(node: ir.Node, inputs: Inputs) -> Array:
    function = np.fmod if int_of(node, "fmod", 0) else np.mod
    return np.asarray(function(_needed(inputs, 0), _needed(inputs, 1)))


def _cast(node: ir.Node, inputs: Inputs) -> Array:
    return _needed(inputs, 0).astype(ir.DataType(node.attributes["to"].as_int()).numpy())


def _axes(node: ir.Node, inputs: Inputs) -> tuple[int, ...] | None:
    given = _given(inputs, 1)
    return None if given is None else tuple(int(axis) for axis in given.reshape(-1))


def _reshape(node: ir.Node, inputs: Inputs) -> Array:
    array, target = _needed(inputs, 0), [int(size) for size in _needed(inputs, 1)]
    if not int_of(node, "allowzero", 0):
        target = [array.shape[i] if size == 0 else size for i, size in enumerate(target)]
    return array.reshape(target)


def _unsqueeze(node: ir.Node, inputs: Inputs) -> Array:
    return np.expand_dims(_needed(inputs, 0), _axes(node, inputs) or ())


def _flatten(node: ir.Node, inputs: Inputs) -> Array:
    array, axis = _needed(inputs, 0), int_of(node, "axis", 1)
    head = int(np.prod(array.shape[: axis if axis >= 0 else axis + array.ndim], dtype=np.int64))
    return array.reshape(head, -1)


def _transpose(node: ir.Node, inputs: Inputs) -> Array:
    return _needed(inputs, 0).transpose(ints_of(node, "perm") or None)


def _concat(node: ir.Node, inputs: Inputs) -> Array:
    return np.concatenate([_needed(inputs, i) for i in range(len(inputs))], int_of(node, "axis", 0))


def _gather(node: ir.Node, inputs: Inputs) -> Array:
    return np.take(_needed(inputs, 0), _needed(inputs, 1), axis=int_of(node, "axis", 0))


def _slice(node: ir.Node, inputs: Inputs) -> Array:
    array, starts, ends = (_needed(inputs, i) for i in range(3))
    axes, steps = _given(inputs, 3), _given(inputs, 4)
    chosen = range(len(starts)) if axes is None else [int(axis) for axis in axes]
    cuts = [slice(None)] * array.ndim
    for place, axis in enumerate(chosen):
        step = 1 if steps is None else int(steps[place])
        start, end = int(starts[place]), int(ends[place])
        # A step back that ends before the first element: numpy says None, ONNX any number below -size.
        cuts[axis] = slice(start, None if step < 0 and end < -array.shape[axis] else end, step)
    return array[tuple(cuts)]


def _expand(node: ir.Node, inputs: Inputs) -> Array:
    array, target = _needed(inputs, 0), tuple(int(size) for size in _needed(inputs, 1))
    return np.broadcast_to(array, np.broadcast_shapes(array.shape, target))


def _constant_of_shape(node: ir.Node, inputs: Inputs) -> Array:
    filling = node.attributes["value"].as_tensor().numpy() if "value" in node.attributes else np.zeros(1, np.float32)
    return np.full([int(size) for size in _needed(inputs, 0)], filling.reshape(-1)[0])


def _reduce(function: Callable[..., Any]) -> Fold:
    def run(node: ir.Node, inputs: Inputs) -> Array:
        array, axes = _needed(inputs, 0), _axes(node, inputs)
        if not axes and int_of(node, "noop_with_empty_axes", 0):
            return array
        return np.asarray(function(array, axis=axes or None, keepdims=bool(int_of(node, "keepdims", 1))), array.dtype)

    return run


FOLDS: Final[Mapping[str, Fold]] = {
    "Add": _plain(np.add),
    "Sub": _plain(np.subtract),
    "Mul": _plain(np.multiply),
    "Div": _divide,
    "Mod": _modulo,
    "Pow": _kept(np.power),
    "Neg": _plain(np.negative),
    "Abs": _plain(np.abs),
    "Sign": _kept(np.sign),
    "Sqrt": _kept(np.sqrt),
    "Exp": _kept(np.exp),
    "Log": _kept(np.log),
    "Floor": _kept(np.floor),
    "Ceil": _kept(np.ceil),
    "Reciprocal": _kept(np.reciprocal),
    "Tanh": _kept(np.tanh),
    "Relu": _kept(lambda x: np.maximum(x, 0)),
    "Sum": _many(np.add),
    "Min": _many(np.minimum),
    "Max": _many(np.maximum),
    "Equal": _plain(np.equal),
    "Less": _plain(np.less),
    "LessOrEqual": _plain(np.less_equal),
    "Greater": _plain(np.greater),
    "GreaterOrEqual": _plain(np.greater_equal),
    "Not": _plain(np.logical_not),
    "And": _plain(np.logical_and),
    "Or": _plain(np.logical_or),
    "Where": _plain(np.where),
    "Identity": _plain(np.asarray),
    "Range": _kept(np.arange),
    "Tile": _plain(np.tile),
    "MatMul": _plain(np.matmul),
    "Cast": _cast,
    "Reshape": _reshape,
    "Squeeze": lambda node, inputs: _needed(inputs, 0).squeeze(_axes(node, inputs)),
    "Unsqueeze": _unsqueeze,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "Expand": _expand,
    "ConstantOfShape": _constant_of_shape,
    "ReduceSum": _reduce(np.sum),
    "ReduceMean": _reduce(np.mean),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceProd": _reduce(np.prod),
}
