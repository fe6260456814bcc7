"""A folder per class: <class>/**/*.jpg, or <split>/<class>/**/*.jpg with splits called train, test and so on."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.corpora.corpus import Choice, Corpus, Gathering, is_picture
from core.sources.images import natural_key

SPLITS: Final = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev"})
LOOKS_FOR: Final = "two or more folders, one per class, with pictures in them (or such folders within train, test ...)"
Class = tuple[Path, str | None]  # its folder and its split


def fits(path: Path) -> bool:
    """Whether there are at least two folders with pictures."""
    found = (folder for folder, _ in _classes(path) if next(_files(folder, pictures=True), None) is not None)
    return next(found, None) is not None and next(found, None) is not None


def read(path: Path, choice: Choice) -> Corpus:
    """Every picture below a class's folder; `choice.labels` means nothing here."""
    gathered = Gathering()
    for folder, split in _classes(path):
        below = folder.relative_to(path).as_posix()
        for name in sorted(_files(folder), key=natural_key):
            if is_picture(name):
                gathered.add_file(path, f"{below}/{name}", folder.name, split=split)
            else:
                gathered.drop("not a picture file")
    return gathered.corpus(path.resolve().name, "folders", gathered.looks_tight(choice.tight))


def _classes(path: Path) -> Iterator[Class]:
    """Folders of classes in natural order."""
    folders = _subfolders(path)
    if folders and all(folder.name.casefold() in SPLITS for folder in folders):
        for split in folders:
            yield from ((folder, split.name) for folder in _subfolders(split))
        return
    yield from ((folder, None) for folder in folders)


def _subfolders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    found = [entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__"))]
    return sorted(found, key=lambda entry: natural_key(entry.name))


def _files(folder: Path, pictures: bool = False) -> Iterator[str]:
    """Paths of files relative to a folder, at any depth; hidden files are none."""
    for place, subfolders, names in os.walk(folder, onerror=_raise):
        subfolders[:] = [name for name in subfolders if not name.startswith((".", "__"))]
        within = Path(place).relative_to(folder).as_posix()
        prefix = "" if within == "." else f"{within}/"
        yield from (prefix + name for name in names if not name.startswith(".") and (is_picture(name) or not pictures))


def _raise(error: OSError) -> None:
    """Say that a folder may not be opened, which `os.walk` would pass over."""
    raise error
