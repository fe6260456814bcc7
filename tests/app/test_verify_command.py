"""What a person gets from ``mienscope verify``, from pictures on a disk to the files."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from app import cli
from app.documents import html, pdf
from app.verify import command
from core.opencv import cv2
from core.sample import sample_faces

LABELS = ("happiness", "neutral", "surprise")


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path_factory):
    """Nothing is written to the real home; what is compiled once serves all tests."""
    home = tmp_path_factory.getbasetemp() / "home"
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home / name))


def run(*arguments):
    def no_window(source, pack):
        raise AssertionError("a command must not open the window")

    return cli.main([str(argument) for argument in arguments], no_window)


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def make_corpus(folder, broken=False):
    """Six sample faces in a folder per class, and a picture without a face; `broken` adds a file that is no picture."""
    for place, frame in enumerate(sample_faces().frames[:6]):
        save(folder / LABELS[place % 3] / f"{place}.png", frame.image)
    save(folder / "neutral" / "empty.png", np.full((200, 300, 3), 120, np.uint8))
    if broken:
        (folder / "surprise" / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("faces"))


@pytest.fixture
def unprinted(monkeypatch):
    """Reports are not rendered: that is tested elsewhere, and takes most of the time."""
    monkeypatch.setattr(html, "to_html", lambda document: document.title)
    monkeypatch.setattr(pdf, "to_pdf", lambda document: document.title.encode())


def verify(corpus, out, *more):
    return run("verify", "--data", corpus, "--out", out, "--quick", "--pictures", "whole", *more)


def test_pictures_in_folders_become_report_table_and_figures(corpus, tmp_path, capsys):
    assert verify(corpus, tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "7 pictures (6 examined, 1 no face)" in said
    assert {file.name for file in (tmp_path / "out").iterdir() if file.is_file()} == set(command.FILES)
    assert all(str(tmp_path / "out" / name) in said for name in command.FILES)
    table = pq.read_table(tmp_path / "out" / "regions.parquet")
    assert table.num_rows == 6 * 15 + 1
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Verification of mien-s" in page
    assert "Mienscope is not a medical device" in page
    assert f"--data {corpus} --pictures whole --quick --out" in page
    assert (tmp_path / "out" / "report.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.usefixtures("unprinted")
def test_pictures_that_fail_are_named_and_change_the_exit_status(tmp_path, capsys):
    assert verify(make_corpus(tmp_path / "faces", broken=True), tmp_path / "out") == 1
    assert "surprise/broken.png" in capsys.readouterr().err
    counts = json.loads((tmp_path / "out" / "findings.json").read_text(encoding="utf-8"))["counts"]
    assert counts["states"]["unreadable"] == 1


@pytest.mark.usefixtures("unprinted")
def test_what_is_stopped_goes_on_where_it_was(corpus, tmp_path, capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(command, "verify", stop)
        assert verify(corpus, tmp_path / "out") == command.STOPPED
    said = capsys.readouterr().err
    assert f"kept in {tmp_path / 'out'}" in said
    assert "the same command goes on" in said
    assert verify(corpus, tmp_path / "out") == 0
    kept = (tmp_path / "out" / "measurements" / "images" / "000000.npz").stat().st_mtime_ns
    assert verify(corpus, tmp_path / "out") == 0
    assert (tmp_path / "out" / "measurements" / "images" / "000000.npz").stat().st_mtime_ns == kept
    assert verify(corpus, tmp_path / "out", "--restart") == 0
    assert (tmp_path / "out" / "measurements" / "images" / "000000.npz").stat().st_mtime_ns != kept


@pytest.mark.usefixtures("unprinted")
def test_a_folder_with_another_verification_is_refused(corpus, tmp_path, capsys):
    assert verify(corpus, tmp_path / "out") == 0
    assert verify(corpus, tmp_path / "out", "--method", "gradcam") == 2
    assert "--restart" in capsys.readouterr().err


@pytest.mark.usefixtures("unprinted")
def test_several_packs_get_a_folder_each_and_a_comparison(corpus, tmp_path, capsys):
    assert verify(corpus, tmp_path / "out", "--pack", "mien-s", "--pack", "mien-s", "--json") == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"mien-s", "mien-s-2", "comparison.html", "comparison.pdf"}
    first, second = json.loads(capsys.readouterr().out)
    assert first["verdict"] == second["verdict"]
    assert first["counts"]["images"] == 7


@pytest.mark.usefixtures("unprinted")
def test_faces_are_shown_only_when_asked_for(corpus, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(command, "report", lambda findings, edition: seen.append(edition) or _Titled())
    assert verify(corpus, tmp_path / "without") == 0
    assert verify(corpus, tmp_path / "with", "--with-faces") == 0
    assert seen[0].faces == {}
    assert seen[1].command.endswith("--with-faces --out " + str(tmp_path / "with"))
    assert all(max(face.shape) <= 160 for face in seen[1].faces.values())


class _Titled:
    title = "made"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--data", "nowhere"), "There is no file or folder nowhere"),
        (("--layout", "unknown"), "layout"),
        (("--pack", "nobody"), "nobody"),
        (("--method", "magic"), "method"),
        (("--regions", "circles"), "region mode"),
        (("--split", "train"), "split"),
    ],
)
def test_unusable_arguments_say_what_is_wrong(corpus, tmp_path, capsys, more, words):
    assert verify(corpus, tmp_path / "out", *more) == 2
    assert words in capsys.readouterr().err


def test_a_folder_without_pictures_is_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert verify(tmp_path / "empty", tmp_path / "out") == 2
    assert "not a labelled collection" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("--checks", "0"), ("--column", "image"), ("--checks", "5"), ("--worst", "-1")])
def test_what_makes_no_sense_ends_before_anything_runs(corpus, tmp_path, wrong):
    with pytest.raises(SystemExit) as error:
        verify(corpus, tmp_path / "out", *wrong)
    assert error.value.code == 2


def test_names_cannot_steer_the_terminal():
    assert command.printable("a\x1b[31m\u202eb") == "a\\u{1b}[31m\\u{202e}b"
