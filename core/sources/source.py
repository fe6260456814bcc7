"""What every source of frames is, whatever stands behind it."""

import io
from types import TracebackType
from typing import Protocol, TypeVar

from core.types import Frame

S = TypeVar("S", bound="Source")


class Source(Protocol):
    """Frames, one after the other. One thread at a time may use a source.

    Attributes
    ----------
    name
        What a person would call it; a URL without its password.
    live
        True where frames come when they come; False where every frame can be had, and has a time of its own.
    seekable
        Whether `seek` works.
    fps
        Nominal rate, Hz; None where nothing states it. Never use it to compute times.
    frame_count
        Frames as the container claims; None where it does not say.
    start_s
        Timestamp of the first frame.
    duration_s
        Length; None for live sources and where the container does not say.
    size
        Width and height of the frames in px, as shown; None where frames differ.
    """

    name: str
    live: bool = False
    seekable: bool = False
    fps: float | None = None
    frame_count: int | None = None
    start_s: float = 0.0
    duration_s: float | None = None
    size: tuple[int, int] | None = None

    def read(self) -> Frame | None:
        """Give the next frame; None at the end.

        Raises a SourceError when there is none and should be. After SourceUnreadable from a folder of pictures the next
        call goes on with the next picture; after every other error the source has come to its end.
        """
        ...

    def seek(self, timestamp_s: float) -> None:
        """Make the next `read` give the last frame at or before a time, or the first where there is none before it."""
        raise io.UnsupportedOperation(f"{self.name} cannot be wound to another time")

    def close(self) -> None:
        """Give back the camera, file or connection. May be called twice."""
        ...

    def __enter__(self: S) -> S:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
