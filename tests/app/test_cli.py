"""What a person gets from the command line."""

import csv
import json
import subprocess
import sys
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from app import cli
from core.opencv import cv2
from core.regions import REGIONS

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "assets" / "demo.mp4"


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    """Nothing is written to the real home."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


def run(*arguments):
    def no_window(source, pack):
        raise AssertionError("a command must not open the window")

    return cli.main([str(argument) for argument in arguments], no_window)


def times_of(path):
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """A second of the demo clip at uneven times, then ten frames without a face."""
    path = tmp_path_factory.mktemp("clip") / "uneven.mp4"
    with av.open(str(DEMO)) as container:
        images = [
            frame.to_ndarray(format="rgb24") for frame, _ in zip(container.decode(video=0), range(30), strict=False)
        ]
    images += [np.full_like(images[0], 120)] * 10
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        pts = 0
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = pts, stream.codec_context.time_base
            container.mux(stream.encode(frame))
            pts += 33 if index % 3 else 50
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def analysed(clip, tmp_path_factory):
    out = tmp_path_factory.mktemp("analysed")
    assert run("analyze", clip, "--out", out, "--overlay", "--every", 2) == 0
    return out


def test_the_table_has_a_row_for_every_frame_at_the_container_s_own_time(clip, analysed):
    rows, times = rows_of(analysed / "uneven.csv"), times_of(clip)
    assert [int(row["frame"]) for row in rows] == list(range(40))
    np.testing.assert_allclose([float(row["timestamp"]) for row in rows], times, atol=1e-3)


def test_frames_without_a_face_have_a_row_that_says_so(analysed):
    rows = rows_of(analysed / "uneven.csv")
    assert [row["success"] for row in rows] == ["1"] * 30 + ["0"] * 10
    assert all(row["label"] == "" for row in rows[30:])


def test_region_shares_of_explained_rows_sum_to_one(analysed):
    rows = rows_of(analysed / "uneven.csv")[:30]
    assert [row["explained"] for row in rows] == ["1", "0"] * 15
    for row in rows[::2]:
        assert sum(float(row[f"r_{name}"]) for name in REGIONS) == pytest.approx(1, abs=1e-4)
        assert row["method"] == "lrp"
        assert row["target"] == row["label"]


def test_the_overlay_video_shows_every_frame_at_its_own_time(clip, analysed):
    np.testing.assert_allclose(times_of(analysed / "uneven.overlay.mp4"), times_of(clip), atol=1e-3)


def test_the_overlay_of_a_frame_lies_on_that_frame(clip, analysed):
    """Without a face only the legend is added: elsewhere the picture is its own."""

    def pictures(path):
        with av.open(str(path)) as container:
            return [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]

    before, after = pictures(clip), pictures(analysed / "uneven.overlay.mp4")
    for k in (0, 13, 29, 30, 39):
        top = np.abs(before[k][:60, 480:] - after[k][:60, 480:]).mean()
        assert top < 6, f"frame {k}"
    assert np.abs(before[29] - after[29]).mean() > np.abs(before[35] - after[35]).mean()


def test_the_sidecar_says_how_the_table_came_about(analysed):
    sidecar = json.loads((analysed / "uneven.json").read_text(encoding="utf-8"))
    assert sidecar["complete"] is True
    assert sidecar["pack"]["id"] == "mien-s"
    assert len(sidecar["pack"]["sha256"]) == 64
    assert sidecar["settings"]["explain_every"] == 2
    assert sidecar["counts"]["frames"] == 40
    assert sidecar["counts"]["frames_with_face"] == 30
    assert sidecar["provider"] == "CPUExecutionProvider"
    assert sidecar["files"] == {"table": "uneven.csv", "sidecar": "uneven.json", "overlay": "uneven.overlay.mp4"}


def test_the_sidecar_adds_the_verdicts_up_as_the_table_has_them(analysed):
    verdicts = json.loads((analysed / "uneven.json").read_text(encoding="utf-8"))["verdicts"]
    table = list(csv.DictReader((analysed / "uneven.csv").read_text(encoding="utf-8").splitlines()))
    (summary,) = verdicts["summaries"]
    assert verdicts["frames"] == 40
    assert verdicts["frames_without_face"] == 10
    assert summary["basis"]["method"] == "lrp"
    assert summary["total"]["frames"] == 30
    explained = [row for row in table if row["explained"] == "1"]
    assert summary["total"]["maps"] == len(explained)
    outside = [float(row["outside_share"]) for row in explained]
    assert summary["total"]["outside_share"]["mean"] == pytest.approx(np.mean(outside), abs=1e-4)


def test_the_same_video_gives_the_same_table_twice(clip, tmp_path):
    for name in ("one", "two"):
        assert run("analyze", clip, "--out", tmp_path / name) == 0
    assert (tmp_path / "one" / "uneven.csv").read_bytes() == (tmp_path / "two" / "uneven.csv").read_bytes()


def test_a_cut_video_keeps_the_rows_that_could_be_read_and_says_so(clip, tmp_path, capsys):
    cut = tmp_path / "cut.mkv"
    with av.open(str(clip)) as source, av.open(str(cut), "w", format="matroska") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    whole = cut.read_bytes()
    cut.write_bytes(whole[: len(whole) * 9 // 10])
    assert run("analyze", cut, "--out", tmp_path / "out") == 1
    rows = rows_of(tmp_path / "out" / "cut.csv")
    assert 0 < len(rows) < 40
    assert json.loads((tmp_path / "out" / "cut.json").read_text())["complete"] is False
    assert "cut" in capsys.readouterr().err


def test_a_run_that_is_stopped_by_hand_keeps_its_rows_and_says_so(clip, tmp_path):
    from app.analyze import Job, analyze_one
    from core.model import Model
    from core.packs import DEFAULT_PACK, find_pack
    from core.pipeline import Settings

    def stop_after_ten(done, total):
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze_one(Job(str(clip), tmp_path, Settings(), overlay=True), Model(find_pack(DEFAULT_PACK)), stop_after_ten)
    sidecar = json.loads((tmp_path / "uneven.json").read_text(encoding="utf-8"))
    assert (sidecar["complete"], sidecar["warnings"]) == (False, ["Stopped by hand after 10 frames."])
    assert len(rows_of(tmp_path / "uneven.csv")) == 10
    assert len(times_of(tmp_path / "uneven.overlay.mp4")) == 10


def test_one_bad_input_does_not_stop_the_others(clip, tmp_path, capsys):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"this is not a video")
    assert run("analyze", bad, clip, tmp_path / "missing.mp4", "--out", tmp_path / "out", "--method", "off") == 1
    errors = capsys.readouterr().err
    assert "bad.mp4" in errors
    assert "missing.mp4" in errors
    assert len(rows_of(tmp_path / "out" / "uneven.csv")) == 40


def test_a_folder_of_pictures_is_analysed_picture_by_picture(astronaut, tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    cv2.imwrite(str(folder / "b.png"), astronaut[..., ::-1])
    cv2.imwrite(str(folder / "a.png"), np.full((200, 200, 3), 90, np.uint8))
    assert run("analyze", folder, "--out", tmp_path / "out") == 0
    assert [row["success"] for row in rows_of(tmp_path / "out" / "faces.csv")] == ["0", "1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--method", "magic"], "gradcam, lrp"),
        (["--target", "joy"], "neutral, happiness"),
        (["--pack", "nobody"], "mien-s"),
        (["--regions", "blobs"], "polygons"),
        (["--provider", "abacus"], "cuda"),
    ],
)
def test_a_name_that_does_not_exist_lists_what_there_is_and_exits_with_2(clip, tmp_path, capsys, arguments, said):
    assert run("analyze", clip, "--out", tmp_path, *arguments) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_results_that_cannot_be_written_are_told(clip, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert run("analyze", clip, "--out", blocked / "below") == 1
    assert "cannot be written" in " ".join(capsys.readouterr().err.split())


def test_scores_and_landmarks_ask_for_an_overlay_and_are_in_it(astronaut, tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), astronaut[..., ::-1])
    shown = {}
    for option in ("--overlay", "--scores", "--landmarks"):
        assert run("analyze", folder, "--out", tmp_path / option, "--method", "off", option) == 0
        with av.open(str(tmp_path / option / "faces.overlay.mp4")) as container:
            shown[option] = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    for option in ("--scores", "--landmarks"):
        assert (np.abs(shown[option] - shown["--overlay"]).max(axis=2) > 60).sum() > 500


@pytest.mark.parametrize("suffix", [".png", ".json", ".npz"])
def test_a_still_is_explained_in_the_form_asked_for(astronaut, tmp_path, suffix):
    still = tmp_path / "face.png"
    cv2.imwrite(str(still), astronaut[..., ::-1])
    out = tmp_path / f"out{suffix}"
    assert run("explain", still, "--out", out) == 0
    if suffix == ".json":
        (face,) = json.loads(out.read_text(encoding="utf-8"))["faces"]
        assert face["label"] == "happiness"
        assert sum(face["regions"]["share"].values()) == pytest.approx(1, abs=1e-4)
    elif suffix == ".npz":
        with np.load(out, allow_pickle=False) as arrays:
            assert arrays["relevance_0"].shape == arrays["crop_0"].shape
    else:
        assert cv2.imread(str(out)).shape == astronaut.shape


@pytest.mark.parametrize("suffix", [".png", ".json"])
def test_all_methods_are_compared_on_one_face(astronaut, tmp_path, capsys, monkeypatch, suffix):
    from core.comparison import compare
    from core.explain import LIVE, METHODS

    monkeypatch.setattr("app.compare.compare", partial(compare, effort=LIVE))
    still, out = tmp_path / "face.png", tmp_path / f"sheet{suffix}"
    cv2.imwrite(str(still), astronaut[..., ::-1])
    assert run("explain", still, "--method", "all", "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["methods"]) == list(METHODS)
    assert all(told["methods"][key]["time_ms"] > 0 for key in METHODS)
    if suffix == ".json":
        assert json.loads(out.read_text(encoding="utf-8"))["methods"].keys() == told["methods"].keys()
    else:
        assert cv2.imread(str(out)).shape[1] > 1000


def test_a_comparison_that_cannot_be_made_is_told(astronaut, tmp_path, capsys):
    still, wall = tmp_path / "face.png", tmp_path / "wall.png"
    cv2.imwrite(str(still), astronaut[..., ::-1])
    cv2.imwrite(str(wall), np.full((200, 200, 3), 90, np.uint8))
    assert run("explain", still, "--method", "all", "--out", tmp_path / "sheet.npz") == 2
    assert run("explain", still, "--method", "all", "--out", tmp_path / "a.png", "--regions", "blobs") == 2
    assert run("explain", wall, "--method", "all", "--out", tmp_path / "a.png") == 1
    said = " ".join(capsys.readouterr().err.split())
    assert ".png, .json" in said
    assert "no face was found" in said
    assert not (tmp_path / "a.png").exists()


def test_a_still_without_a_face_and_one_that_is_a_video_are_told(clip, tmp_path, capsys):
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.full((200, 200, 3), 90, np.uint8))
    assert run("explain", empty, "--out", tmp_path / "out.json") == 1
    assert "no face was found" in capsys.readouterr().err
    assert run("explain", clip, "--out", tmp_path / "out.json") == 1
    assert run("explain", empty, "--out", tmp_path / "out.txt") == 2


def test_packs_are_listed_shown_and_checked(capsys):
    assert run("packs", "list", "--json") == 0
    assert "mien-s" in [pack["id"] for pack in json.loads(capsys.readouterr().out)]
    assert run("packs", "show", "mien-s", "--json") == 0
    assert json.loads(capsys.readouterr().out)["labels"].startswith("neutral, happiness")
    assert run("packs", "check", "--json") == 0
    assert all(pack["passed"] for pack in json.loads(capsys.readouterr().out))


def test_the_doctor_tries_everything(capsys):
    status = run("doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert status == 0
    assert findings["model pack"]["state"] == "works"
    assert findings["faces"]["state"] == "works"


def test_every_command_but_training_runs_without_torch_and_qt(tmp_path, astronaut):
    """Held in a process of its own, in which torch, captum and PySide6 cannot be imported."""
    still = tmp_path / "face.png"
    cv2.imwrite(str(still), astronaut[..., ::-1])
    program = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "captum", "PySide6", "pyqtgraph", "skimage"):
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Blocked())
from app import cli
def run(*arguments):
    return cli.main(list(arguments), lambda source, pack: 99)
codes = [
    run("explain", {str(still)!r}, "--out", {str(tmp_path / "a.json")!r}),
    run("explain", {str(still)!r}, "--out", {str(tmp_path / "a.png")!r}, "--method", "gradcam"),
    run("analyze", {str(still)!r}, "--out", {str(tmp_path / "out")!r}, "--overlay"),
    run("packs", "check"), run("packs", "list"), run("packs", "show", "mien-s"), run("doctor"), run(),
]
print(codes)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout.strip().splitlines()[-1] == "[0, 0, 0, 0, 0, 0, 0, 99]", done.stderr


def test_starting_a_model_writes_nothing_to_the_terminal(tmp_path, astronaut):
    still = tmp_path / "face.png"
    cv2.imwrite(str(still), astronaut[..., ::-1])
    command = [sys.executable, "-m", "app", "explain", str(still), "--out", str(tmp_path / "a.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
