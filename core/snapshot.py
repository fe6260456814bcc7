"""One result as files: the picture (.png), what is in it in words and numbers (.json), or the arrays (.npz)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError, UnknownName
from core.export import versions, write_json, write_whole
from core.geometry import Box, Image
from core.opencv import cv2
from core.overlay import Style, draw, face_name
from core.pain import because
from core.pain_network import document as network_document
from core.relevance import agreement
from core.types import FaceResult, LandmarkReading, LandmarkWait, Prediction, RegionRelevance, Result

CONTROLLED: Final = ("expected_share", "crop_density", "expected_density", "outside_share")


def save(result: Result, path: Path, style: Style) -> None:
    """Write a result in the form that the file's ending names. Raises ExportError, UnknownName for another ending."""
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise UnknownName("file format for a still", path.suffix or path.name, FORMATS)
    form(result, path, style)


def save_image(image: Image, path: Path) -> None:
    """Write RGB uint8 [height, width, 3] as PNG."""
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    if not done:
        raise ExportError(f"'{path}' cannot be written: the picture {image.shape} cannot be encoded.")
    write_whole(path, lambda temporary: temporary.write_bytes(encoded.tobytes()))


def document(result: Result, style: Style) -> dict[str, object]:
    """A result in words and numbers, ready for JSON; maps are left to `arrays`. `style` is how it is shown."""
    return {
        "frame": result.frame.index,
        "timestamp": result.frame.timestamp_s,
        "size": [result.frame.width, result.frame.height],
        "faces": [_face(face, style) for face in result.faces],
        "notice": "not a medical device",
    }


def arrays(result: Result) -> dict[str, NDArray[Any]]:
    """A result's arrays: image, and per face (first axis) landmarks, logits, probabilities; relevance where known.

    `relevance_k` float32 [height, width], `crop_k` uint8 and `to_frame_k` float64 [2, 3] belong to face k, from 0, and
    where a landmark network reads it `points_k` float32 [478], the relevance of the mesh's points. `pain_k` float32
    [parts, 478] is what landmarks add to the parts of the face's pain score, `pain_relevance_k` float32 [height, width]
    the relevance of the network's own. Without emotions there is nothing of them.
    """
    faces = result.faces
    stacked: dict[str, NDArray[Any]] = {"image": result.frame.image}
    if faces:
        stacked["landmarks"] = np.stack([face.observation.landmarks for face in faces])
    if predictions := [face.prediction for face in faces if face.prediction is not None]:
        stacked["labels"] = np.array(predictions[0].labels)
        stacked["logits"] = np.stack([each.logits for each in predictions])
        stacked["probabilities"] = np.stack([each.probabilities for each in predictions])
    for number, face in enumerate(faces):
        stacked[f"crop_{number}"] = face.crop.image
        stacked[f"to_frame_{number}"] = face.crop.to_frame.matrix
        if face.explanation is not None:
            stacked[f"relevance_{number}"] = face.explanation.relevance
        if face.points is not None:
            stacked[f"points_{number}"] = face.points.relevance
        if face.pain is not None and face.pain.score is not None:
            stacked[f"pain_{number}"] = because(face.pain).landmarks
        if face.pain_by_network is not None and face.pain_by_network.explanation is not None:
            stacked[f"pain_relevance_{number}"] = face.pain_by_network.explanation.relevance
    return stacked


def _face(face: FaceResult, style: Style) -> dict[str, object]:
    found: dict[str, object] = {
        "face_id": face.observation.face_id,
        "name": face_name(face.observation.face_id),
        "confidence": face.observation.confidence,
        "box": _box(face.observation.box),
    }
    if face.prediction is not None:
        found |= _emotions(face, face.prediction, style)
    if face.pain is not None:
        found["pain"] = _pain(face)
    return found


def _emotions(face: FaceResult, prediction: Prediction, style: Style) -> dict[str, object]:
    """What model and landmark network read, and why."""
    explanation = face.explanation
    found: dict[str, object] = {
        "label": prediction.label,
        "probability": prediction.probability,
        "probabilities": dict(zip(prediction.labels, prediction.probabilities.tolist(), strict=True)),
        "logits": dict(zip(prediction.labels, prediction.logits.tolist(), strict=True)),
        "explained": face.explained,
        "verdict": face.judged(style.outside_limit).value,
        "outside_limit": style.outside_limit,
    }
    if explanation is not None:
        found["explanation"] = {
            "method": explanation.method,
            "target": explanation.target,
            "against": explanation.against,
            "score": explanation.score,
            "unit": explanation.unit,
            "scale": style.scale(explanation).document(),
            "gap": explanation.gap,
            "absorbed": explanation.absorbed,
            "timestamp": explanation.timestamp_s,
        }
    if (contrast := face.contrast) is not None:
        found["contrast"] = {
            "target": contrast.target,
            "against": contrast.against,
            "timestamp": contrast.timestamp_s,
            "regions": _regions(contrast.regions, style.outside_limit),
        }
    if face.by_landmarks is not None:
        found["by_landmarks"] = _by_landmarks(face, face.by_landmarks)
    return found | ({"regions": _regions(face.regions, style.outside_limit)} if face.regions is not None else {})


def _pain(face: FaceResult) -> dict[str, object]:
    """The score, what each region adds to it, and what the network reads."""
    reading, network = face.pain, face.pain_by_network
    assert reading is not None
    if reading.score is None:
        return reading.document()
    why = because(reading)
    found = reading.document() | {"regions": dict(why.by_region()), "gap": float(why.gap.sum())}
    return found if network is None else found | {"by_network": network_document(network)}


def _by_landmarks(face: FaceResult, read: LandmarkReading | LandmarkWait) -> dict[str, object]:
    """What the landmark network reads, and which regions its points speak of."""
    if isinstance(read, LandmarkWait):
        return {"pack": read.pack, "waiting": read.why}
    points, regions = read.points, read.points.regions
    parts = {"share": regions.shares, "negative_share": regions.negative_shares, "of_points": regions.areas}
    return {
        "pack": read.pack,
        "label": read.label,
        "probabilities": dict(zip(read.labels, read.probabilities.tolist(), strict=True)),
        "logits": dict(zip(read.labels, read.logits.tolist(), strict=True)),
        "target": points.target,
        "score": points.score,
        "start": points.start,
        "gap": points.gap,
        "unit": "logit",
        "reference": points.reference,
        "agreement": agreement(face),
        "regions": {what: dict(zip(regions.regions, values.tolist(), strict=True)) for what, values in parts.items()},
        "positive": regions.positive,
        "negative": regions.negative,
    }


def _box(box: Box) -> dict[str, float]:
    return {"x": box.x, "y": box.y, "w": box.width, "h": box.height}


def _regions(regions: RegionRelevance, outside_limit: float) -> dict[str, object]:
    def named(values: NDArray[np.float32]) -> dict[str, float]:
        return dict(zip(regions.regions, values.tolist(), strict=True))

    control, found = regions.control, regions.judged(outside_limit)
    return {
        "share": named(regions.shares),
        "negative_share": named(regions.negative_shares),
        "area": named(regions.areas),
        "density": named(regions.densities),
        "positive": regions.positive,
        "negative": regions.negative,
        "expected": sorted(regions.expected),
        "outside_share": regions.outside_share,
        "expected_share": regions.expected_share,
        "crop_density": regions.crop_density,
        "expected_density": regions.expected_density,
        "control": {} if control is None else {name: getattr(control, name) for name in CONTROLLED},
        "verdict": found.sentence if found.measured else None,
    }


def _save_picture(result: Result, path: Path, style: Style) -> None:
    save_image(draw(result, style), path)


def _save_document(result: Result, path: Path, style: Style) -> None:
    write_json(path, {"versions": versions(), **document(result, style)})


def _save_arrays(result: Result, path: Path, style: Style) -> None:
    def fill(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez_compressed(file, **arrays(result))

    write_whole(path, fill)


FORMATS: Final[Mapping[str, Callable[[Result, Path, Style], None]]] = {
    ".png": _save_picture,
    ".json": _save_document,
    ".npz": _save_arrays,
}
