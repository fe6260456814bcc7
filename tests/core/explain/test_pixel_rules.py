"""Rules of the first layer: bounds of pixels, squared weights, even shares."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from core.errors import UnsupportedOperator
from core.explain import METHODS, compile_explainer
from core.explain.composite_file import read_method
from tests.core.explain.networks import Scaled, conv, head, pictures, run, to_onnx

SIDE = 6
PICTURE = (3, SIDE, SIDE)
BOX = "operator,depth,rule,options\nlayers,first,zbox,{}\nlayers,anywhere,epsilon,epsilon=1e-6\n"
MEAN, DEVIATION = torch.tensor([100.0, 120, 140])[:, None, None], torch.tensor([50.0, 60, -70])[:, None, None]
SCALINGS = {
    "a mean and a deviation for each channel": lambda x: (x - MEAN) / DEVIATION,
    "in two steps": lambda x: (x / 255.0 - 0.5) * 4.0,
    "upside down": lambda x: 1.0 - x / 255.0,
    "one channel, seen three times": lambda x: (x[:, :1] / 100.0 - 1.0).expand(-1, 3, -1, -1),
    "one channel, laid side by side": lambda x: (x[:, :1] / 100.0 - 1.0).repeat(1, 3, 1, 1),
}


class Normalised(nn.Module):
    """A network with its own way from pixels to its range."""

    def __init__(self, network: nn.Module, scaling) -> None:
        super().__init__()
        self.network, self.scaling = network, scaling

    def forward(self, face):
        return self.network(self.scaling(face.float()))


def small() -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(conv(3, 5, norm=False), *head(5)).eval()


def local_contrast(x):
    """Pixels less the mean of the 3 x 3 around them."""
    return x - nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


@torch.no_grad()
def box_by_hand(scaling, face: np.ndarray, ends=(0.0, 255.0), box=None) -> np.ndarray:
    """z-box on the first convolution, plain shares behind, for the first class in float64: [height, width].

    `box` are the bounds behind the scaling, where those are not what it makes of the picture's own `ends`.
    """
    network = small().double()
    layer, last = network[0][0], network[2].weight[0]
    x, *bounds = (scaling(torch.tensor(pixels).double()) for pixels in (face, *(0.0 * face + end for end in ends)))
    bounds = bounds if box is None else [torch.full_like(x, bound) for bound in box]
    low, high = (bound.flatten()[:, None] for bound in (torch.minimum(*bounds), torch.maximum(*bounds)))
    hidden = torch.relu(layer(x))
    r = (hidden * last[:, None, None] / SIDE**2).flatten()
    bias = layer(torch.zeros_like(x)).flatten()
    w = layer(torch.eye(x.numel()).double().reshape(-1, *PICTURE)).flatten(1) - bias
    parts = x.flatten()[:, None] * w - low * w.clamp(min=0) - high * w.clamp(max=0)
    return (parts / parts.sum(0) * r).sum(1).reshape(PICTURE).sum(0).numpy()


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_box_of_pixels_is_followed_through_their_scaling(scaling):
    face = pictures(1, PICTURE)
    explainer = compile_explainer(to_onnx(Normalised(small(), SCALINGS[scaling]), PICTURE), "lrp_gamma_box")
    found = run(explainer, face, np.eye(5)[[0]])["relevance"][0]
    expected = box_by_hand(SCALINGS[scaling], face)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_the_box_of_local_contrasts_reaches_as_far_as_pixels_can_differ():
    face = pictures(1, PICTURE)

    def scaling(x):
        return local_contrast(x / -50.0)

    explainer = compile_explainer(to_onnx(Normalised(small(), scaling), PICTURE), "lrp_gamma_box")
    found = run(explainer, face, np.eye(5)[[0]])["relevance"][0]
    expected = box_by_hand(scaling, face, box=(-255 / 50, 255 / 50))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


CONSERVING = [key for key, row in METHODS.items() if row.conserves and row.reading == "relevance" and "box" not in key]


@pytest.mark.parametrize("method", [*CONSERVING, "input_x_gradient"])
def test_a_local_mean_that_is_subtracted_is_the_pixels_own_zero_point(method):
    """What a pixel gets is what the network gives to its contrast, as if that had come from outside."""
    face = pictures(2, PICTURE)
    contrast = local_contrast(torch.tensor(face) / 50.0).numpy()
    inside = compile_explainer(to_onnx(Normalised(small(), lambda x: local_contrast(x / 50.0)), PICTURE), method)
    outside = compile_explainer(to_onnx(small(), PICTURE, dtype=torch.float32), method)
    expected = run(outside, contrast)["relevance"]
    np.testing.assert_allclose(run(inside, face)["relevance"], expected, atol=1e-5 * np.abs(expected).max())


def test_bounds_may_be_stated_in_units_of_the_models_own_input():
    scaling, face = SCALINGS["in two steps"], pictures(1, PICTURE) // 2 + 20
    method = read_method(BOX.format("low=10 high=200"))
    found = run(compile_explainer(to_onnx(Normalised(small(), scaling), PICTURE), method), face, np.eye(5)[[0]])
    expected = box_by_hand(scaling, face, (10.0, 200.0))
    np.testing.assert_allclose(found["relevance"][0], expected, atol=1e-4 * np.abs(expected).max())


def test_what_counts_is_the_distance_from_the_bound_not_from_zero():
    """One unit sees four pixels with weight 1: they share as 0, 85, 170, 255 do, wherever the zero point lies."""
    network = nn.Sequential(nn.Conv2d(1, 1, 2, bias=False), nn.ReLU(), *head(1, 2)).eval()
    nn.init.ones_(network[0].weight)
    nn.init.ones_(network[3].weight)
    face = np.array([[[[0, 85], [170, 255]]]], np.uint8)
    explainer = compile_explainer(to_onnx(Normalised(network, lambda x: x / 100.0 - 1.0), (1, 2, 2)), "lrp_gamma_box")
    relevance = run(explainer, face, np.array([[1, 0]]))["relevance"][0]
    np.testing.assert_allclose(relevance, 1.1 * face[0, 0] / 510, rtol=1e-4, atol=1e-7)


def as_floats(model: bytes) -> bytes:
    """The same model for a picture of floats."""
    proto = onnx.load_model_from_string(model)
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return proto.SerializeToString()


def test_pixels_that_are_no_integers_need_stated_bounds():
    model = as_floats(to_onnx(Scaled(small()), PICTURE))
    with pytest.raises(UnsupportedOperator, match="only where the options low and high state them"):
        compile_explainer(model, "lrp_gamma_box")
    face = pictures(2, PICTURE)
    method = read_method(BOX.format("low=0 high=255"))
    expected = run(compile_explainer(to_onnx(Scaled(small()), PICTURE), method), face)["relevance"]
    found = run(compile_explainer(model, method), face.astype(np.float32))["relevance"]
    np.testing.assert_array_equal(found, expected)


def test_a_box_belongs_to_the_first_layer():
    table = "operator,depth,rule,options\nlayers,anywhere,zbox,\n"
    with pytest.raises(UnsupportedOperator, match="bounds of pixels cannot be followed through"):
        compile_explainer(to_onnx(Scaled(small()), PICTURE), read_method(table))


def test_a_pixel_beyond_its_bounds_counts_as_being_at_them():
    method = read_method(BOX.format("low=0 high=1"))
    model = as_floats(to_onnx(Normalised(small(), lambda x: x), PICTURE))
    face = np.random.default_rng(1).uniform(-3, 3, (1, *PICTURE)).astype(np.float32)
    found = run(compile_explainer(model, method), face)
    assert np.isfinite(found["relevance"]).all()
    assert found["relevance"].sum() == pytest.approx((found["logits"] * found["seed_used"]).sum(), rel=1e-4)


def test_squared_weights_that_differ_by_many_orders_keep_their_relevance():
    """Nothing but a denominator of exactly zero may lose relevance to the constant that stands in for nothing."""
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.ReLU(), *head(2, 2)).eval()
    nn.init.constant_(network[0].weight[0], 1.0)
    nn.init.constant_(network[0].weight[1], 1e-6)
    nn.init.zeros_(network[3].weight)
    network[3].weight.data[0, 1] = 1e6
    faces = pictures(2, (1, 6, 6)) // 2 + 127  # bright enough for every unit to fire
    found = run(compile_explainer(to_onnx(Scaled(network), (1, 6, 6)), "lrp_w2"), faces, np.eye(2)[[0, 0]])
    np.testing.assert_allclose(found["relevance"].sum((1, 2)), found["logits"][:, 0], rtol=1e-4)


def transposed(**attributes) -> bytes:
    """A ConvTranspose, then a mean and a product, for pictures of floats [n, 1, 4, 5]."""
    rng = np.random.default_rng(4)
    weights = {"w": rng.normal(size=(1, 3, 3, 3)), "b": rng.normal(size=3), "h": rng.normal(size=(3, 2))}
    graph = helper.make_graph(
        [
            helper.make_node("ConvTranspose", ["x", "w", "b"], ["a"], "up", **attributes),
            helper.make_node("Relu", ["a"], ["r"]),
            helper.make_node("ReduceMean", ["r"], ["e"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["e", "h"], ["logits"]),
        ],
        "transposed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 4, 5])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"strides": [2, 3], "pads": [1, 0, 0, 1]},
        {"strides": [2, 3], "output_padding": [1, 2]},
        {"strides": [1, 1], "dilations": [2, 1], "pads": [2, 1, 1, 0]},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
        {"strides": [2, 3], "output_shape": [8, 14]},
        {"strides": [5, 4]},
        {"auto_pad": "VALID"},
    ],
    ids=str,
)
def test_transposed_convolutions_of_every_padding_go_back_as_they_came(attributes):
    """The gradient against differences, and LRP conserved with holes that no input reaches (a stride above 3)."""
    model, rng = transposed(**attributes), np.random.default_rng(0)
    x, seed = rng.normal(size=(1, 1, 4, 5)).astype(np.float32), np.array([[1, 0]])
    explainer = compile_explainer(model, "gradient")
    gradient = run(explainer, x, seed)["relevance"][0]
    for row, column in np.ndindex(4, 5):
        nudge = np.zeros_like(x)
        nudge[0, 0, row, column] = 1e-3
        high, low = (run(explainer, x + sign * nudge, seed)["logits"][0, 0] for sign in (1, -1))
        assert gradient[row, column] == pytest.approx((high - low) / 2e-3, abs=2e-3)
    for method in ("lrp", "lrp_gamma", "lrp_alpha_beta", "lrp_w2"):
        found = run(compile_explainer(model, method, audit=True), x, seed)
        total = found["relevance"].sum() + found["absorbed"][0]
        assert total == pytest.approx(found["logits"][0, 0], rel=1e-4, abs=1e-5)
