"""An explainer tuned for this processor computes what the plain one does, in fewer layouts."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from core.explain import METHODS, compile_explainer
from core.explain.phases import in_phases
from core.explain.tuned import fingerprint, tuned
from tests.core.explain.networks import Scaled, build, head, pictures, run, to_onnx

FACES = pictures(3, (1, 48, 48))


@pytest.fixture(scope="module")
def model() -> bytes:
    return to_onnx(Scaled(build("shipped")), (1, 48, 48))


def as_it_is(explainer: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(explainer, options, providers=["CPUExecutionProvider"])


def answers(explainer: bytes, faces: np.ndarray = FACES, classes: int = 8) -> list[np.ndarray]:
    seed, contrast = np.zeros((len(faces), classes), np.float32), np.zeros(len(faces), np.float32)
    return as_it_is(explainer).run(None, {"face": faces, "seed": seed, "contrast": contrast})


@pytest.mark.parametrize("method", [key for key, row in METHODS.items() if row.procedure == "once"])
def test_a_tuned_explainer_gives_the_same_map(model, method):
    explainer = compile_explainer(model, method)
    plain = list(run(explainer, FACES).values())
    for expected, found in zip(plain, answers(tuned(explainer)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_a_tuned_explainer_takes_several_seeds_of_one_picture(model):
    explainer = compile_explainer(model, "lrp")
    feeds = {"face": FACES[:1], "seed": np.eye(8, dtype=np.float32), "contrast": np.zeros(8, np.float32)}
    expected = run(explainer, FACES[:1], np.eye(8))["relevance"]
    (found,) = as_it_is(tuned(explainer)).run(["relevance"], feeds)
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


class Gated(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1), nn.Sigmoid())

    def forward(self, x):
        return x * self.gate(x)


@pytest.fixture(scope="module", params=[16, 20])
def curved(request) -> bytes:
    """A network whose inner values have either sign, with channels that fill whole blocks or do not."""
    torch.manual_seed(1)
    width = request.param
    layers = [nn.Conv2d(1, width, 3, 2, 1), nn.SiLU(), Gated(width), nn.Conv2d(width, width, 3, 1, 1), nn.Hardswish()]
    layers += [nn.MaxPool2d(2), nn.Conv2d(width, 2 * width, 3, 1, 1), nn.ReLU6(), *head(2 * width, 8)]
    return to_onnx(Scaled(nn.Sequential(*layers).eval()), (1, 48, 48))


@pytest.mark.parametrize("method", [key for key, row in METHODS.items() if row.procedure == "once"])
def test_networks_with_gates_and_curves_are_tuned_too(curved, method):
    explainer = compile_explainer(curved, method, audit=True)
    plain = run(explainer, FACES)
    names = list(plain)
    for name, found in zip(names, answers(tuned(explainer)), strict=True):
        np.testing.assert_allclose(found, plain[name], rtol=1e-6, atol=1e-6 * np.abs(plain[name]).max(), err_msg=name)


def reorders(explainer: bytes) -> int:
    counts = Counter(node.op_type for node in onnx.load_model_from_string(explainer).graph.node)
    return counts["ReorderInput"] + counts["ReorderOutput"]


def test_tuning_takes_changes_of_layout_out(model, tmp_path):
    explainer = compile_explainer(model, "lrp")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(explainer, options, providers=["CPUExecutionProvider"])
    usual = reorders((tmp_path / "optimised.onnx").read_bytes())
    if not usual:
        pytest.skip("ONNX Runtime uses no blocked layout on this processor")
    assert reorders(tuned(explainer)) < usual / 3


def gated(channels: int, places: int) -> bytes:
    """Two convolutions whose product is the score's feature map; the second may have a single place to be repeated."""
    rng = np.random.default_rng(5)
    weights = {
        "w": rng.normal(size=(channels, 1, 3, 3)),
        "v": rng.normal(size=(channels, channels, places, places)),
        "h": rng.normal(size=(channels, 2)),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["face", "w"], ["a"], pads=[1, 1, 1, 1]),
            helper.make_node("Conv", ["a", "v"], ["b"], pads=[0, 0, 0, 0]),
            helper.make_node("Div", ["a", "b"], ["c"]),
            helper.make_node("ReduceMean", ["c"], ["d"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["d", "h"], ["logits"]),
        ],
        "gated",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", 1, 6, 6])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


@pytest.mark.parametrize("channels", [16, 24, 5])
@pytest.mark.parametrize("places", [1, 6])
def test_maps_of_other_sizes_and_of_broken_blocks_are_left_alone(channels, places):
    model = gated(channels, places)
    faces = np.random.default_rng(0).normal(size=(2, 1, 6, 6)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"face": faces})
    (found,) = as_it_is(tuned(model)).run(None, {"face": faces})
    np.testing.assert_array_equal(found, expected)


def test_pools_that_tile_and_pools_that_do_not_are_both_tuned():
    network = nn.Sequential(*build("average pool"))
    explainer = compile_explainer(to_onnx(Scaled(network), (1, 8, 8)), "lrp")
    faces = pictures(2, (1, 8, 8))
    expected = run(explainer, faces)["relevance"]
    np.testing.assert_array_equal(answers(tuned(explainer), faces, 5)[2], expected)


def test_the_fingerprint_is_the_same_each_time():
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 16


TRANSPOSED = {
    "as behind a 3 x 3 of stride 2": ((3, 3), {"strides": [2, 2], "pads": [1] * 4, "output_padding": [1, 1]}, 4),
    "4 x 4": ((4, 4), {"strides": [2, 2], "pads": [1] * 4}, 4),
    "2 x 2": ((2, 2), {"strides": [2, 2]}, 4),
    "5 x 3": ((5, 3), {"strides": [2, 2], "pads": [2, 1, 2, 1], "output_padding": [1, 1]}, 4),
    "stride 3": ((3, 5), {"strides": [3, 3], "pads": [0, 1, 0, 1]}, 9),
    "uneven padding": ((3, 3), {"strides": [2, 2], "pads": [2, 0, 0, 2], "output_padding": [1, 1]}, 0),
    "not exact": ((3, 3), {"strides": [2, 2]}, 0),
    "smaller than its stride": ((1, 1), {"strides": [2, 2], "output_padding": [1, 1]}, 0),
    "spaced": ((2, 2), {"strides": [2, 2], "dilations": [2, 2], "pads": [1, 1, 0, 0]}, 0),
    "two strides": ((3, 3), {"strides": [2, 1], "pads": [1] * 4, "output_padding": [1, 0]}, 0),
}


@pytest.mark.parametrize("kind", TRANSPOSED)
def test_transposed_convolutions_are_rewritten_where_phases_cover_them_and_compute_the_same(kind):
    kernel, attributes, convolutions = TRANSPOSED[kind]
    rng = np.random.default_rng(2)
    weight = rng.normal(size=(16, 32, *kernel)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ConvTranspose", ["x", "w"], ["a"], kernel_shape=kernel, **attributes),
            helper.make_node("Relu", ["a"], ["y"]),
        ],
        "transposed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 16, 5, 7])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    x = rng.normal(size=(3, 16, 5, 7)).astype(np.float32)
    (expected,) = as_it_is(model).run(None, {"x": x})
    (found,) = as_it_is(tuned(model)).run(None, {"x": x})
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    rewritten = onnx.load_model_from_string(in_phases(model)).graph.node
    assert sum(node.op_type == "Conv" for node in rewritten) == convolutions


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("channels", [16, 64])
def test_a_model_s_own_change_of_depth_to_space_is_computed_as_it_was(mode, channels):
    rng = np.random.default_rng(4)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], pads=[1] * 4),
            helper.make_node("DepthToSpace", ["a"], ["b"], blocksize=2, mode=mode),
            helper.make_node("Relu", ["b"], ["y"]),
        ],
        "shuffled",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", channels // 4, 12, 12])],
        [numpy_helper.from_array(rng.normal(size=(channels, 3, 3, 3)).astype(np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    x = rng.normal(size=(2, 3, 6, 6)).astype(np.float32)
    (expected,) = as_it_is(model).run(None, {"x": x})
    (found,) = as_it_is(tuned(model)).run(None, {"x": x})
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
