"""The landmark network from the command line: beside a pack, never in its place."""

import csv
import json
import shutil

import pytest

from app.cli import main
from core.packs import read_any_pack
from core.snapshot import save_image
from tests.landmark_packs_made import LABELS, make_landmark_pack


@pytest.fixture
def places(tmp_path, monkeypatch, astronaut):
    """A picture, and a landmark pack that was imported."""
    monkeypatch.setattr("app.paths.data_folder", lambda: tmp_path / "data")
    (tmp_path / "data" / "packs").mkdir(parents=True)
    make_landmark_pack(tmp_path / "data" / "packs", "mesh-reader")
    picture = tmp_path / "face.png"
    save_image(astronaut[:300, 100:400], picture)
    for label in ("happiness", "sadness"):
        (tmp_path / "corpus" / label).mkdir(parents=True)
        shutil.copy(picture, tmp_path / "corpus" / label)
    return picture


def run(*arguments):
    return main([str(each) for each in arguments], lambda source, pack: 0)


def test_analyze_writes_the_networks_columns_and_names_its_pack(places, tmp_path):
    out = tmp_path / "out"
    assert run("analyze", places, "--out", out, "--landmark-pack", "mesh-reader", "--method", "off") == 0
    with (out / "face.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert set(LABELS) == {name.removeprefix("lm_p_") for name in row if name.startswith("lm_p_")}
    assert row["lm_target"] in LABELS
    assert sum(float(row[name]) for name in row if name.startswith("lm_r_")) == pytest.approx(1, abs=1e-4)
    sidecar = json.loads((out / "face.json").read_text(encoding="utf-8"))
    assert sidecar["landmarks"]["id"] == "mesh-reader"
    assert sidecar["pack"]["id"] == "mien-s"


def test_explain_tells_what_the_network_reads(places, tmp_path):
    out = tmp_path / "face.json"
    assert run("explain", places, "--out", out, "--method", "gradcam", "--landmark-pack", "mesh-reader") == 0
    (face,) = json.loads(out.read_text(encoding="utf-8"))["faces"]
    version = read_any_pack(tmp_path / "data" / "packs" / "mesh-reader").manifest.version
    assert face["by_landmarks"]["pack"] == f"mesh-reader {version}"
    assert set(face["by_landmarks"]["probabilities"]) == set(LABELS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain", "{picture}", "--out", "{out}.png", "--pack", "mesh-reader"], "reads landmarks and sees no pixels"),
        (["analyze", "{picture}", "--out", "{out}", "--pack", "mesh-reader"], "reads landmarks and sees no pixels"),
        (["verify", "--data", "{corpus}", "--out", "{out}", "--pack", "mesh-reader"], "reads landmarks and sees no"),
        (["explain", "{picture}", "--out", "{out}.png", "--landmark-pack", "mien-s"], "reads pictures of faces"),
        (["explain", "{picture}", "--out", "{out}.png", "--landmark-pack", "nobody"], "no model pack 'nobody'"),
        (["explain", "{picture}", "--out", "{out}.png", "--method", "all", "--points"], "leave out --points"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(places, tmp_path, capsys, arguments, said):
    filled = [each.format(picture=places, corpus=tmp_path / "corpus", out=tmp_path / "out") for each in arguments]
    assert run(*filled) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_packs_list_show_and_check_understand_landmark_packs(places, capsys):
    assert run("packs", "list") == 0
    assert "mesh-reader" in (listed := capsys.readouterr().out)
    assert "(landmarks)" in listed
    assert run("packs", "show", "mesh-reader", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["input"] == "one face mesh of 478 landmarks"
    assert facts["labels"] == ", ".join(LABELS)
    assert run("packs", "check", "mesh-reader", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["passed"] is True
