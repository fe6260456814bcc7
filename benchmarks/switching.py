"""Gaps between shown frames while packs and methods change: ``python benchmarks/switching.py [--pack NAME]``.

Opens the real window on the demo clip, which plays at its own 30 frames/s, with an empty cache of compiled explainers;
lets it run, then chooses every method of the shipped pack one after the other, then every other pack given, each with
the methods named. Prints for each stretch the longest time between two painted frames, and what the costliest frame
took the engine. For a machine without a screen: ``QT_QPA_PLATFORM=offscreen`` or ``xvfb-run``.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from app import packs
from app.gui.live_session import backend
from app.gui.window import Places, Window
from app.settings import Settings
from core.explain import METHODS
from core.packs import DEFAULT_PACK, read_pack
from core.types import Result


class Watch:
    """Times of the frames that reached the screen, and how many results came without any picture."""

    def __init__(self, window: Window) -> None:
        self.times_s: list[float] = []
        self.frames_ms: list[float] = []
        self._last: tuple[float, int] | None = None
        window.page.stage.painted.connect(self._painted)

    def _painted(self, result: Result) -> None:
        key = (result.frame.captured_s, result.frame.index)
        if key != self._last:
            self._last = key
            self.times_s.append(time.monotonic())
            self.frames_ms.append(1000 * sum(result.stages_s.values()))

    def longest_ms(self, since_s: float, until_s: float) -> float:
        """Longest time without a new picture between two times, from the last before to the first after."""
        before = max((t for t in self.times_s if t <= since_s), default=since_s)
        after = min((t for t in self.times_s if t >= until_s), default=until_s)
        times = [before, *(t for t in self.times_s if since_s < t < until_s), after]
        return 1000 * max(b - a for a, b in pairwise(times))


def run_for(seconds: float) -> None:
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def wait_until(condition: Callable[[], bool], limit_s: float = 120.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline_s:
            sys.exit("it did not come to that")
        run_for(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", action="append", default=[], help="another pack, by id or folder; may be repeated")
    parser.add_argument("--method", action="append", help="methods to try (default: all)")
    parser.add_argument("--source", default="demo", help="what to show, for example a long video of several faces")
    parser.add_argument("--settle", type=float, default=1.0, help="seconds watched after each exchange")
    chosen = parser.parse_args()
    others = [packs.find(name).folder for name in chosen.pack]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = os.environ["XDG_CONFIG_HOME"] = folder  # nothing compiled is there yet
        for other in others:
            shutil.copytree(other, packs.imported_folder() / read_pack(other).id)
        names = [read_pack(other).id for other in others]
        measure(names, chosen.method or list(METHODS), chosen.settle, Path(folder), chosen.source)


def measure(others: list[str], methods: list[str], settle_s: float, folder: Path, source: str) -> None:
    application = QApplication(sys.argv[:1])
    window = Window(backend(), Settings(explain_every="auto"), Places(folder / "settings.json", folder))
    watch = Watch(window)
    window.show()
    window.start(source)
    wait_until(lambda: len(watch.times_s) > 60)
    began_s = time.monotonic()
    run_for(3.0)
    print(f"{'undisturbed':34} longest gap {watch.longest_ms(began_s, time.monotonic()):6.0f} ms")
    worst = 0.0
    for pack in (None, *others, None):
        for method in methods if (pack or worst == 0) else methods[:1]:
            worst = max(worst, exchange(window, watch, pack, method, settle_s))
    print(f"longest of all: {worst:.0f} ms; dropped {window.player.status.dropped} frames")
    window.close()
    application.quit()


def exchange(window: Window, watch: Watch, pack: str | None, method: str, settle_s: float) -> float:
    before = {notice.text for notice in window.page.notices.messages}
    watch.frames_ms.clear()
    began_s = time.monotonic()
    window.choices.change(pack=pack, method=method)
    wait_until(lambda: window.exchange.wanted is None)
    ready_s = time.monotonic()
    run_for(settle_s)
    gap_ms = watch.longest_ms(began_s, time.monotonic())
    settled_s = time.monotonic()
    run_for(settle_s)
    steady_ms = watch.longest_ms(settled_s, time.monotonic())
    refused = [notice.text for notice in window.page.notices.messages if notice.topic == "unprepared"]
    said = f"  refused: {refused[0][:70]}" if refused and refused[0] not in before else ""
    name = f"{pack or DEFAULT_PACK}, {method}"
    print(
        f"{name:34} longest gap {gap_ms:6.0f} ms, in the second after {steady_ms:4.0f} ms, "
        f"{len(window.page.result.faces)} faces, costliest frame {max(watch.frames_ms):4.0f} ms, "
        f"ready after {1000 * (ready_s - began_s):6.0f} ms{said}",
        flush=True,
    )
    window.page.notices.drop("unprepared")
    return gap_ms


if __name__ == "__main__":
    main()
