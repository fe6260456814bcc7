"""The real engine behind the window's seam."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app import packs, paths
from app.gui.picture import OverlayPicture
from app.gui.session import Backend, OpenLayer, PackEntry
from app.gui.shelf import Shelf
from app.settings import OFF, PREDICTED, RUNNER_UP, Settings
from core import pipeline
from core.activations import Probe
from core.baselines import Baselines
from core.engine import Engine, EngineStatus
from core.errors import AtlasInvalid, ExplainError, MienscopeError
from core.explain import METHODS
from core.landmarker import Landmarker
from core.model import Model
from core.neurons import NeuronAtlas
from core.neurons.lens import CarriedBack, Lens
from core.packs import LandmarkPack, Pack
from core.sources import DEMO, cameras, open_source
from core.sources.images import SUFFIXES
from core.types import Crop, Result

PROVIDER_TEXTS: Final = {
    "CPUExecutionProvider": "CPU",
    "CUDAExecutionProvider": "CUDA",
    "TensorrtExecutionProvider": "TensorRT",
    "CoreMLExecutionProvider": "Core ML",
}


class LiveSession:
    """One engine over one source; packs and methods may be exchanged while it runs."""

    def __init__(self, spec: str, shelf: Shelf, settings: Settings) -> None:
        model = shelf.model(settings)
        self._shelf = shelf
        self._pipeline = pipeline.Pipeline(
            model, _analysis(settings, model), _is_stills(spec), shelf.landmarks(settings)
        )
        if paths.face_landmarker().is_file():
            self._pipeline.landmarker = Landmarker(paths.face_landmarker())
        self._engine = Engine(lambda: open_source(spec), self._pipeline, loop=spec == DEMO)
        self._activations = shelf.activations(model)
        self._atlas: tuple[Model, NeuronAtlas | None, str] | None = None  # of which model, and what is wrong with it
        self._lens: Lens | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The pack's classes."""
        return self._pipeline.model.labels

    @property
    def pack(self) -> str:
        """The pack's id and version."""
        pack = self._pipeline.model.pack
        return f"{pack.id} {pack.manifest.version}"

    @property
    def provider(self) -> str:
        """What really runs the model, in words."""
        provider = self._pipeline.model.provider
        return f"{PROVIDER_TEXTS.get(provider, provider)}, ONNX Runtime"

    @property
    def provider_warning(self) -> str | None:
        """One sentence when that is not what was asked for, else None."""
        return self._pipeline.model.provider_warning

    def start(self) -> None:
        """Begin to open the source and to show it."""
        self._engine.start()

    def stop(self) -> None:
        """End its threads and close the source."""
        if self._engine.stop():
            self._pipeline.close()
            if self._pipeline.landmarker is not None:
                self._pipeline.landmarker.close()

    def pause(self) -> None:
        """Let the shown frame stand."""
        self._engine.pause()

    def resume(self) -> None:
        """Go on; from the end of a recording, from its start."""
        self._engine.resume()

    def step(self, frames: int) -> None:
        """Pause and show the frame so many further, or back."""
        self._engine.step(frames)

    def seek(self, timestamp_s: float) -> None:
        """Show the frame at a time."""
        self._engine.seek(timestamp_s)

    def take(self) -> Result | None:
        """The newest result, once; None when there is none newer."""
        return self._engine.latest.take(0)

    def status(self) -> EngineStatus:
        """State and counts."""
        return self._engine.status()

    def ready(self, settings: Settings) -> bool:
        """Whether pack and method of these settings can be used at once."""
        return self._shelf.ready(settings)

    def prepare(self, settings: Settings) -> None:
        """Load and compile what these settings need; the engine goes on with what it has."""
        self._shelf.prepare(settings)

    def analyse(self, settings: Settings) -> None:
        """Read and explain as the settings say from the next frame on; a picture that stands is explained again."""
        model = self._shelf.model(settings)
        self._pipeline.use(model, _analysis(settings, model), self._shelf.landmarks(settings))
        self._activations = self._shelf.activations(model)
        self._refresh_if_standing()

    @property
    def baselines(self) -> Baselines:
        """The neutral faces in force."""
        return self._pipeline.baselines

    def compare_with(self, baselines: Baselines) -> None:
        """Compare faces with these from the next frame on; a picture that stands is read again."""
        self._pipeline.baselines = baselines
        self._refresh_if_standing()

    def open_layer(self, key: str | None) -> OpenLayer:
        """Get a layer of the pack in use ready; the engine goes on meanwhile."""
        activations = self._activations
        atlas, problem = self._atlas_of(activations.model)
        keys = [key, *(() if atlas is None else atlas.layers)]  # to begin with, one of which the filters are known
        found = (layer for wanted in keys for layer in activations.layers if layer.key == wanted)
        layer = next(found, None) or activations.first_choice()
        reference = activations.reference(layer)
        return OpenLayer(
            activations.pack,
            activations.layers,
            activations.left_out,
            layer,
            reference,
            activations.model.labels,
            atlas,
            problem,
        )

    def look_into(self, opened: OpenLayer | None, face_id: int) -> None:
        """Let results carry what this layer makes of this face; a picture that stands is read again."""
        activations = self._activations
        fits = opened is not None and opened.pack == activations.pack
        probe = Probe(activations, opened.layer, face_id) if opened is not None and fits else None
        if probe != self._pipeline.probe:
            self._pipeline.probe = probe
            if probe is not None:
                self._refresh_if_standing()

    def carry_back(self, opened: OpenLayer, channel: int, place: tuple[int, int], cut: Crop) -> CarriedBack:
        """By which pixels of a crop a channel came about at a place of its map: guided backprop from that channel."""
        activations, lens = self._activations, self._lens
        if opened.pack != activations.pack:
            raise ExplainError(f"Pack {opened.pack} is no longer in use.")
        if lens is None or lens.activations is not activations or lens.layer != opened.layer:
            lens = self._lens = Lens(activations, opened.layer)
        return lens.carry_back(activations.model.faces([cut])[0], channel, place)

    def _atlas_of(self, model: Model) -> tuple[NeuronAtlas | None, str]:
        """What the model's filters look for, read once; and what is wrong with the file, if anything is."""
        if self._atlas is None or self._atlas[0] is not model:
            try:
                self._atlas = model, NeuronAtlas.find(model.pack, paths.atlas_folder()), ""
            except AtlasInvalid as error:
                self._atlas = model, None, str(error)
        return self._atlas[1:]

    def _refresh_if_standing(self) -> None:
        if self._engine.status().state in ("paused", "ended"):
            self._engine.refresh()


class Sessions:
    """Makes sessions; models are kept from one to the next, because loading them takes longest."""

    def __init__(self) -> None:
        self._shelf = Shelf()

    def __call__(self, spec: str, settings: Settings) -> LiveSession:
        """A session for a source; PackError where the pack cannot be used, ExplainError where the method cannot.

        A landmark network that cannot be used is left out: the window, which wants it still, will be told why.
        """
        try:
            self._shelf.prepare(settings)
        except MienscopeError:
            settings = settings.changed(points=False)
            self._shelf.prepare(settings)
        self._shelf.warm()
        return LiveSession(spec, self._shelf, settings)

    def close(self) -> None:
        """Let go of what was kept for further sessions."""
        self._shelf.close()


def backend() -> Backend:
    """The real thing."""
    sessions = Sessions()
    return Backend(METHODS, _camera_names, _packs, sessions, OverlayPicture(), close=sessions.close)


def _packs() -> Sequence[PackEntry]:
    return [_entry(name, found) for name, found in packs.listed()]


def _entry(name: str, found: Pack | LandmarkPack | MienscopeError) -> PackEntry:
    if isinstance(found, MienscopeError):
        return PackEntry(name, f"{name} · cannot be used", str(found), str(found))
    about = f"{found.manifest.title}. {packs.input_of(found)}. Licence: {found.manifest.licence}."
    landmarks = isinstance(found, LandmarkPack)
    what = "expressions" if landmarks else "classes"
    return PackEntry(name, f"{found.title} · {len(found.labels)} {what}", about, landmarks=landmarks)


def _camera_names() -> Sequence[str]:
    return [camera.name for camera in cameras()]


def _is_stills(spec: str) -> bool:
    path = Path(spec).expanduser()
    return "://" not in spec and (path.is_dir() or (path.suffix.lower() in SUFFIXES and path.exists()))


def _analysis(settings: Settings, model: Model) -> pipeline.Settings:
    """The pipeline's settings; a choice that this pack or version does not know falls back to the usual one."""
    target = settings.target if settings.target in model.labels else PREDICTED
    against = settings.against if settings.against in (RUNNER_UP, *model.labels) else None
    return pipeline.Settings(
        method=settings.method if settings.method in (*METHODS, OFF) else pipeline.Settings().method,
        target=target,
        against=None if against == target else against,
        explain_every=0 if settings.explain_every == "auto" else settings.explain_every,
        region_mode=settings.region_mode,
        contrast=True,
        pain=settings.pain or settings.pain_only,
        emotions=not settings.pain_only,
        pain_smoothing_s=settings.pain_smoothing_s,
    )
