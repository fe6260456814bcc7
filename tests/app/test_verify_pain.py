"""``mienscope verify pain`` on made trees of the published layouts: what it writes, and what it never hides."""

import json
from fractions import Fraction

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from app.cli import main
from core.errors import CorpusInvalid
from core.pain_corpora import HEAT, PSPI, open_pain_corpus
from core.snapshot import save_image

DARK = 0.15


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture(scope="module")
def picture(astronaut):
    return np.ascontiguousarray(astronaut[:300, 100:400])


def put_frame(root, stem, image, label):
    path = root / f"Images/{stem}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    if image is None:
        path.write_bytes(b"no picture")
    else:
        save_image(image, path)
    if label is not None:
        file = root / f"Frame_Labels/PSPI/{stem}_facs.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(label)


@pytest.fixture(scope="module")
def unbc(picture, tmp_path_factory):
    """Two people: frames that are measurable, empty, dark, damaged, without a label, with a bad one."""
    root = tmp_path_factory.mktemp("unbc")
    dark, empty = (picture * DARK).astype(np.uint8), np.full_like(picture, 120)
    frames = [
        *((picture, f"   {value:.7e}\n") for value in (0, 0, 2)),
        (dark, "   5.0000000e+00\n"),
        (picture, None),
        (picture, "seven"),
    ]
    for number, (image, label) in enumerate(frames, 1):
        put_frame(root, f"042-ll042/ll042t1aaaff/ll042t1aaaff{number:03d}", image, label)
    for number, (image, label) in enumerate([(picture[:, ::-1], "0"), (picture, "4"), (empty, "1"), (None, "0")], 1):
        put_frame(root, f"043-jh043/jh043t1aeaff/jh043t1aeaff{number:03d}", image, label)
    return root


@pytest.fixture(scope="module")
def biovid(picture, tmp_path_factory):
    """Two people, a clip without and one with pain each, of which one shows no face; and one of no known name."""
    root = tmp_path_factory.mktemp("biovid")
    clips = ("071309_w_21-BL1-081", "071309_w_21-PA4-005", "101114_w_37-BL1-090", "101114_w_37-PA4-011", "notes-XY9-1")
    for number, name in enumerate(clips):
        path = root / "video" / name.partition("-")[0] / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
            stream.width, stream.height, stream.pix_fmt = 300, 300, "yuv420p"
            for k in range(4):
                image = np.full_like(picture, 90) if number == 3 else picture
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame.pts, frame.time_base = k, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return root


def run(*arguments):
    return main([str(each) for each in arguments], lambda source, pack: 0)


def test_frames_with_a_coded_pspi_are_judged_and_the_others_counted(unbc, tmp_path, capsys):
    assert run("verify", "pain", "--data", unbc, "--out", tmp_path) == 0
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "pain.json").read_text(encoding="utf-8"))
    assert (found["judged"], found["subjects"], found["recordings"]) == (8, 2, 2)
    assert found["unmeasured"] == {"too dark": 1, "no face in the picture": 1, "unreadable": 1}
    assert found["dropped"] == {"no PSPI": 1, "damaged label file": 1}
    assert found["unmeasured_share"] == {"all": 0.375, "below 1": 0.25, "from 1 on": 0.5, "from 4 on": 0.5}
    assert set(found["scores"]) == {"pcc", "icc", "mse", "mae", "auc_1", "auc_4"}
    assert found["scores"]["mae"]["n"] == 5
    for words in ("not a medical device", "0 to 16", "ICC(3,1)", "not measurable: 3 of 8", "too dark 1", "no PSPI 1"):
        assert words in said


def test_the_table_has_every_frame_with_its_score_or_its_reason(unbc, tmp_path):
    assert run("verify", "pain", "--data", unbc, "--out", tmp_path, "--json") == 0
    rows = pq.read_table(tmp_path / "pain.parquet").to_pylist()
    assert [row["truth"] for row in rows] == [0, 0, 2, 5, None, None, 0, 4, 1, 0]
    assert all((row["pspi"] is None) != (row["reason"] is None) for row in rows)
    assert {row["subject"] for row in rows} == {"042-ll042", "043-jh043"}
    measured = [row for row in rows if row["pspi"] is not None and row["truth"] is not None]
    found = json.loads((tmp_path / "pain.json").read_text(encoding="utf-8"))
    expected = np.mean([abs(row["pspi"] - row["truth"]) for row in measured])
    assert found["scores"]["mae"]["value"] == pytest.approx(expected)


def test_recordings_of_a_stimulus_are_judged_whole_and_no_errors_are_claimed(biovid, tmp_path, capsys):
    assert run("verify", "pain", "--data", biovid, "--out", tmp_path) == 0
    said = " ".join(capsys.readouterr().out.split())
    found = json.loads((tmp_path / "pain.json").read_text(encoding="utf-8"))
    assert (found["judged"], found["subjects"]) == (4, 2)
    assert found["unmeasured"] == {"no face in the picture": 1}
    assert found["dropped"] == {"no known level in its name": 1}
    assert set(found["scores"]) == {"pcc", "auc_1", "auc_4", "auc_4_against_0"}
    assert "A stimulus is no PSPI" in said
    assert len(pq.read_table(tmp_path / "pain.parquet")) == 4


def test_layouts_are_recognised_or_named(unbc, biovid, tmp_path):
    assert open_pain_corpus(unbc).truth is PSPI
    assert open_pain_corpus(biovid).truth is HEAT
    with pytest.raises(CorpusInvalid, match="biovid: a folder with video/<subject>"):
        open_pain_corpus(tmp_path)
    with pytest.raises(CorpusInvalid, match="holds no recordings"):
        open_pain_corpus(unbc, "biovid")


def test_pictures_follow_each_other_at_the_rate_that_is_told(unbc):
    times = [frame.timestamp_s for frame in open_pain_corpus(unbc, rate_hz=10).recordings[0].frames()]
    np.testing.assert_allclose(times, np.arange(6) / 10)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pack", "mien-s"], "leave --pack out"),
        (["--quick", "--with-faces"], "leave --quick and --with-faces out"),
        (["--layout", "ck+"], "There is no layout"),
    ],
)
def test_what_does_not_fit_is_told(unbc, tmp_path, capfd, arguments, said):
    assert run("verify", "pain", "--data", unbc, "--out", tmp_path, *arguments) == 2
    assert said.casefold() in " ".join(capfd.readouterr().err.split()).casefold()


def test_a_corpus_in_which_nothing_is_measurable_ends_with_1(picture, tmp_path):
    for number in range(2):
        stem = f"042-ll042/ll042t1aaaff/ll042t1aaaff{number:03d}"
        put_frame(tmp_path / "tree", stem, np.full_like(picture, 120), str(number))
    assert run("verify", "pain", "--data", tmp_path / "tree", "--out", tmp_path / "out") == 1
    found = json.loads((tmp_path / "out" / "pain.json").read_text(encoding="utf-8"))
    assert set(found["scores"].values()) == {None}
