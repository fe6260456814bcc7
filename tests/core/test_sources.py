"""What a person gets from every kind of source: the right frames, at the right times, or a sentence why not."""

import http.server
import itertools
import os
import socket
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SourceBusy, SourceError, SourceNotFound, SourceSilent, SourceTruncated, SourceUnreadable
from core.sources import Camera, Images, Prefetch, Stream, VideoFile, cameras, open_source, without_password
from core.sources.images import natural_key

pytestmark = pytest.mark.usefixtures("threads_end")

WIDTH, HEIGHT = 96, 64
# Of no constant rate, as phones and screen recorders write them: presentation times in ms.
TIMES_MS = [0, 33, 67, 100, 150, 151, 200, 300, 333, 500, 700, 733, 767, 800, 1000, 1010, 1100, 1200, 1250, 1300] + [
    1300 + 40 * i for i in range(1, 21)
]


def picture(index: int) -> np.ndarray:
    """A picture that is told from its neighbours: noise that does not compress away, and a grey level of its own."""
    noise = np.random.default_rng(index).integers(0, 24, (HEIGHT, WIDTH, 3))
    return (noise + (index * 37) % 220).astype(np.uint8)


def make_video(
    path: Path, *, codec: str = "libx264", times_ms=TIMES_MS, rotation: int = 0, options=None, paint=picture
):
    """Write a video with given presentation times."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.gop_size = 12
        if rotation:
            stream.set_display_rotation(rotation)
        for index, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(paint(index), format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def cut(path: Path, share: float) -> Path:
    """Copy the first part of a file's bytes."""
    whole = path.read_bytes()
    shorter = path.with_name(f"cut_{path.name}")
    shorter.write_bytes(whole[: int(len(whole) * share)])
    return shorter


def container_times(path: Path) -> list[float]:
    """Presentation times as the container's packets state them, s."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stamps = [packet.pts for packet in container.demux(stream) if packet.pts is not None and not packet.is_discard]
        return sorted(float(stamp * stream.time_base) for stamp in stamps)


def all_frames(source) -> list:
    """Read a source to its end."""
    return list(iter(source.read, None))


def frames_and_error(source) -> tuple[list, SourceError]:
    """Read a source up to the error that it ends with."""
    frames = []
    while True:
        try:
            frame = source.read()
        except SourceError as error:
            return frames, error
        assert frame is not None, "the source ended as if nothing were missing"
        frames.append(frame)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """A folder of videos of variable frame rate, one per container."""
    folder = tmp_path_factory.mktemp("videos")
    make_video(folder / "clip.mp4", options={"movflags": "faststart"})
    make_video(folder / "late.mp4")
    make_video(folder / "fragments.mp4", options={"movflags": "frag_keyframe+empty_moov"})
    make_video(folder / "clip.mkv")
    make_video(folder / "clip.ts")
    make_video(folder / "clip.webm", codec="libvpx")
    make_video(folder / "clip.avi", codec="mpeg4")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """A folder of twelve pictures, one of them no picture at all, and a text."""
    folder = tmp_path_factory.mktemp("pictures")
    for index in range(12):
        cv2.imwrite(str(folder / f"img{index}.png"), picture(index)[:, :, ::-1])
    (folder / "img7.png").write_bytes(b"not a picture")
    (folder / "notes.txt").write_text("not a picture either")
    return folder


class Served(http.server.BaseHTTPRequestHandler):
    """Serves /live without a length, /broken likewise but hanging up unannounced, /file with its length."""

    folder: Path
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path in ("/private", "/absent", "/text"):
            self.send_response({"/private": 403, "/absent": 404, "/text": 200}[self.path])
            self.send_header("Content-Length", "500")
            self.end_headers()
            self.wfile.write(b"words " * 83 + b"..")
            return
        content = (self.folder / ("clip.mp4" if self.path == "/file" else "clip.ts")).read_bytes()
        self.send_response(200)
        if self.path == "/file":
            self.send_header("Content-Length", str(len(content)))
        if self.path == "/live":
            self.send_header("Transfer-Encoding", "chunked")
            content = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(content)
        except ConnectionError:
            return  # the reader has seen enough

    def log_message(self, *_):
        pass


@pytest.fixture
def server(videos) -> str:
    """The URL of an HTTP server on this machine, which ends with the test."""
    handler = type("Handler", (Served,), {"folder": videos})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def silent_server():
    """The port of a server that accepts, says what it is told to say, and then nothing more."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections, say = [], []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            if say:
                connection.recv(4096)
                connection.sendall(say[0])

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1], say
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for connection in connections:
        connection.close()


# ---- The contract: holds for every kind ----

RECORDED = [
    "clip.mp4",
    "late.mp4",
    "fragments.mp4",
    "clip.mkv",
    "clip.ts",
    "clip.webm",
    "clip.avi",
    "images",
    "prefetch",
]
KINDS = [*RECORDED, "live stream", "served file", "camera"]


@pytest.fixture
def make_source(videos, pictures, server, fake_capture):
    """Open a source of a kind."""

    def make(kind: str):
        if kind == "images":
            return Images([path for path in sorted(pictures.glob("*.png")) if path.name != "img7.png"], "pictures")
        if kind == "prefetch":
            return Prefetch(VideoFile(videos / "clip.mp4"), depth=3)
        if kind == "live stream":
            return Stream(f"{server}/live")
        if kind == "served file":
            return Stream(f"{server}/file")
        if kind == "camera":
            return Camera(0, opener=lambda _: fake_capture(pictures=12, image=picture(3)), read_timeout_s=0.1)
        return VideoFile(videos / kind)

    return make


@pytest.fixture
def make_recorded(make_source):
    """Open a source of a recorded kind."""
    return make_source


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_rgb_numbered_from_0_and_later_and_later(make_source, kind):
    with make_source(kind) as source:
        assert source.name
        frames = [source.read() for _ in range(11)]
    assert [frame.index for frame in frames] == list(range(11))
    assert all(frame.image.shape == (HEIGHT, WIDTH, 3) for frame in frames)
    assert all(earlier.timestamp_s < later.timestamp_s for earlier, later in itertools.pairwise(frames))
    assert all(earlier.captured_s <= later.captured_s for earlier, later in itertools.pairwise(frames))
    if source.size is not None:
        assert source.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_may_be_closed_at_any_time_and_twice_and_gives_nothing_afterwards(make_source, kind):
    source = make_source(kind)
    assert source.read() is not None
    source.close()
    source.close()
    assert source.read() is None


@pytest.mark.parametrize("kind", [*RECORDED, "served file"])
def test_reading_a_recording_twice_gives_the_same_frames(make_source, kind):
    with make_source(kind) as source:
        once = all_frames(source)
        assert source.read() is None
    with make_source(kind) as source:
        again = all_frames(source)
    assert not source.live
    assert [(a.index, a.timestamp_s) for a in once] == [(b.index, b.timestamp_s) for b in again]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(once, again, strict=True))


@pytest.mark.parametrize("kind", RECORDED)
def test_seeking_lands_on_the_last_frame_at_or_before_the_time(make_recorded, kind):
    with make_recorded(kind) as source:
        assert source.seekable
        frames = all_frames(source)
        times = [frame.timestamp_s for frame in frames]
        wanted = [*times[::-3], times[0] - 1, times[-1] + 9, *(np.linspace(times[0], times[-1], 7) + 0.0007)]
        for time_s in wanted:
            source.seek(time_s)
            expected = max([i for i, t in enumerate(times) if t <= time_s], default=0)
            found, following = source.read(), source.read()
            assert found.index == expected
            assert found.timestamp_s == times[expected]
            assert np.array_equal(found.image, frames[expected].image)
            assert (following.index if following else None) == (expected + 1 if expected + 1 < len(times) else None)


@pytest.mark.parametrize("kind", ["live stream", "camera"])
def test_live_frames_carry_the_seconds_since_opening(make_source, kind):
    before_s = time.monotonic()
    with make_source(kind) as source:
        frame = source.read()
        assert source.live
        assert not source.seekable
        assert source.duration_s is None
    assert 0 <= frame.timestamp_s <= time.monotonic() - before_s
    assert before_s <= frame.captured_s <= time.monotonic()


# ---- Video files ----


@pytest.mark.parametrize("name", [kind for kind in RECORDED if kind.startswith(("clip", "late", "fragments"))])
def test_timestamps_are_the_containers_own_to_the_millisecond(videos, name):
    with VideoFile(videos / name) as source:
        frames = all_frames(source)
    expected = container_times(videos / name)
    assert [frame.timestamp_s for frame in frames] == pytest.approx(expected, abs=1e-9)
    shifted_ms = [(frame.timestamp_s - frames[0].timestamp_s) * 1000 for frame in frames]
    assert shifted_ms == pytest.approx(TIMES_MS, abs=1)
    assert source.start_s == frames[0].timestamp_s


def test_the_pictures_are_the_ones_that_were_recorded_in_their_order_and_colours(tmp_path):
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30)]

    def paint(index):
        return np.full((HEIGHT, WIDTH, 3), colours[index % 4], np.uint8)

    with VideoFile(make_video(tmp_path / "colours.mp4", paint=paint)) as source:
        frames = all_frames(source)
    for frame in frames:
        assert frame.image.reshape(-1, 3).mean(axis=0) == pytest.approx(colours[frame.index % 4], abs=12)


def test_the_number_of_frames_a_container_states_is_the_number_that_comes(videos):
    with VideoFile(videos / "clip.mp4") as source:
        assert source.frame_count == len(TIMES_MS) == len(all_frames(source))
        assert source.duration_s == pytest.approx(TIMES_MS[-1] / 1000, abs=0.2)
        assert 1 < source.fps < 100


@pytest.mark.parametrize(("rotation", "corner"), [(90, "bottom left"), (180, "bottom right"), (-90, "top right")])
def test_a_video_held_upright_is_shown_upright(tmp_path, rotation, corner):
    """The bright corner is recorded at the top left; turning the picture counter-clockwise moves it."""

    def paint(_):
        image = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        image[:20, :20] = 240
        return image

    path = make_video(tmp_path / "turned.mp4", rotation=rotation, paint=paint, times_ms=[0, 40, 80])
    with VideoFile(path) as source:
        image = source.read().image
    expected = (WIDTH, HEIGHT) if rotation == 180 else (HEIGHT, WIDTH)
    assert source.size == expected == (image.shape[1], image.shape[0])
    corners = {
        "top left": image[4, 4],
        "top right": image[4, -5],
        "bottom left": image[-5, 4],
        "bottom right": image[-5, -5],
    }
    assert max(corners, key=lambda place: corners[place].sum()) == corner


def test_frames_that_an_edit_list_hides_do_not_come_and_are_not_missed(shared):
    with VideoFile(shared / "media" / "no_face.mp4") as source:
        frames = all_frames(source)
    assert len(frames) == source.frame_count == 95
    assert frames[0].timestamp_s == 0


def test_a_phones_variable_rate_comes_out_as_recorded(shared):
    path = shared / "media" / "face_then_none.mov"
    with VideoFile(path) as source:
        times = [frame.timestamp_s for frame in all_frames(source)]
    assert times == pytest.approx(container_times(path), abs=1e-9)
    assert len({round(b - a, 4) for a, b in itertools.pairwise(times)}) > 1


# An AVI at 1000 frames/s is mostly padding, all of it behind the pictures.
@pytest.mark.parametrize(
    ("name", "share"),
    [("clip.mp4", 0.4), ("clip.mp4", 0.8), ("clip.mkv", 0.4), ("clip.mkv", 0.8), ("clip.webm", 0.7), ("clip.avi", 0.2)],
)
def test_of_a_cut_video_every_whole_frame_comes_and_then_how_many_are_missing(videos, name, share):
    with VideoFile(videos / name) as source:
        whole = all_frames(source)
    with VideoFile(cut(videos / name, share)) as source:
        frames, error = frames_and_error(source)
        assert source.read() is None
    assert isinstance(error, SourceTruncated)
    assert 5 < len(frames) < len(whole)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    originals = {frame.timestamp_s: frame.image for frame in whole}
    assert all(np.array_equal(frame.image, originals[frame.timestamp_s]) for frame in frames)
    number = " of 40 " if name == "clip.mp4" else " of about "
    assert f"{len(frames)}{number}" in str(error)
    assert name in str(error)


def test_a_damaged_stretch_costs_its_own_frames_only(videos, tmp_path):
    content = bytearray((videos / "clip.mp4").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = b"\xff" * 2000
    (tmp_path / "damaged.mp4").write_bytes(content)
    with VideoFile(tmp_path / "damaged.mp4") as source:
        frames, error = frames_and_error(source)
    assert isinstance(error, SourceTruncated)
    assert frames[-1].timestamp_s == pytest.approx(TIMES_MS[-1] / 1000, abs=1e-3)
    assert len(TIMES_MS) - 8 <= len(frames) < len(TIMES_MS)


def test_a_file_that_is_no_video_is_refused_in_a_sentence_that_names_it(tmp_path, videos):
    (tmp_path / "text.mp4").write_text("just words, " * 100)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "unfinished.mp4").write_bytes((videos / "late.mp4").read_bytes()[:3000])
    for name in ("text.mp4", "empty.mp4", "unfinished.mp4"):
        with pytest.raises(SourceUnreadable, match=f"{name}.*expected MP4"):
            VideoFile(tmp_path / name)


def test_a_recording_of_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(SourceUnreadable, match="only audio"):
        VideoFile(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything may be read by root")
def test_a_file_that_may_not_be_read_is_told_apart_from_a_missing_one(videos, tmp_path):
    path = tmp_path / "locked.mp4"
    path.write_bytes((videos / "clip.mp4").read_bytes())
    path.chmod(0)
    with pytest.raises(SourceBusy, match="right to read"):
        VideoFile(path)


def test_a_name_with_a_colon_or_a_percent_sign_is_just_a_name(videos, tmp_path):
    path = tmp_path / "http:a %03d ü.mp4"
    path.write_bytes((videos / "clip.mp4").read_bytes())
    with open_source(str(path)) as source:
        assert source.read() is not None


# ---- Pictures ----


def test_an_unreadable_picture_is_named_and_the_others_come_in_natural_order(pictures):
    indices, told = [], []
    with open_source(str(pictures)) as source:
        while True:
            try:
                frame = source.read()
            except SourceUnreadable as error:
                told.append(str(error))
                continue
            if frame is None:
                break
            indices.append(frame.index)
            assert np.array_equal(frame.image, picture(frame.index))
            assert frame.timestamp_s == frame.index
    assert indices == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    assert len(told) == 1
    assert "img7.png" in told[0]
    assert source.frame_count == 12


def test_a_picture_that_vanishes_after_the_folder_was_opened_stops_nothing(tmp_path):
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"{index}.png"), picture(index))
    with open_source(str(tmp_path)) as source:
        (tmp_path / "1.png").unlink()
        assert source.read().index == 0
        with pytest.raises(SourceUnreadable, match=r"1\.png"):
            source.read()
        assert source.read().index == 2


def test_transparent_parts_are_white(tmp_path):
    image = np.zeros((4, 6, 4), np.uint8)
    image[:, :3] = (10, 20, 200, 255)
    image[:, 3:] = (10, 20, 200, 0)
    for depth in (np.uint8, np.uint16):
        path = tmp_path / f"{np.dtype(depth)}.png"
        cv2.imwrite(str(path), image.astype(depth) * (257 if depth is np.uint16 else 1))
        with open_source(str(path)) as source:
            seen = source.read().image
        assert (seen[:, :3] == (200, 20, 10)).all()
        assert (seen[:, 3:] == 255).all()


def test_a_picture_with_an_exif_rotation_is_shown_upright(tmp_path):
    image = np.full((40, 80, 3), 30, np.uint8)
    image[:20, :20] = 230
    encoded = cv2.imencode(".jpg", image)[1].tobytes()
    tiff = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + b"\0\0\0\0"
    segment = b"Exif\0\0" + tiff
    path = tmp_path / "turned.jpg"
    path.write_bytes(encoded[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + encoded[2:])
    with open_source(str(path)) as source:
        seen = source.read().image
    assert source.size == (40, 80)
    assert seen.shape == (80, 40, 3)
    assert seen[5, -6].min() > 200, "turned by 90 degrees clockwise, the bright corner is at the top right"


def test_grey_and_deep_pictures_come_as_rgb_of_8_bits(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((4, 4), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "deep.tif"), np.full((4, 4, 3), 90 * 257, np.uint16))
    for name in ("grey.png", "deep.tif"):
        with open_source(str(tmp_path / name)) as source:
            assert np.abs(source.read().image.astype(int) - 90).max() <= 1
            assert source.read() is None


def test_a_single_file_that_is_no_picture_is_refused_at_once(tmp_path):
    (tmp_path / "words.jpg").write_text("words")
    (tmp_path / "empty.png").touch()
    for name in ("words.jpg", "empty.png"):
        with pytest.raises(SourceUnreadable, match=f"{name}.*expected JPEG"):
            open_source(str(tmp_path / name))


def test_a_folder_without_pictures_says_what_was_expected(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SourceUnreadable, match=r"expected files that end in \.jpg"):
        open_source(str(tmp_path))


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_numbered_names_sort_by_their_number(numbers):
    names = [f"frame{number}.png" for number in numbers]
    assert sorted(names, key=natural_key) == [f"frame{number}.png" for number in sorted(numbers)]


# ---- Streams ----


def test_a_recording_served_over_http_keeps_its_own_times(server):
    with open_source(f"{server}/file") as source:
        times_ms = [frame.timestamp_s * 1000 for frame in all_frames(source)]
    assert times_ms == pytest.approx(TIMES_MS, abs=1)
    assert source.duration_s == pytest.approx(TIMES_MS[-1] / 1000, abs=0.2)


def test_a_live_stream_that_the_server_ends_gives_all_its_frames_and_then_the_end(server):
    with open_source(f"{server}/live") as source:
        assert len(all_frames(source)) == len(TIMES_MS)


def test_a_connection_that_breaks_is_told_after_all_frames_that_came(server):
    with open_source(f"{server}/broken") as source:
        frames, error = frames_and_error(source)
        assert source.read() is None
    assert len(frames) == len(TIMES_MS)
    assert isinstance(error, SourceSilent)
    assert "hung up" in str(error)


def test_a_server_that_does_not_answer_is_given_up_in_time(silent_server):
    port, _ = silent_server
    for scheme in ("http", "rtsp"):
        began_s = time.monotonic()
        with pytest.raises(SourceSilent, match="did not answer"):
            Stream(f"{scheme}://127.0.0.1:{port}/cam", open_timeout_s=0.3, read_timeout_s=0.3)
        assert time.monotonic() - began_s < 5


def test_a_stream_that_falls_silent_is_told_after_the_frames_that_came(silent_server, videos):
    port, say = silent_server
    content = (videos / "clip.ts").read_bytes()
    say.append(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + content[: len(content) * 2 // 3])
    with Stream(f"http://127.0.0.1:{port}/cam", open_timeout_s=5, read_timeout_s=0.3) as source:
        frames, error = frames_and_error(source)
        assert source.read() is None
    assert len(frames) > 5
    assert isinstance(error, SourceSilent)
    assert "no picture for 0.3 s" in str(error)


@pytest.mark.parametrize(
    ("path", "kind", "sentence"),
    [
        ("/absent", SourceNotFound, "cannot be reached"),
        ("/private", SourceBusy, "access rights"),
        ("/text", SourceUnreadable, "not with a video"),
    ],
)
def test_what_a_server_refuses_is_said_plainly(server, path, kind, sentence):
    with pytest.raises(kind, match=sentence):
        open_source(server + path)


def test_nobody_at_the_address_is_said_plainly():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(SourceNotFound, match="cannot be reached"):
        Stream(f"http://127.0.0.1:{port}/")


def test_a_password_in_an_address_is_never_shown():
    assert without_password("rtsp://user:secret@host:554/cam?x=1") == "rtsp://host:554/cam?x=1"
    with pytest.raises(SourceError) as told:
        Stream("http://user:secret@127.0.0.1:1/cam")
    assert "secret" not in str(told.value)
    assert "127.0.0.1:1/cam" in str(told.value)


# ---- Cameras ----


def test_a_camera_gives_rgb(fake_capture):
    bgr = np.zeros((6, 8, 3), np.uint8)
    bgr[:, :, 0] = 200
    with Camera(0, opener=lambda _: fake_capture(image=bgr)) as camera:
        image = camera.read().image
    assert (image == (0, 0, 200)).all()
    assert camera.size == (8, 6)
    assert camera.fps == 30


@pytest.mark.parametrize(
    ("there", "kind", "sentence"),
    [(False, SourceNotFound, "not connected"), (None, SourceBusy, "in use by another program, or the system")],
)
def test_a_camera_that_cannot_be_opened_says_why_and_is_let_go(fake_capture, there, kind, sentence):
    capture = fake_capture(opens=False)
    with pytest.raises(kind, match=sentence):
        Camera(3, "Desk camera", opener=lambda _: capture, exists=lambda _: there)
    assert capture.released


def test_a_camera_that_gives_no_picture_is_silent_and_one_that_is_gone_is_unplugged(fake_capture):
    camera = Camera(0, opener=lambda _: fake_capture(pictures=2), read_timeout_s=0.05, exists=lambda _: None)
    assert [camera.read().index for _ in range(2)] == [0, 1]
    with pytest.raises(SourceSilent, match=r"no picture for 0\.05 s"):
        camera.read()
    camera.close()
    camera = Camera(0, opener=lambda _: fake_capture(pictures=0), exists=lambda _: False)
    with pytest.raises(SourceNotFound, match="unplugged"):
        camera.read()
    camera.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lists cameras in /sys")
def test_cameras_are_listed_by_name_one_entry_each_and_twins_are_told_apart(tmp_path):
    for node, name, index in [
        ("video0", "HD Webcam", "0"),
        ("video1", "HD Webcam", "1"),
        ("video2", "Capture card", "0"),
        ("video10", "HD Webcam", "0"),
    ]:
        (tmp_path / node).mkdir()
        (tmp_path / node / "name").write_text(f"{name}\n")
        (tmp_path / node / "index").write_text(f"{index}\n")
    assert [(camera.index, camera.name) for camera in cameras(tmp_path)] == [
        (0, "HD Webcam"),
        (2, "Capture card"),
        (10, "HD Webcam (2)"),
    ]
    assert cameras(tmp_path / "none") == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a camera 63 has to be tried for real")
def test_a_camera_number_that_is_not_connected_is_said_plainly():
    with pytest.raises(SourceNotFound, match="Camera 63 is not connected"):
        open_source("63")


# ---- Opening by name ----


def test_a_source_that_does_not_exist_is_answered_with_what_there_is():
    with pytest.raises(SourceNotFound, match=r"There is: 'demo'.*URL"):
        open_source("nosuchthing")
    with pytest.raises(SourceNotFound, match=r"There is no file .*gone\.mp4"):
        open_source("/nowhere/gone.mp4")
    with pytest.raises(SourceNotFound, match="There is: http, https, rtsp"):
        open_source("gopher://host/x")


def test_the_demo_is_found_where_a_frozen_application_keeps_it(videos, tmp_path, monkeypatch):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "demo.mp4").write_bytes((videos / "clip.mp4").read_bytes())
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    with open_source("demo") as source:
        assert not source.live
        assert len(all_frames(source)) == len(TIMES_MS)


# ---- Reading ahead ----


@given(depth=st.integers(1, 5), count=st.integers(0, 12), bad=st.sets(st.integers(0, 11)))
def test_reading_ahead_loses_nothing_and_keeps_errors_in_their_place(fake_source, depth, count, bad):
    times = [SourceUnreadable(f"{i}") if i in bad else float(i) for i in range(count)]
    seen = []
    with Prefetch(fake_source(times), depth) as source:
        while True:
            try:
                frame = source.read()
            except SourceUnreadable as error:
                seen.append(f"bad {error}")
                continue
            if frame is None:
                break
            seen.append(frame.index)
        assert source.read() is None
    assert seen == [f"bad {i}" if i in bad else i for i in range(count)]


def test_reading_ahead_goes_no_further_than_its_depth(fake_source):
    behind = fake_source(range(100))
    with Prefetch(behind, depth=3) as source:
        source.read()
        assert not behind.exhausted.wait(0.1)
        # One was taken, three wait, and one is in the reading thread's hands.
        assert behind._next <= 5


def test_an_error_ends_reading_ahead_after_the_frames_before_it(fake_source):
    with Prefetch(fake_source([0.0, 0.1, SourceTruncated("2 of 3")])) as source:
        assert [source.read().index, source.read().index] == [0, 1]
        with pytest.raises(SourceTruncated, match="2 of 3"):
            source.read()
        assert source.read() is None


def test_closing_while_reading_ahead_ends_its_thread_and_closes_the_source(fake_source):
    behind = fake_source(range(1000))
    source = Prefetch(behind, depth=1)
    source.close()
    assert behind.closed
    assert source.read() is None
