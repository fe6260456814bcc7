"""One landmark pack in ONNX Runtime: shapes of meshes in, binary probabilities and the relevance of every point out."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import UnknownName
from core.explain.paths import STEPS, Paths
from core.explain.runs import run_in_batches
from core.geometry import Floats
from core.packs import LandmarkPack
from core.relevance import by_point_region
from core.sessions import Sessions, fixed_of
from core.types import LandmarkReading, PointRelevance

REFERENCE_PERCENTILE: Final = 99.0  # of |relevance| of the points that the network sees
REFERENCE_INPUTS: Final = 16  # of the pack's golden inputs


class LandmarkModel:
    """Six small networks (or so many as the pack has) that read the shape of a face, each one expression: yes or no.

    Explanations are integrated gradients (SCIENCE 1.3) from the pack's typical samples, through the compiled gradient.
    The networks are so small that one thread of the processor is fastest.

    Parameters
    ----------
    pack
        What to run.
    steps
        Of integrated gradients, from each baseline.
    cut
        Whether the linear beginning of the networks is used to save time, see `core.explain.paths`.
    """

    def __init__(self, pack: LandmarkPack, steps: int = STEPS, cut: bool = True) -> None:
        self.pack, self._steps, self._cut = pack, steps, cut
        self._sessions = Sessions(pack, "cpu", 1, None)

    @property
    def labels(self) -> tuple[str, ...]:
        """Expressions in the order of the logits."""
        return self.pack.labels

    def logits(self, inputs: Floats) -> Floats:
        """Logits float32 [n, labels] of shapes float32 [n, window, 478, 3]."""
        session, name = self._sessions.forward, self.pack.manifest.input.name
        found: Floats = run_in_batches(session, {name: inputs}, ["logits"], fixed_of(session))[0]
        return found

    def calibrated(self, logits: Floats) -> Floats:
        """Probability of each expression by itself: the sigmoid at the pack's temperature, float32."""
        return np.asarray(1 / (1 + np.exp(-logits.astype(np.float64) / self.pack.temperature)), np.float32)

    def read(self, window: Floats, target: str | None = None) -> LandmarkReading:
        """What the networks read in a window of shapes float32 [window, 478, 3], and why.

        `target` is the expression to explain, None the strongest. UnknownName for one that the pack does not have.
        """
        if target is not None and target not in self.labels:
            raise UnknownName("expression", target, self.labels)
        logits = self.logits(window[None])[0]
        place = int(np.argmax(logits)) if target is None else self.labels.index(target)
        (points,) = self._points(window, logits, [place], self.reference)
        return LandmarkReading(self.pack.title, self.labels, logits, self.calibrated(logits), points)

    def explain_all(self, window: Floats) -> list[PointRelevance]:
        """Why the networks give every expression its score in a window of shapes float32 [window, 478, 3]."""
        logits = self.logits(window[None])[0]
        return self._points(window, logits, range(len(self.labels)), self.reference)

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Which points of the mesh the networks look at, bool [478]."""
        return self.pack.kept

    @cached_property
    def reference(self) -> float:
        """Relevance of a point that only the strongest reach, logits, in one significant digit.

        Measured on the pack's golden inputs, strongest expressions; the same for every frame.
        """
        inputs, logits = self.pack.golden()
        strongest = zip(inputs[:REFERENCE_INPUTS], logits[:REFERENCE_INPUTS], strict=True)
        found = [self._points(each, row, [int(np.argmax(row))], 1.0)[0].relevance[self.seen] for each, row in strongest]
        return float(f"{np.percentile(np.abs(found), REFERENCE_PERCENTILE):.0e}") or 1.0

    def prepare(self) -> None:
        """Do what takes long once: start the sessions, compile the gradient, measure the reference."""
        self.read(self.pack.baselines[0])

    def _points(self, window: Floats, logits: Floats, places: Sequence[int], reference: float) -> list[PointRelevance]:
        points = []
        for place, found in zip(places, self._paths.explain(window, places), strict=True):
            relevance, target = found.relevance.sum(axis=(0, 2)), self.labels[place]
            regions = by_point_region(relevance, self.seen, target)
            score = float(logits[place])
            points.append(PointRelevance(relevance, target, score, found.start, found.gap, regions, reference))
        return points

    @cached_property
    def _paths(self) -> Paths:
        return Paths(self.pack.model_path, self.pack.baselines, self._steps, self._sessions.passing, self._cut)
