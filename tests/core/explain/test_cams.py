"""Class activation maps against torch, written plainly from the papers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from core.errors import UnknownName
from core.explain import METHODS, Explainer, compile_explainer
from core.explain.cams import CAMS
from tests.core.explain.networks import Mean, Scaled, build, channels, pictures, run, scaled, to_onnx

SIDE = 8
CLASSES = [0, 2, 4]
NAMES = ("plain", "biases", "residual", "linear residual", "max pool", "colour")
OF_METHODS = [key for key, method in METHODS.items() if method.reading == "cam"]


def grad_cam(a: Tensor, g: Tensor) -> Tensor:
    return torch.relu((g.mean((2, 3), keepdim=True) * a).sum(1))


def grad_cam_plus_plus(a: Tensor, g: Tensor) -> Tensor:
    divisor = 2 * g**2 + a.sum((2, 3), keepdim=True) * g**3
    alpha = torch.where(divisor == 0, torch.zeros_like(g), g**2 / torch.where(divisor == 0, 1.0, divisor))
    weights = (alpha * torch.relu(g)).sum((2, 3), keepdim=True)
    return torch.relu((weights * a).sum(1))


def hires_cam(a: Tensor, g: Tensor) -> Tensor:
    return (g * a).sum(1)


def layer_cam(a: Tensor, g: Tensor) -> Tensor:
    return torch.relu((torch.relu(g) * a).sum(1))


def xgrad_cam(a: Tensor, g: Tensor) -> Tensor:
    sums = a.sum((2, 3), keepdim=True)
    sums = torch.where(sums < 0, sums - 1e-7, sums + 1e-7)
    return torch.relu(((g * a / sums).sum((2, 3), keepdim=True) * a).sum(1))


def eigen_cam(a: Tensor, g: Tensor) -> Tensor:
    maps = []
    for features in a:
        left, singular, _ = torch.linalg.svd(features.flatten(1).T, full_matrices=False)
        projected = left[:, 0] * singular[0]
        maps.append((projected * (1 if projected.sum() >= 0 else -1)).reshape(features.shape[1:]))
    return torch.stack(maps)


BY_HAND = {
    "gradcam": grad_cam,
    "gradcam_plus_plus": grad_cam_plus_plus,
    "hirescam": hires_cam,
    "layercam": layer_cam,
    "xgradcam": xgrad_cam,
    "eigencam": eigen_cam,
}


def features_and_gradients(network, faces, cut: int) -> tuple[Tensor, Tensor]:
    """Feature map behind the first `cut` modules, and the gradient of the three classes' logits at it: float64."""
    network = network.double()
    features = network[:cut](scaled(torch.tensor(faces)).double()).detach().requires_grad_()
    network[cut:](features)[range(len(CLASSES)), CLASSES].sum().backward()
    network.float()
    return features.detach(), features.grad


def compare(found: np.ndarray, coarse: Tensor) -> None:
    side = found.shape[-1]
    coarse = coarse[:, None]
    size = max(float(coarse.abs().sum((1, 2, 3)).max()), 1e-6)
    np.testing.assert_allclose(found.sum((1, 2)), coarse.sum((1, 2, 3)), atol=1e-4 * size)
    assert side % coarse.shape[-1] == 0
    fine = F.interpolate(coarse, size=(side, side), mode="bilinear") * (coarse[0].numel() / side**2)
    np.testing.assert_allclose(found, fine[:, 0], atol=1e-4 * max(float(fine.abs().max()), 1e-6))


def prepared(name: str):
    network = build(name)
    picture = (channels(network), SIDE, SIDE)
    return network, to_onnx(Scaled(network), picture), pictures(3, picture)


def test_every_formula_has_a_method_and_a_reading_of_its_paper_here():
    assert set(CAMS) == {METHODS[key].cam for key in OF_METHODS} == set(BY_HAND)


@pytest.mark.parametrize("method", OF_METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_the_map_is_the_paper_s_formula_at_the_last_feature_map(name, method):
    network, model, faces = prepared(name)
    cut = next(i for i, layer in enumerate(network) if isinstance(layer, Mean))
    features, gradient = features_and_gradients(network, faces, cut)
    found = run(compile_explainer(model, method), faces, np.eye(5)[CLASSES])
    compare(found["relevance"], BY_HAND[METHODS[method].cam](features, gradient))


def first_layer(model: bytes) -> str:
    """The name of the first value behind a ReLU."""
    import onnx

    return next(node.output[0] for node in onnx.load_model_from_string(model).graph.node if node.op_type == "Relu")


@pytest.mark.parametrize("method", OF_METHODS)
@pytest.mark.parametrize("name", ["plain", "max pool"])
def test_the_map_of_an_earlier_layer_is_the_formula_there(name, method):
    network, model, faces = prepared(name)
    features, gradient = features_and_gradients(network, faces, 1)
    found = run(compile_explainer(model, method, layer=first_layer(model)), faces, np.eye(5)[CLASSES])
    compare(found["relevance"], BY_HAND[METHODS[method].cam](features, gradient))


@pytest.mark.parametrize("method", OF_METHODS)
def test_a_layer_that_does_not_exist_is_answered_with_those_there_are(method):
    _, model, _ = prepared("plain")
    with pytest.raises(UnknownName, match="There is no feature map 'layer 7'") as caught:
        compile_explainer(model, method, layer="layer 7")
    assert first_layer(model) in caught.value.known


def test_hirescam_sums_to_the_logit_where_pooling_and_a_layer_without_biases_follow():
    for name in ("plain", "residual", "linear residual", "groups"):
        _, model, faces = prepared(name)
        found = run(compile_explainer(model, "hirescam"), faces, np.eye(5)[CLASSES])
        score = (found["logits"] * found["seed_used"]).sum(1)
        np.testing.assert_allclose(found["relevance"].sum((1, 2)), score, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", OF_METHODS)
def test_a_feature_map_of_zeros_gives_a_map_of_zeros(method):
    network = build("biases")
    network[1][0].bias.data[:] = -1e6
    explainer = Explainer(to_onnx(Scaled(network), (1, SIDE, SIDE)), method)
    found = explainer.explain(pictures(2, (1, SIDE, SIDE)))
    assert (found.relevance == 0).all()


@pytest.mark.parametrize("method", OF_METHODS)
def test_a_method_is_blind_to_the_class_exactly_where_its_row_says_so(method):
    _, model, faces = prepared("residual")
    maps = Explainer(model, method).all_classes(faces[0])
    assert (maps == maps[:1]).all() == METHODS[method].class_blind


def test_eigencam_takes_a_second_component_nearly_as_strong_for_what_it_is():
    """Two orthogonal patterns of 1.00 and 0.97 of strength: the first one alone is left."""
    import onnx
    from onnx import TensorProto, helper

    strong, weak = np.zeros((2, 4), np.float32)
    strong[:2], weak[2:] = 1, 0.97
    patterns = np.stack([strong, weak]).reshape(1, 2, 2, 2)
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "patterns"], ["product"]),
            helper.make_node("Conv", ["product", "w"], ["features"]),
            helper.make_node("ReduceMean", ["features", "axes"], ["logits"], keepdims=0),
        ],
        "two patterns",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 2, 2])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [
            helper.make_tensor("patterns", TensorProto.FLOAT, [1, 2, 2, 2], patterns.ravel()),
            helper.make_tensor("w", TensorProto.FLOAT, [2, 2, 1, 1], np.eye(2, dtype=np.float32).ravel()),
            helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    found = Explainer(model.SerializeToString(), "eigencam").explain(np.ones((1, 1, 2, 2), np.float32))
    np.testing.assert_allclose(found.relevance[0].ravel(), strong, atol=1e-5)
