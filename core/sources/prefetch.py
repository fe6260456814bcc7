"""Reading ahead in a thread of its own: nothing is lost, and nothing piles up."""

import threading
from collections import deque
from typing import Final

from core.errors import SourceUnreadable
from core.sources.source import Source
from core.types import Frame

DEPTH: Final = 4


class Prefetch(Source):
    """Another source, read ahead by at most `depth` frames while the caller works on the last one.

    Gives the same frames, errors and end in the same order. Owns the source: closing this closes it.
    """

    def __init__(self, source: Source, depth: int = DEPTH) -> None:
        if depth < 1:
            raise ValueError(f"reading ahead needs room for at least one frame, got {depth}")
        self._source = source
        self._depth = depth
        self.name, self.live, self.seekable = source.name, source.live, source.seekable
        self.fps, self.frame_count, self.size = source.fps, source.frame_count, source.size
        self.start_s, self.duration_s = source.start_s, source.duration_s
        self._changed = threading.Condition()
        self._read: deque[Frame | Exception | None] = deque()
        self._start()

    def _start(self) -> None:
        self._stopping = False
        self._ended = False
        self._thread = threading.Thread(target=self._read_ahead, name=f"prefetch {self.name}", daemon=True)
        self._thread.start()

    def _read_ahead(self) -> None:
        goes_on = True
        while goes_on:
            item: Frame | Exception | None
            try:
                item = self._source.read()
            except Exception as error:  # it is raised again where the caller reads
                item = error
            goes_on = isinstance(item, (Frame, SourceUnreadable))
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or len(self._read) < self._depth)
                if self._stopping:
                    return
                self._read.append(item)
                self._changed.notify_all()

    def read(self) -> Frame | None:
        """Give the next frame, waiting for it; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._read or self._ended)
            if not self._read:
                return None
            item = self._read.popleft()
            self._ended = not isinstance(item, (Frame, SourceUnreadable))
            self._changed.notify_all()
        if isinstance(item, Exception):
            raise item
        return item

    def seek(self, timestamp_s: float) -> None:
        """Make the next `read` give the last frame at or before a time; what was read ahead is dropped."""
        self._stop()
        self._source.seek(timestamp_s)
        self._start()

    def _stop(self) -> None:
        with self._changed:
            self._stopping = self._ended = True
            self._read.clear()
            self._changed.notify_all()
        self._thread.join()

    def close(self) -> None:
        """Stop reading ahead and close the source."""
        self._stop()
        self._source.close()
