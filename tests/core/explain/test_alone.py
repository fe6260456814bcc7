"""The relevance compiler stands on its own: onnx, numpy and ONNX Runtime, and nothing else of this program."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from core.explain import Effort, Explainer, read_method
from tests.core.explain.networks import Scaled, build, pictures, to_onnx

ROOT = Path(__file__).resolve().parents[3]
METHODS = ("gradient", "lrp", "gradcam", "integrated_gradients", "occlusion")
QUICK = Effort(steps=3, samples=3, masks=5, cells=3, patch=0.5)
TABLE = (
    "operator,depth,rule,options\nConv,first,flat,\nlayers,anywhere,epsilon,epsilon=1e-6\nactivations,anywhere,pass,\n"
)
# What numpy, onnx, onnx-ir and onnxruntime name as their requirements, besides each other.
REQUIRED = ("google", "ml_dtypes", "typing_extensions", "sympy", "mpmath", "packaging", "flatbuffers")

ALONE = """
import sys
from pathlib import Path

sys.path.insert(0, {root!r})
ALLOWED = {{"numpy", "onnx", "onnx_ir", "onnxruntime", *{required!r}, *sys.stdlib_module_names}}


class Refusing:
    def find_spec(self, name, path=None, target=None):
        top, *inner = name.split(".")
        if top == "core" and (not inner or inner[0] in ("explain", "errors")):
            return None
        if top in ALLOWED:
            return None
        raise ModuleNotFoundError(f"{{name}} is refused here", name=name)


sys.meta_path.insert(0, Refusing())
for name in ("cv2", "mediapipe", "PySide6", "torch", "av", "pydantic", "core.packs", "core.types", "app"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise AssertionError(f"{{name}} came in")

import numpy as np
from core.explain import Effort, Explainer, read_method
from core.explain.faithfulness import faithfulness
from core.explain.tuned import start_tuned, tuned
import onnxruntime

folder = Path({folder!r})
faces = np.load(folder / "faces.npy")
methods = {{key: key for key in {methods!r}}} | {{"own": read_method({table!r})}}
explainers = {{key: Explainer(folder / "model.onnx", method) for key, method in methods.items()}}
effort = Effort(steps=3, samples=3, masks=5, cells=3, patch=0.5)
maps = {{key: each.explain(faces, effort=effort).relevance for key, each in explainers.items()}}
maps["all_classes"] = explainers["lrp"].all_classes(faces[0])
quick = Explainer(
    folder / "model.onnx", "lrp", session=lambda made: start_tuned(tuned(made), onnxruntime.SessionOptions())
)
maps["tuned"] = quick.explain(faces).relevance
np.savez(folder / "maps.npz", **maps)
"""


def test_a_model_is_compiled_and_explained_where_nothing_else_can_be_imported(tmp_path):
    model, faces = to_onnx(Scaled(build("residual")), (1, 12, 12)), pictures(3, (1, 12, 12))
    (tmp_path / "model.onnx").write_bytes(model)
    np.save(tmp_path / "faces.npy", faces)
    script = ALONE.format(root=str(ROOT), folder=str(tmp_path), required=REQUIRED, methods=METHODS, table=TABLE)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    with np.load(tmp_path / "maps.npz") as found:
        for method in (*METHODS, "own"):
            here = Explainer(model, read_method(TABLE) if method == "own" else method)
            np.testing.assert_array_equal(found[method], here.explain(faces, effort=QUICK).relevance)
        np.testing.assert_array_equal(found["all_classes"], Explainer(model, "lrp").all_classes(faces[0]))
        np.testing.assert_allclose(found["tuned"], found["lrp"], atol=1e-5)


def test_the_contract_that_importing_is_checked_by_names_every_part_of_the_engine():
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[[tool.importlinter.contracts]]")
    (own,) = [each for each in contracts if "the relevance compiler stands on its own" in each]
    parts = {
        path.stem for path in (ROOT / "core").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    others = parts - {"__init__", "errors", "explain"}
    assert {part for part in others if f'"core.{part}"' not in own} == set()
