"""Two names that would shadow somebody else's package, and what the whole tree must keep to."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_no_folder_shadows_a_package():
    """`packaging/__init__.py` would hide the PyPI library, `tests/core/__init__.py` the engine."""
    assert not (ROOT / "packaging" / "__init__.py").exists()
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_file_is_a_catch_all():
    names = {path.stem for folder in ("app", "core", "models") for path in (ROOT / folder).rglob("*.py")}
    assert names.isdisjoint({"utils", "helpers", "common", "manager", "base"})


def test_the_tree_names_no_place_of_one_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    wanted = (".py", ".md", ".toml", ".txt", ".json", ".onnx", "Makefile")
    for name in tracked:
        if name.endswith(wanted) and name != "tests/test_layout.py":
            text = (ROOT / name).read_bytes()
            assert b"/root/" not in text, name
            assert b"/work/" not in text, name
