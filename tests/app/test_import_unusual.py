"""Models from outside that are not plain: bound to a batch, ending in sigmoids, with several outputs, blue first."""

import json
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from app import packs
from core.explain import LIVE, METHODS
from core.geometry import Similarity
from core.model import Model, Target
from core.regions import Partition
from core.types import Crop
from tests.app.test_import import BATCH, LABELS, RGB, Picked, aligned, export, network, run


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    """Nothing is written to the real home."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


class Mixing(nn.Module):
    """A network that takes the mean of its batch away."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, face: Tensor) -> Tensor:
        return self.network(face - face.mean(0, keepdim=True) / 4)


class Branching(nn.Module):
    """A network with three outputs: one number, scores, and features."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, face: Tensor) -> tuple[Tensor, ...]:
        scores = self.network(face)
        return scores.sum(1, keepdim=True), scores, self.network[:-1](face)


def test_a_pack_bound_to_one_picture_explains_as_a_free_one_does(tmp_path, capsys):
    """By every method, one to three faces at once, as the window asks."""
    for name, net in (("bound", Picked(network())), ("free", network())):
        path = export(net, tmp_path / f"{name}.onnx", *RGB)
        assert run("packs", "import", path, "--labels", LABELS, "--mean", "0") == 0
    said = capsys.readouterr().out
    assert said.count("takes one picture at a time and its batch cannot be made free") == 1
    assert "takes one picture at a time" in (packs.find("bound").folder / "CARD.md").read_text(encoding="utf-8")
    bound, free = (Model(packs.find(name), provider="cpu") for name in ("bound", "free"))
    crops = [Crop(face.transpose(1, 2, 0), Similarity(1.0, 0.0, 0.0, 0.0)) for face in aligned(48)["rgb"][:3]]
    regions = [Partition(np.tile(np.arange(48) // 8, (48, 1)).astype(np.uint8))] * 3
    for method in METHODS:
        for count, target in ((1, Target()), (3, Target("chewing", "runner-up"))):
            found, wanted = (
                [each for _, each in model.explain(crops[:count], method, target, 0.0, regions[:count])]
                for model in (bound, free)
            )
            maps, expected = (np.stack([each.relevance for each in side]) for side in (found, wanted))
            np.testing.assert_allclose(maps, expected, atol=1e-4 * np.abs(expected).max(), err_msg=method)
            assert [each.title for each in found] == [each.title for each in wanted]
    assert run("packs", "check", "bound") == 0


@pytest.mark.parametrize("net", [Mixing, Picked])
def test_a_model_whose_faces_influence_each_other_is_refused(net, tmp_path, capsys):
    path = export(net(network()), tmp_path / "mixing.onnx", 2, *RGB[1:])
    assert run("packs", "import", path, "--labels", LABELS, "--mean", "0") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "faces of a batch influence each other" in said or "one row per picture" in said
    assert not packs.imported_folder().is_dir() or not list(packs.imported_folder().iterdir())


def test_what_stands_before_sigmoids_is_read_as_logits_and_that_is_said(tmp_path, capsys):
    path = export(network(head=nn.Sigmoid()), tmp_path / "many.onnx", *RGB, dynamic=BATCH)
    assert run("packs", "import", path, "--labels", LABELS, "--mean", "0") == 0
    assert "if exactly one of them applies" in capsys.readouterr().out
    pack = packs.find("many")
    card = (pack.folder / "CARD.md").read_text(encoding="utf-8")
    assert "if exactly one of them applies" in card
    assert "ends in sigmoids" in card
    faces, logits = pack.golden()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    own = np.concatenate([session.run(None, {"picture": face})[0] for face in faces[:, None].astype(np.float32) / 255])
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), own, atol=1e-5)
    only = np.stack([own[:, k] * np.prod(np.delete(1 - own, k, axis=1), axis=1) for k in range(4)], axis=1)
    only /= only.sum(axis=1, keepdims=True)  # that this class applies and no other, of all cases with exactly one
    np.testing.assert_allclose(Model(pack, provider="cpu").probabilities(faces), only, atol=1e-5)


def test_the_scaling_of_a_model_that_ends_in_sigmoids_is_guessed_as_of_its_logits(tmp_path, capsys):
    told = {}
    for name, head in (("plain", None), ("sigmoids", nn.Sigmoid())):
        path = export(network(head=head), tmp_path / f"{name}.onnx", *RGB, dynamic=BATCH)
        assert run("packs", "import", path, "--labels", LABELS, "--json") == 0
        told[name] = json.loads(capsys.readouterr().out)
    assert told["plain"]["scaling"] == told["sigmoids"]["scaling"]
    assert told["plain"]["tried"][1:3] == told["sigmoids"]["tried"][1:3]


def test_of_several_outputs_one_is_chosen_and_the_others_are_named(tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = ["sum", "scores", "features"]
        options = {"input_names": ["picture"], "output_names": names, "opset_version": 17, "dynamo": False}
        torch.onnx.export(Branching(network()), (torch.zeros(*RGB),), str(tmp_path / "three.onnx"), **options)
    command = ("packs", "import", tmp_path / "three.onnx", "--labels", LABELS, "--mean", "0")
    assert run(*command) == 2
    assert "'sum' has one score" in (said := " ".join(capsys.readouterr().err.split()))
    assert "--output chooses another: scores, features." in said
    assert run(*command, "--output", "features") == 2
    assert "'features' has 96 scores" in " ".join(capsys.readouterr().err.split())
    assert run(*command, "--output", "nothing") == 2
    assert "There is: sum, scores, features." in " ".join(capsys.readouterr().err.split())
    assert run(*command, "--output", "scores") == 0
    assert "read from its output 'scores'. It also has sum, features." in capsys.readouterr().out


@pytest.mark.parametrize("method", METHODS)
def test_a_model_of_blue_green_red_is_explained_as_its_twin_of_red_green_blue(bgr_and_rgb, method):
    bgr, rgb = bgr_and_rgb
    faces = aligned(48)["rgb"][:2]
    regions = np.tile(np.arange(48) // 8, (2, 48, 1)).astype(np.uint8)
    found, expected = (model.explainer(method).explain(faces, regions=regions, effort=LIVE) for model in (bgr, rgb))
    np.testing.assert_allclose(found.logits, expected.logits, atol=1e-5)
    size = np.abs(expected.relevance).max()
    np.testing.assert_allclose(found.relevance, expected.relevance, atol=1e-4 * size)


@pytest.fixture(scope="module")
def bgr_and_rgb(tmp_path_factory):
    """One network under both orders of its channels: weights, mean and deviation turned round with them."""
    folder, mean, std = tmp_path_factory.mktemp("twins"), (0.3, 0.4, 0.5), (0.2, 0.25, 0.3)
    twins = {"bgr": (network(), 1), "rgb": (network(), -1)}
    models = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        for colour, (net, step) in twins.items():
            with torch.no_grad():
                net[0].weight.copy_(net[0].weight.flip(1) if step < 0 else net[0].weight.clone())
            numbers = [",".join(map(str, values[::step])) for values in (mean, std)]
            path = export(net, folder / f"{colour}.onnx", *RGB, dynamic=BATCH)
            scaling = ("--colour", colour, "--mean", numbers[0], "--std", numbers[1])
            assert run("packs", "import", path, "--labels", LABELS, *scaling) == 0
            models.append(Model(packs.find(colour), provider="cpu"))
    return models
