"""The real engine behind the window's seam."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app import packs, paths
from app.gui.picture import OverlayPicture
from app.gui.session import Backend
from app.settings import NOTHING, Settings
from core import pipeline
from core.engine import Engine, EngineStatus
from core.errors import UnknownName
from core.explain import METHODS
from core.model import Model
from core.packs import DEFAULT_PACK
from core.sources import DEMO, cameras, open_source
from core.sources.images import SUFFIXES
from core.types import Result

PROVIDER_TEXTS: Final = {
    "CPUExecutionProvider": "CPU",
    "CUDAExecutionProvider": "CUDA",
    "TensorrtExecutionProvider": "TensorRT",
    "CoreMLExecutionProvider": "Core ML",
}


class LiveSession:
    """One engine over one source, read with one model."""

    def __init__(self, spec: str, model: Model, settings: Settings) -> None:
        self.labels = model.labels
        self.pack = f"{model.pack.id} {model.pack.manifest.version}"
        self.provider = f"{PROVIDER_TEXTS.get(model.provider, model.provider)}, ONNX Runtime"
        self.provider_warning = model.provider_warning
        self._pipeline = pipeline.Pipeline(model, _analysis(settings, model), stills=_is_stills(spec))
        self._engine = Engine(lambda: open_source(spec), self._pipeline, loop=spec == DEMO)
        self._model = model

    def start(self) -> None:
        """Begin to open the source and to show it."""
        self._engine.start()

    def stop(self) -> None:
        """End its threads and close the source."""
        if self._engine.stop():
            self._pipeline.close()

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

    def analyse(self, settings: Settings) -> None:
        """Explain from now on as the settings say; a picture that stands is explained again."""
        self._pipeline.settings = _analysis(settings, self._model)
        if self._engine.status().state in ("paused", "ended"):
            self._engine.refresh()


class Sessions:
    """Makes sessions; the model is kept from one to the next, because loading it takes longest."""

    def __init__(self) -> None:
        self._model: Model | None = None

    def __call__(self, spec: str, settings: Settings) -> LiveSession:
        """A session for a source; PackError where the pack cannot be used."""
        name = settings.pack or DEFAULT_PACK
        if self._model is None or name not in (self._model.pack.id, str(self._model.pack.folder)):
            self._model = Model(packs.find(name), cache=paths.data_folder() / "compiled")
        return LiveSession(spec, self._model, settings)


def backend() -> Backend:
    """The real thing."""
    titles = {key: METHODS[key].title for key in METHODS}
    return Backend(methods=titles, cameras=_camera_names, open=Sessions(), picture=OverlayPicture())


def _camera_names() -> Sequence[str]:
    return [camera.name for camera in cameras()]


def _is_stills(spec: str) -> bool:
    path = Path(spec).expanduser()
    return "://" not in spec and (path.is_dir() or (path.suffix.lower() in SUFFIXES and path.exists()))


def _analysis(settings: Settings, model: Model) -> pipeline.Settings:
    """The pipeline's settings; a choice that this pack or version does not know falls back to the usual one."""
    every = 0 if settings.explain_every == "auto" else settings.explain_every
    against = None if settings.against in (NOTHING, settings.target) else settings.against
    wanted = pipeline.Settings(settings.method, settings.target, against, every, settings.region_mode)
    try:
        wanted.check(model.labels)
    except UnknownName:
        return pipeline.Settings(explain_every=every, region_mode=settings.region_mode)
    return wanted
