"""Guided backprop and the deconvnet against torch functions whose backward pass is written by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from core.explain import compile_explainer
from tests.core.explain.networks import Scaled, conv, head, pictures, run, scaled, to_onnx

PICTURE = (1, 8, 8)
ACTIVATIONS = {
    "relu": nn.ReLU(),
    "leaky relu": nn.LeakyReLU(0.2),
    "relu6": nn.ReLU6(),
    "elu": nn.ELU(),
    "selu": nn.SELU(),
    "celu": nn.CELU(0.7),
    "prelu": nn.PReLU(init=0.3),
}


class ByHand(torch.autograd.Function):
    @staticmethod
    def forward(context, x, activation, guided):
        context.save_for_backward(x)
        context.activation, context.guided = activation, guided
        return activation(x)

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        rising = gradient.clamp(min=0)
        if not context.guided:
            return rising, None, None
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad(context.activation(x).sum(), x)
        return rising * slope, None, None


class Handmade(nn.Module):
    def __init__(self, activation: nn.Module, guided: bool) -> None:
        super().__init__()
        self.activation, self.guided = activation, guided

    def forward(self, x):
        return ByHand.apply(x, self.activation, self.guided)


def network(activation: nn.Module) -> nn.Sequential:
    torch.manual_seed(2)
    layers = [conv(1, 6)[0], activation, conv(6, 6)[0], activation, nn.MaxPool2d(2), conv(6, 8)[0], activation]
    return nn.Sequential(*layers, *head(8)).eval()


@pytest.mark.parametrize("method", ["guided_backprop", "deconvnet"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_map_is_that_of_a_backward_pass_by_hand(name, method):
    plain = network(ACTIVATIONS[name])
    faces = pictures(2, PICTURE)
    found = run(compile_explainer(to_onnx(Scaled(plain), PICTURE), method), faces, np.eye(5)[[1, 3]])
    handmade = network(Handmade(ACTIVATIONS[name], method == "guided_backprop"))
    pixels = torch.tensor(faces).float().requires_grad_()
    handmade(scaled(pixels))[[0, 1], [1, 3]].sum().backward()
    expected = pixels.grad.sum(1).numpy()
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("method", ["guided_backprop", "deconvnet"])
def test_a_clip_that_serves_as_a_gate_keeps_its_gradient(method):
    """x clip(x + 3, 0, 6) / 6 is no ReLU: nothing but ReLUs is changed."""

    class Gated(nn.Module):
        def forward(self, x):
            return x * F.relu6(x + 3) / 6

    plain, faces = network(Gated()), pictures(2, PICTURE)
    model = to_onnx(Scaled(plain), PICTURE)
    changed, gradient = (run(compile_explainer(model, key), faces)["relevance"] for key in (method, "gradient"))
    np.testing.assert_array_equal(gradient, changed)
