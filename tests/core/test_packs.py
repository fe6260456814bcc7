"""A pack is used only if it is exactly what its manifest says."""

import json
import shutil

import numpy as np
import pytest

from core import packs
from core.errors import PackHashMismatch, PackInvalid, PackNotFound
from core.model import Model

SHIPPED = [folder.name for folder in packs.pack_folders() if isinstance(packs.read_any_pack(folder), packs.Pack)]


@pytest.fixture
def copy(tmp_path):
    """A copy of the default pack that may be spoilt."""
    folder = tmp_path / packs.DEFAULT_PACK
    shutil.copytree(packs.SHIPPED / packs.DEFAULT_PACK, folder)
    return folder


def change_manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_pack_is_whole_and_reproduces_its_golden_outputs(name):
    pack = packs.find_pack(name)
    inputs, logits = pack.golden()
    assert inputs.dtype == np.uint8
    np.testing.assert_allclose(Model(pack, provider="cpu").logits(inputs), logits, atol=1e-3)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_pack_stays_within_the_budget_for_its_size(name):
    # GiMeFive's 10 M parameters as published, in half precision; 3 M parameters in single.
    largest = 24_000_000 if name == "gimefive" else 13_000_000
    assert packs.find_pack(name).model_path.stat().st_size < largest


def test_a_changed_file_is_refused_by_name(copy):
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(PackHashMismatch, match=r"mien-s: model\.onnx is not the file"):
        packs.read_pack(copy)


def test_a_missing_file_is_named(copy):
    (copy / "CARD.md").unlink()
    with pytest.raises(PackInvalid, match=r"lacks its file CARD\.md"):
        packs.read_pack(copy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda manifest: manifest.pop("licence"), "licence"),
        (lambda manifest: manifest.update(surprise=1), "surprise"),
        (lambda manifest: manifest["input"].update(colour="cmyk"), r"input\.colour"),
        (lambda manifest: manifest["heads"][0].update(labels=["a", "a"]), "labels must differ"),
        (lambda manifest: manifest["heads"][0].update(temperature=0), "temperature"),
        (lambda manifest: manifest["sha256"].pop("CARD.md"), "must hash"),
        (lambda manifest: manifest["sha256"].update({"../elsewhere": "0" * 64}), "must hash"),
    ],
)
def test_a_manifest_with_a_fault_is_refused_with_the_field_in_the_message(copy, change, said):
    change_manifest(copy, change)
    with pytest.raises(PackInvalid, match=said):
        packs.read_pack(copy)


def test_a_manifest_that_is_no_json_is_refused(copy):
    (copy / "manifest.json").write_text("{")
    with pytest.raises(PackInvalid, match="not valid"):
        packs.read_pack(copy)


def test_an_unknown_pack_lists_what_there_is():
    with pytest.raises(PackNotFound, match="mien-s"):
        packs.find_pack("nobody")


def test_a_pack_is_found_by_its_path_and_in_the_imported_folder(copy, tmp_path):
    assert packs.find_pack(str(copy)).folder == copy
    other = tmp_path / "imported" / "other"
    shutil.copytree(copy, other)
    assert packs.find_pack("other", tmp_path / "imported").folder == other
