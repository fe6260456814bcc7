"""Relevance is conserved: what lies on the pixels, with what biases took, is the explained score."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.explain import METHODS, compile_explainer
from tests.core.explain.networks import (
    NETWORKS,
    OTHER_AXES,
    Scaled,
    build,
    channels,
    conv,
    head,
    pictures,
    run,
    to_onnx,
)

SIDE = 8
CONSERVING = [key for key, method in METHODS.items() if method.conserves and method.reading == "relevance"]


@pytest.fixture(scope="module")
def models():
    """Every network's model, exported once, with pictures."""
    known: dict[str, tuple[bytes, np.ndarray]] = {}

    def model(name: str) -> tuple[bytes, np.ndarray]:
        if name not in known:
            network = build(name)
            side = 48 if name == "shipped" else SIDE
            picture = (channels(network), side, side)
            known[name] = to_onnx(Scaled(network), picture), pictures(3, picture)
        return known[name]

    return model


def assert_conserved(model: bytes, faces: np.ndarray, method) -> dict:
    found = run(compile_explainer(model, method, audit=True), faces)
    score = (found["logits"] * found["seed_used"]).sum(1)
    total = found["relevance"].sum((1, 2), dtype=np.float64) + found["absorbed"]
    # Relevance of both signs adds up to the score: rounding is relative to the sum of sizes.
    size = np.maximum(np.abs(score), 1e-2 * np.abs(found["relevance"]).sum((1, 2)))
    assert (np.abs(total - score) / size).max() < 1e-4
    return found


@pytest.mark.parametrize("method", CONSERVING)
@pytest.mark.parametrize("name", [*NETWORKS, *OTHER_AXES, "shipped"])
def test_pixels_and_biases_together_hold_the_explained_score(models, name, method):
    assert_conserved(*models(name), METHODS[method])


@pytest.mark.parametrize("method", CONSERVING)
@pytest.mark.parametrize("name", ["biases", "residual", "concat", "dense", "norm in front", "transposed", "line"])
def test_where_biases_spread_the_pixels_alone_hold_the_explained_score(models, name, method):
    found = assert_conserved(*models(name), replace(METHODS[method], biases="spread"))
    assert (found["absorbed"] == 0).all()


def without_biases() -> nn.Sequential:
    """Strides, groups, dilation, a residual sum, pools and dense layers, and not one bias."""
    residual = build("residual")[1]
    for norm in (module for module in residual.modules() if isinstance(module, nn.BatchNorm2d)):
        nn.init.zeros_(norm.bias)
        nn.init.zeros_(norm.running_mean)
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, 2, 1, bias=False),
        nn.ReLU(),
        residual,
        nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=3, bias=False),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 10, bias=False),
        nn.ReLU(),
        nn.Linear(10, 5, bias=False),
    ).eval()


@pytest.mark.parametrize("method", [key for key in CONSERVING if "zplus" not in key and not key.endswith("alpha_beta")])
def test_without_biases_the_pixels_alone_hold_the_score(method):
    """Two are left out: pure z+ and alpha-beta chains have units that no pixel below zero can support."""
    found = run(compile_explainer(to_onnx(Scaled(without_biases()), (1, SIDE, SIDE)), method), pictures(4, (1, 8, 8)))
    score = (found["logits"] * found["seed_used"]).sum(1)
    np.testing.assert_allclose(found["relevance"].sum((1, 2)), score, rtol=1e-4)


@pytest.mark.parametrize("method", ["lrp_epsilon", "lrp_gamma", "lrp_gamma_box", "lrp_alpha_beta_flat", "lrp_w2"])
def test_what_absorbing_biases_take_lies_on_the_pixels_where_they_spread(method):
    """The bias of a head sees every pixel, so its part is the same for all. Under epsilon it is in the denominators."""
    network = nn.Sequential(conv(1, 6, norm=False), *head(6, bias=True)).eval()
    torch.manual_seed(3)
    for layer in (network[0][0], network[2]):
        nn.init.normal_(layer.weight)
    nn.init.zeros_(network[0][0].bias)
    model, faces = to_onnx(Scaled(network), (1, SIDE, SIDE)), pictures(3, (1, SIDE, SIDE))
    absorbing, spreading = (
        run(compile_explainer(model, replace(METHODS[method], biases=biases), audit=True), faces)
        for biases in ("absorb", "spread")
    )
    difference = spreading["relevance"] - absorbing["relevance"]
    expected = np.broadcast_to(absorbing["absorbed"][:, None, None] / SIDE**2, difference.shape)
    np.testing.assert_allclose(difference, expected, atol=1e-5)


def test_a_unit_that_lives_on_its_bias_alone_gives_its_relevance_to_the_pixels_it_sees():
    """One channel, kernel 1: the second unit sees only zeros, yet its bias makes it fire."""
    network = nn.Sequential(conv(1, 1, 1, norm=False), conv(1, 1, 3, norm=False), *head(1, 2))
    for layer, weight, bias in ((network[0][0], 1.0, 0.0), (network[1][0], 1.0, 0.5)):
        nn.init.constant_(layer.weight, weight)
        nn.init.constant_(layer.bias, bias)
    nn.init.constant_(network[3].weight, 1.0)
    model = to_onnx(Scaled(network.eval()), (1, 8, 8))
    faces = np.zeros((1, 1, 8, 8), np.uint8)  # below the zero point: the first ReLU lets nothing through
    faces[0, 0, 1, 1] = 248  # scales to 2
    found = run(compile_explainer(model, "lrp_pixels"), faces, np.array([[1, 0]]))
    relevance = found["relevance"][0]
    assert relevance.sum() == pytest.approx(found["logits"][0, 0], rel=1e-4)
    # Nine units see the bright pixel, 0.5 + 2 each; what lives on its bias alone, 0.5 each, lies flat on what it sees.
    assert relevance[1, 1] == pytest.approx(9 * 2.5 / 64, rel=1e-4)
    assert relevance[5, 5] == pytest.approx(0.5 / 64, rel=1e-4)
    assert relevance[0, 0] == pytest.approx(0, abs=1e-6)
