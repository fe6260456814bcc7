"""One pack in ONNX Runtime: crops in, predictions and explanations out, all faces in one call."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core import scales
from core.errors import ExplainError, PackUnsuited, UnknownName
from core.explain import LIVE, METHODS, Attribution, Effort, Explainer, Method
from core.explain.compiler import named_method
from core.explain.runs import Runs, run_in_batches
from core.geometry import Floats, Image, Similarity, crop
from core.opencv import cv2
from core.packs import Pack
from core.regions import Partition
from core.sessions import Sessions, fixed_of
from core.types import Crop, Explanation, FaceObservation, Prediction

PREDICTED: Final = "predicted"
FORWARD_ONLY: Final = "occlusion"  # a method whose graph holds no backward pass: the forward pass, pruned to its scores
UNITS_METHOD: Final = "lrp"  # conserves: what lies on the face sums to the score
UNITS_TARGET: Final = "PSPI"
UNITS_UNIT: Final = "point"  # of the score
RUNNER_UP: Final = "runner-up"


@dataclass(frozen=True)
class Target:
    """Which score is explained: a class or the predicted one, on its own or against another."""

    label: str = PREDICTED
    against: str | None = None

    def check(self, labels: Sequence[str]) -> None:
        """UnknownName unless both names are classes or stand for one."""
        if self.label not in (PREDICTED, *labels):
            raise UnknownName("class", self.label, (PREDICTED, *labels))
        if self.against is not None and self.against not in (RUNNER_UP, *labels):
            raise UnknownName("class to compare with", self.against, (RUNNER_UP, *labels))
        if self.against == self.label:
            raise ExplainError(f"A class cannot be contrasted with itself: {self.label}.")

    def seed(self, labels: Sequence[str], logits: Floats | None = None) -> tuple[Floats, float]:
        """The compiled graph's inputs for one face: seed float32 [classes] and contrast 0 or 1.

        A class named as the opponent of the predicted one needs the logits: the graph picks the predicted class only
        for a seed of zeros.
        """
        seed = np.zeros(len(labels), np.float32)
        if self.label != PREDICTED:
            seed[labels.index(self.label)] = 1
        if self.against is None or self.against == RUNNER_UP:
            return seed, float(self.against == RUNNER_UP)
        if self.label == PREDICTED and logits is not None:
            seed[int(np.argmax(logits))] = 1
        seed[labels.index(self.against)] -= 1
        return seed, 0.0

    @property
    def needs_logits(self) -> bool:
        """Whether the seed depends on the prediction in a way the graph cannot resolve by itself."""
        return self.label == PREDICTED and self.against not in (None, RUNNER_UP)


class Model:
    """One pack, ready to read faces and to say why.

    Parameters
    ----------
    pack
        A checked pack.
    provider
        "auto", "cpu", "cuda" ...; what really runs is `self.provider`.
    threads
        ONNX Runtime's threads within an operator; by default one per core, at most four.
    cache
        Folder for compiled explainers, named by model hash, method and compiler version; None keeps none.
    """

    def __init__(
        self, pack: Pack, provider: str = "auto", threads: int | None = None, cache: Path | None = None
    ) -> None:
        self.pack = pack
        self.sessions = Sessions(pack, provider, threads, cache)
        self._references = scales.Kept(pack, cache)
        self._explainers: dict[tuple[str, str | None, str | None, bool], Explainer] = {}

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return self.pack.labels

    @property
    def provider(self) -> str:
        """The provider that really runs, from the session itself."""
        return self.sessions.provider

    @property
    def provider_warning(self) -> str | None:
        """One sentence when what was asked for is not what runs, else None."""
        return self.sessions.warning

    def crop(self, image: Image, observation: FaceObservation) -> Crop:
        """Cut a face out of a frame (RGB uint8 [h, w, 3]) as this model wants to see it."""
        return self.cut(image, self.pack.alignment.to_crop(observation.landmarks))

    def cut(self, image: Image, to_crop: Similarity) -> Crop:
        """Cut any part out of a frame (RGB uint8 [h, w, 3]), in the size and colours of this model."""
        spec = self.pack.manifest.input
        to_frame = to_crop.inverse()
        if spec.colour == "rgb":
            return Crop(crop(image, to_crop, spec.size), to_frame)
        # Grey before resampling, as in training, and only where the crop lies.
        window = _window(to_frame, spec.size, image)
        grey = cv2.cvtColor(image[window], cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        shift = Similarity(1.0, 0.0, float(window[1].start), float(window[0].start))
        return Crop(crop(grey, to_crop.after(shift), spec.size), to_frame)

    def logits(self, faces: Image) -> Floats:
        """Logits float32 [n, classes] of faces uint8 [n, channels, size, size]."""
        session = self.sessions.forward
        logits: Floats = run_in_batches(session, {self.pack.manifest.input.name: faces}, ["logits"], fixed_of(session))[
            0
        ]
        return logits

    def probabilities(self, faces: Image) -> Floats:
        """Calibrated probabilities float32 [n, classes] of faces uint8 [n, channels, size, size]."""
        return self.calibrated(self.logits(faces))

    @property
    def has_units(self) -> bool:
        """Whether the pack estimates the parts of the pain score too; see `core.pain_network`."""
        return self.pack.manifest.units is not None

    def units(self, faces: Image) -> Floats:
        """Intensities float32 [n, parts], 0..5, of faces uint8 [n, channels, size, size].

        Only that part of the network runs which leads to them: no logit is computed. PackUnsuited without such a head.
        """
        return self._units_runs.logits(faces)

    @cached_property
    def _units_runs(self) -> Runs:
        pruned = named_method(FORWARD_ONLY)
        return Runs(self.sessions.compiled(pruned, at=self._units_name(), layer=None, audit=False))

    def explain_units(
        self, crops: Sequence[Crop], seed: Floats, timestamp_s: float
    ) -> list[tuple[Floats, Explanation]]:
        """Intensities of each face, float32 [parts], and by LRP where their sum, weighted by `seed`, comes from.

        In one call of ONNX Runtime, which computes no logit. Maps are in the seed's unit of intensity.
        """
        if not crops:
            return []
        explainer, reference = self.explainer(UNITS_METHOD, at=self._units_name()), self.units_reference(seed)
        found = explainer.explain(self.faces(crops), np.stack([seed] * len(crops)).astype(np.float32))
        return [
            (
                found.logits[number],
                Explanation(
                    relevance=found.relevance[number],
                    method=UNITS_METHOD,
                    target=UNITS_TARGET,
                    against=None,
                    score=float(seed @ found.logits[number]),
                    timestamp_s=timestamp_s,
                    reference=reference,
                    unit=UNITS_UNIT,
                    gap=None if found.gap is None else float(found.gap[number]),
                ),
            )
            for number in range(len(crops))
        ]

    def units_reference(self, seed: Floats) -> float:
        """The relevance that display scales of such maps are multiples of; as `reference`."""
        name = f"{UNITS_TARGET} {UNITS_METHOD} {seed.tolist()}"
        known = self._references.get(name)
        if known is None:
            faces = self.pack.golden_faces()
            faces = faces[scales.chosen(len(faces))]
            explainer = self.explainer(UNITS_METHOD, at=self._units_name())
            known = scales.reference(explainer.explain(faces, np.stack([seed] * len(faces))).relevance)
            self._references.put(name, known)
        return known

    def _units_name(self) -> str:
        head = self.pack.manifest.units
        if head is None:
            raise PackUnsuited(f"Pack {self.pack.id} has no head for the parts of the pain score.")
        return head.name

    def predict(self, crops: Sequence[Crop]) -> list[Prediction]:
        """What the model reads in each face; no explanation."""
        return [self._prediction(row) for row in self.logits(self.faces(crops))] if crops else []

    def explain(
        self,
        crops: Sequence[Crop],
        method: str | Method,
        target: Target,
        timestamp_s: float,
        regions: Sequence[Partition] | None = None,
        effort: Effort = LIVE,
    ) -> list[tuple[Prediction, Explanation]]:
        """Predict and explain every face; methods of one run do so in one call of ONNX Runtime.

        UnknownName for a method or class that does not exist. `regions`, one partition per crop, is what occlusion of
        regions hides; `effort` is for the methods of many runs.
        """
        target.check(self.labels)
        explainer, reference = self.explainer(method), self.reference(method)
        if not crops:
            return []
        faces = self.faces(crops)
        known = self.logits(faces) if target.needs_logits else [None] * len(crops)
        seeds, contrasts = zip(*(target.seed(self.labels, row) for row in known), strict=True)
        parts = None if regions is None else np.stack([each.labels for each in regions])
        found = explainer.explain(faces, np.stack(seeds), np.array(contrasts, np.float32), parts, effort)
        return [
            (self._prediction(row), self._explanation(found, number, explainer.method, reference, timestamp_s))
            for number, row in enumerate(found.logits)
        ]

    def explainer(
        self, method: str | Method, *, at: str | None = None, layer: str | None = None, audit: bool = False
    ) -> Explainer:
        """The model under a method, made when first asked for; see `core.explain.compile_explainer`.

        UnknownName lists the methods there are.
        """
        key = (method if isinstance(method, str) else repr(method), at, layer, audit)
        if key not in self._explainers:
            chosen = named_method(method)
            session = self.sessions.compiled(chosen, at=at, layer=layer, audit=audit)
            self._explainers[key] = Explainer.of_session(session, chosen)
        return self._explainers[key]

    def reference(self, method: str | Method) -> float:
        """The relevance that display scales of this pack and method are multiples of, in the method's unit.

        Measured when first asked for, on faces of the pack, with the effort of live pictures; see `core.scales`.
        """
        name = _name(method)
        known = self._references.get(name)
        if known is None:
            faces = self.pack.golden_faces()
            faces = faces[scales.chosen(len(faces))]
            regions = np.stack([_squares(self.pack.manifest.input.size)] * len(faces))
            known = scales.reference(self.explainer(method).explain(faces, regions=regions, effort=LIVE).relevance)
            self._references.put(name, known)
        return known

    def is_kept(self, method: str) -> bool:
        """Whether what the method needs lies in the cache."""
        return self.sessions.is_kept(method) and self._references.get(method) is not None

    def faces(self, crops: Sequence[Crop]) -> Image:
        """Crops as the model takes them: uint8 [n, channels, size, size]."""
        images = np.stack([each.image for each in crops])
        return images[:, None] if images.ndim == 3 else np.ascontiguousarray(images.transpose(0, 3, 1, 2))

    def _prediction(self, logits: Floats) -> Prediction:
        return Prediction(self.labels, logits, self.calibrated(logits))

    def calibrated(self, logits: Floats) -> Floats:
        """Probabilities of logits [..., classes]: the softmax at the pack's temperature, float32."""
        scaled = (logits - logits.max(axis=-1, keepdims=True)) / self.pack.temperature
        odds = np.exp(scaled)
        return np.asarray(odds / odds.sum(axis=-1, keepdims=True), np.float32)

    def _explanation(
        self, found: Attribution, number: int, method: Method, reference: float, timestamp_s: float
    ) -> Explanation:
        seed = found.seed_used[number]
        return Explanation(
            relevance=found.relevance[number],
            method=method.key,
            target=self.labels[int(np.argmax(seed))],
            against=self.labels[int(np.argmin(seed))] if seed.min() < 0 else None,
            score=float(seed @ found.logits[number]),
            timestamp_s=timestamp_s,
            reference=reference,
            unit=found.unit,
            gap=None if found.gap is None else float(found.gap[number]),
        )


def _name(method: str | Method) -> str:
    """What a method is kept under: its key, or everything about one that is not in the table."""
    if isinstance(method, str) or METHODS.get(method.key) == method:
        return method if isinstance(method, str) else method.key
    return hashlib.sha256(repr(method).encode()).hexdigest()


def _squares(size: int) -> NDArray[np.uint8]:
    """Thirty-six squares, about as large as regions of a face: uint8 [size, size]."""
    places = np.arange(size) * 6 // size
    return (6 * places[:, None] + places).astype(np.uint8)


def _window(to_frame: Similarity, size: int, image: Image) -> tuple[slice, slice]:
    """Rows and columns of the picture that a crop is made from, and two px more, which resampling needs at its edge."""
    last = size - 0.5
    corners = to_frame.apply(np.array([(-0.5, -0.5), (last, -0.5), (last, last), (-0.5, last)], np.float32))
    low = np.floor(corners.min(axis=0)).astype(int) - 2
    high = np.ceil(corners.max(axis=0)).astype(int) + 3
    height, width = image.shape[:2]
    # A crop that lies wholly beyond the picture still shows its nearest border.
    columns = slice(int(np.clip(low[0], 0, width - 1)), int(np.clip(high[0], 1, width)))
    rows = slice(int(np.clip(low[1], 0, height - 1)), int(np.clip(high[1], 1, height)))
    return rows, columns
