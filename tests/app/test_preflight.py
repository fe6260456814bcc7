"""What is missing is said before anything is installed, with the package to install."""

import subprocess
import sys

import pytest

from app import preflight


@pytest.mark.parametrize("version", [(3, 10), (3, 11), (3, 12)])
def test_pythons_that_mediapipe_has_a_build_for_are_taken(version):
    assert preflight.python_problem(version) is None


@pytest.mark.parametrize("version", [(3, 9), (3, 13), (2, 7)])
def test_another_python_is_named_with_the_one_to_install(version):
    problem = preflight.python_problem(version)
    assert f"{version[0]}.{version[1]}" in problem
    assert "apt-get install python3.11" in problem


def test_missing_libraries_are_named_by_their_packages(monkeypatch):
    monkeypatch.setattr(preflight, "loads", lambda library: "icccm" not in library and "keysyms" not in library)
    monkeypatch.setattr(sys, "platform", "linux")
    problem = preflight.library_problem(screen=True)
    assert "apt-get install libxcb-icccm4 libxcb-keysyms1" in problem
    assert preflight.library_problem(screen=False) is None


def test_a_display_is_seen_by_its_variables(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert preflight.has_screen({"DISPLAY": ":0"})
    assert preflight.has_screen({"WAYLAND_DISPLAY": "wayland-0"})
    assert not preflight.has_screen({})


def test_it_runs_as_a_script_without_anything_installed():
    command = [sys.executable, "-S", "-E", preflight.__file__, "--packages"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
