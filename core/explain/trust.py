"""What a model file must be before anything spends time or memory on it.

A file of a kilobyte can ask for gigabytes: by declaring tensors it does not carry, by operators that make much of
little, by functions that multiply. Everything here is checked on what is declared, nothing is computed.
"""

import math
import mmap
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnx_ir as ir
from google.protobuf.message import DecodeError

from core.errors import GraphInvalid
from core.explain.sizes import Sizes
from core.explain.upgrade import first_line, opened, version_of

# A gigabyte is ten times a ResNet-50: no classifier that runs on video is near it.
FILE_LIMIT: Final = 1 << 30
# Fields of the file (names, numbers, nodes ...), each of which takes about 100 bytes when read. The largest vision
# transformers have 150 000.
FIELD_LIMIT: Final = 300_000
NODE_LIMIT: Final = 10_000  # after inlining; deep vision networks as exporters write them have up to 5 000
DEPTH_LIMIT: Final = 40  # messages within messages; a plain model has 7
ATTRIBUTE_LIMIT: Final = 1 << 31  # sizes, paddings, strides: beyond it they overflow when multiplied
STANDARD: Final = ("", "ai.onnx")


def trusted(source: ir.Model | bytes | Path) -> onnx.ModelProto:
    """Return the model if it is safe to check, convert and run; nothing of it has been computed then.

    GraphInvalid, with what was expected and what was found, where it is not.
    """
    try:
        return _trusted(source)
    except GraphInvalid:
        raise
    except Exception as error:  # text that is no text, types that contradict each other: many kinds, of many libraries
        raise GraphInvalid(f"This is not a readable ONNX model: {first_line(error)}") from error


def _trusted(source: ir.Model | bytes | Path) -> onnx.ModelProto:
    proto = ir.serde.serialize_model(source) if isinstance(source, ir.Model) else _parsed(source)
    version_of(proto)
    _refuse_structure(proto)
    try:
        onnx.checker.check_model(_without_weights(proto))
    except onnx.checker.ValidationError as error:
        raise GraphInvalid(f"The model breaks the ONNX format: {first_line(error)}") from error
    model = opened(proto)
    for value in model.graph.inputs:
        _refuse_unknown_size(value)
    Sizes(model.graph, None).visit_all()
    return proto


def _parsed(source: bytes | Path) -> onnx.ModelProto:
    try:
        if isinstance(source, bytes):
            survey(source)
            return onnx.load_model_from_string(source)
        if not source.is_file():  # a pipe or a device may have no end
            raise GraphInvalid(f"This is not a readable ONNX model: {source} is no file.")
        size = source.stat().st_size
        if size > FILE_LIMIT:
            raise GraphInvalid(f"A model file has at most {FILE_LIMIT >> 20} MB; this one has {size >> 20} MB.")
        with source.open("rb") as file:
            if size:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
                    survey(pages)
            return onnx.load_model_from_string(file.read(FILE_LIMIT))
    except (OSError, DecodeError) as error:
        raise GraphInvalid(f"This is not a readable ONNX model: {first_line(error)}") from error


@cache
def _schema() -> Mapping[int, Any]:
    """What stands in which field of a ModelProto: a message's own fields, or how its bytes grow when read."""
    known: dict[str, Any] = {}

    def fields_of(message: Any) -> Any:
        if message.full_name not in known:
            fields: dict[int, Any] = {}
            known[message.full_name] = fields
            for field in message.fields:
                if field.message_type is not None:
                    fields[field.number] = fields_of(field.message_type)
                elif field.type not in (field.TYPE_STRING, field.TYPE_BYTES, field.TYPE_FLOAT, field.TYPE_DOUBLE):
                    fields[field.number] = "numbers"
        return known[message.full_name]

    whole: Mapping[int, Any] = fields_of(onnx.ModelProto.DESCRIPTOR)
    return whole


def survey(data: bytes | mmap.mmap) -> None:
    """Count what a file holds before it is parsed: parsing may take a hundred times its bytes."""
    waiting: list[tuple[int, int, Any, int]] = [(0, len(data), _schema(), 0)]
    count = 0
    while waiting:
        place, end, fields, depth = waiting.pop()
        while place < end:
            count += 1
            key, place = (data[place], place + 1) if data[place] < 128 else _varint(data, place, end)
            kind = key & 7
            if kind == 2:
                short = place < end and data[place] < 128
                length, place = (data[place], place + 1) if short else _varint(data, place, end)
                inside = fields.get(key >> 3)
                if inside == "numbers":
                    count += length >> 4  # a byte of the file becomes up to eight
                elif inside is not None and length:
                    waiting.append((place, place + length, inside, depth + 1))
                place += length
            elif kind == 0:
                _, place = _varint(data, place, end)
            elif kind in (1, 5):
                place += 8 if kind == 1 else 4
            else:
                raise GraphInvalid("This is not a readable ONNX model: it holds what ONNX files never hold.")
            if place > end:
                raise GraphInvalid("This is not a readable ONNX model: it ends early.")
            if count > FIELD_LIMIT:
                raise GraphInvalid(f"A model has at most {FIELD_LIMIT} entries; this one has more.")
        if depth > DEPTH_LIMIT:
            raise GraphInvalid(f"The model is nested deeper than {DEPTH_LIMIT} levels.")


def _varint(data: bytes | mmap.mmap, place: int, end: int) -> tuple[int, int]:
    """Return the number at that place, and the place behind it."""
    value = shift = 0
    while place < end and shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    raise GraphInvalid("This is not a readable ONNX model: it ends early.")


def _refuse_structure(proto: onnx.ModelProto) -> None:
    if proto.training_info:
        raise GraphInvalid("The model carries a training procedure; export it for inference.")
    functions = {(each.domain, each.name, each.overload): each for each in proto.functions}
    if len(functions) < len(proto.functions):
        raise GraphInvalid("The model defines one function twice.")
    for nodes in (proto.graph.node, *(each.node for each in proto.functions)):
        for node in nodes:
            _refuse_node(node, functions)
    _refuse_explosion(proto, functions)
    if proto.graph.sparse_initializer:
        raise GraphInvalid("The model holds sparse tensors; only plain ones are read.")
    for tensor in proto.graph.initializer:
        refuse_tensor(tensor)
    _refuse_order(proto.graph)
    for function in proto.functions:
        _refuse_order(function)


def _refuse_node(node: onnx.NodeProto, functions: Mapping[tuple[str, str, str], Any]) -> None:
    """Refuse operators that are not ONNX's own, graphs within nodes, and tensors or numbers that are not sound."""
    if node.domain not in STANDARD and (node.domain, node.op_type, node.overload) not in functions:
        raise GraphInvalid(
            f"Node '{node.name}' is a '{node.op_type}' of the domain '{node.domain}'; "
            "only ONNX's own operators and the model's functions are read."
        )
    for attribute in node.attribute:
        if attribute.HasField("g") or attribute.graphs:
            raise GraphInvalid(f"Node '{node.name}' ({node.op_type}) is control flow; only plain graphs are read.")
        if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
            raise GraphInvalid(f"Node '{node.name}' ({node.op_type}) holds a sparse tensor; only plain ones are read.")
        for tensor in (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors):
            refuse_tensor(tensor)
        sizes = node.op_type not in ("Constant", "Slice", "Shape")
        if sizes and any(abs(number) > ATTRIBUTE_LIMIT for number in attribute.ints):
            raise GraphInvalid(f"Node '{node.name}' ({node.op_type}) has '{attribute.name}' beyond {ATTRIBUTE_LIMIT}.")


def refuse_tensor(tensor: onnx.TensorProto) -> None:
    """Refuse a tensor that stands in another file, or whose bytes are not those of the size it declares."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise GraphInvalid(f"The model keeps '{tensor.name}' in another file; only self-contained models are read.")
    declared = math.prod(tensor.dims)
    impossible = any(size < 0 for size in tensor.dims) or (declared == 0 and max(tensor.dims) > ATTRIBUTE_LIMIT)
    if impossible or tensor.HasField("segment"):
        raise GraphInvalid(f"Tensor '{tensor.name}' has no possible size: {_listed(tensor)}.")
    expected, carried = _expected_and_carried(tensor, declared)
    if expected != carried:
        raise GraphInvalid(
            f"Tensor '{tensor.name}' declares {_listed(tensor)}, which takes {expected} bytes or entries; "
            f"it carries {carried}."
        )


def _listed(tensor: onnx.TensorProto) -> str:
    shown = " x ".join(str(size) for size in tensor.dims[:8])
    return shown + (" x ..." if len(tensor.dims) > 8 else "")


def _expected_and_carried(tensor: onnx.TensorProto, declared: int) -> tuple[int, int]:
    """Bytes or entries that the declared size asks for, and those there are."""
    kind = tensor.data_type
    if kind == onnx.TensorProto.STRING:
        return declared, len(tensor.string_data)
    try:
        dtype = ir.DataType(kind)
        bits = dtype.bitwidth
    except (ValueError, TypeError, AttributeError) as error:
        raise GraphInvalid(f"Tensor '{tensor.name}' has the unknown type {kind}.") from error
    if tensor.HasField("raw_data"):
        return (declared * bits + 7) // 8, len(tensor.raw_data)
    complex_parts = 2 if dtype in (ir.DataType.COMPLEX64, ir.DataType.COMPLEX128) else 1
    packed = max(1, 8 // bits)
    return -(-declared * complex_parts // packed), len(getattr(tensor, onnx.helper.tensor_dtype_to_field(kind)))


def _refuse_explosion(proto: onnx.ModelProto, functions: Mapping[tuple[str, str, str], Any]) -> None:
    """Count the nodes that inlining would make, without inlining."""
    counts: dict[tuple[str, str, str], int | None] = {}

    def size(nodes: Any, depth: int) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type, node.overload)
            if key not in functions:
                total += 1
                continue
            if key not in counts and depth < DEPTH_LIMIT:
                counts[key] = None
                counts[key] = size(functions[key].node, depth + 1)
            inside = counts.get(key)
            if inside is None:
                raise GraphInvalid(f"Function '{node.op_type}' of the model calls itself, or too many others in turn.")
            total += inside
        return total

    total = size(proto.graph.node, 0)
    if total > NODE_LIMIT:
        raise GraphInvalid(f"A classifier has at most {NODE_LIMIT} nodes; this model has {_short(total)}.")


def _short(count: int) -> str:
    return str(count) if count < 10**9 else "more than 1 000 000 000"


def _refuse_order(graph: onnx.GraphProto | onnx.FunctionProto) -> None:
    """Refuse cycles: every node must use only what stands before it."""
    if isinstance(graph, onnx.FunctionProto):
        known = {"", *graph.input}
    else:
        known = {"", *(value.name for value in graph.input), *(tensor.name for tensor in graph.initializer)}
    for node in graph.node:
        missing = next((name for name in node.input if name not in known), None)
        if missing is not None:
            raise GraphInvalid(
                f"The model breaks the ONNX format: '{missing}', which node '{node.name}' ({node.op_type}) uses, "
                "does not come before it (a cycle, or nodes out of order)."
            )
        made = [name for name in node.output if name]
        if not known.isdisjoint(made) or len(set(made)) < len(made):
            raise GraphInvalid(f"The model breaks the ONNX format: '{made[0]}' is made twice.")
        known.update(made)


def _without_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model whose large constants are inputs: the checker copies what it is given."""
    light = onnx.ModelProto(ir_version=proto.ir_version, opset_import=proto.opset_import, functions=proto.functions)
    light.graph.name = proto.graph.name
    light.graph.node.extend(_light(node) for node in proto.graph.node)
    light.graph.input.extend(proto.graph.input)
    light.graph.output.extend(proto.graph.output)
    for output in light.graph.output:  # ONNX Runtime does not ask for it, the checker does
        if output.type.HasField("tensor_type"):
            output.type.tensor_type.shape.SetInParent()
    declared = {value.name for value in proto.graph.input}
    for tensor in proto.graph.initializer:
        if tensor.name not in declared:
            light.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return light


def _light(node: onnx.NodeProto) -> onnx.NodeProto:
    """Return the node, without the numbers if it is a large constant."""
    if node.op_type != "Constant" or node.ByteSize() < 1 << 12:
        return node
    stand_in = onnx.helper.make_node("Constant", [], node.output, node.name, domain=node.domain)
    stand_in.attribute.append(onnx.helper.make_attribute("value", onnx.numpy_helper.from_array(np.zeros(0))))
    return stand_in


def _refuse_unknown_size(value: ir.Value) -> None:
    sizes = list(value.shape)[1:] if value.shape is not None else [None]
    if value.shape is None or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise GraphInvalid(f"The size of the input '{value.name}' must be fixed; only the batch may vary.")
