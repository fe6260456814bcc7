"""Reading: what is normalised away, and what is refused."""

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from core.errors import GraphInvalid
from core.explain import compile_explainer
from core.explain.graph import read
from tests.core.explain.networks import Scaled, build, channels, pictures, run, session, to_onnx

PICTURE = (1, 8, 8)


def operators(model: bytes) -> list[str]:
    return [node.op_type for node in read(model).model.graph]


@pytest.mark.parametrize("name", ["plain", "norm in front", "dense", "biases"])
def test_normalising_keeps_the_logits(name):
    model = to_onnx(Scaled(build(name)), PICTURE)
    faces = pictures(3, PICTURE)
    (expected,) = session(model).run(None, {"face": faces})
    found = run(compile_explainer(model, "gradcam"), faces)
    np.testing.assert_allclose(found["logits"], expected, atol=1e-5)


def test_batch_norm_is_folded_where_a_convolution_stands_before_it_and_else_becomes_a_scale_and_a_shift():
    model = to_onnx(Scaled(build("norm in front")), PICTURE)
    assert "BatchNormalization" not in operators(model)
    assert operators(model).count("Mul") == 1


def test_a_softmax_at_the_end_is_split_off():
    network = nn.Sequential(*build("plain"), nn.Softmax(1)).eval()
    model = to_onnx(Scaled(network), PICTURE)
    faces = pictures(2, PICTURE)
    found = run(compile_explainer(model, "lrp"), faces)
    with torch.no_grad():
        logits = build("plain")((torch.tensor(faces).float() - 120) / 64)
    np.testing.assert_allclose(found["logits"], logits, atol=1e-5)


@pytest.mark.parametrize("name", ["residual", "dense"])
def test_a_batch_fixed_to_one_is_freed(name):
    model = to_onnx(Scaled(build(name)), PICTURE, batch=1)
    found = run(compile_explainer(model, "lrp"), pictures(3, PICTURE))
    assert found["relevance"].shape == (3, 8, 8)


@pytest.mark.parametrize("opset", [11, 13, 18])
def test_older_operator_sets_give_the_same_map(opset):
    network = Scaled(build("max pool"))
    faces = pictures(2, PICTURE)
    old, new = (run(compile_explainer(to_onnx(network, PICTURE, o), "lrp"), faces) for o in (opset, 17))
    np.testing.assert_allclose(old["relevance"], new["relevance"], atol=1e-6)


def test_bytes_files_and_models_in_memory_are_all_read(tmp_path):
    model = to_onnx(Scaled(build("plain")), PICTURE)
    path = tmp_path / "model.onnx"
    path.write_bytes(model)
    in_memory = ir.from_proto(onnx.load_model_from_string(model))
    first = compile_explainer(model, "lrp")
    assert first == compile_explainer(path, "lrp")
    assert first == compile_explainer(in_memory, "lrp")


class ChannelsLast(nn.Module):
    """The network for pictures [batch, height, width, channels]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, face):
        return self.network(face.permute(0, 3, 1, 2))


@pytest.mark.parametrize("method", ["lrp", "gradcam", "gradient", "lrp_pixels", "input_x_gradient"])
def test_channels_may_come_last(method):
    network = Scaled(build("colour"))
    last = pictures(2, (8, 8, 3))
    first = np.ascontiguousarray(last.transpose(0, 3, 1, 2))
    assert channels(network.network) == 3
    expected = run(compile_explainer(to_onnx(network, (3, 8, 8)), method), first)["relevance"]
    found = run(compile_explainer(to_onnx(ChannelsLast(network), (8, 8, 3)), method), last)["relevance"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID", "asymmetric"])
def test_paddings_that_torch_does_not_write_conserve_and_match_the_numeric_gradient(auto_pad):
    rng = np.random.default_rng(3)
    pads = {"pads": [0, 1, 2, 0]} if auto_pad == "asymmetric" else {"auto_pad": auto_pad}
    weights = {"w": rng.normal(size=(4, 1, 4, 4)), "v": rng.normal(size=(3, 4, 2, 2)), "h": rng.normal(size=(3, 2))}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], "first", strides=[2, 1], **pads),
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("Conv", ["b", "v"], ["c"], "second", strides=[2, 2], **pads),
            helper.make_node("Relu", ["c"], ["d"]),
            helper.make_node("ReduceMean", ["d"], ["e"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["e", "h"], ["logits"]),
        ],
        "padded",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 9, 10])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    x, seed = rng.normal(size=(1, 1, 9, 10)).astype(np.float32), np.array([[1, 0]])
    found = run(compile_explainer(model, "lrp"), x, seed)
    assert found["relevance"].sum() == pytest.approx(found["logits"][0, 0], rel=1e-4)
    gradient = run(compile_explainer(model, "gradient"), x, seed)["relevance"][0]
    runner = session(model)
    for row, column in ((0, 0), (4, 5), (8, 9), (2, 7)):
        nudge = np.zeros_like(x)
        nudge[0, 0, row, column] = 1e-2
        high, low = (runner.run(None, {"x": x + sign * nudge})[0][0, 0] for sign in (1, -1))
        assert gradient[row, column] == pytest.approx((high - low) / 2e-2, abs=2e-3)


def test_a_model_that_keeps_tensors_elsewhere_is_refused(tmp_path):
    proto = onnx.load_model_from_string(to_onnx(Scaled(build("plain")), PICTURE))
    onnx.external_data_helper.convert_model_to_external_data(proto, location="weights.bin", size_threshold=0)
    onnx.save_model(proto, tmp_path / "model.onnx")
    with pytest.raises(GraphInvalid, match="another file"):
        compile_explainer(tmp_path / "model.onnx", "lrp")


def cyclic() -> bytes:
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])],
        "cycle",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 4, 4])],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (b"not a model", "not a readable"),
        (b"", "breaks the ONNX format|one input|operator set"),
        (cyclic(), "breaks the ONNX format"),
    ],
)
def test_a_file_that_is_no_sound_model_is_refused(model, reason):
    with pytest.raises(GraphInvalid, match=reason):
        compile_explainer(model, "lrp")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(GraphInvalid, match="not a readable"):
        compile_explainer(tmp_path / "none.onnx", "lrp")


def test_a_model_in_another_precision_is_refused():
    proto = onnx.load_model_from_string(to_onnx(Scaled(build("plain")).double(), PICTURE))
    for node in proto.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to":
                attribute.i = TensorProto.DOUBLE
            if attribute.name == "value":
                attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float64)))
    for tensor in proto.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    with pytest.raises(GraphInvalid, match="DOUBLE"):
        compile_explainer(proto.SerializeToString(), "lrp")


def test_a_picture_of_unknown_size_is_refused():
    proto = onnx.load_model_from_string(to_onnx(Scaled(build("plain")), PICTURE))
    proto.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    with pytest.raises(GraphInvalid, match="must be fixed"):
        compile_explainer(proto.SerializeToString(), "lrp")


@pytest.mark.parametrize("taken", ["relevance", "seed"])
def test_names_that_the_explainer_needs_may_occur_inside_the_model(taken):
    proto = onnx.load_model_from_string(to_onnx(Scaled(build("plain")), PICTURE))
    old = proto.graph.node[-1].input[1] if taken == "seed" else proto.graph.node[-1].input[0]
    for node in proto.graph.node:
        node.input[:] = [taken if name == old else name for name in node.input]
        node.output[:] = [taken if name == old else name for name in node.output]
    for tensor in proto.graph.initializer:
        tensor.name = taken if tensor.name == old else tensor.name
    del proto.graph.value_info[:]
    found = run(compile_explainer(proto.SerializeToString(), "lrp_pixels"), pictures(1, PICTURE))
    assert found["relevance"].sum() == pytest.approx((found["logits"] * found["seed_used"]).sum(), rel=1e-4)
