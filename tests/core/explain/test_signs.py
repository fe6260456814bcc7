"""What is known of signs holds for values that are computed, and is found where it matters."""

import numpy as np
import onnx.parser
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from core.explain.signs import is_nonnegative

CONSTANTS = {
    "zero": np.float32(0),
    "six": np.float32(6),
    "two": np.float32(2),
    "three": np.float32(3),
    "low": np.float32(-1),
    "pads": np.array([0, 1, 0, 1]),
    "one": np.array([1]),
    "far": np.array([3]),
    "scales": np.array([1, 2], np.float32),
}
# From x, of either sign, or p, its ReLU, to y: and whether y is known to be without negative elements.
KNOWN = {
    "y = Relu(x)": True,
    "y = Identity(x)": False,
    "y = Clip(x, zero, six)": True,
    "y = Clip(x, zero)": True,
    "y = Clip(x, low, six)": False,
    "y = Clip(p, low, six)": True,
    "y = Exp(x)": True,
    "y = Abs(x)": True,
    "y = Softplus(x)": True,
    "y = Sigmoid(x)": True,
    "y = HardSigmoid(x)": True,
    "y = Softmax(x)": True,
    "y = Tanh(x)": False,
    "y = Tanh(p)": True,
    "y = Elu(x)": False,
    "y = Elu(p)": True,
    "y = Mul(x, x)": True,
    "y = Pow(x, two)": True,
    "y = Pow(x, three)": False,
    "y = Pow(p, three)": True,
    "y = Add(p, six)": True,
    "y = Add(p, low)": False,
    "y = Sub(p, p)": False,
    "y = Mul(p, low)": False,
    "y = Div(p, six)": True,
    "y = Max(x, zero)": True,
    "y = Max(x, low)": False,
    "y = Min(p, six)": True,
    "y = Min(p, x)": False,
    "y = ReduceSum(p, one)": True,
    "y = ReduceSum(x, one)": False,
    "y = ReduceMax(p, one)": True,
    "y = ReduceL2(x, one)": True,
    "y = Slice(p, one, far, one)": True,
    "a, y = Split<axis = 1, num_outputs = 2>(p)": True,
    "y = Concat<axis = 1>(p, p)": True,
    "y = Concat<axis = 1>(p, x)": False,
    "y = Pad(p, pads)": True,
    "y = Pad(p, pads, low)": False,
    "y = Neg(p)": False,
    'y = Resize<mode = "linear">(p, , scales)': True,
    'y = Resize<mode = "cubic">(p, , scales)': False,
    "y = ThresholdedRelu(x)": True,
    "y = ThresholdedRelu<alpha = -1.0>(x)": False,
    "c = Greater(x, zero) \n y = Where(c, p, six)": True,
    "c = Greater(x, zero) \n y = Where(c, x, six)": False,
}


def model(body: str) -> onnx.ModelProto:
    text = f'<ir_version: 10, opset_import: ["" : 18]> g (float[2, 4] x) => (float[a, b] y) {{ p = Relu(x) \n {body} }}'
    proto = onnx.parser.parse_model(text)
    for name, values in CONSTANTS.items():
        if name in body:
            proto.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
    return proto


def nonnegative(value: ir.Value) -> bool:
    return is_nonnegative(value, nonnegative)


@pytest.mark.parametrize("body", KNOWN)
def test_the_sign_of_a_value_is_known(body):
    (value,) = ir.from_proto(model(body)).graph.outputs
    assert KNOWN[body] == nonnegative(value)


EVALUATORS = {body: ReferenceEvaluator(model(body)) for body, known in KNOWN.items() if known}


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 2**31))
def test_what_is_known_is_true(seed):
    x = np.random.default_rng(seed).normal(size=(2, 4)).astype(np.float32)
    for body, evaluator in EVALUATORS.items():
        assert evaluator.run(None, {"x": x})[0].min() >= 0, body
