"""LRP against a slow, independent re-implementation of every rule, and its linearity in the seed."""

import numpy as np
import pytest
import torch

from core.explain import METHODS, compile_explainer
from tests.core.explain.networks import (
    NETWORKS,
    OTHER_AXES,
    Scaled,
    build,
    channels,
    pictures,
    run,
    to_onnx,
)
from tests.core.explain.slow import COMPOSITES, lrp

SIDE = 8
EVERY_NETWORK = (*NETWORKS, *OTHER_AXES)


@pytest.fixture(scope="module")
def models():
    """Every network's model, exported once."""
    known: dict[str, bytes] = {}

    def model(name: str) -> bytes:
        if name not in known:
            network = build(name)
            known[name] = to_onnx(Scaled(network), (channels(network), SIDE, SIDE))
        return known[name]

    return model


def faces_for(name: str, count: int = 2) -> np.ndarray:
    return pictures(count, (channels(build(name)), SIDE, SIDE))


# Where dense layers or sums have biases, their part is laid on the pixels: not what the plain formulas say.
DENSE_BIASES = ("biases", "dense", "norm in front")


def test_every_method_of_lrp_has_a_slow_twin():
    assert {key for key in METHODS if key.startswith("lrp")} == set(COMPOSITES)


@pytest.mark.parametrize("method", [key for key in COMPOSITES if METHODS[key].biases == "absorb"])
@pytest.mark.parametrize("name", EVERY_NETWORK)
def test_lrp_with_absorbing_biases_equals_the_formulas(models, name, method):
    faces, seed = faces_for(name), np.eye(5)[[1, 3]]
    found = run(compile_explainer(models(name), method, audit=True), faces, seed)
    relevance, absorbed, _ = lrp(build(name), torch.tensor(faces), torch.tensor(seed), COMPOSITES[method], biases=True)
    scale = max(relevance.abs().max().item(), 1e-2 * absorbed.abs().max().item())
    np.testing.assert_allclose(found["relevance"], relevance.numpy(), atol=1e-4 * scale)
    np.testing.assert_allclose(found["absorbed"], absorbed.numpy(), atol=1e-4 * scale * SIDE)


@pytest.mark.parametrize("name", [name for name in EVERY_NETWORK if name not in DENSE_BIASES])
def test_lrp_without_biases_equals_the_formulas(models, name):
    faces, seed = faces_for(name), np.eye(5)[[1, 3]]
    found = run(compile_explainer(models(name), "lrp_pixels"), faces, seed)
    rules = COMPOSITES["lrp_pixels"]
    relevance, _, lost = lrp(build(name), torch.tensor(faces), torch.tensor(seed), rules, biases=False)
    tolerance = lost + 1e-4 * relevance.abs().amax((1, 2))
    gap = np.abs(found["relevance"] - relevance.numpy()).max((1, 2))
    assert (gap <= tolerance.numpy()).all()
    assert (lost < 0.1 * relevance.abs().sum((1, 2))).all()


@pytest.mark.parametrize("method", COMPOSITES)
def test_a_difference_of_classes_is_the_difference_of_their_maps(models, method):
    explainer, faces = compile_explainer(models("residual"), method), faces_for("residual")
    one, other, both = (
        run(explainer, faces, np.tile(seed, (2, 1)))["relevance"] for seed in (*np.eye(5)[:2], [1, -2, 0, 0, 0])
    )
    np.testing.assert_allclose(both, one - 2 * other, atol=1e-5 * max(np.abs(one).max(), np.abs(other).max(), 1))


@pytest.mark.parametrize("method", COMPOSITES)
@pytest.mark.parametrize("name", ["residual", "transposed", "tokens", "dense first"])
def test_one_picture_takes_many_seeds_over_one_forward_pass(models, name, method):
    explainer, face = compile_explainer(models(name), method, audit=True), faces_for(name, 1)
    together = run(explainer, face, np.eye(5))
    for index in range(5):
        alone = run(explainer, face, np.eye(5)[[index]])
        for output in ("relevance", "absorbed"):
            scale = max(np.abs(alone[output]).max(), 1e-2)
            np.testing.assert_allclose(together[output][index], alone[output][0], atol=1e-5 * scale)
