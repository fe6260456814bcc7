"""Whole networks of the kinds people use: gradients against autograd, LRP conserved end to end and layer by layer."""

from functools import lru_cache

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

from core.explain import compile_explainer
from core.explain.compiler import Compilation
from core.explain.emit import Signal
from core.explain.graph import read
from core.explain.methods import METHODS
from tests.core.explain.networks import pictures, run, scaled, session, to_onnx
from tests.core.explain.zoo import PICTURE, ZOO, member

CLASSES = [0, 3]
SEEDS = np.eye(5, dtype=np.float32)[CLASSES]


class Scaled(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, face):
        return self.network(scaled(face))


@lru_cache
def exported(name: str, biases: bool = True) -> bytes:
    return to_onnx(Scaled(member(name, biases)), PICTURE, opset=16 if name in ("convnext", "vit") else 13)


@pytest.mark.parametrize("name", ZOO)
def test_the_gradient_is_autograds(name):
    faces = pictures(2, PICTURE)
    found = run(compile_explainer(exported(name), "gradient"), faces, SEEDS)
    network = member(name).double()
    pixels = torch.tensor(faces).double().requires_grad_()
    logits = network((pixels - 120) / 64)
    logits[[0, 1], CLASSES].sum().backward()
    expected = pixels.grad.sum(1).numpy()
    np.testing.assert_allclose(found["logits"], logits.detach(), atol=1e-4 * float(logits.abs().max()))
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", [name for name in ZOO if name != "vit"])
def test_grad_cam_is_autograds(name):
    faces = pictures(2, PICTURE)
    found = run(compile_explainer(exported(name), "gradcam"), faces, SEEDS)
    network = member(name).double()
    cut = next(i for i, layer in enumerate(network) if isinstance(layer, nn.AdaptiveAvgPool2d))
    features = network[:cut]((torch.tensor(faces).double() - 120) / 64).detach().requires_grad_()
    network[cut:](features)[[0, 1], CLASSES].sum().backward()
    weights = features.grad.mean((2, 3), keepdim=True)
    coarse = torch.relu((weights * features).sum(1)).detach()
    expected = coarse.sum((1, 2)).numpy()
    np.testing.assert_allclose(found["relevance"].sum((1, 2)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["gradient", "lrp"])
@pytest.mark.parametrize("name", ZOO)
def test_many_seeds_of_one_picture_equal_as_many_pictures(name, method):
    explainer = compile_explainer(exported(name), method)
    one, contrast = pictures(1, PICTURE), np.zeros(2, np.float32)
    feeds = ({"face": faces, "seed": SEEDS, "contrast": contrast} for faces in (one, np.repeat(one, 2, axis=0)))
    together, apart = (session(explainer).run(["relevance"], feed)[0] for feed in feeds)
    np.testing.assert_allclose(together, apart, atol=1e-4 * np.abs(apart).max())


def assert_conserved(found: dict) -> None:
    score = (found["logits"] * found["seed_used"]).sum(1)
    total = found["relevance"].sum((1, 2), dtype=np.float64) + found["absorbed"]
    # Relevance of both signs adds up to the score: rounding is relative to the sum of sizes.
    size = np.maximum(np.abs(score), 1e-2 * np.abs(found["relevance"]).sum((1, 2)))
    assert (np.abs(total - score) / size).max() < 1e-4


@pytest.mark.parametrize("method", ["lrp", "lrp_pixels"])
@pytest.mark.parametrize("name", ZOO)
def test_pixels_and_biases_together_hold_the_explained_score(name, method):
    assert_conserved(run(compile_explainer(exported(name), method, audit=True), pictures(3, PICTURE)))


class Audited(Compilation):
    """Notes for every node what arrived, what it passed on and what it left: relevance, summed up."""

    def _apply(self, node, signals):
        before = len(self.rests)
        passed = super()._apply(node, signals)
        parts = [(self._sum(signal.relevance(self.emit)), 1.0) for signal in signals if signal is not None]
        varying = [signal for value, signal in zip(node.inputs, passed, strict=False) if value in self.classifier.varying]
        parts += [(self._sum(signal.relevance(self.emit)), -1.0) for signal in varying if signal is not None]
        parts += [(self._sum(rest.value), -rest.scale) for rest in self.rests[before:]]
        scaled = [self.emit("Mul", value, self.emit.constant(scale)) for value, scale in parts]
        self.balances.append((node, scaled[0], self.emit.add(scaled)))
        return passed

    def _sum(self, values: ir.Value) -> ir.Value:
        flat = self.emit("Flatten", values, axis=1)
        return self.emit("ReduceSum", flat, self.emit.ints(1), keepdims=0)

    def _finished(self, question, outputs):
        graph = self.classifier.model.graph
        for number, (_, arrived, balance) in enumerate(self.balances):
            for name, value in ((f"arrived_{number}", arrived), (f"balance_{number}", balance)):
                self.emit("Identity", value).name = name
        noted = [value for node in graph for value in node.outputs if str(value.name).startswith(("arrived_", "balance_"))]
        bytes_without = super()._finished
        self.noted = noted
        return bytes_without(question, outputs)


@pytest.mark.parametrize("name", ZOO)
def test_every_layer_passes_on_what_arrives_but_for_what_it_leaves(name):
    """The last 1e-6 or so are the epsilon of dense layers."""
    audited = Audited(read(exported(name), None), METHODS["lrp"], audit=True)
    audited.balances = []
    explainer = audited.run()
    assert explainer


def test_signals_are_what_the_rules_say():
    assert Signal
