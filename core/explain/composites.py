"""Which rule applies where: tables, read from top to bottom, the first row that fits wins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# Where a node stands: in the scaling of the pixels before any weight, the first layer with weights, or behind it.
PIXELS: Final = "pixels"
FIRST: Final = "first"
INNER: Final = "inner"
ANYWHERE: Final = (PIXELS, FIRST, INNER)

CONVOLUTIONS: Final = ("Conv", "ConvTranspose")
DENSE: Final = ("Gemm", "MatMul")
LAYERS: Final = (*CONVOLUTIONS, *DENSE)
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
    """One line of a composite: these operators, at these places and depths, follow this rule with these numbers.

    Attributes
    ----------
    depth
        From where to where, both included: 0 is the first layer with weights and all before it, 1 the last and all
        behind it, layers counted in the order in which they are computed.
    """

    operators: tuple[str, ...]
    rule: str
    places: tuple[str, ...] = ANYWHERE
    options: Mapping[str, float] = field(default_factory=dict)
    depth: tuple[float, float] = (0.0, 1.0)

    def fits(self, operator: str, place: str, depth: float) -> bool:
        """Whether the row speaks of such a node."""
        return operator in self.operators and place in self.places and self.depth[0] <= depth <= self.depth[1]


Composite = tuple[Row, ...]

GRADIENT: Final[Composite] = (Row((*LAYERS, *ACTIVATIONS, *PROPORTIONAL), "gradient"),)
GUIDED: Final[Composite] = (Row(RECTIFIERS, "guided"), *GRADIENT)
DECONVNET: Final[Composite] = (Row(RECTIFIERS, "deconvnet"), *GRADIENT)

# Relevance belongs to the pixel: its scaling to the network's range changes nothing of that.
OF_PIXELS: Final = Row(CONSTANTS, "unchanged", (PIXELS,))
GRADIENT_OF_PIXELS: Final[Composite] = (OF_PIXELS, *GRADIENT)

# What every composite of LRP does with operators that have no weights.
WEIGHTLESS: Final[Composite] = (
    OF_PIXELS,
    Row(ACTIVATIONS, "pass"),
    Row(PRODUCTS, "gate"),
    Row(PROPORTIONAL, "gradient"),
)

_EPSILON: Final = {"epsilon": 1e-6}
_GAMMA: Final = {"gamma": 0.25}
_ALPHA2_BETA1: Final = {"alpha": 2.0, "beta": 1.0}

EPSILON: Final[Composite] = (Row(LAYERS, "epsilon", options=_EPSILON), *WEIGHTLESS)
ZPLUS: Final[Composite] = (Row(LAYERS, "zplus"), *WEIGHTLESS)
GAMMA: Final[Composite] = (Row(LAYERS, "gamma", options=_GAMMA), *WEIGHTLESS)
ALPHA2_BETA1: Final[Composite] = (Row(LAYERS, "alpha_beta", options=_ALPHA2_BETA1), *WEIGHTLESS)

EPSILON_PLUS_FLAT: Final[Composite] = (
    Row(CONVOLUTIONS, "flat", (FIRST,)),
    Row(CONVOLUTIONS, "zplus"),
    Row(DENSE, "epsilon", options=_EPSILON),
    *WEIGHTLESS,
)
# A first dense layer sees all pixels at once: flat would wipe out the map, w2 keeps what the weights say.
EPSILON_PLUS_W2: Final[Composite] = (
    Row(LAYERS, "w2", (FIRST,)),
    Row(CONVOLUTIONS, "zplus"),
    Row(DENSE, "epsilon", options=_EPSILON),
    *WEIGHTLESS,
)
EPSILON_GAMMA_BOX: Final[Composite] = (
    Row(CONVOLUTIONS, "zbox", (FIRST,)),
    Row(CONVOLUTIONS, "gamma", options=_GAMMA),
    Row(DENSE, "epsilon", options=_EPSILON),
    *WEIGHTLESS,
)
EPSILON_ALPHA2_BETA1_FLAT: Final[Composite] = (
    Row(CONVOLUTIONS, "flat", (FIRST,)),
    Row(CONVOLUTIONS, "alpha_beta", options=_ALPHA2_BETA1),
    Row(DENSE, "epsilon", options=_EPSILON),
    *WEIGHTLESS,
)


def choose(composite: Composite, operator: str, place: str, depth: float = 0.0) -> Row | None:
    """Return the first row that fits, or None."""
    return next((row for row in composite if row.fits(operator, place, depth)), None)
