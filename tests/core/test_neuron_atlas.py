"""A neuron atlas is read back as it was written, and one that is not whole is refused in words."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from core import packs
from core.errors import AtlasInvalid, PackHashMismatch
from core.neurons.atlas import ARRAYS, Header, LayerAtlas, NeuronAtlas, file_name
from tests.atlas_made import make_atlas, make_layer


@pytest.fixture
def pack(tmp_path):
    folder = tmp_path / packs.DEFAULT_PACK
    shutil.copytree(packs.SHIPPED / packs.DEFAULT_PACK, folder)
    (folder / packs.ATLAS).unlink()  # its own: these tests bring theirs
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["sha256"][packs.ATLAS]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return packs.read_pack(folder)


def same(one: LayerAtlas, other: LayerAtlas) -> bool:
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name != "patterns") for name in ARRAYS
    )
    return arrays and (one.support_px, one.level) == (other.support_px, other.level)


def test_what_was_written_is_read_back(tmp_path, pack):
    written = make_atlas(pack)
    written.write(tmp_path / "folder" / "atlas.npz")
    found = NeuronAtlas.read(tmp_path / "folder" / "atlas.npz")
    assert written.header == found.header
    assert all(same(written.layers[key], found.layers[key]) for key in written.layers)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["atlas.npz"]


def test_a_filter_is_named_by_its_first_unit_only_where_that_is_significant(pack):
    (layer,) = make_atlas(pack).layers.values()
    expected = [
        unit if q <= layer.level else 0 for unit, q in zip(layer.units[:, 0], layer.q_values[:, 0], strict=True)
    ]
    assert expected == layer.unit.tolist()
    assert 0 in expected
    assert max(expected) > 0


def test_an_atlas_is_found_in_the_users_folder_by_its_model(tmp_path, pack):
    assert NeuronAtlas.find(pack, tmp_path / "atlases") is None
    assert NeuronAtlas.find(pack, None) is None
    make_atlas(pack).write(tmp_path / "atlases" / file_name(pack))
    found = NeuronAtlas.find(pack, tmp_path / "atlases")
    assert found is not None
    assert pack.model_sha256 == found.header.model_sha256


def with_atlas(pack, atlas):
    """The pack with an atlas that its manifest names."""
    atlas.write(pack.folder / packs.ATLAS)
    path = pack.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["sha256"][packs.ATLAS] = packs.sha256(pack.folder / packs.ATLAS)
    path.write_text(json.dumps(manifest))
    return packs.read_pack(pack.folder)


def test_an_atlas_that_a_pack_brings_along_comes_before_the_users(tmp_path, pack):
    make_atlas(pack, label_source="the user's").write(tmp_path / "atlases" / file_name(pack))
    found = NeuronAtlas.find(with_atlas(pack, make_atlas(pack, label_source="the pack's")), tmp_path / "atlases")
    assert found is not None
    assert found.label_source == "the pack's"


def test_an_atlas_in_a_pack_that_was_changed_is_refused_with_the_pack(pack):
    with_atlas(pack, make_atlas(pack))
    with (pack.folder / packs.ATLAS).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(PackHashMismatch, match=r"neurons\.npz is not the file"):
        packs.read_pack(pack.folder)


def test_an_atlas_of_another_model_is_refused(tmp_path, pack):
    make_atlas(pack, model_sha256="0" * 64).write(tmp_path / file_name(pack))
    with pytest.raises(AtlasInvalid, match="of another model than pack mien-s"):
        NeuronAtlas.find(pack, tmp_path)


def spoilt(path, change):
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    change(arrays)
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda arrays: arrays.pop("header"), "header of atlas.npz is not valid"),
        (lambda arrays: arrays.update(header=np.array("{}")), "header of atlas.npz is not valid: format"),
        (lambda arrays: arrays.pop("0/reach"), "lacks or adds arrays: 0/reach"),
        (lambda arrays: arrays.update({"1/reach": arrays["0/reach"]}), "lacks or adds arrays: 1/reach"),
        (lambda arrays: arrays.update({"0/patterns": arrays["0/patterns"][:, :, 1:]}), "`patterns` as uint8"),
        (lambda arrays: arrays.update({"0/alive": arrays["0/alive"][1:]}), r"`alive` as float32 \[5\]"),
        (lambda arrays: arrays.update({"0/reach": arrays["0/reach"] * np.float32(np.nan)}), "`reach` .* not finite"),
        (lambda arrays: arrays.update({"0/q_values": arrays["0/q_values"] + np.float32(2)}), "lies between 0 and 1"),
        (lambda arrays: arrays.update({"0/units": np.zeros_like(arrays["0/units"])}), "number where there is a unit"),
        (lambda arrays: arrays.update({"0/edges": -arrays["0/edges"]}), "must rise"),
        (lambda arrays: arrays.update({"0/reach": np.array([None] * 5)}), "is damaged, or not a neuron atlas"),
    ],
)
def test_a_file_with_a_fault_is_refused_with_the_fault_in_the_message(tmp_path, pack, change, said):
    path = tmp_path / "atlas.npz"
    make_atlas(pack).write(path)
    spoilt(path, change)
    with pytest.raises(AtlasInvalid, match=said):
        NeuronAtlas.read(path)


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "atlas.npz").write_bytes(b"something else")
    with pytest.raises(AtlasInvalid, match="damaged, or not a neuron atlas"):
        NeuronAtlas.read(tmp_path / "atlas.npz")


def test_what_would_unpack_to_too_much_is_not_unpacked(tmp_path, monkeypatch, pack):
    make_atlas(pack).write(tmp_path / "atlas.npz")
    monkeypatch.setattr("core.neurons.atlas.LARGEST", 1000)
    with pytest.raises(AtlasInvalid, match="at most 1000"):
        NeuronAtlas.read(tmp_path / "atlas.npz")


def test_layers_are_those_of_the_header(pack):
    atlas = make_atlas(pack)
    header = Header.model_validate(atlas.header.model_dump() | {"layers": [{"key": "another", "support_px": 3}]})
    with pytest.raises(AtlasInvalid, match="names the layers"):
        replace(atlas, header=header)


def test_a_histogram_without_bins_is_refused():
    with pytest.raises(AtlasInvalid, match="`edges`"):
        replace(make_layer(), edges=np.zeros((5, 0), np.float32))
