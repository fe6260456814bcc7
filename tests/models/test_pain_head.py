"""A head that reads pain for a finished pack: what it is taught, and what it leaves as it was."""

import shutil

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lab needs torch")

from app.packs import check_golden
from core.action_units import UNITS
from core.action_units.estimate import PLACES
from core.geometry import Alignment
from core.manifests import PSPI_PARTS
from core.model import Model
from core.neurons.atlas import NeuronAtlas
from core.packs import DEFAULT_PACK, find_pack
from models.data.pain_parts import gathered, parts_of
from models.data.pain_shown import shown
from models.export.pain_head import SECTION, Head, add_head, estimates, pooled_features
from models.train.pain_head import fit


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(find_pack(DEFAULT_PACK).folder, tmp_path / "pack")
    return tmp_path / "pack"


def head(seed, section="Made for a test."):
    features = pooled_features(find_pack(DEFAULT_PACK).model_path, find_pack(DEFAULT_PACK).golden()[0]).shape[1]
    weights = np.random.default_rng(seed).normal(0.1, 0.3, (len(PSPI_PARTS), features)).astype(np.float32)
    return Head(weights, f"seed {seed}", section)


def test_parts_are_those_of_pspi():
    units = np.zeros((1, len(UNITS)), np.float32)
    for au, value in {4: 1.0, 6: 2.0, 7: 3.0, 9: 4.0, 10: 0.5, 43: 5.0, 12: 5.0}.items():
        units[0, PLACES[au]] = value
    assert parts_of(units).tolist() == [[1.0, 3.0, 4.0, 5.0]]


def test_least_squares_finds_what_made_the_targets_whatever_the_groups_sizes():
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1, (4, 6))
    groups = [(x := np.abs(rng.normal(0, 1, (n, 6))), x @ truth.T, share) for n, share in ((4000, 0.9), (500, 0.1))]
    np.testing.assert_allclose(fit(groups), truth, atol=0.02)


def test_a_feature_that_never_speaks_gets_no_weight():
    x = np.abs(np.random.default_rng(0).normal(0, 1, (50, 3)))
    x[:, 1] = 0
    assert fit([(x, x[:, :1], 1.0)])[:, 1].tolist() == [0.0]


def test_the_head_is_added_and_everything_else_stays(folder):
    before = find_pack(DEFAULT_PACK)
    faces, logits = before.golden()
    made = head(1)
    pack = add_head(folder, made)
    model = Model(pack, provider="cpu", threads=1)
    np.testing.assert_array_equal(pack.golden()[1], logits)
    np.testing.assert_array_equal(model.logits(faces), Model(before, provider="cpu", threads=1).logits(faces))
    expected = estimates(pooled_features(before.model_path, faces), made.weights)
    np.testing.assert_allclose(model.units(faces), expected, atol=1e-4)
    assert check_golden(pack) <= 1e-3
    assert pack.manifest.units.learnt_from == "seed 1"


def test_the_atlas_of_the_same_trunk_stays(folder):
    before = NeuronAtlas.find(find_pack(DEFAULT_PACK), None)
    if before is None:
        pytest.skip("the default pack has no atlas of its filters")
    after = NeuronAtlas.find(add_head(folder, head(1)), None)
    assert list(after.layers) == list(before.layers)


def test_a_second_head_takes_the_place_of_the_first(folder):
    add_head(folder, head(1, "The first."))
    once = (folder / "model.onnx").stat().st_size
    pack = add_head(folder, head(2, "The second."))
    assert abs((folder / "model.onnx").stat().st_size - once) < 64
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert (card.count(SECTION), "The first." in card, "The second." in card) == (1, False, True)
    assert card.index("The second.") < card.index("## For whom it is not")
    assert pack.manifest.units.learnt_from == "seed 2"


def test_data_that_are_missing_are_named(tmp_path):
    place = Alignment(48, (0.3, 0.4), (0.7, 0.4), (0.5, 0.8))
    with pytest.raises(FileNotFoundError, match=r"pairs .* and clips .* are expected"):
        shown(tmp_path, tmp_path, place)
    with pytest.raises(FileNotFoundError, match="ferplus_train"):
        gathered(tmp_path, tmp_path, place)
