"""RAF-DB, the basic expressions (Li, Deng, Du 2017), as it is unpacked.

::

    EmoLabel/list_patition_label.txt            "train_00001.jpg 5", one line per picture (the name is spelt so)
    Image/aligned/train_00001_aligned.jpg       faces of 100 px, aligned
    Image/original/train_00001.jpg              whole pictures; the labelled face is not always the only one
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from core.corpora.corpus import Choice, Corpus, Gathering
from core.errors import CorpusInvalid

LIST: Final = Path("EmoLabel") / "list_patition_label.txt"
CODES: Final[Mapping[str, str]] = {
    "1": "surprise", "2": "fear", "3": "disgust", "4": "happiness", "5": "sadness", "6": "anger", "7": "neutral",
}  # fmt: skip
LOOKS_FOR: Final = f"a folder with {LIST.as_posix()} and Image/%s"
Name = Callable[[str], str]


def fits(kind: str, path: Path) -> bool:
    """Whether the list and that kind of pictures are there."""
    return (path / LIST).is_file() and (path / "Image" / kind).is_dir()


def read(kind: str, path: Path, choice: Choice) -> Corpus:
    """The pictures on the list: "aligned" or "original"; `choice.labels` means nothing here."""
    gathered = Gathering()
    for line in (path / LIST).read_text(encoding="utf-8-sig").splitlines():
        name, _, code = line.strip().partition(" ")
        if not name:
            continue
        if code.strip() not in CODES:
            raise CorpusInvalid(f"{LIST.name}: expected a picture and a number from 1 to 7, got '{line.strip()}'.")
        stem, dot, ending = name.rpartition(".")
        file = f"{stem}_aligned{dot}{ending}" if kind == "aligned" else name
        gathered.add_file(path, f"Image/{kind}/{file}", CODES[code.strip()], split=name.partition("_")[0])
    tight = kind == "aligned" if choice.tight is None else choice.tight
    return gathered.corpus(f"RAF-DB ({kind})", "raf-db" if kind == "aligned" else "raf-db-original", tight)
