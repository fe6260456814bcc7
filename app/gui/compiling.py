"""Compiling in a process of its own.

The compiler, and onnx below it, hold Python's lock for long stretches: 0.1 s at a time for a model of 4 MB, 1.5 s for a
ResNet-50, on two cores. In a thread of the window's process no frame could be shown meanwhile.
"""

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from core.errors import ExplainError, PackError
from core.model import Model
from core.packs import Pack, read_pack

NICENESS = 5  # added to ours: the video comes first


class Compiler:
    """The process: started when first needed or by `warm`, and kept, because starting it takes a second or more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def warm(self) -> None:
        """Start the process, so that the first compilation need not wait for it; returns at once."""
        self._running().submit(_nothing)

    def compile(self, pack: Pack, method: str, cache: Path) -> None:
        """Compile a method into the cache and measure its reference for display; returns when both are there.

        ExplainError or PackError where it cannot be.
        """
        try:
            error = self._running().submit(_compile, pack.folder, method, cache).result()
        except BrokenProcessPool as broken:
            self.close()
            raise ExplainError(f"The process that compiles ended while it prepared {method}: {broken}") from broken
        if error is not None:
            raise error

    def close(self) -> None:
        """End the process; it can be started again."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin)
            return self._pool


def _begin() -> None:
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the window's does: killed, it cannot tell anybody to stop."""
    window = multiprocessing.parent_process()
    assert window is not None
    window.join()
    os._exit(0)


def _nothing() -> None:
    """Be there: everything has been imported."""


def _compile(folder: Path, method: str, cache: Path) -> ExplainError | PackError | None:
    """Body of the process. The error is returned, not raised: it must come through whole."""
    try:
        Model(read_pack(folder), provider="cpu", threads=1, cache=cache).reference(method)
    except (ExplainError, PackError) as error:
        return error
    return None
