"""A compiled graph in a session: pictures and seeds in, named arrays out, in batches of few sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.explain.graph import CHANNELS

Array = NDArray[Any]
Floats = NDArray[np.float32]

# ONNX Runtime's memory grows with every new batch shape, so batches are padded to one of these.
BATCHES: Final = (1, 2, 4, 8, 16)
DTYPES: Final = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}


class Session(Protocol):
    """What is used of ONNX Runtime's InferenceSession."""

    def get_inputs(self) -> Sequence[Any]:
        """Inputs with `name`, `shape` and `type`."""

    def get_outputs(self) -> Sequence[Any]:
        """Outputs with `name`, `shape` and `type`."""

    def run(self, outputs: Sequence[str], feeds: Mapping[str, Array]) -> Sequence[Array]:
        """Compute outputs by name."""


def run_in_batches(
    session: Session, feeds: Mapping[str, Array], outputs: Sequence[str], fixed: int | None = None
) -> list[Array]:
    """Run in padded batches; give arrays with one row per row of the longest feed.

    A feed of one row beside longer ones belongs to all rows, and the graph computes once what depends on it alone.
    `fixed` is the only batch that the graph takes.
    """
    count = max(len(values) for values in feeds.values())
    sizes = BATCHES if fixed is None else (fixed,)
    parts = []
    for start in range(0, count, sizes[-1]):
        real = min(count - start, sizes[-1])
        size = next(size for size in sizes if size >= real)
        padded = {
            name: values if len(values) == 1 and fixed is None else _rows(values, start, real, size)
            for name, values in feeds.items()
        }
        found = session.run(outputs, padded)
        parts.append([values[:real] if len(values) >= real else np.repeat(values, real, axis=0) for values in found])
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)] if len(parts) > 1 else list(parts[0])


def _rows(values: Array, start: int, real: int, size: int) -> Array:
    """Return some rows, and the last one again up to the size."""
    part = np.repeat(values, real, axis=0) if len(values) == 1 else values[start : start + real]
    return part if real == size else np.concatenate([part, np.repeat(part[-1:], size - real, axis=0)])


@dataclass(frozen=True)
class Layout:
    """Where a picture's axes lie: `sizes` without the batch, rows and columns, and channels before or after or none."""

    sizes: tuple[int, ...]

    @property
    def channel_axis(self) -> int | None:
        """Axis of the channels, the batch being axis 0."""
        if len(self.sizes) == 2:
            return None
        return 1 if self.sizes[0] in CHANNELS else 3

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, px."""
        height, width = [n for axis, n in enumerate(self.sizes, start=1) if axis != self.channel_axis]
        return height, width

    @property
    def place_axes(self) -> tuple[int, int]:
        """Axes of rows and columns, the batch being axis 0."""
        return (2, 3) if self.channel_axis == 1 else (1, 2)

    def pixels(self, values: Array) -> Array:
        """Sum over the channels: [n, height, width]."""
        return values if self.channel_axis is None else values.sum(axis=self.channel_axis)

    def beside(self, maps: Array) -> Array:
        """Give maps [n, height, width] an axis for the channels."""
        return maps if self.channel_axis is None else np.expand_dims(maps, self.channel_axis)


class Runs:
    """One session of a compiled graph."""

    def __init__(self, session: Session) -> None:
        self.session = session
        inputs = {each.name: each for each in session.get_inputs()}
        self.classes = int(inputs.pop("seed").shape[1])
        inputs.pop("contrast")
        (self._face,) = inputs.values()
        self.outputs = tuple(each.name for each in session.get_outputs())
        self.fixed = self._face.shape[0] if isinstance(self._face.shape[0], int) else None
        self.layout = Layout(tuple(int(size) for size in self._face.shape[1:]))
        self.dtype = np.dtype(DTYPES.get(self._face.type, self._face.type.removeprefix("tensor(").removesuffix(")")))

    def __call__(self, pictures: Array, seed: Floats, contrast: Floats | None = None) -> dict[str, Floats]:
        """Return every output by name; pictures [n, ...] and seed [n, classes], or pictures with one row for all."""
        if contrast is None:
            contrast = np.zeros(len(seed), np.float32)
        feeds = {self._face.name: pictures, "seed": seed, "contrast": contrast}
        return dict(zip(self.outputs, run_in_batches(self.session, feeds, self.outputs, self.fixed), strict=True))

    def logits(self, pictures: Array) -> Floats:
        """Logits float32 [n, classes]. ONNX Runtime leaves nothing out: a backward pass in the graph runs too."""
        return self(pictures, np.zeros((len(pictures), self.classes), np.float32))["logits"]
