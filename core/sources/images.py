"""Pictures as a source: one file, or a folder of them."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import SourceBusy, SourceNotFound, SourceUnreadable
from core.geometry import Image
from core.opencv import cv2
from core.sources.source import Source
from core.types import Frame

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
# What shows through transparent pixels: white, as on paper.
BEHIND: Final = 255.0


class Images(Source):
    """Pictures in natural order (img2 before img10), one frame each.

    The timestamp of a picture is its place, from 0: pictures have no time of their own. A picture that cannot be read
    raises SourceUnreadable, and the next `read` goes on with the next one; it keeps its place.
    """

    def __init__(self, paths: Sequence[Path], name: str) -> None:
        self.paths = tuple(paths)
        self._next = 0
        self.name = name
        self.seekable = True
        self.frame_count = len(self.paths)
        self.duration_s = float(len(self.paths))
        self.fps = 1.0

    @classmethod
    def of_folder(cls, folder: Path) -> "Images":
        """Take all pictures that lie directly in a folder."""
        if not folder.is_dir():
            raise SourceNotFound(f"There is no folder {folder}. Check the name, or choose another folder.")
        try:
            found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
        except PermissionError as error:
            raise SourceBusy(f"{folder} may not be opened. Give yourself the right to read it.") from error
        if not found:
            raise SourceUnreadable(
                f"There is no picture in {folder}: expected files that end in {', '.join(SUFFIXES)}. "
                "Choose another folder."
            )
        return cls(sorted(found, key=lambda path: natural_key(path.name)), folder.name or str(folder))

    @classmethod
    def of_file(cls, path: Path) -> "Images":
        """Take one picture; it is read once here, so that a file that is none is told at once."""
        height, width = read_image(path).shape[:2]
        images = cls([path], path.name)
        images.size = width, height
        return images

    def read(self) -> Frame | None:
        """Give the next picture; None after the last."""
        if self._next >= len(self.paths):
            return None
        index, self._next = self._next, self._next + 1
        try:
            image = read_image(self.paths[index])
        except (SourceNotFound, SourceBusy) as error:  # gone since the folder was listed, or locked: one of many
            raise SourceUnreadable(str(error)) from error
        return Frame(image, index, float(index), time.monotonic())

    def seek(self, timestamp_s: float) -> None:
        """Make the next `read` give the picture at a place."""
        self._next = min(max(int(timestamp_s), 0), len(self.paths) - 1)

    def close(self) -> None:
        """Come to the end."""
        self._next = len(self.paths)


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key by which img2 comes before img10."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name.casefold()))


def read_image(path: Path) -> Image:
    """Read a picture as it is meant to be seen.

    Parameters
    ----------
    path
        The file. Its EXIF rotation is applied, and transparent parts are laid on white (a picture with transparent
        parts is taken as it stands, without EXIF).

    Returns
    -------
        RGB uint8 [height, width, 3].
    """
    try:
        encoded = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except FileNotFoundError as error:
        raise SourceNotFound(f"There is no file {path}. Check the name, or choose another file.") from error
    except OSError as error:
        raise SourceBusy(f"{path} may not be opened ({error.strerror}).") from error
    try:
        stored = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if encoded.size else None
        if stored is not None and stored.ndim == 3 and stored.shape[2] == 4:
            return _flattened(stored)
        upright = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if stored is not None else None
    except cv2.error:
        upright = None
    if upright is None:
        raise SourceUnreadable(
            f"{path.name} is not a picture that can be read: expected JPEG, PNG, TIFF, WebP or BMP, found something"
            " else or a damaged file. Leave it out, or choose another picture."
        )
    return cv2.cvtColor(upright, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _flattened(bgra: NDArray[Any]) -> Image:
    """Lay a BGRA picture of 8 or 16 bits, [h, w, 4], on white; RGB uint8 [h, w, 3]."""
    whole = np.iinfo(bgra.dtype).max if np.issubdtype(bgra.dtype, np.integer) else 1
    scaled = bgra.astype(np.float32) / whole
    colour, alpha = scaled[:, :, 2::-1], scaled[:, :, 3:]
    flat: Image = np.rint(colour * 255 * alpha + BEHIND * (1 - alpha)).astype(np.uint8)
    return flat
