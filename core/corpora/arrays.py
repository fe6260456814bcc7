"""An npz with all pictures in one array.

`images` uint8 [n, h, w] or [n, h, w, 3], and labels as one of

- "votes": `votes` [n, columns] and `vote_columns`, read by the FER+ majority protocol (SCIENCE 5);
- "labels": `labels`, strings, or integers into `label_names`;
- "fer2013": `fer2013_label`, integers into `fer2013_columns`.

`name` and `subject` [n] are taken where they are there.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.corpora.corpus import SMALL_PX, Choice, Corpus, Example, Gathering, as_rgb
from core.corpora.labels import expression
from core.corpora.votes import NO_MAJORITY, majority
from core.errors import CorpusInvalid, SourceUnreadable, UnknownName
from core.geometry import Image

LOOKS_FOR: Final = "an .npz file with `images` and `votes`, `labels` or `fer2013_label`"
Array = NDArray[Any]
Verdict = tuple[str | None, str]  # a label, or None and why there is none
NO_LABEL: Final = {"unknown": "unknown expression", "nf": "not a face"}  # columns of votes that are no expression


def fits(path: Path) -> bool:
    """Whether it is an npz."""
    return path.suffix.lower() == ".npz" and path.is_file()


def read(path: Path, choice: Choice) -> Corpus:
    """Every picture with a label; the pictures themselves are read when the first of them is asked for."""
    arrays = _Arrays(path)
    shape = arrays.shape("images")
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] != 3):
        raise CorpusInvalid(f"{path.name}: expected `images` [n, h, w] or [n, h, w, 3], got {list(shape)}.")
    there = [kind for kind, (name, _) in KINDS.items() if name in arrays.names]
    if not there:
        wanted = " or ".join(f"`{name}`" for name, _ in KINDS.values())
        raise CorpusInvalid(f"{path.name} has no labels: expected {wanted}, got {', '.join(arrays.names)}.")
    kind = choice.labels or there[0]
    if kind not in there:
        raise UnknownName(f"kind of labels in {path.name}", kind, there)
    verdicts = KINDS[kind][1](arrays)
    if len(verdicts) != shape[0]:
        raise CorpusInvalid(f"{path.name}: expected a label for each of {shape[0]} images, got {len(verdicts)}.")
    gathered = _gathered(arrays, verdicts, shape[0])
    tight = max(shape[1:3]) <= SMALL_PX if choice.tight is None else choice.tight
    return gathered.corpus(path.stem if len(there) == 1 else f"{path.stem} ({kind})", "npz", tight)


def _gathered(arrays: "_Arrays", verdicts: list[Verdict], n: int) -> Gathering:
    names, subjects = (arrays.words(name, n) for name in ("name", "subject"))
    if names is None or len(set(names)) < n:
        names = [f"{place:0{len(str(n))}d}" for place in range(n)]
    gathered = Gathering()
    for place, (label, why) in enumerate(verdicts):
        if label is None:
            gathered.drop(why)
            continue
        subject = None if subjects is None else subjects[place]
        gathered.examples.append(Example(names[place], expression(label), subject, partial(arrays.picture, place)))
    return gathered


class _Arrays:
    """The arrays of an npz; each is read when it is asked for, none by unpickling."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._images: Image | None = None
        self._lock = Lock()
        with self._reading("the archive"), zipfile.ZipFile(path) as archive:
            self.names = tuple(name.removesuffix(".npy") for name in archive.namelist())

    def __getitem__(self, name: str) -> Array:
        self._require(name)
        with self._reading(f"`{name}`"), np.load(self.path, allow_pickle=False) as file:
            array: Array = file[name]
        return array

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array of uint8, from its header alone."""
        self._require(name)
        headers: Any = np.lib.format
        with self._reading(f"`{name}`"), zipfile.ZipFile(self.path) as archive, archive.open(f"{name}.npy") as file:
            version = headers.read_magic(file)
            begin = headers.read_array_header_1_0 if version == (1, 0) else headers.read_array_header_2_0
            shape, _, dtype = begin(file)
        if dtype != np.uint8:
            raise CorpusInvalid(f"{self.path.name}: expected `{name}` as uint8, got {dtype}.")
        return tuple(shape)

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """Turn what is said about a damaged file, or about one with pickles, into one plain sentence."""
        try:
            yield
        except ValueError as error:
            raise CorpusInvalid(
                f"{self.path.name}: {what} cannot be read ({error}). Arrays of objects need pickles, which are never "
                "read; save them as numbers or as strings of fixed length."
            ) from error
        except (OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
            raise CorpusInvalid(f"{self.path.name}: {what} is damaged or not an npz's ({error}).") from error

    def words(self, name: str, n: int) -> list[str] | None:
        """An optional array of n words."""
        if name not in self.names:
            return None
        array = self[name]
        if array.shape != (n,):
            raise CorpusInvalid(f"{self.path.name}: expected `{name}` [{n}], got {list(array.shape)}.")
        return _words(array)

    def picture(self, place: int) -> Image:
        """One picture, RGB uint8 [h, w, 3]; the first reads the whole array, as an npz cannot be read in parts."""
        with self._lock:
            if self._images is None:
                try:
                    self._images = self["images"]
                except CorpusInvalid as error:
                    raise SourceUnreadable(str(error)) from error
        return as_rgb(self._images[place])

    def _require(self, name: str) -> None:
        if name not in self.names:
            raise CorpusInvalid(f"{self.path.name} has no array `{name}`; it has {', '.join(self.names) or 'none'}.")


def _words(array: Array) -> list[str]:
    return [word.decode() if isinstance(word, bytes) else str(word) for word in array.tolist()]


def _by_votes(arrays: _Arrays) -> list[Verdict]:
    votes, columns = arrays["votes"], _words(arrays["vote_columns"])
    if votes.ndim != 2 or votes.shape[1] != len(columns):
        raise CorpusInvalid(
            f"{arrays.path.name}: expected `votes` [n, {len(columns)}], one for each of `vote_columns`, "
            f"got {list(votes.shape)}."
        )
    verdicts: list[Verdict] = [_of_column(column) for column in columns]
    return [(None, "no majority") if top == NO_MAJORITY else verdicts[top] for top in majority(votes).tolist()]


def _of_column(column: str) -> Verdict:
    why = NO_LABEL.get(column.casefold())
    return (None, why) if why else (column, "")


def _by_labels(arrays: _Arrays) -> list[Verdict]:
    labels = arrays["labels"]
    if np.issubdtype(labels.dtype, np.integer):
        return _by_number(arrays, "labels", "label_names")
    return [(word, "") if word else (None, "no label") for word in _words(labels.reshape(-1))]


def _by_fer2013(arrays: _Arrays) -> list[Verdict]:
    return _by_number(arrays, "fer2013_label", "fer2013_columns")


def _by_number(arrays: _Arrays, name: str, meanings: str) -> list[Verdict]:
    numbers, words = arrays[name], _words(arrays[meanings])
    if not np.issubdtype(numbers.dtype, np.integer) or numbers.ndim != 1:
        raise CorpusInvalid(
            f"{arrays.path.name}: expected `{name}` as integers [n], got {numbers.dtype} {list(numbers.shape)}."
        )
    return [(words[k], "") if 0 <= k < len(words) else (None, "no label") for k in numbers.astype(np.int64).tolist()]


# The default comes first.
KINDS: Final[Mapping[str, tuple[str, Callable[[_Arrays], list[Verdict]]]]] = {
    "votes": ("votes", _by_votes),
    "labels": ("labels", _by_labels),
    "fer2013": ("fer2013_label", _by_fer2013),
}
