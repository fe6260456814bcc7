"""Which methods explain a pack: each is compiled and run on a sample face."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import MienscopeError, PackInvalid
from core.explain import METHODS
from core.model import Model, Target
from core.packs import Pack
from core.types import Crop


@dataclass(frozen=True)
class Trial:
    """What became of one method; `problem` says why it does not work, None where it does."""

    key: str
    title: str
    seconds: float
    problem: str | None = None


def try_methods(pack: Pack, crop: Crop, told: Callable[[str], None] = lambda title: None) -> tuple[Trial, ...]:
    """Explain one aligned face with every method there is.

    Parameters
    ----------
    told
        Is called with each method's title before it is tried: large models take their time.
    """
    model = Model(pack, provider="cpu")
    trials = []
    for key, row in METHODS.items():
        told(row.title)
        began_s = time.perf_counter()
        problem = _problem(model, crop, key)
        trials.append(Trial(key, row.title, time.perf_counter() - began_s, problem))
    return tuple(trials)


def working(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Those that work. PackInvalid, with the reasons, where none does."""
    found = tuple(trial for trial in trials if trial.problem is None)
    if not found:
        raise PackInvalid(f"No method can explain this model: {trials[0].problem}")
    return found


def _problem(model: Model, crop: Crop, method: str) -> str | None:
    try:
        ((_, explanation),) = model.explain([crop], method, Target(), 0.0)
    except MienscopeError as error:
        return str(error)
    except Exception as error:  # ONNX Runtime raises many kinds of its own; one method must not stop the others
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    if not np.isfinite(explanation.relevance).all():
        return "the map is not finite"
    return None
