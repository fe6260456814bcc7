"""Bring pictures to the first axis where a network keeps them on another, or merged with one.

Transformers as exporters write them do both: [3, batch, heads, tokens, width], [tokens, batch, width],
[batch * heads, tokens, tokens], [batch * windows, ...]. Such a value becomes [batch, *its shape for one picture], and
the nodes around it do for every picture what they did for one.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import onnx_ir as ir

from core.explain.emit import array_of
from core.explain.surgery import float_of, initializer, insert, int_of, ints_of, remove_attribute

ELEMENTWISE: Final = frozenset(
    {"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Where", "Relu", "LeakyRelu", "Clip", "Elu", "Sigmoid"}
    | {"HardSwish", "HardSigmoid", "Swish", "Gelu", "Mish", "Softplus", "Tanh", "Erf", "Exp", "Log", "Sqrt", "Abs"}
    | {"Neg", "Reciprocal", "Cast", "Identity", "Dropout", "Sum", "Mean"}
)
MOVES: Final = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze"})
ALONG: Final = {"Softmax": -1, "LogSoftmax": -1, "LayerNormalization": -1, "Concat": 0, "Gather": 0, "Split": 0}
REDUCTIONS: Final = frozenset(f"Reduce{name}" for name in ("Sum", "Mean", "Max", "Min", "L1", "L2", "SumSquare"))


def is_misplaced(sizes: list[int | str]) -> bool:
    """Whether a shape has its batch elsewhere than on the first axis, or a multiple of it there."""
    return any(isinstance(size, str) for size in sizes[1:]) or (bool(sizes) and str(sizes[0]).endswith("*batch"))


def can_lift(node: ir.Node, placed: Callable[[ir.Value], bool], known: Callable[[ir.Value], bool]) -> bool:
    """Whether a node has a form for pictures on the first axis.

    Parameters
    ----------
    placed
        Whether a value has a batch.
    known
        Whether a value is the same for every batch, and known.
    """
    inputs = [value for value in node.inputs if value is not None]
    operator = node.op_type
    if operator in ELEMENTWISE | MOVES | {"MatMul", "Transpose", "Shape"}:
        return True
    if operator == "Concat":
        return all(placed(value) for value in inputs)
    if operator in ("Gather", "Split", "Slice") or operator in REDUCTIONS:
        given = len(inputs) > 1 or operator == "Split"
        return given and placed(inputs[0]) and all(known(value) for value in inputs[1:])
    if operator == "Gemm":
        plain = float_of(node, "alpha", 1.0) == 1 and float_of(node, "beta", 1.0) == 1 and not int_of(node, "transA", 0)
        return plain and known(inputs[1]) and not any(placed(value) for value in inputs[2:])
    return operator in ALONG


def lift(graph: ir.Graph) -> None:
    """Rewrite every node around a misplaced value; all of them must be liftable, and all shapes be written."""
    shapes = {value: _sizes(value) for node in graph for value in (*node.inputs, *node.outputs) if value is not None}
    misplaced = {value for value, sizes in shapes.items() if is_misplaced(sizes)}
    for node in list(graph):
        touched = any(value in misplaced for value in (*node.inputs, *node.outputs))
        if touched and node.op_type != "Shape":
            _Lift(graph, node, shapes, misplaced).run()


def _sizes(value: ir.Value) -> list[int | str]:
    return [size if isinstance(size, int) else str(size) for size in value.shape or ()]


def _has_batch(sizes: list[int | str]) -> bool:
    return any(isinstance(size, str) for size in sizes)


def _for_one(sizes: list[int | str]) -> list[int]:
    """A shape for one picture."""
    return [size if isinstance(size, int) else 1 if size == "batch" else int(size.split("*")[0]) for size in sizes]


class _Lift:
    """One node. `shapes` are those before lifting; a misplaced value already has its new shape when it is used."""

    def __init__(
        self, graph: ir.Graph, node: ir.Node, shapes: dict[ir.Value, list[int | str]], misplaced: set[ir.Value]
    ) -> None:
        self.graph, self.node, self.shapes, self.misplaced = graph, node, shapes, misplaced

    def run(self) -> None:
        """Rewrite the node."""
        node, outputs = self.node, list(self.node.outputs)
        ranks = [len(self.shapes[value]) for value in node.inputs if value is not None]
        widest = max(ranks) if node.op_type in ELEMENTWISE or node.op_type == "MatMul" else 0
        for index, value in enumerate(list(node.inputs)):
            if value is not None and node.op_type not in MOVES and _has_batch(self.shapes[value]):
                node.replace_input_with(index, self._lifted(value, widest))
        self._shift(ranks[0])
        for output in outputs:
            self._settle(output)

    def _lifted(self, value: ir.Value, rank: int) -> ir.Value:
        """A value with the pictures on the first axis, the others as they are for one picture."""
        one = _for_one(self.shapes[value])
        target = [1] * (rank - len(one)) + one
        if value in self.misplaced and len(target) == len(one):
            return value
        return self._reshaped(value, target)

    def _reshaped(self, value: ir.Value, target: list[int]) -> ir.Value:
        sizes = initializer(self.graph, np.array([-1, *target], np.int64), f"{value.name}_for_each_picture")
        made = insert(self.node, "Reshape", [value, sizes])
        made.shape, made.type = ir.Shape(["batch", *target]), value.type
        return made

    def _shift(self, rank: int) -> None:
        """Let what names axes name those behind the new one."""
        node, operator = self.node, self.node.op_type
        if operator in MOVES:
            target = np.array([-1, *_for_one(self.shapes[node.outputs[0]])], np.int64)
            node.op_type = "Reshape"
            for name in list(node.attributes):
                remove_attribute(node, name)
            node.resize_inputs(2)
            node.replace_input_with(1, initializer(self.graph, target, "reshape_target"))
        elif operator == "Transpose":
            perm = ints_of(node, "perm") or list(reversed(range(rank)))
            node.attributes["perm"] = ir.AttrInt64s("perm", [0, *(axis + 1 for axis in perm)])
        elif operator in ALONG:
            axis = int_of(node, "axis", ALONG[operator]) % rank
            node.attributes["axis"] = ir.AttrInt64("axis", axis + 1)
        elif operator == "Gemm":
            self._write_product()
        elif operator in REDUCTIONS:
            self._shift_input(1, rank)
        elif operator == "Slice":
            if len(node.inputs) < 4 or node.inputs[3] is None:
                node.resize_inputs(max(len(node.inputs), 4))
                starts = array_of(node.inputs[1])
                assert starts is not None
                node.replace_input_with(3, initializer(self.graph, np.arange(len(starts)), "axes"))
            self._shift_input(3, rank)

    def _write_product(self) -> None:
        """Gemm takes matrices alone; MatMul takes one for each picture."""
        node, weight = self.node, array_of(self.node.inputs[1])
        assert weight is not None
        if int_of(node, "transB", 0):
            node.replace_input_with(1, initializer(self.graph, weight.T, f"{node.inputs[1].name}_turned"))  # type: ignore[union-attr]
        bias, output = node.inputs[2] if len(node.inputs) > 2 else None, node.outputs[0]
        for name in list(node.attributes):
            remove_attribute(node, name)
        node.op_type = "MatMul"
        node.resize_inputs(2)
        if bias is not None:
            product = insert(node, "MatMul", list(node.inputs))
            product.type, product.shape = output.type, ir.Shape(["batch", *_for_one(self.shapes[output])])
            node.op_type = "Add"
            node.replace_input_with(0, product)
            node.replace_input_with(1, bias)

    def _shift_input(self, index: int, rank: int) -> None:
        axes = array_of(self.node.inputs[index])
        assert axes is not None
        shifted = np.array([int(axis) % rank + 1 for axis in axes], np.int64)
        self.node.replace_input_with(index, initializer(self.graph, shifted, "axes"))

    def _settle(self, output: ir.Value) -> None:
        """Write the output's new shape, or bring it back to [batch, ...] where that is what it was."""
        sizes = self.shapes[output]
        one = _for_one(sizes)
        if output in self.misplaced:
            output.shape = ir.Shape(["batch", *one])
            return
        if self.node.op_type == "Reshape":  # can give that shape itself
            target = np.array([-1, *one[1:]], np.int64)
            self.node.replace_input_with(1, initializer(self.graph, target, "reshape_target"))
            return
        rows = initializer(self.graph, np.array([-1, *one[1:]], np.int64), f"{output.name}_rows")
        back = ir.Node("", "Reshape", [output, rows], [])
        self.graph.insert_after(self.node, back)
        value = back.outputs[0]
        value.shape, value.type = ir.Shape(sizes), output.type
        output.replace_all_uses_with(value, replace_graph_outputs=True)
        back.replace_input_with(0, output)
        value.name, output.name = output.name, f"{output.name}_for_each_picture"
        output.shape = ir.Shape(["batch", *one])
        self.shapes[value] = sizes
