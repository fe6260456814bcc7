"""Collections of recordings whose pain is known, by the folders that they are published in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import CorpusInvalid, CorpusNotFound, UnknownName
from core.pain_corpora import biovid, unbc
from core.pain_corpora.corpus import HEAT, PSPI, PainCorpus, Recording, Truth

__all__ = ["AUTO", "HEAT", "LAYOUTS", "PSPI", "PainCorpus", "Recording", "Truth", "open_pain_corpus"]

AUTO: Final = "auto"


@dataclass(frozen=True)
class Layout:
    """How a collection lies on a disk: what a path must hold, whether it does, and how it is opened at a rate, Hz."""

    looks_for: str
    fits: Callable[[Path], bool]
    read: Callable[[Path, float], PainCorpus]


LAYOUTS: Final[Mapping[str, Layout]] = {
    "unbc": Layout(unbc.LOOKS_FOR, unbc.fits, unbc.read),
    "biovid": Layout(biovid.LOOKS_FOR, biovid.fits, biovid.read),
}


def open_pain_corpus(path: Path, layout: str = AUTO, rate_hz: float = unbc.RATE_HZ) -> PainCorpus:
    """Open a collection; no picture is read before it is asked for. CorpusInvalid says what was looked for."""
    path = path.expanduser()
    if not path.exists():
        raise CorpusNotFound(f"There is no file or folder {path}. Check the name.")
    if layout not in (AUTO, *LAYOUTS):
        raise UnknownName("layout of recordings of pain", layout, (AUTO, *LAYOUTS))
    asked = LAYOUTS if layout == AUTO else {layout: LAYOUTS[layout]}
    try:
        found = next((each for each in asked.values() if each.fits(path)), None)
        if found is None:
            looked = "".join(f"\n  {name}: {each.looks_for}" for name, each in asked.items())
            raise CorpusInvalid(f"{path} holds no recordings of known pain. Looked for:{looked}")
        return found.read(path, rate_hz)
    except OSError as error:
        raise CorpusInvalid(f"{error.filename or path} may not be opened ({error.strerror or error}).") from error
