"""From a model from outside to a pack's graph: uint8 [batch, channels, size, size] in, float32 `logits` out."""

from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from app.importing.foreign import Array, Foreign, open_session
from app.importing.preparation import Preparation, are_probabilities, as_probabilities, kind
from core.errors import PackInvalid
from core.explain.graph import read
from core.explain.upgrade import first_line
from core.geometry import Floats

FACE, LOGITS = "face", "logits"
# Probabilities below this are not told apart where a model gives no logits, but probabilities alone.
LEAST_PROBABILITY = 1e-7
# How far the pack's probabilities may lie from the file's own: float32, or what half precision can hold.
TOLERANCE, HALF_TOLERANCE = 1e-4, 5e-3


@dataclass(frozen=True)
class Wrapped:
    """The pack's graph.

    Attributes
    ----------
    content
        The model's bytes.
    classes
        Number of logits.
    ending
        What the file's own output is, for people.
    """

    content: bytes
    classes: int
    ending: str


def wrap(foreign: Foreign, preparation: Preparation, size: int) -> Wrapped:
    """Put the preparation in front, bring the model into the compiler's shape, and let it end in logits.

    GraphInvalid and its like where the model cannot be read or must not be trusted.
    """
    wrapped = _finished(_prepared(foreign, preparation, size), foreign.output)
    rows = run(wrapped.content, np.zeros((1, _channels(foreign, preparation), size, size), np.uint8))
    if not are_probabilities(rows):
        return wrapped
    # A softmax that the reader does not know, or a softmax built of parts: the logarithm is a logit for each.
    return _finished(_prepared(foreign, preparation, size), foreign.output, logarithm=True)


def check_against(foreign: Foreign, preparation: Preparation, wrapped: Wrapped, faces: NDArray[np.uint8]) -> float:
    """Return the largest difference between the pack's probabilities and the file's own, on uint8 [n, channels, h, w].

    The pack reads the faces one at a time and as a batch. PackInvalid where the difference is too large.
    """
    together = run(wrapped.content, faces)
    alone = np.concatenate([run(wrapped.content, face[None]) for face in faces])
    wanted = as_probabilities(foreign.answers(preparation.apply(faces, foreign.channels)))
    gap = max(float(np.abs(as_probabilities(rows.astype(float)) - wanted).max()) for rows in (together, alone))
    allowed = HALF_TOLERANCE if foreign.dtype == np.float16 else TOLERANCE
    if not gap <= allowed:  # NaN among it
        raise PackInvalid(
            f"The pack made of the model ({preparation.text}) does not give the file's own probabilities: one is off "
            f"by {gap:.2g} (allowed {allowed}). Where faces of a batch influence each other, no pack can be made."
        )
    return gap


def _channels(foreign: Foreign, preparation: Preparation) -> int:
    return 1 if kind(preparation.colour) == "grey" else foreign.channels


def run(content: bytes, faces: NDArray[np.uint8]) -> Floats:
    """Logits float32 [n, classes] of a pack's graph for faces uint8 [n, channels, size, size]."""
    try:
        (rows,) = open_session(content).run([LOGITS], {FACE: faces})
    except PackInvalid:
        raise
    except Exception as error:  # ONNX Runtime raises many kinds of its own
        raise PackInvalid(f"The model does not run on {len(faces)} aligned faces: {first_line(error)}") from error
    if len(rows) != len(faces):
        raise PackInvalid(f"The model answers {len(rows)} times to {len(faces)} faces; its batch cannot be freed.")
    if not np.isfinite(rows).all():
        raise PackInvalid("The model's answer to a face is not finite.")
    return np.asarray(rows, np.float32)


def _prepared(foreign: Foreign, preparation: Preparation, size: int) -> ir.Model:
    """The model with the preparation in front of it, written as operators that the compiler knows."""
    model = ir.from_proto(onnx.load_model_from_string(foreign.content))
    graph = model.graph
    old = next(value for value in graph.inputs if value.name == foreign.input_name and not value.is_initializer())
    _free_name(graph, FACE)
    channels = _channels(foreign, preparation)
    face = ir.Value(name=FACE, shape=ir.Shape(["batch", channels, size, size]), type=ir.TensorType(ir.DataType.UINT8))
    preparing = Preparing(graph)
    first = next(iter(graph), None)
    old.replace_all_uses_with(preparing.write(face, foreign, preparation, channels, size))
    graph.inputs[list(graph.inputs).index(old)] = face
    if first is not None:
        graph.insert_before(first, preparing.nodes)
    return model


class Preparing:
    """Writes the nodes from the pack's face to the model's own input."""

    def __init__(self, graph: ir.Graph) -> None:
        self.graph = graph
        self.nodes: list[ir.Node] = []

    def write(self, face: ir.Value, foreign: Foreign, preparation: Preparation, channels: int, size: int) -> ir.Value:
        """Return what the model is given in place of its input."""
        value = face if foreign.prepared_inside else self.then("Cast", face, to=int(onnx.TensorProto.FLOAT))
        if preparation.colour == "bgr":
            value = self._turned(value)
        elif channels != foreign.channels:
            value = self.then("Concat", *[value] * foreign.channels, axis=1)
        if preparation.scaling is not None:
            value = self._scaled(value, *preparation.scaling.offsets(foreign.channels))
        if foreign.dtype == np.float16:
            value = self.then("Cast", value, to=int(onnx.TensorProto.FLOAT16))
        if foreign.layout == "channels last":
            return self.then("Transpose", value, perm=[0, 2, 3, 1])
        if foreign.layout == "no channels":
            return self.then("Reshape", value, self.constant(np.array([-1, size, size]), "places"))
        return value

    def then(self, operator: str, *inputs: ir.Value, **attributes: int | list[int]) -> ir.Value:
        """Add a node; return its output."""
        written = [
            ir.AttrInt64(name, value) if isinstance(value, int) else ir.AttrInt64s(name, value)
            for name, value in attributes.items()
        ]
        node = ir.Node("", operator, inputs, written, name=f"prepare_{len(self.nodes)}")
        node.outputs[0].name = f"prepared_{len(self.nodes)}"
        self.nodes.append(node)
        return node.outputs[0]

    def constant(self, array: Array, name: str) -> ir.Value:
        """Store a constant."""
        tensor = ir.tensor(np.ascontiguousarray(array), name=f"prepare_{name}")
        kept = ir.Value(
            name=tensor.name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
        )
        self.graph.register_initializer(kept)
        return kept

    def _turned(self, value: ir.Value) -> ir.Value:
        """Red, green, blue as blue, green, red."""
        axis, edges = (
            self.constant(np.array([1]), "axis"),
            [self.constant(np.array([k]), f"edge_{k}") for k in range(4)],
        )
        planes = [self.then("Slice", value, edges[k], edges[k + 1], axis) for k in (2, 1, 0)]
        return self.then("Concat", *planes, axis=1)

    def _scaled(self, value: ir.Value, mean: Floats, std: Floats) -> ir.Value:
        if mean.any():
            value = self.then("Sub", value, self.constant(mean.reshape(1, -1, 1, 1), "mean"))
        if (std != 1).any():
            value = self.then("Div", value, self.constant(std.reshape(1, -1, 1, 1), "std"))
        return value


def _free_name(graph: ir.Graph, name: str) -> None:
    """Call whatever has this name something else."""
    values = [*graph.inputs, *graph.initializers.values(), *(value for node in graph for value in node.outputs)]
    taken = {str(value.name) for value in values}
    for value in values:
        if value.name == name:
            value.name = next(other for k in range(len(taken) + 1) if (other := f"{name}_{k}") not in taken)


def _finished(model: ir.Model, output: str, logarithm: bool = False) -> Wrapped:
    """Read the model as the compiler does, and name its logits."""
    classifier = read(model, output)
    if classifier.batch is not None:
        raise PackInvalid(
            f"The model is bound to {classifier.batch} pictures at a time, and a pack reads any number of faces. "
            "Export it with a batch of any size."
        )
    graph, ending = classifier.model.graph, "logits"
    _free_name(graph, LOGITS)
    value = classifier.logits
    if logarithm:
        value, ending = _logarithm(graph, value), "probabilities without logits; their logarithms stand for them"
    if value.producer() is None:
        raise PackInvalid("The model gives its input back; it computes nothing.")
    value.name = LOGITS
    del graph.outputs[:]
    graph.outputs.append(value)
    return Wrapped(ir.to_proto(classifier.model).SerializeToString(), classifier.classes, ending)


def _logarithm(graph: ir.Graph, value: ir.Value) -> ir.Value:
    least = ir.tensor(np.array(LEAST_PROBABILITY, np.float32), name="least_probability")
    floor = ir.Value(name=least.name, shape=ir.Shape([]), type=ir.TensorType(ir.DataType.FLOAT), const_value=least)
    graph.register_initializer(floor)
    kept = ir.Node("", "Max", [value, floor], name="kept_above_zero")
    taken = ir.Node("", "Log", [kept.outputs[0]], name="logarithm")
    for node in (kept, taken):
        node.outputs[0].shape, node.outputs[0].type = value.shape, value.type
        graph.append(node)
    kept.outputs[0].name = "kept_above_zero"
    return taken.outputs[0]
