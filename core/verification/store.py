"""The folder in which a verification keeps what it has measured, so that one that was stopped can go on.

::

    header.json           what is verified with what: must be the same when it goes on
    images/000000.npz     arrays of the first PART images, in the corpus's order, then of the next ...
    checks/<name>.npz     arrays of a check of the explanations

Files appear whole or not at all. Nothing in them is trusted: kinds and sizes of all arrays are known beforehand and
compared before a number is read, and nothing is ever unpickled.
"""

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ExportError, StoreMismatch

_format: Any = np.lib.format  # without types of its own
Array = NDArray[Any]
Arrays = Mapping[str, Array]
# Name of an array to its kind ("f4", "u1", "U" for words ...) and its shape.
Layout = Mapping[str, tuple[str, tuple[int, ...]]]

PART: Final = 64  # images per file
FORMAT: Final = 1
HEADER_LIMIT: Final = 1 << 20  # bytes
WORD_LIMIT: Final = 2000  # characters
AGAIN: Final = "Take another folder, or begin anew (--restart)."


class Store:
    """A folder of measurements.

    Parameters
    ----------
    folder
        Made where it is missing.
    header
        What must agree for measurements to be taken over; ready for JSON.
    images
        Number of images in the corpus.
    restart
        Whether to drop what an earlier verification has left in the folder.
    """

    def __init__(self, folder: Path, header: Mapping[str, object], images: int, restart: bool = False) -> None:
        self.folder, self.images = folder, images
        try:
            for name in ("images", "checks"):
                (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ExportError(f"Measurements cannot be kept in {folder}: {error.strerror}.") from error
        if restart:
            self._clear()
        self._begin({"format": FORMAT, "part": PART, "images": images, **header})

    @property
    def parts(self) -> int:
        """How many parts the images come in."""
        return -(-self.images // PART)

    def places(self, part: int) -> range:
        """Which images are in a part."""
        return range(part * PART, min((part + 1) * PART, self.images))

    def part_of(self, place: int) -> int:
        """Which part an image is in."""
        return place // PART

    def has(self, part: int) -> bool:
        """Whether a part has been written."""
        return self._file(part).is_file()

    def write(self, part: int, arrays: Arrays) -> None:
        """Keep a part."""
        _write(self._file(part), arrays)

    def read(self, part: int, layout: Layout) -> dict[str, Array]:
        """Read a part; the layout is without the first axis, which is the images'. StoreMismatch says what is wrong."""
        rows = len(self.places(part))
        return _read(self._file(part), {name: (kind, (rows, *shape)) for name, (kind, shape) in layout.items()})

    def check(self, name: str, layout: Layout) -> dict[str, Array] | None:
        """What a check measured; None where it has not been kept."""
        file = self.folder / "checks" / f"{name}.npz"
        return _read(file, layout) if file.is_file() else None

    def write_check(self, name: str, arrays: Arrays) -> None:
        """Keep what a check measured."""
        _write(self.folder / "checks" / f"{name}.npz", arrays)

    def _file(self, part: int) -> Path:
        return self.folder / "images" / f"{part:06}.npz"

    def _clear(self) -> None:
        """Remove the files that a store writes, and no others."""
        for file in (self.folder / "header.json", *self.folder.glob("images/*.npz"), *self.folder.glob("checks/*.npz")):
            file.unlink(missing_ok=True)

    def _begin(self, header: Mapping[str, object]) -> None:
        file, wanted = self.folder / "header.json", json.loads(json.dumps(header))
        if not file.is_file():
            if any(self.folder.glob("images/*.npz")):
                raise StoreMismatch(f"{self.folder} holds measurements without a header, of nobody knows what. {AGAIN}")
            _replace(file, (json.dumps(wanted, indent=1, sort_keys=True) + "\n").encode())
            return
        found = _header(file)
        for name in sorted({*wanted, *found}):
            if found.get(name) != wanted.get(name):
                raise StoreMismatch(
                    f"{self.folder} holds measurements of another verification: expected {name} "
                    f"{_short(wanted.get(name))}, found {_short(found.get(name))}. {AGAIN}"
                )


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _header(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > HEADER_LIMIT:
            raise StoreMismatch(f"{file} is larger than any header. {AGAIN}")
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreMismatch(f"{file} cannot be read: {type(error).__name__}. {AGAIN}") from error
    if not isinstance(found, dict):
        raise StoreMismatch(f"{file} is no header: expected an object, got {_short(found)}. {AGAIN}")
    return found


def _write(file: Path, arrays: Arrays) -> None:
    import io

    held = io.BytesIO()
    np.savez_compressed(held, **dict(arrays))
    _replace(file, held.getvalue())


def _replace(file: Path, content: bytes) -> None:
    fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(content)
        fresh.replace(file)
    except OSError as error:
        raise ExportError(f"Measurements cannot be written to {file}: {error.strerror}.") from error


def _read(file: Path, layout: Layout) -> dict[str, Array]:
    try:
        with zipfile.ZipFile(file) as archive:
            names = sorted(archive.namelist())
            if names != sorted(f"{name}.npy" for name in layout):
                raise StoreMismatch(f"{file} holds {', '.join(names[:8])}, not what belongs there. {AGAIN}")
            return {name: _array(archive, name, *wanted) for name, wanted in layout.items()}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise StoreMismatch(f"{file} is damaged: {error}. {AGAIN}") from error


def _array(archive: zipfile.ZipFile, name: str, kind: str, shape: tuple[int, ...]) -> Array:
    """Read one array, once its header says that it is what is wanted: a small file may declare gigabytes."""
    with archive.open(f"{name}.npy") as file:
        if _format.read_magic(file) != (1, 0):
            raise ValueError(f"{name} is of a format that is not written here")
        found, fortran, dtype = _format.read_array_header_1_0(file)
        words = kind == "U" and dtype.kind == "U" and dtype.itemsize <= 4 * WORD_LIMIT
        if found != shape or fortran or not (words or dtype == np.dtype(kind if kind != "U" else "V0")):
            raise ValueError(f"expected {name} as {kind} {list(shape)}, found {dtype} {list(found)}")
        size = int(np.prod(shape)) * dtype.itemsize
        content = file.read(size + 1)
    if len(content) != size:
        raise ValueError(f"{name} does not hold the {size} bytes that it declares")
    return np.frombuffer(content, dtype).reshape(shape)
