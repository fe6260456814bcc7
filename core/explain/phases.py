"""Strided transposed convolutions as one convolution per phase of the stride, and an interleaving of those.

ONNX Runtime has no blocked transposed convolution, and its plain one adds up on a single core.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from core.explain.surgery import int_of, ints_of
from core.explain.writing import to_bytes

BLOCK = 16  # channels; only layers that keep whole blocks are rewritten


@dataclass(frozen=True)
class Phase:
    """The convolution that computes every s-th row and column: kernel [out, in, rows, columns], and its padding."""

    kernel: NDArray[np.float32]
    pads: tuple[int, int, int, int]


def in_phases(explainer: bytes) -> bytes:
    """Rewrite the transposed convolutions for which it pays; the others, and a model without any, stay as they are."""
    model = ir.from_proto(onnx.load_model_from_string(explainer))
    found = [(node, phases) for node in model.graph if (phases := _phases(node))]
    for node, phases in found:
        _interleave(model.graph, node, phases)
    return to_bytes(model) if found else explainer


def _phases(node: ir.Node) -> list[Phase]:
    """Return a transposed convolution's phases, row by row; none where it is of another kind than is rewritten.

    It must multiply both sides exactly: sides s n of n, as the transpose of a convolution of stride s mostly does.
    """
    weight = node.inputs[1] if len(node.inputs) == 2 else None
    strides = ints_of(node, "strides")
    if node.op_type != "ConvTranspose" or weight is None or weight.const_value is None or len(strides) != 2:
        return []
    kernel, stride = weight.const_value.numpy(), strides[0]
    pads, more = ints_of(node, "pads") or [0] * 4, ints_of(node, "output_padding") or [0, 0]
    exact = all(kernel.shape[2 + i] - pads[i] - pads[i + 2] + more[i] == stride for i in (0, 1))
    plain = int_of(node, "group", 1) == 1 and set(ints_of(node, "dilations")) <= {1} and set(strides) == {stride}
    blocks = all(channels % BLOCK == 0 for channels in kernel.shape[:2])
    if stride < 2 or not (exact and plain and blocks) or min(kernel.shape[2:]) < stride:
        return []
    sides = [[_taps(kernel.shape[2 + i], stride, phase, pads[i]) for phase in range(stride)] for i in (0, 1)]
    phases = []
    for rows in sides[0]:
        for columns in sides[1]:
            part = kernel[:, :, list(rows.values())][..., list(columns.values())].swapaxes(0, 1)
            reach = (-min(rows), -min(columns), max(rows), max(columns))
            phases.append(Phase(np.ascontiguousarray(part), reach))
    return phases if min(min(phase.pads) for phase in phases) >= 0 else []


def _taps(kernel: int, stride: int, phase: int, before: int) -> Mapping[int, int]:
    """Return which tap reaches an output of this phase from an input so many places further on, in that order."""
    reach = {(phase + before - tap) // stride: tap for tap in range(kernel) if (phase + before - tap) % stride == 0}
    return dict(sorted(reach.items()))


def _interleave(graph: ir.Graph, node: ir.Node, phases: list[Phase]) -> None:
    name, parts = str(node.outputs[0].name), []
    for number, phase in enumerate(phases):
        title = f"{name}_phase_{number}"
        kernel = ir.Value(name=f"{title}_kernel", const_value=ir.tensor(phase.kernel, name=f"{title}_kernel"))
        graph.register_initializer(kernel)
        pads = [ir.AttrInt64s("pads", list(phase.pads))]
        parts.append(ir.Node("", "Conv", [node.inputs[0], kernel], pads, name=title))
    stacked = ir.Node(
        "", "Concat", [part.outputs[0] for part in parts], [ir.AttrInt64("axis", 1)], name=f"{name}_stack"
    )
    how = [ir.AttrInt64("blocksize", ints_of(node, "strides")[0]), ir.AttrString("mode", "DCR")]
    woven = ir.Node("", "DepthToSpace", [stacked.outputs[0]], how, name=f"{name}_weave")
    node.outputs[0].name = f"{name}_unused"
    woven.outputs[0].name = name
    graph.insert_before(node, [*parts, stacked, woven])
    node.outputs[0].replace_all_uses_with(woven.outputs[0], replace_graph_outputs=True)
    graph.remove(node, safe=True)
