"""Integrated gradients from several baselines keep their promise, and the short way is the long way."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from core.explain import compile_explainer
from core.explain.halves import halves
from core.explain.paths import Paths
from tests.landmark_packs_made import KEPT, landmark_model, random_shapes

KINDS = [
    {"activation": activation, "apart": apart, "window": window}
    for activation, apart, window in [
        ("Relu", False, 1),
        ("Relu", True, 1),
        ("Tanh", False, 1),
        ("Tanh", True, 4),
        ("Sigmoid", False, 6),
        ("LeakyRelu", False, 3),
    ]
]


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def kind(request):
    return request.param


def whole(model, inputs):
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"landmarks": inputs})[0]


def test_the_cut_model_is_the_whole_model(kind):
    model = landmark_model(**kind).SerializeToString()
    inputs = random_shapes(3, kind["window"])
    parts = halves(model)
    paths = Paths(model, random_shapes(5, kind["window"], seed=1))
    assert parts.size == 6 * 24
    assert paths.cut
    np.testing.assert_allclose(
        paths._walk.scores(paths._walk.entered(inputs)), whole(model, inputs), rtol=1e-5, atol=1e-5
    )


def test_the_short_way_and_the_long_way_give_the_same_relevance(kind):
    model = landmark_model(**kind).SerializeToString()
    baselines = random_shapes(5, kind["window"], seed=1)
    short, long = Paths(model, baselines), Paths(model, baselines, cut=False)
    inputs = random_shapes(2, kind["window"])
    assert not long.cut
    for score in (0, 5):
        ours, theirs = short.explain(inputs[1], [score])[0], long.explain(inputs[1], [score])[0]
        scale = np.abs(theirs.relevance).max()
        np.testing.assert_allclose(ours.relevance, theirs.relevance, atol=2e-5 * scale)
        assert ours.start == pytest.approx(theirs.start, abs=1e-5)


def test_relevance_sums_to_what_the_score_has_over_the_baselines(kind):
    model = landmark_model(**kind).SerializeToString()
    baselines, inputs = random_shapes(5, kind["window"], seed=1), random_shapes(2, kind["window"])
    for steps, allowed in ((32, 0.02), (512, 0.001)):
        found = Paths(model, baselines, steps).explain(inputs[0], [2])[0]
        promised = whole(model, inputs)[0, 2] - whole(model, baselines)[:, 2].mean()
        assert found.gap == pytest.approx(found.relevance.sum() - promised, abs=1e-5)
        assert abs(found.gap) <= allowed * max(1.0, abs(promised))


def test_points_that_the_network_does_not_see_have_no_relevance(kind):
    paths = Paths(landmark_model(**kind).SerializeToString(), random_shapes(5, kind["window"], seed=1))
    per_point = np.abs(paths.explain(random_shapes(1, kind["window"])[0], [0])[0].relevance).sum(axis=(0, 2))
    assert np.flatnonzero(per_point).tolist() == KEPT.tolist()


def test_the_midpoint_rule_is_the_sum_that_the_paper_writes():
    """Slowly: one point after the other through the compiled gradient."""
    model = landmark_model().SerializeToString()
    baselines, x = random_shapes(5, seed=1), random_shapes(1)[0]
    session = onnxruntime.InferenceSession(
        compile_explainer(model, "integrated_gradients"), providers=["CPUExecutionProvider"]
    )
    seed = np.eye(6, dtype=np.float32)[3:4]
    expected = np.zeros(x.shape)
    for start in baselines:
        for k in range(1, 33):
            point = start + np.float32((k - 0.5) / 32) * (x - start)
            feeds = {"landmarks": point[None], "seed": seed, "contrast": np.zeros(1, np.float32)}
            expected += (x - start) / 32 * session.run(["gradient"], feeds)[0][0] / 5
    found = Paths(model, baselines).explain(x, [3])[0].relevance
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max() + 1e-7)


def test_a_linear_model_is_one_line_and_its_own_relevance():
    weights = np.random.default_rng(0).normal(size=(478 * 3, 2)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["landmarks"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["batch", 1, 478, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.ravel())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    baselines, x = random_shapes(5, seed=1), random_shapes(1)[0]
    found = Paths(model, baselines).explain(x, [1])[0]
    expected = (x - baselines.mean(axis=0)) * weights[:, 1].reshape(1, 478, 3)
    np.testing.assert_allclose(found.relevance, expected, atol=1e-4)
    assert abs(found.gap) < 1e-3


def test_a_model_that_bends_at_once_is_walked_whole():
    nodes = [
        helper.make_node("Abs", ["landmarks"], ["bent"]),
        helper.make_node("ReduceMean", ["bent", "axes"], ["logits"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "bent",
        [helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["batch", 1, 478, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    assert halves(model) is None
    paths = Paths(model, random_shapes(5, seed=1), steps=8)
    assert not paths.cut
    assert np.isfinite(paths.explain(random_shapes(1)[0], [0])[0].gap)


@pytest.mark.parametrize("cut", [True, False])
def test_several_scores_at_once_are_each_as_if_alone(cut):
    paths = Paths(landmark_model().SerializeToString(), random_shapes(5, seed=1), cut=cut)
    window = random_shapes(1)[0]
    for score, together in zip((4, 0, 2), paths.explain(window, (4, 0, 2)), strict=True):
        (alone,) = paths.explain(window, [score])
        np.testing.assert_allclose(together.relevance, alone.relevance, atol=1e-6)
        assert (together.start, together.gap) == pytest.approx((alone.start, alone.gap), abs=1e-5)
