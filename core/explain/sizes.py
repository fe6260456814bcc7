"""The size of every value of a graph, and the values that follow from sizes alone, for one given batch.

Node after node, so that a size that exporters compute (Shape, Gather, Concat, Reshape ...) is known when it is used,
and so that a value which is too large is refused before the next node is looked at. No weight is copied.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
import onnx_ir as ir

from core.errors import GraphInvalid
from core.explain.emit import Array
from core.explain.folding import FOLDS, fold
from core.explain.surgery import constant_array

# Elements of one value for one picture: 0.5 GB in float32. The largest of VGG-16 at 224 x 224 has 3 million.
VALUE_LIMIT: Final = 1 << 27
# Elements of all values together for one picture. ResNet-152 has 0.1, a ViT-L at 384 x 384 1.0 x 10^9.
TOTAL_LIMIT: Final = 1 << 31
# Elements of a value that is computed while sizes are found: shapes, axes, grids of positions.
SMALL: Final = 1 << 12
# Elements of a constant that is computed from constants alone when a model is read.
FOLD_LIMIT: Final = 1 << 24
# Operators whose second input is a size: beyond 32 bits they overflow before anybody sees the result.
SIZED: Final = frozenset({"Tile", "Pad", "Resize", "Expand", "ConstantOfShape", "Range", "OneHot", "Reshape"})
SAME: Final = frozenset(
    {"Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Erf", "Sqrt", "Exp"}
    | {"Log", "Neg", "Abs", "Softmax", "LogSoftmax", "Identity", "Clip", "Gelu", "Mish", "Softplus", "Sign", "Floor"}
    | {"Reciprocal", "BatchNormalization", "InstanceNormalization", "GroupNormalization", "MeanVarianceNormalization"}
)


class BatchMismatch(GraphInvalid):
    """The model's sizes do not fit together with the batch that was tried."""


@dataclass(frozen=True)
class Fact:
    """What is known of one value.

    Attributes
    ----------
    array
        The value itself where it follows from sizes or constants and is small, else None.
    static
        Whether it follows from constants alone.
    """

    dtype: ir.DataType
    shape: tuple[int, ...]
    array: Array | None = None
    static: bool = False

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


class Sizes:
    """Facts about the values of a graph.

    Parameters
    ----------
    batch
        Pictures per batch; None takes what the inputs declare, and 1 where they leave it free.
    limit
        Elements up to which what follows from constants alone is computed.
    """

    def __init__(self, graph: ir.Graph, batch: int | None, limit: int = SMALL) -> None:
        self.graph, self.limit, self.total = graph, limit, 0
        self.facts: dict[ir.Value, Fact] = {}
        self._types: dict[ir.Value, onnx.TypeProto] = {}
        self._arrays: dict[ir.Value, onnx.TensorProto] = {}
        self.pictures = 1
        for value in graph.inputs:
            if not value.is_initializer():
                sizes = [_number(size) for size in value.shape or ()]
                if sizes:
                    sizes[0] = batch or sizes[0] or 1
                    self.pictures = max(self.pictures, sizes[0])
                self.facts[value] = Fact(value.dtype or ir.DataType.FLOAT, tuple(sizes))
                self._refuse_large(self.facts[value], f"The input '{value.name}'")

    def visit_all(self) -> "Sizes":
        """Visit every node."""
        for node in self.graph:
            self.visit(node)
        return self

    def __getitem__(self, value: ir.Value) -> Fact:
        if value not in self.facts:
            tensor = value.const_value if value.is_initializer() else None
            if tensor is None:
                raise BatchMismatch(f"The size of '{value.name}' does not follow from the picture's size.")
            sizes = tuple(tensor.shape.numpy())
            array = tensor.numpy() if math.prod(sizes) <= self.limit else None
            self.facts[value] = Fact(tensor.dtype, sizes, array, static=True)
        return self.facts[value]

    def visit(self, node: ir.Node) -> None:
        """Find the facts about a node's outputs. GraphInvalid where they are not to be had, or too large."""
        for output, fact in zip(node.outputs, self._facts_of(node), strict=False):
            self._refuse_large(fact, f"Node '{node.name}' ({node.op_type})")
            self.facts[output] = fact

    def _refuse_large(self, fact: Fact, what: str) -> None:
        count = fact.count // self.pictures
        if count > VALUE_LIMIT:
            raise GraphInvalid(f"{what} makes {count} numbers per picture; at most {VALUE_LIMIT} are expected.")
        self.total += 0 if fact.static else count
        if self.total > TOTAL_LIMIT:
            raise GraphInvalid(f"The model makes more than {TOTAL_LIMIT} numbers per picture.")

    def _facts_of(self, node: ir.Node) -> list[Fact]:
        if node.op_type == "Constant":
            array = constant_array(node)
            return [Fact(ir.DataType.from_numpy(array.dtype), array.shape, array, static=True)]
        inputs = [None if value is None else self[value] for value in node.inputs]
        present = [fact for fact in inputs if fact is not None]
        if node.op_type in ("Shape", "Size") and present:
            return [_size_fact(node, present[0])]
        static = bool(present) and all(fact.static for fact in present)
        if node.op_type in SAME and inputs and inputs[0] is not None and len(node.outputs) == 1:
            (found,) = [Fact(inputs[0].dtype, inputs[0].shape, static=static)]
            outputs = [found]
        else:
            outputs = [Fact(dtype, shape, static=static) for dtype, shape in self._inferred(node, inputs)]
        known = len(outputs) == 1 and all(fact.array is not None for fact in present) and bool(present)
        if known and node.op_type in FOLDS and outputs[0].count <= (self.limit if static else SMALL):
            folded = fold(node, [None if fact is None else fact.array for fact in inputs])
            if folded is not None:
                outputs = [Fact(outputs[0].dtype, folded.shape, folded, static)]
        return outputs

    def _inferred(self, node: ir.Node, inputs: list[Fact | None]) -> list[tuple[ir.DataType, tuple[int, ...]]]:
        """Ask ONNX for the sizes of a node's outputs."""
        types: dict[str, onnx.TypeProto] = {}
        arrays: dict[str, onnx.TensorProto] = {}
        proto = ir.serde.serialize_node(node)
        for value, fact in zip(node.inputs, inputs, strict=True):
            if value is None or fact is None:
                continue
            name = str(value.name)
            if value not in self._types:
                self._types[value] = onnx.helper.make_tensor_type_proto(int(fact.dtype), fact.shape)
            types[name] = self._types[value]
            if fact.array is not None and fact.count <= SMALL and fact.array.dtype.kind in "iufb":
                self._refuse_overflow(node, fact.array)
                if value not in self._arrays:
                    self._arrays[value] = onnx.numpy_helper.from_array(fact.array, name)
                arrays[name] = self._arrays[value]
        try:
            version = self.graph.opset_imports[""]
            schema = onnx.defs.get_schema(node.op_type, version, "")
            found = onnx.shape_inference.infer_node_outputs(
                schema, proto, types, arrays, opset_imports=[onnx.helper.make_opsetid("", version)]
            )
        except Exception as error:  # SchemaError, InferenceError among others
            raise BatchMismatch(
                f"Node '{node.name}' ({node.op_type}) does not fit its inputs: {_told(error)}"
            ) from error
        outputs = [_read_type(node, value, found.get(str(value.name))) for value in node.outputs if value.name]
        if node.op_type == "Reshape" and inputs[0] is not None and math.prod(outputs[0][1]) != inputs[0].count:
            raise BatchMismatch(f"Node '{node.name}' cannot make {outputs[0][1]} of {inputs[0].shape}.")
        return outputs

    @staticmethod
    def _refuse_overflow(node: ir.Node, array: Array) -> None:
        if node.op_type in SIZED and array.dtype.kind in "iuf" and array.size and not np.all(np.abs(array) < 2.0**31):
            raise GraphInvalid(f"Node '{node.name}' ({node.op_type}) asks for a size beyond 2^31.")


def _number(size: object) -> int:
    return size if isinstance(size, int) else 0


def _told(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0]


def _size_fact(node: ir.Node, source: Fact) -> Fact:
    if node.op_type == "Size":
        return Fact(ir.DataType.INT64, (), np.array(source.count, np.int64), source.static)
    start = node.attributes["start"].as_int() if "start" in node.attributes else 0
    end = node.attributes["end"].as_int() if "end" in node.attributes else None
    sizes = np.array(source.shape[start:end], np.int64)
    return Fact(ir.DataType.INT64, sizes.shape, sizes, source.static)


def _read_type(node: ir.Node, value: ir.Value, found: onnx.TypeProto | None) -> tuple[ir.DataType, tuple[int, ...]]:
    if found is not None and found.HasField("tensor_type") and found.tensor_type.HasField("shape"):
        sizes = found.tensor_type.shape.dim
        if all(size.HasField("dim_value") and size.dim_value >= 0 for size in sizes):
            return ir.DataType(found.tensor_type.elem_type), tuple(size.dim_value for size in sizes)
    raise BatchMismatch(
        f"The size of '{value.name}', from node '{node.name}' ({node.op_type}), is not known from the picture's."
    )
