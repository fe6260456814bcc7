"""OpenCV is used without its hold on Qt."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QT_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")


def imported(path: Path, *, lazily: bool) -> set[str]:
    """Names of the modules that a file imports as it is loaded, and with `lazily` also later."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree) if lazily else tree.body:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return names


def leads_to_opencv(path: Path, files: dict[str, Path]) -> bool:
    """Whether loading a file loads `core.opencv`."""
    known, ahead = set(), imported(path, lazily=False)
    while ahead:
        name = ahead.pop()
        if name == "core.opencv":
            return True
        if name in files and name not in known:
            known.add(name)
            ahead |= imported(files[name], lazily=False)
    return False


def test_every_module_that_uses_opencv_leads_to_the_place_that_frees_qt():
    """A file that is named here has to say `from core.opencv import cv2`."""
    files = {}
    for path in (path for package in ("core", "app", "models") for path in sorted((ROOT / package).rglob("*.py"))):
        parts = path.relative_to(ROOT).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    users = [
        name
        for name, path in files.items()
        if {"cv2", "mediapipe"} & {m.split(".")[0] for m in imported(path, lazily=True)}
    ]
    assert "core.opencv" in users
    lost = [name for name in users if name != "core.opencv" and not leads_to_opencv(files[name], files)]
    assert lost == []


def environment_after(statements: str, **environment: str) -> str:
    """Run statements in a fresh interpreter and give what stands in Qt's variables then."""
    program = f"{statements}; import os; print([os.environ.get(name) for name in {QT_VARIABLES}])"
    clean = {name: value for name, value in os.environ.items() if name not in QT_VARIABLES} | environment
    done = subprocess.run(
        [sys.executable, "-c", program], env=clean, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "statements",
    [
        "import core.types",
        "import core.sources",
        "import core.engine",
        "import cv2, core.types",
        "import core.opencv, cv2",
    ],
)
def test_a_window_finds_its_own_qt_after_our_imports_even_if_somebody_else_imported_cv2_before(statements):
    assert environment_after(statements) == "[None, None]"


def test_what_a_person_set_for_qt_is_kept():
    kept = environment_after("import core.types", QT_QPA_PLATFORM_PLUGIN_PATH="/opt/qt/plugins")
    assert kept == "['/opt/qt/plugins', None]"


def platform_of_a_window(before: str) -> str:
    """Open Qt on a virtual X server after some statement; give Qt's platform, or "" where Qt cannot start."""
    program = f"{before}; from PySide6.QtWidgets import QApplication; print(QApplication([]).platformName())"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QT_")} | {
        "QT_QPA_PLATFORM": "xcb"
    }
    command = ["xvfb-run", "-a", sys.executable, "-c", program]
    return subprocess.run(command, env=clean, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs xvfb-run, a virtual X server")
def test_a_real_window_opens_on_an_x_server_after_our_imports():
    if platform_of_a_window("pass") != "xcb":
        pytest.skip("Qt itself does not start on this X server: a system library is missing")
    assert platform_of_a_window("import core.engine") == "xcb"
