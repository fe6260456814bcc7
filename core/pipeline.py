"""From a frame to a result: find, follow, crop, predict, explain, share by region."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from core.action_units.smoothing import TIME_CONSTANT_S
from core.activations import Probe
from core.baselines import Baselines
from core.errors import UnknownName
from core.explain import LIVE, METHODS, THOROUGH, Method
from core.explain.compiler import named_method
from core.faces import FaceFinder, Schedule, Search
from core.landmark_model import LandmarkModel
from core.landmark_reader import LandmarkReader
from core.landmarker import Landmarker
from core.model import PREDICTED, RUNNER_UP, Model, Target
from core.pain import PainReader
from core.pain_network import NetworkReader
from core.recent import Recent
from core.regions import MODES, Mode, partition
from core.relevance import by_region
from core.tracking import Tracker
from core.types import (
    Contrast,
    Crop,
    Explanation,
    FaceObservation,
    FaceResult,
    Features,
    Frame,
    Prediction,
    RegionRelevance,
    Result,
)

OFF: Final = "off"  # the method that explains nothing
AUTO: Final = 0  # explain_every: as often as the machine keeps up
KEPT_S: Final = 2.0  # an explanation older than this is no longer shown
CONTRAST_S: Final = 0.5  # how far contrasts lie apart: one more run of the model, for numbers that a person reads


@dataclass(frozen=True)
class Settings:
    """What a person may change while frames flow.

    Attributes
    ----------
    method
        A key of `core.explain.METHODS`, a method of one's own, or "off".
    target, against
        The class to explain ("predicted" or a label), and what to contrast it with (None, "runner-up" or a label).
    explain_every
        Explain every n-th frame; 0 leaves it to the engine when live, and means every frame in recorded work.
    region_mode
        "polygons" or "boxes".
    contrast
        Whether to explain also, every half second, the predicted class against the runner-up, where the method takes
        one run of the model. An explanation that is a contrast itself is taken for it at no cost.
    pain, pain_smoothing_s
        Whether to estimate action units and PSPI of every face in every frame, and the time constant that its units
        follow with, 0 for none; see `core.pain`. A pack that reads pain does so beside them, explained as often as
        expressions are, always by LRP; see `core.pain_network`.
    emotions
        Whether the model reads expressions at all. Without, pain alone is measured: of the network only the part runs
        that leads to its own estimate of pain, if it has one, and results hold no class, no probability and no
        explanation of one.
    """

    method: str | Method = "lrp"
    target: str = PREDICTED
    against: str | None = None
    explain_every: int = 1
    region_mode: Mode = "polygons"
    contrast: bool = False
    pain: bool = False
    pain_smoothing_s: float = TIME_CONSTANT_S
    emotions: bool = True

    def __post_init__(self) -> None:
        if not (self.emotions or self.pain):
            raise ValueError("settings ask for emotions, for pain, or for both; got neither")

    @property
    def explains(self) -> bool:
        """Whether what the model reads is explained."""
        return self.emotions and self.method != OFF

    def check(self, labels: tuple[str, ...]) -> None:
        """UnknownName for a method, class or region mode that does not exist; it lists those that do."""
        if isinstance(self.method, str) and self.method not in (*METHODS, OFF):
            raise UnknownName("method", self.method, (*METHODS, OFF))
        if self.region_mode not in MODES:
            raise UnknownName("region mode", self.region_mode, MODES)
        Target(self.target, self.against).check(labels)

    def document(self) -> dict[str, object]:
        """The settings for files: a method by its key, one's own with its table of rules, what it adds included."""
        if isinstance(self.method, str):
            return asdict(self)
        rules = [asdict(row) for row in self.method.composite]
        return asdict(self) | {"method": self.method.key, "composite": {"source": self.method.source, "rules": rules}}


Answer: TypeAlias = tuple[Prediction, Explanation, RegionRelevance]


class Stopwatch:
    """Seconds per named stage of one frame."""

    def __init__(self, before_s: Mapping[str, float] | None = None) -> None:
        self.stages_s: dict[str, float] = dict(before_s or {})

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block under this name."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stages_s[name] = self.stages_s.get(name, 0.0) + time.perf_counter() - started


@dataclass(frozen=True)
class Reading:
    """What frames are read with: they change together, between two frames.

    `landmarks` is the landmark network that reads the meshes beside the model, where one does.
    """

    model: Model
    settings: Settings
    landmarks: LandmarkModel | None = None

    def __post_init__(self) -> None:
        self.settings.check(self.model.labels)


@dataclass(frozen=True)
class Found:
    """A frame half way: its faces with their identities, each as the model of `reading` will see it."""

    frame: Frame
    observations: tuple[FaceObservation, ...]
    crops: tuple[Crop, ...]
    reading: Reading
    stages_s: Mapping[str, float]


class Pipeline:
    """Frames in, results out; synchronous and deterministic. It knows no thread, no Qt and no file.

    Parameters
    ----------
    model
        The pack that reads the faces.
    settings
        May be replaced at any time, also by another thread; the next frame follows them. `use` replaces both.
    stills
        Whether frames are unrelated pictures: each is searched thoroughly and nothing is tracked.
    landmarks
        A landmark network that reads the mesh of every face in every frame, beside the model.

    Attributes
    ----------
    probe
        The layer and the face that somebody looks into. May be replaced at any time, also by another thread.
    baselines
        The neutral faces that somebody has set, which pain and landmark networks compare with; nothing here ever adds
        one. May be replaced at any time; `reset` forgets them, since faces get new names.
    landmarker
        What gives a second opinion on action units, where pain is estimated; None asks for none. Whoever set it closes
        it.
    """

    def __init__(
        self,
        model: Model,
        settings: Settings | None = None,
        stills: bool = False,
        landmarks: LandmarkModel | None = None,
    ) -> None:
        self.stills = stills
        self._effort = THOROUGH if stills else LIVE
        self._reading = Reading(model, settings or Settings(), landmarks)
        self._finder = FaceFinder()
        self._reader: LandmarkReader | None = None
        self._pain: PainReader | None = None
        self._network: NetworkReader | None = None
        self.probe: Probe | None = None
        self.landmarker: Landmarker | None = None
        self._still: tuple[Frame, list[FaceObservation]] | None = None  # the last of the stills, and who is on it
        self.reset()

    @property
    def model(self) -> Model:
        """The pack that reads the faces."""
        return self._reading.model

    @property
    def settings(self) -> Settings:
        """What is explained, how often, and against what."""
        return self._reading.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self.use(self.model, settings, self.landmarks)

    @property
    def landmarks(self) -> LandmarkModel | None:
        """The landmark network that reads beside the model; None where none does."""
        return self._reading.landmarks

    def use(self, model: Model, settings: Settings, landmarks: LandmarkModel | None = None) -> None:
        """Read the next frames with other packs, or otherwise. Who was where is not forgotten. Any thread may ask."""
        self._reading = Reading(model, settings, landmarks)

    def reset(self) -> None:
        """Forget who was where, as after a seek."""
        self._tracker, self._schedule = Tracker(), Schedule()
        self._frames = 0
        self._reader = self._pain = None
        self._forget_explanations()
        self.baselines = Baselines()
        self._in_force = self._reading  # what the frame at work, and the maps kept, go by

    def _forget_explanations(self) -> None:
        self._explanations = Recent[tuple[Explanation, RegionRelevance]](KEPT_S)
        self._contrasts = Recent[Contrast](KEPT_S)
        self._contrasted_s = -np.inf
        self._network = None

    def close(self) -> None:
        """Release the face models."""
        self._finder.close()

    def process(self, frame: Frame, explain: bool | None = None, in_turn: bool = False) -> Result:
        """Read and explain every face of a frame.

        Parameters
        ----------
        explain
            Whether to explain this frame; by default as `settings.explain_every` says. Without, faces carry their last
            explanation, which states its own time.
        in_turn
            Whether methods that run the model many times explain one face only, the one that has waited longest: for
            frames that flow, none of which may take long.
        """
        return self.read(self.find(frame), explain, in_turn)

    def find(self, frame: Frame) -> Found:
        """First half of `process`: the faces of a frame, followed and cut out.

        The halves share nothing, so one thread may find the faces of the next frames while another reads those of the
        last. Frames must come in order in both.
        """
        watch, reading = Stopwatch(), self._reading
        with watch.stage("faces"):
            observations = self._observe(frame)
        with watch.stage("crop"):
            crops = [reading.model.crop(frame.image, each) for each in observations]
        return Found(frame, tuple(observations), tuple(crops), reading, watch.stages_s)

    def read(self, found: Found, explain: bool | None = None, in_turn: bool = False) -> Result:
        """Second half of `process`: what the model reads in the faces, and why."""
        settings, watch = found.reading.settings, Stopwatch(found.stages_s)
        if explain is None:
            explain = self._frames % max(settings.explain_every, 1) == 0
        self._frames += 1
        if self._in_force is not found.reading:  # maps of another reading would be shown as if they were of this one
            self._in_force = found.reading
            self._forget_explanations()
        if settings.emotions:
            faces = self._with_emotions(found, explain and settings.explains, in_turn, watch)
            features = self._features(found, watch)
        else:
            self._reader, features = None, None
            faces = [FaceResult(*each, None) for each in zip(found.observations, found.crops, strict=True)]
        faces = self._by_network(found, self._with_pain(found, faces, in_turn, watch), explain, watch)
        return Result(found.frame, tuple(faces), watch.stages_s, features)

    def _with_emotions(self, found: Found, explain: bool, in_turn: bool, watch: Stopwatch) -> list[FaceResult]:
        """What model and landmark network read, and why."""
        settings = found.reading.settings
        if not explain:
            faces = self._predicted(found, watch)
        elif in_turn and len(found.crops) > 1 and named_method(settings.method).runs_often:
            faces = self._explained_in_turn(found, watch)
        else:
            faces = self._explained(found, watch)
        self._keep(faces)
        if settings.contrast and explain:
            self._contrast(found, faces, watch)
        now_s = found.frame.timestamp_s
        return self._by_landmarks(found, [self._with_contrast(face, now_s) for face in faces], watch)

    def _observe(self, frame: Frame) -> list[FaceObservation]:
        """Faces of a frame, with identities: every still on its own, video by following."""
        if self.stills:
            if not self._is_read_again(frame):
                self._tracker.reset()
                seen = self._finder.find(frame.image, search=Search.EVERYWHERE)
                self._still = frame, self._tracker.update(seen, frame.timestamp_s)
            assert self._still is not None
            return self._still[1]
        known = self._tracker.expected(frame.timestamp_s)
        search = self._schedule.next(len(known), self._tracker.missing)
        return self._tracker.update(self._finder.find(frame.image, known, search), frame.timestamp_s)

    def _is_read_again(self, frame: Frame) -> bool:
        """Whether this is the last still once more, as after a change of settings: its faces keep their names."""
        last = None if self._still is None else self._still[0]
        return last is not None and last.index == frame.index and np.shares_memory(last.image, frame.image)

    def _features(self, found: Found, watch: Stopwatch) -> Features | Exception | None:
        """What the layer looked into makes of its face. Where that fails the frame is shown all the same."""
        probe = self.probe
        if probe is None:
            return None
        try:
            with watch.stage("layer"):
                return probe.read(found.reading.model, found.observations, found.crops)
        except Exception as error:
            if self.probe is probe:
                self.probe = None
            return error

    def _by_landmarks(self, found: Found, faces: list[FaceResult], watch: Stopwatch) -> list[FaceResult]:
        """What the landmark network reads in the meshes, and why: in every frame, since it costs so little."""
        model, settings = found.reading.landmarks, found.reading.settings
        if model is None:
            self._reader = None
            return faces
        if self._reader is None or self._reader.model is not model:
            self._reader = LandmarkReader(model)
        if self.stills:
            self._reader.reset()
        self._reader.baselines = self.baselines
        with watch.stage("landmarks"):
            target = None if settings.target == PREDICTED else settings.target
            read = self._reader.read(faces, found.frame.timestamp_s, target)
        return [replace(face, by_landmarks=each) for face, each in zip(faces, read, strict=True)]

    def _with_pain(self, found: Found, faces: list[FaceResult], in_turn: bool, watch: Stopwatch) -> list[FaceResult]:
        """Action units and PSPI of every face, if that is asked for."""
        settings, frame = found.reading.settings, found.frame
        if not settings.pain:
            self._pain = None
            return faces
        if self._pain is None or self._pain.smoothing_s != settings.pain_smoothing_s:
            self._pain = PainReader(settings.pain_smoothing_s, self.stills)
        self._pain.baselines = self.baselines
        with watch.stage("pain"):
            read = self._pain.read(found.observations, frame.image, frame.timestamp_s)
        if self.landmarker is not None:
            with watch.stage("blendshapes"):
                opinions = self.landmarker.read(found.observations, frame.image, frame.timestamp_s, in_turn)
            read = [replace(each, blendshapes=opinion) for each, opinion in zip(read, opinions, strict=True)]
        return [replace(face, pain=each) for face, each in zip(faces, read, strict=True)]

    def _by_network(self, found: Found, faces: list[FaceResult], explain: bool, watch: Stopwatch) -> list[FaceResult]:
        """What the network's own head reads of pain, where the pack has one: only that part of it runs."""
        model, settings = found.reading.model, found.reading.settings
        if not (settings.pain and model.has_units):
            return faces
        if self._network is None:
            self._network = NetworkReader(model, settings.region_mode, KEPT_S)
        with watch.stage("pain by network"):
            return self._network.read(faces, found.frame.timestamp_s, explain and settings.method != OFF)

    def _explained(self, found: Found, watch: Stopwatch) -> list[FaceResult]:
        settings = found.reading.settings
        answers = self._answers(found, Target(settings.target, settings.against), watch)
        return [
            FaceResult(observation, cut, prediction, explanation, regions, True)
            for observation, cut, (prediction, explanation, regions) in zip(
                found.observations, found.crops, answers, strict=True
            )
        ]

    def _answers(self, found: Found, target: Target, watch: Stopwatch) -> list[Answer]:
        """Every face of a frame, explained and shared by region."""
        model, settings = found.reading.model, found.reading.settings
        with watch.stage("regions"):
            parts = [
                partition(cut.landmarks(observation), cut.size, settings.region_mode)
                for observation, cut in zip(found.observations, found.crops, strict=True)
            ]
        with watch.stage("model"):
            answers = model.explain(found.crops, settings.method, target, found.frame.timestamp_s, parts, self._effort)
        with watch.stage("regions"):
            return [
                (prediction, explanation, by_region(explanation.relevance, part, explanation.target))
                for part, (prediction, explanation) in zip(parts, answers, strict=True)
            ]

    def _explained_in_turn(self, found: Found, watch: Stopwatch) -> list[FaceResult]:
        """Explain the face that has waited longest; the others keep their last explanation."""

        def waited_s(place: int) -> float:
            return self._explanations.waited_s(found.observations[place].face_id, found.frame.timestamp_s)

        turn = max(range(len(found.crops)), key=waited_s)
        one = replace(found, observations=(found.observations[turn],), crops=(found.crops[turn],))
        faces = self._predicted(found, watch)
        faces[turn : turn + 1] = self._explained(one, watch)
        return faces

    def _keep(self, faces: Sequence[FaceResult]) -> None:
        """Keep explanations for frames without."""
        for face in faces:
            if face.explained and face.explanation and face.regions:
                kept = face.explanation, face.regions
                self._explanations.put(face.observation.face_id, kept, face.explanation.timestamp_s)

    def _contrast(self, found: Found, faces: Sequence[FaceResult], watch: Stopwatch) -> None:
        """Keep what tells the predicted class of each face from another: the explanations, or one more run."""
        settings, now_s = found.reading.settings, found.frame.timestamp_s
        if settings.against is not None:
            answers = [(face.prediction, face.explanation, face.regions) for face in faces]
        elif named_method(settings.method).runs_often or not (
            self.stills or now_s < self._contrasted_s or now_s - self._contrasted_s >= CONTRAST_S
        ):
            return
        else:
            self._contrasted_s = now_s
            answers = list(self._answers(found, Target(PREDICTED, RUNNER_UP), watch))
        for face, (_, explanation, regions) in zip(faces, answers, strict=True):
            if explanation is not None and regions is not None and explanation.against is not None:
                contrast = Contrast(explanation.target, explanation.against, regions, explanation.timestamp_s)
                self._contrasts.put(face.observation.face_id, contrast, contrast.timestamp_s)

    def _with_contrast(self, face: FaceResult, now_s: float) -> FaceResult:
        kept = self._contrasts.get(face.observation.face_id, now_s)
        return replace(face, contrast=kept) if kept and kept.target == face.label else face

    def _predicted(self, found: Found, watch: Stopwatch) -> list[FaceResult]:
        with watch.stage("model"):
            predictions = found.reading.model.predict(found.crops)
        return [
            FaceResult(observation, cut, prediction, *self._last(observation.face_id, found.frame.timestamp_s))
            for observation, cut, prediction in zip(found.observations, found.crops, predictions, strict=True)
        ]

    def _last(self, face_id: int, now_s: float) -> tuple[Explanation, RegionRelevance] | tuple[None, None]:
        """The face's last explanation while it is recent enough to be shown."""
        return self._explanations.get(face_id, now_s) or (None, None)
