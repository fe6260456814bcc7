"""Sliding windows along one axis, as small matrices.

A convolution or pool touches a separable set of places, so whatever is spread evenly over its window, or averaged
over it, is a product of one matrix per axis. The matrices are constants of the compiled graph.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import GraphInvalid

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """How a window slides along one axis; `before` and `after` are the padding in places."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    @property
    def span(self) -> int:
        """Places from the first to the last tap."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def tiles(self) -> bool:
        """Whether the windows lie side by side and cover the axis exactly."""
        exact = self.kernel == self.stride and self.dilation == 1 and self.before == self.after == 0
        return exact and self.inputs == self.outputs * self.stride

    def touched(self) -> Matrix:
        """1 where an output's window touches an input: float32 [inputs, outputs]."""
        matrix = np.zeros((self.inputs, self.outputs), np.float32)
        for output in range(self.outputs):
            taps = output * self.stride - self.before + self.dilation * np.arange(self.kernel)
            matrix[taps[(taps >= 0) & (taps < self.inputs)], output] = 1
        return matrix

    def spread(self) -> Matrix:
        """Share of each input in an even spread over the window: [inputs, outputs], columns sum to 1.

        A window that lies in the padding altogether belongs to the nearest input.
        """
        matrix = self.touched()
        for output in np.flatnonzero(matrix.sum(axis=0) == 0):
            matrix[int(np.clip(output * self.stride - self.before, 0, self.inputs - 1)), output] = 1
        return np.asarray(matrix / matrix.sum(axis=0), np.float32)

    def spread_back(self) -> Matrix:
        """The same for the transposed window: share of each output in what an input came from, [outputs, inputs].

        An input that no window touches belongs to the nearest.
        """
        matrix = self.touched().T
        for place in np.flatnonzero(matrix.sum(axis=0) == 0):
            matrix[int(np.clip((place + self.before) // self.stride, 0, self.outputs - 1)), place] = 1
        return np.asarray(matrix / matrix.sum(axis=0), np.float32)

    def average(self, count_padding: bool) -> Matrix:
        """Weights of an average over the window: [inputs, outputs].

        With `count_padding` the padding counts as zeros, but not what lies beyond it (ceil mode).
        """
        matrix = self.touched()
        counts = matrix.sum(axis=0)
        if count_padding:
            start = np.arange(self.outputs) * self.stride - self.before
            taps = start[:, None] + self.dilation * np.arange(self.kernel)
            counts = (taps < self.inputs + self.after).sum(axis=1)
        return np.asarray(matrix / np.maximum(counts, 1), np.float32)


def resolve(
    auto_pad: str, sizes: tuple[int, int], kernel: int, stride: int, dilation: int, pads: tuple[int, int]
) -> Window:
    """Build the window of an ONNX node along one axis; `sizes` are (inputs, outputs)."""
    inputs, outputs = sizes
    before, after = pads
    span = dilation * (kernel - 1) + 1
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        total = max((outputs - 1) * stride + span - inputs, 0)
        before = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
        after = total - before
    elif auto_pad == "VALID":
        before = after = 0
    if min(before, after) < 0:
        raise GraphInvalid("The model pads by a negative amount, which Mienscope does not follow.")
    return Window(inputs, outputs, kernel, stride, dilation, before, after)


def bilinear(coarse: int, fine: int) -> Matrix:
    """Linear interpolation from `coarse` to `fine` places (half-pixel centres, edges repeated): [fine, coarse].

    Columns sum to 1, so every coarse place keeps its sum. Where `fine` is a multiple of `coarse` this is plain
    interpolation divided by the ratio; otherwise the columns differ from it by a few per cent.
    """
    centres = np.clip((np.arange(fine) + 0.5) * coarse / fine - 0.5, 0, coarse - 1)
    low = np.minimum(centres.astype(int), max(coarse - 2, 0))
    matrix = np.zeros((fine, coarse))
    matrix[np.arange(fine), low] += 1 - (centres - low)
    matrix[np.arange(fine), np.minimum(low + 1, coarse - 1)] += centres - low
    return np.asarray(matrix / np.maximum(matrix.sum(axis=0), 1e-12), np.float32)
