"""A model bound to its batch is explained in turns, by every method as the same network with a free batch."""

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from core.explain import METHODS, Effort, Explainer
from tests.core.explain.networks import Scaled, build, conv, head, pictures, to_onnx

PICTURE = (1, 12, 12)
QUICK = Effort(steps=3, samples=3, masks=5, cells=3, patch=0.5)
LIGHT = torch.randn(1, *PICTURE, generator=torch.Generator().manual_seed(5)) / 3


class Light(nn.Module):
    """A pattern that is added to every picture; written for so many pictures, the batch cannot be another."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.light = nn.Parameter(LIGHT.repeat(count, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.light


class Picked(nn.Module):
    """The first picture of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        return x[torch.tensor([0])]


class Swapped(nn.Module):
    """A filter that sees channels as if they were pictures: for one picture, each channel on its own."""

    def __init__(self, filtering: nn.Module) -> None:
        super().__init__()
        self.filtering = filtering

    def forward(self, x: Tensor) -> Tensor:
        return self.filtering(x.transpose(0, 1)).transpose(0, 1)


class Apart(nn.Module):
    """The same, written as a convolution of as many groups as channels."""

    def __init__(self, filtering: nn.Conv2d, channels: int) -> None:
        super().__init__()
        self.filtering, self.channels = filtering, channels

    def forward(self, x: Tensor) -> Tensor:
        weight = self.filtering.weight.repeat(self.channels, 1, 1, 1)
        return nn.functional.conv2d(x, weight, padding=1, groups=self.channels)


def bound(network: nn.Module, batch: int) -> bytes:
    """Export for that batch alone."""
    model = onnx.load_model_from_string(to_onnx(network, PICTURE, batch=batch))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = batch
    return model.SerializeToString()


def with_front(front: nn.Module) -> nn.Module:
    return Scaled(nn.Sequential(front, build("residual")))


# Batch, the model bound to it, and the same with a free batch.
PAIRS = {
    "picks the first of one": lambda: (1, bound(with_front(Picked()), 1), to_onnx(Scaled(build("residual")), PICTURE)),
    "a pattern for each of two": lambda: (2, bound(with_front(Light(2)), 2), to_onnx(with_front(Light(1)), PICTURE)),
    "a pattern for each of five": lambda: (5, bound(with_front(Light(5)), 5), to_onnx(with_front(Light(1)), PICTURE)),
}


@pytest.fixture(scope="module", params=PAIRS)
def pair(request):
    return PAIRS[request.param]()


def regions(count: int) -> np.ndarray:
    labels = np.zeros((count, *PICTURE[1:]), np.uint8)
    labels[:, 6:] = 3
    return labels


@pytest.mark.parametrize("method", METHODS)
def test_a_bound_model_is_explained_as_a_free_one(pair, method):
    batch, fixed, free = pair
    explainer, expected = Explainer(fixed, method, audit=True), Explainer(free, method, audit=True)
    assert {each.shape[0] for each in explainer.session.get_inputs()} == {batch}, "the seeds are bound too"
    for count in (1, 3):
        faces, known = pictures(count, PICTURE), regions(count)
        one, other = (each.explain(faces, contrast=1, regions=known, effort=QUICK) for each in (explainer, expected))
        np.testing.assert_array_equal(one.seed_used, other.seed_used)
        np.testing.assert_allclose(one.logits, other.logits, atol=1e-5)
        same(one.relevance, other.relevance)
        if other.absorbed is not None:
            np.testing.assert_allclose(one.absorbed, other.absorbed, atol=1e-4)
    face, known = pictures(1, PICTURE), regions(1)
    same(*(each.all_classes(face, known, QUICK) for each in (explainer, expected)))


def same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("method", [key for key, row in METHODS.items() if row.biases != "spread"])
def test_a_layer_that_takes_channels_for_pictures_is_explained_as_one_of_groups(method):
    """What spreads biases by the places that a unit sees does not know these where channels stand for pictures."""
    torch.manual_seed(2)
    filtering = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    layers = [conv(1, 4), conv(4, 6), *head(6)]
    networks = [
        Scaled(nn.Sequential(layers[0], front, *layers[1:]).eval())
        for front in (Swapped(filtering), Apart(filtering, 4))
    ]
    faces, known = pictures(3, PICTURE), regions(3)
    one, other = (
        Explainer(model, method).explain(faces, regions=known, effort=QUICK)
        for model in (bound(networks[0], 1), to_onnx(networks[1], PICTURE))
    )
    same(one.relevance, other.relevance)
