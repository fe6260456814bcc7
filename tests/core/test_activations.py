"""Any layer of any pack, as torch computes it, at the cost of the forward pass."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from core.activations import KEPT, Activations, Probe
from core.errors import UnknownName
from core.explain.runs import BATCHES
from core.geometry import Similarity
from core.model import Model
from core.packs import DEFAULT_PACK, find_pack
from core.pipeline import Pipeline, Settings
from core.ranking import MARGIN, STANDING_S, Ranking, strengths
from core.types import Crop, FaceObservation, Features, Frame
from tests.packs_made import make_pack

PICTURE = (1, 24, 24)
CLASSES = ("a", "b", "c", "d", "e")


def crops_of(faces):
    return [Crop(face[0], Similarity(1.0, 0.0, 0.0, 0.0)) for face in faces]


@pytest.fixture(scope="module")
def network():
    """Convolutions with a norm, a residual sum, pools, and dense layers."""
    torch = pytest.importorskip("torch")
    from tests.core.explain.networks import Residual, conv

    torch.manual_seed(3)
    nn = torch.nn
    return nn.Sequential(
        conv(1, 6),
        nn.MaxPool2d(2),
        Residual(conv(6, 6)),
        nn.Conv2d(6, 10, 3, 2),
        nn.SiLU(),
        nn.Flatten(),
        nn.Linear(250, 12),
        nn.ReLU(),
        nn.Linear(12, len(CLASSES)),
    ).eval()


@pytest.fixture(scope="module")
def activations(network, tmp_path_factory):
    from tests.core.explain.networks import Scaled, to_onnx

    pack = make_pack(tmp_path_factory.mktemp("packs"), to_onnx(Scaled(network), PICTURE), PICTURE, CLASSES)
    return Activations(Model(pack, provider="cpu", threads=1))


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(5).integers(0, 256, (5, *PICTURE)).astype(np.uint8)


def named(activations, name):
    return next(layer for layer in activations.layers if layer.name == name)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Conv 1", "0.1"),
        ("Conv 1 · ReLU", "0.2"),
        ("Max pool 1", "1"),
        ("Conv 2 · ReLU", "2.branch.2"),
        ("Sum 1", "2"),
        ("Conv 3", "3"),
        ("Conv 3 · SiLU", "4"),
        ("Dense 1", "6"),
        ("Dense 1 · ReLU", "7"),
        ("Dense 2", "8"),
    ],
)
def test_maps_are_those_of_torch(network, activations, faces, name, module):
    import torch

    from tests.core.explain.networks import scaled

    seen = []
    hook = network.get_submodule(module).register_forward_hook(lambda *found: seen.append(found[2].detach().numpy()))
    with torch.no_grad():
        network(scaled(torch.from_numpy(faces)))
    hook.remove()
    maps = activations.read(crops_of(faces), named(activations, name))
    np.testing.assert_allclose(maps, seen[0].reshape(maps.shape), atol=2e-5)


def test_every_layer_comes_with_the_model_s_own_logits(activations, faces):
    for layer in activations.layers:
        logits, maps = activations.answers(faces, layer)
        np.testing.assert_allclose(logits, activations.model.logits(faces), atol=1e-5)
        assert (len(faces), layer.channels, layer.height, layer.width) == maps.shape
        assert maps.dtype == np.float32


@pytest.mark.parametrize("count", [0, 1, 3, BATCHES[-1] + 1])
def test_any_number_of_faces_is_read_as_each_alone(activations, count):
    faces = np.random.default_rng(6).integers(0, 256, (count, *PICTURE)).astype(np.uint8)
    layer = named(activations, "Conv 2 · ReLU")
    maps = activations.read(crops_of(faces), layer)
    assert maps.shape == (count, 6, 12, 12)
    for place in range(0, count, 5):
        np.testing.assert_allclose(
            maps[place], activations.read(crops_of(faces[place : place + 1]), layer)[0], atol=1e-5
        )


def test_sessions_are_reused_and_few_are_kept(activations, faces):
    layers = activations.layers[: KEPT + 2]
    for layer in layers:
        activations.answers(faces, layer)
    newest = activations._session(layers[-1])
    assert newest is activations._session(layers[-1])
    assert [layer.key for layer in layers[-KEPT:]] == list(activations._sessions)


def test_a_layer_that_is_not_there_is_refused_with_those_that_are(activations):
    with pytest.raises(UnknownName, match="layer with feature maps 'conv99'"):
        activations.layer("conv99")


def test_the_reference_is_what_the_pack_s_own_faces_reach_rounded_up(activations):
    layer = named(activations, "Sum 1")
    golden = activations.model.pack.golden_faces()
    largest = np.median(activations.answers(golden, layer)[1].max(axis=(1, 2, 3)))
    assert 0.999 * largest <= activations.reference(layer) <= 1.34 * largest
    assert float(f"{activations.reference(layer):.2g}") == activations.reference(layer)


def test_the_first_choice_still_tells_places_on_the_face(activations):
    assert activations.first_choice().name == "Sum 1"


def test_a_pack_in_half_precision_gives_its_layers_too(network, tmp_path, activations, faces):
    import torch

    from tests.core.explain.networks import to_onnx

    class Half(torch.nn.Module):
        def forward(self, face):
            x = ((face.float() - 120.0) / 64.0).half()
            for layer in halves:
                x = layer(x)
            return x.float()

    halves = copy.deepcopy(network).half().requires_grad_(False)
    model = to_onnx(Half(), PICTURE)
    half = Activations(Model(make_pack(tmp_path, model, PICTURE, CLASSES, "half"), provider="cpu", threads=1))
    layer = named(half, "Conv 3")
    maps = half.read(crops_of(faces), layer)
    np.testing.assert_allclose(maps, activations.read(crops_of(faces), named(activations, "Conv 3")), atol=0.05)
    np.testing.assert_allclose(half.answers(faces, layer)[0], half.model.logits(faces), atol=1e-2)


def observation(face_id):
    return FaceObservation(np.zeros((478, 3), np.float32), 1.0, face_id)


def test_a_probe_reads_its_face_and_nothing_where_it_is_gone_or_another_model_reads(activations, faces, colour_pack):
    layer = named(activations, "Sum 1")
    probe, seen = Probe(activations, layer, 2), [observation(1), observation(2)]
    features = probe.read(activations.model, seen, crops_of(faces[:2]))
    assert (features.face_id, features.pack, features.layer) == (2, f"other {colour_pack.manifest.version}", layer.key)
    np.testing.assert_allclose(features.maps, activations.read(crops_of(faces[1:2]), layer)[0], atol=1e-5)
    assert probe.read(activations.model, seen[:1], crops_of(faces[:1])) is None
    assert probe.read(Model(colour_pack, provider="cpu"), seen, crops_of(faces[:2])) is None


@pytest.fixture(scope="module")
def shipped():
    return Activations(Model(find_pack(DEFAULT_PACK), provider="cpu", threads=1))


def test_results_carry_the_layer_that_is_looked_into_and_only_then(shipped, astronaut):
    pipeline = Pipeline(shipped.model, Settings(method="off"))
    frame = Frame(astronaut[:300, 100:400], 0, 0.0, 0.0)
    assert pipeline.process(frame).features is None
    pipeline.probe = Probe(shipped, shipped.first_choice(), 1)
    result = pipeline.process(replace(frame, index=1, timestamp_s=0.03))
    assert isinstance(result.features, Features)
    np.testing.assert_array_equal(result.features.maps, shipped.read([result.faces[0].crop], shipped.first_choice())[0])
    assert result.stages_s["layer"] > 0
    pipeline.close()


def test_a_layer_that_cannot_be_read_ends_the_look_and_not_the_video(shipped, astronaut):
    pipeline = Pipeline(shipped.model, Settings(method="off"))
    gone = replace(shipped.first_choice(), key="gone")
    pipeline.probe = Probe(shipped, gone, 1)
    frame = Frame(astronaut[:300, 100:400], 0, 0.0, 0.0)
    result = pipeline.process(frame)
    assert isinstance(result.features, Exception)
    assert len(result.faces) == 1
    assert pipeline.process(replace(frame, index=1, timestamp_s=0.03)).features is None
    pipeline.close()


# ---- Strongest channels ----


def test_strength_is_the_highest_place_or_the_mean():
    maps = np.array([[[0, 4], [0, 0]], [[-1, -3], [-2, -2]]], np.float32)
    assert strengths(maps, "maximum").tolist() == [4, -1]
    assert strengths(maps, "mean").tolist() == [1, -2]


def test_the_strongest_channel_comes_first_and_equal_ones_stay_in_their_order():
    assert Ranking().update(np.array([1, 3, 2, 3, 0], np.float32), 0.0) == (1, 3, 2, 0, 4)


def test_an_order_stands_while_strengths_flicker_within_the_margin():
    ranking, random = Ranking(), np.random.default_rng(0)
    base = np.linspace(1, 2, 12)
    first = ranking.update(base.astype(np.float32), 0.0)
    for frame in range(1, 200):
        noisy = base + random.uniform(-0.9, 0.9, 12) * MARGIN * base.max()
        assert first == ranking.update(noisy.astype(np.float32), frame / 30)


def test_a_lasting_change_is_followed_but_not_at_once():
    ranking = Ranking()
    assert ranking.update(np.array([2, 1], np.float32), 0.0) == (0, 1)
    orders = [ranking.update(np.array([2, 4], np.float32), frame / 30) for frame in range(1, 90)]
    changed = next(place for place, order in enumerate(orders) if order == (1, 0))
    assert STANDING_S - 0.1 <= changed / 30 <= STANDING_S + 0.1
    assert {(1, 0)} == set(orders[changed:])


@pytest.mark.parametrize("time_s", [-3.0, 60.0])
def test_after_a_seek_the_order_is_new_at_once(time_s):
    ranking = Ranking()
    ranking.update(np.array([2, 1], np.float32), 0.0)
    assert ranking.update(np.array([1, 2], np.float32), time_s) == (1, 0)
