"""What the compiled graph does with seeds, batches and awkward pictures, and what the compiler refuses."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from core.errors import UnknownName, UnsupportedOperator
from core.explain import METHODS, compile_explainer
from tests.core.explain.networks import Scaled, build, pictures, run, to_onnx

PICTURE = (1, 12, 12)
MAPS = [key for key, method in METHODS.items() if method.procedure == "once"]  # what the graph itself gives
SEEING = [key for key in MAPS if not METHODS[key].class_blind]
READ = {None: [], "inputs": ["gradient"]}  # what is read off at the end of the others' graphs


@pytest.fixture(scope="module")
def model() -> bytes:
    return to_onnx(Scaled(build("residual")), PICTURE)


@pytest.fixture(scope="module")
def explainers(model) -> dict[str, bytes]:
    return {key: compile_explainer(model, key, audit=key in MAPS) for key in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_an_explainer_is_a_valid_model_with_the_promised_inputs_and_outputs(explainers, method):
    proto = onnx.load_model_from_string(explainers[method])
    onnx.checker.check_model(proto, full_check=True)
    assert [value.name for value in proto.graph.input] == ["face", "seed", "contrast"]
    read = READ.get(METHODS[method].reading, ["relevance", "absorbed"])
    assert [value.name for value in proto.graph.output] == ["logits", "seed_used", *read]


@pytest.mark.parametrize("method", MAPS)
def test_without_a_seed_the_predicted_class_is_explained(explainers, method):
    faces = pictures(5, PICTURE)
    found = run(explainers[method], faces)
    named = np.eye(5)[found["logits"].argmax(1)]
    np.testing.assert_array_equal(found["seed_used"], named)
    np.testing.assert_array_equal(found["relevance"], run(explainers[method], faces, named)["relevance"])


@pytest.mark.parametrize("seeded", [0, 3, None])
def test_contrast_takes_the_strongest_class_among_the_others(explainers, seeded):
    faces = pictures(4, PICTURE)
    seed = np.zeros((4, 5)) if seeded is None else np.tile(np.eye(5)[seeded], (4, 1))
    found = run(explainers["lrp"], faces, seed, contrast=1)
    for logits, used in zip(found["logits"], found["seed_used"], strict=True):
        target = logits.argmax() if seeded is None else seeded
        rivals = np.where(np.arange(5) == target, -np.inf, logits)
        assert used[target] == 1
        assert used[rivals.argmax()] == -1
        assert np.count_nonzero(used) == 2


@pytest.mark.parametrize("method", MAPS)
def test_one_picture_takes_several_seeds_and_each_gets_the_map_it_would_get_alone(explainers, method):
    face = pictures(1, PICTURE)
    together = run(explainers[method], face, np.eye(5))["relevance"]
    alone = [run(explainers[method], face, np.eye(5)[[k]])["relevance"][0] for k in range(5)]
    np.testing.assert_allclose(together, alone, atol=1e-6 * np.abs(alone).max())


def test_contrast_is_the_difference_of_the_two_maps(explainers):
    faces = pictures(1, PICTURE)
    found = run(explainers["lrp"], faces, contrast=1)
    first, second = np.argsort(-found["logits"][0])[:2]
    one, other = (run(explainers["lrp"], faces, np.eye(5)[[k]])["relevance"] for k in (first, second))
    np.testing.assert_allclose(found["relevance"], one - other, atol=1e-5)


def test_contrast_with_every_class_named_changes_nothing(explainers):
    seed = np.ones((2, 5))
    np.testing.assert_array_equal(seed, run(explainers["lrp"], pictures(2, PICTURE), seed, contrast=1)["seed_used"])


@pytest.mark.parametrize("method", SEEING)
def test_another_target_gives_another_map(explainers, method):
    faces = pictures(1, PICTURE)
    maps = [run(explainers[method], faces, np.eye(5)[[k]])["relevance"].ravel() for k in range(5)]
    assert len({tuple(np.round(m, 7)) for m in maps if m.any()}) == sum(1 for m in maps if m.any())
    assert sum(1 for m in maps if m.any()) >= 2


@pytest.mark.parametrize("method", MAPS)
def test_a_batch_equals_single_calls(explainers, method):
    faces = pictures(4, PICTURE)
    together = run(explainers[method], faces, contrast=1)
    for index in range(4):
        alone = run(explainers[method], faces[index : index + 1], contrast=1)
        for name, values in alone.items():
            np.testing.assert_allclose(together[name][index], values[0], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("method", MAPS)
@pytest.mark.parametrize("network", ["residual", "biases", "max pool", "dense"])
def test_pictures_of_one_colour_give_finite_maps(network, method):
    picture = (1, 8, 8)
    explainer = compile_explainer(to_onnx(Scaled(build(network)), picture), method, audit=True)
    greys = np.array([0, 120, 255], np.uint8)  # 120 is the zero point: nothing but biases speaks
    found = run(explainer, np.broadcast_to(greys[:, None, None, None], (3, *picture)).copy(), contrast=1)
    assert all(np.isfinite(values).all() for values in found.values())


def test_a_map_that_is_zero_everywhere_stays_zero():
    """Grad-CAM of a class that nothing speaks for: no division by the largest value, so no NaN."""
    network = build("plain")
    network[-1].weight.data = -network[-1].weight.data.abs()
    explainer = compile_explainer(to_onnx(Scaled(network), PICTURE), "gradcam")
    assert (run(explainer, pictures(2, PICTURE))["relevance"] == 0).all()


def test_an_unknown_method_is_answered_with_those_there_are(model):
    with pytest.raises(UnknownName, match=r"There is no method 'shap'.*lrp"):
        compile_explainer(model, "shap")


def odd_model(operator: str, late: bool) -> bytes:
    """A convolution and one strange node, before or behind the last feature map."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [2, 1, 3, 3], np.ones(18, np.float32))
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["z"], "conv", pads=[1, 1, 1, 1]),
        *([] if late else [helper.make_node(operator, ["z"], ["odd"], "strange")]),
        helper.make_node("Relu", ["z" if late else "odd"], ["y"], "relu"),
        helper.make_node("GlobalAveragePool", ["y"], ["mean"], "mean"),
        helper.make_node("Flatten", ["mean"], ["flat"], "flat"),
        *([helper.make_node(operator, ["flat"], ["logits"], "strange")] if late else []),
    ]
    out = "logits" if late else "flat"
    graph = helper.make_graph(
        nodes,
        "odd",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 6, 6])],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, ["n", 2])],
        [weight],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_an_operator_without_a_rule_is_named_with_what_still_works():
    with pytest.raises(UnsupportedOperator) as caught:
        compile_explainer(odd_model("Sin", late=False), "lrp")
    assert "Node 'strange' (Sin) has no backward rule under LRP." in str(caught.value)
    possible = str(caught.value).partition("Still possible: ")[2].rstrip(".").split(", ")
    assert possible == [row.title for row in METHODS.values() if row.reading in ("cam", None)]


def test_an_operator_without_a_rule_in_the_head_leaves_what_needs_no_backward_pass():
    with pytest.raises(UnsupportedOperator) as caught:
        compile_explainer(odd_model("Sin", late=True), "gradcam")
    possible = str(caught.value).partition("Still possible: ")[2].rstrip(".").split(", ")
    assert possible == [row.title for row in METHODS.values() if not row.composite]


def test_a_rule_that_does_not_cover_a_node_says_why():
    """Logits from which the mean over the batch is taken: pictures would explain each other."""
    proto = onnx.load_model_from_string(odd_model("Relu", late=True))
    proto.graph.node[-1].CopyFrom(helper.make_node("ReduceMean", ["flat"], ["mean_of_all"], "mixing", axes=[0]))
    proto.graph.node.append(helper.make_node("Sub", ["flat", "mean_of_all"], ["logits"]))
    with pytest.raises(UnsupportedOperator, match=r"Node 'mixing' \(ReduceMean\) is used in a way without a rule"):
        compile_explainer(proto.SerializeToString(), "lrp")


def test_grad_cam_does_not_mind_what_lies_below_the_feature_map():
    found = run(compile_explainer(odd_model("Sin", late=False), "gradcam"), np.ones((1, 1, 6, 6), np.float32))
    assert found["relevance"].sum() == pytest.approx(found["logits"][0].max(), rel=1e-4)


def test_the_compiler_works_without_torch():
    code = "import sys, core.explain; assert not {'torch', 'cv2', 'PySide6', 'onnxruntime'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
