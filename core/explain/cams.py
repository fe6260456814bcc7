"""Class activation maps: what is made of a feature map and the gradient at it, one function per formula.

All take the gradient and the feature map, float32 [batch, channels, rows, columns], and return [batch, rows, columns].
"""

from collections.abc import Callable, Mapping

import onnx_ir as ir

from core.explain.emit import Emitter, dims

Cam = Callable[[Emitter, ir.Value, ir.Value], ir.Value]


def grad_cam(emit: Emitter, gradient: ir.Value, features: ir.Value) -> ir.Value:
    """ReLU of the sum of channels, each weighted by its mean gradient (Selvaraju et al. 2017)."""
    channels, rows, columns = dims(features)
    weights = emit("ReduceMean", gradient, emit.ints(2, 3), keepdims=0)
    flat = emit("Reshape", features, emit.ints(-1, channels, rows * columns))
    weighted = emit("MatMul", emit("Unsqueeze", weights, emit.ints(1)), flat)
    return emit("Relu", emit("Reshape", weighted, emit.ints(-1, rows, columns)))


CAMS: Mapping[str, Cam] = {
    "gradcam": grad_cam,
}
