"""One result as two files: the picture with its overlay, and every number behind it as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtGui import QImage

from app.gui import names
from app.settings import Settings
from core import __version__
from core.errors import ExportError
from core.geometry import Image
from core.types import FaceResult, RegionRelevance, Result


@dataclass(frozen=True)
class Origin:
    """Where a result comes from."""

    source: str
    pack: str
    provider: str


def save(result: Result, picture: Image, settings: Settings, origin: Origin, folder: Path) -> tuple[Path, Path]:
    """Write `<time>.png` and `<time>.json` and return their paths. ExportError where the folder refuses."""
    stem = datetime.now().astimezone().strftime("mienscope-%Y%m%d-%H%M%S-%f")[:-3]
    png, sheet = folder / f"{stem}.png", folder / f"{stem}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(as_json(result, settings, origin), indent=1, ensure_ascii=False)
        sheet.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ExportError(f"The snapshot could not be written to {folder}: {error.strerror}.") from error
    pixels = np.ascontiguousarray(picture)
    height, width = pixels.shape[:2]
    if not QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).save(str(png)):
        raise ExportError(f"The picture could not be written to {png}.")
    return png, sheet


def as_json(result: Result, settings: Settings, origin: Origin) -> dict[str, Any]:
    """Everything of a result but the frame's pixels, which are the picture's. Units as in `core.types`."""
    frame = result.frame
    return {
        "mienscope": __version__,
        "note": "not a medical device",
        "source": origin.source,
        "pack": origin.pack,
        "provider": origin.provider,
        "frame": {
            "index": frame.index,
            "timestamp_s": frame.timestamp_s,
            "width_px": frame.width,
            "height_px": frame.height,
        },
        "view": settings.model_dump(include={"opacity", "colour_map", "scale", "regions", "region_mode"}),
        "stages_s": dict(result.stages_s),
        "faces": [_face(face, result.explanation_age_s(face)) for face in result.faces],
    }


def _face(face: FaceResult, age_s: float | None) -> dict[str, Any]:
    observation, box, prediction = face.observation, face.observation.box, face.prediction
    to_frame = face.crop.to_frame
    return {
        "face_id": observation.face_id,
        "name": names.face_name(observation.face_id),
        "confidence": observation.confidence,
        "box_px": [box.x, box.y, box.width, box.height],
        "landmarks_px": _numbers(observation.landmarks),
        "crop": {
            "size_px": face.crop.size,
            "to_frame": {"a": to_frame.a, "b": to_frame.b, "tx": to_frame.tx, "ty": to_frame.ty},
            "pixels": face.crop.image.tolist(),
        },
        "labels": list(prediction.labels),
        "logits": _numbers(prediction.logits),
        "probabilities": _numbers(prediction.probabilities),
        "explained": face.explained,
        "explanation": _explanation(face, age_s),
        "regions": _regions(face.regions) if face.regions is not None else None,
    }


def _explanation(face: FaceResult, age_s: float | None) -> dict[str, Any] | None:
    explanation = face.explanation
    if explanation is None:
        return None
    return {
        "method": explanation.method,
        "target": explanation.target,
        "against": explanation.against,
        "score_logit": explanation.score,
        "timestamp_s": explanation.timestamp_s,
        "age_s": age_s,
        "relevance_logit": _numbers(explanation.relevance),
    }


def _regions(regions: RegionRelevance) -> dict[str, Any]:
    columns: Sequence[tuple[str, Any]] = (
        ("area", regions.areas),
        ("share", regions.shares),
        ("negative_share", regions.negative_shares),
        ("density", regions.densities),
    )
    return {
        "positive_logit": regions.positive,
        "negative_logit": regions.negative,
        "expected": sorted(regions.expected),
        "expected_share": regions.expected_share,
        "expected_density": regions.expected_density,
        "outside_share": regions.outside_share,
        "verdict": regions.verdict,
        "by_region": {
            name: {key: float(values[place]) for key, values in columns} for place, name in enumerate(regions.regions)
        },
    }


def _numbers(values: Any) -> Any:
    return np.asarray(values, dtype=np.float64).round(6).tolist()
