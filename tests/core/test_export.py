"""Files of results: every frame in its row, every picture at its time, and a plain sentence when it cannot be done."""

import csv
import errno
import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import __version__
from core.errors import ExportError
from core.export import Counts, OverlayVideo, Sidecar, number, write_json, write_sidecar
from core.overlay import Style, draw
from core.regions import REGIONS
from core.tables import CsvTable, Rows
from tests.made import LABELS, gradient_image, make_face, make_result, mouth_relevance

FULL = Path("/dev/full")  # a disk without space, on Linux


def overlay(result):
    return draw(result, Style())


def a_recording():
    """Four frames: two faces, none, one explained on an earlier frame, one without explanation."""
    one, two = make_face(mouth_relevance()), make_face(mouth_relevance(), (480.0, 150.0), face_id=2)
    stale = replace(one, explained=False)
    times = (0.0, 0.033367, 0.1, 1234.567891)
    faces = ((one, two), (), (stale,), (make_face(),))
    return [make_result(*f, index=k, timestamp_s=t) for k, (t, f) in enumerate(zip(times, faces, strict=True))]


def written(path, results):
    with CsvTable(path, Rows(LABELS)) as table:
        for result in results:
            table.write(result)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_is_one_row_per_frame_and_face_and_one_for_a_frame_without_a_face(tmp_path):
    rows = written(tmp_path / "t.csv", a_recording())

    assert [(row["frame"], row["success"], row["face_id"]) for row in rows] == [
        ("0", "1", "1"),
        ("0", "1", "2"),
        ("1", "0", ""),
        ("2", "1", "1"),
        ("3", "1", "1"),
    ]
    assert all(value == "" for key, value in rows[2].items() if key not in ("frame", "timestamp", "success"))


def test_the_header_is_the_documented_one(tmp_path):
    written(tmp_path / "t.csv", [])
    header = (tmp_path / "t.csv").read_bytes()

    assert header == (",".join(Rows(LABELS).columns) + "\n").encode()
    assert header.startswith(b"frame,timestamp,face_id,confidence,success,box_x,box_y,box_w,box_h,label,probability,")
    assert b",p_surprise,explained,method,target,outside_share,expected_share,expected_density,r_left_brow," in header
    assert header.endswith(b",d_outside\n")


def test_the_table_gives_the_values_back(tmp_path):
    results = a_recording()
    face = results[0].faces[0]
    row = written(tmp_path / "t.csv", results)[0]

    assert row["label"] == "happiness"
    assert float(row["probability"]) == pytest.approx(0.85, abs=1e-6)
    assert [float(row[f"p_{label}"]) for label in LABELS] == pytest.approx(face.prediction.probabilities, abs=1e-6)
    assert float(row["box_w"]) == pytest.approx(face.observation.box.width, abs=0.006)
    assert (row["method"], row["target"], row["explained"]) == ("lrp", "happiness", "1")
    assert [float(row[f"r_{name}"]) for name in REGIONS] == pytest.approx(face.regions.shares, abs=1e-6)
    assert [float(row[f"d_{name}"]) for name in REGIONS] == pytest.approx(face.regions.densities, abs=1e-4)
    assert float(row["expected_share"]) == pytest.approx(face.regions.expected_share, abs=1e-6)


def test_region_shares_sum_to_one_in_every_explained_row(tmp_path):
    rows = written(tmp_path / "t.csv", a_recording())
    explained = [row for row in rows if row["explained"] == "1"]

    assert len(explained) == 2
    for row in explained:
        assert sum(float(row[f"r_{name}"]) for name in REGIONS) == pytest.approx(1, abs=1e-5)


def test_an_explanation_of_another_frame_is_not_written_into_this_row(tmp_path):
    stale = written(tmp_path / "t.csv", a_recording())[3]

    assert stale["explained"] == "0"
    assert stale["label"] == "happiness"
    assert stale["method"] == stale["r_nose"] == stale["outside_share"] == ""


def test_timestamps_keep_the_millisecond_in_long_recordings(tmp_path):
    rows = written(tmp_path / "t.csv", a_recording())

    assert [float(row["timestamp"]) for row in rows[1:]] == pytest.approx([0, 0.033367, 0.1, 1234.567891], abs=1e-6)


def test_rows_are_on_disk_before_the_table_is_closed(tmp_path):
    path = tmp_path / "t.csv"
    table = CsvTable(path, Rows(LABELS))
    for result in a_recording()[:2]:
        table.write(result)

    assert len(path.read_text(encoding="utf-8").splitlines()) == 1 + 3
    table.close()
    table.close()


@given(value=st.floats(-1e6, 1e6), digits=st.integers(1, 6))
def test_a_number_is_compact_and_reads_back(value, digits):
    text = number(value, digits)

    assert float(text) == pytest.approx(value, abs=0.51 * 10**-digits)
    assert "e" not in text
    assert not text.endswith((".", "-"))


@pytest.mark.parametrize(("value", "text"), [(None, ""), (float("nan"), ""), (0.0, "0"), (-1e-9, "0"), (100.0, "100")])
def test_a_number_that_is_not_known_is_an_empty_cell(value, text):
    assert number(value) == text


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ExportError, match="there is no folder"):
        CsvTable(tmp_path / "nowhere" / "t.csv", Rows(LABELS))
    with pytest.raises(ExportError, match="there is no folder"):
        OverlayVideo(tmp_path / "nowhere" / "t.mp4", overlay)
    with pytest.raises(ExportError, match="there is no folder"):
        write_json(tmp_path / "nowhere" / "t.json", {})


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_plain_sentence():
    with pytest.raises(ExportError, match="disk is full"):
        CsvTable(FULL, Rows(LABELS))


def test_a_folder_without_permission_is_a_plain_sentence(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ExportError, match="no permission to write in"):
        CsvTable(tmp_path / "t.csv", Rows(LABELS))


def test_counts_add_up_to_the_rows(tmp_path):
    results, counts = a_recording(), Counts()
    for result in results:
        counts.write(result)

    assert (counts.frames, counts.frames_with_face, counts.faces, counts.explained) == (4, 3, 4, 2)
    assert counts.rows == len(written(tmp_path / "t.csv", results))
    assert (counts.first_s, counts.last_s, counts.face_ids) == (0.0, 1234.567891, {1, 2})


def test_the_sidecar_says_how_the_table_was_made(tmp_path):
    counts = Counts()
    for result in a_recording():
        counts.write(result)
    sidecar = Sidecar(
        source="clip.mp4",
        pack={"id": "mien-s", "version": "1", "sha256": "ab" * 32},
        settings={"method": "lrp", "share": np.float32(0.5)},
        provider="CPUExecutionProvider",
        counts=counts,
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:00:09+00:00",
        duration_s=9.0,
        complete=False,
        scale={"value": 0.008, "unit": "logit"},
        warnings=("The file ends early.",),
    )

    write_sidecar(tmp_path / "t.json", sidecar)
    read = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))

    assert read["versions"]["mienscope"] == __version__
    assert "onnxruntime" in " ".join(read["versions"])
    assert (read["complete"], read["warnings"]) == (False, ["The file ends early."])
    assert (read["counts"]["rows"], read["counts"]["face_ids"]) == (5, [1, 2])
    assert read["settings"] == {"method": "lrp", "share": 0.5}
    assert read["scale"] == {"value": 0.008, "unit": "logit"}


def test_a_json_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "t.json"
    write_json(path, {"old": 1})

    def fail(self, *_, **__):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(ExportError, match="disk is full"):
        write_json(path, {"new": 2})

    assert json.loads(path.read_bytes()) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]


def filmed(path, results, fps=30.0):
    with OverlayVideo(path, overlay, fps) as video:
        for result in results:
            video.write(result)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        return [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


@pytest.mark.parametrize(
    "times",
    [
        [k / 30 for k in range(12)],
        [k * 1001 / 24000 for k in range(12)],
        [0.0, 0.02, 0.1, 0.11, 0.5, 0.501, 2.0],
        [0.75, 0.8, 0.9, 1.4],
    ],
    ids=["30 frames/s", "23.976 frames/s", "variable rate", "late start"],
)
def test_the_overlay_video_keeps_the_presentation_times(tmp_path, times):
    results = [make_result(index=k, timestamp_s=t) for k, t in enumerate(times)]

    frames = filmed(tmp_path / "t.mp4", results)

    assert [time for time, _ in frames] == pytest.approx(times, abs=1e-3)


def test_the_picture_of_frame_k_shows_the_result_of_frame_k(tmp_path):
    results = [
        make_result(make_face(mouth_relevance(), (120.0 + 40 * k, 150.0), timestamp_s=k / 10), timestamp_s=k / 10)
        for k in range(8)
    ]

    frames = filmed(tmp_path / "t.mp4", results, fps=10)

    drawn = [overlay(result).astype(int) for result in results]
    for k, (_, picture) in enumerate(frames):
        differences = [np.abs(picture - other).mean() for other in drawn]
        assert int(np.argmin(differences)) == k


def test_odd_sizes_lose_nothing(tmp_path):
    image = gradient_image(321, 241)

    ((_, picture),) = filmed(tmp_path / "t.mp4", [make_result(image=image)])

    assert picture.shape == (242, 322, 3)
    assert np.abs(picture[:241, :321].astype(int) - overlay(make_result(image=image))).mean() < 6


def test_a_picture_of_another_size_is_fitted_in(tmp_path):
    results = [make_result(timestamp_s=0.0), make_result(image=gradient_image(200, 300), timestamp_s=0.1)]

    frames = filmed(tmp_path / "t.mp4", results)

    assert [picture.shape for _, picture in frames] == [(360, 640, 3)] * 2
    assert frames[1][1][:, :150].mean() < 5


def test_two_frames_with_one_timestamp_are_both_kept(tmp_path):
    results = [make_result(timestamp_s=t) for t in (0.0, 0.1, 0.1, 0.2)]

    assert [time for time, _ in filmed(tmp_path / "t.mp4", results)] == pytest.approx([0, 0.1, 0.1, 0.2], abs=1e-3)


def test_closing_a_video_twice_is_harmless(tmp_path):
    video = OverlayVideo(tmp_path / "t.mp4", overlay)
    video.write(make_result())
    video.close()
    video.close()

    assert (tmp_path / "t.mp4").stat().st_size > 1000
