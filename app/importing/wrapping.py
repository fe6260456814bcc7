"""From a model from outside to a pack's graph: uint8 [batch, channels, size, size] in, float32 `logits` out."""

from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from app.importing.foreign import Array, Foreign, open_session
from app.importing.preparation import Preparation, are_probabilities, as_probabilities, kind
from core.errors import PackInvalid
from core.explain.canonical import SHAPING
from core.explain.graph import Classifier, read
from core.explain.runs import run_in_batches
from core.explain.surgery import replace
from core.explain.upgrade import first_line
from core.geometry import Floats
from core.sessions import fixed_of

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
    independent
        Whether the file's own output is a sigmoid of each logit.
    batch
        The number of faces that the graph takes at once; None for any number.
    """

    content: bytes
    classes: int
    ending: str
    independent: bool
    batch: int | None


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

    The pack reads the faces one at a time and as a batch. Where the file ends in sigmoids, they are compared as such.
    PackInvalid where the difference is too large.
    """

    def told(logits: Floats) -> Array:
        values = logits.astype(float)
        return (1 + np.tanh(values / 2)) / 2 if wrapped.independent else as_probabilities(values)

    together = run(wrapped.content, faces)
    alone = np.concatenate([run(wrapped.content, face[None]) for face in faces])
    own = foreign.answers(preparation.apply(faces, foreign.channels)).reshape(together.shape)
    wanted = own if wrapped.independent else as_probabilities(own)
    gap = max(float(np.abs(told(rows) - wanted).max()) for rows in (together, alone))
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
    session = open_session(content)
    try:
        (rows,) = run_in_batches(session, {FACE: faces}, [LOGITS], fixed_of(session))
    except Exception as error:  # ONNX Runtime raises many kinds of its own
        raise PackInvalid(f"The model does not run on {len(faces)} aligned faces: {first_line(error)}") from error
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
    shape = ir.Shape([foreign.batch or "batch", channels, size, size])
    face = ir.Value(name=FACE, shape=shape, type=ir.TensorType(ir.DataType.UINT8))
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
        axis = self.constant(np.array([1]), "axis")
        edges = [self.constant(np.array([k]), f"edge_{k}") for k in range(4)]
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
    last = _last_operator(model.graph, output)
    classifier = read(model, output)
    graph = classifier.model.graph
    _free_name(graph, LOGITS)
    independent = not logarithm and _drop_sigmoid(classifier)
    value, ending = graph.outputs[0], "logits"
    if logarithm:
        value, ending = _logarithm(graph, value), "probabilities without logits; their logarithms stand for them"
    elif independent:
        ending = "sigmoids, one for each class, which are left out"
    elif last.endswith("Softmax"):
        ending = f"a {last}, which is left out"
    if value.producer() is None:
        raise PackInvalid("The model gives its input back; it computes nothing.")
    value.name = LOGITS
    del graph.outputs[:]
    graph.outputs.append(value)
    content = ir.to_proto(classifier.model).SerializeToString()
    return Wrapped(content, classifier.classes, ending, independent, classifier.batch)


def _last_operator(graph: ir.Graph, output: str) -> str:
    """What makes an output, but for what only gives it another shape."""
    node = next(value for value in graph.outputs if value.name == output).producer()
    while node is not None and node.op_type in (*SHAPING, "Identity", "Cast") and node.inputs[0] is not None:
        node = node.inputs[0].producer()
    return "" if node is None else node.op_type


def _drop_sigmoid(classifier: Classifier) -> bool:
    """Let the scores be what stands before a sigmoid at the end; whether there was one."""
    node = classifier.logits.producer()
    while node is not None and node.op_type in SHAPING and node.inputs[0] is not None:
        node = node.inputs[0].producer()
    if node is None or node.op_type != "Sigmoid" or len(node.outputs[0].uses()) > 1 or node.inputs[0] is None:
        return False
    replace(node, node.inputs[0])
    return True


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
