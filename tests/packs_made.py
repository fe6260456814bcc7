"""Small packs with random weights: of another kind than the shipped one, and with a head of intensities."""

import json
import shutil

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from core.manifests import PSPI_PARTS
from core.packs import DEFAULT_PACK, FILES, find_pack, read_pack, sha256

SIZE = 40
LABELS = ("a", "b", "c")


def make_colour_pack(folder, width=6, labels=LABELS, model=None):
    """Write the pack `other` below a folder, with so many channels inside or of a given model; return it as read."""
    model = model or _model(width, len(labels))
    return make_pack(folder, model.SerializeToString(), (3, SIZE, SIZE), labels)


def make_pack(folder, model, picture, labels, name="other"):
    """Write a pack of any model that takes `face` uint8 [batch, *picture] and gives `logits`; return it as read."""
    folder = folder / name
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model)
    inputs = np.random.default_rng(0).integers(0, 256, (3, *picture), dtype=np.uint8)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    np.savez(folder / "golden.npz", inputs=inputs, logits=session.run(["logits"], {"face": inputs})[0])
    (folder / "CARD.md").write_text(f"# {name}\n", encoding="utf-8")
    manifest = json.loads(find_pack(DEFAULT_PACK).folder.joinpath("manifest.json").read_text(encoding="utf-8"))
    manifest.update(id=name, title="Random weights", measured=[])
    manifest["input"].update(size=picture[-1], colour="rgb" if picture[0] == 3 else "grey")
    manifest["heads"] = manifest["heads"][:1]
    manifest["heads"][0].update(labels=list(labels))
    manifest["training"].update(images=None)
    manifest["sha256"] = {name: sha256(folder / name) for name in FILES}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return read_pack(folder)


def make_pack_with_units(folder, source=None):
    """A copy of a pack (the shipped one) below a folder, with random weights as head of intensities; as read."""
    source = source or find_pack(DEFAULT_PACK)
    folder = folder / "with-units"
    shutil.copytree(source.folder, folder)
    (folder / "neurons.npz").unlink(missing_ok=True)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    head = {"name": "units", "kind": "intensity", "labels": list(PSPI_PARTS), "lowest": 0, "highest": 5}
    manifest["heads"] = [manifest["heads"][0], head | {"learnt_from": "nothing: random weights"}]
    model = with_units(onnx.load(folder / "model.onnx"))
    onnx.save(model, folder / "model.onnx")
    with np.load(folder / "golden.npz", allow_pickle=False) as file:
        arrays = dict(file)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    arrays["units"] = session.run(["units"], {"face": arrays["inputs"]})[0]
    np.savez(folder / "golden.npz", **arrays)
    manifest["sha256"] = {name: sha256(folder / name) for name in FILES}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return read_pack(folder)


def with_units(model):
    """The model with random intensities behind what its last layer reads, in place of such an output that it has."""
    graph = model.graph
    (last,) = (node for node in graph.node if "logits" in node.output)
    features = next(each.dims[1] for each in graph.initializer if each.name == last.input[1])
    for node in [node for node in graph.node if {"units", "units.raw"} & set(node.output)]:
        graph.node.remove(node)
    del graph.output[1:]
    weights = np.random.default_rng(3).normal(0.2, 0.4, (len(PSPI_PARTS), features)).astype(np.float32)
    arrays = {"test.weight": weights, "test.low": np.float32(0), "test.high": np.float32(5)}
    graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items())
    graph.node.append(helper.make_node("Gemm", [last.input[0], "test.weight"], ["units.raw"], transB=1))
    graph.node.append(helper.make_node("Clip", ["units.raw", "test.low", "test.high"], ["units"]))
    graph.output.append(helper.make_tensor_value_info("units", onnx.TensorProto.FLOAT, ["batch", len(PSPI_PARTS)]))
    return model


def _model(width, classes):
    random = np.random.default_rng(1)
    arrays = {
        "mean": np.array(128, np.float32),
        "std": np.array(64, np.float32),
        "w1": random.normal(0, 0.2, (width, 3, 3, 3)),
        "b1": random.normal(0, 0.1, width),
        "w2": random.normal(0, 0.1, (width, width, 3, 3)),
        "b2": random.normal(0, 0.1, width),
        "w3": random.normal(0, 1, (width, classes)),
        "b3": random.normal(0, 0.1, classes),
    }
    nodes = [
        helper.make_node("Cast", ["face"], ["float"], to=1),
        helper.make_node("Sub", ["float", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "w1", "b1"], ["c1"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w3", "b3"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "other",
        [helper.make_tensor_value_info("face", onnx.TensorProto.UINT8, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", classes])],
        [onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
