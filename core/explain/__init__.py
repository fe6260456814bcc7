"""The relevance compiler: any ONNX classifier in, an ONNX explainer out.

Stands on its own: onnx, onnx-ir and numpy, nothing of video. `compile_explainer` makes the graph, `Explainer` makes and
runs it (with ONNX Runtime); `rules` is the theory.
"""

from core.explain.compiler import COMPILER_VERSION, compile_explainer
from core.explain.composite_file import read_composite, read_method
from core.explain.effort import LIVE, THOROUGH, Effort
from core.explain.explainer import Attribution, Explainer
from core.explain.methods import METHODS, Method

__all__ = [
    "COMPILER_VERSION",
    "LIVE",
    "METHODS",
    "THOROUGH",
    "Attribution",
    "Effort",
    "Explainer",
    "Method",
    "compile_explainer",
    "read_composite",
    "read_method",
]
