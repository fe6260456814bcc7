"""The network keeps its promises, training resumes, and a trained network becomes a pack that runs alike."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs torch")

from core.geometry import Alignment  # noqa: E402
from core.model import Model  # noqa: E402
from core.packs import read_pack  # noqa: E402
from models.data.ferplus import FerPlus  # noqa: E402
from models.export.pack import write_pack  # noqa: E402
from models.networks.mien import Mien, MienConfig, multiply_adds  # noqa: E402
from models.train import __main__ as training  # noqa: E402
from models.train.augment import augment  # noqa: E402

SMALL = MienConfig(widths=(4, 6, 8, 8))
ALIGNMENT = Alignment(48, (0.325, 0.3825), (0.675, 0.3825), (0.5, 0.764))


def test_the_default_network_stays_within_its_budget():
    network = Mien(MienConfig())
    assert sum(parameter.numel() for parameter in network.parameters()) <= 3_000_000
    assert multiply_adds(network, 48) <= 60_000_000
    with torch.no_grad():
        assert min(network.features(torch.zeros(1, 1, 48, 48)).shape[2:]) >= 6


def test_every_sum_joins_parts_that_are_not_negative():
    network = Mien(SMALL).eval()
    seen = []
    for block in network.features[1:]:
        block.main.register_forward_hook(lambda *call: seen.append(call[2].min().item()))
        block.shortcut.register_forward_hook(lambda *call: seen.append(call[2].min().item()))
    with torch.no_grad():
        network(torch.randint(0, 256, (2, 1, 48, 48)))
    assert len(seen) == 8
    assert min(seen) >= 0


def test_augmentation_keeps_shape_and_range_and_repeats_with_its_seed():
    faces = torch.rand(16, 1, 48, 48, generator=torch.Generator().manual_seed(0)) * 255
    one, other = (augment(faces, torch.Generator().manual_seed(3)) for _ in range(2))
    assert one.shape == faces.shape
    assert one.min() >= 0
    assert one.max() <= 255
    assert torch.equal(one, other)
    assert not torch.equal(one, faces)


@pytest.fixture
def faces():
    """Forty pictures with votes for two classes that differ in brightness."""
    generator = np.random.default_rng(0)
    bright = np.arange(40) % 2
    images = (generator.normal(60 + 120 * bright[:, None, None], 20, (40, 48, 48))).clip(0, 255).astype(np.uint8)
    votes = np.zeros((40, 10), np.uint8)
    votes[np.arange(40), bright] = 10
    return training.Faces(FerPlus(images, votes, np.full((40, 478, 3), np.nan, np.float32)))


def run_of(folder, epochs):
    return training.Run(folder, SMALL, epochs, steps_per_epoch=2, seed=1)


def weights_of(run):
    return torch.cat([parameter.flatten() for parameter in run.average.parameters()]).detach()


def test_training_that_was_stopped_goes_on_to_the_same_weights(tmp_path, faces, monkeypatch, capsys):
    monkeypatch.setattr(training, "BATCH", 16)
    straight = run_of(tmp_path / "straight", 3)
    training.train(straight, faces, faces)

    class StoppedError(Exception):
        pass

    stopped = run_of(tmp_path / "stopped", 3)
    log = stopped.log

    def log_and_stop(row):
        log(row)
        raise StoppedError

    monkeypatch.setattr(stopped, "log", log_and_stop)
    with pytest.raises(StoppedError):
        training.train(stopped, faces, faces)
    again = run_of(tmp_path / "stopped", 3)
    training.train(again, faces, faces)
    assert again.epoch == 3
    assert "going on after epoch 1 of 3" in capsys.readouterr().out
    torch.testing.assert_close(weights_of(again), weights_of(straight), rtol=1e-3, atol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's exporter, of itself
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_network_becomes_a_pack_that_gives_the_same_logits(tmp_path):
    torch.manual_seed(0)
    network = Mien(SMALL)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2)
            layer.running_var.uniform_(0.5, 1.5)
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
