"""FER2013 as the challenge published it (Goodfellow et al. 2013): one CSV of emotion, pixels and usage.

The table is larger than its pictures. It is read through once for labels and places; a picture is read from its place.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from core.corpora.corpus import Choice, Corpus, Example, Gathering, as_rgb
from core.errors import CorpusInvalid, SourceBusy, SourceUnreadable
from core.geometry import Image

CODES: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FILES: Final = ("fer2013.csv", "icml_face_data.csv", "train.csv")
LOOKS_FOR: Final = "a .csv file with the columns emotion, pixels and Usage (or a folder with fer2013.csv)"
Columns = tuple[int, int, int | None]  # of emotion, of pixels, of usage


def fits(path: Path) -> bool:
    """Whether it is that CSV, or a folder with it."""
    file = _file(path)
    return file is not None and _columns(file) is not None


def read(path: Path, choice: Choice) -> Corpus:
    """Every row; splits are Training, PublicTest and PrivateTest. `choice.labels` means nothing here."""
    file = _file(path)
    columns = None if file is None else _columns(file)
    if file is None or columns is None:
        raise CorpusInvalid(f"{path} is not FER2013: expected {LOOKS_FOR}.")
    gathered = Gathering()
    for number, (place, line) in enumerate(_lines(file)):
        cells = line.split(b",")
        whole = len(cells) > max(column or 0 for column in columns)
        code = cells[columns[0]].strip() if whole else b""
        if not code.isdigit() or int(code) >= len(CODES):
            gathered.drop("no label")
            continue
        usage = None if columns[2] is None else cells[columns[2]].strip().decode("ascii", "replace")
        picture = partial(_picture, file, place, columns[1], number)
        name = f"{usage}/{number:05d}" if usage else f"{number:05d}"
        gathered.examples.append(Example(name, CODES[int(code)], None, picture, split=usage))
    return gathered.corpus("FER2013", "fer2013", choice.tight is not False)


def _file(path: Path) -> Path | None:
    if path.is_dir():
        return next((path / name for name in FILES if (path / name).is_file()), None)
    return path if path.suffix.lower() == ".csv" and path.is_file() else None


def _columns(file: Path) -> Columns | None:
    """Where emotion, pixels and usage stand; None where the first two are not there."""
    with file.open("rb") as opened:
        names = [name.strip().decode("utf-8-sig", "replace").lower() for name in opened.readline(1000).split(b",")]
    if "emotion" not in names or "pixels" not in names:
        return None
    return names.index("emotion"), names.index("pixels"), names.index("usage") if "usage" in names else None


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Rows with the byte each begins at."""
    with file.open("rb") as opened:
        place = len(opened.readline())
        for line in opened:
            if line.strip():
                yield place, line
            place += len(line)


def _picture(file: Path, place: int, column: int, number: int) -> Image:
    """The picture in the row that begins at a byte: RGB uint8 [side, side, 3]."""
    try:
        with file.open("rb") as opened:
            opened.seek(place)
            cell = opened.readline().split(b",")[column]
    except OSError as error:
        raise SourceBusy(f"{file} may not be opened ({error.strerror}).") from error
    try:
        values = np.array(cell.strip(b' "\r\n').split(), np.int64)
    except ValueError:
        values = np.zeros(0, np.int64)
    side = round(values.size**0.5)
    if side == 0 or side * side != values.size or values.min() < 0 or values.max() > 255:
        raise SourceUnreadable(
            f"Row {number} of {file.name} holds no picture: expected a square of numbers from 0 to 255, "
            f"got {values.size} numbers."
        )
    return as_rgb(values.astype(np.uint8).reshape(side, side))
