"""From a graph to the bytes of an ONNX file."""

from typing import Final

import onnx_ir as ir

# Tags of the wire format (onnx.proto): a field's number, and whether a number follows or a length and as many bytes.
_NUMBER, _BYTES = 0, 2
_GRAPH: Final = bytes([7 << 3 | _BYTES])  # ModelProto.graph
_INITIALIZER: Final = bytes([5 << 3 | _BYTES])  # GraphProto.initializer
_DIMS: Final = bytes([1 << 3 | _NUMBER])  # and TensorProto's own
_DATA_TYPE: Final = bytes([2 << 3 | _NUMBER])
_NAME: Final = bytes([8 << 3 | _BYTES])
_RAW_DATA: Final = bytes([9 << 3 | _BYTES])


def to_bytes(model: ir.Model) -> bytes:
    """Serialise a model, weight by weight: protobuf takes a second per 70 MB to write them all at once.

    A message that comes twice is merged by whoever reads it, so the weights come as a second part of the graph.
    """
    weights = dict(model.graph.initializers)
    for name in weights:
        del model.graph.initializers[name]
    try:
        rest = bytes(ir.to_proto(model).SerializeToString())
    finally:
        model.graph.initializers.update(weights)
    parts = [part for value in weights.values() for part in _initializer(value)]
    return b"".join([rest, _GRAPH, _number(sum(map(len, parts))), *parts])


def _initializer(value: ir.Value) -> list[bytes]:
    tensor = value.const_value
    assert tensor is not None
    raw = tensor.tobytes()
    head = b"".join(
        [
            *(_DIMS + _number(size) for size in tensor.shape.numpy()),
            _DATA_TYPE + _number(tensor.dtype.value),
            _bytes(_NAME, str(value.name).encode()),
            _RAW_DATA + _number(len(raw)),
        ]
    )
    return [_INITIALIZER, _number(len(head) + len(raw)), head, raw]


def _bytes(tag: bytes, content: bytes) -> bytes:
    return b"".join([tag, _number(len(content)), content])


def _number(count: int) -> bytes:
    """Seven bits to a byte, lowest first, the eighth set on all but the last."""
    parts = []
    while count > 127:
        parts.append(count & 127 | 128)
        count >>= 7
    return bytes([*parts, count])
