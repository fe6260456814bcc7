"""Landmark networks as a model pack: manifest, ONNX, golden outputs with typical samples, and card."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from core.geometry import Floats
from core.manifests import LandmarkManifest
from core.packs import FILES, sha256
from core.sample import sample_faces
from core.shape import POINTS, normalised
from models.data.landmarks import EXPRESSIONS
from models.export.onnx import OPSET
from models.export.pack import run_onnx
from models.networks.landmarks import FoldedNetworks, LandmarkNetworks

NAME = "landmarks"  # of the graph's input


def manifest_facts(identity: tuple[str, str, str], data: str, temperature: float, images: int) -> dict[str, object]:
    """What a manifest says of landmark networks, before anything is measured; `identity` is id, version and title."""
    head = {"name": "expression", "kind": "binary", "labels": list(EXPRESSIONS), "temperature": round(temperature, 4)}
    return {
        **dict(zip(("id", "version", "title"), identity, strict=True)),
        "licence": "Apache-2.0",
        "heads": [head],
        "operating_point": {"rule": "argmax"},
        "training": {
            "data": data,
            "images": images,
            "note": "The images were collected from the web and never cleared for redistribution; see CARD.md.",
        },
        "measured": [],
    }


def write_landmark_pack(
    folder: Path,
    network: LandmarkNetworks,
    baselines: Floats,
    facts: dict[str, object],
    card: str,
    interval_s: float = 0.0,
    from_neutral: bool = False,
) -> None:
    """Write a pack folder.

    Parameters
    ----------
    baselines
        float32 [5, T, 478, 3], the typical samples that integrated gradients start from.
    interval_s
        Between the frames of a window; 0 for stills.
    from_neutral
        Whether the networks take the way from the person's neutral shape in place of the shape.
    """
    folder.mkdir(parents=True, exist_ok=True)
    window = network.window
    onnx.save(graph_of(FoldedNetworks(network), window), folder / "model.onnx")
    inputs = golden_inputs(baselines, from_neutral)
    logits = run_onnx(folder / "model.onnx", inputs)
    golden = {"inputs": inputs, "logits": logits, "baselines": baselines, "kept": network.kept.numpy()}
    np.savez_compressed(folder / "golden.npz", **golden)
    (folder / "CARD.md").write_text(card, encoding="utf-8")
    manifest = {
        "format": 1,
        **facts,
        "input": {
            "kind": "landmarks",
            "name": NAME,
            "points": POINTS,
            "window": window,
            "interval_s": interval_s,
            "normalisation": "eye-line",
            "from_neutral": from_neutral,
        },
        "sha256": {name: sha256(folder / name) for name in FILES},
    }
    text = json.dumps(manifest, indent=2) + "\n"
    LandmarkManifest.model_validate_json(text)
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def graph_of(networks: FoldedNetworks, window: int) -> onnx.ModelProto:
    """Kept points, two dense layers, a ReLU between: shapes [batch, T, 478, 3] to logits [batch, 6]."""
    nodes = [
        helper.make_node("Gather", [NAME, "kept"], ["points"], axis=2),
        helper.make_node("Flatten", ["points"], ["row"], axis=1),
        helper.make_node("Gemm", ["row", "first.weight", "first.bias"], ["hidden"], transB=1),
        helper.make_node("Relu", ["hidden"], ["units"]),
        helper.make_node("Gemm", ["units", "second.weight", "second.bias"], ["logits"], transB=1),
    ]
    weights = [numpy_helper.from_array(each.numpy(), name) for name, each in networks.state_dict().items()]
    shapes = helper.make_tensor_value_info(NAME, TensorProto.FLOAT, ["batch", window, POINTS, 3])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(EXPRESSIONS)])
    graph = helper.make_graph(nodes, "landmark networks", [shapes], [logits], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def golden_inputs(baselines: Floats, from_neutral: bool) -> Floats:
    """The typical samples, disturbed by seeded noise, then shapes from the demo clip: float32 [n, T, 478, 3].

    Each of the clip's faces stands still in its window; from neutral it is the way from the clip's first face.
    """
    window = baselines.shape[1]
    noise = np.random.default_rng(7).normal(0, 0.02, baselines.shape).astype(np.float32)
    faces = normalised(np.stack([face.landmarks for face in sample_faces().faces]))
    faces = faces - faces[:1] if from_neutral else faces
    return np.concatenate([baselines + noise, np.repeat(faces[:, None], window, axis=1)])
