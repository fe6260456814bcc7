"""A pack's explanations in ONNX Runtime beside torch autograd and captum, interleaved in one process on two threads.

``python benchmarks/peers.py models/packs/mien-s [--batches 1 4 8] [--json]``; `mienscope bench` runs it where torch is
installed. The torch network is rebuilt from the pack's own ONNX file, so that both sides compute the same numbers, and
`hooked_lrp` is checked against our map before anything is timed.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F  # noqa: N812
from onnx import numpy_helper
from torch import Tensor, nn

from core.explain import Effort
from core.model import Model
from core.packs import read_pack

THREADS = 2
ROUNDS = 20
PAUSE_S = 0.3
STEPS = 32  # of integrated gradients
Report = dict[str, dict[str, float | str]]


class Mean(nn.Module):
    """Global average pooling."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean(dim=(2, 3))


def flat(maps: Tensor, *_: Tensor) -> Tensor:
    """One row per face."""
    return maps.flatten(1)


def joined(*parts: Tensor) -> Tensor:
    """Maps by channel, lengths end to end."""
    return torch.cat(parts, dim=1 if parts[0].ndim == 4 else 0)


def resized(maps: Tensor, sizes: Tensor) -> Tensor:
    """Bilinear, half pixels kept."""
    return F.interpolate(maps, size=sizes[2:].tolist(), mode="bilinear", align_corners=False)


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
    "Sigmoid": torch.sigmoid,
    "Concat": joined,
    "Resize": resized,
}


def leading_to(output: str, nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The nodes that an output needs: what a pack reads beside it, such as action units, is left out."""
    needed, kept = {output}, []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    return kept[::-1]


class FromOnnx(nn.Module):
    """The operators of our shipped packs, read from an ONNX graph and run by torch; from the cast pixels on.

    `pooling` makes a module of the global average, whose input captum's Grad-CAM can then look at: captum's LRP refuses
    modules that it does not know.
    """

    def __init__(self, path: Path, pooling: bool = False) -> None:
        super().__init__()
        graph = onnx.load(path).graph
        weights = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
        self.input, self.output = graph.input[0].name, graph.output[0].name
        self.nodes = leading_to(self.output, graph.node)
        self.weights = weights
        self.layers = nn.ModuleDict()
        for node in self.nodes:
            layer = Mean() if pooling and node.op_type == "ReduceMean" else self._layer(node)
            if layer is not None:
                self.layers[node.output[0]] = layer
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
            return layer.requires_grad_(False)
        if node.op_type == "Gemm":
            weight = self.weights[node.input[1]]
            weight = weight if settings.get("transB", 0) else weight.T
            layer = nn.Linear(weight.shape[1], weight.shape[0], bias=len(node.input) > 2)
            layer.weight.data = weight.contiguous()
            if len(node.input) > 2:
                layer.bias.data = self.weights[node.input[2]]
            return layer.requires_grad_(False)
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
            values[node.output[0]] = self.apply_node(node, inputs)
        return values[self.output], values[self.last_maps] if maps else None

    def apply_node(self, node: onnx.NodeProto, inputs: list[Tensor]) -> Tensor:
        """Compute one node."""
        if node.output[0] in self.layers:
            return self.layers[node.output[0]](inputs[0])
        if node.op_type == "Shape":
            bounds = {a.name: a.i for a in node.attribute}
            return torch.tensor(inputs[0].shape[bounds.get("start", 0) : bounds.get("end")])
        if node.op_type not in OPERATORS:
            raise NotImplementedError(f"{node.op_type} in node {node.name}")
        return OPERATORS[node.op_type](*inputs)

    def forward(self, face: Tensor) -> Tensor:
        """Logits."""
        return self.run(face)[0]


def grad_cam(network: FromOnnx, face: Tensor) -> Tensor:
    """Grad-CAM of the predicted class by autograd, as it is written everywhere."""
    network.requires_grad_(True)  # or there is nothing to derive: the pixels are whole numbers
    logits, maps = network.run(face, maps=True)
    (gradient,) = torch.autograd.grad(logits.max(dim=1).values.sum(), maps)
    network.requires_grad_(False)
    cam = F.relu((gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True))
    return F.interpolate(cam, size=face.shape[2:], mode="bilinear").detach()


def captum_grad_cam(network: FromOnnx, face: Tensor) -> Tensor:
    """Captum's Grad-CAM of the predicted class at the last feature maps."""
    from captum.attr import LayerAttribution, LayerGradCam

    layer = next(module for module in network.modules() if isinstance(module, Mean))
    pixels = face.float().requires_grad_()
    target = network(face).argmax(dim=1)
    cam = LayerGradCam(network, layer).attribute(
        pixels, target=target, attribute_to_layer_input=True, relu_attributions=True
    )
    return LayerAttribution.interpolate(cam, tuple(face.shape[2:]), "bilinear").detach()


def captum_lrp(network: FromOnnx, face: Tensor) -> Tensor:
    """Captum's LRP of the predicted class: epsilon by default, alpha1-beta0 on convolutions."""
    from captum.attr import LRP
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.rule = Alpha1_Beta0_Rule()
    return LRP(network).attribute(face.float().requires_grad_(), target=network(face).argmax(dim=1)).detach()


def captum_integrated_gradients(network: FromOnnx, face: Tensor) -> Tensor:
    """Captum's integrated gradients of the predicted class, all steps in one batch, as it does by default."""
    from captum.attr import IntegratedGradients

    pixels = face.float().requires_grad_()
    return IntegratedGradients(network).attribute(
        pixels, torch.zeros_like(pixels), network(face).argmax(dim=1), n_steps=STEPS, method="riemann_middle"
    )


class HookedLRP:
    """EpsilonPlusFlat as it is plainly written in torch: keep every layer's input, then walk back layer by layer."""

    def __init__(self, network: FromOnnx) -> None:
        self.network = network

    def __call__(self, face: Tensor) -> Tensor:
        """Relevance [batch, height, width] of the predicted class."""
        network, kept = self.network, {}
        hooks = [
            layer.register_forward_hook(lambda _, inputs, output, name=name: kept.update({name: (inputs[0], output)}))
            for name, layer in network.layers.items()
        ]
        values = dict(network.weights) | {network.input: face}
        with torch.no_grad():
            for node in network.nodes:
                values[node.output[0]] = network.apply_node(node, [values[name] for name in node.input if name])
        for hook in hooks:
            hook.remove()
        logits = values[network.output]
        relevance = {network.output: F.one_hot(logits.argmax(dim=1), logits.shape[1]) * logits}
        for node in reversed(network.nodes):
            if node.output[0] not in relevance:  # the gate, a constant for the rules
                continue
            for name, part in self._back(node, values, kept, relevance[node.output[0]]):
                relevance[name] = relevance[name] + part if name in relevance else part
        return relevance[network.input].sum(dim=1)

    def _back(
        self, node: onnx.NodeProto, values: dict[str, Tensor], kept: dict[str, Any], relevance: Tensor
    ) -> list[tuple[str, Tensor]]:
        layer = self.network.layers[node.output[0]] if node.output[0] in self.network.layers else None  # noqa: SIM401 -- no get
        source = values[node.input[0]]
        if isinstance(layer, nn.Conv2d):
            x, _ = kept[node.output[0]]
            first = x.shape[1] == 1
            weight = torch.ones_like(layer.weight) if first else layer.weight.clamp(min=0)
            bias = None if first else layer.bias.clamp(min=0) + 1e-9
            return [(node.input[0], self._share(layer, torch.ones_like(x) if first else x, weight, bias, relevance))]
        if isinstance(layer, nn.Linear):
            x, z = kept[node.output[0]]
            s = relevance / (z + 1e-6 * torch.where(z < 0, -1, 1))
            return [(node.input[0], x * (s @ layer.weight))]
        if isinstance(layer, nn.AvgPool2d) or node.op_type == "ReduceMean":
            x = source.detach().requires_grad_()
            with torch.enable_grad():
                z = layer(x) if layer is not None else x.mean(dim=(2, 3))
            s = relevance / (z.detach() + 1e-9)
            return [(node.input[0], x.detach() * torch.autograd.grad(z, x, s)[0])]
        if node.op_type == "Add":
            s = relevance / (values[node.output[0]] + 1e-9)
            return [(name, values[name] * s) for name in node.input]
        return [(node.input[0], relevance.reshape(source.shape))]

    @staticmethod
    def _share(layer: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor | None, relevance: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            z = F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)
        return x.detach() * torch.autograd.grad(z, x, relevance / z.detach())[0]


def timed(*groups: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median milliseconds of each, run in turn so that noise meets all alike.

    Groups are kept apart by a pause: torch's threads go on spinning for a while after their work is done.
    """
    for group in groups:
        for run in group.values():
            run(), run()
    seconds: dict[str, list[float]] = {name: [] for group in groups for name in group}
    for _ in range(ROUNDS):
        for group in groups:
            time.sleep(PAUSE_S)
            for name, run in group.items():
                started = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) * 1e3 for name, values in seconds.items()}


# What is divided by what: a peer's time over ours, or ours over our forward pass.
RATIOS = {
    "lrp / forward": ("lrp", "forward"),
    "gradcam / forward": ("gradcam", "forward"),
    "captum LayerGradCam / ours": ("captum LayerGradCam", "gradcam"),
    "torch autograd Grad-CAM / ours": ("torch gradcam", "gradcam"),
    "captum LRP / ours": ("captum lrp", "lrp"),
    "hook-based torch LRP / ours": ("hooked lrp", "lrp"),
    "captum IG / ours": ("captum ig", "ig"),
    "torch forward / ours": ("torch forward", "forward"),
    "all classes / one": ("all classes", "lrp"),
}


def ours(model: Model, faces: np.ndarray) -> dict[str, Callable[[], object]]:
    """Everything of ours that is timed; all classes of one face only where there is one."""
    effort = Effort(steps=STEPS, baseline="black")
    cam, lrp, ig = (model.explainer(key) for key in ("gradcam", "lrp", "integrated_gradients"))
    runs: dict[str, Callable[[], object]] = {
        "forward": lambda: model.logits(faces),
        "gradcam": lambda: cam.explain(faces),
        "lrp": lambda: lrp.explain(faces),
        "ig": lambda: ig.explain(faces, effort=effort),
    }
    return runs | ({"all classes": lambda: lrp.all_classes(faces[0])} if len(faces) == 1 else {})


def compare(folder: Path, batch: int) -> dict[str, float | str]:
    """Milliseconds of everything at one batch size, and ratios; a peer that fails is named with its reason."""
    pack = read_pack(folder)
    model = Model(pack, provider="cpu", threads=THREADS)
    size = pack.manifest.input.size
    faces = np.random.default_rng(0).integers(0, 256, (batch, 1, size, size), dtype=np.uint8)
    network, pooled, tensor = FromOnnx(pack.model_path).eval(), FromOnnx(pack.model_path, True), torch.from_numpy(faces)
    hooked = HookedLRP(network)
    expected = model.explainer("lrp").explain(faces).relevance
    assert np.abs(network(tensor).detach().numpy() - model.logits(faces)).max() < 1e-3, "the networks differ"
    assert np.abs(hooked(tensor).numpy() - expected).max() < 1e-3 * np.abs(expected).max(), "the maps differ"
    peers: dict[str, Callable[[], object]] = {
        "torch forward": lambda: network(tensor),
        "torch gradcam": lambda: grad_cam(network, tensor),
        "captum LayerGradCam": lambda: captum_grad_cam(pooled, tensor),
        "captum lrp": lambda: captum_lrp(network, tensor),
        "hooked lrp": lambda: hooked(tensor),
        "captum ig": lambda: captum_integrated_gradients(network, tensor),
    }
    report: dict[str, float | str] = {}
    for name, run in list(peers.items()):
        try:
            run()
        except Exception as error:
            report[name] = f"does not run: {type(error).__name__}: {error}"
            del peers[name]
    spent = timed(ours(model, faces), peers)
    ratios = {name: spent[a] / spent[b] for name, (a, b) in RATIOS.items() if a in spent and b in spent}
    return report | dict(spent) | {f"ratio: {name}": ratio for name, ratio in ratios.items()}


def main() -> None:
    """Print the comparison."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("pack", type=Path)
    arguments.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8])
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    report = {str(batch): compare(chosen.pack, batch) for batch in chosen.batches}
    if chosen.json:
        print(json.dumps(report))
        return
    print(f"{'':40}" + "".join(f"{batch:>12}" for batch in report) + "  faces")
    for name in dict.fromkeys(name for row in report.values() for name in row):
        cells = (row.get(name, "") for row in report.values())
        print(
            f"{name:40}" + "".join(f"{cell[:11]:>12}" if isinstance(cell, str) else f"{cell:12.2f}" for cell in cells)
        )


if __name__ == "__main__":
    main()
