"""What this machine lacks, said before anything is installed.

Standard library only, and runnable as a script with any Python from 3.7: `make` starts it first, `mienscope doctor`
later.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

OLDEST, NEWEST = (3, 10), (3, 12)

# Shared library -> (Debian or Ubuntu package, Fedora package). The first table is needed by OpenCV and Qt whatever the
# screen; the second by Qt's xcb plugin, whose own message blames xcb-cursor for whatever is missing. On a bare
# Debian 12 it is libxcb-icccm4 and libxcb-keysyms1.
ALWAYS = {
    "libGL.so.1": ("libgl1", "mesa-libGL"),
    "libEGL.so.1": ("libegl1", "mesa-libEGL"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
}
SCREEN = {
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb"),
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11"),
}


def python_problem(version: tuple[int, ...] = sys.version_info[:2]) -> str | None:
    """One sentence when this Python cannot run Mienscope, else None."""
    if OLDEST <= tuple(version) <= NEWEST:
        return None
    return (
        "Mienscope needs Python 3.10, 3.11 or 3.12, because MediaPipe has no build for others; "
        f"this is Python {version[0]}.{version[1]}. "
        "Install one (Debian and Ubuntu: apt-get install python3.11 python3.11-venv) and name it: "
        "make PYTHON=python3.11 run"
    )


def venv_problem() -> str | None:
    """One sentence when virtual environments cannot be made, else None."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        return f"Python's venv module is missing. Debian and Ubuntu: apt-get install {package}"
    return None


def loads(library: str) -> bool:
    """Whether the system's loader finds a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def has_screen(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a window can be opened here: always on Windows and macOS, with a display server elsewhere."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def missing_packages(screen: bool) -> list[tuple[str, str]]:
    """Packages to install, as pairs (Debian, Fedora), for the libraries that do not load on this Linux machine."""
    if not sys.platform.startswith("linux"):
        return []
    wanted = dict(ALWAYS, **SCREEN) if screen else ALWAYS
    return sorted({packages for library, packages in wanted.items() if not loads(library)})


def library_problem(screen: bool) -> str | None:
    """One sentence naming the packages to install, or None when nothing is missing."""
    missing = missing_packages(screen)
    if not missing:
        return None
    debian, fedora = (" ".join(sorted({pair[i] for pair in missing})) for i in (0, 1))
    purpose = "the window and OpenCV need" if screen else "OpenCV and Qt need"
    return (
        f"System libraries that {purpose} are missing. "
        f"Debian and Ubuntu: apt-get install {debian}   Fedora: dnf install {fedora}"
    )


def main(arguments: list[str]) -> int:
    """Print what is missing and return 1, or return 0. ``--packages`` prints the Debian packages alone."""
    if "--packages" in arguments:
        print(" ".join(sorted({debian for debian, _ in missing_packages(screen=True)})))  # noqa: T201
        return 0
    problems = [python_problem(), venv_problem(), library_problem(has_screen())]
    for problem in filter(None, problems):
        sys.stderr.write(problem + "\n")
    return int(any(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
