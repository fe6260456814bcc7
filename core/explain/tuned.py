"""An explainer made ready for one processor: ONNX Runtime's optimisations applied once, and kept.

ONNX Runtime lays feature maps out in blocks of channels that fit the processor's registers, and goes back to the plain
layout for every operator that it has no blocked form of. The backward pass is full of those: each layer divides. But
an operator that works element by element does not care where the elements lie, so here it works on the blocks too.
What results holds for the processor and the release of ONNX Runtime named by `fingerprint` alone.
"""

import hashlib
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from core.explain.phases import BLOCK, in_phases
from core.explain.writing import to_bytes

BLOCKED: Final = "com.microsoft.nchwc"  # ONNX Runtime's own domain of operators on blocked feature maps
# No processor has larger blocks, in channels. Only maps of whole blocks are touched: padding would be divided by zero.
LARGEST_BLOCK: Final = BLOCK
Shapes = Mapping[str, tuple[int | str, ...]]
ELEMENTWISE: Final = frozenset(
    {"Abs", "Add", "Clip", "Div", "Elu", "Erf", "Exp", "HardSigmoid", "LeakyRelu", "Max", "Min"}
    | {"Mul", "Neg", "Reciprocal", "Relu", "Sigmoid", "Sign", "Softplus", "Sqrt", "Sub", "Sum", "Tanh"}
)


def tuned(explainer: bytes) -> bytes:
    """Return the explainer optimised for this processor; to be loaded with all further optimisation switched off."""
    explainer = in_phases(explainer)
    model = ir.from_proto(onnx.load_model_from_string(_optimised(explainer)))
    _keep_blocks(model.graph, _shapes(explainer))
    RemoveUnusedNodesPass()(model)
    return to_bytes(model)


def start_tuned(model: bytes | Path, options: Any) -> Any:
    """Start ONNX Runtime on a tuned explainer, with nothing left to optimise; `options` are its SessionOptions."""
    import onnxruntime

    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def fingerprint() -> str:
    """Name the processor and the ONNX Runtime for which a tuned explainer holds: 16 hexadecimal digits."""
    import onnxruntime

    described = Path("/proc/cpuinfo")
    flags = ""
    if described.is_file():
        flags = next(
            (line for line in described.read_text().splitlines() if line.startswith(("flags", "Features"))), ""
        )
    facts = (onnxruntime.__version__, platform.system(), platform.machine(), platform.processor(), flags)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _optimised(explainer: bytes) -> bytes:
    import onnxruntime

    with tempfile.TemporaryDirectory(prefix="mienscope-") as folder:
        path = Path(folder) / "optimised.onnx"
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(path)
        options.log_severity_level = 3  # it warns that the file is for this processor alone: it is
        onnxruntime.InferenceSession(explainer, options, providers=["CPUExecutionProvider"])
        return path.read_bytes()


def _shapes(explainer: bytes) -> Shapes:
    """Return the sizes of every value of the plain graph, by name. Weights are left out: inferring would copy them."""
    proto = onnx.load_model_from_string(explainer)
    for tensor in proto.graph.initializer:
        if tensor.ByteSize() > 1024:
            shape = list(tensor.dims)
            proto.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, shape))
    small = [tensor for tensor in proto.graph.initializer if tensor.ByteSize() <= 1024]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(small)
    inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True)
    return {
        value.name: tuple(size.dim_value or size.dim_param or "?" for size in value.type.tensor_type.shape.dim)
        for value in (*inferred.graph.value_info, *inferred.graph.output)
    }


def _keep_blocks(graph: ir.Graph, shapes: Shapes) -> None:
    """Let elementwise nodes with an input that comes out of blocks work on the blocks themselves.

    Their other inputs are brought into blocks: what comes behind mostly wants them so.
    """
    entered: dict[ir.Value, ir.Value] = {}
    for node in list(graph):
        blocks = [_blocks(value) for value in node.inputs]
        if node.domain == BLOCKED and node.op_type == "ReorderInput" and blocks[0] is not None:
            _use(node, blocks[0])
        elif _is_weave(node, shapes) and blocks[0] is not None:
            _weave(graph, node, blocks[0], shapes)
        elif node.domain == "" and node.op_type in ELEMENTWISE and any(blocks) and _agree(node, shapes):
            inputs = [
                value if block is None and _is_number(value) else block or _entered(graph, node, value, entered)
                for value, block in zip(node.inputs, blocks, strict=True)
            ]
            _work_on(graph, node, inputs)


def _is_weave(node: ir.Node, shapes: Shapes) -> bool:
    """Whether a node interleaves whole blocks, in the order in which phases are stacked; models have others too."""
    if node.op_type != "DepthToSpace" or node.domain != "":
        return False
    mode = node.attributes["mode"].as_string() if "mode" in node.attributes else "DCR"
    size = shapes.get(str(node.outputs[0].name), ())[1:]
    known = len(size) == 3 and all(isinstance(each, int) for each in size)
    return known and mode == "DCR" and int(size[0]) % LARGEST_BLOCK == 0


def _weave(graph: ir.Graph, node: ir.Node, source: ir.Value, shapes: Shapes) -> None:
    """Interleave the phases of a transposed convolution block by block: sixteen numbers are moved at once."""
    _, channels, height, width = (size if isinstance(size, int) else -1 for size in shapes[str(node.outputs[0].name)])
    stride, block = node.attributes["blocksize"].as_int(), LARGEST_BLOCK
    name = str(node.outputs[0].name)

    def reshaped(value: ir.Value, sizes: list[int], what: str) -> ir.Node:
        target = ir.Value(
            name=f"{name}_{what}", const_value=ir.tensor(np.array(sizes, np.int64), name=f"{name}_{what}")
        )
        graph.register_initializer(target)
        return ir.Node("", "Reshape", [value, target], name=f"{name}_{what}_reshape")

    apart = reshaped(source, [-1, stride, stride, channels // block, height // stride, width // stride, block], "apart")
    order = ir.AttrInt64s("perm", [0, 3, 4, 1, 5, 2, 6])
    woven = ir.Node("", "Transpose", [apart.outputs[0]], [order], name=f"{name}_woven")
    whole = reshaped(woven.outputs[0], [-1, channels, height, width], "whole")
    how = [ir.AttrInt64("channels", channels), ir.AttrInt64("channels_last", 0)]
    out = ir.Node(BLOCKED, "ReorderOutput", [whole.outputs[0]], how, name=f"{name}_plain")
    out.outputs[0].name, node.outputs[0].name = name, f"{name}_unused"
    graph.insert_before(node, [apart, woven, whole, out])
    _use(node, out.outputs[0])


def _entered(graph: ir.Graph, node: ir.Node, value: ir.Value | None, known: dict[ir.Value, ir.Value]) -> ir.Value:
    """Bring a plain feature map into blocks, once for all."""
    assert value is not None
    if value not in known:
        enter = ir.Node(BLOCKED, "ReorderInput", [value], [ir.AttrInt64("channels_last", 0)])
        enter.outputs[0].name = enter.name = f"{value.name}_entered"
        graph.insert_before(node, enter)
        known[value] = enter.outputs[0]
    return known[value]


def _is_number(value: ir.Value | None) -> bool:
    return value is not None and value.const_value is not None and value.const_value.size == 1


def _blocks(value: ir.Value | None) -> ir.Value | None:
    """Return the blocked feature map that a value is the plain form of, or None."""
    node = None if value is None else value.producer()
    if node is None or node.domain != BLOCKED or node.op_type != "ReorderOutput":
        return None
    last = node.attributes["channels_last"].as_int() if "channels_last" in node.attributes else 0
    return None if last or node.attributes["channels"].as_int() % LARGEST_BLOCK else node.inputs[0]


def _agree(node: ir.Node, shapes: Shapes) -> bool:
    """Whether every input is a feature map of one and the same size, or a single number.

    Their batches may differ: blocks lie within a picture, and one picture may stand beside many seeds.
    """
    sizes = {
        shapes.get(str(value.name), ())[1:] for value in node.inputs if value is not None and not _is_number(value)
    }
    if len(sizes) != 1 or None in node.inputs:
        return False
    (size,) = sizes
    known = len(size) == 3 and all(isinstance(each, int) for each in size)
    return known and int(size[0]) % LARGEST_BLOCK == 0


def _work_on(graph: ir.Graph, node: ir.Node, inputs: list[ir.Value | None]) -> None:
    """Replace the node by one on blocked inputs, with its plain form behind it for whom it may concern."""
    reorder = next(value.producer() for value in node.inputs if value is not None and _blocks(value) is not None)
    assert reorder is not None
    name = str(node.outputs[0].name)
    attributes = list(node.attributes.values())
    blocked = ir.Node("", node.op_type, inputs, attributes, name=f"{name}_blocked", version=node.version)
    how = list(reorder.attributes.values())
    out = ir.Node(BLOCKED, "ReorderOutput", [blocked.outputs[0]], how, name=f"{name}_plain")
    out.outputs[0].name = name
    node.outputs[0].name = f"{name}_unused"
    graph.insert_before(node, [blocked, out])
    _use(node, out.outputs[0])


def _use(node: ir.Node, value: ir.Value) -> None:
    assert node.graph is not None
    node.outputs[0].replace_all_uses_with(value, replace_graph_outputs=True)
    node.graph.remove(node, safe=True)
