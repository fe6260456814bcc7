"""Which pixels each unit of a feature map sees, as an even spread: one matrix per axis, computed at compile time.

Relevance that found no input (`emit.Rest`) goes to the pixels this way, so that it stays where its unit looked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from core.explain.emit import array_of, dims
from core.explain.graph import Classifier
from core.explain.layers import windows_back, windows_of
from core.explain.windows import Matrix

ELEMENTWISE = ("Relu", "Cast", "Add", "Sub", "Mul", "Div", "Concat")
SLIDING = ("Conv", "MaxPool", "AveragePool")


@dataclass(frozen=True)
class Field:
    """Shares of the picture's rows and columns: float32 [height, rows] and [width, columns], columns sum to 1."""

    rows: Matrix
    columns: Matrix

    @property
    def places(self) -> tuple[int, int]:
        """Rows and columns of the feature map."""
        return self.rows.shape[1], self.columns.shape[1]

    @property
    def reach(self) -> int:
        """Number of pixels that all units together see, each counted: to compare fields of one size."""
        return int(np.count_nonzero(self.rows)) * int(np.count_nonzero(self.columns))


def fields(classifier: Classifier) -> Mapping[ir.Value, Field | None]:
    """Return the field of every value on the path; None where the value has lost its places and sees everything."""
    height, width = classifier.size
    whole = Field(np.eye(height, dtype=np.float32), np.eye(width, dtype=np.float32))
    found: dict[ir.Value, Field | None] = {classifier.face: whole}
    for node in classifier.path:
        output = node.outputs[0]
        field = _field(node, [found[v] for v in node.inputs if v is not None and v in found])
        found[output] = field if field is not None and field.places == dims(output)[1:] else None
    return found


def _field(node: ir.Node, inputs: list[Field | None]) -> Field | None:
    known = [field for field in inputs if field is not None]
    if not known or len(known) < len(inputs):
        return None
    widest = max(known, key=lambda field: field.reach)
    if node.op_type in SLIDING and len(dims(node.outputs[0])) == 3:
        return _slide(node, widest)
    if node.op_type == "ConvTranspose" and len(dims(node.outputs[0])) == 3:
        rows, columns = (window.spread_back() for window in windows_back(node))
        return Field(widest.rows @ rows, widest.columns @ columns)
    keeps = node.op_type in ELEMENTWISE or (node.op_type in ("Transpose", "Unsqueeze", "Reshape") and _is_front(node))
    return widest if keeps else None


def _slide(node: ir.Node, field: Field) -> Field:
    weight = array_of(node.inputs[1]) if node.op_type == "Conv" else None
    kernel = node.attributes["kernel_shape"].as_ints() if weight is None else weight.shape[2:]
    rows, columns = (window.spread() for window in windows_of(node, tuple(kernel)))
    return Field(field.rows @ rows, field.columns @ columns)


def _is_front(node: ir.Node) -> bool:
    """Whether a change of axes brings a picture to [batch, channels, height, width]."""
    if node.op_type == "Transpose":
        return list(node.attributes["perm"].as_ints()) == [0, 3, 1, 2]
    source = node.inputs[0]
    assert source is not None
    return len(dims(source)) == 2 and dims(node.outputs[0]) == (1, *dims(source))
