"""Random small graphs: the compiled gradient against numeric differentiation in float64."""

from dataclasses import dataclass, replace

import numpy as np
import onnx
import onnx.parser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from core.explain import METHODS, compile_explainer
from tests.core.explain.networks import session

PICTURE = (3, 4, 6)  # channels, rows, columns
STEP = 1e-6  # of a pixel's spread: so near that a kink in between is unlikely, and float64 still resolves 1e-10
FULL = replace(METHODS["gradient"], reading="inputs")  # every channel's gradient, not their sum


@dataclass
class Drawn:
    """A graph as it grows: ONNX text, constants, and the sizes of every value that may be used next."""

    lines: list[str]
    constants: dict[str, np.ndarray]
    sizes: dict[str, tuple[int, ...]]

    def constant(self, values: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = values
        return name

    def add(self, text: str, sizes: tuple[int, ...]) -> None:
        name = f"v{len(self.sizes)}"
        self.lines.append(f"{name} = {text}")
        self.sizes[name] = sizes

    def model(self, dtype: str) -> onnx.ModelProto:
        """The graph in float32 or, for the reference, float64."""
        last = list(self.sizes)[-1]
        width = int(np.prod(self.sizes[last]))
        head = np.random.default_rng(width).normal(size=(width, 3)) / width**0.5
        body = "\n".join(self.lines)
        kind = {"float32": "float", "float64": "double"}[dtype]
        proto = onnx.parser.parse_model(f"""<ir_version: 10, opset_import: ["" : 18]>
            drawn ({kind}[batch, {", ".join(map(str, PICTURE))}] x) => ({kind}[batch, 3] logits) {{
                {body}
                flat = Flatten({last})
                logits = MatMul(flat, head)
            }}""")
        for name, values in {**self.constants, "head": head}.items():
            kept = values if values.dtype == np.int64 else values.astype(dtype)
            proto.graph.initializer.append(onnx.numpy_helper.from_array(kept, name))
        return proto


# Not Erf: ONNX's reference computes it in float32.
SMOOTH = ("Sigmoid", "Tanh", "Softplus", "Softsign", "Neg")
KINKED = ("Relu", "LeakyRelu", "Elu", "Abs", "HardSigmoid", "Selu", "Celu")


@st.composite
def graphs(draw: st.DrawFn) -> Drawn:
    """Three to seven nodes, each valid for the sizes before it."""
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    drawn = Drawn([], {}, {"x": PICTURE})
    kernel = drawn.constant(random.normal(size=(4, PICTURE[0], 3, 3)) / 4)
    drawn.add(f"Conv<pads = [1, 1, 1, 1]>(x, {kernel})", (4, *PICTURE[1:]))
    for _ in range(draw(st.integers(3, 7))):
        sources = [name for name in list(drawn.sizes)[1:] if len(drawn.sizes[name]) == 3]
        draw(st.sampled_from(NODES))(draw, drawn, sources[-1 - draw(st.integers(0, min(1, len(sources) - 1)))], random)
    return drawn


def function(draw, drawn: Drawn, name: str, random) -> None:
    drawn.add(f"{draw(st.sampled_from(SMOOTH + KINKED))}({name})", drawn.sizes[name])


def two(draw, drawn: Drawn, name: str, random) -> None:
    """A sum or product with another value of a size that can be repeated."""
    sizes = drawn.sizes[name]
    others = [other for other, found in drawn.sizes.items() if other != "x" and fits(found, sizes)]
    other = draw(st.sampled_from(others))
    operator = draw(st.sampled_from(["Add", "Sub", "Mul", "Max", "Min"]))
    pair = (name, other) if draw(st.booleans()) else (other, name)
    drawn.add(f"{operator}({', '.join(pair)})", sizes)


def fits(part: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    return len(part) == len(whole) and all(a in (1, b) for a, b in zip(part, whole, strict=True))


def quotient(draw, drawn: Drawn, name: str, random) -> None:
    """Over something that stays away from zero."""
    drawn.add(f"Abs({name})", drawn.sizes[name])
    drawn.add(f"Add(v{len(drawn.sizes) - 1}, {drawn.constant(np.array(0.5))})", drawn.sizes[name])
    drawn.add(f"Div({name}, v{len(drawn.sizes) - 1})", drawn.sizes[name])


def scale(draw, drawn: Drawn, name: str, random) -> None:
    channels = drawn.sizes[name][0]
    factor = drawn.constant(random.uniform(0.5, 1.5, (channels, 1, 1)))
    drawn.add(f"{draw(st.sampled_from(['Mul', 'Div', 'Add', 'Sub']))}({name}, {factor})", drawn.sizes[name])


def convolve(draw, drawn: Drawn, name: str, random) -> None:
    channels, rows, columns = drawn.sizes[name]
    stride = draw(st.sampled_from([1, 2]))
    kernel = drawn.constant(random.normal(size=(3, channels, 3, 3)) / channels)
    sizes = (3, (rows - 1) // stride + 1, (columns - 1) // stride + 1)
    drawn.add(f"Conv<pads = [1, 1, 1, 1], strides = [{stride}, {stride}]>({name}, {kernel})", sizes)


def pool(draw, drawn: Drawn, name: str, random) -> None:
    channels, rows, columns = drawn.sizes[name]
    operator = draw(st.sampled_from(["MaxPool", "AveragePool"]))
    sizes = (channels, (rows - 1) // 2 + 1, (columns - 1) // 2 + 1)
    drawn.add(f"{operator}<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>({name})", sizes)


def reduce(draw, drawn: Drawn, name: str, random) -> None:
    axis = draw(st.integers(1, 3))
    operator = draw(st.sampled_from(["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"]))
    sizes = tuple(1 if place == axis else size for place, size in enumerate(drawn.sizes[name], start=1))
    drawn.add(f"{operator}({name}, {drawn.constant(np.array([axis]))})", sizes)


def turn(draw, drawn: Drawn, name: str, random) -> None:
    order = draw(st.permutations([1, 2, 3]))
    sizes = tuple(drawn.sizes[name][axis - 1] for axis in order)
    drawn.add(f"Transpose<perm = [0, {', '.join(map(str, order))}]>({name})", sizes)


def beside(draw, drawn: Drawn, name: str, random) -> None:
    axis = draw(st.integers(1, 3))
    sizes = tuple(2 * size if place == axis else size for place, size in enumerate(drawn.sizes[name], start=1))
    drawn.add(f"Concat<axis = {axis}>({name}, {name})", sizes)


def cut(draw, drawn: Drawn, name: str, random) -> None:
    axis = draw(st.integers(1, 3))
    size = drawn.sizes[name][axis - 1]
    start, stride = draw(st.integers(0, size - 1)), draw(st.sampled_from([1, 2, -1, -2]))
    end = size if stride > 0 else -size - 1
    count = len(range(start, size, stride)) if stride > 0 else len(range(start, -1, stride))
    numbers = [drawn.constant(np.array([value])) for value in (start, end, axis, stride)]
    sizes = tuple(count if place == axis else found for place, found in enumerate(drawn.sizes[name], start=1))
    drawn.add(f"Slice({name}, {', '.join(numbers)})", sizes)


def frame(draw, drawn: Drawn, name: str, random) -> None:
    ends = [draw(st.integers(0, 1)) for _ in range(4)]
    channels, rows, columns = drawn.sizes[name]
    pads = drawn.constant(np.array([0, 0, ends[0], ends[1], 0, 0, ends[2], ends[3]]))
    mode = draw(st.sampled_from(["constant", "edge"]))
    sizes = (channels, rows + ends[0] + ends[2], columns + ends[1] + ends[3])
    drawn.add(f'Pad<mode = "{mode}">({name}, {pads})', sizes)


def product(draw, drawn: Drawn, name: str, random) -> None:
    """A value times its own transpose, matrix by matrix, behind a softmax."""
    channels, rows, columns = drawn.sizes[name]
    drawn.add(f"Transpose<perm = [0, 1, 3, 2]>({name})", (channels, columns, rows))
    drawn.add(f"MatMul({name}, v{len(drawn.sizes) - 1})", (channels, rows, rows))
    drawn.add(f"Softmax<axis = -1>(v{len(drawn.sizes) - 1})", (channels, rows, rows))
    drawn.add(f"MatMul(v{len(drawn.sizes) - 1}, {name})", (channels, rows, columns))


NODES = (function, two, two, quotient, scale, convolve, pool, reduce, turn, beside, cut, frame, product)


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(graphs(), st.integers(0, 2**31))
def test_the_compiled_gradients_of_all_logits_of_one_picture_are_their_slopes(drawn, seed):
    picture, direction = np.random.default_rng(seed).normal(size=(2, 1, *PICTURE)).astype(np.float32).astype(np.float64)
    feeds = {"x": picture.astype(np.float32), "seed": np.eye(3, dtype=np.float32), "contrast": np.zeros(3, np.float32)}
    explainer = compile_explainer(drawn.model("float32").SerializeToString(), FULL)
    (gradients,) = session(explainer).run(["gradient"], feeds)
    evaluator = ReferenceEvaluator(drawn.model("float64"))
    above, below = (evaluator.run(None, {"x": picture + step * direction})[0][0] for step in (STEP, -STEP))
    slopes = (gradients * direction).sum((1, 2, 3))
    sizes = np.abs(gradients * direction).sum((1, 2, 3))
    assert (np.abs(slopes - (above - below) / (2 * STEP)) <= 1e-4 * sizes + 1e-6).all()
