"""Let the batch be any number, where that changes nothing for a single picture; find every size that is not the batch.

The graph is looked at for two batches of different prime size at once. What is equal in both is known; what differs
must be the batch, on one axis, as a multiple of it. A node that mixes pictures, or a constant that has a batch of its
own, leaves the model at the batch it was exported for.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import onnx_ir as ir

from core.explain.lift import MOVES, can_lift, is_misplaced, lift
from core.explain.sizes import FOLD_LIMIT, BatchMismatch, Fact, Sizes
from core.explain.surgery import initializer, insert, int_of, replace

TRIALS: Final = (5, 7)
# Operators that go along one axis, and where that is given: as an attribute with its default, or as that input.
ALONG: Final = {
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax", "LayerNormalization", "RMSNormalization", "TopK"), -1),
    **dict.fromkeys(("Concat", "ArgMax", "ArgMin", "Gather", "Split"), 0),
}
# Operators of which all that could mix pictures is looked for here. A model exported for a fixed batch is freed only
# if it has no others; one exported for any batch is believed.
KNOWN: Final = frozenset(
    {"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Where", "Equal", "Less", "Greater", "Not"}
    | {"And", "Relu", "LeakyRelu", "PRelu", "Clip", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish"}
    | {"Swish", "Gelu", "Mish", "Softplus", "Softsign", "Tanh", "Erf", "Exp", "Log", "Sqrt", "Abs", "Neg", "Sign"}
    | {"Reciprocal", "Floor", "Ceil", "Round", "Cast", "CastLike", "Identity", "Dropout", "Constant", "Shape", "Size"}
    | {"ConstantOfShape", "Conv", "ConvTranspose", "Gemm", "MatMul", "MaxPool", "AveragePool", "GlobalAveragePool"}
    | {"GlobalMaxPool", "LpPool", "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LRN"}
    | {"Resize", "Pad", "Transpose", "Expand", "Slice", "DepthToSpace", "SpaceToDepth", "Range", "Tile"}
    | {*MOVES, *ALONG}
    | {f"Reduce{name}" for name in ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSumExp")}
)


def settle(graph: ir.Graph, face: ir.Value) -> int | None:
    """Write the shape of every value, and constants in place of what sizes give.

    Returns the batch that the model is bound to, None where it is free.
    """
    assert face.shape is not None
    declared = face.shape[0] if isinstance(face.shape[0], int) and face.shape[0] > 0 else None
    if declared is None:
        try:
            Trial(graph, None).run()
        except BatchMismatch:
            pass  # said to be free, but written for one picture
        else:
            face.shape = ir.Shape(["batch", *list(face.shape)[1:]])
            return None
    trial = Trial(graph, declared or 1)
    try:
        trial.run()
    except BatchMismatch:
        trial.undo()
    else:
        face.shape = ir.Shape(["batch", *list(face.shape)[1:]])
        return None
    _write_fixed(graph, face, declared or 1)
    return declared or 1


def _write_fixed(graph: ir.Graph, face: ir.Value, batch: int) -> None:
    face.shape = ir.Shape([batch, *list(face.shape or ())[1:]])
    sizes = Sizes(graph, batch, FOLD_LIMIT).visit_all()
    for node in list(graph):
        for output in node.outputs:
            if output in sizes.facts:
                fact = sizes.facts[output]
                output.shape, output.type = ir.Shape(fact.shape), ir.TensorType(fact.dtype)
        _write_constant(graph, node, sizes.facts.get(node.outputs[0]))


def _write_constant(graph: ir.Graph, node: ir.Node, fact: Fact | None) -> None:
    if fact is not None and fact.array is not None and len(node.outputs) == 1:
        replace(node, initializer(graph, fact.array, f"{node.outputs[0].name}_folded"))


def _place(sizes: list[int], before: int, batch: int) -> int | None:
    """Which axis of a target holds the batch, so many elements standing before it; None if none can.

    An axis that begins there, but not the last of several, which holds a layer's numbers; else one it lies within.
    """
    if 0 in sizes:
        return None
    starts = [math.prod(sizes[:place]) for place in range(len(sizes))]
    exact = [place for place, start in enumerate(starts) if start == before and sizes[place] % batch == 0]
    if exact and (exact[0] < len(sizes) - 1 or len(sizes) == 1):
        return exact[0]
    fits = (before % start == 0 and sizes[place] % (before // start * batch) == 0 for place, start in enumerate(starts))
    within = [place for place, fit in enumerate(fits) if fit and place < len(sizes) - 1]
    return within[-1] if within else exact[0] if exact else None


class Trial:
    """One attempt at a free batch.

    Parameters
    ----------
    fixed
        The batch for which the model was exported: sizes that are written for it are rewritten. None: none are.
    """

    def __init__(self, graph: ir.Graph, fixed: int | None) -> None:
        self.graph, self.fixed = graph, fixed
        self.first, self.second = (Sizes(graph, batch, FOLD_LIMIT) for batch in TRIALS)
        self.as_exported = None if fixed is None else Sizes(graph, fixed)
        self.undone: list[Callable[[], object]] = []
        # Where an axis is a product of the batch and others: how many times those stand before the batch.
        self.leading: dict[ir.Value, int] = {}

    def run(self) -> None:
        """Visit every node and write what was found. BatchMismatch where the batch cannot be free."""
        for node in list(self.graph):
            if self.as_exported is not None:
                self.as_exported.visit(node)
                self._retarget(node)
                self._repeat_constants(node)
            self._visit(node)
        self._refuse_unliftable()
        for node in list(self.graph):
            self._write(node)
        lift(self.graph)

    def undo(self) -> None:
        """Take back what was rewritten."""
        for step in reversed(self.undone):
            step()

    def axis(self, value: ir.Value | None) -> int | None:
        """The axis on which a value's pictures are, None for a value that is the same for every batch."""
        if value is None:
            return None
        one, two = self.first[value].shape, self.second[value].shape
        axes = [axis for axis, (a, b) in enumerate(zip(one, two, strict=False)) if a != b]
        if len(one) != len(two) or len(axes) > 1:
            raise BatchMismatch(f"The shape of '{value.name}' depends on the batch in more than one place.")
        if axes and (one[axes[0]] % TRIALS[0] or one[axes[0]] // TRIALS[0] * TRIALS[1] != two[axes[0]]):
            raise BatchMismatch(f"The size of '{value.name}' is no multiple of the batch.")
        return axes[0] if axes else None

    def times(self, value: ir.Value) -> int:
        """How many times the batch stands on that axis."""
        axis = self.axis(value)
        return 1 if axis is None else self.first[value].shape[axis] // TRIALS[0]

    def _refuse_unliftable(self) -> None:
        """Pictures elsewhere than on the first axis are brought there, which not every operator allows."""

        def known(value: ir.Value) -> bool:
            return self._is_same(value)

        for node in self.graph:
            values = [value for value in (*node.inputs, *node.outputs) if value is not None]
            visited = [value for value in values if value in self.first.facts]
            misplaced = any(is_misplaced(self._symbols(value)) for value in visited)
            if misplaced and not can_lift(node, lambda value: self.axis(value) is not None, known):
                what = f"Node '{node.name}' ({node.op_type})"
                raise BatchMismatch(f"{what} has its pictures on another axis than the first.")

    def _visit(self, node: ir.Node) -> None:
        self.first.visit(node)
        self.second.visit(node)
        placed = [value for value in node.inputs if value is not None and self.axis(value) is not None]
        if not placed or node.op_type in ("Shape", "Size"):
            return
        for output in node.outputs:
            if output in self.first.facts and self.first.facts[output].array is None:
                self._refuse_mixing(node, placed, output)

    def _refuse_mixing(self, node: ir.Node, placed: list[ir.Value], output: ir.Value) -> None:
        mixes = BatchMismatch(f"Node '{node.name}' ({node.op_type}) mixes the pictures of a batch.")
        if self.axis(output) is None or (self.fixed is not None and node.op_type not in KNOWN):
            raise mixes
        first = placed[0]
        axis, now = self.axis(first), self.axis(output)
        assert axis is not None
        assert now is not None
        if node.op_type in MOVES:
            before = math.prod(self.first[first].shape[:axis]) * self.leading.get(first, 1)
            leading, rest = divmod(before, math.prod(self.first[output].shape[:now]))
            if rest or not leading or self.times(output) % leading:
                raise mixes
            self.leading[output] = leading
            return
        merged = {(self.times(value), self.leading.get(value, 1)) for value in placed}
        if self.times(output) != self.times(first) or len(merged) > 1:
            raise mixes
        self.leading[output] = self.leading.get(first, 1)
        rank = len(self.first[first].shape)
        if node.op_type in ALONG:
            along = int_of(node, "axis", ALONG[node.op_type]) % rank
            if along == axis or (node.op_type.endswith("LayerNormalization") and along <= axis):
                raise mixes
        if node.op_type == "Slice" and axis in self._stepped(node, rank):
            raise mixes

    def _stepped(self, node: ir.Node, rank: int) -> set[int]:
        """Axes along which a Slice goes backwards or in steps."""
        starts, axes, steps = (
            self.first[value].array if len(node.inputs) > index and (value := node.inputs[index]) is not None else None
            for index in (1, 3, 4)
        )
        if steps is None or (steps == 1).all():
            return set()
        if starts is None:
            return set(range(rank))
        return set(range(len(starts))) if axes is None else {int(axis) % rank for axis in axes}

    def _retarget(self, node: ir.Node) -> None:
        """A constant target written for the exported batch: let it follow the batch, where pictures stay apart."""
        assert self.as_exported is not None
        if node.op_type != "Reshape" or node.inputs[0] is None or node.inputs[1] is None:
            return
        source, target = node.inputs[0], node.inputs[1]
        axis = self.axis(source)
        if axis is None or self.axis(target) is not None or not self._is_same(target):
            return
        before = math.prod(self.as_exported[source].shape[:axis]) * self.leading.get(source, 1)
        sizes = list(self.as_exported[node.outputs[0]].shape)
        place = _place(sizes, before, self.fixed or 1)
        if place is None:
            raise BatchMismatch(f"Node '{node.name}' (Reshape) merges the pictures of a batch.")
        sizes[place] = -1
        free = initializer(self.graph, np.array(sizes, np.int64), "reshape_target")
        node.replace_input_with(1, free)
        self.undone.append(lambda: node.replace_input_with(1, target))

    def _is_same(self, value: ir.Value) -> bool:
        """Whether a value is known, and the same for both batches."""
        one, two = self.first[value].array, self.second[value].array
        return one is not None and two is not None and np.array_equal(one, two)

    def _repeat_constants(self, node: ir.Node) -> None:
        """Concat with a constant that is the same for every picture (a transformer's class token): repeat it."""
        leading = next((value for value in node.inputs if value is not None and self.axis(value) is not None), None)
        if node.op_type != "Concat" or leading is None:
            return
        axis, rank = self.axis(leading), len(self.first[leading].shape)
        assert axis is not None
        if axis == node.attributes["axis"].as_int() % rank:
            return
        for index, value in enumerate(node.inputs):
            array = None if value is None or self.axis(value) is not None else self.first[value].array
            if array is not None and array.shape[axis] == self.fixed and (array == array.take([0], axis)).all():
                self._repeat(node, index, initializer(self.graph, array.take([0], axis), "repeated"), leading, axis)

    def _repeat(self, node: ir.Node, index: int, value: ir.Value, leading: ir.Value, axis: int) -> None:
        rank, old = len(self.first[leading].shape), node.inputs[index]
        count = insert(node, "Shape", [leading], start=axis, end=axis + 1)
        ones = [initializer(self.graph, np.ones(n, np.int64), "ones") for n in (axis, rank - axis - 1)]
        target = insert(node, "Concat", [ones[0], count, ones[1]], axis=0)
        repeated = insert(node, "Expand", [value, target])
        made = [output.producer() for output in (count, target, repeated)]
        for number, output in enumerate((count, target, repeated)):
            output.name = f"{node.outputs[0].name}_repeat_{index}_{number}"
        for each in made:
            assert each is not None
            for sizes in (self.first, self.second, self.as_exported):
                assert sizes is not None
                sizes.visit(each)
        node.replace_input_with(index, repeated)

        def undo() -> None:
            node.replace_input_with(index, old)
            self.graph.remove([each for each in reversed(made) if each is not None])

        self.undone.append(undo)

    def _write(self, node: ir.Node) -> None:
        for output in node.outputs:
            if output in self.first.facts:
                output.shape = ir.Shape(self._symbols(output))
                output.type = ir.TensorType(self.first[output].dtype)
        output = node.outputs[0]
        if output not in self.first.facts:
            return
        if self._is_same(output):
            _write_constant(self.graph, node, self.first[output])
        elif node.op_type == "Reshape" and self.axis(output) is not None:
            target = [size if isinstance(size, int) else -1 for size in self._symbols(output)]
            if 0 not in target:
                node.replace_input_with(1, initializer(self.graph, np.array(target, np.int64), "reshape_target"))

    def _symbols(self, value: ir.Value) -> list[int | str]:
        sizes: list[int | str] = list(self.first[value].shape)
        axis, times = self.axis(value), self.times(value)
        if axis is not None:
            sizes[axis] = "batch" if times == 1 else f"{times}*batch"
        return sizes
