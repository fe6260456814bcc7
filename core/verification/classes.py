"""The same images explained for every class: whether the map depends on it, and a class's own regions gain by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.model import Model
from core.ranks import spearman
from core.regions import REGIONS
from core.verification.estimates import Doubles
from core.verification.examination import SEEDS
from core.verification.soundness import ClassSensitivity
from core.verification.store import Store
from core.verification.subset import Subset, Tick, kept, normalised, region_masses


@dataclass(frozen=True)
class ClassMaps:
    """Explanations for every class.

    Attributes
    ----------
    rows
        int64 [k]: which of the examined images.
    arrays
        "masses" float64 [k, seeds, classes, regions] of the positive relevance; "correlation" and "moved" float64
        [k, seeds], the predicted class's positive relevance against the runner-up's; NaN where one has none.
    """

    rows: NDArray[np.int64]
    arrays: Mapping[str, NDArray[Any]]

    def masses(self, contrast: bool) -> list[Doubles]:
        """Mass per region of every class's explanation, each float64 [k, regions]."""
        return list(self.arrays["masses"][:, int(contrast)].transpose(1, 0, 2))


def class_maps(model: Model, subset: Subset, store: Store, tick: Tick) -> ClassMaps:
    """Explain every image of a subset for every class, alone and against the highest of the others."""
    k, seeds = len(subset), len(SEEDS)
    layout = {
        "masses": ("f8", (k, seeds, subset.classes, len(REGIONS))),
        "correlation": ("f8", (k, seeds)),
        "moved": ("f8", (k, seeds)),
    }
    options = subset.options
    settings = [options.method, options.region_mode, options.seed, options.effort]
    arrays = kept(store, "classes", settings, layout, lambda: _measure(model, subset, tick), ("masses",))
    return ClassMaps(subset.rows, arrays)


def _measure(model: Model, subset: Subset, tick: Tick) -> dict[str, NDArray[Any]]:
    explainer = model.explainer(subset.options.method)
    each = np.eye(subset.classes, dtype=np.float32)
    masses = np.zeros((len(subset), len(SEEDS), subset.classes, len(REGIONS)))
    correlation, moved = (np.full((len(subset), len(SEEDS)), np.nan) for _ in range(2))
    for place, face in enumerate(subset.faces):
        parts = subset.parts[place : place + 1]
        for contrast in range(len(SEEDS)):
            found = explainer.explain(face[None], each, float(contrast), parts, subset.options.effort)
            masses[place, contrast] = region_masses(found.relevance, parts[0])
            first, second = np.argsort(-found.logits[0], kind="stable")[:2]
            one, other = (np.maximum(found.relevance[[label]], 0).reshape(1, -1) for label in (first, second))
            correlation[place, contrast] = spearman(one, other)[0]
            if one.any() and other.any():
                moved[place, contrast] = np.abs(normalised(one) - normalised(other)).sum() / 2
        tick(place + 1, len(subset))
    return {"masses": masses, "correlation": correlation, "moved": moved}


def class_sensitivity(maps: ClassMaps, subset: Subset) -> tuple[ClassSensitivity, ...]:
    """How much the predicted class's map differs from the runner-up's, alone and with the contrast seed."""
    rows = []
    for place, seed in enumerate(SEEDS):
        correlation = subset.bootstrap.mean(maps.arrays["correlation"][:, place])
        moved = subset.bootstrap.mean(maps.arrays["moved"][:, place])
        if correlation is not None and moved is not None:
            rows.append(ClassSensitivity(seed, correlation, moved))
    return tuple(rows)
