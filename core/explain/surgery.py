"""The few cuts that bringing a graph into shape is made of: constants, inserted nodes, replaced nodes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from core.explain.emit import Array, Attribute, array_of


def initializer(graph: ir.Graph, array: Array, hint: str) -> ir.Value:
    """Store a constant under a name that is free."""
    name, count = hint, 0
    while name in graph.initializers:
        name, count = f"{hint}_{count}", count + 1
    tensor = ir.tensor(np.asarray(array, order="C"), name=name)  # not ascontiguousarray: it adds an axis to scalars
    value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
    graph.register_initializer(value)
    return value


def insert(before: ir.Node, operator: str, inputs: Sequence[ir.Value | None], **attributes: Attribute) -> ir.Value:
    """Put a node with one output before another and return that output, whose shape is not known."""
    listed = ir.convenience.convert_attributes(attributes)
    node = ir.Node("", operator, list(inputs), listed)
    assert before.graph is not None
    before.graph.insert_before(before, node)
    return node.outputs[0]


def replace(node: ir.Node, value: ir.Value) -> None:
    """Let every user of the node's first output use `value`, and remove the node."""
    assert node.graph is not None
    node.outputs[0].replace_all_uses_with(value, replace_graph_outputs=True)
    node.graph.remove(node, safe=True)


def remove_attribute(node: ir.Node, name: str) -> None:
    """Remove an attribute, if it is there."""
    if name in node.attributes:
        del node.attributes[name]


def int_of(node: ir.Node, name: str, default: int) -> int:
    """Return a whole number that a node carries."""
    return node.attributes[name].as_int() if name in node.attributes else default


def float_of(node: ir.Node, name: str, default: float) -> float:
    """Return a number that a node carries."""
    return node.attributes[name].as_float() if name in node.attributes else default


def ints_of(node: ir.Node, name: str) -> list[int]:
    """Return the whole numbers that a node carries; none where it does not."""
    return [int(number) for number in node.attributes[name].as_ints()] if name in node.attributes else []


def constant_of(value: ir.Value | None) -> Array | None:
    """Return the array of a constant, also where a node still makes it."""
    producer = None if value is None else value.producer()
    if producer is not None and producer.op_type == "Constant":
        return constant_array(producer)
    return array_of(value)


def constant_array(node: ir.Node) -> Array:
    """Return what a Constant node makes."""
    ((name, attribute),) = [(key, each) for key, each in node.attributes.items() if key.startswith("value")]
    if name == "value":
        return np.asarray(attribute.as_tensor().numpy())
    dtype: Any = np.int64 if "int" in name else np.float32 if "float" in name else np.str_
    return np.asarray(attribute.value, dtype)


def alone(value: ir.Value | None, operators: tuple[str, ...]) -> ir.Node | None:
    """Return the value's producer if it is one of the operators and nobody else uses the value."""
    node = None if value is None else value.producer()
    if node is None or value is None or value.is_graph_output() or len(value.uses()) != 1:
        return None
    return node if node.op_type in operators else None
