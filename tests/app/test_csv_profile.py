"""``analyze --csv-profile``: the table of another program, for a folder of pictures."""

import csv
import json

import numpy as np
import pytest

from app import cli
from core.opencv import cv2


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    """Nothing is written to the real home."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


def run(*arguments):
    return cli.main([str(argument) for argument in arguments], lambda source, pack: 99)


@pytest.fixture
def folder(astronaut, tmp_path):
    """A face, no face, and two faces of which the right one is larger."""
    folder = tmp_path / "faces"
    folder.mkdir()
    two = np.full((512, 800, 3), 255, np.uint8)
    two[:256, :256] = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    two[:, 288:] = astronaut
    for name, image in (("1.png", astronaut), ("2.png", np.full((200, 200, 3), 90, np.uint8)), ("10.png", two)):
        cv2.imwrite(str(folder / name), image[..., ::-1])
    return folder


def test_gimefives_table_of_a_folder(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("analyze", "--csv-profile", "gimefive", folder, "--out", out) == 0
    told = capsys.readouterr().out

    text = (out / "faces.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert text.splitlines()[0] == "filepath,happiness,surprise,sadness,anger,disgust,fear"
    assert [row["filepath"] for row in rows] == [str(folder / name) for name in ("1.png", "2.png", "10.png")]
    for row in (rows[0], rows[2]):
        shares = {name: float(row[name]) for name in row if name != "filepath"}
        assert sum(shares.values()) == pytest.approx(1, abs=5e-6)
        assert max(shares, key=shares.get) == "happiness"
    assert set(list(rows[1].values())[1:]) == {""}
    assert "without a face, whose cells are empty: 1" in told
    assert "several faces, of which the largest is in the table: 1" in told
    sidecar = json.loads((out / "faces.json").read_text(encoding="utf-8"))
    assert (sidecar["csv_profile"], sidecar["settings"]["method"]) == ("gimefive", "off")
    assert len(sidecar["notes"]) == 2


def test_a_picture_that_cannot_be_read_keeps_its_row_and_is_told(folder, tmp_path, capsys):
    (folder / "99.png").write_bytes(b"no picture")
    assert run("analyze", "--csv-profile", "gimefive", folder, "--out", tmp_path / "out") == 1
    assert "99.png is not a picture" in capsys.readouterr().err
    last = (tmp_path / "out" / "faces.csv").read_text(encoding="utf-8").splitlines()[-1]
    assert last == f"{folder / '99.png'},,,,,,"


def test_what_cannot_be_written_in_that_form_is_told(folder, colour_pack, tmp_path, capsys):
    arguments = ("analyze", "--csv-profile", "gimefive", "--out", tmp_path / "out")
    assert run(*arguments, folder, "--pack", colour_pack.folder) == 2
    assert run(*arguments, "demo") == 1
    assert run("analyze", "--csv-profile", "excel", folder, "--out", tmp_path / "out") == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "lacks anger, disgust, fear, happiness, sadness, surprise" in told
    assert "expected a folder of pictures, or a picture" in told
    assert "no CSV profile 'excel'. There is: gimefive" in told
