"""Which pixels a unit sees: all that move it, and where its rest goes is a share of one for each unit."""

import numpy as np
import onnx
import pytest

from core.explain.fields import fields
from core.explain.graph import read
from tests.core.explain.networks import session
from tests.core.explain.operators import CASES, PICTURE

PLACED = ("Relu", "Clip", "Elu", "Tanh", "Neg", "Slice", "Split", "Resize", "Pad", "DepthToSpace", "SpaceToDepth")
POOLED = ("MaxPool", "AveragePool", "Max", "Min", "Concat", "Where", "Softmax", "ReduceL2", "Gather", "Transpose")
INDICES = [index for index, case in enumerate(CASES) if case.operator in PLACED + POOLED]


@pytest.mark.parametrize("index", INDICES, ids=[CASES[index].title for index in INDICES])
def test_a_field_holds_all_pixels_that_move_the_unit(index):
    model = CASES[index].model()
    known = {value.name: field for value, field in fields(read(model)).items()}
    if known.get("y") is None:
        return  # sees everything, as far as is known
    field = known["y"]
    height, width = PICTURE[1:]
    np.testing.assert_allclose(field.rows.sum(0), 1, rtol=1e-5)
    np.testing.assert_allclose(field.columns.sum(0), 1, rtol=1e-5)
    pixels = np.random.default_rng(1).normal(size=(1, *PICTURE)).astype(np.float32)
    touched = np.repeat(pixels, height * width, axis=0)
    for place in range(height * width):
        touched[place, :, place // width, place % width] += 1.7
    moved = outputs(model, touched) != outputs(model, pixels)
    moved = moved.any(1).reshape(height, width, *field.places)
    seen = (field.rows[:, None, :, None] > 0) & (field.columns[None, :, None, :] > 0)
    assert not (moved & ~seen).any()


@pytest.mark.parametrize(
    "body",
    [
        "y = Relu(z)",
        "y = Neg(z)",
        "y = SpaceToDepth<blocksize = 2>(z)",
        "y = DepthToSpace<blocksize = 2>(z)",
        "y = Pad(z, p)",
        "y = Slice(z, s, e, a, t)",
        "y = Softmax<axis = 1>(z)",
        "a = Sigmoid(z) \n y = Mul(z, a)",
        "m = GlobalAveragePool(z) \n a = HardSigmoid(m) \n y = Mul(a, z)",
    ],
)
def test_places_are_followed_through_what_moves_them_and_past_gates(body):
    case = next(case for case in CASES if case.body == body)
    known = {value.name: field for value, field in fields(read(case.model())).items()}
    assert known["y"] is not None
    assert known["y"].reach < known["y"].rows.size * known["y"].columns.size


def outputs(model: bytes, pixels: np.ndarray) -> np.ndarray:
    proto = onnx.load_model_from_string(model)
    del proto.graph.output[:]
    proto.graph.output.append(onnx.ValueInfoProto(name="y"))
    return session(proto.SerializeToString()).run(None, {"x": pixels})[0]
