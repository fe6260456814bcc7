"""Results written to files while they come: a table, the picture with its overlay, and a note on how both were made.

::

    Result --> core.tables    one row per frame and face, and one for a frame without a face
           --> OverlayVideo   the overlay of every frame, at the frame's own presentation time
           --> Counts         what was seen, for the sidecar
    Sidecar --> <stem>.json   versions, pack, settings, provider, counts, times, warnings

Whatever takes results and is closed at the end is a `ResultWriter`.
"""

import errno
import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, TypeVar

import av
import numpy as np

import core
from core.errors import ExportError
from core.geometry import Image
from core.opencv import cv2
from core.types import Result

W = TypeVar("W", bound="Closing")


class ResultWriter(Protocol):
    """Takes results in the order of their frames. After `close` the file is whole."""

    def write(self, result: Result) -> None:
        """Add one frame's result. Raises ExportError."""

    def close(self) -> None:
        """Finish the file; further calls do nothing. Raises ExportError."""


class Closing:
    """A writer as a context manager: closed at the end, also after an error."""

    def close(self) -> None:
        """Finish the file."""
        raise NotImplementedError

    def __enter__(self: W) -> W:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system or FFmpeg says about a file into one plain sentence."""
    try:
        yield
    except OSError as error:
        raise ExportError(_reason(path, error)) from error
    except av.FFmpegError as error:  # most are OSErrors, some are ValueErrors
        raise ExportError(f"'{path}' cannot be written: {error.strerror}.") from error


def _reason(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: '{path}' is incomplete. Free some space and try again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"'{path}' cannot be written: no permission to write in '{path.parent}'."
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"'{path}' cannot be written: there is no folder '{path.parent}'."
    return f"'{path}' cannot be written: {error.strerror or error}."


def number(value: float | None, digits: int = 6) -> str:
    """A number with at most so many digits after the dot; nothing for what is not known or not finite."""
    if value is None or not np.isfinite(value):
        return ""
    text = f"{float(value):.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@dataclass
class Counts:
    """What a recording held."""

    frames: int = 0
    frames_with_face: int = 0
    faces: int = 0
    explained: int = 0
    rows: int = 0
    first_s: float | None = None
    last_s: float | None = None
    face_ids: set[int] = field(default_factory=set)

    def write(self, result: Result) -> None:
        """Count one frame."""
        self.frames += 1
        self.frames_with_face += bool(result.faces)
        self.faces += len(result.faces)
        self.rows += max(len(result.faces), 1)
        self.explained += sum(face.explained for face in result.faces)
        self.first_s = result.frame.timestamp_s if self.first_s is None else self.first_s
        self.last_s = result.frame.timestamp_s
        self.face_ids |= {face.observation.face_id for face in result.faces}

    def close(self) -> None:
        """Nothing to finish."""


@dataclass(frozen=True)
class Sidecar:
    """How a table came about: enough to do it again, and to know whether it is whole.

    Attributes
    ----------
    pack
        Id, version and sha256 of the model pack; None, as the provider, where no emotions were read.
    landmarks
        The same of the landmark pack that read beside it; None where none did.
    started, finished
        ISO 8601, UTC.
    scale
        What the overlay's colours stand for; None where nothing was explained.
    complete
        False when the source ended early or the run was stopped; `warnings` says why.
    csv_profile
        Key in `core.csv_profiles.PROFILES` of a table in another program's form.
    notes
        What a reader of the table has to know about it.
    verdicts
        What the verdicts add up to per face and class, see `core.tally`; None where nothing was explained.
    pain
        What the pain scores add up to, see `core.pain_log`, and the neutral faces; None where none were asked for.
    """

    source: str
    pack: Mapping[str, object] | None
    settings: Mapping[str, object]
    provider: str | None
    counts: Counts
    started: str
    finished: str
    duration_s: float
    complete: bool
    landmarks: Mapping[str, object] | None = None
    scale: Mapping[str, object] | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    csv_profile: str | None = None
    verdicts: Mapping[str, object] | None = None
    pain: Mapping[str, object] | None = None
    files: Mapping[str, str] = field(default_factory=dict)


PACKAGES: Final = ("numpy", "opencv-contrib-python", "mediapipe", "onnx", "onnxruntime-gpu", "onnxruntime", "av")


def versions() -> dict[str, str]:
    """Versions of this program, Python and what computes."""
    found = {"mienscope": core.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_sidecar(path: Path, sidecar: Sidecar) -> None:
    """Write the note beside the table."""
    write_json(path, {"versions": versions(), "system": platform.platform(), **asdict(sidecar)})


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a JSON file whole or not at all."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=_plain) + "\n"
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in its place: a reader never sees half of it."""
    with writing(path):
        temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        try:
            write(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _plain(value: object) -> object:
    """What JSON does not know, in its words."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


class OverlayVideo(Closing):
    """A video of the overlay, H.264: the picture of frame k shows the result of frame k, at the time of frame k.

    Presentation times are the source's own, whatever its rate does between; H.264 wants even sides, so an odd picture
    gains one repeated row or column. Pictures of another size than the first are fitted into it.

    Parameters
    ----------
    picture
        What a frame shows: RGB uint8 [height, width, 3], for example `overlay.draw` with a style.
    fps
        Nominal rate, for the encoder and the last picture's duration.
    """

    def __init__(self, path: Path, picture: Callable[[Result], Image], fps: float | None = None) -> None:
        self.path = path
        self._picture = picture
        self._rate = Fraction(fps or 30.0).limit_denominator(1001)
        self._stream: Any = None
        self._last_pts = -1
        with writing(path):
            path.open("wb").close()  # FFmpeg would find out only at the first frame that it may not
            self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self._closed = False

    def write(self, result: Result) -> None:
        """Draw and encode one frame."""
        picture = self._picture(result)
        with writing(self.path):
            if self._stream is None:
                self._begin(picture)
            frame = av.VideoFrame.from_ndarray(self._fitted(picture), format="rgb24")
            pts = round(result.frame.timestamp_s * TICKS_PER_S)
            frame.pts = self._last_pts = max(pts, self._last_pts + 1)  # a player needs time to move on
            frame.time_base = Fraction(1, TICKS_PER_S)
            self._mux(frame)

    def close(self) -> None:
        """Finish the file."""
        if self._closed:
            return
        self._closed = True
        with writing(self.path):
            try:
                if self._stream is not None:
                    self._mux(None)
            finally:
                self._container.close()

    def _begin(self, picture: Image) -> None:
        height, width = picture.shape[:2]
        options = {"crf": "20", "preset": "veryfast", "bf": "0"}  # without B-frames times need no shift
        self._stream = self._container.add_stream("libx264", rate=self._rate, options=options)
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = self._stream.time_base = Fraction(1, TICKS_PER_S)

    def _mux(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            if not packet.duration:
                packet.duration = round(TICKS_PER_S / self._rate)
            self._container.mux(packet)

    def _fitted(self, picture: Image) -> Image:
        width, height = self._stream.width, self._stream.height
        rows, columns = picture.shape[:2]
        if rows + rows % 2 != height or columns + columns % 2 != width:
            scale = min(width / columns, height / rows)
            size = max(round(columns * scale), 1), max(round(rows * scale), 1)
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
            rows, columns = picture.shape[:2]
            beside = (height - rows, 0, width - columns, 0)
            top, left = beside[0] // 2, beside[2] // 2
            margins = (top, height - rows - top, left, width - columns - left)
            return np.asarray(cv2.copyMakeBorder(picture, *margins, cv2.BORDER_CONSTANT), np.uint8)
        return np.pad(picture, ((0, height - rows), (0, width - columns), (0, 0)), mode="edge")


# MPEG's clock: whole ticks for 24, 25, 30, 50 and 60 frames/s, and 11 microseconds for everything else.
TICKS_PER_S: Final = 90_000
