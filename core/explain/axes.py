"""Linear maps along single axes: constant matrices [inputs, outputs], and how they are applied on the way back."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx_ir as ir

from core.explain.emit import Array, Emitter
from core.explain.windows import Matrix


def spread(emit: Emitter, values: ir.Value, sizes: Sequence[int], axis: int, matrix: Array) -> ir.Value:
    """Take one axis of values back through a matrix [inputs, outputs]. The values' `sizes` have -1 for the batch."""
    before, outputs, after = sizes[:axis], sizes[axis], sizes[axis + 1 :]
    inputs = matrix.shape[0]
    if not after:
        return emit("MatMul", values, emit.constant(np.ascontiguousarray(matrix.T)))
    if len(after) == 1:
        return emit("MatMul", emit.constant(matrix), values)
    flat = emit("Reshape", values, emit.ints(*before, outputs, -1 if -1 in after else math.prod(after)))
    wide = emit("MatMul", emit.constant(matrix), flat)
    return emit("Reshape", wide, emit.ints(*before, inputs, *after))


def selection(inputs: int, chosen: Sequence[int]) -> Matrix:
    """Return the matrix of an axis of which each output is one input: [inputs, outputs]."""
    matrix = np.zeros((inputs, len(chosen)), np.float32)
    matrix[np.asarray(chosen, int), np.arange(len(chosen))] = 1
    return matrix


def _half_pixel(place: Array, scale: float, _: tuple[int, int]) -> Array:
    return np.asarray((place + 0.5) / scale - 0.5)


def _symmetric(place: Array, scale: float, sizes: tuple[int, int]) -> Array:
    inputs, outputs = sizes
    adjustment = outputs / (scale * inputs)
    return np.asarray(inputs / 2 * (1 - adjustment) + (place + 0.5) / scale - 0.5)


def _pytorch(place: Array, scale: float, sizes: tuple[int, int]) -> Array:
    return _half_pixel(place, scale, sizes) if sizes[1] > 1 else np.zeros_like(place)


def _corners(place: Array, _: float, sizes: tuple[int, int]) -> Array:
    return np.asarray(place * (sizes[0] - 1) / (sizes[1] - 1)) if sizes[1] > 1 else np.zeros_like(place)


# Where in the input an output's place lies: ONNX, Resize, coordinate_transformation_mode.
PLACES: Mapping[str, Callable[[Array, float, tuple[int, int]], Array]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": _pytorch,
    "align_corners": _corners,
    "asymmetric": lambda place, scale, _: np.asarray(place / scale),
}
# Which input is the nearest: ONNX, Resize, nearest_mode.
ROUNDINGS: Mapping[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda place: np.ceil(place - 0.5),
    "round_prefer_ceil": lambda place: np.floor(place + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def nearest(sizes: tuple[int, int], scale: float, places: str, rounding: str) -> Matrix:
    """Return the matrix of a nearest-neighbour resize of one axis: [inputs, outputs]."""
    inputs, outputs = sizes
    where = PLACES[places](np.arange(outputs, dtype=np.float64), scale, sizes)
    return selection(inputs, np.clip(ROUNDINGS[rounding](where), 0, inputs - 1).astype(int).tolist())


def linear(sizes: tuple[int, int], scale: float, places: str) -> Matrix:
    """Return the matrix of a linear resize of one axis, the edge repeated: [inputs, outputs]."""
    inputs, outputs = sizes
    where = PLACES[places](np.arange(outputs, dtype=np.float64), scale, sizes)
    low = np.floor(where)
    matrix = np.zeros((inputs, outputs))
    for tap, weight in ((low, 1 - (where - low)), (low + 1, where - low)):
        np.add.at(matrix, (np.clip(tap, 0, inputs - 1).astype(int), np.arange(outputs)), weight)
    return matrix.astype(np.float32)


def cubic(sizes: tuple[int, int], scale: float, places: str, sharpness: float) -> Matrix:
    """Return the matrix of a cubic resize of one axis (Keys 1981), the edge repeated: [inputs, outputs]."""
    inputs, outputs = sizes
    where = PLACES[places](np.arange(outputs, dtype=np.float64), scale, sizes)
    low = np.floor(where)
    matrix = np.zeros((inputs, outputs))
    for step in (-1, 0, 1, 2):
        distance = np.abs(where - low - step)
        near = (sharpness + 2) * distance**3 - (sharpness + 3) * distance**2 + 1
        far = sharpness * (distance**3 - 5 * distance**2 + 8 * distance - 4)
        taps = np.clip(low + step, 0, inputs - 1).astype(int)
        np.add.at(matrix, (taps, np.arange(outputs)), np.where(distance <= 1, near, far))
    return matrix.astype(np.float32)
