"""AffectNet (Mollahosseini, Hasani, Mahoor 2017), in both forms it was published in.

::

    training.csv, validation.csv                        subDirectory_filePath,face_x,...,expression,valence,arousal
    Manually_Annotated_Images/689/737db2...jpg          (the lists may lie in Manually_Annotated_file_lists)

    train_set/images/0.jpg                              faces of 224 px
    train_set/annotations/0_exp.npy                     one number, as an integer or as text; 0_val, 0_aro: not read
    val_set/...
"""

import os
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

from core.corpora.corpus import Choice, Corpus, Gathering, is_picture
from core.corpora.table import rows
from core.errors import CorpusInvalid
from core.sources.images import natural_key

CODES: Final = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
NO_LABEL: Final = {8: "no expression", 9: "uncertain", 10: "not a face"}

LISTS: Final = ("training.csv", "validation.csv")
LIST_FOLDERS: Final = (".", "Manually_Annotated_file_lists")
IMAGE_FOLDERS: Final = ("Manually_Annotated_Images", "Manually_Annotated/Manually_Annotated_Images")
# Published without a heading in validation.csv, so that the places count.
COLUMNS: Final = (
    *("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height"),
    *("facial_landmarks", "expression", "valence", "arousal"),
)
LOOKS_FOR_LISTS: Final = "a folder with training.csv or validation.csv and Manually_Annotated_Images/"

SETS: Final = ("train_set", "val_set", "test_set")
LOOKS_FOR_SETS: Final = "a folder with train_set or val_set, in it images/*.jpg and annotations/*_exp.npy"
Verdict = tuple[str | None, str]  # a label, or None and why there is none
PICKLED: Final = "label file that needs pickles, which are never read"


def fits_lists(path: Path) -> bool:
    """Whether there is a list and a folder of pictures."""
    return bool(_lists(path)) and _images(path) is not None


def read_lists(path: Path, choice: Choice) -> Corpus:
    """Every picture on the lists that shows an expression; `choice.labels` means nothing here."""
    folder = _images(path)
    if folder is None or not _lists(path):
        raise CorpusInvalid(f"{path} is not AffectNet as published first: expected {LOOKS_FOR_LISTS}.")
    gathered = Gathering()
    for file in _lists(path):
        places = {name: place for place, name in enumerate(COLUMNS)}
        for row in rows(file, heading=False):
            cells = [cell.strip() for cell in row]
            if COLUMNS[0] in cells:
                places = {name: place for place, name in enumerate(cells)}
                continue
            picture, code = _entry(file, cells, places)
            label, why = _meaning(code)
            if label is None:
                gathered.drop(why)
            else:
                gathered.add_file(path, f"{folder}/{picture}", label, split=file.stem)
    return gathered.corpus("AffectNet", "affectnet-lists", choice.tight is not False)


def _lists(path: Path) -> list[Path]:
    """The lists there are, each once."""
    found = {
        name: path / folder / name for folder in LIST_FOLDERS for name in LISTS if (path / folder / name).is_file()
    }
    return [found[name] for name in LISTS if name in found]


def _images(path: Path) -> str | None:
    return next((folder for folder in IMAGE_FOLDERS if (path / folder).is_dir()), None)


def _entry(file: Path, cells: list[str], places: dict[str, int]) -> tuple[str, str]:
    """Path and code of a row."""
    wanted = (COLUMNS[0], "expression")
    if any(name not in places or places[name] >= len(cells) for name in wanted):
        raise CorpusInvalid(f"{file.name}: expected the columns {', '.join(COLUMNS)}, got '{','.join(cells)[:80]}'.")
    return cells[places[wanted[0]]].replace("\\", "/"), cells[places[wanted[1]]]


def fits_sets(path: Path) -> bool:
    """Whether there is a set with pictures and labels."""
    return bool(_sets(path))


def read_sets(path: Path, choice: Choice) -> Corpus:
    """Every picture with a label that is an expression; `choice.labels` means nothing here."""
    gathered = Gathering()
    for part in _sets(path):
        labelled = {name for name in os.listdir(path / part / "annotations") if name.endswith("_exp.npy")}
        for name in sorted(os.listdir(path / part / "images"), key=natural_key):
            file = f"{name.rpartition('.')[0]}_exp.npy"
            if not is_picture(name):
                continue
            label, why = _read(f"{path / part}/annotations/{file}") if file in labelled else (None, "no label file")
            if label is None:
                gathered.drop(why)
            else:
                gathered.add_file(path, f"{part}/images/{name}", label, split=part)
    return gathered.corpus("AffectNet", "affectnet", choice.tight is not False)


def _sets(path: Path) -> list[str]:
    return [part for part in SETS if (path / part / "images").is_dir() and (path / part / "annotations").is_dir()]


def _read(file: str) -> Verdict:
    """The label in an _exp.npy, or None and why there is none."""
    try:
        with open(file, "rb") as opened:
            return _decoded(opened.read(4096))
    except OSError:
        return None, "damaged label file"


@lru_cache(maxsize=256)
def _decoded(content: bytes) -> Verdict:
    """The label in an .npy; there are 300,000 files but hardly more than eleven contents."""
    try:
        value = np.load(BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError) as error:
        return None, PICKLED if "object array" in str(error).casefold() else "damaged label file"
    return _meaning(str(value.reshape(-1)[0])) if value.size == 1 else (None, "damaged label file")


def _meaning(code: str) -> Verdict:
    """The label of a code, or None and why there is none."""
    try:
        number = int(float(code))
    except ValueError:
        return None, "no label"
    if 0 <= number < len(CODES):
        return CODES[number], ""
    return None, NO_LABEL.get(number, "no label")
