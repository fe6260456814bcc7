"""From what the caller asks for to what is explained, inside the graph, so that one graph serves every target."""

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from core.explain.emit import Emitter

# The seeds' own axis: as many as pictures, or several for one picture, which then shares its forward pass.
SEEDS = "seeds"
LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True)
class Question:
    """The inputs `seed` float32 [seeds, classes] and `contrast` float32 [seeds], and the seed that results."""

    seed: ir.Value
    contrast: ir.Value
    used: ir.Value


def ask(emit: Emitter, logits: ir.Value, classes: int) -> Question:
    """Let a seed row of zeros become the predicted class, and contrast 1 take away the highest logit of the others."""
    assert logits.shape is not None
    count = logits.shape[0] if isinstance(logits.shape[0], int) else SEEDS  # a model bound to a batch has one seed each
    seed = ir.Value(name="seed", shape=ir.Shape([count, classes]), type=ir.TensorType(ir.DataType.FLOAT))
    contrast = ir.Value(name="contrast", shape=ir.Shape([count]), type=ir.TensorType(ir.DataType.FLOAT))
    unasked = emit("Equal", emit("ReduceL1", seed, emit.ints(1), keepdims=1), emit.constant(0.0))
    named = emit("Where", unasked, highest(emit, logits, classes), seed)
    free = emit("Equal", named, emit.constant(0.0))
    rival = highest(emit, emit("Where", free, logits, emit.constant(LOWEST)), classes)
    rival = emit("Where", free, rival, emit.constant(0.0))
    weight = emit("Unsqueeze", contrast, emit.ints(1))
    return Question(seed, contrast, emit("Sub", named, emit("Mul", weight, rival)))


def highest(emit: Emitter, scores: ir.Value, classes: int) -> ir.Value:
    """One at the first highest score of each row, else zero: float32 [batch, classes]."""
    place = emit("ArgMax", scores, axis=1, keepdims=0)
    return emit("OneHot", place, emit.ints(classes), emit.constant([0.0, 1.0]), axis=-1)
