"""A model from outside, as its file states itself: what it takes, in which layout, and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from core.errors import PackInvalid, UnknownName
from core.explain.trust import FILE_LIMIT, survey
from core.explain.upgrade import first_line
from core.geometry import Floats

Layout = Literal["channels first", "channels last", "no channels"]
Array = NDArray[Any]
TYPES: Mapping[int, np.dtype[Any]] = {
    onnx.TensorProto.UINT8: np.dtype(np.uint8),
    onnx.TensorProto.FLOAT: np.dtype(np.float32),
    onnx.TensorProto.FLOAT16: np.dtype(np.float16),
}
CHANNELS = (1, 3)


@dataclass(frozen=True)
class Foreign:
    """A model file and its one picture input.

    Attributes
    ----------
    content
        The file's bytes.
    input_name
        Of the picture input.
    layout
        Where the channels stand.
    channels
        1 or 3.
    size
        Side of the picture, px; None where the file leaves it open.
    dtype
        uint8, float32 or float16.
    batch
        How many pictures the file takes at once; None for any number.
    output
        Name of the output with one score per class.
    others
        Names of its other outputs.
    """

    content: bytes
    input_name: str
    layout: Layout
    channels: int
    size: int | None
    dtype: np.dtype[Any]
    batch: int | None
    output: str
    others: tuple[str, ...] = ()

    @property
    def prepared_inside(self) -> bool:
        """Whether the model takes bytes: it then scales them by itself."""
        return self.dtype == np.uint8

    @cached_property
    def session(self) -> Any:
        """The file as it is, in ONNX Runtime on the CPU. Only for a model that the reader trusts."""
        return open_session(self.content)

    def answers(self, pictures: Floats) -> Array:
        """The file's own answers float64 [n, classes] to pictures float32 [n, channels, size, size] scaled for it."""
        return self.run(self.session, self.output, pictures)

    def run(self, session: Any, output: str, pictures: Floats) -> Array:
        """One output of a session over this model, float64 [n, ...], one picture at a time."""
        rows = []
        for picture in pictures:
            fed = np.repeat(self.laid_out(picture)[None], self.batch or 1, axis=0)
            try:
                (values,) = session.run([output], {self.input_name: fed})
            except Exception as error:  # ONNX Runtime raises many kinds of its own
                raise PackInvalid(f"The model does not run on an aligned face: {first_line(error)}") from error
            rows.append(np.asarray(values, np.float64)[0])
        return np.stack(rows)

    def laid_out(self, picture: Floats) -> Array:
        """One picture float32 [channels, size, size] as the model wants it, without the batch."""
        typed = picture.astype(self.dtype)
        if self.layout == "channels last":
            return np.ascontiguousarray(typed.transpose(1, 2, 0))
        return typed[0] if self.layout == "no channels" else typed


def open_session(content: bytes) -> Any:
    """A quiet session on the CPU. PackInvalid where ONNX Runtime refuses the model."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 2
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises many kinds of its own
        raise PackInvalid(f"ONNX Runtime cannot run the model: {first_line(error)}") from error


def read_foreign(path: Path, output: str | None = None) -> Foreign:
    """Read a file's own statement of itself; nothing of the model is run. PackInvalid says what does not fit."""
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise PackInvalid(f"{path} is larger than {FILE_LIMIT >> 20} MB, the most that a model file may have.")
        content = path.read_bytes()
    except OSError as error:
        raise PackInvalid(f"The model {path} cannot be read: {error.strerror}.") from error
    survey(content)  # parsing may take a hundred times the file's bytes
    try:
        graph = onnx.load_model_from_string(content).graph
    except Exception as error:  # protobuf raises many kinds
        raise PackInvalid(f"{path} is not an ONNX model.") from error
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise PackInvalid(f"A classifier of pictures has one input; {path.name} has {len(inputs)}.")
    outputs = [value.name for value in graph.output]
    if not outputs:
        raise PackInvalid(f"{path.name} has no output.")
    if output is not None and output not in outputs:
        raise UnknownName("output", output, outputs)
    return _described(content, inputs[0], outputs, output or outputs[0])


def _described(content: bytes, value: onnx.ValueInfoProto, outputs: list[str], output: str) -> Foreign:
    tensor = value.type.tensor_type
    dtype = TYPES.get(tensor.elem_type)
    if dtype is None:
        name = onnx.TensorProto.DataType.Name(tensor.elem_type)
        raise PackInvalid(f"The input '{value.name}' must be uint8, float32 or float16, got {name.lower()}.")
    sizes = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in tensor.shape.dim]
    layout, channels, places = _layout(value.name, sizes)
    fixed = {size for size in places if size is not None}
    if len(fixed) > 1:
        raise PackInvalid(f"A pack takes square faces; '{value.name}' takes {places[1]} x {places[0]} px.")
    size, others = next(iter(fixed), None), tuple(name for name in outputs if name != output)
    return Foreign(content, value.name, layout, channels, size, dtype, sizes[0], output, others)


def _layout(name: str, sizes: list[int | None]) -> tuple[Layout, int, list[int | None]]:
    """Tell layout, channels, and height and width from the input's shape."""
    if len(sizes) == 3:
        return "no channels", 1, sizes[1:]
    if len(sizes) != 4:
        raise PackInvalid(f"A picture input has 3 or 4 axes; '{name}' has {len(sizes)}.")
    first, last = sizes[1], sizes[3]
    if first in CHANNELS and first is not None:
        return "channels first", first, sizes[2:]
    if last in CHANNELS and last is not None:
        return "channels last", last, sizes[1:3]
    shape = ", ".join("?" if size is None else str(size) for size in sizes)
    raise PackInvalid(f"The input '{name}' [{shape}] must have 1 or 3 channels, on its second or its last axis.")
