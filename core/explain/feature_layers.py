"""The layers of a network that have feature maps, by names that people can read, and the graph that gives one of them.

::

    Conv 3            80 maps of 12 × 12 px     what the convolution gives (with its bias and its batch norm)
    Conv 3 · ReLU     80 maps of 12 × 12 px     the same behind the non-linearity
    Sum 2             80 maps of 12 × 12 px     two branches together
    Dense 1 · ReLU    300 values                maps of one pixel
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import onnx_ir as ir

from core.explain.graph import Classifier
from core.explain.meanings import CHANNEL, COLUMN, MAP, ROW, VALUES, Meaning, meanings
from core.explain.signs import is_nonnegative
from core.explain.writing import to_bytes

FLOATS: Final = (ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16)

# What an operator's layers are called. Others go by the operator's own name.
TITLES: Final[Mapping[str, str]] = {
    "ConvTranspose": "Transposed conv",
    "Gemm": "Dense",
    "MatMul": "Dense",
    "MaxPool": "Max pool",
    "AveragePool": "Average pool",
    "GlobalAveragePool": "Average",
    "ReduceMean": "Average",
    "GlobalMaxPool": "Maximum",
    "ReduceMax": "Maximum",
    "Add": "Sum",
    "Sub": "Difference",
    "Mul": "Product",
    "Div": "Quotient",
}
# Operators that only put the same numbers elsewhere: no layers of their own.
MOVING: Final = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Cast", "Dropout", "Slice", "Split"}
    | {"Gather", "Expand", "Tile", "Pad", "DepthToSpace", "SpaceToDepth"}
)
# Operators behind which the numbers of an image's classes are still in their order.
KEEPING: Final = frozenset({"Softmax", "LogSoftmax", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Cast"})
# Operators that rescale what a layer gives, before its non-linearity; arithmetic does with constants.
RESCALING: Final[Mapping[str, str]] = {
    "BatchNormalization": "batch norm",
    "InstanceNormalization": "instance norm",
    "GroupNormalization": "group norm",
    "LayerNormalization": "layer norm",
    "RMSNormalization": "RMS norm",
    "LRN": "response norm",
}
ARITHMETIC: Final = frozenset({"Add", "Sub", "Mul", "Div", "Sum", "Neg"})
# Non-linearities, element by element.
BENDING: Final[Mapping[str, str]] = {
    "Relu": "ReLU",
    "LeakyRelu": "leaky ReLU",
    "PRelu": "PReLU",
    "ThresholdedRelu": "thresholded ReLU",
    "Elu": "ELU",
    "Selu": "SELU",
    "Celu": "CELU",
    "Gelu": "GELU",
    "Mish": "Mish",
    "Swish": "SiLU",
    "HardSwish": "hard swish",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hard sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Softmax": "softmax",
    "LogSoftmax": "log softmax",
    "Clip": "clip",
    **{name: name.lower() for name in ("Erf", "Exp", "Log", "Sqrt", "Pow", "Abs", "Min", "Max", "Reciprocal")},
}
# Non-linearities that exporters write as several operators.
COMPOSED: Final[Mapping[frozenset[str], str]] = {
    frozenset({"Sigmoid", "Mul"}): "SiLU",
    frozenset({"HardSigmoid", "Mul"}): "hard swish",
    frozenset({"Erf", "Mul"}): "GELU",
    frozenset({"Tanh", "Pow", "Mul"}): "GELU",
    frozenset({"Tanh", "Mul"}): "GELU",
    frozenset({"Softplus", "Tanh", "Mul"}): "Mish",
}


@dataclass(frozen=True)
class FeatureLayer:
    """A layer that can be looked at.

    Attributes
    ----------
    key
        Name of its value in the graph: the same for every run of the same model.
    channels, height, width
        Number of maps, and their size in px of their own; 1 x 1 for dense layers.
    signed
        Whether it may give negative numbers.
    classes
        Whether its channels are the pack's classes in their order: the logits, or what only a softmax parts from them.
    """

    key: str
    name: str
    channels: int
    height: int
    width: int
    signed: bool
    classes: bool = False

    @property
    def size_text(self) -> str:
        """Number and size of its maps in words."""
        if self.height * self.width == 1:
            return f"{self.channels} value{'s' if self.channels > 1 else ''}"
        return f"{self.channels} map{'s' if self.channels > 1 else ''} of {self.width} × {self.height} px"

    @property
    def title(self) -> str:
        """Name and size, for example "Conv 3 · 80 maps of 12 × 12 px"."""
        return f"{self.name} · {self.size_text}"


@dataclass(frozen=True)
class Root:
    """What a run of element-by-element operators starts from: its first value, and how it is called."""

    value: ir.Value
    name: str


class FeatureLayers:
    """The layers of a plainly read model (see `core.explain.graph.plain`)."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._meanings = meanings(classifier)
        self._signs: dict[ir.Value, bool] = {}
        self._roots: dict[ir.Value, Root] = {classifier.face: Root(classifier.face, "Picture")}
        counts: Counter[str] = Counter()
        for node in classifier.path:
            self._take(node, counts)
        self._order = {value: place for place, value in enumerate(self._values())}

    @cached_property
    def layers(self) -> tuple[FeatureLayer, ...]:
        """Those with feature maps, in the order in which they are computed."""
        return tuple(self._layer(value) for value in self._listed if self._axes(value) is not None)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Names and sizes of those whose numbers have no place in the picture: tokens, attention, signals."""
        return tuple(
            f"{self._name(value)} · {' × '.join(str(size) for size in list(value.shape or ())[1:])}"
            for value in self._listed
            if self._axes(value) is None
        )

    def giving(self, layer: FeatureLayer, output: str) -> bytes:
        """Return the model with one output more: the layer's maps, float32, by the name given.

        They are [batch, channels, height, width], or [batch, channels] for a layer without places.
        """
        graph = self._classifier.model.graph
        value = next(value for value in self._listed if value.name == layer.key)
        axes = self._axes(value)
        assert axes is not None
        cast = ir.Node("", "Cast", [value], [ir.AttrInt64("to", int(ir.DataType.FLOAT))], name=f"{output}_cast")
        turn = ir.Node("", "Transpose", [cast.outputs[0]], [ir.AttrInt64s("perm", axes)], name=f"{output}_turned")
        cast.outputs[0].name, turn.outputs[0].name = f"{output}_plain", output
        turn.outputs[0].type = ir.TensorType(ir.DataType.FLOAT)
        assert value.shape is not None
        turn.outputs[0].shape = ir.Shape([value.shape[axis] for axis in axes])
        graph.extend([cast, turn])
        graph.outputs.append(turn.outputs[0])
        try:
            return to_bytes(self._classifier.model)
        finally:
            graph.outputs.pop()
            graph.remove([turn, cast], safe=True)

    # Which values there are, and what they descend from

    def _take(self, node: ir.Node, counts: Counter[str]) -> None:
        """Note what the node's outputs descend from: the root of all its inputs, or themselves."""
        roots = {self._roots[value].value for value in node.inputs if value in self._roots}
        elementwise = node.op_type in ARITHMETIC | RESCALING.keys() | BENDING.keys() | MOVING
        if len(roots) == 1 and elementwise:
            (only,) = roots
            root = self._roots[only]
        else:
            title = TITLES.get(node.op_type, node.op_type) if node.op_type != "MatMul" or len(roots) == 1 else "Match"
            counts[title] += 1
            root = Root(node.outputs[0], f"{title} {counts[title]}")
        for output in node.outputs:
            self._roots[output] = root

    def _values(self) -> Iterator[ir.Value]:
        for node in self._classifier.path:
            yield from node.outputs

    @cached_property
    def _listed(self) -> tuple[ir.Value, ...]:
        """Of each run of element-by-element operators the value before the non-linearity, and what leaves the run."""
        before = {self._before_bending(root) for root in set(self._roots.values()) if root.value in self._order}
        shown = before | {self._unmoved(value) for value in self._order if self._leaves(value)}
        return tuple(sorted((v for v in shown if v in self._order and v.dtype in FLOATS), key=self._order.__getitem__))

    def _before_bending(self, root: Root) -> ir.Value:
        """The root's value with its bias and its norm: as far as single operators lead without a bend."""
        value = root.value
        while True:
            users = {use.node for use in value.uses()}
            following = next(iter(users)) if len(users) == 1 and not value.is_graph_output() else None
            if following is None or self._roots.get(following.outputs[0]) is not root:
                return self._unmoved(value)
            if following.op_type not in ARITHMETIC | RESCALING.keys() | MOVING or len(following.outputs) > 1:
                return self._unmoved(value)
            value = following.outputs[0]

    def _unmoved(self, value: ir.Value) -> ir.Value:
        """The same numbers before they were only moved: with their rows and columns, that is."""
        node = value.producer()
        while node is not None and node.op_type in MOVING and node.inputs[0] in self._order:
            assert node.inputs[0] is not None
            value, node = node.inputs[0], node.inputs[0].producer()
        return value

    def _leaves(self, value: ir.Value) -> bool:
        """Whether something other than the value's own run uses it."""
        root = self._roots[value]
        return value.is_graph_output() or any(
            self._roots.get(use.node.outputs[0]) is not root for use in value.uses() if use.node.op_type != "Shape"
        )

    # What they are called, and how they lie

    def _layer(self, value: ir.Value) -> FeatureLayer:
        meaning = self._meanings[value]
        assert meaning is not None
        sizes = dict(zip(meaning, list(value.shape or ()), strict=True))
        channels, height, width = (sizes.get(axis, 1) for axis in (CHANNEL, ROW, COLUMN))
        assert isinstance(channels, int)
        assert isinstance(height, int)
        assert isinstance(width, int)
        signed = not self._is_nonnegative(value)
        return FeatureLayer(str(value.name), self._name(value), channels, height, width, signed, value in self._scores)

    @cached_property
    def _scores(self) -> frozenset[ir.Value]:
        """The values whose numbers are the classes' in their order: the output, and what leads to it unmixed."""
        value, found = self._classifier.logits, {self._classifier.logits}
        while (node := value.producer()) is not None and node.op_type in KEEPING and node.inputs[0] in self._order:
            assert node.inputs[0] is not None
            value = node.inputs[0]
            found.add(value)
        return frozenset(found)

    def _axes(self, value: ir.Value) -> list[int] | None:
        """Order of axes that brings the value to [batch, channels, rows, columns]; None where it has no such axes."""
        meaning, sizes = self._meanings.get(value), list(value.shape or ())
        if meaning is None or sizes[:1] != list(self._classifier.face.shape or ())[:1]:
            return None
        if not all(isinstance(size, int) and size > 0 for size in sizes[1:]):
            return None
        return next((_order(meaning, wanted) for wanted in (MAP, VALUES) if sorted(meaning) == sorted(wanted)), None)

    def _name(self, value: ir.Value) -> str:
        root = self._roots[value]
        if root.value is self._classifier.face:
            return root.name
        passed = self._passed(value, root)
        bends = {name for name in passed if name in BENDING}
        if not bends:
            norm = next((RESCALING[name] for name in passed if name in RESCALING), None)
            return root.name if norm is None else f"{root.name} · {norm}"
        words = COMPOSED.get(frozenset(name for name in passed if name in bends or name == "Mul"))
        if words is None:
            words = " and ".join(BENDING[name] for name in dict.fromkeys(passed) if name in bends)
        return f"{root.name} · {words}"

    def _passed(self, value: ir.Value, root: Root) -> list[str]:
        """Operators between the root and a value of its run; a product counts only where both factors vary."""
        names: list[str] = []
        waiting, seen = [value], {root.value}
        while waiting:
            value = waiting.pop()
            node = value.producer()
            if value in seen or node is None:
                continue
            seen.add(value)
            varying = [part for part in node.inputs if part in self._roots]
            if node.op_type != "Mul" or len(varying) > 1:
                names.insert(0, node.op_type)
            waiting.extend(part for part in varying if part is not None)
        return names

    def _is_nonnegative(self, value: ir.Value) -> bool:
        if value not in self._signs:
            self._signs[value] = is_nonnegative(value, self._is_nonnegative)
        return self._signs[value]


def _order(meaning: Meaning, wanted: Meaning) -> list[int]:
    return [meaning.index(axis) for axis in wanted]
