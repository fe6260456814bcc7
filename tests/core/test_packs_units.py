"""Packs with a second head, of intensities: what their manifest must say, and what the model gives."""

import json

import numpy as np
import pytest

from app.packs import check_golden, summary
from core.errors import PackInvalid, PackUnsuited
from core.manifests import PSPI_PARTS
from core.model import Model
from core.packs import read_pack, sha256
from tests.packs_made import make_pack_with_units

ALL = np.ones(len(PSPI_PARTS), np.float32)


@pytest.fixture
def pack(tmp_path):
    return make_pack_with_units(tmp_path)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model(make_pack_with_units(tmp_path_factory.mktemp("packs")), provider="cpu", threads=1)


def change(pack, edit):
    path = pack.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    edit(manifest)
    path.write_text(json.dumps(manifest))


def test_a_pack_with_the_head_says_what_it_gives_and_what_it_learnt_from(pack):
    assert tuple(pack.manifest.units.labels) == PSPI_PARTS
    assert summary(pack)["pain by network learnt from"] == "nothing: random weights"
    assert check_golden(pack) <= 1e-3


def test_a_pack_without_the_head_is_as_it_was(colour_pack):
    assert (colour_pack.manifest.units, colour_pack.golden_units) == (None, None)
    assert "pain by network" not in summary(colour_pack)
    model = Model(colour_pack, provider="cpu", threads=1)
    assert not model.has_units
    with pytest.raises(PackUnsuited, match="no head for the parts of the pain score"):
        model.units(colour_pack.golden()[0])


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda manifest: manifest["heads"][1].update(labels=["AU4"]), "has the parts of PSPI"),
        (lambda manifest: manifest["heads"][1].update(learnt_from=""), "learnt_from"),
        (lambda manifest: manifest["heads"][1].pop("learnt_from"), "learnt_from"),
        (lambda manifest: manifest["heads"][1].update(highest=10), "highest"),
        (lambda manifest: manifest["heads"][1].update(kind="regression"), "regression"),
        (lambda manifest: manifest["heads"].reverse(), "one of kind expression, and perhaps one of kind intensity"),
        (lambda manifest: manifest["heads"].pop(0), "one of kind expression"),
        (lambda manifest: manifest["heads"].append(manifest["heads"][1]), "at most 2"),
    ],
)
def test_a_head_with_a_fault_is_refused_with_the_field_in_the_message(pack, edit, said):
    change(pack, edit)
    with pytest.raises(PackInvalid, match=said):
        read_pack(pack.folder)


def rewrite_golden(pack, **arrays):
    with np.load(pack.folder / "golden.npz", allow_pickle=False) as file:
        kept = {name: values for name, values in {**dict(file), **arrays}.items() if values is not None}
    np.savez(pack.folder / "golden.npz", **kept)
    change(pack, lambda manifest: manifest["sha256"].update({"golden.npz": sha256(pack.folder / "golden.npz")}))
    return read_pack(pack.folder)


def test_golden_intensities_that_are_missed_are_told(pack):
    other = rewrite_golden(pack, units=pack.golden_units + 0.1)
    with pytest.raises(PackInvalid, match=r"an intensity is off by 0\.1"):
        check_golden(other)


def test_golden_intensities_that_are_missing_are_told(pack):
    with pytest.raises(PackInvalid, match=r"needs units \[\d+, 4\], got none"):
        check_golden(rewrite_golden(pack, units=None))


def test_intensities_stay_on_their_scale_and_come_without_a_logit(model):
    faces, _ = model.pack.golden()
    units = model.units(faces)
    assert units.shape == (len(faces), 4)
    assert units.min() >= 0
    assert units.max() <= 5
    np.testing.assert_allclose(units, model.pack.golden_units, atol=1e-4)
    assert [each.name for each in model._units_runs.session.get_outputs()] == ["logits", "seed_used"]
    assert model._units_runs.classes == len(PSPI_PARTS)


def test_the_second_head_leaves_the_classes_bit_for_bit(model):
    from core.packs import DEFAULT_PACK, find_pack

    faces, _ = model.pack.golden()
    alone = Model(find_pack(DEFAULT_PACK), provider="cpu", threads=1)
    np.testing.assert_array_equal(model.logits(faces), alone.logits(faces))


@pytest.mark.parametrize("seed", [ALL, *np.eye(len(PSPI_PARTS), dtype=np.float32)])
def test_relevance_at_the_intensities_sums_to_them_with_what_biases_took(model, seed):
    faces = model.pack.golden_faces()
    found = model.explainer("lrp", at="units", audit=True).explain(faces, np.stack([seed] * len(faces)))
    held = found.relevance.sum(axis=(1, 2), dtype=np.float64) + found.absorbed
    np.testing.assert_allclose(held, found.scores, atol=1e-3 * max(1.0, np.abs(found.scores).max()))
    np.testing.assert_allclose(found.logits, model.units(faces), atol=1e-4)
