"""A trained network as a model pack: manifest, ONNX, golden outputs and card."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.geometry import Alignment, Floats
from core.model import Model
from core.packs import FILES, Manifest, read_pack, sha256
from core.sample import sample_faces
from models.data.ferplus import CLASSES, FerPlus, majority_labels
from models.export.card import TrainingFacts, write_card
from models.export.onnx import export_onnx
from models.networks.mien import Mien
from models.verify.explanations import conservation, faithfulness
from models.verify.paths import measure_paths


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


def run_onnx(path: Path, faces: NDArray[np.uint8]) -> Floats:
    """Logits of faces uint8 [n, channels, size, size] from ONNX Runtime on the CPU, float32 [n, classes]."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (name,) = (value.name for value in session.get_inputs())
    parts = [session.run(["logits"], {name: faces[i : i + 256]})[0] for i in range(0, len(faces), 256)]
    return np.concatenate(parts)


def write_pack(folder: Path, network: nn.Module, alignment: Alignment, facts: dict[str, object], card: str) -> None:
    """Write a pack folder.

    Parameters
    ----------
    facts
        The manifest's fields that say what the pack is: id, version, title, licence, heads, operating_point, training,
        measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    export_onnx(network, folder / "model.onnx", alignment.size)
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


def export_pack(
    network: Mien, folder: Path, split: FerPlus, alignment: Alignment, facts: TrainingFacts, images: int = 500
) -> None:
    """Write the default pack and measure it as it will run: from its ONNX file, through `core`.

    Parameters
    ----------
    split
        The validation split.
    images
        How many labelled images the checks of explanations take.
    """
    manifest = manifest_facts(folder.name, facts)
    write_pack(folder, network, alignment, manifest, card="Being measured.\n")
    model = Model(read_pack(folder), provider="cpu")
    paths = measure_paths(model, split)
    labelled = np.flatnonzero(majority_labels(split.votes) >= 0)[:images]
    faces = split.crops(alignment)[labelled][:, None]
    conserved = [conservation(model, faces, method) for method in ("lrp", "lrp_pixels")]
    faithful = faithfulness(model, faces, ("lrp", "lrp_pixels", "gradcam", "gradient"))
    measured = [
        {"name": f"{name} {what}", "value": round(value, 5), "on": "ferplus_valid, majority protocol, one pass"}
        for name, scores in (("raw", paths.raw), ("aligned", paths.aligned), ("full path", paths.full))
        for what, value in (
            ("accuracy", scores.accuracy),
            ("mean recall", scores.mean_recall),
            ("calibration error", scores.calibration_error),
        )
    ]
    card = write_card(facts, paths, conserved, faithful)
    write_pack(folder, network, alignment, manifest | {"measured": measured}, card)


def manifest_facts(pack_id: str, facts: TrainingFacts) -> dict[str, object]:
    """What the default pack's manifest says of itself, before anything is measured."""
    return {
        "id": pack_id,
        "version": "1.0",
        "title": "Eight expressions, small residual network made to be explained",
        "licence": "Apache-2.0",
        "heads": [
            {
                "name": "expression",
                "kind": "expression",
                "labels": list(CLASSES),
                "temperature": round(facts.temperature, 4),
            }
        ],
        "operating_point": {"rule": "argmax"},
        "training": {
            "data": "FER+ votes on FER2013 images",
            "images": facts.trained_on,
            "note": "The images were collected from the web and never cleared for redistribution; see CARD.md.",
        },
        "measured": [],
    }
