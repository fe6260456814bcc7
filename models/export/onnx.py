"""A torch network as an ONNX file."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

OPSET = 18
HALF_FROM = 1024  # values; smaller tensors (biases, scales) stay as they are


def export_onnx(network: nn.Module, path: Path, size: int, channels: int = 1, half: bool = False) -> None:
    """Write a network that takes uint8 [batch, channels, size, size] and gives logits, any batch, weights inside.

    With `half` large weights are stored as float16 and cast when the model is loaded: half the file, and it still
    computes in float32.
    """
    network = network.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    example = torch.zeros(2, channels, size, size, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its own internals
        torch.onnx.export(
            network,
            (example,),
            path,
            input_names=["face"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    model = onnx.load(path)
    for node in model.graph.node:
        node.ClearField("metadata_props")  # traces of the machine that exported it
        node.ClearField("doc_string")
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        value.ClearField("metadata_props")
    model.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    if half:
        _halve(model.graph)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _halve(graph: onnx.GraphProto) -> None:
    """Store every large float32 initializer as float16 behind a cast."""
    casts = []
    for kept in graph.initializer:
        values = numpy_helper.to_array(kept)
        if values.dtype != np.float32 or values.size < HALF_FROM:
            continue
        name = kept.name
        kept.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [kept.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
