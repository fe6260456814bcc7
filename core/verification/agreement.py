"""Method against method: whether others point at the same places of the same images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ExplainError
from core.model import Model
from core.ranks import correlation, ranks
from core.verification.estimates import Doubles
from core.verification.examination import BATCH
from core.verification.soundness import MethodAgreement
from core.verification.store import Store
from core.verification.subset import Subset, Tick, kept, normalised, region_masses


def agreement(model: Model, subset: Subset, store: Store, tick: Tick) -> MethodAgreement:
    """Compare every pair of methods on the predicted classes of a subset."""
    options = subset.options
    methods = tuple(dict.fromkeys((options.method, *options.compared)))
    k, m = len(subset), len(methods)
    layout = {"maps": ("f8", (k, m, m)), "shares": ("f8", (k, m, m)), "impossible": ("U", (m,))}
    settings = [methods, options.region_mode, options.seed, options.effort]
    found = kept(store, "agreement", settings, layout, lambda: _measure(model, subset, methods, tick))
    possible = [place for place, why in enumerate(found["impossible"]) if not why]
    square = np.ix_(range(k), possible, possible)
    maps, shares = (_estimated(subset, found[name][square]) for name in ("maps", "shares"))
    return MethodAgreement(
        images=k,
        methods=tuple(methods[place] for place in possible),
        maps=maps[0],
        maps_low=maps[1],
        maps_high=maps[2],
        shares=shares[0],
        shares_low=shares[1],
        shares_high=shares[2],
        impossible={methods[place]: str(why) for place, why in enumerate(found["impossible"]) if why},
    )


def _measure(model: Model, subset: Subset, methods: tuple[str, ...], tick: Tick) -> dict[str, NDArray[Any]]:
    why = np.full(len(methods), "", "U400")
    k, m = len(subset), len(methods)
    maps, shares = (np.full((k, m, m), np.nan) for _ in range(2))
    for start in range(0, k, BATCH):
        rows = slice(start, min(start + BATCH, k))
        pixels: dict[int, Doubles] = {}
        regions: dict[int, Doubles] = {}
        for place, method in enumerate(methods):
            if why[place]:
                continue
            try:
                explainer = model.explainer(method)
                found = explainer.explain(
                    subset.faces[rows], subset.seeds[rows], regions=subset.parts[rows], effort=subset.options.effort
                ).relevance
            except ExplainError as error:
                why[place] = str(error)
                continue
            pixels[place] = ranks(found.reshape(len(found), -1))
            masses = [region_masses(one[None], parts) for one, parts in zip(found, subset.parts[rows], strict=True)]
            regions[place] = ranks(normalised(np.concatenate(masses)))
            tick(min(rows.stop, k) * m - (m - place - 1), k * m)
        for one, other in ((a, b) for a in pixels for b in pixels):
            maps[rows, one, other] = correlation(pixels[one], pixels[other])
            shares[rows, one, other] = correlation(regions[one], regions[other])
    return {"maps": maps, "shares": shares, "impossible": why}


def _estimated(subset: Subset, values: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Mean over images [k, m, m], and both ends of its interval, each float64 [m, m]."""
    k, m, _ = values.shape
    there = np.isfinite(values)
    n = there.sum(axis=0)
    mean = np.divide(np.where(there, values, 0).sum(axis=0), n, out=np.full((m, m), np.nan), where=n > 0)
    low, high = subset.bootstrap.means(values.reshape(k, m * m))
    return mean, low.reshape(m, m), high.reshape(m, m)
