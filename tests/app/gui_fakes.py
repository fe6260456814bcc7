"""What the window is tested with: results made by hand, and a session that plays them."""

from collections import deque
from dataclasses import replace

import numpy as np

from app.gui.session import OpenLayer
from core.baselines import Baselines
from core.engine import EngineStatus
from core.errors import ExplainError
from core.explain import METHODS
from core.explain.feature_layers import FeatureLayer
from core.geometry import Similarity
from core.regions import REGIONS
from core.types import Crop, Explanation, FaceObservation, FaceResult, Frame, Prediction, RegionRelevance, Result

LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")

REFERENCE = 0.008  # logits per pixel


def make_regions(expected=("upper_lip", "lower_lip"), **shares):
    """Relevance by region with these shares; what is left lies in the forehead."""
    values = np.array([shares.get(name, 0.0) for name in REGIONS], np.float32)
    values[REGIONS.index("forehead")] += 1 - values.sum()
    areas = np.full(len(REGIONS), 1 / len(REGIONS), np.float32)
    return RegionRelevance(REGIONS, areas, values, np.zeros_like(values), 2.0, -0.5, frozenset(expected))


def make_face(face_id=1, x=100.0, side=120.0, top="happiness", regions=None, explained_s=0.0, labels=LABELS):
    """A face whose landmarks fill a square box and whose relevance lies in the middle of its crop."""
    rng = np.random.default_rng(face_id)
    landmarks = rng.uniform(0, side, (478, 3)).astype(np.float32)
    landmarks[0, :2], landmarks[1, :2] = 0, side
    landmarks[:, :2] += (x, 80)
    logits = np.zeros(len(labels), np.float32)
    logits[labels.index(top)] = 4.0
    probabilities = np.exp(logits) / np.exp(logits).sum()
    relevance = np.zeros((48, 48), np.float32)
    relevance[20:28, 20:28] = 0.04
    return FaceResult(
        FaceObservation(landmarks, 0.98, face_id),
        Crop(np.zeros((48, 48), np.uint8), Similarity(side / 48, 0.0, x, 80.0)),
        Prediction(labels, logits, probabilities.astype(np.float32)),
        Explanation(relevance, "lrp", top, None, 4.0, explained_s, REFERENCE),
        regions if regions is not None else make_regions(upper_lip=0.3, lower_lip=0.2, outside=0.1),
        explained=True,
    )


def make_result(faces=(), index=0, timestamp_s=0.0, captured_s=0.0, image=None):
    """One frame's result."""
    image = np.full((360, 640, 3), 90, np.uint8) if image is None else image
    return Result(Frame(image, index, timestamp_s, captured_s), tuple(faces))


def make_layer(key, side=4, channels=12, signed=False, classes=False):
    """A layer as a session lists it."""
    return FeatureLayer(key, f"Conv {key}", channels, side, side, signed, classes)


class FakeSession:
    """Plays the results that are put into it and notes what is asked of it."""

    def __init__(self, spec, settings):
        self.spec = spec
        self.labels = LABELS
        self.pack = "fake 1.0"
        self.provider = "CPU, ONNX Runtime"
        self.provider_warning = None
        self.results = deque()
        self.calls = []
        self.analysed = [settings]
        self.prepared = []
        self.slow = set()  # methods and packs that have to be prepared first
        self.gate = None  # what preparing waits for
        self.fail_with = {}  # error by method or pack
        self.labels_of = {}  # by pack
        self.layers = [make_layer("a"), make_layer("b", channels=40), make_layer("c", 1, 6)]
        self.looks = []  # (key or None, face)
        self.atlas, self.atlas_problem = None, ""
        self.carried = ExplainError("Nothing is carried back here.")  # what carrying back gives, or raises
        self.baselines = Baselines()
        self.asked = []  # (layer, channel, place) of what was to be carried back
        self.now = EngineStatus(
            "running", position_s=0.0, duration_s=10.0, frame_count=300, source=spec, source_fps=30.0,
            size=(640, 360), seekable=True,
        )  # fmt: skip

    def start(self):
        self.calls.append("start")

    def stop(self):
        self.calls.append("stop")

    def pause(self):
        self.calls.append("pause")
        self.now = replace(self.now, state="paused")

    def resume(self):
        self.calls.append("resume")
        self.now = replace(self.now, state="running")

    def step(self, frames):
        self.calls.append(("step", frames))

    def seek(self, timestamp_s):
        self.calls.append(("seek", timestamp_s))

    def take(self):
        return self.results.popleft() if self.results else None

    def status(self):
        return self.now

    def _network(self, settings):
        """The landmark network that the settings want."""
        return (settings.landmark_pack or "landmarks",) if settings.points else ()

    def ready(self, settings):
        return not self.slow & {settings.method, settings.pack, *self._network(settings)}

    def prepare(self, settings):
        if self.gate is not None:
            assert self.gate.wait(10)
        for name in (settings.method, settings.pack, *self._network(settings)):
            if name in self.fail_with:
                raise self.fail_with[name]
        self.prepared.append(settings)
        self.slow -= {settings.method, settings.pack}

    def analyse(self, settings):
        assert self.ready(settings)
        if settings.pack is not None:
            self.pack = f"{settings.pack} 1.0"
        self.labels = self.labels_of.get(settings.pack, LABELS)
        self.analysed.append(settings)

    def compare_with(self, baselines):
        self.baselines = baselines

    def open_layer(self, key):
        if self.gate is not None:
            assert self.gate.wait(10)
        if key in self.fail_with:
            raise self.fail_with[key]
        layer = next((layer for layer in self.layers if layer.key == key), self.layers[0])
        return OpenLayer(
            self.pack,
            tuple(self.layers),
            ("Dense 9 · 17 × 12",),
            layer,
            2.0,
            self.labels,
            self.atlas,
            self.atlas_problem,
        )

    def carry_back(self, opened, channel, place, cut):
        self.asked.append((opened.layer.key, channel, place))
        if isinstance(self.carried, Exception):
            raise self.carried
        return self.carried

    def look_into(self, opened, face_id):
        look = (None, 0) if opened is None else (opened.layer.key, face_id)
        if look != (self.looks[-1] if self.looks else (None, 0)):
            self.looks.append(look)


class FakeBackend:
    """What the window asks for; `fail_with` maps a source to the error that opening it raises."""

    def __init__(self):
        from app.gui.picture import OverlayPicture
        from app.gui.session import Backend

        self.sessions = []
        self.camera_names = []
        self.packs = []
        self.fail_with = {}
        self.provider_warning = None
        self.gate = None
        self.backend = Backend(
            methods={key: METHODS[key] for key in ("lrp", "gradcam", "gradient")},
            cameras=lambda: self.camera_names,
            packs=lambda: self.packs,
            open=self.open,
            picture=OverlayPicture(),
        )

    def open(self, spec, settings):
        if self.gate is not None:
            assert self.gate.wait(10)
        if spec in self.fail_with:
            raise self.fail_with[spec]
        self.sessions.append(FakeSession(spec, settings))
        self.session.provider_warning = self.provider_warning
        return self.sessions[-1]

    @property
    def session(self):
        return self.sessions[-1]
