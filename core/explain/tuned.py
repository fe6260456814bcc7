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

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from core.explain.writing import to_bytes

BLOCKED: Final = "com.microsoft.nchwc"  # ONNX Runtime's own domain of operators on blocked feature maps
# No processor has larger blocks, in channels. Only maps of whole blocks are touched: padding would be divided by zero.
LARGEST_BLOCK: Final = 16
ELEMENTWISE: Final = frozenset(
    {"Abs", "Add", "Clip", "Div", "Elu", "Erf", "Exp", "HardSigmoid", "LeakyRelu", "Max", "Min"}
    | {"Mul", "Neg", "Reciprocal", "Relu", "Sigmoid", "Sign", "Softplus", "Sqrt", "Sub", "Sum", "Tanh"}
)


def tuned(explainer: bytes) -> bytes:
    """Return the explainer optimised for this processor; to be loaded with all further optimisation switched off."""
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


def _shapes(explainer: bytes) -> Mapping[str, tuple[int | str, ...]]:
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


def _keep_blocks(graph: ir.Graph, shapes: Mapping[str, tuple[int | str, ...]]) -> None:
    """Let elementwise nodes whose inputs all come out of blocks work on the blocks themselves."""
    for node in list(graph):
        blocks = [_blocks(value) for value in node.inputs]
        if node.domain == BLOCKED and node.op_type == "ReorderInput" and blocks[0] is not None:
            _use(node, blocks[0])
        elif node.domain == "" and node.op_type in ELEMENTWISE and _agree(node, blocks, shapes):
            inputs = [plain if block is None else block for plain, block in zip(node.inputs, blocks, strict=True)]
            _work_on(graph, node, inputs)


def _blocks(value: ir.Value | None) -> ir.Value | None:
    """Return the blocked feature map that a value is the plain form of, or None."""
    node = None if value is None else value.producer()
    if node is None or node.domain != BLOCKED or node.op_type != "ReorderOutput":
        return None
    last = node.attributes["channels_last"].as_int() if "channels_last" in node.attributes else 0
    return None if last or node.attributes["channels"].as_int() % LARGEST_BLOCK else node.inputs[0]


def _agree(node: ir.Node, blocks: list[ir.Value | None], shapes: Mapping[str, tuple[int | str, ...]]) -> bool:
    """Whether every input is a blocked map of one and the same size, or a single number."""
    sizes = set()
    for value, block in zip(node.inputs, blocks, strict=True):
        if block is not None and value is not None:
            sizes.add(shapes.get(str(value.name), ("?",)))
        elif value is None or value.const_value is None or value.const_value.size != 1:
            return False
    return len(sizes) == 1 and "?" not in sizes.pop()


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
