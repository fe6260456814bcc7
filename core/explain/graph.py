"""Read a classifier and bring it into the one shape that the rules expect.

Constants and batch norm folded, dropout and softmax head gone, batch free, every size but the batch known.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes.common import InlinePass, RemoveUnusedNodesPass

from core.errors import GraphInvalid, UnknownName
from core.explain.emit import Array, array_of, dims

# The newest operator set that ONNX Runtime 1.23, the oldest we run on, reads; 1.31 reads up to 26.
OPSET = 23
IR_VERSION = 11
# Largest constant that folding may write, in elements: a tiny file can declare a huge one.
FOLD_LIMIT = 1 << 24
CHANNELS = (1, 3, 4)  # what a picture may have


@dataclass(frozen=True)
class Classifier:
    """A normalised model with one picture input and one row of logits."""

    model: ir.Model
    face: ir.Value
    logits: ir.Value

    @property
    def classes(self) -> int:
        """Number of logits."""
        return dims(self.logits)[0]

    @property
    def channel_axis(self) -> int | None:
        """Axis of the picture's channels, the batch being axis 0; None for [batch, height, width]."""
        sizes = dims(self.face)
        if len(sizes) == 2:
            return None
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


def read(source: ir.Model | bytes | Path, at: str | None = None) -> Classifier:
    """Read and normalise a model, with its scores at the first output or `at` the output, node or value of that name.

    GraphInvalid where it cannot be read or must not be trusted.
    """
    proto = _inferred(_upgraded(_freed(_trusted(_proto(source)))))
    model = ir.from_proto(proto)
    InlinePass()(model)
    if at is not None:
        _move_output(model.graph, at)
    for step in (_lift_constants, _drop_identities, _fix_reshapes, _fold_constants, _fold_bias, _fold_norms):
        step(model.graph)
    _drop_heads(model.graph)
    RemoveUnusedNodesPass()(model)
    return _checked(model)


def _proto(source: ir.Model | bytes | Path) -> onnx.ModelProto:
    try:
        if isinstance(source, ir.Model):
            return ir.serde.serialize_model(source)
        if isinstance(source, bytes):
            return onnx.load_model_from_string(source)
        return onnx.load_model(source, load_external_data=False)
    except Exception as error:  # protobuf raises many kinds
        raise GraphInvalid(f"This is not a readable ONNX model: {error}") from error


def _trusted(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Refuse tensors outside the file, and what ONNX's own checker refuses (cycles among it)."""
    for tensor in _tensors(proto.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise GraphInvalid(f"The model keeps '{tensor.name}' in another file; only self-contained models are read.")
    try:
        onnx.checker.check_model(proto)
    except onnx.checker.ValidationError as error:
        raise GraphInvalid(f"The model breaks the ONNX format: {_first_line(error)}") from error
    return proto


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
            elif attribute.type == onnx.AttributeProto.TENSORS:
                yield from attribute.tensors
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _tensors(inner)


def _freed(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Let the batch be any number, and forget sizes that were inferred with a fixed one."""
    constants = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise GraphInvalid(f"A classifier of pictures has one input; this model has {len(inputs)}.")
    shape = inputs[0].type.tensor_type.shape
    if len(shape.dim) not in (3, 4):
        raise GraphInvalid(f"A picture input has 3 or 4 axes; '{inputs[0].name}' has {len(shape.dim)}.")
    if any(dim.dim_value < 1 for dim in shape.dim[1:]):
        raise GraphInvalid(f"The picture size of '{inputs[0].name}' must be fixed; only the batch may vary.")
    shape.dim[0].dim_param = "batch"
    del proto.graph.value_info[:]
    for output in proto.graph.output:
        output.type.tensor_type.ClearField("shape")
    return proto


def _upgraded(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Bring the standard operators to one version, so that each needs one rule."""
    version = next((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if version < OPSET:
        try:
            proto = onnx.version_converter.convert_version(proto, OPSET)
        except Exception as error:  # the converter raises RuntimeError and others
            raise GraphInvalid(f"Operator set {version} cannot be brought to {OPSET}: {_first_line(error)}") from error
    proto.ir_version = max(proto.ir_version, IR_VERSION)
    return proto


def _inferred(proto: onnx.ModelProto) -> onnx.ModelProto:
    try:
        return onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    except Exception as error:  # InferenceError among others
        raise GraphInvalid(f"The model's shapes do not fit together: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def initializer(graph: ir.Graph, array: Array, hint: str) -> ir.Value:
    """Store a constant under a name that is free."""
    name, count = hint, 0
    while name in graph.initializers:
        name, count = f"{hint}_{count}", count + 1
    tensor = ir.tensor(np.asarray(array, order="C"), name=name)  # not ascontiguousarray: it adds an axis to scalars
    value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
    graph.register_initializer(value)
    return value


def replace(node: ir.Node, value: ir.Value) -> None:
    """Let every user of the node's first output use `value`, and remove the node."""
    assert node.graph is not None
    node.outputs[0].replace_all_uses_with(value, replace_graph_outputs=True)
    node.graph.remove(node, safe=False)


def _move_output(graph: ir.Graph, at: str) -> None:
    """Let the scores be another output, or the channels of an inner value: at their highest places, if there are."""
    outputs = {str(value.name): value for value in graph.outputs}
    values = {str(value.name): value for node in graph for value in node.outputs}
    nodes = {str(node.name): node.outputs[0] for node in graph if node.name}
    if at not in outputs | values | nodes:
        raise UnknownName("output or node", at, (*outputs, *(name for name in values if name not in outputs)))
    value = (nodes | values | outputs)[at]
    if value.shape is not None and len(value.shape) > 2:
        axes = initializer(graph, np.arange(2, len(value.shape), dtype=np.int64), "axes_of_places")
        peak = ir.Node("", "ReduceMax", [value, axes], [ir.AttrInt64("keepdims", 0)], name=f"{at}_peak")
        peak.outputs[0].shape = ir.Shape(list(value.shape)[:2])
        peak.outputs[0].type = value.type
        graph.append(peak)
        value = peak.outputs[0]
    del graph.outputs[:]
    graph.outputs.append(value)


def _lift_constants(graph: ir.Graph) -> None:
    for node in list(graph):
        if node.op_type == "Constant":
            proto = ir.serde.serialize_node(node)
            replace(node, initializer(graph, _evaluate(proto, {}), f"{node.outputs[0].name}_constant"))


def _evaluate(proto: onnx.NodeProto, feeds: dict[str, Array]) -> Array:
    from onnx.reference import ReferenceEvaluator

    results = ReferenceEvaluator(proto).run(None, feeds)
    assert isinstance(results, list)
    return np.asarray(results[0])


def _drop_identities(graph: ir.Graph) -> None:
    for node in list(graph):
        if node.op_type in ("Identity", "Dropout") and node.inputs[0] is not None:
            replace(node, node.inputs[0])


def _fix_reshapes(graph: ir.Graph) -> None:
    """Give every Reshape whose result is known but for the batch a constant target: exporters compute it."""
    for node in list(graph):
        shape = node.outputs[0].shape
        if node.op_type != "Reshape" or shape is None or len(shape) == 0:
            continue
        sizes = list(shape)
        source = node.inputs[0]
        if all(isinstance(size, int) for size in sizes[1:]) and source is not None and not source.is_initializer():
            target = np.array([-1, *sizes[1:]], np.int64)
            node.replace_input_with(1, initializer(graph, target, "reshape_target"))
            _free_batch(node, sizes)


def _free_batch(node: ir.Node, sizes: list[Any]) -> None:
    """Return a target that was exported for one picture says 1 where it means the batch."""
    source = node.inputs[0]
    assert source is not None
    if isinstance(sizes[0], int) and source.shape is not None and not isinstance(source.shape[0], int):
        node.outputs[0].shape = ir.Shape(["batch", *sizes[1:]])


def _fold_constants(graph: ir.Graph) -> None:
    for node in list(graph):
        inputs = [value for value in node.inputs if value is not None]
        arrays = {str(value.name): array_of(value) for value in inputs}
        if not inputs or any(array is None for array in arrays.values()) or not _small(node):
            continue
        feeds = {name: array for name, array in arrays.items() if array is not None}
        folded = _evaluate(ir.serde.serialize_node(node), feeds)
        replace(node, initializer(graph, folded, f"{node.outputs[0].name}_folded"))


def _small(node: ir.Node) -> bool:
    shape = node.outputs[0].shape
    if len(node.outputs) != 1 or node.domain not in ("", "ai.onnx") or shape is None:
        return False
    sizes = [size for size in shape if isinstance(size, int)]
    return len(sizes) == len(shape) and math.prod(sizes) <= FOLD_LIMIT


def _alone(value: ir.Value | None, operators: tuple[str, ...]) -> ir.Node | None:
    """Return the value's producer if it is one of the operators and nobody else uses the value."""
    node = None if value is None else value.producer()
    if node is None or value is None or value.is_graph_output() or len(value.uses()) != 1:
        return None
    return node if node.op_type in operators else None


def _fold_bias(graph: ir.Graph) -> None:
    """Conv or MatMul followed by the addition of one constant per channel: make that the layer's bias."""
    for node in list(graph):
        if node.op_type != "Add":
            continue
        for index in (0, 1):
            layer, added = _alone(node.inputs[index], ("Conv", "MatMul")), array_of(node.inputs[1 - index])
            if layer is not None and added is not None and _absorb_bias(graph, layer, added):
                replace(node, layer.outputs[0])
                break


def _absorb_bias(graph: ir.Graph, layer: ir.Node, added: Array) -> bool:
    weight, sizes = array_of(layer.inputs[1]), dims(layer.outputs[0])
    if weight is None or (len(layer.inputs) > 2 and layer.inputs[2] is not None):
        return False
    if layer.op_type == "MatMul" and (len(sizes) != 1 or weight.ndim != 2):
        return False
    channels = weight.shape[0 if layer.op_type == "Conv" else 1]
    tail = (channels,) + (1,) * (len(sizes) - 1)
    if added.size not in (1, channels) or np.broadcast_shapes(added.shape, (1, *tail)) != (1, *tail):
        return False
    bias = initializer(graph, np.broadcast_to(added.reshape(-1), channels), f"{layer.outputs[0].name}_bias")
    layer.resize_inputs(3)
    layer.replace_input_with(2, bias)
    if layer.op_type == "MatMul":
        layer.op_type = "Gemm"
    return True


def _fold_norms(graph: ir.Graph) -> None:
    """Fold batch norm into the convolution before it; where there is none it becomes a scale and a shift."""
    for node in list(graph):
        if node.op_type != "BatchNormalization":
            continue
        if "training_mode" in node.attributes and node.attributes["training_mode"].as_int():
            raise GraphInvalid(f"Batch norm '{node.name}' is in training mode; export the model for inference.")
        scale, shift = _affine(node)
        layer = _alone(node.inputs[0], ("Conv",))
        if layer is not None and array_of(layer.inputs[1]) is not None:
            _absorb_affine(graph, layer, scale, shift)
            replace(node, layer.outputs[0])
        else:
            _write_affine(graph, node, scale, shift)


def _affine(node: ir.Node) -> tuple[Array, Array]:
    """Scale and shift of a batch norm in inference: float64 [channels]."""
    arrays = [array_of(value) for value in node.inputs[1:5]]
    if any(array is None for array in arrays):
        raise GraphInvalid(f"Batch norm '{node.name}' computes its statistics; only constant ones are read.")
    gain, offset, mean, variance = (np.asarray(array, np.float64) for array in arrays)
    epsilon = node.attributes["epsilon"].as_float() if "epsilon" in node.attributes else 1e-5
    scale = gain / np.sqrt(variance + epsilon)
    return scale, offset - mean * scale


def _absorb_affine(graph: ir.Graph, layer: ir.Node, scale: Array, shift: Array) -> None:
    weight = np.asarray(array_of(layer.inputs[1]))
    old = array_of(layer.inputs[2]) if len(layer.inputs) > 2 else None
    bias = (0 if old is None else old) * scale + shift
    folded = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
    name = layer.outputs[0].name
    layer.resize_inputs(3)
    layer.replace_input_with(1, initializer(graph, folded.astype(weight.dtype), f"{name}_weight"))
    layer.replace_input_with(2, initializer(graph, bias.astype(weight.dtype), f"{name}_bias"))


def _write_affine(graph: ir.Graph, node: ir.Node, scale: Array, shift: Array) -> None:
    source, output = node.inputs[0], node.outputs[0]
    assert source is not None
    tail = (-1, *[1] * (len(dims(output)) - 1))
    gain = initializer(graph, scale.astype(np.float32).reshape(tail), f"{output.name}_scale")
    offset = initializer(graph, shift.astype(np.float32).reshape(tail), f"{output.name}_shift")
    product = ir.Node("", "Mul", [source, gain], name=f"{node.name}_scale")
    total = ir.Node("", "Add", [product.outputs[0], offset], name=f"{node.name}_shift")
    for value in (product.outputs[0], total.outputs[0]):
        value.shape, value.type = output.shape, output.type
    graph.insert_before(node, [product, total])
    replace(node, total.outputs[0])


def _drop_heads(graph: ir.Graph) -> None:
    """Explain logits: walk back over a softmax at the end. Further outputs are left out."""
    value = graph.outputs[0]
    node = value.producer()
    while node is not None and node.op_type in ("Softmax", "LogSoftmax") and node.inputs[0] is not None:
        value = node.inputs[0]
        node = value.producer()
    del graph.outputs[:]
    graph.outputs.append(value)


def _checked(model: ir.Model) -> Classifier:
    face = next(value for value in model.graph.inputs if not value.is_initializer())
    classifier = Classifier(model, face, model.graph.outputs[0])
    for value in classifier.varying:
        if value.dtype in (ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.DOUBLE):
            raise GraphInvalid(f"The model computes in {value.dtype.name}; only float32 is compiled.")
    if classifier.logits not in classifier.varying:
        raise GraphInvalid("The model's first output does not depend on its picture.")
    if len(dims(classifier.logits)) != 1 or classifier.logits.dtype != ir.DataType.FLOAT:
        raise GraphInvalid(f"The first output must be float32 [batch, classes], got {classifier.logits.shape}.")
    if classifier.channel_axis is not None and dims(face)[classifier.channel_axis - 1] not in CHANNELS:
        raise GraphInvalid(f"A picture has {CHANNELS} channels, first or last; got {face.shape}.")
    return classifier
