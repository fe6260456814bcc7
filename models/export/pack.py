"""A trained network as a model pack: manifest, ONNX, golden outputs and card."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.geometry import Alignment, Floats
from core.manifests import Manifest
from core.packs import FILES, sha256
from core.sample import sample_faces
from models.export.onnx import export_onnx


def made_pictures(size: int) -> NDArray[np.uint8]:
    """Black, white, a ramp both ways, a checkerboard and seeded noise: uint8 [9, 1, size, size]."""
    ramp = np.tile(np.linspace(0, 255, size).astype(np.uint8), (size, 1))
    checks = ((np.indices((size, size)).sum(axis=0) // 6) % 2 * 255).astype(np.uint8)
    noise = np.random.default_rng(7).integers(0, 256, (4, size, size), dtype=np.uint8)
    planes = np.stack([np.zeros_like(ramp), np.full_like(ramp, 255), ramp, ramp.T, checks, *noise])
    return np.expand_dims(planes, 1)


def write_golden(folder: Path, alignment: Alignment) -> None:
    """Write pictures and what the folder's model answers: made ones, then faces, whose rows are in `faces`."""
    made, faces = made_pictures(alignment.size), sample_faces().crops(alignment)["grey"]
    inputs = np.concatenate([made, faces])
    logits, rows = run_onnx(folder / "model.onnx", inputs), len(made) + np.arange(len(faces))
    np.savez_compressed(folder / "golden.npz", inputs=inputs, logits=logits, faces=rows)


def run_onnx(path: Path, faces: NDArray[Any]) -> Floats:
    """Logits of what a model takes, [n, ...], from ONNX Runtime on the CPU, float32 [n, classes]."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (name,) = (value.name for value in session.get_inputs())
    parts = [session.run(["logits"], {name: faces[i : i + 256]})[0] for i in range(0, len(faces), 256)]
    return np.concatenate(parts)


def manifest_facts(
    identity: tuple[str, str, str], labels: Sequence[str], data: str, temperature: float, images: int
) -> dict[str, object]:
    """What a manifest says of a trained network, before anything is measured; `identity` is id, version and title."""
    return {
        **dict(zip(("id", "version", "title"), identity, strict=True)),
        "licence": "Apache-2.0",
        "heads": [
            {"name": "expression", "kind": "expression", "labels": list(labels), "temperature": round(temperature, 4)}
        ],
        "operating_point": {"rule": "argmax"},
        "training": {
            "data": data,
            "images": images,
            "note": "The images were collected from the web and never cleared for redistribution; see CARD.md.",
        },
        "measured": [],
    }


def write_pack(
    folder: Path, network: nn.Module, alignment: Alignment, facts: dict[str, object], card: str, half: bool = False
) -> None:
    """Write a pack folder; with `half` its weights are stored in half precision.

    Parameters
    ----------
    facts
        The manifest's fields that say what the pack is: id, version, title, licence, heads, operating_point, training,
        measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    export_onnx(network, folder / "model.onnx", alignment.size, half=half)
    write_golden(folder, alignment)
    (folder / "CARD.md").write_text(card, encoding="utf-8")
    places = {
        name: dict(zip("xy", getattr(alignment, name), strict=True)) for name in ("right_eye", "left_eye", "mouth")
    }
    manifest = {
        "format": 1,
        **facts,
        "input": {
            "kind": "face",
            "name": "face",
            "size": alignment.size,
            "colour": "grey",
            "normalisation": "inside",
            "alignment": places,
        },
        "sha256": {name: sha256(folder / name) for name in FILES},
    }
    text = json.dumps(manifest, indent=2) + "\n"
    Manifest.model_validate_json(text)
    (folder / "manifest.json").write_text(text, encoding="utf-8")
