"""The zero-bias network is the published one, and without biases relevance is conserved exactly."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs torch")

from core.explain import METHODS, Explainer  # noqa: E402
from core.explain.feature_layers import FeatureLayers  # noqa: E402
from core.explain.graph import plain  # noqa: E402
from models.export.onnx import export_onnx  # noqa: E402
from models.networks.mien import multiply_adds  # noqa: E402
from models.networks.zero_bias import PARAMETERS, SIZE, ZeroBias, local_contrast  # noqa: E402

SIDE = 48
LRP = [key for key, method in METHODS.items() if method.conserves and method.biases == "absorb"]
# Methods whose dense layers follow epsilon: there the share of every bias is known by hand.
DENSE_EPSILON = [key for key in LRP if key in ("lrp", "lrp_epsilon", "lrp_gamma_box", "lrp_alpha_beta_flat", "lrp_w2")]
TOLERANCE = 1e-4  # of logits
# Rounding of float32, over the largest score.
ROUNDING = 1e-5


def small(classes=5):
    """A narrow one with dense biases that matter."""
    torch.manual_seed(0)
    network = ZeroBias(classes, widths=(6, 8, 10), hidden=12).eval()
    for layer in (network.head[0], network.head[3]):
        torch.nn.init.normal_(layer.weight, std=0.1)
        torch.nn.init.normal_(layer.bias, std=0.5)
    return network


@pytest.fixture(scope="module")
def network():
    return small()


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(0).integers(0, 256, (4, 1, SIDE, SIDE), dtype=np.uint8)


@pytest.fixture(scope="module")
def model(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("zero-bias") / "model.onnx"
    export_onnx(network, path, SIDE)
    return path


pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's exporter, of itself
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def test_it_has_the_published_number_of_parameters_and_no_bias_in_a_convolution():
    network = ZeroBias()
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS == 1_335_508
    convolutions = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.bias for layer in convolutions] == [None, None, None]
    assert 955e6 < multiply_adds(network, SIZE) < 965e6


def test_quadrants_are_12_by_12_at_the_published_size_and_quarters_at_every_other(network):
    seen = []
    hook = network.features.register_forward_hook(lambda *call: seen.append(call[2].shape[2:]))
    with torch.no_grad():
        shapes = [network(torch.zeros(2, 1, side, side)).shape for side in (96, 64, 48)]
    hook.remove()
    assert seen == [(24, 24), (16, 16), (12, 12)]
    assert shapes == [(2, 5)] * 3


def test_light_that_is_even_changes_nothing(network):
    face = torch.rand(2, 1, SIDE, SIDE) * 100
    with torch.no_grad():
        torch.testing.assert_close(network(face), network(face + 90), rtol=1e-4, atol=TOLERANCE)
    assert local_contrast(torch.full((1, 1, 16, 16), 200.0)).abs().max() == 0


def test_without_biases_a_filter_answers_in_proportion_to_contrast(network):
    face = torch.rand(2, 1, SIDE, SIDE) * 100
    with torch.no_grad():
        one, twice = (network.features(local_contrast(each)) for each in (face, 2 * face))
    torch.testing.assert_close(twice, 2 * one)


def dense_biases_by_hand(network, faces, classes):
    """What the biases of the dense layers give to the score of these classes: float64 [n].

    The last one in full; those of hidden units that are on by the weight with which these enter the score.
    """
    with torch.no_grad():
        seen = {}
        hook = network.head[1].register_forward_hook(lambda *call: seen.update(hidden=call[2]))
        network(torch.from_numpy(faces))
        hook.remove()
        first, last = network.head[0], network.head[3]
        weights = last.weight[classes] * (seen["hidden"] > 0)
        return (last.bias[classes] + (weights * first.bias).sum(1)).double().numpy()


@pytest.mark.parametrize("method", LRP)
def test_relevance_and_what_biases_absorbed_are_the_logit(model, faces, method):
    found = Explainer(model, method, audit=True).explain(faces)
    held = found.relevance.sum(axis=(1, 2), dtype=np.float64) + found.absorbed
    assert np.abs(held - found.scores).max() <= ROUNDING * np.abs(found.scores).max()


@pytest.mark.parametrize("method", DENSE_EPSILON)
def test_nothing_but_the_biases_of_the_dense_layers_absorbs(network, model, faces, method):
    found = Explainer(model, method, audit=True).explain(faces)
    expected = dense_biases_by_hand(network, faces, found.logits.argmax(axis=1))
    assert np.abs(expected).min() > 100 * TOLERANCE  # there is something to absorb
    np.testing.assert_allclose(found.absorbed, expected, atol=TOLERANCE)
    pixels = found.relevance.sum(axis=(1, 2), dtype=np.float64)
    np.testing.assert_allclose(pixels, found.scores - expected, atol=TOLERANCE)


# Pure z+ and alpha-beta leave a unit that only darker pixels support, or nothing opposes, without anybody to give to.
@pytest.mark.parametrize("method", [key for key in LRP if key not in ("lrp_zplus", "lrp_alpha_beta")])
def test_below_the_dense_layers_relevance_is_conserved_exactly(network, model, faces, method):
    """Seeded at the filters of the third convolution, pixels alone hold each one's highest activation."""
    layer = next(each for each in FeatureLayers(plain(model)).layers if each.name == "Conv 3 · ReLU")
    found = Explainer(model, method, at=layer.key, audit=True).explain(faces)
    with torch.no_grad():
        maps = network.features(local_contrast(torch.from_numpy(faces).float() / network.SPREAD))
    np.testing.assert_allclose(found.logits, maps.amax(dim=(2, 3)).numpy(), rtol=1e-4)
    scores = found.logits.max(axis=1)
    assert np.abs(found.relevance.sum(axis=(1, 2), dtype=np.float64) - scores).max() <= ROUNDING * scores.max()
    assert np.abs(found.absorbed).max() <= ROUNDING * scores.max()


def test_every_method_can_explain_it(model, faces):
    for key, method in METHODS.items():
        if method.procedure == "once":
            relevance = Explainer(model, key).explain(faces[:1]).relevance
            assert np.isfinite(relevance).all()
            assert np.abs(relevance).max() > 0
