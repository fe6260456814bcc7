"""LRP against a slow, independent re-implementation, and whether relevance is conserved."""

import numpy as np
import pytest
import torch
from torch import nn

from core.explain import compile_explainer
from tests.core.explain.networks import NETWORKS, Scaled, build, channels, conv, head, pictures, run, to_onnx
from tests.core.explain.slow import lrp

SIDE = 8


def prepared(name: str, count: int = 2):
    network = build(name)
    picture = (channels(network), SIDE, SIDE)
    model = to_onnx(Scaled(network), picture)
    return network, model, pictures(count, picture)


# Where dense layers or sums have biases, their part is laid on the pixels: not what the plain formulas say.
DENSE_BIASES = ("biases", "dense", "norm in front")


@pytest.mark.parametrize("name", NETWORKS)
def test_lrp_with_absorbing_biases_equals_the_formulas(name):
    network, model, faces = prepared(name)
    seed = np.eye(5)[[1, 3]]
    found = run(compile_explainer(model, "lrp", audit=True), faces, seed)
    relevance, absorbed, _ = lrp(network, torch.tensor(faces), torch.tensor(seed), biases=True)
    scale = relevance.abs().max().item()
    np.testing.assert_allclose(found["relevance"], relevance.numpy(), atol=1e-4 * scale)
    if name != "norm in front":
        np.testing.assert_allclose(found["absorbed"], absorbed.numpy(), atol=1e-4 * scale * SIDE)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in DENSE_BIASES])
def test_lrp_without_biases_equals_the_formulas(name):
    network, model, faces = prepared(name)
    seed = np.eye(5)[[1, 3]]
    found = run(compile_explainer(model, "lrp_pixels"), faces, seed)
    relevance, _, lost = lrp(network, torch.tensor(faces), torch.tensor(seed), biases=False)
    tolerance = lost + 1e-4 * relevance.abs().amax((1, 2))
    gap = np.abs(found["relevance"] - relevance.numpy()).max((1, 2))
    assert (gap <= tolerance.numpy()).all()
    assert (lost < 0.1 * relevance.abs().sum((1, 2))).all()


@pytest.mark.parametrize("method", ["lrp", "lrp_pixels"])
@pytest.mark.parametrize("name", [*NETWORKS, "shipped"])
def test_pixels_and_biases_together_hold_the_explained_score(name, method):
    network = build(name)
    picture = (channels(network), 48, 48) if name == "shipped" else (channels(network), SIDE, SIDE)
    model = to_onnx(Scaled(network), picture)
    found = run(compile_explainer(model, method, audit=True), pictures(4, picture))
    score = (found["logits"] * found["seed_used"]).sum(1)
    total = found["relevance"].sum((1, 2), dtype=np.float64) + found["absorbed"]
    # Relevance of both signs adds up to the score: rounding is relative to the sum of sizes.
    size = np.maximum(np.abs(score), 1e-2 * np.abs(found["relevance"]).sum((1, 2)))
    assert (np.abs(total - score) / size).max() < 1e-4
    assert (found["absorbed"] == 0).all() or method == "lrp"


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


def test_a_difference_of_classes_is_the_difference_of_their_maps_where_the_rules_are_linear():
    _, model, faces = prepared("residual")
    explainer = compile_explainer(model, "lrp")
    one, other, both = (
        run(explainer, faces, np.tile(seed, (2, 1)))["relevance"] for seed in (*np.eye(5)[:2], [1, -1, 0, 0, 0])
    )
    np.testing.assert_allclose(both, one - other, atol=1e-5)
