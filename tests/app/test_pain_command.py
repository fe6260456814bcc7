"""Pain from the command line: beside the emotions, or alone; against the norm, or against a neutral face."""

import csv
import json
from argparse import ArgumentTypeError
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from app import arguments
from app.cli import main
from app.naming import Kept, Span
from core.pain_table import blendshape_columns, pain_columns
from core.snapshot import save_image

FRAMES, RATE = 12, 10


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture(scope="module")
def picture(astronaut):
    return np.ascontiguousarray(astronaut[:300, 100:400])


@pytest.fixture(scope="module")
def clip(picture, tmp_path_factory):
    """A face for twelve frames, then two frames without one."""
    path = tmp_path_factory.mktemp("clips") / "face.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 300, 300, "yuv420p"
        for number in range(FRAMES + 2):
            image = np.roll(picture, number % 3, axis=1) if number < FRAMES else np.full_like(picture, 90)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def run(*arguments):
    return main([str(each) for each in arguments], lambda source, pack: 0)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def alone(clip, tmp_path_factory):
    """Pain alone, with a neutral face of the clip's own, and everything that can be written."""
    out = tmp_path_factory.mktemp("alone")
    given = ("--pain-only", "--overlay", "--scores", "--parquet", "--neutral", "0-0.3", "--keep-neutral")
    assert run("analyze", clip, "--out", out, *given, "--person", "Eileen") == 0
    return out


def test_the_table_of_pain_alone_holds_units_and_score_and_no_emotion(alone):
    rows = rows_of(alone / "face.csv")
    assert len(rows) == FRAMES + 2
    assert list(rows[0])[9:] == pain_columns()
    assert all(row["pspi"] or row["reason"] for row in rows[:FRAMES])
    assert [row["success"] for row in rows[FRAMES:]] == ["0", "0"]


def test_parquet_holds_the_numbers_of_the_csv(alone):
    table, rows = pq.read_table(alone / "face.parquet").to_pylist(), rows_of(alone / "face.csv")
    assert len(table) == len(rows)
    for row, cells in zip(table, rows, strict=True):
        assert list(row) == list(cells)
        for name, cell in cells.items():
            assert row[name] is None if cell == "" else str(row[name]) == cell or row[name] == float(cell)
    assert pq.read_schema(alone / "face.parquet").metadata[b"pspi"] == b"0 to 16"


def test_the_summary_holds_no_pack_and_no_emotion_but_episodes_baseline_and_what_was_not_measurable(alone):
    found = json.loads((alone / "face.json").read_text(encoding="utf-8"))
    assert (found["pack"], found["provider"], found["verdicts"], found["scale"]) == (None, None, None, None)
    assert (found["settings"]["emotions"], found["settings"]["pain"]) == (False, True)
    (face,) = found["pain"]["faces"]
    assert (face["frames"], face["episodes"], face["alarms"]) == (FRAMES, [], [])
    assert found["pain"]["unmeasured_share"] > 0
    (own,) = found["pain"]["baselines"]
    assert (own["person"], own["start_s"], own["end_s"], own["frames"]) == ("Eileen", 0.0, 0.3, 4)
    assert found["files"]["neutral_A"] == "face.neutral-A.npz"


def test_the_overlay_of_pain_alone_has_every_frame(alone):
    with av.open(str(alone / "face.overlay.mp4")) as container:
        assert len(list(container.decode(video=0))) == FRAMES + 2


def test_a_neutral_face_that_was_kept_counts_again_for_the_face_that_is_named(alone, clip, tmp_path, capsys):
    kept = alone / "face.neutral-A.npz"
    assert run("analyze", clip, "--out", tmp_path, "--pain-only", "--baseline", kept) == 0
    said = capsys.readouterr().out
    assert "against the neutral face of Eileen" in said
    assert "not a medical device" in said
    assert "not measurable" in said
    assert run("analyze", clip, "--out", tmp_path, "--pain-only", "--baseline", f"B={kept}", "--json") == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert [own["name"] for own in report["pain"]["baselines"]] == ["B"]
    assert run("analyze", clip, "--out", tmp_path, "--pain-only", "--baseline", f"B={kept}", "--one-person") == 0
    assert "face A: " in (said := capsys.readouterr().out)
    assert "against the neutral face of Eileen" in said


def test_pain_stands_beside_the_emotions_where_both_are_asked_for(clip, tmp_path, capsys):
    assert run("analyze", clip, "--out", tmp_path, "--pain", "--method", "off", "--smoothing", "0") == 0
    row = rows_of(tmp_path / "face.csv")[0]
    assert row["label"] != ""
    assert row["pspi"] or row["reason"]
    assert "against the population's norm" in capsys.readouterr().out
    found = json.loads((tmp_path / "face.json").read_text(encoding="utf-8"))
    assert found["pack"]["id"] == "mien-s"
    assert found["settings"]["pain_smoothing_s"] == 0


def test_a_still_is_told_with_its_score_alone(picture, tmp_path, capsys):
    save_image(picture, tmp_path / "face.png")
    assert run("explain", tmp_path / "face.png", "--out", tmp_path / "made.json", "--pain-only") == 0
    (face,) = json.loads((tmp_path / "made.json").read_text(encoding="utf-8"))["faces"]
    assert "label" not in face
    assert 0 <= face["pain"]["pspi_low"] <= face["pain"]["pspi"] <= face["pain"]["pspi_high"] <= 16
    assert capsys.readouterr().out.startswith("A: PSPI ")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--pain-only", "--points"], 2, "--points is about them"),
        (["--pain-only", "--csv-profile", "gimefive"], 2, "--csv-profile is about them"),
        (["--neutral", "0"], 2, "expected --pain or --pain-only"),
        (["--pain-only", "--neutral", "60"], 1, "There is no frame at 60 s"),
        (["--pain-only", "--neutral", "1.25-1.35"], 1, "no face is seen"),
        (["--pain-only", "--baseline", "none.npz"], 1, "holds no neutral face"),
    ],
)
def test_what_does_not_fit_is_told(clip, tmp_path, capfd, arguments, status, said):
    assert run("analyze", clip, "--out", tmp_path, *arguments) == status
    assert said in " ".join(capfd.readouterr().err.split())


def test_pictures_have_no_time_that_could_be_neutral(picture, tmp_path, capfd):
    save_image(picture, tmp_path / "face.png")
    assert run("analyze", tmp_path / "face.png", "--out", tmp_path / "out", "--pain-only", "--neutral", "0") == 1
    assert "expected one, got pictures" in " ".join(capfd.readouterr().err.split())


@pytest.mark.parametrize("text", ["a", "-1", "4-2", "1-", "nan", "1-inf"])
def test_times_that_are_none_are_refused(text):
    with pytest.raises(ArgumentTypeError, match="START"):
        Span.parse(text)


def test_times_and_files_are_read_as_they_are_written():
    assert Span.parse("2.5") == Span(2.5, 2.5)
    assert Span.parse("2-4.5") == Span(2.0, 4.5)
    assert Kept.parse("a.npz") == Kept(1, Path("a.npz"))
    assert Kept.parse("B=x=y.npz") == Kept(2, Path("x=y.npz"))


def test_an_alarm_has_the_rule_that_was_asked_for(clip, tmp_path):
    assert run("analyze", clip, "--out", tmp_path, "--pain-only", "--alarm", "6/1.5") == 0
    rule = json.loads((tmp_path / "face.json").read_text(encoding="utf-8"))["pain"]["rule"]
    assert (rule["above"], rule["until"], rule["alarm_s"]) == (6.0, 5.0, 1.5)


@pytest.mark.parametrize("text", ["6", "0/3", "17/3", "4/-1", "4/x", "nan/3", "4/inf"])
def test_a_rule_that_is_none_says_what_one_looks_like(text):
    with pytest.raises(ArgumentTypeError, match="expected SCORE/SECONDS such as 4/3"):
        arguments.alarm(text)


@pytest.mark.parametrize("given", [("--alarm", "4/3"), ("--blendshapes", "x.task")], ids=lambda given: given[0])
def test_what_is_about_pain_asks_for_pain(clip, tmp_path, capsys, given):
    assert run("analyze", clip, "--out", tmp_path, *given) == 2
    assert "expected --pain or --pain-only" in capsys.readouterr().err


def test_a_file_that_is_no_landmarker_ends_the_work_before_it_begins(clip, tmp_path, capsys):
    assert run("analyze", clip, "--out", tmp_path / "out", "--pain", "--blendshapes", tmp_path / "none.task") == 2
    assert "face_landmarker.task was expected at" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_blendshapes_stand_beside_the_units(clip, tmp_path, shared):
    given = ("--pain-only", "--parquet", "--blendshapes", shared / "models" / "face_landmarker.task")
    assert run("analyze", clip, "--out", tmp_path, *given) == 0
    rows = rows_of(tmp_path / "face.csv")
    assert list(rows[0])[9:] == [*pain_columns(), *blendshape_columns()]
    assert all(0 < float(row["mp_mouthSmileLeft"]) <= 1 for row in rows[:FRAMES])
    assert pq.read_table(tmp_path / "face.parquet").column_names == list(rows[0])
