"""The network keeps its promises, training resumes, and a trained network becomes a pack that runs alike."""

import os
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs torch")

from core.explain import Explainer  # noqa: E402
from core.geometry import Alignment  # noqa: E402
from core.model import Model  # noqa: E402
from core.packs import read_pack  # noqa: E402
from core.regions import REGIONS  # noqa: E402
from models.data.fer2013 import Fer2013  # noqa: E402
from models.data.ferplus import CLASSES, FerPlus  # noqa: E402
from models.export.onnx import export_onnx  # noqa: E402
from models.export.pack import write_pack  # noqa: E402
from models.networks.gimefive import PARAMETERS, GiMeFive  # noqa: E402
from models.networks.mien import Mien, MienConfig, multiply_adds  # noqa: E402
from models.networks.relevance import Explained  # noqa: E402
from models.train import mien as training  # noqa: E402
from models.train import six, teachers  # noqa: E402
from models.train.augment import augment, blur_outside  # noqa: E402

SMALL = MienConfig(widths=(4, 6, 8, 8))
CONFIGS = {"gated": SMALL, "plain": replace(SMALL, gated=False)}
ALIGNMENT = Alignment(48, (0.325, 0.3825), (0.675, 0.3825), (0.5, 0.764))


def test_the_default_network_stays_within_its_budget():
    network = Mien(MienConfig())
    assert sum(parameter.numel() for parameter in network.parameters()) <= 3_000_000
    assert multiply_adds(network, 48) <= 60_000_000
    with torch.no_grad():
        assert min(network.blocks(torch.zeros(1, 32, 24, 24)).shape[2:]) >= 6


def test_gimefive_has_the_published_number_of_parameters_and_looks_at_maps_of_4_by_4():
    network = GiMeFive()
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS
    with torch.no_grad():
        assert network.eval().features[:-2](torch.zeros(1, 3, 64, 64)).shape == (1, 1024, 4, 4)


def test_every_sum_joins_parts_that_are_not_negative():
    network = Mien(SMALL).eval()
    seen = []
    for block in network.blocks:
        block.main.register_forward_hook(lambda *call: seen.append(call[2].min().item()))
        block.shortcut.register_forward_hook(lambda *call: seen.append(call[2].min().item()))
    with torch.no_grad():
        network(torch.randint(0, 256, (2, 1, 48, 48)))
    assert len(seen) == 8
    assert min(seen) >= 0


def test_augmentation_keeps_shape_and_range_and_repeats_with_its_seed():
    faces = torch.rand(16, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 255
    none = torch.zeros(16, 48, 48, dtype=torch.long)
    one, other = (augment(faces, none, torch.Generator().manual_seed(3))[0] for _ in range(2))
    assert one.shape == faces.shape
    assert one.min() >= 0
    assert one.max() <= 255
    assert torch.equal(one, other)
    assert not torch.equal(one, faces)


def test_regions_move_with_the_faces_they_belong_to():
    generator = torch.Generator().manual_seed(0)
    faces = torch.zeros(8, 1, 48, 48)
    faces[:, :, 12:30, 8:20] = 255
    views, regions = augment(faces, (faces[:, 0] > 0).long(), generator)
    assert regions.shape == (8, 48, 48)
    for view, region in zip(views[:, 0], regions, strict=True):
        assert view[region == 1].mean() - view[region == 0].mean() > 10


def test_only_what_is_kept_stays_sharp():
    faces = torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 255
    kept = torch.zeros(2, 48, 48, dtype=torch.bool)
    kept[:, 10:30, 10:30] = True
    blurred = blur_outside(faces, kept)
    torch.testing.assert_close(blurred[:, :, 11:29, 11:29], faces[:, :, 11:29, 11:29])
    assert blurred[:, :, 34:, :].std() < 0.2 * faces[:, :, 34:, :].std()


@pytest.fixture
def faces():
    """Forty pictures with votes for two classes that differ in brightness."""
    generator = np.random.default_rng(0)
    bright = np.arange(40) % 2
    images = (generator.normal(60 + 120 * bright[:, None, None], 20, (40, 48, 48))).clip(0, 255).astype(np.uint8)
    votes = np.zeros((40, 10), np.uint8)
    votes[np.arange(40), bright] = 10
    return training.Faces(FerPlus(images, votes, np.full((40, 478, 3), np.nan, np.float32)))


RECIPE = training.Recipe(epochs=3, batch=16, sizes=((0.0, 32), (0.5, 48)), guided_from=0.6)


def run_of(folder):
    return training.fresh_run(folder, SMALL, RECIPE, steps_per_epoch=2, seed=1)


def weights_of(run):
    return torch.cat([parameter.flatten() for parameter in run.average.parameters()]).detach()


def test_training_that_was_stopped_goes_on_to_the_same_weights(tmp_path, faces, monkeypatch, capsys):
    straight = run_of(tmp_path / "straight")
    training.train(straight, RECIPE, faces, faces, steps_per_epoch=2)

    class StoppedError(Exception):
        pass

    stopped = run_of(tmp_path / "stopped")
    log = stopped.log

    def log_and_stop(row):
        log(row)
        raise StoppedError

    monkeypatch.setattr(stopped, "log", log_and_stop)
    with pytest.raises(StoppedError):
        training.train(stopped, RECIPE, faces, faces, steps_per_epoch=2)
    again = run_of(tmp_path / "stopped")
    training.train(again, RECIPE, faces, faces, steps_per_epoch=2)
    assert again.epoch == 3
    assert "going on after epoch 1" in capsys.readouterr().out
    torch.testing.assert_close(weights_of(again), weights_of(straight), rtol=1e-3, atol=1e-4)


def test_teachers_say_over_crops_and_mirror_images_what_is_learnt_beside_the_votes(tmp_path, faces, monkeypatch):
    monkeypatch.setattr(training, "MienConfig", partial(MienConfig, widths=SMALL.widths))
    gated, plain = (training.fresh_run(tmp_path / name, config, RECIPE, 2, seed=1) for name, config in CONFIGS.items())
    votes = faces.distribution.clone()
    for run in (gated, plain):
        settled(run.average)
        run.save()
    faces.teach([teachers.seen_by(run.folder, faces) for run in (gated, plain)], 0.25)
    views = [faces.aligned, faces.raw, faces.aligned.flip(-1), faces.raw.flip(-1)]
    with torch.no_grad():
        seen = torch.stack([run.average.eval()(view).softmax(1) for run in (gated, plain) for view in views])
    assert not torch.allclose(seen[0], seen[2])  # or the test could not tell one view from four
    assert not torch.allclose(seen[0], seen[4])
    torch.testing.assert_close(faces.distribution, 0.75 * votes + 0.25 * seen.mean(0))


def test_what_a_teacher_saw_is_kept_until_its_weights_are_newer(tmp_path, faces, monkeypatch):
    monkeypatch.setattr(training, "MienConfig", partial(MienConfig, widths=SMALL.widths))
    run = run_of(tmp_path)
    run.save()
    first = teachers.seen_by(run.folder, faces)
    with monkeypatch.context() as without:
        without.delattr(teachers, "predict")
        torch.testing.assert_close(teachers.seen_by(run.folder, faces), first)
    settled(run.average)
    run.save()
    os.utime(run.checkpoint, (time.time() + 10, time.time() + 10))
    assert not torch.allclose(teachers.seen_by(run.folder, faces), first)


def settled(network):
    """A network whose batch norm has seen something."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2)
            layer.running_var.uniform_(0.5, 1.5)
            layer.bias.data.uniform_(-0.2, 0.3)
    return network.eval()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's exporter, of itself
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("contrast", [0.0, 1.0])
def test_the_relevance_that_training_sees_is_the_compilers(tmp_path, contrast):
    network = settled(Mien(SMALL))
    export_onnx(network, tmp_path / "model.onnx", 48)
    faces = np.random.default_rng(0).integers(0, 256, (4, 1, 48, 48), dtype=np.uint8)
    compiled = Explainer(tmp_path / "model.onnx", "lrp").explain(faces, contrast=np.full(4, contrast, np.float32))
    target = torch.from_numpy(compiled.logits.argmax(axis=1))
    _, _, relevance = Explained(network)(torch.from_numpy(faces), target, torch.full((4,), contrast))
    # The stem's rule is flat: each of its values is spread evenly over the pixels that it sees.
    seen = torch.ones(1, 1, 3, 3)
    pixels = torch.nn.functional.conv2d(torch.ones(1, 1, 48, 48), seen, stride=2, padding=1)
    spread = torch.nn.functional.conv_transpose2d(relevance[:, None] / pixels, seen, None, 2, 1, output_padding=1)[:, 0]
    largest = np.abs(compiled.relevance).max()
    np.testing.assert_allclose(spread.detach().numpy(), compiled.relevance, atol=1e-3 * largest)


def test_what_lies_beyond_the_gate_changes_nothing():
    network = settled(Mien(SMALL))
    face = torch.rand(1, 1, 48, 48) * 255
    with torch.no_grad():
        network.gate.logit.weight.zero_()
        network.gate.logit.bias.fill_(-200)
        closed = network(face)
        assert torch.equal(network(torch.zeros(1, 1, 48, 48)), closed)
        network.gate.logit.bias.fill_(200)
        assert not torch.equal(network(face), closed)


def test_the_penalty_falls_when_relevance_moves_onto_the_action_units_of_the_face():
    outside, nose, lips, cheek = (REGIONS.index(name) for name in ("outside", "nose", "upper_lip", "left_cheek"))
    regions = torch.full((2, 24, 24), nose)
    regions[:, :4], regions[:, 14:18], regions[:, 8:12, 4:8] = outside, lips, cheek
    regions[1] = training.UNSEEN
    happiness = torch.tensor([CLASSES.index("happiness")] * 2)
    batch = training.Batch(None, None, happiness, regions)
    penalties = []
    for chosen in ([outside], [nose], [lips], [lips, cheek]):
        relevance = torch.full((2, 24, 24), -1.0)
        for region in chosen:
            relevance[regions == region] = 1.0 / (regions == region).sum()
        relevance[1, :4] = 1.0  # nobody knows where the other face is: it counts for nothing
        penalties.append(training.relevance_loss(relevance, batch, RECIPE).item())
    assert penalties == sorted(penalties, reverse=True)
    assert len(set(penalties)) == 4
    assert penalties[-1] == pytest.approx(0, abs=1e-5)


def test_the_six_classes_are_learnt_and_the_best_epoch_is_kept(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.arange(32) % 6
    images = np.repeat(np.repeat((labels * 45)[:, None, None], 48, 1), 48, 2) + generator.integers(0, 9, (32, 48, 48))
    split = Fer2013(images.astype(np.uint8), labels.astype(np.int64), np.arange(32), 0)
    recipe = six.SixRecipe(epochs=2, batch=16, small_epochs=1)

    def small():
        return GiMeFive(widths=(4, 4, 8, 8, 8), dense=(8, 8))

    run = six.fresh_run(tmp_path, small, recipe, 2, 1)
    six.train(run, recipe, split, split)
    again = six.fresh_run(tmp_path, small, recipe, 2, 1)
    six.train(again, recipe, split, split)
    assert again.epoch == 2
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    assert set(best) == set(run.network.state_dict())
    assert six.predict(again.average, split.images, recipe.side).shape == (32, 6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's exporter, of itself
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_network_becomes_a_pack_that_gives_the_same_logits(tmp_path):
    network = settled(Mien(SMALL))
    facts = {
        "id": "small",
        "version": "0.1",
        "title": "For a test",
        "licence": "Apache-2.0",
        "heads": [{"name": "expression", "kind": "expression", "labels": list("abcdefgh"), "temperature": 1.0}],
        "operating_point": {"rule": "argmax"},
        "training": {"data": "none", "images": 0, "note": "random weights"},
        "measured": [],
    }
    write_pack(tmp_path / "small", network, ALIGNMENT, facts, "# small\n")
    pack = read_pack(tmp_path / "small")
    generator = np.random.default_rng(1)
    faces = generator.integers(0, 256, (5, 1, 48, 48), dtype=np.uint8)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(faces)).numpy()
    np.testing.assert_allclose(Model(pack, provider="cpu").logits(faces), expected, atol=1e-4)
