"""What is written weight by weight is what protobuf would have written."""

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.explain.writing import to_bytes
from tests.core.explain.networks import Scaled, build, to_onnx


def weights(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}


@pytest.mark.parametrize("name", ["plain", "dense"])
def test_a_model_comes_back_as_it_was(name):
    model = ir.from_proto(onnx.load_model_from_string(to_onnx(Scaled(build(name)), (1, 8, 8))))
    expected, found = ir.to_proto(model), onnx.load_model_from_string(to_bytes(model))
    assert list(weights(expected)) == list(weights(found))
    for key, array in weights(expected).items():
        np.testing.assert_array_equal(weights(found)[key], array)
    assert {value.name for value in expected.graph.value_info} <= set(weights(expected))  # a weight has its own shape
    del expected.graph.value_info[:]
    for proto in (expected, found):
        del proto.graph.initializer[:]
    assert expected == found
    assert list(model.graph.initializers) == list(weights(ir.to_proto(model))), "the model itself was changed"


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64, np.int64, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (200, 300)])
def test_weights_of_every_type_and_size_come_back(dtype, shape):
    array = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(dtype)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["w"], ["y"])],
        "one weight",
        [],
        [helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)],
        [numpy_helper.from_array(array, "w")],
    )
    model = ir.from_proto(helper.make_model(graph))
    found = weights(onnx.load_model_from_string(to_bytes(model)))["w"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_a_graph_without_weights_is_written_too():
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "bare",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    onnx.checker.check_model(onnx.load_model_from_string(to_bytes(ir.from_proto(helper.make_model(graph)))))
