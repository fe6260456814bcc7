"""One result as files: the picture with its overlay, every number behind it, and the arrays."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.gui.picture import style
from app.settings import Settings
from core import snapshot
from core.errors import ExportError
from core.export import versions, write_json
from core.geometry import Image
from core.types import Result

VIEW = {"opacity", "colour_map", "scale_factor", "regions", "region_mode", "scores", "landmarks", "points"}


@dataclass(frozen=True)
class Origin:
    """Where a result comes from."""

    source: str
    pack: str
    provider: str


def save(result: Result, picture: Image, settings: Settings, origin: Origin, folder: Path) -> tuple[Path, Path]:
    """Write `<time>.png`, `.json` and `.npz` (maps, landmarks, crops); return the first two. ExportError otherwise."""
    stem = datetime.now().astimezone().strftime("mienscope-%Y%m%d-%H%M%S-%f")[:-3]
    png, sheet = folder / f"{stem}.png", folder / f"{stem}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        snapshot.save_image(picture, png)
        write_json(sheet, as_document(result, settings, origin))
        snapshot.save(result, folder / f"{stem}.npz", style(settings))
    except OSError as error:
        raise ExportError(f"The snapshot could not be written to {folder}: {error.strerror}.") from error
    return png, sheet


def as_document(result: Result, settings: Settings, origin: Origin) -> dict[str, object]:
    """The result in words and numbers, with where it comes from and how it was shown."""
    return {
        "versions": versions(),
        "source": origin.source,
        "pack": origin.pack,
        "provider": origin.provider,
        "view": settings.model_dump(include=VIEW),
        "stages_s": dict(result.stages_s),
        **snapshot.document(result, style(settings)),
    }
