"""Gates, attention and normalisation under LRP, against the gradient of a function in which what is constant is."""

from dataclasses import replace

import numpy as np
import onnx.parser
import onnx_ir as ir
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from core.explain import METHODS, compile_explainer
from core.explain.composites import ACTIVATIONS, LAYERS, PRODUCTS, PROPORTIONAL, Row
from core.explain.rules.products import gate_of, serves_as_gate
from tests.core.explain.networks import run
from tests.core.explain.operators import PICTURE, SCALES, Case, ints, like, scalar

NUMBERS = {
    "half": scalar(0.5),
    "one": scalar(1),
    "three": scalar(3),
    "six": scalar(6),
    "zero": scalar(0),
    "root": scalar(2**0.5),
    "cube": scalar(0.044715),
    "slope": scalar((2 / np.pi) ** 0.5),
    "small": scalar(1e-2),
    "axes": ints(1),
    "halves": ints(2, 2),
    "thirds": ints(2, 2, 2),
    "wide": SCALES,
}


def split_halves(z):
    return z[:, :2], z[:, 2:]


def passed(value, source):
    """An activation that passes relevance on: its value over its input is a constant."""
    return source * (value / source).detach()


def halves(a, b, product):
    return (product(a.detach(), b) + product(a, b.detach())) / 2


def attention(z):
    q, k, v = z.split(2, 2)
    scores = halves(q, k.transpose(2, 3), torch.matmul)
    return halves(scores.softmax(-1), v, torch.matmul)


def centred(z):
    return z - z.mean(1, keepdim=True)


def normed(z):
    away = centred(z)
    return away / (away.square().mean(1, keepdim=True) + 0.01).sqrt().detach()


# ONNX text, the function with its constants detached, and the gate's name: None where both sides count by half.
PRODUCTS_OF_VALUES = {
    "swish": ("s = Sigmoid(z) \n y = Mul(z, s)", lambda z: z * z.sigmoid().detach(), "s"),
    "swish, turned": ("s = Sigmoid(z) \n y = Mul(s, z)", lambda z: z * z.sigmoid().detach(), "s"),
    "hard swish": ("s = HardSigmoid(z) \n y = Mul(z, s)", lambda z: z * (0.2 * z + 0.5).clamp(0, 1).detach(), "s"),
    "clipped swish": (
        "a = Add(z, three) \n c = Clip(a, zero, six) \n s = Div(c, six) \n y = Mul(z, s)",
        lambda z: z * F.hardsigmoid(z).detach(),
        "s",
    ),
    "clipped swish of a clipped value": (
        "r = Clip(z, zero, six) \n a = Add(r, three) \n s = Clip(a, zero, six) \n y = Mul(r, s)",
        lambda z: F.relu6(z) * F.relu6(F.relu6(z) + 3).detach(),
        "s",
    ),
    "gelu": (
        "a = Div(z, root) \n e = Erf(a) \n s = Add(e, one) \n p = Mul(z, s) \n y = Mul(p, half)",
        lambda z: z * (F.gelu(z) / z).detach(),
        "s",
    ),
    "gelu by tanh": (
        """q = Mul(z, z) \n c = Mul(q, z) \n d = Mul(c, cube) \n e = Add(z, d) \n f = Mul(e, slope) \n t = Tanh(f)
        s = Add(t, one) \n h = Mul(z, half) \n y = Mul(h, s)""",
        lambda z: z * (F.gelu(z, approximate="tanh") / z).detach(),
        "s",
    ),
    "mish": ("a = Softplus(z) \n s = Tanh(a) \n y = Mul(z, s)", lambda z: z * F.softplus(z).tanh().detach(), "s"),
    "squeeze and excitation": (
        "m = GlobalAveragePool(z) \n r = Relu(m) \n a = Mul(r, wide) \n s = Sigmoid(a) \n y = Mul(s, z)",
        lambda z: z * (F.relu(z.mean((2, 3), keepdim=True)) * like(SCALES, z)).sigmoid().detach(),
        "s",
    ),
    "spatial attention": (
        "m = ReduceMean<axes = [1]>(z) \n s = Sigmoid(m) \n y = Mul(z, s)",
        lambda z: z * z.mean(1, keepdim=True).sigmoid().detach(),
        "s",
    ),
    "gated linear unit": (
        "a, b = Split<axis = 1>(z, halves) \n s = Sigmoid(b) \n y = Mul(a, s)",
        lambda z: z[:, :2] * z[:, 2:].sigmoid().detach(),
        "s",
    ),
    "gate of a memory": (
        "a, b = Split<axis = 1>(z, halves) \n t = Tanh(a) \n s = Sigmoid(b) \n y = Mul(t, s)",
        lambda z: passed(z[:, :2].tanh(), z[:, :2]) * z[:, 2:].sigmoid().detach(),
        "s",
    ),
    "softmax as gate": ("s = Softmax<axis = 1>(z) \n y = Mul(z, s)", lambda z: z * z.softmax(1).detach(), "s"),
    "two gates": (
        "a, b = Split<axis = 1>(z, halves) \n c = Sigmoid(a) \n d = Sigmoid(b) \n s = Mul(c, d) \n y = Mul(a, s)",
        lambda z: z[:, :2] * (z[:, :2].sigmoid() * z[:, 2:].sigmoid()).detach(),
        "s",
    ),
    "layer norm": (
        """m = ReduceMean<axes = [1]>(z) \n c = Sub(z, m) \n q = Mul(c, c) \n v = ReduceMean<axes = [1]>(q)
        w = Add(v, small) \n d = Sqrt(w) \n y = Div(c, d)""",
        normed,
        None,
    ),
    "layer norm by a reciprocal": (
        """m = ReduceMean<axes = [1]>(z) \n c = Sub(z, m) \n q = Mul(c, c) \n v = ReduceMean<axes = [1]>(q)
        w = Add(v, small) \n d = Sqrt(w) \n s = Reciprocal(d) \n y = Mul(c, s)""",
        normed,
        "s",
    ),
    "layer norm by a quotient": (
        """m = ReduceMean<axes = [1]>(z) \n c = Sub(z, m) \n q = Mul(c, c) \n v = ReduceMean<axes = [1]>(q)
        w = Add(v, small) \n d = Sqrt(w) \n s = Div(one, d) \n y = Mul(s, c)""",
        normed,
        "s",
    ),
    "two values": (
        "a, b = Split<axis = 1>(z, halves) \n y = Mul(a, b)",
        lambda z: halves(*split_halves(z), torch.mul),
        None,
    ),
    "a value and the other's relu": (
        "a, b = Split<axis = 1>(z, halves) \n c = Relu(b) \n y = Mul(a, c)",
        lambda z: halves(z[:, :2], F.relu(z[:, 2:]), torch.mul),
        None,
    ),
    "clipped from below alone": (
        "a, b = Split<axis = 1>(z, halves) \n c = Clip(b, zero) \n y = Mul(a, c)",
        lambda z: halves(z[:, :2], F.relu(z[:, 2:]), torch.mul),
        None,
    ),
    "square": ("y = Mul(z, z)", lambda z: z * z.detach(), None),
    "attention": (
        """q, k, v = Split<axis = 2>(z, thirds) \n t = Transpose<perm = [0, 1, 3, 2]>(k)
        a = MatMul(q, t) \n p = Softmax(a) \n y = MatMul(p, v)""",
        attention,
        None,
    ),
}

EPSILON = replace(
    METHODS["lrp"],
    composite=(
        Row(LAYERS, "epsilon", options={"epsilon": 1e-12}),
        Row(ACTIVATIONS, "pass"),
        Row(PRODUCTS, "gate"),
        Row(PROPORTIONAL, "gradient"),
    ),
)


def case(name: str) -> Case:
    body, meaning, _ = PRODUCTS_OF_VALUES[name]
    return Case("", body, meaning, 17, {key: value for key, value in NUMBERS.items() if key in body})


@pytest.mark.parametrize("name", PRODUCTS_OF_VALUES)
def test_relevance_is_the_input_times_the_gradient_with_gates_and_deviations_held_constant(name):
    pictures = np.random.default_rng(5).normal(size=(2, *PICTURE)).astype(np.float32)
    found = run(compile_explainer(case(name).model(), EPSILON), pictures, np.eye(3)[[0, 2]])
    pixels = torch.tensor(pictures).double().requires_grad_()
    case(name).logits(pixels)[[0, 1], [0, 2]].sum().backward()
    expected = (pixels * pixels.grad).sum(1).detach().numpy()
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", [name for name, row in PRODUCTS_OF_VALUES.items() if "y = Mul" in row[0]])
def test_the_bounded_side_of_a_product_is_its_gate(name):
    graph = ir.from_proto(onnx.parser.parse_model(graph_text(PRODUCTS_OF_VALUES[name][0]))).graph
    varies = {value for value in graph.inputs if value.name == "z"}.union(
        *(node.outputs for node in graph)
    ).__contains__
    gate = PRODUCTS_OF_VALUES[name][2]
    values = {value.name: value for node in graph for value in node.outputs}
    product = [node for node in graph if node.op_type == "Mul" and all(map(varies, node.inputs))][-1]
    index = gate_of(product, varies)
    assert gate == (None if index is None else product.inputs[index].name)
    if gate is not None:
        assert serves_as_gate(values[gate], varies)


def graph_text(body: str) -> str:
    inputs = ", ".join(["float[n, 4, 6, 6] z", *(f"float {name}" for name in NUMBERS if name in body)])
    return f'<ir_version: 10, opset_import: ["" : 17]> g ({inputs}) => (float[n, 4, 6, 6] y) {{ {body} }}'
