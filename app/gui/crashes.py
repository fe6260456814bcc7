"""What nobody caught, in any thread, kept until the window shows it."""

import sys
import threading
import traceback
from collections import deque
from dataclasses import dataclass
from types import TracebackType

MOST = 20  # kept unshown; a loop that fails at 60 Hz must not fill the memory


@dataclass(frozen=True)
class Crash:
    """One uncaught exception: a line for the notice, and everything for the report."""

    summary: str
    details: str


class Crashes:
    """Hooks into Python's last resorts for exceptions; `drain` is called in the GUI thread."""

    def __init__(self) -> None:
        self._caught: deque[Crash] = deque(maxlen=MOST)
        self._before = (sys.excepthook, threading.excepthook)

    def install(self) -> None:
        """Listen from now on. What would have been printed is printed all the same."""
        sys.excepthook = self._in_main
        threading.excepthook = self._in_thread

    def uninstall(self) -> None:
        """Listen no more."""
        sys.excepthook, threading.excepthook = self._before

    def drain(self) -> list[Crash]:
        """Take what was caught since the last call."""
        taken = []
        while self._caught:
            taken.append(self._caught.popleft())
        return taken

    def _in_main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._note(kind, error, trace)
        self._before[0](kind, error, trace)

    def _in_thread(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self._note(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        self._before[1](arguments)

    def _note(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        self._caught.append(Crash(f"{kind.__name__}: {error}", "".join(traceback.format_exception(kind, error, trace))))
