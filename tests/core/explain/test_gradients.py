"""Gradient, input x gradient and Grad-CAM against torch autograd."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from core.explain import compile_explainer
from tests.core.explain.networks import NETWORKS, Mean, Scaled, build, channels, pictures, run, scaled, to_onnx

SIDE = 8


def prepared(name: str, side: int = SIDE):
    network = build(name)
    picture = (channels(network), side, side)
    return network, to_onnx(Scaled(network), picture), pictures(3, picture)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_is_autograds(name):
    network, model, faces = prepared(name)
    found = run(compile_explainer(model, "gradient"), faces, np.eye(5)[[0, 2, 4]])
    pixels = torch.tensor(faces).float().requires_grad_()
    logits = network(scaled(pixels))
    logits[[0, 1, 2], [0, 2, 4]].sum().backward()
    expected = pixels.grad.sum(1).numpy()
    np.testing.assert_allclose(found["logits"], logits.detach(), atol=1e-4)
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4 * np.abs(expected).max())


def test_input_x_gradient_uses_the_input_as_the_network_sees_it():
    network, model, faces = prepared("colour")
    found = run(compile_explainer(model, "input_x_gradient"), faces, np.eye(5)[[0, 2, 4]])
    inputs = scaled(torch.tensor(faces)).requires_grad_()
    network(inputs)[[0, 1, 2], [0, 2, 4]].sum().backward()
    expected = (inputs * inputs.grad).sum(1).detach().numpy()
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "dense"] + ["shipped"])
def test_grad_cam_is_autograds(name):
    side = 48 if name == "shipped" else SIDE
    network, model, faces = prepared(name, side)
    classes = [0, 2, 4]
    found = run(compile_explainer(model, "gradcam"), faces, np.eye(8 if name == "shipped" else 5)[classes])
    cut = next(i for i, layer in enumerate(network) if isinstance(layer, Mean))
    features = network[:cut](scaled(torch.tensor(faces))).detach().requires_grad_()
    network[cut:](features)[[0, 1, 2], classes].sum().backward()
    weights = features.grad.mean((2, 3), keepdim=True)
    coarse = torch.relu((weights * features).sum(1, keepdim=True)).detach()
    np.testing.assert_allclose(found["relevance"].sum((1, 2)), coarse.sum((1, 2, 3)), rtol=1e-4, atol=1e-6)
    if side % coarse.shape[-1] == 0:
        fine = F.interpolate(coarse, size=(side, side), mode="bilinear") * (coarse[0].numel() / side**2)
        np.testing.assert_allclose(found["relevance"], fine[:, 0], atol=1e-5 * max(float(fine.max()), 1e-3))


def test_a_grad_cam_of_a_network_with_pooling_and_head_sums_to_the_positive_evidence():
    """For global average pooling and one linear layer the map without its ReLU would sum to the logit."""
    _, model, faces = prepared("plain")
    found = run(compile_explainer(model, "gradcam"), faces)
    score = (found["logits"] * found["seed_used"]).sum(1)
    assert (found["relevance"].sum((1, 2)) >= score - 1e-4).all()
    assert (found["relevance"] >= 0).all()
