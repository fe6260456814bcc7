"""A torch network as an ONNX file."""

import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

OPSET = 18


def export_onnx(network: nn.Module, path: Path, size: int, channels: int = 1) -> None:
    """Write a network that takes uint8 [batch, channels, size, size] and gives logits, any batch, weights inside."""
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
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
