"""Bring a model that computes in half precision to float32: relevance needs the digits, and the rules need one type."""

from typing import Final

import numpy as np
import onnx_ir as ir

from core.explain.surgery import initializer

HALVES: Final = (ir.DataType.FLOAT16, ir.DataType.BFLOAT16)
# Attributes that name the type of a result.
TYPED: Final = ("to", "dtype", "stash_type", "output_dtype")


def to_float32(graph: ir.Graph, face: ir.Value) -> None:
    """Let constants, casts and results be float32; the picture keeps its type, with a Cast behind it."""
    for value in list(graph.initializers.values()):
        if value.const_value is not None and value.const_value.dtype in HALVES:
            wide = np.asarray(value.const_value.numpy(), np.float32)
            value.replace_all_uses_with(initializer(graph, wide, f"{value.name}_float32"), replace_graph_outputs=True)
            del graph.initializers[str(value.name)]
    for node in graph:
        for name, attribute in list(node.attributes.items()):
            if name in TYPED and attribute.as_int() in (int(half) for half in HALVES):
                node.attributes[name] = ir.AttrInt64(name, int(ir.DataType.FLOAT))
            elif attribute.type == ir.AttributeType.TENSOR and attribute.as_tensor().dtype in HALVES:
                wide = np.asarray(attribute.as_tensor().numpy(), np.float32)
                node.attributes[name] = ir.AttrTensor(name, ir.tensor(wide))
    if face.dtype in HALVES:
        users = list(face.uses())
        cast = ir.Node("", "Cast", [face], [ir.AttrInt64("to", int(ir.DataType.FLOAT))], name=f"{face.name}_float32")
        users[0].node.graph.insert_before(graph[0], cast) if users and users[0].node.graph else None
        for user in users:
            user.node.replace_input_with(user.idx, cast.outputs[0])
