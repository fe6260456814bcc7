"""Whether relevance maps sum to what they explain, and whether they point at what the network uses."""

from dataclasses import dataclass

import numpy as np

from core.explain import THOROUGH, Explainer
from core.explain.faithfulness import faithfulness as measured
from core.geometry import Floats, Image
from core.model import Model
from core.relevance import centre_gaussian


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
    found = Explainer(model.pack.model_path, method, audit=True).explain(faces)
    pixels = found.relevance.sum(axis=(1, 2), dtype=np.float64)
    absorbed = np.zeros(len(faces)) if found.absorbed is None else found.absorbed

    def gap(total: Floats) -> float:
        return float(np.median(np.abs(total - found.scores) / np.abs(found.scores)))

    bias_share = float(np.median(np.abs(absorbed) / np.abs(found.scores)))
    return Conservation(method, len(faces), gap(pixels + absorbed), gap(pixels), bias_share)


@dataclass(frozen=True)
class Faithfulness:
    """Mean areas under the predicted class's probability while pixels go (lower is better) or come (higher is)."""

    name: str
    deletion: float
    insertion: float


def faithfulness(model: Model, faces: Image, methods: tuple[str, ...]) -> list[Faithfulness]:
    """Deletion and insertion curves with blurred pixels, for methods and for two controls.

    The most relevant pixels go first. "random" and "centre Gaussian" look at nothing: a method must beat both.
    """
    size = faces.shape[-1]
    target = model.logits(faces).argmax(axis=1)
    generator = np.random.default_rng(0)
    maps = {
        "random": generator.random((len(faces), size, size)).astype(np.float32),
        "centre Gaussian": np.repeat(centre_gaussian(size)[None], len(faces), axis=0),
    }
    for method in methods:
        maps[method] = model.explainer(method).explain(faces, effort=THOROUGH).relevance
    rows = []
    for name, of_method in maps.items():
        found = measured(model.probabilities, faces, of_method, target)
        rows.append(Faithfulness(name, float(found.deletion.mean()), float(found.insertion.mean())))
    return rows
