"""Whether the maps point at what the network uses: deletion and insertion, beside maps that have seen nothing."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.explain.faithfulness import faithfulness as areas
from core.geometry import Floats
from core.model import Model
from core.relevance import centre_gaussian
from core.verification.estimates import Estimate, Judgement
from core.verification.examination import BATCH
from core.verification.findings import GAUSSIAN
from core.verification.soundness import FaithfulnessFinding, FaithfulnessRow
from core.verification.store import Store
from core.verification.subset import Subset, Tick, kept

RANDOM: Final = "random"
BLIND: Final = (RANDOM, GAUSSIAN)


def faithfulness(model: Model, subset: Subset, store: Store, tick: Tick) -> FaithfulnessFinding:
    """Measure the method and the controls on a subset."""
    k, options = len(subset), subset.options
    layout = {"deletion": ("f4", (k, 1 + len(BLIND))), "insertion": ("f4", (k, 1 + len(BLIND)))}
    settings = [options.method, options.seed, options.effort, options.region_mode]
    found = kept(store, "faithfulness", settings, layout, lambda: _measure(model, subset, tick), tuple(layout))
    deletion, insertion = found["deletion"].astype(np.float64), found["insertion"].astype(np.float64)

    def mean(values: NDArray[np.float64]) -> Estimate:
        estimate = subset.bootstrap.mean(values)
        assert estimate is not None
        return estimate

    rows = tuple(
        FaithfulnessRow(name, name in BLIND, mean(deletion[:, place]), mean(insertion[:, place]))
        for place, name in enumerate((options.method, *BLIND))
    )
    gains = {
        name: (mean(deletion[:, place] - deletion[:, 0]), mean(insertion[:, 0] - insertion[:, place]))
        for place, name in enumerate(BLIND, start=1)
    }
    return FaithfulnessFinding(k, rows, gains, _verdict(gains))


def _verdict(gains: dict[str, tuple[Estimate, Estimate]]) -> Judgement:
    """The method must beat every control in both curves, beyond chance where an interval tells."""
    named = [
        (f"{curve} against {control}", gain)
        for control, pair in gains.items()
        for curve, gain in zip(("deletion", "insertion"), pair, strict=True)
    ]
    lost = [name for name, gain in named if (gain.value if np.isnan(gain.low) else gain.low) <= 0]
    numbers = ", ".join(f"{name} {gain.value:+.3f}" for name, gain in named)
    if lost:
        return Judgement(False, "not clearly better than a map that has seen nothing", f"Gains: {numbers}.")
    return Judgement(True, "points at what the network uses", f"Gains: {numbers}.")


def _measure(model: Model, subset: Subset, tick: Tick) -> dict[str, NDArray[Any]]:
    explainer, k, size = model.explainer(subset.options.method), len(subset), subset.faces.shape[-1]
    found = {name: np.zeros((k, 1 + len(BLIND)), np.float32) for name in ("deletion", "insertion")}
    noise = np.random.default_rng([subset.options.seed, 4]).random((k, size, size)).astype(np.float32)
    for start in range(0, k, BATCH):
        rows = slice(start, min(start + BATCH, k))
        faces = subset.faces[rows]
        own = explainer.explain(
            faces, subset.seeds[rows], regions=subset.parts[rows], effort=subset.options.effort
        ).relevance
        gaussian = np.repeat(centre_gaussian(size)[None], len(faces), axis=0)
        maps: tuple[Floats, ...] = (own, noise[rows], gaussian)
        for place, each in enumerate(maps):
            area = areas(model.probabilities, faces, each, subset.predicted[rows])
            found["deletion"][rows, place], found["insertion"][rows, place] = area.deletion, area.insertion
        tick(rows.stop, k)
    return found
