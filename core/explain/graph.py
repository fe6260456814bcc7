"""Read a classifier and bring it into the one shape that the rules expect.

Trusted, at one operator set, in float32, with every size but the batch known; composite operators as primitives,
constants and batch norm folded, dropout and softmax head gone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import onnx_ir as ir
from onnx_ir.passes.common import NameFixPass, RemoveUnusedNodesPass

from core.errors import GraphInvalid, UnknownName
from core.explain.absorb import absorb
from core.explain.batch import settle
from core.explain.canonical import SHAPING, canonise
from core.explain.emit import dims
from core.explain.precision import to_float32
from core.explain.surgery import initializer, int_of, ints_of, replace
from core.explain.trust import trusted
from core.explain.upgrade import opened

CHANNELS: Final = (1, 3, 4)  # what a picture may have


@dataclass(frozen=True)
class Classifier:
    """A normalised model with one picture input and one row of logits.

    Attributes
    ----------
    batch
        The number of pictures that the model is bound to; None where any number will do.
    """

    model: ir.Model
    face: ir.Value
    logits: ir.Value
    batch: int | None = None

    @property
    def classes(self) -> int:
        """Number of logits."""
        return dims(self.logits)[0]

    @property
    def channel_axis(self) -> int | None:
        """Axis of the picture's channels, the batch being axis 0.

        None for [batch, height, width]. That may also be a signal [batch, channels, length] or points [batch, points,
        coordinates]: then a map has a row for each channel, a column for each place.
        """
        sizes = dims(self.face)
        if len(sizes) == 2:
            return None
        if sizes[0] in CHANNELS and sizes[2] in CHANNELS:  # a picture of 1, 3 or 4 px: the model itself must tell
            return 3 if any(_puts_last_first(use.node) for use in self.face.uses()) else 1
        return 1 if sizes[0] in CHANNELS else 3

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture, px."""
        height, width = [n for axis, n in enumerate(dims(self.face), start=1) if axis != self.channel_axis]
        return height, width

    @cached_property
    def path(self) -> tuple[ir.Node, ...]:
        """The nodes that lead from the picture to the logits, in forward order."""
        reached = {self.face}
        for node in self.model.graph:
            if any(value in reached for value in carriers(node)):
                reached.update(node.outputs)
        wanted, path = {self.logits}, []
        for node in reversed(list(self.model.graph)):
            if any(output in wanted and output in reached for output in node.outputs):
                path.append(node)
                wanted.update(value for value in carriers(node) if value in reached)
        return tuple(reversed(path))

    def refuse_unknown_sizes(self) -> None:
        """GraphInvalid where a size does not follow from the picture's: no backward pass can be written then."""
        for value in self.varying:
            if value.shape is None or sum(not isinstance(size, int) for size in value.shape) > 1:
                raise GraphInvalid(f"The size of '{value.name}' does not follow from the picture's size.")

    @cached_property
    def varying(self) -> frozenset[ir.Value]:
        """The values on the path: those that depend on the picture."""
        return frozenset({self.face, *(output for node in self.path for output in node.outputs)})


def carriers(node: ir.Node) -> Iterator[ir.Value]:
    """Return the inputs through which a value (not a size or an axis) flows."""
    sized = {"Reshape", "Squeeze", "Unsqueeze", "ReduceMean", "ReduceSum", "Expand", "Slice", "Pad", "Split", "Resize"}
    inputs: Sequence[ir.Value | None] = node.inputs[:1] if node.op_type in sized else node.inputs
    return (value for value in inputs if value is not None and node.op_type != "Shape")


def _puts_last_first(node: ir.Node) -> bool:
    if node.op_type == "Cast":
        return any(_puts_last_first(use.node) for use in node.outputs[0].uses())
    return node.op_type == "Transpose" and ints_of(node, "perm")[:2] == [0, 3]


def read(source: ir.Model | bytes | Path, at: str | None = None) -> Classifier:
    """Read and normalise a model, with its scores at the first output or `at` the output, node or value of that name.

    GraphInvalid where it cannot be read or must not be trusted.
    """
    model, face = _first(source, at)
    graph = model.graph
    to_float32(graph, face)
    batch = settle(graph, face)
    canonise(graph)
    absorb(graph, face)
    _drop_head(graph)
    _as_rows(graph)
    RemoveUnusedNodesPass()(model)
    NameFixPass()(model)  # errors name nodes, and ONNX Runtime wants no name twice
    return _checked(Classifier(model, face, graph.outputs[0], batch))


def plain(source: ir.Model | bytes | Path) -> Classifier:
    """Read a model as its author wrote it: its own operators and numbers, only with every size known.

    GraphInvalid where it cannot be read or must not be trusted.
    """
    model, face = _first(source)
    batch = settle(model.graph, face)
    RemoveUnusedNodesPass()(model)
    NameFixPass()(model)
    return Classifier(model, face, model.graph.outputs[0], batch)


def _first(source: ir.Model | bytes | Path, at: str | None = None) -> tuple[ir.Model, ir.Value]:
    """Return a model with its first output alone, or that of the name `at`, and its picture."""
    model = opened(trusted(source))
    face = _picture(model.graph)
    if at is not None:
        _move_output(model.graph, at)
    del model.graph.outputs[1:]
    RemoveUnusedNodesPass()(model)
    return model, face


def _picture(graph: ir.Graph) -> ir.Value:
    """Return the model's one input. Old models list their constants among the inputs too."""
    inputs = [value for value in graph.inputs if not value.is_initializer()]
    if len(inputs) != 1:
        raise GraphInvalid(f"A classifier of pictures has one input; this model has {len(inputs)}.")
    graph.inputs[:] = inputs
    shape = inputs[0].shape
    if shape is None or len(shape) not in (3, 4):
        found = "an unknown number" if shape is None else len(shape)
        raise GraphInvalid(f"A picture input has 3 or 4 axes; '{inputs[0].name}' has {found}.")
    return inputs[0]


def _move_output(graph: ir.Graph, at: str) -> None:
    """Let the scores be another output, or the channels of an inner value."""
    outputs = {str(value.name): value for value in graph.outputs}
    values = {str(value.name): value for node in graph for value in node.outputs}
    nodes = {str(node.name): node.outputs[0] for node in graph if node.name}
    if at not in outputs | values | nodes:
        raise UnknownName("output or node", at, (*outputs, *(name for name in values if name not in outputs)))
    graph.outputs[:] = [(nodes | values | outputs)[at]]


def _drop_head(graph: ir.Graph) -> None:
    """Explain logits: take out a softmax at the end, also where its result is only put into another shape."""
    value = graph.outputs[0]
    while (node := value.producer()) is not None and (source := node.inputs[0]) is not None:
        if node.op_type in ("Softmax", "LogSoftmax"):
            if not _is_over_classes(node, value):
                return
            replace(node, source)
        elif node.op_type not in SHAPING or len(source.uses()) > 1:
            return
        value = source


def _is_over_classes(node: ir.Node, value: ir.Value) -> bool:
    """Whether a softmax goes along the one axis that has more than one element."""
    if value.shape is None:
        return False
    axis = int_of(node, "axis", -1) % len(value.shape)
    return axis > 0 and all(size == 1 for place, size in enumerate(value.shape) if place not in (0, axis))


def _as_rows(graph: ir.Graph) -> None:
    """Let the scores be [batch, classes]: the highest of each channel's places; axes of one element are dropped."""
    value = graph.outputs[0]
    sizes = list(value.shape or ())
    inner = [size for size in sizes[1:] if isinstance(size, int)]
    if len(sizes) == 2 or not sizes or len(inner) + 1 < len(sizes):
        return
    several = [size for size in inner if size != 1]
    if len(several) > 1:
        axes = initializer(graph, np.arange(2, len(sizes), dtype=np.int64), "axes_of_places")
        rows = ir.Node("", "ReduceMax", [value, axes], [ir.AttrInt64("keepdims", 0)], name=f"{value.name}_peak")
        classes = inner[0]
    else:
        classes = several[0] if several else 1
        target = initializer(graph, np.array([-1, classes], np.int64), "rows")
        rows = ir.Node("", "Reshape", [value, target], name=f"{value.name}_rows")
    rows.outputs[0].shape, rows.outputs[0].type = ir.Shape([sizes[0], classes]), value.type
    rows.outputs[0].name = f"{rows.name}_value"
    graph.append(rows)
    graph.outputs[:] = [rows.outputs[0]]


def _checked(classifier: Classifier) -> Classifier:
    face, logits = classifier.face, classifier.logits
    for value in classifier.varying:
        if value.dtype == ir.DataType.DOUBLE:
            raise GraphInvalid("The model computes in DOUBLE; only float32 and half precision are compiled.")
    if logits not in classifier.varying:
        raise GraphInvalid("The model's first output does not depend on its picture.")
    if logits.shape is None or len(logits.shape) != 2 or logits.dtype != ir.DataType.FLOAT:
        raise GraphInvalid(f"The first output must be float32 [batch, classes], got {logits.shape}.")
    if face.shape is None or logits.shape[0] != face.shape[0]:
        raise GraphInvalid(f"The first output must have one row per picture, got {logits.shape}.")
    if classifier.channel_axis is not None and dims(face)[classifier.channel_axis - 1] not in CHANNELS:
        raise GraphInvalid(f"A picture has {CHANNELS} channels, first or last; got {face.shape}.")
    return classifier
