"""Rules of the first layer: bounds of pixels, squared weights, even shares."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import UnsupportedOperator
from core.explain import METHODS, compile_explainer
from core.explain.composite_file import read_method
from tests.core.explain.networks import conv, head, pictures, run, to_onnx

BOX = "operator,depth,rule,options\nlayers,first,zbox,{}\nlayers,anywhere,epsilon,epsilon=1e-6\n"


class Normalised(nn.Module):
    """A network with its own way from pixels to its range."""

    def __init__(self, network: nn.Module, scaling) -> None:
        super().__init__()
        self.network, self.scaling = network, scaling

    def forward(self, face):
        return self.network(self.scaling(face.float()))


MEAN, DEVIATION = torch.tensor([100.0, 120, 140])[:, None, None], torch.tensor([50.0, 60, -70])[:, None, None]
# Each with what the pixels 0 and 255 come to, channel by channel.
SCALINGS = {
    "a mean and a deviation for each channel": lambda x: (x - MEAN) / DEVIATION,
    "in two steps": lambda x: (x / 255.0 - 0.5) * 4.0,
    "upside down": lambda x: 1.0 - x / 255.0,
    "blue in front": lambda x: torch.cat([x[:, 2:3], x[:, 1:2], x[:, 0:1]], 1) / 64.0 - 1.0,
}


def small(bias: bool = False) -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(conv(3, 5, norm=False), *head(5, bias=bias)).eval()


def box_by_hand(network: nn.Sequential, scaling, face: np.ndarray) -> np.ndarray:
    """z-box on the first convolution and the plain split behind, pixel by pixel, in float64: [height, width]."""
    with torch.no_grad():
        x, low, high = (scaling(torch.tensor(pixels).double()) for pixels in (face, 0.0 * face, 0.0 * face + 255))
        low, high = torch.minimum(low, high), torch.maximum(low, high)
        layer, (_, _, _, last) = network[0][0].double(), network[0].__class__ and (None, None, None, network[2].double())
        z = layer(x)
        hidden = torch.relu(z)
        score = last.weight[0] @ hidden.mean((2, 3))[0]
        r = hidden * last.weight[0][:, None, None] / hidden[0, 0].numel()
        units = torch.eye(x.numel()).double().reshape(-1, *x.shape[1:])
        bias = layer(torch.zeros_like(x)).flatten()
        w = layer(units).flatten(1) - bias
        parts = x.flatten()[:, None] * w - low.flatten()[:, None] * w.clamp(min=0) - high.flatten()[:, None] * w.clamp(max=0)
        relevance = (parts / parts.sum(0) * r.flatten()).sum(1).reshape(x.shape)
        assert torch.allclose(relevance.sum(), score)
    return relevance[0]


@pytest.mark.parametrize("scaling", [name for name in SCALINGS if name != "blue in front"])
def test_the_box_of_pixels_is_followed_through_their_scaling(scaling):
    network, face = small(), pictures(1, (3, 6, 6))
    explainer = compile_explainer(to_onnx(Normalised(network, SCALINGS[scaling]), (3, 6, 6)), "lrp_gamma_box")
    found = run(explainer, face, np.eye(5)[[0]])["relevance"][0]
    expected = box_by_hand(small(), SCALINGS[scaling], face).sum(0).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
