"""Sanity of maps on the shipped network: they hang on its weights and on the class; odd pictures give finite maps.

Cascading randomisation after Adebayo et al. 2018: weights are drawn anew from the head downwards, the explained class
stays. Maps are compared by rank correlation (Spearman).
"""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from torch import nn

from core.errors import UnsupportedOperator
from core.explain import METHODS, compile_explainer
from tests.core.explain.networks import Scaled, conv, head, pictures, run, to_onnx

PACK = Path(__file__).parents[3] / "models" / "packs" / "mien-s"
ONCE = [key for key, method in METHODS.items() if method.procedure == "once"]
# Chains of z+ through the convolutions: non-negative matrices, whose product hardly knows where it began (Sixt et al.
# 2020, "When explanations lie"). Where relevance lies then says little about the layers above; its sign does.
ZPLUS_CHAINS = [key for key in ONCE if any(row.rule == "zplus" for row in METHODS[key].composite)]
# Methods whose maps follow the activations, or the picture's edges, whatever the weights above.
FOLLOW_ACTIVATIONS = {
    "hirescam": "a weighted sum of maps that are all positive",
    "gradcam_plus_plus": "only positive gradients count, and every class has some wherever units are active",
    "layercam": "as Grad-CAM++",
    "eigencam": "the first component of the activations (Muhammad & Yeasin 2020)",
    "guided_backprop": "draws edges (Nie et al. 2018; Adebayo et al. 2018)",
    "deconvnet": "as guided backprop (Nie et al. 2018), and the gate of this network lays its outline over both",
}
TELLS_LITTLE_OF_WEIGHTS = [key for key in ONCE if key in {*ZPLUS_CHAINS, *FOLLOW_ACTIVATIONS}]
CLASS_BLIND = ("eigencam",)
# The other methods draw nearly the same shape for the runner-up: they keep the positive, or weigh places alike.
TELLS_CLASSES_APART = ("lrp_epsilon", "lrp_alpha_beta", "gradient", "input_x_gradient")


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    with np.load(PACK / "golden.npz") as golden:
        return golden["inputs"][golden["faces"]]


@pytest.fixture(scope="module")
def cascade() -> dict[int, bytes]:
    """The shipped model with its top 0, 3 and all layers drawn anew."""
    return {count: randomised(count) for count in (0, 3, 99)}


@pytest.fixture(scope="module")
def strangers(cascade) -> list[bytes]:
    """All layers drawn anew, several times: whether one such network agrees with the shipped one is chance."""
    return [cascade[99], *(randomised(99, seed) for seed in (1, 2))]


def randomised(count: int, seed: int = 0) -> bytes:
    proto, rng = onnx.load(PACK / "model.onnx"), np.random.default_rng(seed)
    # A second head, which reads pain, does not lead to the classes.
    on_the_way = [node for node in proto.graph.node if not node.output[0].startswith("units")]
    layers = [node.input[1] for node in on_the_way if node.op_type in ("Conv", "Gemm", "MatMul")]
    for tensor in proto.graph.initializer:
        if tensor.name in layers[max(len(layers) - count, 0) :]:
            weight = numpy_helper.to_array(tensor)
            fresh = rng.normal(0, weight.std(), weight.shape).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(fresh, tensor.name))
    return proto.SerializeToString()


def similarity(some: np.ndarray, others: np.ndarray) -> float:
    """Mean rank correlation of maps; a map of zeros is like none."""

    def ranks(values: np.ndarray) -> np.ndarray:
        return np.argsort(np.argsort(values.ravel()))

    pairs = [(one, other) for one, other in zip(some, others, strict=True) if one.any() and other.any()]
    return float(sum(np.corrcoef(ranks(one), ranks(other))[0, 1] for one, other in pairs) / len(some))


@pytest.mark.parametrize("method", [key for key in ONCE if key not in TELLS_LITTLE_OF_WEIGHTS])
def test_drawing_the_weights_anew_leaves_nothing_of_the_map(cascade, strangers, faces, method):
    original = run(compile_explainer(cascade[0], method), faces)
    shown = original["relevance"]
    top, *everything = (
        run(compile_explainer(network, method), faces, original["seed_used"])["relevance"]
        for network in (cascade[3], *strangers)
    )
    assert similarity(shown, top) < 0.5
    assert np.mean([similarity(shown, other) for other in everything]) < 0.2
    assert np.mean([similarity(np.abs(shown), np.abs(other)) for other in everything]) < 0.55


@pytest.mark.parametrize("method", TELLS_LITTLE_OF_WEIGHTS)
def test_even_methods_that_tell_little_of_the_weights_tell_something(cascade, faces, method):
    """Whether the random network's score has the same sign is chance, so sizes alone are compared."""
    original = run(compile_explainer(cascade[0], method), faces)
    everything = run(compile_explainer(cascade[99], method), faces, original["seed_used"])["relevance"]
    assert similarity(np.abs(original["relevance"]), np.abs(everything)) < 0.95


@pytest.mark.parametrize("method", ZPLUS_CHAINS)
def test_chains_of_zplus_tell_little_of_the_layers_above_them(cascade, faces, method):
    """Stated, not hidden: with the top of the network random, the map keeps its shape and at most loses its sign."""
    original = run(compile_explainer(cascade[0], method), faces)
    fresh = run(compile_explainer(cascade[3], method), faces, original["seed_used"])["relevance"]
    assert similarity(np.abs(original["relevance"]), np.abs(fresh)) > 0.7


def moved(some: np.ndarray, others: np.ndarray) -> float:
    """Mean share of a map's mass that lies elsewhere in the other."""
    shares = (np.abs(maps) / np.abs(maps).sum((1, 2), keepdims=True) for maps in (some, others))
    return float(np.abs(np.subtract(*shares)).sum((1, 2)).mean() / 2)


@pytest.mark.parametrize("method", ONCE)
def test_the_runner_up_has_another_map_except_where_no_class_enters(faces, method):
    explainer = compile_explainer(PACK / "model.onnx", method)
    predicted = run(explainer, faces)
    runner_up = np.eye(8)[np.argsort(-predicted["logits"])[:, 1]]
    other = run(explainer, faces, runner_up)["relevance"]
    if method in CLASS_BLIND:
        np.testing.assert_array_equal(predicted["relevance"], other)
    else:
        assert moved(predicted["relevance"], other) > 0.01
    if method in TELLS_CLASSES_APART:
        assert similarity(predicted["relevance"], other) < 0.6


def odd_networks() -> dict[str, tuple[nn.Module, int]]:
    """Networks and the side of their pictures, in pixels."""
    return {
        "a picture of one pixel": (nn.Sequential(conv(1, 4, 1, norm=False), *head(4)), 1),
        "a feature map of one place": (nn.Sequential(conv(1, 4, 3, 3), conv(4, 4, 3, 2, norm=False), *head(4)), 4),
        "one dense layer": (nn.Sequential(nn.Flatten(), nn.Linear(16, 5)), 4),
        "padding all round": (nn.Sequential(conv(1, 4, 5), nn.MaxPool2d(2), conv(4, 4, 5), *head(4)), 2),
    }


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("method", ONCE)
@pytest.mark.parametrize("name", odd_networks())
def test_odd_networks_and_pictures_of_one_colour_give_finite_maps_or_say_why_not(name, method, biases):
    """A CAM needs a feature map with more than one place."""
    network, side = odd_networks()[name]
    for module in network.modules():
        if getattr(module, "bias", None) is not None and not biases:
            nn.init.zeros_(module.bias)
    picture = (1, side, side)
    model = to_onnx(Scaled(network.eval()), picture)
    faces = np.concatenate([np.full((1, *picture), grey, np.uint8) for grey in (0, 120, 255)] + [pictures(2, picture)])
    if METHODS[method].reading == "cam" and name not in ("padding all round", "a feature map of one place"):
        with pytest.raises(UnsupportedOperator, match="no feature map"):
            compile_explainer(model, method)
        return
    found = run(compile_explainer(model, method, audit=True), faces, contrast=1)
    assert all(np.isfinite(values).all() for values in found.values())
    assert found["relevance"].shape == (5, side, side)
