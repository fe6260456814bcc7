"""What the axes of a network's inner values stand for: which of them are the picture's rows and columns.

A value with four axes need not be a feature map: attention weights have four too, and a value may have its channels
last. So the meaning of every axis is followed from the picture on, and where it gets lost that is known as well.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import onnx_ir as ir

from core.explain.emit import array_of
from core.explain.graph import Classifier
from core.explain.surgery import int_of, ints_of

BATCH: Final = "batch"
CHANNEL: Final = "channel"
ROW: Final = "row"
COLUMN: Final = "column"
OTHER: Final = "other"
MAP: Final = (BATCH, CHANNEL, ROW, COLUMN)
VALUES: Final = (BATCH, CHANNEL)
Meaning = tuple[str, ...]

# Operators that keep the axes of their first input that varies with the picture, whatever they do to sizes.
KEEPING: Final = frozenset(
    {"MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "BatchNormalization"}
    | {"InstanceNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization", "LpNormalization"}
    | {"MeanVarianceNormalization", "LRN", "Resize", "Upsample", "DepthToSpace", "SpaceToDepth", "Pad", "Slice"}
    | {"Split", "Concat", "Dropout", "Identity", "Cast", "Clip", "Where", "Softmax", "LogSoftmax", "CumSum", "Trilu"}
)
# Operators that take axes away, add some, or exchange them.
MOVING: Final = frozenset(
    {"Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"}
    | {f"Reduce{name}" for name in ("Mean", "Max", "Min", "Sum", "L1", "L2", "SumSquare", "LogSumExp", "Prod")}
)


def meanings(classifier: Classifier) -> Mapping[ir.Value, Meaning | None]:
    """Return what the axes of the picture and of every value on the path stand for; None where that was lost."""
    found: dict[ir.Value, Meaning | None] = {classifier.face: _of_face(classifier)}
    for node in classifier.path:
        meaning = _meaning(node, found)
        for output in node.outputs:
            fits = meaning is not None and output.shape is not None and len(meaning) == len(output.shape)
            found[output] = meaning if fits else _of_rows(output)
    return found


def _of_face(classifier: Classifier) -> Meaning:
    if classifier.channel_axis is None:
        return (BATCH, ROW, COLUMN)
    return MAP if classifier.channel_axis == 1 else (BATCH, ROW, COLUMN, CHANNEL)


def _of_rows(value: ir.Value) -> Meaning | None:
    """One row of numbers per picture needs no history."""
    return VALUES if value.shape is not None and len(value.shape) == 2 else None


def _meaning(node: ir.Node, found: Mapping[ir.Value, Meaning | None]) -> Meaning | None:
    source = next((value for value in node.inputs if value in found), None)
    if node.op_type in ("Conv", "ConvTranspose"):
        return MAP if len(node.outputs[0].shape or ()) == 4 else None
    if source is None or (before := found[source]) is None:
        return None
    if node.op_type in KEEPING:
        return before
    if node.op_type == "MatMul":
        dense = source is node.inputs[0] and node.inputs[1] not in found and before[-1] == CHANNEL
        return before if dense else None
    return _rearranged(node, source, before) if node.op_type in MOVING else _element_by_element(node, found)


def _rearranged(node: ir.Node, source: ir.Value, before: Meaning) -> Meaning | None:
    if node.op_type == "Transpose":
        return tuple(before[axis] for axis in ints_of(node, "perm") or reversed(range(len(before))))
    if node.op_type.startswith("Reduce"):
        return _reduced(node, before)
    return _reshaped(source, node.outputs[0], before)


def _element_by_element(node: ir.Node, found: Mapping[ir.Value, Meaning | None]) -> Meaning | None:
    """Return the axes of the input with most of them, if the others do not contradict and sizes stay as they were."""
    output = node.outputs[0]
    inputs = [value for value in node.inputs if value is not None and value in found]
    known = [meaning for value in inputs if (meaning := found[value]) is not None]
    if len(known) < len(inputs) or output.shape is None:
        return None
    longest = max(known, key=len)
    agree = all(longest[len(longest) - len(meaning) :] == meaning for meaning in known)
    whole = any(list(value.shape or ()) == list(output.shape) for value in inputs) or len(inputs) > 1
    return longest if agree and whole else None


def _reduced(node: ir.Node, before: Meaning) -> Meaning | None:
    if int_of(node, "keepdims", 1):
        return before
    axes = array_of(node.inputs[1]) if len(node.inputs) > 1 else None
    if axes is None:
        return None
    gone = {int(axis) % len(before) for axis in axes.reshape(-1)}
    return tuple(meaning for axis, meaning in enumerate(before) if axis not in gone)


def _reshaped(source: ir.Value, output: ir.Value, before: Meaning) -> Meaning | None:
    """Axes that a reshape leaves alone at the front and at the back; one between them holds what channels there are."""
    sizes, wanted = list(source.shape or ()), list(output.shape or ())
    front = _equal(sizes, wanted)
    back = _equal(sizes[front:][::-1], wanted[front:][::-1])
    between = zip(before[front : len(sizes) - back], sizes[front : len(sizes) - back], strict=True)
    old = {meaning for meaning, size in between if size != 1 or meaning == CHANNEL}
    new = wanted[front : len(wanted) - back]
    if not old <= {CHANNEL, OTHER} or (not old and any(size != 1 for size in new)):
        return None
    middle = [CHANNEL] if old and len(new) == 1 else [OTHER] * len(new)
    return (*before[:front], *middle, *before[len(before) - back :])


def _equal(ones: Sequence[object], others: Sequence[object]) -> int:
    """How many sizes are the same from the start on."""
    pairs = zip(ones, others, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(ones), len(others)))
