"""Methods are compiled in a process of their own, and what goes wrong there is told here."""

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
