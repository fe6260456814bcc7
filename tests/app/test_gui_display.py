"""The window opens under a real X server, whatever OpenCV did to Qt's environment; the binding keeps its counts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPEN_A_WINDOW = """
from core.opencv import cv2
from PySide6.QtWidgets import QApplication, QLabel
application = QApplication([])
label = QLabel("face")
label.show()
application.processEvents()
print(cv2.__version__, application.platformName(), label.isVisible())
"""
COUNT_NONE = """
import sys
from PySide6.QtCore import QObject
thing = QObject()
before = sys.getrefcount(None)
for _ in range(1000):
    thing.setObjectName("x")
print(before - sys.getrefcount(None))
"""


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs a virtual X server: apt-get install xvfb")
def test_importing_opencv_does_not_break_qt_under_x():
    environment = {key: value for key, value in os.environ.items() if not key.startswith("QT_QPA")}
    command = ["xvfb-run", "-a", sys.executable, "-c", OPEN_A_WINDOW]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"QT_QPA_PLATFORM": "xcb"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == ["xcb", "True"]


def test_calls_into_qt_do_not_wear_none_out():
    """PySide6 6.12.0 takes a reference to None with every call on Python before 3.12, until the process aborts."""
    done = subprocess.run([sys.executable, "-c", COUNT_NONE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100
