"""Streams over the network: HTTP and RTSP, with a limit to every wait."""

import time
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from core.errors import SourceBusy, SourceError, SourceNotFound, SourceSilent, SourceTruncated, SourceUnreadable
from core.sources.container import nominal_fps, picture_stream, rgb
from core.sources.source import Source
from core.types import Frame

SCHEMES: Final = ("http", "https", "rtsp", "rtsps", "rtmp")
OPEN_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 5.0
# RTSP over TCP: over UDP a lost packet smears the picture, and most firewalls drop it. A short analysis starts sooner.
OPTIONS: Final = {"rtsp_transport": "tcp", "analyzeduration": "1000000"}
# libav reports some waits that it gave up as other errors; they are told by how long they took.
NEARLY: Final = 0.95


class Stream(Source):
    """A video at a URL.

    Live where the server states no duration; its timestamps are then seconds since opening. A recording served over
    the network is not live: it keeps its presentation times. When the server announces the end, `read` gives None;
    when it falls silent for `read_timeout_s`, it raises SourceSilent; when it hangs up unannounced, SourceSilent too,
    or SourceTruncated for a recording.
    """

    def __init__(
        self, url: str, *, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        self.name = without_password(url)
        self._read_timeout_s = read_timeout_s
        self._container = _opened(url, self.name, open_timeout_s, read_timeout_s)
        try:
            self._stream = picture_stream(self._container, self.name)
        except SourceError:
            self._container.close()
            raise
        self._opened_s = time.monotonic()
        self._packets = self._container.demux()
        self._decoded: list[VideoFrame] = []
        self._index = 0
        self._ended = False
        self._error: SourceError | None = None
        self._describe()

    def _describe(self) -> None:
        duration = self._container.duration
        self.live = duration is None
        self.duration_s = None if duration is None else duration / av.time_base
        self.fps = nominal_fps(self._stream, None, None)
        self.size = self._stream.codec_context.width, self._stream.codec_context.height

    def read(self) -> Frame | None:
        """Give the next frame; None when the server ended the stream."""
        deadline_s = time.monotonic() + self._read_timeout_s
        while not self._decoded and not self._ended:
            self._receive(deadline_s)
        if not self._decoded:
            error, self._error = self._error, None
            if error is not None:
                raise error
            return None
        picture = self._decoded.pop(0)
        now_s = time.monotonic()
        index, self._index = self._index, self._index + 1
        return Frame(rgb(picture, self._stream), index, self._timestamp_s(picture, now_s), now_s)

    def _receive(self, deadline_s: float) -> None:
        """Take one packet off the wire and decode it; packets of sound count as silence."""
        try:
            packet = next(self._packets, None)
        except av.FFmpegError as error:
            in_time = not isinstance(error, av.error.ExitError) and time.monotonic() < deadline_s
            self._end(self._broken(error) if in_time else self._silent())
            return
        if packet is None:
            self._end(None)
        elif packet.stream.index == self._stream.index:
            self._decoded = self._decode(packet)
        if not self._decoded and not self._ended and time.monotonic() > deadline_s:
            self._end(self._silent())

    def _end(self, error: SourceError | None) -> None:
        """Give what the decoder still holds, and the error only after it."""
        self._ended = True
        self._error = error
        self._decoded += self._decode(None)

    def _decode(self, packet: Any) -> list[VideoFrame]:
        """Decode a packet of the picture stream; None empties the decoder."""
        try:
            return [picture for picture in self._stream.decode(packet) if not picture.is_corrupt]
        except av.FFmpegError:  # one broken packet of a stream: the next key frame mends it
            return []

    def _broken(self, error: av.FFmpegError) -> SourceError:
        """Say that the server hung up: libav cannot tell an end from a break, unless the end was announced."""
        if self.live:
            return SourceSilent(f"{self.name} hung up ({error.strerror}). Open it again.")
        return SourceTruncated(
            f"The connection to {self.name} broke after {self._index} frames ({error.strerror}). They are valid; for "
            "the rest, open it again."
        )

    def _silent(self) -> SourceSilent:
        return SourceSilent(
            f"{self.name} is connected, but sent no picture for {self._read_timeout_s:g} s. "
            "Check the camera or the server, then open it again."
        )

    def _timestamp_s(self, picture: VideoFrame, now_s: float) -> float:
        stamp = picture.pts if picture.pts is not None else picture.dts
        if self.live or stamp is None or self._stream.time_base is None:
            return now_s - self._opened_s
        return float(stamp * self._stream.time_base)

    def close(self) -> None:
        """Hang up."""
        self._ended = True
        self._error = None
        self._decoded = []
        self._container.close()


def without_password(url: str) -> str:
    """Leave out the user and the password of a URL, so that it can be shown and written down."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _opened(url: str, name: str, open_timeout_s: float, read_timeout_s: float) -> InputContainer:
    """Connect, and say in a sentence why not."""
    began_s = time.monotonic()
    try:
        return av.open(url, timeout=(open_timeout_s, read_timeout_s), options=dict(OPTIONS))
    except av.FFmpegError as error:
        waited_s = time.monotonic() - began_s
        timed_out = waited_s >= NEARLY * min(open_timeout_s, read_timeout_s)
        if isinstance(error, (av.error.ExitError, av.error.TimeoutError)) or timed_out:
            raise SourceSilent(
                f"{name} did not answer within {waited_s:.1f} s. Check the address and that the stream is running."
            ) from error
        raise _refusal(error, name) from error


def _refusal(error: av.FFmpegError, name: str) -> SourceError:
    """Put the reason why a URL was not opened at once into a sentence."""
    if isinstance(error, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, av.error.PermissionError)):
        return SourceBusy(
            f"{name} may not be opened: the server asks for other access rights. Check user and password."
        )
    if isinstance(error, av.error.InvalidDataError):
        return SourceUnreadable(
            f"{name} answers, but not with a video: expected a video file or stream. Check the address."
        )
    return SourceNotFound(f"{name} cannot be reached ({error.strerror}). Check the address and the network.")
