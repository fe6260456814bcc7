"""Methods that hide parts of a picture and watch the score. They need no backward pass, so they explain any model.

What is hidden is blurred, not black (SCIENCE 3): black patches are edges that the model has never seen.
"""

from collections.abc import Callable, Iterator

import numpy as np

from core.errors import ExplainError
from core.explain.asking import Answer, Asked
from core.explain.blurring import as_pictures, blurred
from core.explain.effort import Effort
from core.explain.runs import BATCHES, Array, Floats, Runs

# From what is hidden, float32 [p, h, w] 0..1, to what each seed's score loses by it, [p, seeds].
Drops = Callable[[Floats], Array]


def occlusion(runs: Runs, asked: Asked) -> Answer:
    """Slide a square over the picture (Zeiler & Fergus 2014).

    What the score loses is spread evenly over the square; a pixel under several squares gets their mean. Logit units.
    """
    patches = _patches(runs.layout.size, asked.effort)
    covered = sum(part.sum(axis=0) for part in _parts(patches))

    def explain(drops: Drops, number: int) -> Array:
        spread = sum(_spread(drops(part), part) for part in _parts(patches))
        return np.asarray(spread / covered)

    return _explained(runs, asked, explain)


def region_occlusion(runs: Runs, asked: Asked) -> Answer:
    """Hide one region after the other; what the score loses is spread evenly over the region's pixels.

    So a region's sum is what the score loses without it. Regions interact: their sums need not add up to the score.
    """
    regions = asked.regions
    if regions is None:
        raise ExplainError("Occlusion of regions needs to know which region each pixel belongs to; nothing was given.")

    def explain(drops: Drops, number: int) -> Array:
        masks = np.stack([regions[number] == label for label in np.unique(regions[number])]).astype(np.float32)
        return np.asarray(sum(_spread(drops(part), part) for part in _parts(masks)))

    return _explained(runs, asked, explain)


def rise(runs: Runs, asked: Asked) -> Answer:
    """Show random parts of the picture and ask which pixels go with high scores (Petsiuk et al. 2018).

    Their map is ``S = E[f M] / E[M]``, the mean score while the pixel is shown. A logit has no natural zero and a map
    that is nearly the same everywhere cannot be read by region, so this is ``(S - E[f]) / (1 - p) / cell``, p the
    probability to be shown and `cell` in px: the same picture shifted and scaled, in logits per pixel. For a score that
    is a sum over cells it is each cell's part, and sums to the score less that of nothing shown.
    """
    effort, size = asked.effort, runs.layout.size
    cell_px = size[0] * size[1] / effort.cells**2

    def explain(drops: Drops, number: int) -> Array:
        lost, lost_while_shown, shown = [], [], np.zeros(size)
        for part in _random_masks(size, effort):
            lost.append(drops(1 - part))
            lost_while_shown.append(np.einsum("ps,phw->shw", lost[-1], part))
            shown += part.sum(axis=0, dtype=np.float64)
        mean = np.concatenate(lost).mean(axis=0)[:, None, None]
        return np.asarray((mean - sum(lost_while_shown) / np.maximum(shown, 1e-9)) / ((1 - effort.shown) * cell_px))

    return _explained(runs, asked, explain)


def _explained(runs: Runs, asked: Asked, explain: Callable[[Drops, int], Array]) -> Answer:
    """Explain every picture by what its seeds' scores lose."""
    logits, seeds = asked.resolved(runs)
    empty = blurred(asked.pictures, runs.layout, asked.effort.blur)
    maps = []
    for number, _, own in asked.each(seeds):
        whole = logits[number].astype(np.float64) @ own.T

        def drops(hidden: Floats, number: int = number, own: Floats = own, whole: Array = whole) -> Array:
            share = runs.layout.beside(hidden)
            mixed = asked.pictures[number] * (1 - share) + empty[number] * share
            scores = runs.logits(as_pictures(mixed, runs.dtype)).astype(np.float64) @ own.T
            return np.asarray(whole - scores)

        maps.append(explain(drops, number))
    return Answer(logits, seeds, np.concatenate(maps).astype(np.float32))


def _spread(drops: Array, masks: Floats) -> Array:
    """Each drop [p, seeds] evenly over its mask [p, h, w], and their sum: [seeds, h, w]."""
    areas = masks.sum(axis=(1, 2), dtype=np.float64)
    return np.asarray(np.einsum("ps,phw->shw", drops / areas[:, None], masks))


def _parts(masks: Floats) -> Iterator[Floats]:
    """Masks in batches that run at once."""
    return (masks[start : start + BATCHES[-1]] for start in range(0, len(masks), BATCHES[-1]))


def _patches(size: tuple[int, int], effort: Effort) -> Floats:
    """Squares that together cover the picture: float32 [p, h, w] of 0 and 1."""
    side = max(round(effort.patch * min(size)), 1)
    step = max(round(effort.stride * side), 1)
    rows, columns = ([*range(0, n - side, step), n - side] for n in size)
    masks = np.zeros((len(rows) * len(columns), *size), np.float32)
    for number, (top, left) in enumerate((top, left) for top in rows for left in columns):
        masks[number, top : top + side, left : left + side] = 1
    return masks


def _random_masks(size: tuple[int, int], effort: Effort) -> Iterator[Floats]:
    """Grids of shown and hidden cells, enlarged linearly and shifted by a random part of a cell: float32 [p, h, w]."""
    generator = np.random.default_rng(effort.seed)
    grids = (generator.random((effort.masks, effort.cells + 1, effort.cells + 1)) < effort.shown).astype(np.float32)
    shifts = generator.random((effort.masks, 2), np.float32)
    for start in range(0, effort.masks, BATCHES[-1]):
        part = slice(start, start + BATCHES[-1])
        rows, columns = (_hats(n, effort.cells, shifts[part, axis]) for axis, n in enumerate(size))
        yield rows @ grids[part] @ columns.transpose(0, 2, 1)


def _hats(pixels: int, cells: int, shifts: Floats) -> Floats:
    """Linear interpolation from cells + 1 grid points to pixels: float32 [p, pixels, cells + 1], rows sum to 1."""
    places = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels * cells - 0.5
    shifted = np.clip(places + shifts[:, None], 0, cells)
    hats: Floats = np.maximum(0, 1 - np.abs(shifted[:, :, None] - np.arange(cells + 1, dtype=np.float32)))
    return hats
