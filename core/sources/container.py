"""Reading containers with PyAV: what files and streams have in common."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.errors import SourceUnreadable
from core.geometry import Image

# Pixels whose sides differ by less than this are shown as they are: encoders round 1:1 to things like 4095:4096.
SQUARE_ENOUGH: Final = 0.01


def picture_stream(container: InputContainer, name: str) -> VideoStream:
    """Give the first video stream that is not a cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            # Threads over whole frames would lose good frames where a file is cut: only threads within a frame.
            stream.thread_type = "SLICE"
            return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    raise SourceUnreadable(f"{name} is not a video: it holds no moving picture, only {kinds}. Choose a video file.")


class Pictures:
    """The pictures of one stream, decoded to its end; packets that cannot be decoded are stepped over.

    Attributes
    ----------
    packets
        Packets so far that should have become a picture.
    damaged
        Whether a packet was broken, or the container itself.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        self.packets = 0
        self.damaged = False

    def __iter__(self) -> Iterator[VideoFrame]:
        demuxed = self._container.demux(self._stream)
        while True:
            try:
                packet = next(demuxed, None)
            except av.FFmpegError:
                self.damaged = True
                packet = None
            if packet is not None and packet.is_corrupt:  # half a picture: the decoder would invent the rest
                self.damaged = True
                continue
            if packet is not None:
                self.packets += packet.size > 0 and not packet.is_discard
            for picture in self._decode(packet):
                if not picture.is_corrupt:
                    yield picture
            if packet is None:
                return

    def _decode(self, packet: "av.Packet[VideoStream] | None") -> list[VideoFrame]:
        try:
            return self._stream.decode(packet)
        except av.error.EOFError:  # the last packet of a demuxer has flushed the decoder already
            return []
        except av.FFmpegError:
            self.damaged = True
            return []


def rgb(picture: VideoFrame, stream: VideoStream) -> Image:
    """Turn a decoded picture into what is meant to be seen: RGB uint8 [h, w, 3], square pixels, upright."""
    aspect = float(stream.sample_aspect_ratio or 1)
    width = picture.width if abs(aspect - 1) < SQUARE_ENOUGH else round(picture.width * aspect)
    image = picture.to_ndarray(format="rgb24", width=width)
    turns = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)).astype(np.uint8, copy=False)


def nominal_fps(stream: VideoStream, frame_count: int | None, duration_s: float | None) -> float | None:
    """Give the rate that the container states, Hz, unless it is a mere clock rate (AVI written with 1/1000 s)."""
    rate: Fraction | None = stream.average_rate or stream.guessed_rate
    if rate and rate <= 250:
        return float(rate)
    return frame_count / duration_s if frame_count and duration_s else None
