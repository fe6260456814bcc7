"""The backward rules: one small function per operator and rule. They emit nodes; a literal table lists them.

A signal is a factor with relevance = factor * value (see `emit.Signal`), so "gradient" is the plain chain rule, and
every operator that is linear without a constant (adding, averaging, choosing, scaling, reshaping) has the gradient
as its proportional relevance rule: that the parts sum to the whole is Euler's theorem. What differs between methods are
the layers with weights, activations, and products of two computed values.
"""

from collections.abc import Mapping

from core.explain.emit import Rule
from core.explain.rules import activations, arithmetic, pools, shapes, weights

RULES: Mapping[tuple[str, str], Rule] = {
    ("Conv", "gradient"): weights.layer_gradient,
    ("Conv", "epsilon"): weights.layer_epsilon,
    ("Conv", "zplus"): weights.layer_zplus,
    ("Conv", "flat"): weights.layer_flat,
    ("Gemm", "gradient"): weights.layer_gradient,
    ("Gemm", "epsilon"): weights.layer_epsilon,
    ("Gemm", "zplus"): weights.layer_zplus,
    ("Gemm", "flat"): weights.layer_flat,
    ("MatMul", "gradient"): weights.layer_gradient,
    ("MatMul", "epsilon"): weights.layer_epsilon,
    ("MatMul", "zplus"): weights.layer_zplus,
    ("MatMul", "flat"): weights.layer_flat,
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
