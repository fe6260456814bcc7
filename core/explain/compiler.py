"""The compiler: read a classifier, walk it backwards, let each node's rule emit its nodes, join them to one graph."""

from collections.abc import Mapping, Sequence, Set
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx_ir as ir

from core.errors import ExplainError, GraphInvalid, UnknownName, UnsupportedOperator
from core.explain.cams import CAMS
from core.explain.composites import FIRST, INNER, LAYERS, PIXELS, Row, choose
from core.explain.emit import Emitter, Rest, Signal, Step, UncoveredError, dims, total
from core.explain.fields import Field, fields
from core.explain.graph import Classifier, read
from core.explain.methods import METHODS, Method
from core.explain.rules import RULES
from core.explain.seeds import SEEDS, Question, ask
from core.explain.signs import is_nonnegative
from core.explain.windows import bilinear
from core.explain.writing import to_bytes

# Counts up whenever compiled graphs change: part of the key under which they are cached.
COMPILER_VERSION = 7

# What may stand between the pixels and the first weight without being part of the network.
SCALING = frozenset(
    {"Cast", "Sub", "Add", "Mul", "Div", "Neg", "Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze"}
    | {"Transpose", "Concat", "Split", "Slice", "Gather", "Pad", "Expand", "Tile", "SpaceToDepth", "DepthToSpace"}
    | {"Resize", "AveragePool"}
)


def compile_explainer(
    model: ir.Model | bytes | Path,
    method: str | Method,
    *,
    at: str | None = None,
    layer: str | None = None,
    audit: bool = False,
) -> bytes:
    """Turn a classifier into its explainer, both ONNX.

    The explainer takes the model's own input, `seed` float32 [seeds, classes] (rows of zeros: the predicted class) and
    `contrast` float32 [seeds] (1: against the highest of the other classes), and returns `logits`, `seed_used`,
    `relevance` float32 [seeds, height, width] in logit units, and with `audit` `absorbed` float32 [seeds]. There is one
    seed for each picture, or one picture with any number of seeds, which share its forward pass.

    Methods that sample take the input as float32 and return `gradient`, shaped like the input, in place of
    `relevance`; methods that perturb need `logits` and `seed_used` alone.

    Parameters
    ----------
    method
        A key of METHODS, or a method of one's own.
    at
        Where the seed stands, in place of the first output: the name of an output, or of a node or value inside, whose
        channels (their highest places, where they have several) then are the "classes".
    layer
        The node or value at which a CAM looks, in place of the last feature map.
    """
    return Compilation(read(model, at), named_method(method), layer, audit).run()


def named_method(method: str | Method) -> Method:
    """Return the method of that key. UnknownName lists those there are."""
    if isinstance(method, Method):
        return method
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    return METHODS[method]


class Compilation:
    """One model under one method."""

    def __init__(self, classifier: Classifier, method: Method, layer: str | None = None, audit: bool = False) -> None:
        self.classifier, self.method, self.layer, self.audit = classifier, method, layer, audit
        self.emit = Emitter(classifier.model.graph)
        self.rests: list[Rest] = []
        self.tries = True  # whether a refusal names the methods that would still work
        self._signs: dict[ir.Value, bool] = {}

    def run(self) -> bytes:
        """Return the explainer's bytes."""
        question = ask(self.emit, self.classifier.logits, self.classifier.classes)
        explanation = {} if self.method.reading is None else self._explanation(question)
        outputs = {"logits": self.classifier.logits, "seed_used": question.used, **explanation}
        return self._finished(question, outputs)

    def _explanation(self, question: Question) -> dict[str, ir.Value]:
        """Return the outputs that the backward pass gives."""
        self.classifier.refuse_unknown_sizes()
        if self.method.reading == "inputs":
            face = self.classifier.face
            face.type = ir.TensorType(ir.DataType.FLOAT)
            return {"gradient": self._walk(question).factor}
        relevance = self._cam(question) if self.method.reading == "cam" else self._at_pixels(self._walk(question))
        return {"relevance": relevance} | ({"absorbed": self._absorbed(question)} if self.audit else {})

    @cached_property
    def places(self) -> Mapping[ir.Node, str]:
        """Where each node of the path stands (see composites)."""
        scaling = {self.classifier.face}
        places = {}
        for node in self.classifier.path:
            before = all(value in scaling or value not in self.classifier.varying for value in node.inputs if value)
            if before and node.op_type in SCALING:
                scaling.update(node.outputs)
                places[node] = PIXELS
            else:
                places[node] = FIRST if before and node.op_type in LAYERS else INNER
        return places

    @cached_property
    def depths(self) -> Mapping[ir.Node, float]:
        """How far into the network each node of the path stands, counted in layers: 0 at the first, 1 at the last."""
        weighted = [self._has_weights(node) for node in self.classifier.path]
        passed = np.maximum(np.cumsum(weighted) - 1, 0) / max(sum(weighted) - 1, 1)
        return dict(zip(self.classifier.path, passed.tolist(), strict=True))

    def _has_weights(self, node: ir.Node) -> bool:
        varying = [value for value in node.inputs if value in self.classifier.varying]
        return node.op_type in LAYERS and len(varying) == 1

    @cached_property
    def feature_map(self) -> ir.Value:
        """Where a CAM looks: the layer asked for, or the last value with channels and more than one place."""
        maps = [node.outputs[0] for node in self.classifier.path if self._is_feature_map(node)]
        if self.layer is not None:
            names = {name: value for value in maps for name in (value.name, getattr(value.producer(), "name", None))}
            if self.layer not in names:
                raise UnknownName("feature map", self.layer, [str(value.name) for value in maps])
            return names[self.layer]
        if not maps:
            raise UnsupportedOperator(
                f"The model has no feature map with height and width, so there is no {self.method.title} of it."
            )
        return maps[-1]

    def _is_feature_map(self, node: ir.Node) -> bool:
        sizes = dims(node.outputs[0])
        return len(sizes) == 3 and min(sizes) > 0 and sizes[1] * sizes[2] > 1 and self.places[node] != PIXELS

    def nonnegative(self, value: ir.Value) -> bool:
        """Whether a forward value is known to have no negative element."""
        if value not in self._signs:
            self._signs[value] = is_nonnegative(value, self.nonnegative)
        return self._signs[value]

    def _walk(self, question: Question) -> Signal:
        """Carry the seed from the logits to the feature map or to the picture."""
        goal = self.feature_map if self.method.reading == "cam" else self.classifier.face
        logits = self.classifier.logits
        arrived: dict[ir.Value, list[Signal]] = {logits: [Signal(question.used, logits)]}
        for node in reversed(self.classifier.path):
            reached = [value if value in arrived and value is not goal else None for value in node.outputs]
            if all(value is None for value in reached):
                continue
            signals = [None if value is None else total(self.emit, arrived[value], value) for value in reached]
            for source, passed in zip(node.inputs, self._apply(node, signals), strict=False):
                if source is not None and passed is not None:
                    arrived.setdefault(source, []).append(passed)
        if goal not in arrived:
            raise UnsupportedOperator(f"The explained score does not depend on '{goal.name}'.")
        return total(self.emit, arrived[goal], goal)

    def _apply(self, node: ir.Node, signals: Sequence[Signal | None]) -> Sequence[Signal | None]:
        method = self.method
        row = self._row(node)
        if row is None:
            raise UnsupportedOperator(self._complaint(node, "has no backward rule"))
        wanted = method.biases == "spread" or (self.audit and method.biases == "absorb")
        rests = self.rests if wanted else None
        varying = self.classifier.varying.__contains__
        step = Step(self.emit, node, signals, row.options, method.biases, self.nonnegative, varying, rests)
        try:
            return RULES[operator_of(node), row.rule](step)
        except UncoveredError as reason:
            raise UnsupportedOperator(self._complaint(node, f"is used in a way without a rule ({reason})")) from reason

    def _row(self, node: ir.Node) -> Row | None:
        row = choose(self.method.composite, operator_of(node), self.places[node], self.depths[node])
        return row if row is not None and (operator_of(node), row.rule) in RULES else None

    def _complaint(self, node: ir.Node, what: str) -> str:
        still = ", ".join(row.title for row in METHODS.values() if row is not self.method and self._covers(row))
        return f"Node '{node.name}' ({operator_of(node)}) {what} under {self.method.title}. " + (
            f"Still possible: {still}." if still else "No other method can explain this model either."
        )

    def _covers(self, method: Method) -> bool:
        """Whether another method could explain this model: tried on this graph, of which nothing is kept."""
        if not self.tries or method.reading is None:
            return method.reading is None
        other = Compilation(self.classifier, method, audit=self.audit)
        other.emit, other.tries = self.emit, False
        try:
            other._explanation(ask(other.emit, self.classifier.logits, self.classifier.classes))
        except ExplainError:
            return False
        return True

    def _at_pixels(self, signal: Signal) -> ir.Value:
        """Sum over the channels, and add what no input supported: [batch, height, width]."""
        emit, axis = self.emit, self.classifier.channel_axis
        pixels = signal.factor if self.method.reading == "factor" else signal.relevance(emit)
        if axis is not None and dims(self.classifier.face)[axis - 1] == 1:
            pixels = emit("Reshape", pixels, emit.ints(-1, *self.classifier.size))
        elif axis is not None:
            pixels = emit("ReduceSum", pixels, emit.ints(axis), keepdims=0)
        if self.method.biases != "spread" or not self.rests:
            return pixels
        return emit.add([pixels, *self._spread()])

    def _spread(self) -> list[ir.Value]:
        """Return the rests on the pixels. Rests of one size and scale share the widest of their fields."""
        found = fields(self.classifier)
        groups: dict[tuple[tuple[int, ...], float, bool], list[Rest]] = {}
        for rest in self.rests:
            groups.setdefault((dims(rest.layer)[1:], rest.scale, rest.placed), []).append(rest)
        spread = []
        for (_, scale, placed), rests in groups.items():
            together = self.emit.add([rest.value for rest in rests])
            seen = [field for rest in rests if (field := found[rest.layer]) is not None and placed]
            if seen:
                spread.append(self._to_pixels(together, scale, max(seen, key=lambda field: field.reach)))
            else:
                spread.append(self._everywhere(together, scale, placed))
        return spread

    def _everywhere(self, rest: ir.Value, scale: float, has_places: bool) -> ir.Value:
        height, width = self.classifier.size
        if has_places:
            rest = self.emit("ReduceSum", rest, self.emit.ints(1, 2), keepdims=0)
        even = self.emit.constant(np.full((height, width), scale / (height * width)))
        return self.emit("Mul", self.emit("Reshape", rest, self.emit.ints(-1, 1, 1)), even)

    def _to_pixels(self, rest: ir.Value, scale: float, field: Field) -> ir.Value:
        columns = self.emit("MatMul", rest, self.emit.constant(np.ascontiguousarray(field.columns.T)))
        return self.emit("MatMul", self.emit.constant(scale * field.rows), columns)

    def _cam(self, question: Question) -> ir.Value:
        """Return the method's class activation map, laid on the pixels. Without a composite it is blind to the class.

        Every place of the feature map keeps its sum on the pixels it covers, so a sum over pixels is in logits.
        """
        emit, (_, rows, columns) = self.emit, dims(self.feature_map)
        assert self.method.cam is not None
        if self.method.composite:
            gradient = self._walk(question).factor_of(emit, self.feature_map)
        else:
            asked = emit("ReduceMean", question.used, emit.ints(1), keepdims=1)
            gradient = emit("Reshape", emit("Mul", asked, emit.constant(0.0)), emit.ints(-1, 1, 1, 1))
        coarse = CAMS[self.method.cam](emit, gradient, self.feature_map)
        height, width = self.classifier.size
        wide = emit("MatMul", coarse, emit.constant(np.ascontiguousarray(bilinear(columns, width).T)))
        return emit("MatMul", emit.constant(bilinear(rows, height)), wide)

    def _absorbed(self, question: Question) -> ir.Value:
        """Sum up what the biases took: [seeds]. Zero under a method in which they take nothing."""
        emit = self.emit
        if self.method.biases != "absorb" or not self.rests:
            none = emit("Mul", question.used, emit.constant(0.0))
            return emit("ReduceSum", none, emit.ints(1), keepdims=0)
        sums = []
        for rest in self.rests:
            flat = emit("Reshape", rest.value, emit.ints(0, -1))
            taken = emit("ReduceSum", flat, emit.ints(1), keepdims=0)
            sums.append(emit("Mul", taken, emit.constant(rest.scale)) if rest.scale != 1 else taken)
        return emit.add(sums)

    def _finished(self, question: Question, outputs: Mapping[str, ir.Value]) -> bytes:
        graph = self.classifier.model.graph
        height, width = self.classifier.size
        classes = self.classifier.classes
        shapes = {
            "logits": [classes],
            "relevance": [height, width],
            "gradient": list(dims(self.classifier.face)),
            "seed_used": [classes],
            "absorbed": [],
        }
        self._free_names({*outputs, "seed", "contrast"})
        graph.inputs.extend([question.seed, question.contrast])
        del graph.outputs[:]
        for name, value in outputs.items():
            graph.outputs.append(self._named(value, name, shapes[name]))
        graph.sort()
        ir.passes.common.RemoveUnusedNodesPass()(self.classifier.model)
        return to_bytes(self.classifier.model)

    def _free_names(self, names: Set[str]) -> None:
        """Rename what the model itself calls by a name that the explainer's inputs and outputs need."""
        graph = self.classifier.model.graph
        if self.classifier.face.name in names:
            raise GraphInvalid(
                f"The model's input is called '{self.classifier.face.name}', as one of the explainer's is."
            )
        inner = [value for node in graph for value in node.outputs]
        for value in (*inner, *graph.initializers.values()):
            if value.name in names:
                value.name = f"{value.name}_of_model"

    def _named(self, value: ir.Value, name: str, sizes: list[int]) -> ir.Value:
        """Return the value as an output of that name."""
        if value.producer() is None or value.is_graph_output():
            value = self.emit("Identity", value)
        value.name, value.type = name, ir.TensorType(ir.DataType.FLOAT)
        free = "batch" if name == "logits" else SEEDS
        value.shape = ir.Shape([self.classifier.batch or free, *sizes])
        return value


def operator_of(node: ir.Node) -> str:
    """Return the operator's name, with its domain where that is not the standard one."""
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
