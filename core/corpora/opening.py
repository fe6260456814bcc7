"""From a path to a corpus: every layout that is known, and which of them a path is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from core.corpora import affectnet, arrays, cohn_kanade, fer2013, folders, raf_db, table, unbc
from core.corpora.corpus import Choice, Corpus
from core.errors import CorpusInvalid, CorpusNotFound, UnknownName

AUTO: Final = "auto"


@dataclass(frozen=True)
class Layout:
    """One way in which labelled pictures lie on a disk.

    Attributes
    ----------
    title
        For people.
    looks_for
        What a path must hold, to complete "expected ...".
    fits
        Whether a path is laid out so, judged by a few names.
    read
        Opens it, without reading pictures.
    labels
        What `open_corpus(..., labels=)` may be, the default first; empty where there is no choice.
    """

    title: str
    looks_for: str
    fits: Callable[[Path], bool]
    read: Callable[[Path, Choice], Corpus]
    labels: tuple[str, ...] = ()


# The first that fits is taken: particular collections before general forms.
LAYOUTS: Final[Mapping[str, Layout]] = {
    "ck+": Layout("CK+", cohn_kanade.LOOKS_FOR, cohn_kanade.fits, cohn_kanade.read, tuple(cohn_kanade.PEAKS)),
    "raf-db": Layout(
        "RAF-DB, aligned faces",
        raf_db.LOOKS_FOR % "aligned",
        partial(raf_db.fits, "aligned"),
        partial(raf_db.read, "aligned"),
    ),
    "raf-db-original": Layout(
        "RAF-DB, whole pictures",
        raf_db.LOOKS_FOR % "original",
        partial(raf_db.fits, "original"),
        partial(raf_db.read, "original"),
    ),
    "affectnet": Layout("AffectNet", affectnet.LOOKS_FOR_SETS, affectnet.fits_sets, affectnet.read_sets),
    "affectnet-lists": Layout(
        "AffectNet, first edition", affectnet.LOOKS_FOR_LISTS, affectnet.fits_lists, affectnet.read_lists
    ),
    "unbc": Layout("UNBC-McMaster", unbc.LOOKS_FOR, unbc.fits, unbc.read),
    "fer2013": Layout("FER2013", fer2013.LOOKS_FOR, fer2013.fits, fer2013.read),
    "npz": Layout("arrays", arrays.LOOKS_FOR, arrays.fits, arrays.read, tuple(arrays.KINDS)),
    "csv": Layout("table", table.LOOKS_FOR, table.fits, table.read, ("<column>",)),
    "folders": Layout("a folder per class", folders.LOOKS_FOR, folders.fits, folders.read),
}


def open_corpus(
    path: Path | str,
    layout: str = AUTO,
    labels: str | None = None,
    *,
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    tight: bool | None = None,
) -> Corpus:
    """Open a labelled collection; no picture is read before it is asked for.

    Parameters
    ----------
    layout
        Key in `LAYOUTS`, or "auto": recognised by its files.
    labels
        Which labels, where a collection has several: "votes", "labels" or "fer2013" of an npz, the column of a CSV,
        "last-three" or "last" frames of CK+.
    split
        Only this part ("train", "PublicTest" ...); capitals do not count.
    columns
        Of a CSV: which column is the "image", "subject", "score" or "split", where it is called unusually.
    tight
        Whether the pictures are face crops already. Known for particular collections; for folders, tables and arrays
        those of at most 128 px are taken for crops where nothing is said.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise CorpusNotFound(f"There is no file or folder {path}. Check the name.")
    if layout not in (AUTO, *LAYOUTS):
        raise UnknownName("layout of a corpus", layout, (AUTO, *LAYOUTS))
    try:
        corpus = _read(path, layout, Choice(labels, columns or {}, tight))
    except OSError as error:
        raise CorpusInvalid(f"{error.filename or path} may not be opened ({error.strerror or error}).") from error
    return corpus if split is None else _part(corpus, split)


def _read(path: Path, layout: str, choice: Choice) -> Corpus:
    name = _recognised(path) if layout == AUTO else layout
    known = LAYOUTS[name]
    if choice.labels is not None and not known.labels:
        raise CorpusInvalid(f"{known.title} has one kind of labels only; leave out '{choice.labels}'.")
    if layout != AUTO and name != "csv" and not known.fits(path):  # a table's columns may be named by hand
        raise CorpusInvalid(f"{path} is not laid out as {known.title}: expected {known.looks_for}.")
    return known.read(path, choice)


def _recognised(path: Path) -> str:
    """The layout of a path. CorpusInvalid says what was looked for where there is none."""
    for name, layout in LAYOUTS.items():
        if layout.fits(path):
            return name
    looked = "".join(f"\n  {name}: {layout.looks_for}" for name, layout in LAYOUTS.items())
    raise CorpusInvalid(f"{path} is not a labelled collection in a form that is known. Looked for:{looked}")


def _part(corpus: Corpus, split: str) -> Corpus:
    """Only the examples of one split; the others count as dropped."""
    known = corpus.splits
    name = next((name for name in known if name.casefold() == split.casefold()), None)
    if name is None:
        raise UnknownName(f"split of {corpus.title}", split, known or ("none",))
    kept = tuple(example for example in corpus.examples if example.split == name)
    others = len(corpus.examples) - len(kept)
    dropped = dict(corpus.dropped) | ({"in another split": others} if others else {})
    return replace(corpus, title=f"{corpus.title}, {name}", examples=kept, dropped=dropped)
