"""Whether like images get like maps: Sens_max (SCIENCE 3) under noise and small shifts."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats, Image
from core.model import Model
from core.verification.intervals import wilson
from core.verification.soundness import StabilityFinding, StabilityRow
from core.verification.store import Store
from core.verification.subset import Subset, Tick, kept, normalised, region_masses

KINDS: Final = ("noise", "shift")
DIRECTIONS: Final = tuple((dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy)


def stability(model: Model, subset: Subset, store: Store, tick: Tick) -> StabilityFinding:
    """Explain disturbed copies of a subset for the class that was predicted in the undisturbed image."""
    k, options = len(subset), subset.options
    layout = {name: ("f8", (k, len(KINDS))) for name in ("sens_max", "moved", "relabelled")}
    settings = [
        *(options.method, options.seed, options.effort, options.region_mode),
        *(options.noise, options.noises, options.shift_px),
    ]
    found = kept(store, "stability", settings, layout, lambda: _measure(model, subset, tick), ("relabelled",))
    told = ((options.noise, "grey levels", options.noises), (float(options.shift_px), "crop px", len(DIRECTIONS)))
    rows = []
    for place, (kind, (radius, unit, draws)) in enumerate(zip(KINDS, told, strict=True)):
        changed, moved = (subset.bootstrap.mean(found[name][:, place]) for name in ("sens_max", "moved"))
        relabelled = wilson(int(found["relabelled"][:, place].sum()), k)
        if changed is not None and moved is not None and relabelled is not None:
            rows.append(StabilityRow(kind, radius, unit, draws, changed, moved, relabelled))
    return StabilityFinding(k, tuple(rows))


def _measure(model: Model, subset: Subset, tick: Tick) -> dict[str, NDArray[Any]]:
    explainer, options = model.explainer(subset.options.method), subset.options
    found = {name: np.full((len(subset), len(KINDS)), np.nan) for name in ("sens_max", "moved", "relabelled")}
    for place, face in enumerate(subset.faces):
        generator = np.random.default_rng([options.seed, 6, int(subset.rows[place])])
        copies = {
            "noise": noisy(face, options.noise, options.noises, generator),
            "shift": shifted(face, options.shift_px),
        }
        everything = np.concatenate([face[None], *copies.values()])
        seeds = np.repeat(subset.seeds[place : place + 1], len(everything), axis=0)
        parts = np.repeat(subset.parts[place : place + 1], len(everything), axis=0)
        answer = explainer.explain(everything, seeds, regions=parts, effort=options.effort)
        original, maps, start = answer.relevance[0], answer.relevance, 1
        for kind, name in enumerate(KINDS):
            rows = slice(start, start + len(copies[name]))
            edge = options.shift_px if name == "shift" else 0
            changed = back(maps[rows], options.shift_px) if name == "shift" else maps[rows]
            found["sens_max"][place, kind] = sens_max(_inner(original[None], edge), _inner(changed, edge))
            found["moved"][place, kind] = _moved(original, changed, subset.parts[place], edge)
            found["relabelled"][place, kind] = (answer.logits[rows].argmax(1) != subset.predicted[place]).any()
            start = rows.stop
        tick(place + 1, len(subset))
    return found


def noisy(face: Image, radius: float, draws: int, generator: np.random.Generator) -> Image:
    """Copies of a face [c, h, w] with Gaussian noise whose root mean square is `radius` before rounding."""
    noise = generator.standard_normal((draws, *face.shape))
    noise *= radius / np.sqrt((noise**2).mean(axis=(1, 2, 3), keepdims=True))
    return np.clip(np.rint(face + noise), 0, 255).astype(np.uint8)


def shifted(face: Image, reach: int) -> Image:
    """Copies of a face [c, h, w], shifted by `reach` px in the eight directions; its border is repeated."""
    wide = np.pad(face, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    height, width = face.shape[1:]
    starts = ((reach - dx * reach, reach - dy * reach) for dx, dy in DIRECTIONS)
    return np.stack([wide[:, y : y + height, x : x + width] for x, y in starts])


def back(maps: Floats, reach: int) -> Floats:
    """Shift the maps of `shifted` copies back; what came from beyond the border is 0, and not to be looked at."""
    found = np.zeros_like(maps)
    height, width = maps.shape[1:]
    for each, one, (dx, dy) in zip(maps, found, DIRECTIONS, strict=True):
        x, y = dx * reach, dy * reach
        one[max(-y, 0) : height - max(y, 0), max(-x, 0) : width - max(x, 0)] = each[
            max(y, 0) : height - max(-y, 0), max(x, 0) : width - max(-x, 0)
        ]
    return found


def sens_max(original: Floats, changed: Floats) -> float:
    """Largest ||R' - R|| / ||R|| of maps [draws, h, w] against one [1, h, w]; NaN for an original of zeros."""
    norm = float(np.linalg.norm(original))
    far = np.sqrt(((changed.astype(np.float64) - original) ** 2).sum(axis=(1, 2)))
    return float(far.max()) / norm if norm > 0 else float("nan")


def _moved(original: Floats, changed: Floats, parts: NDArray[np.uint8], edge: int) -> float:
    """Largest share of the positive relevance that changes its region."""
    labels = np.ascontiguousarray(_inner(parts[None], edge)[0])
    before = normalised(region_masses(np.ascontiguousarray(_inner(original[None], edge)), labels))
    after = normalised(region_masses(np.ascontiguousarray(_inner(changed, edge)), labels))
    return float((np.abs(after - before).sum(axis=1) / 2).max())


def _inner(maps: NDArray[Any], edge: int) -> NDArray[Any]:
    """Maps [n, h, w] without their borders."""
    return maps[:, edge : maps.shape[1] - edge, edge : maps.shape[2] - edge]
