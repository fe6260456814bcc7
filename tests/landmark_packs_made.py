"""Small landmark packs: six binary networks side by side on some points of the mesh, random weights."""

import itertools
import json

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from core.packs import DEFAULT_PACK, FILES, find_pack, read_any_pack, sha256

LABELS = ("happiness", "surprise", "sadness", "anger", "disgust", "fear")
KEPT = np.arange(0, 478, 5)


def random_shapes(count, window=1, seed=0):
    """Shapes that wander: float32 [count, window, 478, 3]."""
    random = np.random.default_rng(seed)
    still = random.normal(0, 0.6, (1, 1, 478, 3))
    return (still + random.normal(0, 0.05, (count, window, 478, 3))).astype(np.float32)


def make_landmark_pack(folder, name="points", window=1, interval_s=0.0, from_neutral=False, model=None, labels=LABELS):
    """Write a pack below a folder; return it as read."""
    folder = folder / name
    folder.mkdir()
    model = model or landmark_model(window, len(labels))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    inputs = random_shapes(8, window)
    baselines = random_shapes(5, window, seed=1)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = session.run(None, {"landmarks": inputs})[0]
    np.savez(folder / "golden.npz", inputs=inputs, logits=logits, baselines=baselines, kept=KEPT)
    (folder / "CARD.md").write_text(f"# {name}\n", encoding="utf-8")
    manifest = json.loads(find_pack(DEFAULT_PACK).folder.joinpath("manifest.json").read_text(encoding="utf-8"))
    manifest.update(id=name, title="Random weights", measured=[])
    manifest["input"] = {
        "kind": "landmarks",
        "name": "landmarks",
        "points": 478,
        "window": window,
        "interval_s": interval_s,
        "normalisation": "eye-line",
        "from_neutral": from_neutral,
    }
    manifest["heads"] = [{"name": "expression", "kind": "binary", "labels": list(labels), "temperature": 1.5}]
    manifest["training"].update(images=None)
    manifest["sha256"] = {name: sha256(folder / name) for name in FILES}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return read_any_pack(folder)


def landmark_model(window=1, labels=6, hidden=(24, 12), activation="Relu", apart=False):
    """`labels` networks of two hidden layers, each on the kept points: block-diagonal, or `apart` as sub-graphs."""
    random = np.random.default_rng(2)
    width = window * len(KEPT) * 3
    arrays = {"kept": KEPT, "mean": random.normal(0, 0.1, (1, window, len(KEPT), 3)), "std": np.array(0.5)}
    nodes = [
        helper.make_node("Gather", ["landmarks", "kept"], ["points"], axis=2),
        helper.make_node("Sub", ["points", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], ["scaled"]),
        helper.make_node("Flatten", ["scaled"], ["flat"]),
    ]
    sizes = (width, *hidden, 1)
    weights = [random.normal(0, 1 / np.sqrt(i), (labels, i, o)) for i, o in itertools.pairwise(sizes)]
    biases = [random.normal(0, 0.1, (labels, o)) for o in sizes[1:]]
    if apart:
        for k in range(labels):
            nodes += _dense(f"n{k}", "flat", [w[k] for w in weights], [b[k] for b in biases], activation, arrays)
        nodes.append(helper.make_node("Concat", [f"n{k}_out" for k in range(labels)], ["logits"], axis=1))
    else:
        whole = [np.concatenate(list(weights[0]), axis=1), *map(_block_diagonal, weights[1:])]
        nodes += _dense("n", "flat", whole, [b.ravel() for b in biases], activation, arrays, out="logits")
    shape = ["batch", window, 478, 3]
    initializers = [
        numpy_helper.from_array(np.asarray(a, np.int64 if name == "kept" else np.float32), name)
        for name, a in arrays.items()
    ]
    graph = helper.make_graph(
        nodes,
        "landmarks",
        [helper.make_tensor_value_info("landmarks", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", labels])],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _dense(name, source, weights, biases, activation, arrays, out=None):
    nodes = []
    for depth, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        arrays |= {f"{name}_w{depth}": weight, f"{name}_b{depth}": bias}
        last = depth == len(weights) - 1
        end = (out or f"{name}_out") if last else f"{name}_z{depth}"
        nodes.append(helper.make_node("Gemm", [source, f"{name}_w{depth}", f"{name}_b{depth}"], [end]))
        if not last:
            source = f"{name}_a{depth}"
            nodes.append(helper.make_node(activation, [end], [source]))
    return nodes


def _block_diagonal(weights):
    labels, rows, columns = weights.shape
    whole = np.zeros((labels * rows, labels * columns))
    for k in range(labels):
        whole[k * rows : (k + 1) * rows, k * columns : (k + 1) * columns] = weights[k]
    return whole
