"""Which methods explain a pack: each is compiled and run on a sample face."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.comparison import Compared, compare
from core.errors import MienscopeError, PackInvalid
from core.explain import METHODS
from core.geometry import Image
from core.model import Model, Target
from core.regions import Partition, partition
from core.sample import sample_faces
from core.sheet import draw_sheet
from core.types import Crop


@dataclass(frozen=True)
class Trial:
    """What became of one method; `problem` says why it does not work, None where it does."""

    key: str
    title: str
    problem: str | None = None

    @property
    def reason(self) -> str:
        """The problem without what it says of this and other methods: the same for all that fail on the same node."""
        said = (self.problem or "").replace(f" under {self.title}.", ".")
        return said.partition(" Still possible:")[0].partition(" No other method")[0]


@dataclass(frozen=True)
class Face:
    """A sample face as the pack sees it, and its regions."""

    crop: Crop
    regions: Partition

    @classmethod
    def of_sample(cls, model: Model) -> "Face":
        """The first sample face, cut out as live faces are."""
        sample = sample_faces()
        crop = model.crop(sample.frames[0].image, sample.faces[0])
        return cls(crop, partition(crop.landmarks(sample.faces[0]), crop.size))


def try_methods(model: Model, face: Face, told: Callable[[str], None] = lambda text: None) -> tuple[Trial, ...]:
    """Explain one face with every method there is.

    Parameters
    ----------
    told
        Is called before each method is tried: large models take their time.
    """
    trials = []
    for key, row in METHODS.items():
        told(f"trying {row.title}")
        trials.append(Trial(key, row.title, _problem(model, face, key)))
    return tuple(trials)


def working(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Those that work. PackInvalid, with the reasons, where none does."""
    found = tuple(trial for trial in trials if trial.problem is None)
    if not found:
        raise PackInvalid(f"No method can explain this model: {trials[0].problem}")
    return found


def failures(trials: Sequence[Trial]) -> Mapping[str, list[str]]:
    """Titles of the methods that do not work, by the reason."""
    found: dict[str, list[str]] = {}
    for trial in trials:
        if trial.problem is not None:
            found.setdefault(trial.reason, []).append(trial.title)
    return found


def draw_methods(model: Model, face: Face, trials: Sequence[Trial]) -> Image:
    """The contact sheet: every method on one face, or why it does not work. RGB uint8 [height, width, 3]."""
    comparison = compare(
        model, face.crop, face.regions, Target(), [METHODS[trial.key] for trial in trials if trial.problem is None]
    )
    compared = {row.method.key: row for row in comparison.rows}
    rows = [compared.get(trial.key) or Compared(METHODS[trial.key], problem=trial.problem) for trial in trials]
    return draw_sheet(replace(comparison, rows=tuple(rows)))


def _problem(model: Model, face: Face, method: str) -> str | None:
    try:
        ((_, explanation),) = model.explain([face.crop], method, Target(), 0.0, [face.regions])
    except MienscopeError as error:
        return str(error)
    except Exception as error:  # ONNX Runtime raises many kinds of its own; one method must not stop the others
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    if not np.isfinite(explanation.relevance).all():
        return "the map is not finite"
    return None
