"""Compiling in a process of its own.

The compiler, and onnx below it, hold Python's lock for long stretches: 1.5 s at a time for a ResNet-50 on two cores.
In a thread of the window's process no frame could be shown meanwhile.
"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from core.errors import ExplainError, PackError
from core.model import Model
from core.packs import Pack, read_pack

NICENESS = 5  # added to ours: the video comes first


def compile_aside(pack: Pack, method: str, cache: Path) -> None:
    """Compile a method into the cache; returns when it is there. ExplainError where it cannot be compiled."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _step_back) as pool:
        error = pool.submit(_compile, pack.folder, method, cache).result()
    if error is not None:
        raise error


def _step_back() -> None:
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def _compile(folder: Path, method: str, cache: Path) -> ExplainError | PackError | None:
    """Body of the process. The error is returned, not raised: it must come through whole."""
    try:
        Model(read_pack(folder), provider="cpu", threads=1, cache=cache).explainer(method)
    except (ExplainError, PackError) as error:
        return error
    return None
