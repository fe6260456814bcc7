"""The lens finds each filter's maximum, and its pattern is what a backward pass by hand gives."""

import numpy as np
import pytest
import torch
from torch import nn

from core.activations import Activations
from core.errors import ExplainError, UnknownName
from core.explain.graph import read
from core.model import Model
from core.neurons.alike import repeated
from core.neurons.atlas import MIDDLE
from core.neurons.lens import PATTERNS, Lens, Maxima, Patterns, cut, grey, support_of
from core.packs import DEFAULT_PACK, find_pack
from core.sample import sample_faces
from tests.core.explain.networks import Scaled, pictures, scaled, to_onnx
from tests.core.explain.test_rectifiers import Handmade
from tests.packs_made import make_colour_pack, make_pack

PICTURE = (1, 16, 16)
CHANNELS = 6


def features(activation: nn.Module) -> nn.Sequential:
    """Two convolutions with a pool between: 3 + 2 * 2 + 1 = 8 px are seen by a place of the second."""
    torch.manual_seed(4)
    first, second = nn.Conv2d(1, 5, 3, padding=1), nn.Conv2d(5, CHANNELS, 3, padding=1)
    return nn.Sequential(first, activation, nn.MaxPool2d(2), second, activation).eval()


def classifier(activation: nn.Module) -> nn.Sequential:
    torch.manual_seed(5)
    layers = features(activation)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(CHANNELS * 64, 3)).eval()


@pytest.fixture(scope="module")
def activations(tmp_path_factory):
    model = to_onnx(Scaled(classifier(nn.ReLU())), PICTURE)
    return Activations(Model(make_pack(tmp_path_factory.mktemp("lens"), model, PICTURE, ("a", "b", "c")), "cpu"))


def lens_of(activations, method=PATTERNS[0], name="Conv 2 · ReLU"):
    (layer,) = (layer for layer in activations.layers if layer.name == name)
    return Lens(activations, layer, method)


def test_maxima_are_those_of_the_maps_with_their_places(activations):
    lens, faces = lens_of(activations), pictures(37, PICTURE)
    found = lens.maxima(faces)
    maps = features(nn.ReLU())(scaled(torch.tensor(faces))).detach().numpy()
    np.testing.assert_allclose(found.values, maps.max(axis=(2, 3)), atol=1e-5)
    rows, columns = found.places[..., 0], found.places[..., 1]
    at_places = maps[np.arange(37)[:, None], np.arange(CHANNELS), rows, columns]
    np.testing.assert_allclose(found.values, at_places, atol=1e-5)


def test_progress_counts_every_face(activations):
    told: list[int] = []
    lens_of(activations).maxima(pictures(37, PICTURE), told.append)
    assert sum(told) == 37
    assert len(told) > 1


@pytest.mark.parametrize("method", PATTERNS)
@pytest.mark.parametrize("name", ["Conv 2", "Conv 2 · ReLU"])
def test_a_pattern_is_the_backward_pass_by_hand_from_the_filters_maximum(activations, method, name):
    lens, faces = lens_of(activations, method, name), pictures(9, PICTURE)
    maxima = lens.maxima(faces)
    found = lens.patterns(faces, maxima, 2)
    layers = features(Handmade(nn.ReLU(), guided=method == "guided_backprop"))
    layers = layers if name.endswith("ReLU") else layers[:-1]
    for number in range(CHANNELS):
        for place in range(2):
            face = faces[found.top[number, place]]
            pixels = torch.tensor(face[None]).float().requires_grad_()
            highest = layers(scaled(pixels))[0, number].amax()
            highest.backward()
            expected = cut(pixels.grad[0, 0].numpy(), *found.corners[number, place], found.side_px)
            np.testing.assert_allclose(found.maxima[number, place], highest.item(), atol=1e-5)
            np.testing.assert_allclose(found.maps[number, place], expected, atol=1e-6)
            assert np.isclose(np.abs(expected).sum(), pixels.grad.abs().sum().item(), rtol=1e-5), "nothing is cut off"


def test_top_pictures_are_the_strongest_in_falling_order():
    values = np.array([[1, 5], [3, 5], [2, 0]], np.float32)
    maxima = Maxima(values, np.zeros((3, 2, 2), np.int16))
    assert maxima.top(2).tolist() == [[1, 2], [0, 1]]
    with pytest.raises(ExplainError, match="1 to 3"):
        maxima.top(4)


def test_a_filter_that_is_never_active_has_an_empty_pattern(activations):
    lens, faces = lens_of(activations), pictures(3, PICTURE)
    silent = Maxima(np.zeros((3, CHANNELS), np.float32), np.zeros((3, CHANNELS, 2), np.int16))
    found = lens.patterns(faces, silent, 1)
    assert not found.maps.any()
    assert (grey(found.maps, 8) == MIDDLE).all()


@pytest.mark.parametrize("place", [(0, 0), (3, 4), (7, 7)])
def test_what_a_place_sees_lies_in_its_square_also_at_the_border(activations, place):
    lens = lens_of(activations)
    support = support_of(read(lens.activations.giving(lens.layer), "mienscope_activation"), (8, 8))
    assert support.side_px == 8
    row, column = support.corners(np.array(place, np.int16))
    layers = features(nn.Softplus())  # smooth: every pixel that is seen has a derivative
    layers[2] = nn.AvgPool2d(2)
    pixels = torch.rand(1, *PICTURE).requires_grad_()
    layers(pixels)[0, :, place[0], place[1]].sum().backward()
    seen = pixels.grad[0, 0].numpy() != 0
    assert seen.sum() == (cut(seen.astype(np.float32), row, column, 8) != 0).sum()
    inside = np.zeros((16, 16), bool)
    inside[max(row, 0) : row + 8, max(column, 0) : column + 8] = True
    np.testing.assert_array_equal(inside, seen)


@pytest.mark.parametrize("method", PATTERNS)
def test_layers_of_the_shipped_pack_at_every_depth_have_patterns(method):
    activations = Activations(Model(find_pack(DEFAULT_PACK), "cpu", threads=1))
    faces = sample_faces().crops(activations.model.pack.alignment)["grey"][:1]
    layers = activations.layers[1:]
    for layer in layers[:: len(layers) // 4]:
        lens = Lens(activations, layer, method)
        found = lens.patterns(faces, lens.maxima(faces), 1)
        assert found.maps.shape[:2] == (layer.channels, 1), layer.title
        assert np.isfinite(found.maps).all()
        assert np.abs(found.maps).max() > 0, layer.title


def test_a_pack_in_colour_has_patterns_too(tmp_path):
    activations = Activations(Model(make_colour_pack(tmp_path), "cpu"))
    faces = np.random.default_rng(0).integers(0, 256, (5, 3, 40, 40), dtype=np.uint8)
    lens = lens_of(activations)
    found = lens.patterns(faces, lens.maxima(faces), 2)
    assert found.maps.shape == (6, 2, 5, 5)
    assert np.abs(found.maps).max() > 0


def test_a_layer_whose_channels_come_last_is_seeded_by_its_channels(tmp_path):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(6)
            self.conv, self.dense = nn.Conv2d(1, 5, 3, padding=1), nn.Linear(5, 3)

        def forward(self, x):
            maps = torch.relu(torch.nn.functional.layer_norm(self.conv(scaled(x)).permute(0, 2, 3, 1), (5,)))
            return self.dense(maps.mean((1, 2)))

    pack = make_pack(tmp_path, to_onnx(Last().eval(), PICTURE), PICTURE, ("a", "b", "c"))
    activations = Activations(Model(pack, "cpu"))
    (layer,) = (layer for layer in activations.layers if layer.name.endswith("ReLU"))
    assert layer.channels == 5
    lens, faces = Lens(activations, layer), pictures(4, PICTURE)
    found = lens.patterns(faces, lens.maxima(faces), 1)
    assert found.maps.shape[:2] == (5, 1)
    assert np.abs(found.maps).max(axis=(1, 2, 3)).min() > 0


def test_methods_without_one_backward_pass_to_the_pixels_are_refused(activations):
    for method in ("gradcam", "occlusion", "smoothgrad"):
        with pytest.raises(ExplainError, match="in one run"):
            lens_of(activations, method)
    with pytest.raises(UnknownName, match="guided"):
        lens_of(activations, "guided")


def test_the_mean_of_patterns_weighs_every_picture_alike():
    maps = np.zeros((1, 2, 1, 2), np.float32)
    maps[0, 0, 0], maps[0, 1, 0] = (10, 0), (0.5, -1)
    none = np.zeros((1, 2), np.int64)
    found = Patterns(none, none.astype(np.float32), np.zeros((1, 2, 2), np.int16), "", maps).mean()
    np.testing.assert_allclose(found[0, 0, 0], [0.75, -0.5])


def test_greys_keep_the_sign_and_large_maps_are_made_smaller():
    maps = np.zeros((1, 1, 10, 10), np.float32)
    maps[..., :5], maps[..., 5:] = 2, -2
    picture = grey(maps, 5)[0, 0]
    assert picture.shape == (5, 5)
    assert (picture[:, :2] == 255).all()
    assert (picture[:, 3:] == 1).all()


def test_a_picture_that_was_seen_before_is_known_again():
    faces = np.random.default_rng(3).integers(0, 256, (600, 1, 20, 20), dtype=np.uint8)
    faces[540] = faces[7] // 2 + 40
    faces[541] = 90
    faces[542] = 90
    assert np.flatnonzero(repeated(faces)).tolist() == [540]
