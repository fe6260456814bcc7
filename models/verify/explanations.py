"""Whether relevance maps sum to what they explain, and whether they point at what the network uses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.explain import compile_explainer
from core.geometry import Floats, Image
from core.model import Model
from core.opencv import cv2
from core.relevance import centre_gaussian

STEPS = 24  # of the deletion and insertion curves
BLUR_PX = 8.0  # standard deviation of the picture that stands for "nothing there"


@dataclass(frozen=True)
class Conservation:
    """Medians over images: gap of pixels plus biases to the logit, gap of pixels alone, and the biases' share."""

    method: str
    images: int
    gap_with_biases: float
    gap_pixels: float
    bias_share: float


def conservation(model: Model, faces: Image, method: str) -> Conservation:
    """Check relevance against the logit of the predicted class; faces uint8 [n, 1, size, size]."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        compile_explainer(model.pack.model_path, method, audit=True), providers=["CPUExecutionProvider"]
    )
    names = ["logits", "relevance", "seed_used", "absorbed"]
    parts = [session.run(names, _feeds(model, faces[i : i + 50])) for i in range(0, len(faces), 50)]
    logits, relevance, seed, absorbed = (np.concatenate(column) for column in zip(*parts, strict=True))
    target = (logits * seed).sum(axis=1)
    pixels = relevance.sum(axis=(1, 2), dtype=np.float64)

    def gap(total: Floats) -> float:
        return float(np.median(np.abs(total - target) / np.abs(target)))

    return Conservation(
        method, len(faces), gap(pixels + absorbed), gap(pixels), float(np.median(np.abs(absorbed) / np.abs(target)))
    )


def _feeds(model: Model, faces: Image) -> dict[str, Any]:
    n = len(faces)
    return {
        model.pack.manifest.input.name: faces,
        "seed": np.zeros((n, len(model.labels)), np.float32),
        "contrast": np.zeros(n, np.float32),
    }


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the probability of the predicted class while pixels go (lower is better) or come (higher is)."""

    name: str
    deletion: float
    insertion: float


def faithfulness(model: Model, faces: Image, methods: tuple[str, ...]) -> list[Faithfulness]:
    """Deletion and insertion curves with blurred pixels, for methods and for two controls.

    The most relevant pixels go first. "random" and "centre Gaussian" look at nothing: a method must beat both.
    """
    size = faces.shape[-1]
    target = model.logits(faces).argmax(axis=1)
    blurred = np.stack([cv2.GaussianBlur(face[0], (0, 0), BLUR_PX) for face in faces])[:, None]
    generator = np.random.default_rng(0)
    maps: dict[str, Callable[[], Floats]] = {
        "random": lambda: generator.random((len(faces), size, size)).astype(np.float32),
        "centre Gaussian": lambda: np.repeat(centre_gaussian(size)[None], len(faces), axis=0),
    }
    for method in methods:
        maps[method] = lambda method=method: _maps(model, faces, method)  # type: ignore[misc]
    rows = []
    for name, make in maps.items():
        order = _ranks(make())
        deletion = _curve(model, faces, blurred, order, target)
        insertion = _curve(model, blurred, faces, order, target)
        rows.append(Faithfulness(name, deletion, insertion))
    return rows


def _maps(model: Model, faces: Image, method: str) -> Floats:
    session = model.explainer(method)
    parts = [session.run(["relevance"], _feeds(model, faces[i : i + 50]))[0] for i in range(0, len(faces), 50)]
    return np.concatenate(parts)


def _ranks(maps: Floats) -> NDArray[np.int64]:
    """Place of each pixel in descending order of relevance, int64 [n, size, size]."""
    flat = maps.reshape(len(maps), -1)
    return np.argsort(np.argsort(-flat, axis=1), axis=1).reshape(maps.shape)


def _curve(model: Model, start: Image, end: Image, ranks: NDArray[np.int64], target: NDArray[np.int64]) -> float:
    """Mean probability of the target while the first-ranked pixels turn from `start` into `end`."""
    rows = np.arange(len(start))
    values = []
    for share in np.linspace(0, 1, STEPS + 1):
        changed = (ranks < share * ranks[0].size)[:, None]
        logits = model.logits(np.where(changed, end, start)) / model.pack.temperature
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        values.append((odds / odds.sum(axis=1, keepdims=True))[rows, target].mean())
    return float(np.trapz(values, dx=1 / STEPS))
