"""A classifier with one method of explanation, ready to run: the way in for whoever uses this package alone.

::

    explainer = Explainer(Path("model.onnx"), "lrp")
    attribution = explainer.explain(pictures)          # the predicted classes
    attribution.relevance                              # float32 [n, height, width]
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ExplainError
from core.explain.asking import Answer, Asked
from core.explain.compiler import compile_explainer, named_method
from core.explain.effort import THOROUGH, Effort
from core.explain.methods import Method
from core.explain.procedures import PROCEDURES
from core.explain.runs import Array, Floats, Runs, Session


@dataclass(frozen=True)
class Attribution:
    """What a model gave for some pictures, and which pixels it came from.

    Attributes
    ----------
    logits, seed_used
        float32 [n, classes]; the explained score is the sum of their product.
    relevance
        float32 [n, height, width], signed, in `unit`.
    absorbed
        float32 [n]: what biases took of the score; None where nobody asked (`audit`).
    gap
        float32 [n], logits: by how much pixels (and biases) together miss the sum that the method promises; None where
        it promises none, or where what biases took is not known.
    """

    logits: Floats
    seed_used: Floats
    relevance: Floats
    unit: str
    absorbed: Floats | None = None
    gap: Floats | None = None

    @property
    def scores(self) -> Floats:
        """The explained scores, float32 [n]."""
        return np.asarray((self.logits * self.seed_used).sum(axis=1), np.float32)


def start_session(compiled: bytes) -> Session:
    """Start ONNX Runtime on the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # what goes wrong is raised
    session: Session = onnxruntime.InferenceSession(compiled, options, providers=["CPUExecutionProvider"])
    return session


class Explainer:
    """One model under one method.

    Parameters
    ----------
    model
        An ONNX classifier of pictures.
    method
        A key of METHODS, or a method of one's own.
    at, layer
        Another place for the seed, and where a CAM looks: see `compile_explainer`.
    audit
        Whether to measure what biases absorb, which tells the gap of methods whose biases take part.
    session
        Makes a session of compiled bytes: other providers, other options.
    """

    def __init__(
        self,
        model: bytes | Path,
        method: str | Method,
        *,
        at: str | None = None,
        layer: str | None = None,
        audit: bool = False,
        session: Callable[[bytes], Session] = start_session,
    ) -> None:
        self.method = named_method(method)
        audit = audit and self.method.reading not in ("inputs", None)
        self._runs = Runs(session(compile_explainer(model, self.method, at=at, layer=layer, audit=audit)))

    @classmethod
    def of_session(cls, session: Session, method: str | Method) -> "Explainer":
        """Return the explainer of a session whose graph `compile_explainer` made for this method."""
        explainer = cls.__new__(cls)
        explainer.method, explainer._runs = named_method(method), Runs(session)
        return explainer

    @property
    def session(self) -> Any:
        """The session of the compiled graph."""
        return self._runs.session

    @property
    def classes(self) -> int:
        """Number of scores."""
        return self._runs.classes

    def explain(
        self,
        inputs: Array,
        seed: Array | None = None,
        contrast: Array | float | None = None,
        regions: Array | None = None,
        effort: Effort = THOROUGH,
    ) -> Attribution:
        """Explain pictures.

        Parameters
        ----------
        inputs
            [n, ...] as the model takes them; methods of the gradient at "inputs" take whole numbers as floats too.
        seed
            [n, classes], the weights of the scores to explain: one-hot for a class, +1 and -1 for a contrast, zeros for
            the predicted class, which is the default. One picture takes any number of seeds.
        contrast
            [n] or one for all: 1 explains the score against the highest of the others.
        regions
            Which region each pixel belongs to, integers [n, height, width]; only for occlusion of regions.
        effort
            The numbers of the methods that run the model many times.
        """
        pictures = self._checked_pictures(inputs)
        asked = Asked(pictures, *self._checked_question(seed, contrast, len(pictures)), self._labels(regions), effort)
        if regions is not None and len(regions) != len(pictures):
            raise ExplainError(f"Regions are expected for each of {len(pictures)} pictures, got {len(regions)}.")
        answer = PROCEDURES[self.method.procedure](self._runs, asked)
        _refuse_unfinite("logit", answer.logits)
        _refuse_unfinite(f"map of {self.method.title}", answer.relevance)
        return Attribution(
            answer.logits, answer.seed_used, answer.relevance, self.method.unit, answer.absorbed, self._gap(answer)
        )

    def all_classes(self, picture: Array, regions: Array | None = None, effort: Effort = THOROUGH) -> Floats:
        """Explain every score of one picture [...] or [1, ...]: float32 [classes, height, width].

        The forward pass runs once per batch of seeds (see `runs.BATCHES`), not once per class.
        """
        single = picture[None] if picture.ndim == len(self._runs.layout.sizes) else picture
        if len(single) != 1:
            raise ExplainError(f"One picture is expected, got {len(single)}.")
        known = regions[None] if regions is not None and regions.ndim == 2 else regions
        return self.explain(single, np.eye(self.classes, dtype=np.float32), regions=known, effort=effort).relevance

    def _checked_pictures(self, inputs: Array) -> Array:
        sizes, dtype = self._runs.layout.sizes, self._runs.dtype
        if inputs.ndim != len(sizes) + 1 or inputs.shape[1:] != sizes or not len(inputs):
            wanted = ", ".join(map(str, ("n", *sizes)))
            raise ExplainError(f"The model takes pictures [{wanted}], got {list(inputs.shape)}.")
        if not np.can_cast(inputs.dtype, dtype, "same_kind"):
            raise ExplainError(f"The model takes {dtype} pictures, got {inputs.dtype}.")
        if np.issubdtype(inputs.dtype, np.floating):
            _refuse_unfinite("picture", inputs)
        return np.ascontiguousarray(inputs, dtype)

    def _checked_question(
        self, seed: Array | None, contrast: Array | float | None, count: int
    ) -> tuple[Floats, Floats]:
        seeds = np.zeros((count, self.classes), np.float32) if seed is None else np.asarray(seed, np.float32)
        fits = seeds.ndim == 2 and seeds.shape[1] == self.classes and len(seeds) and count in (1, len(seeds))
        if not fits or not np.isfinite(seeds).all():
            raise ExplainError(
                f"For {count} pictures finite seeds [{count if count > 1 else 'k'}, {self.classes}] are expected, "
                f"got {list(seeds.shape)}."
            )
        contrasts = np.asarray(0.0 if contrast is None else contrast, np.float32)
        if contrasts.shape not in ((), (len(seeds),)) or not np.isfinite(contrasts).all():
            raise ExplainError(f"One contrast per seed [{len(seeds)}] is expected, got {list(contrasts.shape)}.")
        return seeds, np.ascontiguousarray(np.broadcast_to(contrasts, len(seeds)))

    def _labels(self, regions: Array | None) -> Array | None:
        if regions is None:
            return None
        height, width = self._runs.layout.size
        if regions.ndim != 3 or regions.shape[1:] != (height, width) or not np.issubdtype(regions.dtype, np.integer):
            raise ExplainError(
                f"Regions are whole numbers [n, {height}, {width}], got {regions.dtype} {list(regions.shape)}."
            )
        return regions

    def _gap(self, answer: Answer) -> Floats | None:
        """What the maps' sums miss, where the method promises a sum and everything in it is known."""
        absorbs = self.method.biases == "absorb"
        if not self.method.conserves or answer.gap is not None or (absorbs and answer.absorbed is None):
            return answer.gap
        held = answer.relevance.sum(axis=(1, 2), dtype=np.float64)
        held = held if answer.absorbed is None else held + answer.absorbed
        return np.asarray(held - (answer.logits * answer.seed_used).sum(axis=1, dtype=np.float64), np.float32)


def _refuse_unfinite(what: str, values: Array) -> None:
    """ExplainError where a number is not finite, naming the first picture."""
    finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if not finite.all():
        number = int(np.argmin(finite))
        raise ExplainError(f"Picture {number} (from 0): a {what} is not finite.")
