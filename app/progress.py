"""Progress of long work: a bar on a terminal, a plain line now and then otherwise. Always on standard error."""

import sys
import time
from collections.abc import Callable
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

PLAIN_EVERY_S: Final = 5.0  # between two lines where there is no terminal
Tick = Callable[[int, int | None], None]


class Progress:
    """Progress of one job, as a context that gives a function to call with what is done, and of how much.

    Parameters
    ----------
    name
        Of the job.
    unit
        What is counted, in the plural.
    """

    def __init__(self, name: str, unit: str) -> None:
        self._name, self._unit = name, unit
        self._next_s = time.monotonic() + PLAIN_EVERY_S
        self._bar: Bar | None = None

    def __enter__(self) -> Tick:
        if not sys.stderr.isatty():
            return self._line
        from rich.console import Console

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._name, total=None)
        self._bar.start()
        return self._advance

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _advance(self, done: int, total: int | None) -> None:
        assert self._bar is not None
        self._bar.update(self._task, completed=done, total=total)

    def _line(self, done: int, total: int | None) -> None:
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + PLAIN_EVERY_S
            sys.stderr.write(f"{self._name}: {done} of {total or '?'} {self._unit}\n")
