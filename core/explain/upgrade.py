"""Bring the standard operators to one version, so that each needs one rule.

Done here, not by ONNX's converter: that copies every weight, and has no adapter for many operators. Between versions 11
and 23 most operators were only opened to further types; what else changed is the table below.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes.common import InlinePass

from core.errors import GraphInvalid
from core.explain.surgery import float_of, initializer, insert, int_of, ints_of, remove_attribute, replace

# The newest operator set that ONNX Runtime 1.23, the oldest we run on, reads; and that 1.31, the newest tried, reads.
OPSET: Final = 23
NEWEST: Final = 26
OLDEST: Final = 11  # older ones go through ONNX's converter first
IR_VERSION: Final = 11
# What operator sets 24 to 26 brought, beyond further types for old operators. A model that uses one keeps its version.
NEWER: Final = frozenset({"TensorScatter", "BitCast", "CumProd"})


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def version_of(proto: onnx.ModelProto) -> int:
    """Return the operator set of a model. GraphInvalid for one that cannot be read."""
    version = max((entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if not 1 <= version <= NEWEST:
        raise GraphInvalid(f"ONNX operator sets 1 to {NEWEST} are read; this model has {version or 'none'}.")
    return version


def opened(proto: onnx.ModelProto) -> ir.Model:
    """Return a trusted model without functions, its operators at one version. GraphInvalid where that cannot be."""
    version = version_of(proto)
    for function in proto.functions:
        for entry in function.opset_import:
            if entry.domain in ("", "ai.onnx") and entry.version != version:
                raise GraphInvalid(f"Function '{function.name}' has operator set {entry.version}, its model {version}.")
    if version < OLDEST:
        proto, version = _converted(proto, version), OLDEST
    model = ir.from_proto(proto)
    InlinePass()(model)
    _upgrade(model.graph, version)
    keeps = version > OPSET and any(node.op_type in NEWER for node in model.graph)
    model.opset_imports.clear()
    model.opset_imports[""] = version if keeps else OPSET
    model.ir_version = max(model.ir_version, IR_VERSION)
    return model


def _converted(proto: onnx.ModelProto, version: int) -> onnx.ModelProto:
    try:
        return onnx.version_converter.convert_version(proto, OLDEST)
    except Exception as error:  # the converter raises RuntimeError and others
        raise GraphInvalid(f"Operator set {version} cannot be brought to {OLDEST}: {first_line(error)}") from error


def _upgrade(graph: ir.Graph, version: int) -> None:
    for node in list(graph):
        node.domain = ""
        node.version = None
        if node.op_type == "Swish":
            _write_swish(graph, node)
        for since, change in CHANGES.get(node.op_type, ()):
            if version < since:
                change(graph, node)


def _axes_to_input(graph: ir.Graph, node: ir.Node) -> None:
    _to_input(graph, node, "axes")


def _split_to_input(graph: ir.Graph, node: ir.Node) -> None:
    _to_input(graph, node, "split")


def _to_input(graph: ir.Graph, node: ir.Node, name: str) -> None:
    """Numbers that were an attribute become the second input."""
    if name in node.attributes:
        numbers = initializer(graph, np.array(ints_of(node, name), np.int64), f"{node.outputs[0].name}_{name}")
        node.resize_inputs(2)
        node.replace_input_with(1, numbers)
        remove_attribute(node, name)


def _count_parts(graph: ir.Graph, node: ir.Node) -> None:
    """Split without sizes: the number of parts became an attribute."""
    if len(node.inputs) < 2 or node.inputs[1] is None:
        node.attributes["num_outputs"] = ir.AttrInt64("num_outputs", len(node.outputs))


def _flatten_for_softmax(graph: ir.Graph, node: ir.Node) -> None:
    """Before version 13 a softmax ran over all axes from `axis` on, taken together."""
    axis = int_of(node, "axis", 1)
    if axis == -1:
        node.attributes["axis"] = ir.AttrInt64("axis", -1)
        return
    source, output = node.inputs[0], node.outputs[0]
    assert source is not None
    flat = insert(node, "Flatten", [source], axis=axis)
    row = insert(node, node.op_type, [flat], axis=-1)
    sizes = insert(node, "Shape", [source])
    whole = insert(node, "Reshape", [row, sizes])
    whole.name, output.name = output.name, f"{output.name}_coerced"
    replace(node, whole)


def _drop_training_outputs(graph: ir.Graph, node: ir.Node) -> None:
    """Before version 14 a batch norm could give its statistics too."""
    if any(output.uses() or output.is_graph_output() for output in node.outputs[1:]):
        raise GraphInvalid(f"Batch norm '{node.name}' is in training mode; export the model for inference.")
    node.resize_outputs(1)


def _ratio_to_nothing(graph: ir.Graph, node: ir.Node) -> None:
    remove_attribute(node, "ratio")  # without meaning in inference


def _rename_sampling(graph: ir.Graph, node: ir.Node) -> None:
    names = {"bilinear": "linear", "bicubic": "cubic"}
    mode = node.attributes["mode"].as_string() if "mode" in node.attributes else "bilinear"
    node.attributes["mode"] = ir.AttrString("mode", names.get(mode, mode))


def _write_swish(graph: ir.Graph, node: ir.Node) -> None:
    """``x Sigmoid(alpha x)``; Ramachandran et al. 2017. New in operator set 24."""
    alpha, source, output = float_of(node, "alpha", 1.0), node.inputs[0], node.outputs[0]
    name = output.name
    inside = source
    if alpha != 1:
        inside = insert(node, "Mul", [source, initializer(graph, np.array(alpha, np.float32), f"{name}_alpha")])
    product = insert(node, "Mul", [source, insert(node, "Sigmoid", [inside])])
    product.name, output.name = name, f"{name}_composite"
    replace(node, product)


def _refuse(graph: ir.Graph, node: ir.Node) -> None:
    raise GraphInvalid(f"Node '{node.name}' ({node.op_type}) has no equal in operator set {OPSET}.")


Change = Callable[[ir.Graph, ir.Node], None]
_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")

# Operator: the versions at which it changed, and what makes an older node a newer one.
CHANGES: Final[Mapping[str, tuple[tuple[int, Change], ...]]] = {
    **{f"Reduce{name}": ((18, _axes_to_input),) for name in _REDUCTIONS},
    "ReduceSum": ((13, _axes_to_input),),
    "Squeeze": ((13, _axes_to_input),),
    "Unsqueeze": ((13, _axes_to_input),),
    "Split": ((13, _split_to_input), (18, _count_parts)),
    "Softmax": ((13, _flatten_for_softmax),),
    "LogSoftmax": ((13, _flatten_for_softmax),),
    "Hardmax": ((13, _flatten_for_softmax),),
    "BatchNormalization": ((14, _drop_training_outputs),),
    "Dropout": ((12, _ratio_to_nothing),),
    "GridSample": ((20, _rename_sampling),),
    "DFT": ((20, _refuse),),
}
