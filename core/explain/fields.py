"""Which pixels each unit of a feature map sees, as an even spread: one matrix per axis, computed at compile time.

Relevance that found no input (`emit.Rest`) goes to the pixels this way, so that it stays where its unit looked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from core.explain.axes import selection
from core.explain.composites import ACTIVATIONS
from core.explain.emit import UncoveredError, array_of, dims
from core.explain.graph import Classifier
from core.explain.layers import windows_back, windows_of
from core.explain.rules.shapes import resizing, sliced
from core.explain.windows import Matrix

ELEMENTWISE = (
    *ACTIVATIONS,
    *("Cast", "Neg", "Add", "Sum", "Sub", "Mul", "Div", "Max", "Min", "Where", "Concat", "Split"),
)
SLIDING = ("Conv", "MaxPool", "AveragePool")
# Along the channels these change nothing of the places.
CHANNELWISE = ("Softmax", "LogSoftmax", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "Gather")


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
        try:
            field = _field(node, _inputs(node, found))
        except UncoveredError:  # inside a gate no rule is asked for
            field = None
        for output in node.outputs:
            fits = field is not None and output.shape is not None and field.places == dims(output)[1:]
            found[output] = field if fits else None
    return found


def _inputs(node: ir.Node, found: Mapping[ir.Value, Field | None]) -> list[Field | None]:
    """Return the fields of the inputs. One without places beside one with them (a gate) says nothing of places."""
    computed = [value for value in node.inputs if value is not None and value in found]
    placed = [value for value in computed if dims(value)[1:] != (1, 1)]
    return [found[value] for value in placed or computed]


def _field(node: ir.Node, inputs: list[Field | None]) -> Field | None:
    known = [field for field in inputs if field is not None]
    if not known or len(known) < len(inputs):
        return None
    widest = max(known, key=lambda field: field.reach)
    if node.op_type in MOVING and len(dims(node.outputs[0])) == 3:
        return MOVING[node.op_type](node, widest)
    if node.op_type in SLIDING and len(dims(node.outputs[0])) == 3:
        return _slide(node, widest)
    if node.op_type == "ConvTranspose" and len(dims(node.outputs[0])) == 3:
        rows, columns = (window.spread_back() for window in windows_back(node))
        return Field(widest.rows @ rows, widest.columns @ columns)
    keeps = node.op_type in ELEMENTWISE or (node.op_type in ("Transpose", "Unsqueeze", "Reshape") and _is_front(node))
    return widest if keeps or (node.op_type in CHANNELWISE and _is_along_channels(node)) else None


def _moved(field: Field, rows: Matrix, columns: Matrix) -> Field:
    return Field(field.rows @ rows, field.columns @ columns)


def _cut(node: ir.Node, field: Field) -> Field:
    """Slice: the places that are left."""
    wanted = sliced(node)
    matrices = [selection(n, wanted.get(axis, range(n))) for axis, n in enumerate(field.places, start=2)]
    return _moved(field, matrices[0], matrices[1])


def _framed(node: ir.Node, field: Field) -> Field | None:
    """Pad: a place of the frame sees what the place it repeats sees, or else the nearest one."""
    pads = array_of(node.inputs[1])
    if pads is None or len(pads) != 8:
        return None
    mode = node.attributes["mode"].as_string() if "mode" in node.attributes else "constant"
    matrices = []
    for axis, n in enumerate(field.places, start=2):
        before, after = int(pads[axis]), int(pads[axis + 4])
        chosen = np.clip(np.arange(-before, n + after), 0, n - 1)
        if mode in ("reflect", "wrap") and min(before, after) >= 0:
            chosen = np.pad(np.arange(n), (before, after), mode=mode)  # type: ignore[call-overload]
        matrices.append(selection(n, chosen.tolist()))
    return _moved(field, matrices[0], matrices[1])


def _enlarged(node: ir.Node, field: Field) -> Field | None:
    """Resize: the places that an interpolation uses, evenly."""
    rows, columns = (np.abs(resizing(node, axis)) for axis in (2, 3))
    return _moved(field, rows / rows.sum(axis=0), columns / columns.sum(axis=0))


def _from_depth(node: ir.Node, field: Field) -> Field:
    """DepthToSpace: every place becomes a block of places."""
    block = node.attributes["blocksize"].as_int()
    rows, columns = (selection(n, np.repeat(np.arange(n), block).tolist()) for n in field.places)
    return _moved(field, rows, columns)


def _to_depth(node: ir.Node, field: Field) -> Field:
    """SpaceToDepth: a block of places becomes one."""
    block = node.attributes["blocksize"].as_int()
    rows, columns = (np.repeat(np.eye(n // block, dtype=np.float32), block, axis=0) / block for n in field.places)
    return _moved(field, rows, columns)


def _is_along_channels(node: ir.Node) -> bool:
    """Whether a node works along the channels alone."""
    if not node.op_type.startswith("Reduce"):
        return "axis" in node.attributes and node.attributes["axis"].as_int() in (1, -3)
    axes = array_of(node.inputs[1]) if len(node.inputs) > 1 else None
    return axes is not None and axes.tolist() in ([1], [-3])


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


MOVING: Mapping[str, Callable[[ir.Node, Field], Field | None]] = {
    "Slice": _cut,
    "Pad": _framed,
    "Resize": _enlarged,
    "DepthToSpace": _from_depth,
    "SpaceToDepth": _to_depth,
}
