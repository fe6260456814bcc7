"""Video files: every frame, at its own presentation time."""

import re
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.errors import SourceBusy, SourceError, SourceNotFound, SourceTruncated, SourceUnreadable
from core.sources.container import Pictures, nominal_fps, picture_stream, rgb
from core.sources.source import Source
from core.types import Frame

# A file that ends earlier than it says by more than this was cut; less may be a last picture that stands long, s.
LONGEST_LAST_FRAME_S: Final = 0.5
# Two times closer than this are one time: a microsecond, finer than any container's clock that video uses.
SAME_TIME_S: Final = 1e-6
# How far before the wanted time to look for a key frame, s, when the container's own search came out after it.
SEEK_MARGINS_S: Final = (0.0, 2.0, 15.0)
# How Matroska writes a duration: 00:00:02.414000000.
CLOCK: Final = re.compile(r"(\d+):(\d+):(\d+\.?\d*)")


class VideoFile(Source):
    """A video file, read frame by frame in the order of presentation.

    Timestamps are the presentation times that the container states (what ffprobe prints as pts_time), not shifted: a
    file whose first frame stands at 1.4 s starts at 1.4 s (`start_s`). Frames that an edit list hides do not come.
    Rotation and pixel aspect that the file states are applied. After the last frame of a file that was cut or damaged,
    `read` raises SourceTruncated once, with how much of it could be read, and then gives None.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        if not path.exists():
            raise SourceNotFound(f"There is no file {path}. Check the name, or choose another file.")
        self.seekable = True
        self._times: list[float] | None = None
        self._open()
        self._describe()

    def _open(self) -> None:
        """Open from the start, with the first picture decoded: only then is it certain to be a video."""
        self._container = _opened(self.path)
        try:
            self._stream = picture_stream(self._container, self.name)
            self._restart_decoding()
            first = next(self._decoded, None)
        except SourceError:
            self._container.close()
            raise
        if first is None:
            self._container.close()
            raise SourceUnreadable(
                f"{self.name} is not a video that can be played: no frame of it could be decoded. Choose another file."
            )
        self._pending: deque[VideoFrame] = deque([first])
        self._next_index = 0
        self._last_s: float | None = None
        self._end_s = 0.0
        self._told = False

    def _restart_decoding(self) -> None:
        self._pictures = Pictures(self._container, self._stream)
        self._decoded: Iterator[VideoFrame] = iter(self._pictures)

    def _describe(self) -> None:
        stream, first = self._stream, self._pending[0]
        self.start_s = self._time(first)
        self.frame_count = _listed_frames(self._container, stream)
        self._claimed_s = _claimed_duration_s(self._container, stream)
        self.duration_s = self._claimed_s
        if self.duration_s is None and self._container.duration is not None:
            self.duration_s = self._container.duration / av.time_base
        self.fps = nominal_fps(stream, self.frame_count, self.duration_s)
        height, width = rgb(first, stream).shape[:2]
        self.size = width, height

    def _time(self, picture: VideoFrame) -> float:
        """Presentation time of a picture, s; where the container gives none, one nominal interval after the last."""
        assert self._stream.time_base is not None
        stamp = picture.pts if picture.pts is not None else picture.dts
        if stamp is not None:
            return float(stamp * self._stream.time_base)
        return 0.0 if self._last_s is None else self._last_s + 1 / (self.fps or 25.0)

    def read(self) -> Frame | None:
        """Give the next frame; None at the end."""
        picture = self._pending.popleft() if self._pending else next(self._decoded, None)
        if picture is None:
            self._tell_what_is_missing()
            return None
        timestamp_s = self._last_s = self._time(picture)
        self._end_s = timestamp_s + float((picture.duration or 0) * (self._stream.time_base or 0))
        index, self._next_index = self._next_index, self._next_index + 1
        return Frame(rgb(picture, self._stream), index, timestamp_s, time.monotonic())

    def _tell_what_is_missing(self) -> None:
        """Raise SourceTruncated, once, where the container promised more than came."""
        if self._told:
            return
        self._told = True
        if not (self._pictures.damaged or self._is_short()):
            return
        read = self._next_index
        expected = f"{self.frame_count}" if self.frame_count else ""
        if not expected and self._claimed_s and self._end_s > self.start_s:
            expected = f"about {round(read * self._claimed_s / (self._end_s - self.start_s))}"
        raise SourceTruncated(
            f"{self.name} is damaged or was cut short: {read}{' of ' * bool(expected)}{expected} frames could be read, "
            f"up to {self._end_s:.2f} s. They are valid; for the rest, copy the file again from where it came."
        )

    def _is_short(self) -> bool:
        if self.frame_count:  # where every packet became a picture, a decoder that merges pictures is no loss
            return max(self._next_index, self._pictures.packets) < self.frame_count
        return self._claimed_s is not None and self.start_s + self._claimed_s - self._end_s > LONGEST_LAST_FRAME_S

    def seek(self, timestamp_s: float) -> None:
        """Make the next `read` give the last frame at or before a time, or the first.

        The first search reads through the file once without decoding, so that frames keep their true indices.
        """
        for margin_s in SEEK_MARGINS_S:
            wanted_s = timestamp_s - margin_s
            if wanted_s <= self.start_s:
                break
            self._wind(wanted_s)
            if self._skip_to(timestamp_s):
                return
        self._container.close()
        self._open()
        if timestamp_s > self.start_s:
            self._skip_to(timestamp_s)

    def _wind(self, timestamp_s: float) -> None:
        """Go to a key frame, if the container finds one, at or before a time."""
        assert self._stream.time_base is not None
        self._pending.clear()
        self._container.seek(int(timestamp_s / self._stream.time_base), stream=self._stream)
        self._restart_decoding()
        self._told = False

    def _skip_to(self, timestamp_s: float) -> bool:
        """Decode up to a time and keep the frame at or before it, and the one after; False if there is none before."""
        before: VideoFrame | None = None
        following: VideoFrame | None = None
        for picture in chain(tuple(self._pending), self._decoded):
            if self._time(picture) > timestamp_s + SAME_TIME_S:
                following = picture
                break
            before = picture
        if before is None:
            return False
        self._pending = deque(picture for picture in (before, following) if picture is not None)
        self._next_index = self._index_at(self._time(before))
        return True

    def _index_at(self, timestamp_s: float) -> int:
        if self._times is None:
            self._times = _presentation_times(self.path)
        return max(0, bisect_right(self._times, timestamp_s + SAME_TIME_S) - 1)

    def close(self) -> None:
        """Close the file."""
        self._pending.clear()
        self._decoded = iter(())
        self._told = True
        self._container.close()


def _opened(path: Path) -> InputContainer:
    """Open a file, and say in a sentence why not."""
    try:
        # "file:" keeps a name with a colon from being read as a protocol.
        return av.open(f"file:{path}")
    except (av.error.PermissionError, av.error.IsADirectoryError) as error:
        raise SourceBusy(f"{path} may not be opened. Give yourself the right to read it.") from error
    except av.error.FileNotFoundError as error:
        raise SourceNotFound(f"There is no file {path}. Check the name, or choose another file.") from error
    except av.FFmpegError as error:
        raise SourceUnreadable(
            f"{path.name} is not a video that can be read: expected MP4, MOV, MKV, WebM, AVI or the like, found "
            f"something else, or a recording that was never finished ({error.strerror}). Choose another file."
        ) from error


def _listed_frames(container: InputContainer, stream: VideoStream) -> int | None:
    """Count the frames that the container's index says will be shown; None where it does not list them all.

    MOV and MP4 (but for fragmented ones) list every frame; `stream.frames` would count those that an edit list hides.
    """
    if "mov" in container.format.name.split(",") and stream.frames:
        return sum(not entry.is_discard for entry in stream.index_entries) or None
    return None


def _claimed_duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Duration that the file's header states for the pictures; None where it is only guessed from what is there."""
    families = set(container.format.name.split(","))
    if "avi" in families and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)  # the index of a cut AVI is rebuilt, its header is not
    if "mov" in families and stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if "matroska" in families:
        if clock := CLOCK.fullmatch(stream.metadata.get("DURATION", "")):
            hours, minutes, seconds = clock.groups()
            return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        if len(container.streams) == 1 and container.duration:
            return container.duration / av.time_base
    return None


def _presentation_times(path: Path) -> list[float]:
    """Read through a file without decoding: the times of all its frames, s, sorted."""
    with _opened(path) as container:
        stream = picture_stream(container, path.name)
        stamps = [
            packet.pts if packet.pts is not None else packet.dts
            for packet in container.demux(stream)
            if packet.size and not packet.is_discard
        ]
        assert stream.time_base is not None
        return sorted(float(stamp * stream.time_base) for stamp in stamps if stamp is not None)
