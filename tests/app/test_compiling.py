"""Large models are compiled in a process of their own, and what goes wrong there is told here."""

import pytest

from app.gui.compiling import compile_aside
from core.errors import PackHashMismatch
from core.model import Model
from tests.packs_made import make_colour_pack


def test_what_another_process_compiled_lies_in_the_cache(colour_pack, tmp_path):
    model = Model(colour_pack, provider="cpu", cache=tmp_path)
    assert not model.is_compiled("gradcam")
    compile_aside(colour_pack, "gradcam", tmp_path)
    assert model.is_compiled("gradcam")
    assert not model.is_compiled("lrp")


def test_an_error_comes_through_whole(tmp_path):
    pack = make_colour_pack(tmp_path)
    with (pack.folder / "model.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(PackHashMismatch, match=r"model\.onnx is not the file"):
        compile_aside(pack, "gradcam", tmp_path)
