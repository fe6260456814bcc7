"""The packs that are loaded, and which methods of each are ready to run without anybody waiting."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from app import packs, paths
from app.gui.compiling import Compiler
from app.settings import OFF, Settings
from core.activations import Activations
from core.geometry import Similarity
from core.landmark_model import LandmarkModel
from core.model import Model, Target
from core.packs import DEFAULT_LANDMARK_PACK, DEFAULT_PACK
from core.regions import REGIONS, Partition
from core.types import Crop

KEPT: Final = 3  # packs: the one in use, the one that is being prepared, and the one before


@dataclass
class Loaded:
    """A model, its layers, and the methods that have run once."""

    model: Model
    activations: Activations
    methods: set[str] = field(default_factory=set)


class Shelf:
    """Loads in whichever thread asks, and has methods compiled; what is ready can be taken from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # of the table alone: nobody waits for a compilation
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._landmarks: OrderedDict[str, LandmarkModel] = OrderedDict()
        self._compiler = Compiler()

    def warm(self) -> None:
        """Get ready to compile; returns at once."""
        self._compiler.warm()

    def close(self) -> None:
        """End the process that compiles."""
        self._compiler.close()

    def ready(self, settings: Settings) -> bool:
        """Whether pack, method and landmark network of these settings can be used at once."""
        with self._lock:
            loaded = self._loaded.get(settings.pack or DEFAULT_PACK)
            fits = not settings.points or _landmark_name(settings) in self._landmarks
            return fits and loaded is not None and settings.method in loaded.methods

    def model(self, settings: Settings) -> Model:
        """The model of these settings. KeyError where nobody has prepared it."""
        with self._lock:
            name = settings.pack or DEFAULT_PACK
            self._loaded.move_to_end(name)
            return self._loaded[name].model

    def landmarks(self, settings: Settings) -> LandmarkModel | None:
        """The landmark network of these settings; None where they want none. KeyError where nobody has prepared it."""
        with self._lock:
            return self._landmarks[_landmark_name(settings)] if settings.points else None

    def activations(self, model: Model) -> Activations:
        """The layers of a model, with those that are open; of one that was let go, anew."""
        with self._lock:
            kept = (loaded.activations for loaded in self._loaded.values() if loaded.model is model)
            return next(kept, None) or Activations(model)

    def prepare(self, settings: Settings) -> Model:
        """Load the pack, compile the method, and run both once: first runs are slow. PackError, ExplainError.

        The landmark network comes last: where only it is missing, everything else is ready.
        """
        name = settings.pack or DEFAULT_PACK
        with self._lock:
            loaded = self._loaded.get(name)
        cache = paths.data_folder() / "compiled"
        if loaded is None:
            model = Model(packs.find(name), cache=cache)
            loaded = Loaded(model, Activations(model))
            loaded.model.predict([_blank(loaded.model)])
        if settings.method not in loaded.methods:
            if settings.method != OFF:
                if not loaded.model.is_kept(settings.method):
                    self._compiler.compile(loaded.model.pack, settings.method, cache)
                _run_once(loaded.model, settings.method)
            loaded.methods.add(settings.method)
        with self._lock:
            self._loaded[name] = loaded
            self._loaded.move_to_end(name)
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
        if settings.points:
            self._prepare_landmarks(_landmark_name(settings))
        return loaded.model

    def _prepare_landmarks(self, name: str) -> None:
        with self._lock:
            known = self._landmarks.get(name)
        if known is None:
            known = LandmarkModel(packs.find_landmarks(name))
            known.prepare()
        with self._lock:
            self._landmarks[name] = known
            self._landmarks.move_to_end(name)
            while len(self._landmarks) > KEPT:
                self._landmarks.popitem(last=False)


def _landmark_name(settings: Settings) -> str:
    return settings.landmark_pack or DEFAULT_LANDMARK_PACK


def _run_once(model: Model, method: str) -> None:
    stripes = np.arange(model.pack.manifest.input.size) * len(REGIONS) // model.pack.manifest.input.size
    regions = Partition(np.tile(stripes.astype(np.uint8), (len(stripes), 1)))
    model.explain([_blank(model)], method, Target(), 0.0, [regions])


def _blank(model: Model) -> Crop:
    """A grey face that every model accepts."""
    spec = model.pack.manifest.input
    shape = (spec.size, spec.size) if spec.colour == "grey" else (spec.size, spec.size, 3)
    return Crop(np.full(shape, 128, np.uint8), Similarity(1.0, 0.0, 0.0, 0.0))
