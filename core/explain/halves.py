"""A model that begins with linear layers, cut behind them: what leads up to the first bend, and all the rest.

Up to its first activation most networks of points do nothing but choose, scale and add with weights. Along a straight
line of inputs that part's output is a straight line too, so whoever walks such a line needs to run only the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from core.explain.emit import dims
from core.explain.graph import Classifier, carriers, read
from core.explain.surgery import initializer

HIDDEN: Final = "hidden"  # the input of the rest

# Linear in one value, with a constant or without.
_OF_ONE: Final = frozenset(
    {"Identity", "Neg", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Gather", "Split"}
    | {"Pad", "Expand", "Tile", "ReduceSum", "ReduceMean", "AveragePool", "GlobalAveragePool"}
    | {"Conv", "Gemm", "MatMul", "Mul", "Div"}
)
# Linear in all of their values together.
_OF_SEVERAL: Final = frozenset({"Add", "Sub", "Sum", "Concat"})


@dataclass(frozen=True)
class Halves:
    """Both parts of a model.

    Attributes
    ----------
    linear
        From the model's own input to `size` numbers in one row.
    rest
        From `hidden` float32 [batch, 1, size], those numbers, to the logits.
    """

    linear: ir.Model
    rest: ir.Model
    size: int


def halves(source: bytes | Path) -> Halves | None:
    """Cut a model behind its linear beginning; None where it has none. GraphInvalid where it cannot be read."""
    classifier = read(source)
    bends = _bends(classifier)
    if classifier.face in bends or not bends or not all(map(_is_row_by_row, bends)):
        return None
    size, first = sum(map(_count, bends)), read(source)
    return Halves(_linear(first, _bends(first)), _rest(classifier, bends), size)


def _bends(classifier: Classifier) -> list[ir.Value]:
    """Values that depend linearly on the input and go into something that does not, in forward order."""
    linear = {classifier.face: None}  # an ordered set
    for node in classifier.path:
        if _is_linear(node, classifier, linear):
            linear.update(dict.fromkeys(node.outputs))
    on_path = set(classifier.path)
    return [
        value
        for value in linear
        if value is classifier.logits
        or any(use.node in on_path and use.node.outputs[0] not in linear for use in value.uses())
    ]


def _is_linear(node: ir.Node, classifier: Classifier, linear: dict[ir.Value, None]) -> bool:
    varying = [value for value in carriers(node) if value in classifier.varying]
    if any(value not in linear for value in varying):
        return False
    if node.op_type in _OF_SEVERAL:
        return True
    of_first = node.op_type in _OF_ONE and len(varying) == 1 and node.inputs[0] is varying[0]
    return of_first or _scales(node, varying)


def _scales(node: ir.Node, varying: Sequence[ir.Value]) -> bool:
    """Whether a constant on the left is multiplied with the value on the right."""
    return node.op_type in ("Mul", "MatMul") and len(varying) == 1 and node.inputs[1] is varying[0]


def _linear(classifier: Classifier, bends: Sequence[ir.Value]) -> ir.Model:
    """Let the bends, one after the other in one row, be the output."""
    graph = classifier.model.graph
    rows = [_appended(graph, "Reshape", value, [-1, _count(value)]) for value in bends]
    if len(rows) > 1:
        together = ir.Node("", "Concat", rows, [ir.AttrInt64("axis", 1)])
        graph.append(together)
        rows = list(together.outputs)
    (row,) = rows
    assert classifier.face.shape is not None
    row.name, row.type = "hidden_row", ir.TensorType(ir.DataType.FLOAT)
    row.shape = ir.Shape([classifier.face.shape[0], sum(map(_count, bends))])
    graph.outputs[:] = [row]
    return _tidy(classifier.model)


def _rest(classifier: Classifier, bends: Sequence[ir.Value]) -> ir.Model:
    """Let the bends come from outside."""
    graph, ends = classifier.model.graph, np.cumsum([0, *map(_count, bends)]).tolist()
    hidden = ir.Value(name=HIDDEN, shape=ir.Shape(["batch", 1, ends[-1]]), type=ir.TensorType(ir.DataType.FLOAT))
    for value, start, end in zip(bends, ends, ends[1:], strict=False):
        uses = list(value.uses())
        part = hidden if len(bends) == 1 else _appended(graph, "Slice", hidden, [start], [end], [2])
        shaped = _appended(graph, "Reshape", part, [-1, *dims(value)])
        for use in uses:
            use.node.replace_input_with(use.idx, shaped)
        if value.is_graph_output():
            shaped.name, shaped.type, shaped.shape = "scores", value.type, value.shape
            graph.outputs[:] = [shaped]
    graph.inputs[:] = [hidden]
    graph.sort()
    return _tidy(classifier.model)


def _appended(graph: ir.Graph, operator: str, value: ir.Value, *numbers: list[int]) -> ir.Value:
    """Append a node that takes a value and constant whole numbers."""
    constants = [initializer(graph, np.array(each, np.int64), "of_halves") for each in numbers]
    node = ir.Node("", operator, [value, *constants])
    graph.append(node)
    return node.outputs[0]


def _is_row_by_row(value: ir.Value) -> bool:
    """Whether a value's first axis is the batch, and every other size is known."""
    sizes = list(value.shape or ())
    return bool(sizes) and not isinstance(sizes[0], int) and all(isinstance(size, int) for size in sizes[1:])


def _count(value: ir.Value) -> int:
    return int(np.prod(dims(value)))


def _tidy(model: ir.Model) -> ir.Model:
    RemoveUnusedNodesPass()(model)
    return model
