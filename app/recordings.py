"""Recordings read from the first frame to the last, a little ahead of whoever takes the frames."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import Final, TypeVar

from core.errors import SourceError, SourceUnreadable
from core.sources import Source, open_source
from core.types import Frame

AHEAD: Final = 2  # frames whose faces are looked for while one is read
T = TypeVar("T")
U = TypeVar("U")


def ahead(stack: ExitStack, work: Callable[[T], U], items: Iterator[T]) -> Iterator[U]:
    """Map items in order, in a thread that is a little ahead: faces of the next frame while this one is read."""
    executor = stack.enter_context(ThreadPoolExecutor(1, "ahead"))
    waiting = deque(executor.submit(work, item) for item in islice(items, AHEAD))
    while waiting:
        done = waiting.popleft().result()
        waiting.extend(executor.submit(work, item) for item in islice(items, 1))
        yield done


def open_recorded(spec: str) -> Source:
    """Open a recording, or pictures. SourceError for what is live."""
    source = open_source(spec)
    if source.live:
        source.close()
        raise SourceError(f"analyze reads recordings, and {spec} is a live source. Open it in the window instead.")
    return source


def read_all(source: Source) -> Iterator[Frame | SourceError]:
    """Frames to the end, with errors in their place: after an unreadable picture it goes on, after others it ends."""
    while True:
        try:
            frame = source.read()
        except SourceUnreadable as error:
            yield error
            if not _continues(source):
                return
            continue
        except SourceError as error:
            yield error
            return
        if frame is None:
            return
        yield frame


def _continues(source: Source) -> bool:
    """Whether reading may go on after an unreadable picture: in a folder of pictures."""
    return source.size is None
