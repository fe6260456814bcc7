"""``mienscope explain``: one still to a picture or to arrays."""

import argparse
import sys
from pathlib import Path
from typing import Final

import numpy as np

from app.analyze import model_from, settings_from
from core.errors import ExplainError, ExportError, SourceUnreadable, UnknownName
from core.export import write_json, write_whole
from core.opencv import cv2
from core.overlay import Style, draw
from core.pipeline import OFF, Pipeline
from core.sources import Images, open_source
from core.types import FaceResult, Frame, Result

SUFFIXES: Final = (".png", ".npz", ".json")


def explain_still(chosen: argparse.Namespace) -> int:
    """Explain every face of a picture and write the result in the form that the file's ending asks for."""
    if chosen.out.suffix.lower() not in SUFFIXES:
        raise UnknownName("output format", chosen.out.suffix or "(none)", SUFFIXES)
    model, settings = model_from(chosen), settings_from(chosen)
    settings.check(model.labels)
    if settings.method == OFF:
        raise ExplainError("explain needs a method; 'off' explains nothing.")
    pipeline = Pipeline(model, settings, stills=True)
    result = pipeline.process(_read(chosen.image))
    pipeline.close()
    _write(chosen.out, result, Style(region_mode=settings.region_mode))
    faces = [describe(face) for face in result.faces]
    if chosen.json:
        from app.cli import print_json

        print_json({"image": chosen.image, "out": str(chosen.out), "faces": faces})
    else:
        for face in faces:
            sys.stdout.write(f"face {face['face_id']}: {face['label']} {face['probability']:.2f}, {face['verdict']}\n")
        sys.stdout.write(f"{len(faces)} faces explained: {chosen.out}\n" if faces else "")
    if not faces:
        sys.stderr.write(f"mienscope: no face was found in {chosen.image}; {chosen.out} shows it as it is.\n")
        return 1
    return 0


def _read(spec: str) -> Frame:
    with open_source(spec) as source:
        if not isinstance(source, Images):
            raise SourceUnreadable(f"explain takes one picture, and {spec} is not one. Use `mienscope analyze` for video.")
        frame = source.read()
    if frame is None:
        raise SourceUnreadable(f"{spec} holds no picture.")
    return frame


def _write(path: Path, result: Result, style: Style) -> None:
    suffix = path.suffix.lower()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"Results cannot be written to {path.parent}: {error.strerror}.") from error
    if suffix == ".json":
        write_json(path, {"faces": [describe(face) for face in result.faces]})
    elif suffix == ".npz":
        write_whole(path, lambda temporary: np.savez_compressed(temporary, **arrays(result)))
    else:
        picture = cv2.cvtColor(draw(result, style), cv2.COLOR_RGB2BGR)
        write_whole(path, lambda temporary: cv2.imwrite(str(temporary), picture))


def describe(face: FaceResult) -> dict[str, object]:
    """A face in words and numbers: box in frame px, probabilities, shares and densities by region."""
    box, prediction, regions = face.observation.box, face.prediction, face.regions
    described: dict[str, object] = {
        "face_id": face.observation.face_id,
        "confidence": face.observation.confidence,
        "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
        "label": prediction.label,
        "probability": prediction.probability,
        "probabilities": dict(zip(prediction.labels, map(float, prediction.probabilities), strict=True)),
    }
    if face.explanation is not None and regions is not None:
        described |= {
            "method": face.explanation.method,
            "target": face.explanation.title,
            "score": face.explanation.score,
            "verdict": regions.verdict,
            "outside_share": regions.outside_share,
            "expected_share": regions.expected_share,
            "expected_density": regions.expected_density,
            "shares": dict(zip(regions.regions, map(float, regions.shares), strict=True)),
            "densities": dict(zip(regions.regions, map(float, regions.densities), strict=True)),
        }
    return described


def arrays(result: Result) -> dict[str, np.ndarray]:
    """Arrays of every face: crops, relevance (logits per pixel), logits, probabilities, landmarks and crop -> frame."""
    faces = result.faces
    return {
        "crops": np.array([face.crop.image for face in faces]),
        "relevance": np.array([face.explanation.relevance for face in faces if face.explanation is not None]),
        "logits": np.array([face.prediction.logits for face in faces]),
        "probabilities": np.array([face.prediction.probabilities for face in faces]),
        "landmarks": np.array([face.observation.landmarks for face in faces]),
        "to_frame": np.array([face.crop.to_frame.matrix for face in faces]),
        "labels": np.array(faces[0].prediction.labels if faces else (), dtype=np.str_),
    }
