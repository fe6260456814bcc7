"""Methods are compiled in a process of their own, and what goes wrong there is told here."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from app.gui.compiling import Compiler
from core.errors import PackHashMismatch
from core.model import Model
from tests.packs_made import make_colour_pack


@pytest.fixture
def compiler():
    made = Compiler()
    yield made
    made.close()


def test_what_another_process_compiled_lies_in_the_cache(compiler, colour_pack, tmp_path):
    model = Model(colour_pack, provider="cpu", cache=tmp_path)
    assert not model.sessions.is_kept("gradcam")
    compiler.warm()
    compiler.compile(colour_pack, "gradcam", tmp_path)
    assert model.sessions.is_kept("gradcam")
    assert not model.sessions.is_kept("lrp")


def test_an_error_comes_through_whole(compiler, tmp_path):
    pack = make_colour_pack(tmp_path)
    with (pack.folder / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(PackHashMismatch, match=r"model\.onnx is not the file"):
        compiler.compile(pack, "gradcam", tmp_path)


WINDOW = """
import sys, time
from app.gui.compiling import Compiler

if __name__ == "__main__":
    compiler = Compiler()
    compiler.warm()
    (process,) = compiler._running()._processes
    print(process, flush=True)
    time.sleep(60)
"""


def test_the_process_ends_with_a_window_that_was_killed(tmp_path):
    script = tmp_path / "window.py"
    script.write_text(WINDOW)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    window = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert window.stdout is not None
        compiler = psutil.Process(int(window.stdout.readline()))
        assert compiler.is_running()
    finally:
        window.kill()
        window.wait()
        window.stdout.close()
    compiler.wait(timeout=30)
