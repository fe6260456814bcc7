"""Whole networks of the kinds people use: gradients against autograd, LRP conserved end to end and layer by layer."""

import io
import warnings
from contextlib import redirect_stdout
from dataclasses import replace
from functools import lru_cache

import numpy as np
import onnx_ir as ir
import pytest
import torch
from torch import nn

from core.explain import compile_explainer
from core.explain.compiler import Compilation
from core.explain.composites import ACTIVATIONS, CONSTANTS, LAYERS, PIXELS, PRODUCTS, PROPORTIONAL, Row
from core.explain.emit import Signal
from core.explain.graph import read
from core.explain.methods import METHODS
from tests.core.explain.networks import Scaled, pictures, run, session, to_onnx
from tests.core.explain.zoo import ATTENTION, PICTURE, ZOO, member

CLASSES = [0, 3]
SEEDS = np.eye(5, dtype=np.float32)[CLASSES]


@lru_cache
def exported(name: str, biases: bool = True) -> bytes:
    return to_onnx(Scaled(member(name, biases)), PICTURE, opset=16 if name in ("convnext", *ATTENTION) else 13)


@pytest.mark.parametrize("name", ZOO)
def test_the_gradient_is_autograds(name):
    faces = pictures(2, PICTURE)
    found = run(compile_explainer(exported(name), "gradient"), faces, SEEDS)
    network = member(name).double()
    pixels = torch.tensor(faces).double().requires_grad_()
    logits = network((pixels - 120) / 64)
    logits[[0, 1], CLASSES].sum().backward()
    expected = pixels.grad.sum(1).numpy()
    np.testing.assert_allclose(found["logits"], logits.detach(), atol=1e-4 * logits.detach().abs().max().item())
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4 * np.abs(expected).max())


NEWER = (("mobilenet v3", 17), ("convnext", 17), ("convnext", 20), ("vit", 20), ("resnet", 20), ("vit", 17))


@pytest.mark.parametrize(("name", "opset"), NEWER)
def test_newer_exports_with_composite_operators_give_the_same_maps(name, opset):
    """HardSwish, LayerNormalization and Gelu as single nodes."""
    newer = to_onnx(Scaled(member(name)), PICTURE, opset=opset)
    for method in ("gradient", "lrp"):
        old, new = (run(compile_explainer(model, method), pictures(1, PICTURE)) for model in (exported(name), newer))
        size = np.abs(old["relevance"]).max()
        np.testing.assert_allclose(new["relevance"], old["relevance"], atol=1e-4 * size)


@pytest.mark.parametrize("name", ["mobilenet v3", "convnext", "vit"])
def test_exports_by_graph_capture_give_the_same_maps(name):
    model = captured(Scaled(member(name)))
    for method in ("gradient", "lrp"):
        old, new = (run(compile_explainer(m, method), pictures(1, PICTURE)) for m in (exported(name), model))
        size = np.abs(old["relevance"]).max()
        np.testing.assert_allclose(new["relevance"], old["relevance"], atol=1e-4 * size)


def captured(network: nn.Module) -> bytes:
    """Export in torch's newer way."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network.float().eval(),
            (torch.zeros(2, *PICTURE, dtype=torch.uint8),),
            dynamo=True,
            input_names=["face"],
            output_names=["logits"],
            dynamic_shapes={"face": {0: torch.export.Dim("batch")}},
            verbose=False,
        )
    return program.model_proto.SerializeToString()


@pytest.mark.parametrize("name", [name for name in ZOO if name not in ATTENTION])
def test_grad_cam_is_autograds(name):
    faces = pictures(2, PICTURE)
    found = run(compile_explainer(exported(name), "gradcam"), faces, SEEDS)
    network = member(name).double()
    pool = next(i for i, layer in enumerate(network) if isinstance(layer, nn.AdaptiveAvgPool2d))
    cut = pool if network[pool].output_size == 1 else pool + 1
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
    """Weighs for every node what arrived against what it passed on and left; the map holds that in place of pixels.

    Two numbers a node: the sizes of the relevance that arrived, summed up, and what is missing of its sum.
    """

    def _apply(self, node, signals):
        emit, before = self.emit, len(self.rests)
        passed = super()._apply(node, signals)
        arrived = [signal.relevance(emit) for signal in signals if signal is not None]
        sent = [signal.relevance(emit) for signal in passed if signal is not None]
        left = [emit("Mul", rest.value, emit.constant(rest.scale)) for rest in self.rests[before:]]
        missing = emit.add([self._sum(value) for value in arrived])
        if sent or left:
            missing = emit("Sub", missing, emit.add([self._sum(value) for value in (*sent, *left)]))
        size = emit.add([self._sum(emit("Abs", value)) for value in arrived])
        self.__dict__.setdefault("balances", []).append((node, size, missing))
        return passed

    def _sum(self, values: ir.Value) -> ir.Value:
        flat = self.emit("Flatten", values, axis=1)
        return self.emit("ReduceSum", flat, self.emit.ints(1), keepdims=1)

    def _at_pixels(self, signal: Signal) -> ir.Value:
        emit, (height, width) = self.emit, self.classifier.size
        numbers = emit("Concat", *(value for balance in self.balances for value in balance[1:]), axis=1)
        rest = height * width - 2 * len(self.balances)
        return emit("Reshape", emit("Pad", numbers, emit.ints(0, 0, 0, rest)), emit.ints(-1, height, width))


@pytest.mark.parametrize("name", ZOO)
def test_every_layer_passes_on_what_arrives_but_for_what_it_leaves(name):
    audited = Audited(read(exported(name)), METHODS["lrp"], audit=True)
    numbers = run(audited.run(), pictures(2, PICTURE))["relevance"].reshape(2, -1, 2)
    for index, (node, _, _) in enumerate(audited.balances):
        size, missing = numbers[:, index].T
        assert (np.abs(missing) <= 1e-4 * size + 1e-6).all(), f"{node.name}: {missing} of {size}"


@pytest.mark.parametrize("name", ["resnet", "vgg bn", "densenet"])
def test_without_biases_nothing_is_absorbed_where_relus_are_in_front_of_all_layers(name):
    found = run(compile_explainer(exported(name, biases=False), "lrp", audit=True), pictures(3, PICTURE))
    score = (found["logits"] * found["seed_used"]).sum(1)
    np.testing.assert_allclose(found["relevance"].sum((1, 2), dtype=np.float64), score, rtol=1e-4)


EPSILON = replace(
    METHODS["lrp"],
    composite=(
        Row(CONSTANTS, "unchanged", (PIXELS,)),
        Row(LAYERS, "epsilon", options={"epsilon": 1e-7}),
        Row(ACTIVATIONS, "pass"),
        Row(PRODUCTS, "gate"),
        Row(PROPORTIONAL, "gradient"),
    ),
)


@pytest.mark.parametrize("name", [name for name in ZOO if name not in ATTENTION])
def test_without_biases_the_pixels_alone_hold_the_score_under_epsilon(name):
    """Gates, residual sums, concatenations, layer norms included; not attention: its softmax has a remainder."""
    found = run(compile_explainer(exported(name, biases=False), EPSILON, audit=True), pictures(3, PICTURE))
    score = (found["logits"] * found["seed_used"]).sum(1)
    size = np.maximum(np.abs(score), 1e-2 * np.abs(found["relevance"]).sum((1, 2)))
    gap = found["relevance"].sum((1, 2), dtype=np.float64) - score
    assert (np.abs(gap) / size).max() < 1e-4
