"""``--composite FILE``: explain and analyze by a table of rules of one's own, which stands in what they write."""

import csv
import hashlib
import json

import numpy as np
import pytest

from app import cli
from core.explain import read_method
from core.opencv import cv2
from core.pipeline import Settings

TABLE = """operator,depth,rule,options
# flat where the pixels come in
layers,first,flat,
Conv,0-0.5,gamma,gamma=0.25
Conv,anywhere,zplus,
layers,anywhere,epsilon,epsilon=1e-6
"""
HEAD = "operator,depth,rule,options\n"


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    """Nothing is written to the real home."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture
def still(astronaut, tmp_path):
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), astronaut[..., ::-1])
    return path


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def run(*arguments):
    def no_window(source, pack):
        raise AssertionError("a command must not open the window")

    return cli.main([str(argument) for argument in arguments], no_window)


def test_a_still_is_explained_by_one_s_own_rules(still, table, tmp_path):
    for name, options in (("mine", ["--composite", table]), ("usual", [])):
        assert run("explain", still, "--out", tmp_path / f"{name}.npz", *options) == 0
    assert run("explain", still, "--out", tmp_path / "mine.json", "--composite", table) == 0
    (face,) = json.loads((tmp_path / "mine.json").read_text(encoding="utf-8"))["faces"]
    explanation = face["explanation"]
    assert explanation["method"] == "own_" + hashlib.sha256(f"absorb\n{TABLE}".encode()).hexdigest()[:12]
    with np.load(tmp_path / "mine.npz") as mine, np.load(tmp_path / "usual.npz") as usual:
        assert np.corrcoef(mine["relevance_0"].ravel(), usual["relevance_0"].ravel())[0, 1] < 0.99
        lost = explanation["score"] - mine["relevance_0"].sum(dtype=float)
        assert abs(lost - explanation["absorbed"]) < 1e-4 * abs(explanation["score"])


def test_table_and_sidecar_say_by_which_rules_a_clip_was_explained(still, table, tmp_path):
    clip = tmp_path / "clip"
    clip.mkdir()
    for k in range(2):
        (clip / f"{k}.png").write_bytes(still.read_bytes())
    assert run("analyze", clip, "--out", tmp_path / "out", "--composite", table, "--overlay") == 0
    sidecar = json.loads((tmp_path / "out" / "clip.json").read_text(encoding="utf-8"))
    key = read_method(table).key
    with (tmp_path / "out" / "clip.csv").open(newline="", encoding="utf-8") as file:
        assert [row["method"] for row in csv.DictReader(file)] == [key, key]
    settings = sidecar["settings"]
    assert settings["method"] == key
    assert settings["composite"]["source"] == "mine.csv"
    second = settings["composite"]["rules"][1]
    assert second == {
        "operators": ["Conv"],
        "rule": "gamma",
        "places": ["first", "inner"],
        "options": {"gamma": 0.25},
        "depth": [0.0, 0.5],
    }
    assert len(settings["composite"]["rules"]) == len(read_method(table).composite)


@pytest.mark.parametrize("command", ["explain", "analyze"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "Line 1 of the table of rules: no rule follows"),
        ("a,b\n", "Line 1 of the table of rules: expected the columns operator,depth,rule,options"),
        (HEAD + "\nConv,anywhere,magic,\n", "Line 3 of the table of rules: there is no rule 'magic' for Conv"),
        (HEAD + "Conv,anywhere,epsilon,epsilon=0\n", "Line 2 of the table of rules: epsilon must be above 0"),
        (HEAD + "Conv,first,zplus,\n", "(Gemm) has no backward rule under Own composite"),
        (None, "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_with_line_and_reason(still, tmp_path, capsys, command, text, said):
    path = tmp_path / "bad.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    out = tmp_path / ("out.json" if command == "explain" else "out")
    assert run(command, still, "--out", out, "--composite", path) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert told.count("mienscope:") == 1
    assert not out.exists()


def test_rules_and_a_method_cannot_both_be_given(still, table, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        run("explain", still, "--out", tmp_path / "out.json", "--method", "gradcam", "--composite", table)
    assert ended.value.code == 2
    assert "not allowed with argument --method" in capsys.readouterr().err


def test_settings_are_written_as_they_are_where_the_method_has_a_name():
    assert Settings(method="gradcam").document()["method"] == "gradcam"
    assert "composite" not in Settings().document()
