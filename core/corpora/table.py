"""A CSV with one row per picture: its path, relative to the CSV, and its label."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from core.corpora.corpus import Choice, Corpus, Gathering
from core.errors import CorpusInvalid

# What columns are called, the likeliest first; capitals do not count.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "image": ("image", "path", "file", "filename", "filepath", "file_path", "image_path", "img", "img_path", "picture"),
    "label": ("label", "labels", "expression", "emotion", "class", "target", "category"),
    "subject": ("subject", "subject_id", "person", "participant", "identity"),
    "score": ("score", "pspi", "intensity"),
    "split": ("split", "usage", "partition", "subset", "set"),
}
LOOKS_FOR: Final = (
    "a .csv file with a column of picture paths (image, path, file ...) and one of labels (label, expression ...)"
)


def fits(path: Path) -> bool:
    """Whether it is a CSV with both columns."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    names = [name.casefold() for name in header(path)]
    return all(any(known in names for known in COLUMNS[kind]) for kind in ("image", "label"))


def read(path: Path, choice: Choice) -> Corpus:
    """Every row; `choice.labels` names the column of labels, `choice.columns` the others."""
    if not path.is_file():
        raise CorpusInvalid(f"{path} is not a file; expected {LOOKS_FOR}.")
    places = _places(path, choice)
    gathered, seen = Gathering(), set()
    for row in rows(path):
        cells = {kind: row[place].strip() if place < len(row) else "" for kind, place in places.items()}
        name = Path(cells["image"].replace("\\", "/")).as_posix()
        if not cells["image"] or not cells["label"]:
            gathered.drop("no path" if not cells["image"] else "no label")
        elif name in seen:
            gathered.drop("listed before")
        else:
            seen.add(name)
            score = _number(path, cells["score"]) if cells.get("score") else None
            subject, split = cells.get("subject") or None, cells.get("split") or None
            gathered.add_file(path.parent, name, cells["label"], subject, score, split)
    if gathered.examples and not any((path.parent / example.name).is_file() for example in gathered.examples):
        raise CorpusInvalid(
            f"None of the pictures that {path.name} names is there; the first should be "
            f"{path.parent / gathered.examples[0].name}. Paths are relative to the CSV."
        )
    return gathered.corpus(path.stem, "csv", gathered.looks_tight(choice.tight))


def rows(path: Path, heading: bool = True) -> Iterator[list[str]]:
    """Rows of a table that are not empty, without its heading where it has one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=first.count))
            if heading:
                next(reader, None)
            yield from (row for row in reader if any(cell.strip() for cell in row))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusInvalid(f"{path.name} is not a table that can be read: expected CSV in UTF-8 ({error}).") from error


def header(path: Path) -> list[str]:
    """Names of a table's columns; none for a file that is no table."""
    try:
        return [name.strip() for name in next(rows(path, heading=False), [])]
    except CorpusInvalid:
        return []


def _places(path: Path, choice: Choice) -> dict[str, int]:
    """Which column holds what, for what there is."""
    names = [name.casefold() for name in header(path)]
    wanted = dict(choice.columns) | ({"label": choice.labels} if choice.labels else {})
    found: dict[str, int] = {}
    for kind, known in COLUMNS.items():
        candidates = (wanted[kind].casefold(),) if kind in wanted else known
        place = next((names.index(name) for name in candidates if name in names), None)
        if place is not None:
            found[kind] = place
        elif kind in wanted or kind in ("image", "label"):
            raise CorpusInvalid(
                f"{path.name} has no column for the {kind}: expected {' or '.join(candidates)}, "
                f"got {', '.join(header(path)) or 'an empty file'}."
            )
    return found


def _number(path: Path, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CorpusInvalid(f"{path.name}: expected a number as score, got '{text}'.") from None
