"""Class activation maps: what is made of a feature map and the gradient at it, one function per formula.

All take the gradient and the feature map A, float32 [batch, channels, rows, columns], and return [batch, rows,
columns]. The gradient's batch may be larger than the feature map's: several seeds of one picture. Maps that are zero
everywhere stay zero: nothing is divided by a largest value.
"""

from collections.abc import Callable, Mapping

import onnx_ir as ir

from core.explain.emit import Emitter, dims, stabilised

Cam = Callable[[Emitter, ir.Value, ir.Value], ir.Value]

SQUARINGS = 12  # of the Gram matrix: a second component of 99 % of the first one's variance is down to 1e-18
TINY = 1e-30  # added to divisors that are zero only where what is divided is zero too
SUM_EPSILON = 1e-7  # of the sum of a channel, whose sign may be any


def grad_cam(emit: Emitter, gradient: ir.Value, features: ir.Value) -> ir.Value:
    """ReLU of the sum of channels, each weighted by its mean gradient (Selvaraju et al. 2017)."""
    weights = emit("ReduceMean", gradient, emit.ints(2, 3), keepdims=0)
    return emit("Relu", _weighted(emit, weights, features))


def grad_cam_plus_plus(emit: Emitter, gradient: ir.Value, features: ir.Value) -> ir.Value:
    """Sum channels weighted by sum(alpha ReLU(g)), alpha = g^2 / (2 g^2 + g^3 sum(A)) (Chattopadhay et al. 2018, 19).

    The paper's exp(score) is left out: a positive factor of the whole map. ``alpha ReLU(g)`` is written as
    ``ReLU(g) / (2 + ReLU(g) sum(A))``, which is the same and does not underflow.
    """
    positive = emit("Relu", gradient)
    sums = emit("ReduceSum", features, emit.ints(2, 3), keepdims=1)
    divisor = emit("Add", emit("Mul", positive, sums), emit.constant(2.0))
    weights = emit("Div", positive, stabilised(emit, divisor, SUM_EPSILON))
    return emit("Relu", _weighted(emit, emit("ReduceSum", weights, emit.ints(2, 3), keepdims=0), features))


def hires_cam(emit: Emitter, gradient: ir.Value, features: ir.Value) -> ir.Value:
    """Sum of gradient times activation over the channels; signed (Draelos & Carin 2020)."""
    return emit("ReduceSum", emit("Mul", gradient, features), emit.ints(1), keepdims=0)


def layer_cam(emit: Emitter, gradient: ir.Value, features: ir.Value) -> ir.Value:
    """ReLU of the sum of channels, each place weighted by its positive gradient (Jiang et al. 2021)."""
    return emit("Relu", hires_cam(emit, emit("Relu", gradient), features))


def xgrad_cam(emit: Emitter, gradient: ir.Value, features: ir.Value) -> ir.Value:
    """ReLU of the sum of channels, weighted by the gradient's mean over the activation (Fu et al. 2020).

    ``w = sum(g A) / sum(A)``: the channel keeps its gradient times activation.
    """
    kept = emit("ReduceSum", emit("Mul", gradient, features), emit.ints(2, 3), keepdims=0)
    sums = emit("ReduceSum", features, emit.ints(2, 3), keepdims=0)
    return emit("Relu", _weighted(emit, emit("Div", kept, stabilised(emit, sums, SUM_EPSILON)), features))


def eigen_cam(emit: Emitter, gradient: ir.Value, features: ir.Value) -> ir.Value:
    """The feature map projected on its first principal component (Muhammad & Yeasin 2020).

    No class takes part; `gradient` is zeros [batch, 1, 1, 1], which tell how many seeds there are. As in the paper
    nothing is centred, so that for activations without negative values the component has one sign; else the sign is
    chosen so that the map's sum is not negative.
    """
    channels, rows, columns = dims(features)
    flat = emit("Reshape", features, emit.ints(-1, channels, rows * columns))
    turned = emit("Transpose", flat, perm=[0, 2, 1])
    if rows * columns <= channels:  # the component over the places; its length is the singular value
        places = _first_eigenvector(emit, emit("MatMul", turned, flat), rows * columns)
        length = emit("ReduceL2", emit("MatMul", flat, places), emit.ints(1), keepdims=1)
        projected = emit("Mul", places, length)
    else:
        projected = emit("MatMul", turned, _first_eigenvector(emit, emit("MatMul", flat, turned), channels))
    negative = emit("Less", emit("ReduceSum", projected, emit.ints(1), keepdims=1), emit.constant(0.0))
    upright = emit("Where", negative, emit("Neg", projected), projected)
    return emit("Add", emit("Reshape", upright, emit.ints(-1, rows, columns)), emit("Squeeze", gradient, emit.ints(3)))


def _weighted(emit: Emitter, weights: ir.Value, features: ir.Value) -> ir.Value:
    """Sum of the channels with weights [batch, channels]: [batch, rows, columns]."""
    channels, rows, columns = dims(features)
    flat = emit("Reshape", features, emit.ints(-1, channels, rows * columns))
    weighted = emit("MatMul", emit("Unsqueeze", weights, emit.ints(1)), flat)
    return emit("Reshape", weighted, emit.ints(-1, rows, columns))


def _first_eigenvector(emit: Emitter, gram: ir.Value, size: int) -> ir.Value:
    """Unit eigenvector [batch, size, 1] of the largest eigenvalue of a Gram matrix [batch, size, size].

    Squared again and again the matrix becomes ``u u^T``; scaled in between by its Frobenius norm, which for such a
    matrix lies between the largest entry and the trace. A zero matrix gives zeros.
    """
    tiny = emit.constant(TINY)
    for count in range(SQUARINGS + 1):
        norm = emit("ReduceL2", gram, emit.ints(1, 2), keepdims=1)
        gram = emit("Div", gram, emit("Add", norm, tiny))
        gram = emit("MatMul", gram, gram) if count < SQUARINGS else gram
    lengths = emit("ReduceSumSquare", gram, emit.ints(1), keepdims=0)
    longest = emit("ArgMax", lengths, axis=1, keepdims=1)  # one column: ties may be of opposite sign
    one = emit("OneHot", longest, emit.ints(size), emit.constant([0.0, 1.0]), axis=1)
    column = emit("MatMul", gram, one)
    return emit("Div", column, emit("Add", emit("ReduceL2", column, emit.ints(1), keepdims=1), tiny))


CAMS: Mapping[str, Cam] = {
    "gradcam": grad_cam,
    "gradcam_plus_plus": grad_cam_plus_plus,
    "hirescam": hires_cam,
    "layercam": layer_cam,
    "xgradcam": xgrad_cam,
    "eigencam": eigen_cam,
}
