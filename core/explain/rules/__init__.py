"""The backward rules: one small function per operator and rule. They emit nodes; a literal table lists them.

A signal is a factor with relevance = factor * value (see `emit.Signal`), so "gradient" is the plain chain rule, and
every operator that is linear without a constant (adding, averaging, choosing, scaling, reshaping) has the gradient
as its proportional relevance rule: that the parts sum to the whole is Euler's theorem. What differs between methods are
the layers with weights, activations, and products of two computed values.
"""

from collections.abc import Mapping

from core.explain.emit import Rule
from core.explain.rules import activations, arithmetic, pixels, pools, shapes, weights

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
LAYER_RULES: Mapping[str, Rule] = {
    "gradient": weights.layer_gradient,
    "epsilon": weights.layer_epsilon,
    "zplus": weights.layer_zplus,
    "gamma": weights.layer_gamma,
    "alpha_beta": weights.layer_alpha_beta,
    "flat": pixels.layer_flat,
    "w2": pixels.layer_w2,
    "zbox": pixels.layer_zbox,
}

RULES: Mapping[tuple[str, str], Rule] = {
    **{(operator, name): rule for operator in WEIGHTED for name, rule in LAYER_RULES.items()},
    ("Relu", "gradient"): activations.relu_gradient,
    ("Relu", "pass"): activations.relu_pass,
    ("Add", "gradient"): arithmetic.add,
    ("Sub", "gradient"): arithmetic.subtract,
    ("Mul", "gradient"): arithmetic.multiply,
    ("Div", "gradient"): arithmetic.divide,
    ("Cast", "gradient"): arithmetic.cast,
    ("Add", "unchanged"): arithmetic.unchanged,
    ("Sub", "unchanged"): arithmetic.unchanged,
    ("Mul", "unchanged"): arithmetic.unchanged,
    ("Div", "unchanged"): arithmetic.unchanged,
    ("Cast", "unchanged"): arithmetic.unchanged,
    ("MaxPool", "gradient"): pools.max_pool,
    ("AveragePool", "gradient"): pools.average_pool,
    ("GlobalAveragePool", "gradient"): pools.reduce_mean,
    ("ReduceMean", "gradient"): pools.reduce_mean,
    ("Flatten", "gradient"): shapes.reshape,
    ("Reshape", "gradient"): shapes.reshape,
    ("Squeeze", "gradient"): shapes.reshape,
    ("Unsqueeze", "gradient"): shapes.reshape,
    ("Transpose", "gradient"): shapes.transpose,
    ("Concat", "gradient"): shapes.concat,
}
