"""A pack's explanations in ONNX Runtime beside torch autograd and captum, interleaved in one process.

``python benchmarks/peers.py models/packs/mien-s [--json]``; `mienscope bench` runs it where torch is installed.
The torch network is rebuilt from the pack's own ONNX file, so that both sides compute the same numbers.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812
from onnx import numpy_helper
from torch import Tensor, nn

from core.model import Model
from core.packs import read_pack

THREADS = 2
ROUNDS = 30


def flat(maps: Tensor, *_: Tensor) -> Tensor:
    """One row per face."""
    return maps.flatten(1)


OPERATORS: dict[str, Callable[..., Tensor]] = {
    "Cast": Tensor.float,
    "Add": torch.add,
    "Sub": torch.sub,
    "Mul": torch.mul,
    "Div": torch.div,
    "ReduceMean": lambda maps, *_: maps.mean(dim=(2, 3)),
    "GlobalAveragePool": lambda maps: maps.mean(dim=(2, 3), keepdim=True),
    "Flatten": flat,
    "Reshape": flat,
    "Squeeze": flat,
}


class FromOnnx(nn.Module):
    """The operators of our shipped packs, read from an ONNX graph and run by torch."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        graph = onnx.load(path).graph
        weights = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
        self.nodes = list(graph.node)
        self.weights = weights
        self.layers = nn.ModuleDict()
        for node in self.nodes:
            layer = self._layer(node)
            if layer is not None:
                self.layers[node.output[0]] = layer
        self.input, self.output = graph.input[0].name, graph.output[0].name
        self.last_maps = [node.output[0] for node in self.nodes if node.op_type in ("Relu", "Add")][-1]

    def _layer(self, node: onnx.NodeProto) -> nn.Module | None:
        """A module for every operator that captum must see as one."""
        settings = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            weight = self.weights[node.input[1]]
            layer = nn.Conv2d(
                weight.shape[1] * settings.get("group", 1),
                weight.shape[0],
                tuple(weight.shape[2:]),
                tuple(settings.get("strides", (1, 1))),
                tuple(settings.get("pads", (0, 0))[:2]),
                groups=settings.get("group", 1),
            )
            layer.weight.data, layer.bias.data = weight, self.weights[node.input[2]]
            return layer
        if node.op_type == "Gemm":
            weight = self.weights[node.input[1]]
            weight = weight if settings.get("transB", 0) else weight.T
            layer = nn.Linear(weight.shape[1], weight.shape[0], bias=len(node.input) > 2)
            layer.weight.data = weight.contiguous()
            if len(node.input) > 2:
                layer.bias.data = self.weights[node.input[2]]
            return layer
        if node.op_type == "Relu":
            return nn.ReLU()
        if node.op_type == "AveragePool":
            return nn.AvgPool2d(settings["kernel_shape"], settings["strides"])
        return None

    def run(self, face: Tensor, maps: bool = False) -> tuple[Tensor, Tensor | None]:
        """Logits and, if asked for, the last feature maps."""
        values = dict(self.weights) | {self.input: face}
        for node in self.nodes:
            inputs = [values[name] for name in node.input if name]
            values[node.output[0]] = self._apply(node, inputs)
        return values[self.output], values[self.last_maps] if maps else None

    def _apply(self, node: onnx.NodeProto, inputs: list[Tensor]) -> Tensor:
        if node.output[0] in self.layers:
            return self.layers[node.output[0]](inputs[0])
        if node.op_type not in OPERATORS:
            raise NotImplementedError(f"{node.op_type} in node {node.name}")
        return OPERATORS[node.op_type](*inputs)

    def forward(self, face: Tensor) -> Tensor:
        """Logits."""
        return self.run(face)[0]


def grad_cam(network: FromOnnx, face: Tensor) -> Tensor:
    """Grad-CAM of the predicted class by autograd, as it is written everywhere."""
    logits, maps = network.run(face, maps=True)
    (gradient,) = torch.autograd.grad(logits.max(dim=1).values.sum(), maps)
    cam = F.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True))
    return F.interpolate(cam, size=face.shape[2:], mode="bilinear").detach()


def captum_lrp(network: FromOnnx, face: Tensor) -> Tensor:
    """Captum's LRP of the predicted class: epsilon by default, alpha1-beta0 on convolutions."""
    from captum.attr import LRP
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.rule = Alpha1_Beta0_Rule()
    return LRP(network).attribute(face.float().requires_grad_(), target=network(face).argmax(dim=1)).detach()


def timed(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median milliseconds of each, run in turn so that noise meets all alike."""
    for run in runs.values():
        run(), run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) * 1e3 for name, values in seconds.items()}


def compare(folder: Path, batch: int) -> dict[str, float | str]:
    """Milliseconds of everything at one batch size; a peer that fails is named with its reason."""
    pack = read_pack(folder)
    model = Model(pack, provider="cpu", threads=THREADS)
    size = pack.manifest.input.size
    faces = np.random.default_rng(0).integers(0, 256, (batch, 1, size, size), dtype=np.uint8)
    network = FromOnnx(pack.model_path).eval()
    tensor = torch.from_numpy(faces)
    assert np.abs(network(tensor).detach().numpy() - model.logits(faces)).max() < 1e-3, "the networks differ"
    feeds = {
        pack.manifest.input.name: faces,
        "seed": np.zeros((batch, len(pack.labels)), np.float32),
        "contrast": np.zeros(batch, np.float32),
    }
    runs: dict[str, Callable[[], object]] = {
        "forward": lambda: model.sessions.forward.run(None, {pack.manifest.input.name: faces}),
        "gradcam": lambda: model.explainer("gradcam").session.run(None, feeds),
        "lrp": lambda: model.explainer("lrp").session.run(None, feeds),
        "torch forward": lambda: network(tensor),
        "torch gradcam": lambda: grad_cam(network, tensor),
    }
    report: dict[str, float | str] = {}
    try:
        captum_lrp(network, tensor)
        runs["captum lrp"] = lambda: captum_lrp(network, tensor)
    except Exception as error:
        report["captum lrp"] = f"does not run: {type(error).__name__}: {error}"
    return report | dict(timed(runs))


def main() -> None:
    """Print the comparison for one and four faces."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("pack", type=Path)
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    report = {str(batch): compare(chosen.pack, batch) for batch in (1, 4)}
    if chosen.json:
        print(json.dumps(report))
        return
    for batch, row in report.items():
        print(f"{batch} faces")
        for name, value in row.items():
            print(f"  {name:15} {value if isinstance(value, str) else f'{value:8.2f} ms'}")


if __name__ == "__main__":
    main()
