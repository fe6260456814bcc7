"""Whether a map points at what the model uses: deletion and insertion curves (Petsiuk et al. 2018).

The most relevant pixels go first. Pixels that go are blurred, not black (SCIENCE 3). A map that has seen nothing, such
as random numbers or a Gaussian at the centre, is the control that a method must beat.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.explain.blurring import blurred
from core.explain.runs import Array, Floats, Layout

STEPS = 24  # of the curves
BLUR = 1 / 6  # standard deviation over the picture's shorter side

Probabilities = Callable[[Array], Floats]


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the probability of the class, float32 [n] each, 0..1.

    `deletion` while the most relevant pixels go (lower is better), `insertion` while they come (higher is better).
    """

    deletion: Floats
    insertion: Floats


def faithfulness(probabilities: Probabilities, pictures: Array, maps: Floats, classes: Array) -> Faithfulness:
    """Measure maps [n, height, width] of pictures [n, ...].

    Parameters
    ----------
    probabilities
        From pictures to probabilities [n, labels].
    classes
        The class explained in each picture, integers [n].
    """
    layout = Layout(pictures.shape[1:])
    without = blurred(pictures, layout, BLUR)
    places = _ranks(maps)
    return Faithfulness(
        _area(probabilities, pictures, without, places, classes),
        _area(probabilities, without, pictures, places, classes),
    )


def _ranks(maps: Floats) -> Array:
    """Place of each pixel in descending order of relevance, int64 [n, height, width]; ties in reading order."""
    order = np.argsort(-maps.reshape(len(maps), -1), axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable").reshape(maps.shape)


def _area(probabilities: Probabilities, start: Array, end: Array, ranks: Array, classes: Array) -> Floats:
    """Area under the curve of the probability while the first-ranked pixels turn from `start` into `end`."""
    layout = Layout(start.shape[1:])
    values = []
    for share in np.linspace(0, 1, STEPS + 1):
        changed = layout.beside(ranks < share * ranks[0].size)
        values.append(probabilities(np.where(changed, end, start))[np.arange(len(start)), classes])
    return np.asarray(np.trapz(np.stack(values), dx=1 / STEPS, axis=0), np.float32)
