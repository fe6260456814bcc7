"""What rules write with: nodes, constants, and the signal that flows backwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

Array = NDArray[Any]
Attribute = int | float | str | Sequence[int]


class UncoveredError(Exception):
    """A node of a kind that has a rule is used in a way that the rule does not cover."""


class Emitter:
    """Appends nodes and constants to a graph."""

    def __init__(self, graph: ir.Graph) -> None:
        self._tape = ir.tape.Tape(graph)
        self._constants: dict[tuple[str, tuple[int, ...], bytes], ir.Value] = {}
        self._shared: dict[str, ir.Value] = {}

    def __call__(self, operator: str, *inputs: ir.Value | None, **attributes: Attribute) -> ir.Value:
        """Append a node with one output and return that."""
        return self._tape.op(operator, list(inputs), attributes)

    def several(
        self, operator: str, inputs: Sequence[ir.Value], count: int, **attributes: Attribute
    ) -> Sequence[ir.Value]:
        """Append a node with `count` outputs."""
        return self._tape.op_multi_out(operator, list(inputs), attributes, num_outputs=count)

    def again(self, node: ir.Node, inputs: Sequence[ir.Value | None]) -> Sequence[ir.Value]:
        """Append a copy of a node with other inputs and return its outputs."""
        return self._tape.op_multi_out(node.op_type, inputs, node.attributes, num_outputs=len(node.outputs))

    def constant(self, values: Array | Sequence[float] | float, dtype: type = np.float32) -> ir.Value:
        """Return a constant of the graph; equal constants are stored once."""
        array: Array = np.asarray(values, dtype, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"explain_constant_{len(self._constants)}"
            self._constants[key] = self._tape.initializer(ir.tensor(array, name=name), name)
        return self._constants[key]

    def ints(self, *values: int) -> ir.Value:
        """Return a constant int64 vector: axes, sizes."""
        return self.constant(list(values), np.int64)

    def shared(self, key: str, build: Callable[[], ir.Value]) -> ir.Value:
        """Return what `build` emits, emitted once for all who ask for that key."""
        if key not in self._shared:
            self._shared[key] = build()
        return self._shared[key]

    def add(self, values: Sequence[ir.Value]) -> ir.Value:
        """Return the sum of one or more values."""
        return values[0] if len(values) == 1 else self("Sum" if len(values) > 2 else "Add", *values)


@dataclass(frozen=True)
class Signal:
    """What flows backwards into a value of the forward pass.

    Every rule here is a modified gradient: relevance is `factor * value`. Kept apart, most operators pass the factor
    on unchanged (a residual add, for one), and nothing is divided by an activation that may be zero. `value` is the
    forward value the signal belongs to, or a function of that, element by element (its ReLU, say); None where `factor`
    is the relevance itself.
    """

    factor: ir.Value
    value: ir.Value | None

    def relevance(self, emit: Emitter) -> ir.Value:
        """Return the relevance itself."""
        return self.factor if self.value is None else emit("Mul", self.factor, self.value)

    def factor_of(self, emit: Emitter, value: ir.Value) -> ir.Value:
        """Return the factor to `value`, at which the signal has arrived."""
        if self.value is value:
            return self.factor
        producer = None if self.value is None else self.value.producer()
        if producer is not None and producer.op_type == "Relu" and producer.inputs[0] is value:
            return emit("Mul", self.factor, passing(emit, producer.outputs[0]))
        return self.over(emit, stabilised(emit, value, 1e-9))

    def over(self, emit: Emitter, divisor: ir.Value) -> ir.Value:
        """Relevance over a divisor. The quotient of forward values comes first: it does not depend on the seed."""
        if self.value is None:
            return emit("Div", self.factor, divisor)
        return emit("Mul", self.factor, emit("Div", self.value, divisor))


def total(emit: Emitter, signals: Sequence[Signal], value: ir.Value) -> Signal:
    """Return the sum of signals that arrive at one value from its several consumers."""
    first = signals[0].value
    if all(signal.value is first for signal in signals):
        return Signal(emit.add([signal.factor for signal in signals]), first)
    if any(signal.value is None for signal in signals):
        return Signal(emit.add([signal.relevance(emit) for signal in signals]), None)
    return Signal(emit.add([signal.factor_of(emit, value) for signal in signals]), value)


def passing(emit: Emitter, rectified: ir.Value) -> ir.Value:
    """1 where a ReLU lets something through, else 0: what a Sign would give, at half of the time in ONNX Runtime.

    The steepest hard sigmoid that float32 holds. Between 0 and 1e-38 it is neither, and no activation lies there.
    """
    return emit("HardSigmoid", rectified, alpha=3e38, beta=0.0)


def stabilised(emit: Emitter, value: ir.Value, epsilon: float) -> ir.Value:
    """``z + epsilon sign(z)`` with sign(0) = 1."""
    step = emit.constant(epsilon)
    negative = emit("Less", value, emit.constant(0.0))
    return emit("Where", negative, emit("Sub", value, step), emit("Add", value, step))


@dataclass(frozen=True)
class Rest:
    """Relevance that found no input, at the output of a layer: float32 [batch, height, width] or [batch].

    It has height and width where it is `placed`; `scale` multiplies it; `layer` is the node's output, which tells the
    pixels that the unit sees.
    """

    value: ir.Value
    scale: float
    layer: ir.Value
    placed: bool


@dataclass(frozen=True)
class Step:
    """One node on the way back, as a rule sees it.

    Attributes
    ----------
    signals
        What arrived at each of the node's outputs; None where nothing did.
    options
        The rule's numbers, from the composite.
    biases
        "absorb": biases stand in the denominators; "spread": they do not where the rule can do without, and their part
        is spread where it cannot; None: nobody asks where relevance goes.
    nonnegative
        Whether a forward value is known to have no negative element.
    varying
        Whether a forward value depends on the picture; what does not is a constant, though perhaps a computed one.
    rests
        Where a rule puts relevance that found no input; None where nobody wants it.
    """

    emit: Emitter
    node: ir.Node
    signals: Sequence[Signal | None]
    options: Mapping[str, float]
    biases: str | None
    nonnegative: Callable[[ir.Value], bool]
    varying: Callable[[ir.Value], bool]
    rests: list[Rest] | None = field(default=None)

    @property
    def signal(self) -> Signal:
        """What arrived at the node's first output."""
        if self.signals[0] is None:
            raise UncoveredError("only its first output has a rule")
        return self.signals[0]

    @property
    def output(self) -> ir.Value:
        """The node's first output in the forward pass."""
        return self.node.outputs[0]

    @property
    def source(self) -> ir.Value:
        """The node's first input in the forward pass."""
        source = self.node.inputs[0]
        assert source is not None
        return source

    def factor(self) -> ir.Value:
        """Return the factor to the node's output."""
        return self.signal.factor_of(self.emit, self.output)

    def positive_source(self) -> ir.Value:
        """Return the first input without its negative part."""
        return self.source if self.nonnegative(self.source) else self.emit("Relu", self.source)

    def known(self, index: int) -> ir.Value:
        """Return an input that must be constant."""
        value = self.node.inputs[index]
        if value is None or self.varying(value):
            raise UncoveredError("only a constant factor has a rule")
        return value

    def to(self, factor: ir.Value, index: int = 0) -> "Signals":
        """Send a factor to one input, nothing to the others."""
        inputs = self.node.inputs
        return [Signal(factor, inputs[i]) if i == index else None for i in range(len(inputs))]

    def moved(self, move: Callable[[ir.Value], ir.Value], index: int = 0) -> "Signals":
        """Send what arrived through `move` to an input whose values stand in the output unchanged.

        Factor and relevance then move alike, so relevance stays relevance and nothing is divided.
        """
        if self.signal.value is None:
            return self.relevant(move(self.signal.factor), index)
        return self.to(move(self.factor()), index)

    def relevant(self, relevance: ir.Value, index: int = 0) -> "Signals":
        """Send relevance itself to one input, nothing to the others."""
        return [Signal(relevance, None) if i == index else None for i in range(len(self.node.inputs))]

    def unbroadcast(self, values: ir.Value, index: int, whole: tuple[int, ...] | None = None) -> ir.Value:
        """Sum over the axes along which an input was repeated to the output's sizes, or to `whole`."""
        source = self.node.inputs[index]
        assert source is not None
        assert source.shape is not None
        sizes, whole = sizes_of(source), sizes_of(self.output) if whole is None else whole
        missing = len(whole) - len(sizes)
        if missing and (len(source.shape) == 0 or source.shape[0] != 1):  # its pictures would stand along another axis
            raise UncoveredError("parts with different numbers of axes have a rule for single pictures alone")
        padded = (whole[0], *[1] * missing, *sizes[1:]) if missing else sizes
        axes = [axis for axis, (part, all_) in enumerate(zip(padded, whole, strict=True)) if part != all_]
        if any(padded[axis] != 1 for axis in axes):
            raise UncoveredError("the pictures of its parts stand along different axes")
        if axes:
            values = self.emit("ReduceSum", values, self.emit.ints(*axes), keepdims=1)
        return self.emit("Reshape", values, self.emit.ints(*sizes)) if missing else values

    def leave(self, value: ir.Value, scale: float = 1.0, placed: bool | None = None) -> None:
        """Report relevance that found no input. By default it has places where the output has rows and columns."""
        if self.rests is not None:
            placed = len(dims(self.output)) == 3 and -1 not in dims(self.output) if placed is None else placed
            self.rests.append(Rest(value, scale, self.output, placed))

    def leave_all(self, relevance: ir.Value, scale: float = 1.0) -> None:
        """Report relevance [batch, ...] that found no input and has no places, summed up for each picture."""
        if self.rests is not None:
            batch = batch_axis(self.output)
            if batch is None:
                relevance = self.emit("Reshape", relevance, self.emit.ints(1, -1))
            elif batch > 0:
                others = [axis for axis in range(len(sizes_of(self.output))) if axis != batch]
                relevance = self.emit("Transpose", relevance, perm=[batch, *others])
            flat = self.emit("Flatten", relevance, axis=1)
            self.leave(self.emit("ReduceSum", flat, self.emit.ints(1), keepdims=0), scale, placed=False)


Signals = Sequence[Signal | None]
Rule = Callable[[Step], Signals]


def dims(value: ir.Value) -> tuple[int, ...]:
    """Return the sizes of a value's axes after the first, which is the batch nearly everywhere."""
    assert value.shape is not None
    return tuple(size if isinstance(size, int) else -1 for size in list(value.shape)[1:])


def sizes_of(value: ir.Value) -> tuple[int, ...]:
    """Return the sizes of all axes, as a Reshape wants them: -1 for the batch.

    That is the axis whose size is no number (attention may have it behind others), or where the batch is fixed to 1
    the first axis if its size is 1; there a value may have lost its batch, and then no axis is.
    """
    assert value.shape is not None
    sizes = tuple(size if isinstance(size, int) else -1 for size in value.shape)
    return sizes if -1 in sizes or sizes[:1] != (1,) else (-1, *sizes[1:])


def batch_axis(value: ir.Value) -> int | None:
    """Return the axis of the batch, None where the value has none."""
    sizes = sizes_of(value)
    return sizes.index(-1) if -1 in sizes else None


def array_of(value: ir.Value | None) -> Array | None:
    """Return a constant's array, or None for what is no constant."""
    if value is None or value.const_value is None:
        return None
    return value.const_value.numpy()
