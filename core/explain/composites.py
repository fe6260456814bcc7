"""Which rule applies where: tables, read from top to bottom, the first row that fits wins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# Where a node stands: in the scaling of the pixels before any weight, the first layer with weights, or behind it.
PIXELS: Final = "pixels"
FIRST: Final = "first"
INNER: Final = "inner"
ANYWHERE: Final = (PIXELS, FIRST, INNER)

LAYERS: Final = ("Conv", "Gemm", "MatMul")
DENSE: Final = ("Gemm", "MatMul")
CONSTANTS: Final = ("Add", "Sub", "Mul", "Div", "Cast")
PRODUCTS: Final = ("Mul", "Div")
# Linear without a constant, or choosing: the gradient is the proportional rule too. A softmax inside follows it by
# convention (see rules.products).
PROPORTIONAL: Final = (
    *(*CONSTANTS, "Sum", "Neg", "Max", "Min", "Where", "Softmax", "LogSoftmax"),
    *("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"),
    *("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2"),
    *("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Split", "Slice", "Gather", "Pad"),
    *("Expand", "Tile", "DepthToSpace", "SpaceToDepth", "Resize"),
)
# The ReLU and its relatives, which guided backprop and the deconvnet treat alike.
RECTIFIERS: Final = ("Relu", "LeakyRelu", "PRelu", "Clip", "Elu", "Selu", "Celu", "ThresholdedRelu")
# Functions of one value, element by element.
ACTIVATIONS: Final = (
    *RECTIFIERS,
    *("Softplus", "Softsign", "Sigmoid", "HardSigmoid", "Tanh", "Erf"),
    *("Exp", "Log", "Sqrt", "Reciprocal", "Abs", "Pow"),
)


@dataclass(frozen=True)
class Row:
    """One line of a composite: these operators, at these places, follow this rule with these numbers."""

    operators: tuple[str, ...]
    rule: str
    places: tuple[str, ...] = ANYWHERE
    options: Mapping[str, float] = field(default_factory=dict)

    def fits(self, operator: str, place: str) -> bool:
        """Whether the row speaks of such a node."""
        return operator in self.operators and place in self.places


Composite = tuple[Row, ...]

GRADIENT: Final[Composite] = (Row((*LAYERS, *ACTIVATIONS, *PROPORTIONAL), "gradient"),)
GUIDED: Final[Composite] = (Row(RECTIFIERS, "guided"), *GRADIENT)
DECONVNET: Final[Composite] = (Row(RECTIFIERS, "deconvnet"), *GRADIENT)

# Relevance belongs to the pixel: its scaling to the network's range changes nothing of that.
GRADIENT_OF_PIXELS: Final[Composite] = (Row(CONSTANTS, "unchanged", (PIXELS,)), *GRADIENT)

EPSILON_PLUS_FLAT: Final[Composite] = (
    Row(CONSTANTS, "unchanged", (PIXELS,)),
    Row(("Conv",), "flat", (FIRST,)),
    Row(("Conv",), "zplus"),
    Row(DENSE, "epsilon", options={"epsilon": 1e-6}),
    Row(ACTIVATIONS, "pass"),
    Row(PRODUCTS, "gate"),
    Row(PROPORTIONAL, "gradient"),
)


def choose(composite: Composite, operator: str, place: str) -> Row | None:
    """Return the first row that fits, or None."""
    return next((row for row in composite if row.fits(operator, place)), None)
