"""Every method on one face, with what can be measured of each: conservation, faithfulness, time."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.errors import ExplainError
from core.explain import METHODS, THOROUGH, Attribution, Effort, Method
from core.explain.faithfulness import faithfulness
from core.geometry import Floats
from core.model import Model, Target
from core.regions import Partition
from core.relevance import centre_gaussian
from core.types import Crop, Explanation, Prediction

RUNS: Final = 5  # of which the median time is told
PATIENCE_S: Final = 0.5  # after so long no further run is begun


@dataclass(frozen=True)
class Faithful:
    """Areas under the probability of the explained class while the most relevant pixels go, and while they come."""

    deletion: float
    insertion: float


@dataclass(frozen=True)
class Compared:
    """One method on one face, or why it cannot work.

    Attributes
    ----------
    gap
        By how much the sum that the method promises is missed, over the explained score; None where it promises none.
    absorbed
        Share of the score that biases took, where they take any.
    time_ms
        Forward pass and explanation together, ms, the session being warm.
    """

    method: Method
    explanation: Explanation | None = None
    gap: float | None = None
    absorbed: float | None = None
    faithful: Faithful | None = None
    time_ms: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Comparison:
    """A face, what the model reads in it, and every method's answer; `controls` are maps that have seen nothing."""

    crop: Crop
    prediction: Prediction
    title: str
    score: float
    rows: tuple[Compared, ...]
    controls: Mapping[str, Faithful]


def compare(
    model: Model,
    crop: Crop,
    partition: Partition,
    target: Target,
    methods: Iterable[Method] = tuple(METHODS.values()),
    effort: Effort = THOROUGH,
) -> Comparison:
    """Explain a face by every method. A method that cannot explain this model says why."""
    (prediction,) = model.predict([crop])

    def explained_by(method: Method) -> Explanation:
        return model.explain([crop], method, target, 0.0, [partition], effort)[0][1]

    rows = tuple(_compared(model, crop, method, explained_by) for method in methods)
    seed, _ = target.seed(model.labels, prediction.logits)
    explained = int(np.argmax(seed)) if seed.any() else prediction.ranked[0]
    controls = {
        "random": np.random.default_rng(0).random(partition.labels.shape, np.float32),
        "centre": centre_gaussian(crop.size),
    }
    first = next((row.explanation for row in rows if row.explanation is not None), None)
    return Comparison(
        crop=crop,
        prediction=prediction,
        title=first.title if first else model.labels[explained],
        score=first.score if first else float(prediction.logits[explained]),
        rows=rows,
        controls={name: _faithful(model, crop, relevance, explained) for name, relevance in controls.items()},
    )


def _compared(model: Model, crop: Crop, method: Method, explained_by: Callable[[Method], Explanation]) -> Compared:
    try:
        explanation = explained_by(method)
        gap, absorbed = _conserved(model, crop, explanation, method)
    except ExplainError as error:
        return Compared(method, problem=str(error))
    faithful = _faithful(model, crop, explanation.relevance, model.labels.index(explanation.target))
    return Compared(method, explanation, gap, absorbed, faithful, _median_ms(lambda: explained_by(method)))


def _conserved(model: Model, crop: Crop, explanation: Explanation, method: Method) -> tuple[float | None, float | None]:
    """The gap over the score and the share of biases; where biases take part they are measured by another graph."""
    if not method.conserves:
        return None, None
    score = max(abs(explanation.score), 1e-9)
    if method.biases != "absorb":
        return None if explanation.gap is None else abs(explanation.gap) / score, None
    seed = np.zeros((1, len(model.labels)), np.float32)
    seed[0, model.labels.index(explanation.target)] = 1
    if explanation.against is not None:
        seed[0, model.labels.index(explanation.against)] = -1
    audited: Attribution = model.explainer(method, audit=True).explain(model.faces([crop]), seed)
    assert audited.gap is not None
    assert audited.absorbed is not None
    return float(abs(audited.gap[0])) / score, float(audited.absorbed[0] / audited.scores[0])


def _faithful(model: Model, crop: Crop, relevance: Floats, explained: int) -> Faithful:
    found = faithfulness(model.probabilities, model.faces([crop]), relevance[None], np.array([explained]))
    return Faithful(float(found.deletion[0]), float(found.insertion[0]))


def _median_ms(run: Callable[[], object]) -> float:
    spent: list[float] = []
    while len(spent) < RUNS and sum(spent) < PATIENCE_S:
        started = time.perf_counter()
        run()
        spent.append(time.perf_counter() - started)
    return float(np.median(spent)) * 1e3
