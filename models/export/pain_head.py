"""A second head for a finished pack: the parts of the pain score, from the features that the classes are read from.

The trunk and the classes stay as they are, bit for bit; one linear layer is added behind the pooled features, cut to
the scale's ends. `models.train.pain_head` learns its weights.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.geometry import Floats
from core.manifests import PSPI_PARTS
from core.neurons.atlas import NeuronAtlas
from core.packs import ATLAS, FILES, Pack, read_pack, sha256

OUTPUT: Final = "units"
MOST: Final = 5.0
SECTION: Final = "## A second road to pain"


@dataclass(frozen=True)
class Head:
    """What is added.

    Attributes
    ----------
    weights
        float32 [parts, features]; no bias, so that all of a score lies on features.
    learnt_from
        For the manifest.
    section
        For the card, below its heading.
    """

    weights: Floats
    learnt_from: str
    section: str


def pooled_features(path: Path, faces: NDArray[np.uint8]) -> Floats:
    """What the last layer reads the classes from, float32 [n, features], of faces uint8 [n, channels, size, size]."""
    import onnxruntime

    model = onnx.load(path)
    name = _last_layer(model.graph).input[0]
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (face,) = (value.name for value in session.get_inputs())
    parts = [session.run([name], {face: faces[i : i + 64]})[0] for i in range(0, len(faces), 64)]
    return np.concatenate(parts)


def estimates(features: Floats, weights: Floats) -> Floats:
    """What the head says of features [n, features]: float32 [n, parts], on its scale."""
    return np.clip(features @ weights.T, 0, MOST).astype(np.float32)


def add_head(folder: Path, head: Head) -> Pack:
    """Give a finished pack this head, in place of one that it may have; hashes, golden outputs and card follow.

    The atlas of its filters stays: no layer that it speaks of has changed.
    """
    pack = read_pack(folder)
    atlas = NeuronAtlas.find(pack, None)
    model = onnx.load(pack.model_path)
    _without_head(model.graph)
    _append(model.graph, head.weights)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, pack.model_path)
    _write_golden(folder)
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    (folder / "CARD.md").write_text(_with_section(card, head.section), encoding="utf-8")
    files = list(FILES)
    if atlas is not None:
        header = atlas.header.model_copy(update={"model_sha256": sha256(pack.model_path)})
        NeuronAtlas(header, atlas.layers).write(folder / ATLAS)
        files.append(ATLAS)
    _write_manifest(folder, head.learnt_from, files)
    return read_pack(folder)


def _last_layer(graph: onnx.GraphProto) -> onnx.NodeProto:
    """The layer that gives the logits: linear, of features [batch, features]."""
    node: onnx.NodeProto
    (node,) = (node for node in graph.node if "logits" in node.output)
    if node.op_type != "Gemm":
        raise ValueError(f"the layer that gives the logits must be a Gemm of pooled features, got {node.op_type}")
    return node


def _without_head(graph: onnx.GraphProto) -> None:
    """Take out a head that was added before."""
    names = {OUTPUT, f"{OUTPUT}.raw", f"{OUTPUT}.weight", f"{OUTPUT}.lowest", f"{OUTPUT}.highest"}
    for kept in (graph.output, graph.initializer, graph.value_info):
        for each in [each for each in kept if each.name in names]:
            kept.remove(each)
    for node in [node for node in graph.node if set(node.output) & names]:
        graph.node.remove(node)


def _append(graph: onnx.GraphProto, weights: Floats) -> None:
    source = _last_layer(graph).input[0]
    tensors: dict[str, NDArray[Any]] = {
        f"{OUTPUT}.weight": weights.astype(np.float32),
        f"{OUTPUT}.lowest": np.array(0, np.float32),
        f"{OUTPUT}.highest": np.array(MOST, np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in tensors.items())
    weight, lowest, highest = tensors
    graph.node.append(helper.make_node("Gemm", [source, weight], [f"{OUTPUT}.raw"], name="node_units", transB=1))
    graph.node.append(
        helper.make_node("Clip", [f"{OUTPUT}.raw", lowest, highest], [OUTPUT], name="node_units_on_scale")
    )
    batch = graph.output[0].type.tensor_type.shape.dim[0].dim_param or "batch"
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [batch, len(weights)]))


def _write_golden(folder: Path) -> None:
    """Write what the head answers to the golden inputs; the logits are left as they are."""
    import onnxruntime

    path = folder / "golden.npz"
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    session = onnxruntime.InferenceSession((folder / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    (face,) = (value.name for value in session.get_inputs())
    arrays["units"] = session.run([OUTPUT], {face: arrays["inputs"]})[0]
    np.savez_compressed(path, **arrays)


def _with_section(card: str, section: str) -> str:
    """The card with the head's section before its last one; one of before is replaced."""
    parts = [part for part in card.split("\n## ") if not part.startswith(SECTION.removeprefix("## "))]
    parts.insert(max(len(parts) - 1, 1), f"{SECTION.removeprefix('## ')}\n\n{section.strip()}\n")
    return "\n## ".join(parts)


def _write_manifest(folder: Path, learnt_from: str, files: list[str]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    head = {
        "name": OUTPUT,
        "kind": "intensity",
        "labels": list(PSPI_PARTS),
        "lowest": 0,
        "highest": int(MOST),
        "learnt_from": learnt_from,
    }
    manifest["heads"] = [*manifest["heads"][:1], head]
    manifest["sha256"] = {name: sha256(folder / name) for name in files}
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
