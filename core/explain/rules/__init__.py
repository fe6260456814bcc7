"""The backward rules: one small function per operator and rule. They emit nodes; a literal table lists them.

A signal is a factor with relevance = factor * value (see `emit.Signal`), so "gradient" is the plain chain rule, and
every operator that is linear without a constant (adding, averaging, choosing, scaling, reshaping) has the gradient
as its proportional relevance rule: that the parts sum to the whole is Euler's theorem. What differs between methods are
the layers with weights, activations, and products of two computed values.
"""

from collections.abc import Mapping

from core.explain.composites import ACTIVATIONS, LAYERS, RECTIFIERS
from core.explain.emit import Rule
from core.explain.rules import activations, arithmetic, pixels, pools, products, shapes, weights

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

_OTHERS: Mapping[tuple[str, str], Rule] = {
    ("Add", "gradient"): arithmetic.add,
    ("Sum", "gradient"): arithmetic.add,
    ("Sub", "gradient"): arithmetic.subtract,
    ("Neg", "gradient"): arithmetic.negate,
    ("Cast", "gradient"): arithmetic.cast,
    ("Max", "gradient"): arithmetic.extremum,
    ("Min", "gradient"): arithmetic.extremum,
    ("Where", "gradient"): arithmetic.where,
    ("Mul", "gradient"): products.multiply,
    ("Mul", "gate"): products.multiply_gated,
    ("Div", "gradient"): products.divide,
    ("Div", "gate"): products.divide_fixed,
    ("Softmax", "gradient"): products.softmax,
    ("LogSoftmax", "gradient"): products.log_softmax,
    ("Add", "unchanged"): arithmetic.unchanged,
    ("Sub", "unchanged"): arithmetic.unchanged,
    ("Mul", "unchanged"): arithmetic.unchanged,
    ("Div", "unchanged"): arithmetic.unchanged,
    ("Cast", "unchanged"): arithmetic.unchanged,
    ("MaxPool", "gradient"): pools.max_pool,
    ("AveragePool", "gradient"): pools.average_pool,
    ("GlobalAveragePool", "gradient"): pools.reduce_mean,
    ("GlobalMaxPool", "gradient"): pools.reduce_extremum,
    ("ReduceMean", "gradient"): pools.reduce_mean,
    ("ReduceSum", "gradient"): pools.reduce_sum,
    ("ReduceMax", "gradient"): pools.reduce_extremum,
    ("ReduceMin", "gradient"): pools.reduce_extremum,
    ("ReduceL2", "gradient"): pools.reduce_length,
    ("Flatten", "gradient"): shapes.reshape,
    ("Reshape", "gradient"): shapes.reshape,
    ("Squeeze", "gradient"): shapes.reshape,
    ("Unsqueeze", "gradient"): shapes.reshape,
    ("Transpose", "gradient"): shapes.transpose,
    ("Concat", "gradient"): shapes.concat,
    ("Split", "gradient"): shapes.split,
    ("Slice", "gradient"): shapes.cut,
    ("Gather", "gradient"): shapes.gather,
    ("Pad", "gradient"): shapes.pad,
    ("Expand", "gradient"): shapes.expand,
    ("Tile", "gradient"): shapes.tile,
    ("DepthToSpace", "gradient"): shapes.depth_to_space,
    ("SpaceToDepth", "gradient"): shapes.space_to_depth,
    ("Resize", "gradient"): shapes.resize,
}


def _two_sided(operator: str, name: str, rule: Rule) -> Rule:
    """Let a MatMul's rule also cover constants on the left and products of two computed values."""
    if operator != "MatMul":
        return rule
    product = products.matmul_of_values if name == "gradient" else products.matmul_halves
    return products.by_sides(rule, product)


RULES: Mapping[tuple[str, str], Rule] = {
    **{(operator, name): _two_sided(operator, name, rule) for operator in LAYERS for name, rule in LAYER_RULES.items()},
    **{(operator, "gradient"): activations.activation_gradient for operator in ACTIVATIONS},
    **{(operator, "pass"): activations.activation_pass for operator in ACTIVATIONS},
    **{(operator, "guided"): activations.relu_guided for operator in RECTIFIERS},
    **{(operator, "deconvnet"): activations.relu_deconvnet for operator in RECTIFIERS},
    **_OTHERS,
}
