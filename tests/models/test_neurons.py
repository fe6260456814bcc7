"""The command that looks at neurons, end to end on a small network and made faces."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from core.action_units import UNITS as UNITS_ESTIMATED
from core.activations import Activations
from core.errors import CorpusInvalid, VerificationError
from core.model import Model
from core.neurons import NeuronAtlas
from core.neurons.following import UnitTable
from core.opencv import cv2
from core.packs import ATLAS, read_pack
from models.data.action_units import coded, estimated, read_table
from models.data.ck_plus import CLASSES, CkPlus
from models.data.ferplus import FerPlus
from models.verify.__main__ import main
from models.verify.neuron_files import write
from models.verify.neuron_sheet import in_order, sheets
from models.verify.neurons import (
    AlignedFaces,
    _atlas_of,
    atlas_of,
    gallery_of,
    gallery_of_ck_plus,
    measure_layer,
    ship,
    shuffled,
)
from tests.made import face_landmarks
from tests.packs_made import make_colour_pack

IMAGES = 90
UNITS = np.array([6, 12], np.int16)


@pytest.fixture(scope="module")
def split():
    """Noise with a bright bar at the mouth where AU 12 is shown; number 7 again as 80; no mesh in 5."""
    random = np.random.default_rng(0)
    images = random.integers(60, 160, (IMAGES, 48, 48), dtype=np.uint8)
    images[::2, 34:38, 12:36] = 255
    images[80] = images[7]
    landmarks = np.tile(face_landmarks((24.0, 24.0), 34.0), (IMAGES, 1, 1))
    landmarks[5] = np.nan
    return FerPlus(images, np.zeros((IMAGES, 10), np.uint8), landmarks)


@pytest.fixture(scope="module")
def table():
    shown = np.zeros((IMAGES, 2), bool)
    shown[::2, 1] = True
    shown[:, 0] = np.random.default_rng(1).random(IMAGES) < 0.4
    return UnitTable(UNITS, shown, "made for the test")


def labels_of(table):
    return lambda rows: replace(table, present=table.present[rows])


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return make_colour_pack(tmp_path_factory.mktemp("neurons"))


@pytest.fixture(scope="module")
def gallery(split, table, pack):
    return gallery_of(split, "valid", labels_of(table), pack)


@pytest.fixture(scope="module")
def found(tmp_path_factory, pack, gallery):
    activations = Activations(Model(pack, "cpu", threads=1))
    random = Activations(Model(shuffled(pack, tmp_path_factory.mktemp("random"), 1), "cpu", threads=1))
    ticked: dict[str, list[int]] = {}

    def ticks(name, total):
        ticked[name] = [total, 0]

        def tick(steps):
            ticked[name][1] += steps

        return tick

    measured = [
        measure_layer(activations, key, gallery, method="guided_backprop", permutations=200, random=random, ticks=ticks)
        for key in ("r1", "r2")
    ]
    assert {tuple(each) for each in ticked.values()} <= {(88, 88), (54, 54), (6, 6)}, "every bar reaches its end"
    return measured


def test_faces_without_a_mesh_and_repeated_ones_are_left_out(gallery):
    assert sorted(set(range(IMAGES)) - {5, 80}) == gallery.numbers.tolist()
    assert gallery.title.startswith("88 faces of FER+ valid")
    assert gallery.table.present.shape == (88, 2)


def test_a_limit_draws_the_same_faces_every_time(split, table, pack):
    one, other = (gallery_of(split, "valid", labels_of(table), pack, limit=30) for _ in range(2))
    assert one.numbers.tolist() == other.numbers.tolist()
    assert len(one.faces) <= 30


def test_faces_asked_for_are_the_crops_of_the_whole_split(split, pack):
    rows = np.array([3, 8, 50])
    faces = AlignedFaces(split, pack.alignment, "rgb", np.arange(IMAGES))[rows]
    np.testing.assert_array_equal(faces, np.repeat(split.crops(pack.alignment)[rows][:, None], 3, axis=1))


def test_files_are_written_and_say_the_same(tmp_path, pack, gallery, found, capsys):
    write(tmp_path, pack, gallery, "guided_backprop", found, None)
    names = {path.name for path in tmp_path.iterdir()}
    assert {ATLAS, "layers.csv", "r1.csv", "r1-1.png", "r2.csv", "r2-1.png"} == names
    atlas = NeuronAtlas.read(tmp_path / ATLAS)
    assert pack.model_sha256 == atlas.header.model_sha256
    assert atlas.label_source == "made for the test"
    with (tmp_path / "r2.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    layer = atlas.layers["r2"]
    assert [str(unit or "") for unit in layer.unit.tolist()] == [row["unit"] for row in rows]
    assert "12" in {row["unit"] for row in rows}
    for number, row in enumerate(rows):
        if row["unit_1"]:
            assert float(row["divergence_1"]) == pytest.approx(float(layer.divergence[number]), rel=1e-4)
            assert float(row["with_1"]) > float(row["without_1"])
        assert len(row["top_pictures"].split()) == 9
        assert "5" not in row["top_pictures"].split()
    said = capsys.readouterr().out
    assert "filters follow one of" in said
    assert "random weights" in said


def test_the_table_of_layers_sets_random_weights_beside_each(tmp_path, pack, gallery, found):
    write(tmp_path, pack, gallery, "guided_backprop", found, None)
    with (tmp_path / "layers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    networks = [(layer, network) for layer in ("r1", "r2") for network in ("as it is", "random weights")]
    assert networks == [(row["layer"], row["network"]) for row in rows]
    assert all(int(row["filters_named"]) <= int(row["filters"]) == 6 for row in rows)


def test_pictures_of_faces_are_written_only_where_asked_and_where_git_ignores_them(tmp_path, pack, gallery, found):
    write(tmp_path / "out", pack, gallery, "guided_backprop", found, tmp_path / "faces")
    assert (tmp_path / "faces" / ".gitignore").read_text() == "*\n"
    picture = cv2.imread(str(tmp_path / "faces" / "r2-faces-1.png"), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (6 * 42, 9 * 42)


def test_single_patterns_are_kept_only_of_small_parts_of_a_face(found):
    narrow, wide = found
    assert narrow.patterns.side_px == 3
    assert narrow.atlas.patterns.shape == (6, 4, 3, 3)
    side = replace(narrow.patterns, maps=np.zeros((6, 9, 30, 30), np.float32))
    assert _atlas_of(wide.maxima, side, wide.following, single=False).patterns.shape == (6, 1, 30, 30)


def test_sheets_show_named_filters_first_in_pictures_of_a_few(found, gallery, monkeypatch):
    layer = found[1].atlas
    units = [int(layer.unit[number]) or 99 for number in in_order(layer)]
    assert sorted(units) == units
    monkeypatch.setattr("models.verify.neuron_sheet.PER_SHEET", 4)
    drawn = list(sheets(found[1], gallery, "other"))
    assert len(drawn) == 2
    assert all(each.dtype == np.uint8 and each.ndim == 3 for each in drawn)


def test_an_atlas_that_is_shipped_is_found_with_its_pack(tmp_path, gallery, found):
    pack = make_colour_pack(tmp_path)
    ship(pack, atlas_of(pack, gallery, "guided_backprop", found))
    atlas = NeuronAtlas.find(read_pack(pack.folder), None)
    assert atlas is not None
    assert list(atlas.layers) == ["r1", "r2"]


def test_shuffled_weights_are_the_same_numbers_elsewhere(tmp_path, pack):
    changed = shuffled(pack, tmp_path, 1)
    faces = np.random.default_rng(2).integers(0, 256, (2, 3, 40, 40), dtype=np.uint8)
    own, other = (Model(each, "cpu").logits(faces) for each in (pack, changed))
    assert own.shape == other.shape
    assert np.abs(own - other).max() > 1e-3


def test_a_layer_that_the_random_network_lacks_is_told(pack, gallery, tmp_path):
    activations = Activations(Model(pack, "cpu", threads=1))

    class Without(Activations):
        @property
        def layers(self):
            return super().layers[-1:]

    random = Without(Model(shuffled(pack, tmp_path, 1), "cpu", threads=1))
    with pytest.raises(VerificationError, match="leave out the random network"):
        measure_layer(
            activations,
            "r1",
            gallery,
            method="deconvnet",
            permutations=5,
            random=random,
            ticks=lambda *_: lambda _: None,
        )


def test_a_table_of_action_units_is_read_and_one_of_other_images_refused(tmp_path, table):
    path = tmp_path / "table.npz"
    np.savez(path, units=UNITS, present=table.present, source=np.array("by hand"))
    found = read_table(path, IMAGES, np.array([3, 1]))
    assert found.source == "by hand"
    np.testing.assert_array_equal(found.present, table.present[[3, 1]])
    with pytest.raises(CorpusInvalid, match="each of 7 images"):
        read_table(path, 7, np.array([0]))
    (tmp_path / "other.npz").write_bytes(b"nothing")
    with pytest.raises(CorpusInvalid, match="not a table of action units"):
        read_table(tmp_path / "other.npz", 7, np.array([0]))


def test_estimates_are_tables_of_the_units_that_can_be_told_apart(split):
    found = estimated(split.landmarks[:3])
    assert {unit.au for unit in UNITS_ESTIMATED if unit.like is None} == set(found.units.tolist())
    assert found.present.shape == (3, len(found.units))
    assert "our own estimates" in found.source


def test_what_coders_saw_is_there_whatever_its_intensity():
    found = coded([{12: 4, 6: 0}, {}, {6: 2}], "coders")
    assert found.units.tolist() == [6, 12]
    assert found.present.tolist() == [[True, True], [False, False], [True, False]]


def test_of_ck_plus_those_pictures_count_that_coders_saw(pack):
    images = np.random.default_rng(4).integers(0, 256, (6, 40, 40), dtype=np.uint8)
    images[3] = images[2]
    seen = (None, {1: 2}, {12: 3}, {12: 3}, {}, None)
    ck_plus = CkPlus(images, np.zeros(6, np.int64), CLASSES, ("S1",) * 6, seen, ())
    found = gallery_of_ck_plus(ck_plus, pack)
    assert found.numbers.tolist() == [1, 2, 4]
    assert found.table.units.tolist() == [1, 12]
    assert found.faces[np.array([1])].shape == (1, 3, 40, 40)
    np.testing.assert_array_equal(found.faces[np.array([1])][0, 0], images[2])
    with pytest.raises(VerificationError, match="both a face and action units"):
        gallery_of_ck_plus(replace(ck_plus, units=(None,) * 6), pack)


def test_the_command_says_what_is_wrong_in_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["neurons", "--data", str(tmp_path), "--out", str(tmp_path), "--pack", "nobody"])
    assert "There is no model pack 'nobody'" in str(stopped.value)
    with pytest.raises(SystemExit):
        main(["neurons", "--out", str(tmp_path)])
    assert "one of the arguments --ck-plus --data is required" in capsys.readouterr().err
