"""``mienscope doctor``: what works on this machine, each line found out by trying."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal

from app import paths, preflight
from core import __version__
from core.errors import MienscopeError

LIBRARIES: Final = (
    "numpy",
    "opencv-contrib-python",
    "mediapipe",
    "onnxruntime-gpu",
    "onnxruntime",
    "PySide6-Essentials",
    "pyqtgraph",
    "av",
)
State = Literal["works", "warning", "fails"]


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    state: State
    detail: str


def examine() -> Iterator[Finding]:
    """Try everything, one finding after the other."""
    yield Finding("Mienscope", "works", f"{__version__} on Python {platform.python_version()}, {platform.platform()}")
    for problem in (preflight.python_problem(), preflight.library_problem(preflight.has_screen())):
        if problem:
            yield Finding("system", "fails", problem)
    yield Finding("libraries", "works", ", ".join(_versions()))
    for what, check in (
        ("model pack", _pack),
        ("acceleration", _acceleration),
        ("faces", _faces),
        ("blendshapes", _blendshapes),
        ("cameras", _cameras),
        ("display", _display),
        ("folders", _folders),
    ):
        yield _tried(what, check)


def _tried(what: str, check: Callable[[], tuple[State, str]]) -> Finding:
    try:
        return Finding(what, *check())
    except (MienscopeError, OSError, ImportError, RuntimeError) as error:
        return Finding(what, "fails", str(error))


def _versions() -> Iterator[str]:
    for name in LIBRARIES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


def _pack() -> tuple[State, str]:
    from app.packs import check_golden
    from core.packs import DEFAULT_PACK, find_pack

    pack = find_pack(DEFAULT_PACK)
    gap = check_golden(pack)
    return "works", f"{pack.id} {pack.manifest.version}, golden outputs reproduced to {gap:.1e}"


def _acceleration() -> tuple[State, str]:
    import onnxruntime

    from core.model import Model
    from core.packs import DEFAULT_PACK, find_pack

    listed = [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]
    running = Model(find_pack(DEFAULT_PACK)).provider.removesuffix("ExecutionProvider")
    detail = f"models run on {running}; this build lists {', '.join(listed)}"
    # A GPU build lists CUDA on every machine; only a session tells what really runs.
    wanted = "CUDA" in listed and running == "CPU"
    return (
        ("warning", f"{detail}: no usable GPU was found, everything works on the CPU") if wanted else ("works", detail)
    )


def _faces() -> tuple[State, str]:
    from core.faces import FaceFinder
    from core.sources import open_source

    with open_source("demo") as source:
        frame = source.read()
    if frame is None:
        return "fails", "the demo clip has no frame"
    finder = FaceFinder()
    count = len(finder.find(frame.image))
    finder.close()
    return ("works" if count == 1 else "fails"), f"{count} face found on the demo clip"


def _blendshapes() -> tuple[State, str]:
    from core.landmarker import Landmarker

    path = paths.face_landmarker()
    if not path.exists():
        return "works", f"none: the second opinion on action units needs MediaPipe's {path.name} at {path}"
    landmarker = Landmarker(path)
    landmarker.open()
    landmarker.close()
    return "works", f"MediaPipe's {path.name} is at {path}"


def _cameras() -> tuple[State, str]:
    from core.sources import cameras

    found = [camera.name for camera in cameras()]
    return ("works", ", ".join(found)) if found else ("warning", "none found; files, streams and the demo clip work")


def _display() -> tuple[State, str]:
    if preflight.has_screen():
        return "works", "a window can be opened"
    return "warning", "no display; `mienscope analyze` and `mienscope explain` work without"


def _folders() -> tuple[State, str]:
    for folder in (paths.data_folder(), paths.settings_file().parent):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    return "works", f"settings in {paths.settings_file().parent}, data in {paths.data_folder()}"


def as_rows(findings: list[Finding]) -> list[dict[str, str]]:
    """For ``--json``."""
    return [asdict(finding) for finding in findings]
