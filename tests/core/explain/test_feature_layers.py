"""Which layers of a network can be looked at, and what they are called."""

import numpy as np
import onnx
import pytest

from core.explain.feature_layers import FeatureLayers
from core.explain.graph import plain
from tests.core.explain.networks import NETWORKS, Scaled, build, channels, conv, head, pictures, session, to_onnx
from tests.core.explain.zoo import ATTENTION, PICTURE, ZOO, member

torch = pytest.importorskip("torch")
nn = torch.nn


def layers_of(network, picture):
    return FeatureLayers(plain(to_onnx(Scaled(network), picture)))


def titles(found):
    return [layer.title for layer in found.layers]


def test_a_layer_is_named_by_its_operator_its_place_and_its_maps():
    network = nn.Sequential(conv(1, 6, norm=False), nn.MaxPool2d(2), conv(6, 8, stride=2), *head(8))
    assert titles(layers_of(network, (1, 16, 16))) == [
        "Picture · 1 map of 16 × 16 px",
        "Conv 1 · 6 maps of 16 × 16 px",
        "Conv 1 · ReLU · 6 maps of 16 × 16 px",
        "Max pool 1 · 6 maps of 8 × 8 px",
        "Conv 2 · 8 maps of 4 × 4 px",
        "Conv 2 · ReLU · 8 maps of 4 × 4 px",
        "Average 1 · 8 values",
        "Dense 1 · 5 values",
    ]


@pytest.mark.parametrize(
    ("activation", "word"),
    [
        (nn.SiLU, "SiLU"),
        (nn.GELU, "GELU"),
        (nn.Hardswish, "hard swish"),
        (nn.Mish, "Mish"),
        (nn.ELU, "ELU"),
        (nn.ReLU6, "clip"),
        (nn.LeakyReLU, "leaky ReLU"),
    ],
)
def test_a_non_linearity_of_one_operator_or_of_many_is_one_layer(activation, word):
    network = nn.Sequential(nn.Conv2d(1, 4, 3), activation(), *head(4))
    names = [layer.name for layer in layers_of(network, (1, 8, 8)).layers]
    assert names == ["Picture", "Conv 1", f"Conv 1 · {word}", "Average 1", "Dense 1"]


def test_only_a_layer_that_can_give_negative_numbers_is_signed():
    network = nn.Sequential(conv(1, 6), nn.MaxPool2d(2), *head(6))
    signed = {layer.name: layer.signed for layer in layers_of(network, (1, 8, 8)).layers}
    assert {name for name, may in signed.items() if may} == {"Picture", "Conv 1", "Dense 1"}


@pytest.mark.parametrize("head_of", [(), (nn.Softmax(dim=1),), (nn.LogSoftmax(dim=1),), (nn.Flatten(),)])
def test_the_scores_and_what_a_softmax_makes_of_them_are_the_classes(head_of):
    found = layers_of(nn.Sequential(conv(1, 5, norm=False), *head(5), *head_of), (1, 8, 8)).layers
    ends = ["Dense 1"] if not head_of or isinstance(head_of[0], nn.Flatten) else ["Dense 1", found[-1].name]
    assert [layer.name for layer in found if layer.classes] == ends
    assert {layer.channels for layer in found if layer.classes} == {5}


@pytest.mark.parametrize("name", ["resnet", "mobilenet v3", "convnext"])
def test_of_any_network_the_last_layer_alone_is_the_classes(name):
    found = layers_of(member(name), PICTURE).layers
    assert [layer.classes for layer in found] == [False] * (len(found) - 1) + [True]


def test_two_branches_together_are_a_layer_of_their_own():
    names = [layer.name for layer in layers_of(build("resnet"), (1, 8, 8)).layers]
    assert names.index("Conv 3") < names.index("Sum 1") < names.index("Sum 1 · ReLU") < names.index("Conv 4")
    assert "Concat 1" in titles(layers_of(build("concat"), (1, 8, 8)))[-5]


@pytest.mark.parametrize("name", [*ZOO, *NETWORKS])
def test_every_layer_has_a_key_and_a_name_of_its_own_and_at_least_one_map(name):
    picture = PICTURE if name in ZOO else (channels(build(name)), 8, 8)
    found = layers_of(member(name) if name in ZOO else build(name), picture)
    for unique in ({layer.key for layer in found.layers}, {layer.name for layer in found.layers}):
        assert len(found.layers) == len(unique)
    assert all(min(layer.channels, layer.height, layer.width) > 0 for layer in found.layers)


@pytest.mark.parametrize("name", ATTENTION)
def test_tokens_and_attention_are_left_out_and_said_to_be(name):
    found = layers_of(member(name), PICTURE)
    assert any("softmax" in each for each in found.left_out)
    assert not any("softmax" in layer.name for layer in found.layers)
    assert {(layer.height, layer.width) for layer in found.layers} <= {(32, 32), (4, 4), (8, 8), (1, 1)}


def test_layers_with_their_channels_last_are_maps_as_well():
    dense = [layer for layer in layers_of(member("convnext"), PICTURE).layers if layer.name == "Dense 1 · GELU"]
    assert [(layer.channels, layer.height, layer.width) for layer in dense] == [(32, 8, 8)]


@pytest.mark.parametrize("name", ["resnet", "efficientnet", "densenet", "convnext", "mobilenet v3", "shifted windows"])
def test_the_graph_of_any_layer_gives_the_model_s_own_logits_beside_the_maps(name):
    model = to_onnx(Scaled(member(name)), PICTURE)
    found, faces = FeatureLayers(plain(model)), pictures(3, PICTURE)
    logits = session(model).run(None, {"face": faces})[0]
    for layer in found.layers[:: max(len(found.layers) // 5, 1)]:
        beside, maps = session(found.giving(layer, "maps")).run(None, {"face": faces})
        np.testing.assert_allclose(beside, logits, atol=1e-5)
        assert maps.reshape(3, layer.channels, layer.height, layer.width).size == maps.size
        assert layer.signed or maps.min() >= 0


def test_the_model_is_as_before_once_a_graph_was_taken_from_it():
    found = layers_of(build("plain"), (1, 8, 8))
    first = found.giving(found.layers[2], "maps")
    for layer in found.layers:
        onnx.checker.check_model(onnx.load_model_from_string(found.giving(layer, "maps")))
    assert first == found.giving(found.layers[2], "maps")
