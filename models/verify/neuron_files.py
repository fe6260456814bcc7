"""The files that looking at neurons leaves, and the progress that is shown meanwhile."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from core.errors import ExportError
from core.geometry import Image
from core.opencv import cv2
from core.packs import ATLAS, Pack
from models.verify.neuron_sheet import faces_sheet, in_order, sheets
from models.verify.neuron_tables import told, write_filters, write_layers
from models.verify.neurons import Gallery, LayerFindings, atlas_of

FACES_PER_SHEET = 30  # filters


class Progress:
    """Bars on standard error, one for each step."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Bars(*columns, console=Console(stderr=True))

    def __enter__(self) -> "Progress":
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()

    def line(self, name: str, total: int) -> Callable[[int], None]:
        """A new bar; what is returned moves it on."""
        task = self._bars.add_task(name, total=total)
        return lambda steps: self._bars.advance(task, steps)


def write(
    folder: Path, pack: Pack, gallery: Gallery, method: str, findings: Sequence[LayerFindings], faces: Path | None
) -> None:
    """Write the atlas, and for each layer contact sheets and a table; the pictures themselves only into `faces`."""
    folder.mkdir(parents=True, exist_ok=True)
    atlas_of(pack, gallery, method, list(findings)).write(folder / ATLAS)
    write_layers(folder / "layers.csv", findings, gallery)
    for found in findings:
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", found.layer.key)
        write_filters(folder / f"{name}.csv", found, gallery)
        for number, sheet in enumerate(sheets(found, gallery, pack.id), start=1):
            _save(folder / f"{name}-{number}.png", sheet)
        print(told(found, gallery))
        if faces is not None:
            _write_faces(faces, name, found, gallery)
    print(f"written to {folder}")


def _write_faces(folder: Path, name: str, found: LayerFindings, gallery: Gallery) -> None:
    """The top pictures, into a folder that tells git to ignore everything in it: they are nobody's to pass on."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    order = in_order(found.atlas)
    for start in range(0, len(order), FACES_PER_SHEET):
        part = order[start : start + FACES_PER_SHEET]
        _save(folder / f"{name}-faces-{start // FACES_PER_SHEET + 1}.png", faces_sheet(found, gallery, part))


def _save(path: Path, picture: Image) -> None:
    image = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    written, encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not written:
        raise ExportError(f"{path.name} could not be drawn.")
    path.write_bytes(encoded.tobytes())
