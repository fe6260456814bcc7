"""One pack in ONNX Runtime: crops in, predictions and explanations out, all faces in one call."""

import ctypes
import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import ExplainError, UnknownName
from core.explain import COMPILER_VERSION, LIVE, Attribution, Effort, Explainer, Method, compile_explainer
from core.explain.compiler import named_method
from core.explain.runs import run_in_batches
from core.geometry import Floats, Image, Similarity, crop
from core.opencv import cv2
from core.packs import Pack
from core.regions import Partition
from core.types import Crop, Explanation, FaceObservation, Prediction

PREDICTED: Final = "predicted"
RUNNER_UP: Final = "runner-up"
PROVIDERS: Final = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}


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


def nvidia_driver() -> bool:
    """Whether this machine has NVIDIA's driver. GPU builds of ONNX Runtime list CUDA on every machine."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def providers_for(choice: str) -> list[str]:
    """Execution providers to ask for, best first.

    "auto" asks for CUDA where it is compiled in and a driver is present. UnknownName for a name that does not exist.
    """
    import onnxruntime

    if choice != "auto" and choice not in PROVIDERS:
        raise UnknownName("provider", choice, ("auto", *PROVIDERS))
    available = onnxruntime.get_available_providers()
    if choice == "auto":
        choice = "cuda" if PROVIDERS["cuda"] in available and nvidia_driver() else "cpu"
    wanted = [PROVIDERS[choice]] if PROVIDERS[choice] in available else []
    return list(dict.fromkeys([*wanted, PROVIDERS["cpu"]]))


class Model:
    """Sessions of one pack, made when first needed.

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
        self._asked = provider
        self._providers = providers_for(provider)
        self._threads = threads or min(os.cpu_count() or 1, 4)
        self._cache = cache
        self._sessions: dict[str, Any] = {}
        self._explainers: dict[tuple[str, str | None, str | None, bool], Explainer] = {}

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return self.pack.labels

    @cached_property
    def provider(self) -> str:
        """The provider that really runs, from the session itself."""
        return str(self.forward.get_providers()[0])

    @property
    def provider_warning(self) -> str | None:
        """One sentence when what was asked for is not what runs, else None."""
        wanted = self._providers[0] if self._asked == "auto" else PROVIDERS[self._asked]
        if self.provider == wanted:
            return None
        return f"{wanted} was asked for, but it could not be started here; {self.provider} runs instead."

    def crop(self, image: Image, observation: FaceObservation) -> Crop:
        """Cut a face out of a frame (RGB uint8 [h, w, 3]) as this model wants to see it."""
        spec = self.pack.manifest.input
        to_crop = self.pack.alignment.to_crop(observation.landmarks)
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
        logits: Floats = run_in_batches(self.forward, {self.pack.manifest.input.name: faces}, ["logits"])[0]
        return logits

    def probabilities(self, faces: Image) -> Floats:
        """Calibrated probabilities float32 [n, classes] of faces uint8 [n, channels, size, size]."""
        return self._calibrated(self.logits(faces))

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
        explainer = self.explainer(method)
        if not crops:
            return []
        faces = self.faces(crops)
        known = self.logits(faces) if target.needs_logits else [None] * len(crops)
        seeds, contrasts = zip(*(target.seed(self.labels, row) for row in known), strict=True)
        parts = None if regions is None else np.stack([each.labels for each in regions])
        found = explainer.explain(faces, np.stack(seeds), np.array(contrasts, np.float32), parts, effort)
        return [
            (self._prediction(row), self._explanation(found, number, explainer.method, timestamp_s))
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
            self._explainers[key] = Explainer.of_session(
                self._compiled(chosen, at=at, layer=layer, audit=audit), chosen
            )
        return self._explainers[key]

    def is_compiled(self, method: str) -> bool:
        """Whether the method's graph lies in the cache."""
        name = _graph_name(named_method(method), {"at": None, "layer": None, "audit": False})
        return self._cache is not None and self._cached(name, self._cache).is_file()

    def _compiled(self, method: Method, **options: Any) -> Any:
        """The session of a compiled graph. Methods that need the same graph share one."""
        name = _graph_name(method, options)
        if name not in self._sessions:
            self._sessions[name] = self._session(self._compiled_file(name, method, **options))
        return self._sessions[name]

    def _cached(self, name: str, cache: Path) -> Path:
        return cache / f"{self.pack.model_sha256[:32]}-{name}-{COMPILER_VERSION}.onnx"

    def _compiled_file(self, name: str, method: Method, **options: Any) -> bytes | Path:
        if self._cache is None:
            return compile_explainer(self.pack.model_path, method, **options)
        path = self._cached(name, self._cache)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(f".{os.getpid()}.new")
            fresh.write_bytes(compile_explainer(self.pack.model_path, method, **options))
            fresh.replace(path)
        return path

    @property
    def forward(self) -> Any:
        """The ONNX Runtime session of the pack as it is."""
        if "" not in self._sessions:
            self._sessions[""] = self._session(self._model_file)
        return self._sessions[""]

    @property
    def _model_file(self) -> Path:
        """The pack's own model, the only file from outside that ONNX Runtime is given; compiled graphs are ours."""
        return self.pack.model_path

    def _session(self, model: bytes | Path) -> Any:
        """Make a session. From a file it is read without holding Python's lock: other threads go on meanwhile."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        # A provider that cannot start is told by `provider_warning`, not by lines on standard error.
        onnxruntime.set_default_logger_severity(4)
        options.log_severity_level = 3
        # Threads that spin while they wait take the cores from the decoder and the window.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        source = str(model) if isinstance(model, Path) else model
        return onnxruntime.InferenceSession(source, options, providers=self._providers)

    def faces(self, crops: Sequence[Crop]) -> Image:
        """Crops as the model takes them: uint8 [n, channels, size, size]."""
        images = np.stack([each.image for each in crops])
        return images[:, None] if images.ndim == 3 else np.ascontiguousarray(images.transpose(0, 3, 1, 2))

    def _prediction(self, logits: Floats) -> Prediction:
        return Prediction(self.labels, logits, self._calibrated(logits))

    def _calibrated(self, logits: Floats) -> Floats:
        scaled = (logits - logits.max(axis=-1, keepdims=True)) / self.pack.temperature
        odds = np.exp(scaled)
        return np.asarray(odds / odds.sum(axis=-1, keepdims=True), np.float32)

    def _explanation(self, found: Attribution, number: int, method: Method, timestamp_s: float) -> Explanation:
        seed = found.seed_used[number]
        return Explanation(
            relevance=found.relevance[number],
            method=method.key,
            target=self.labels[int(np.argmax(seed))],
            against=self.labels[int(np.argmin(seed))] if seed.min() < 0 else None,
            score=float(seed @ found.logits[number]),
            timestamp_s=timestamp_s,
            unit=found.unit,
            gap=None if found.gap is None else float(found.gap[number]),
        )


def _graph_name(method: Method, options: Mapping[str, Any]) -> str:
    """Name the compiled graph of a method: methods that need the same one share it."""
    return hashlib.sha256(repr((method.graph, sorted(options.items()))).encode()).hexdigest()[:16]


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
