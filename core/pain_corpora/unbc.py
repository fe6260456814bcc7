"""UNBC-McMaster Shoulder Pain Expression Archive (Lucey et al. 2011): sequences of frames with a coded PSPI each.

Folders as in `core.corpora.unbc`. Pictures have no time of their own: they follow each other at a rate that is told.
"""

import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from core.corpora.unbc import IMAGES, LOOKS_FOR, fits, pspi_of
from core.errors import SourceError
from core.pain_corpora.corpus import PSPI, PainCorpus, Recording
from core.sources.images import natural_key, read_image
from core.types import Frame

__all__ = ["LOOKS_FOR", "RATE_HZ", "fits", "read"]

RATE_HZ: Final = 30.0  # frames per second, where nothing else is told: NTSC video, rounded


def read(path: Path, rate_hz: float = RATE_HZ) -> PainCorpus:
    """Every sequence; frames without a PSPI are gone through, for what follows on them, but not judged."""
    dropped: Counter[str] = Counter()
    recordings = []
    for folder in sorted(entry for entry in (path / IMAGES).glob("*/*") if entry.is_dir()):
        pictures = sorted(
            (each for each in folder.iterdir() if each.suffix.lower() == ".png"),
            key=lambda each: natural_key(each.name),
        )
        truths = []
        for picture in pictures:
            value, why = pspi_of(path, folder.parent.name, folder.name, picture.stem)
            truths.append(value)
            dropped[why] += value is None
        name = f"{folder.parent.name}/{folder.name}"
        recordings.append(Recording(name, folder.parent.name, partial(_frames, pictures, rate_hz), tuple(truths)))
    return PainCorpus("UNBC-McMaster", PSPI, tuple(recordings), {why: n for why, n in dropped.items() if n})


def _frames(pictures: list[Path], rate_hz: float) -> Iterator[Frame | SourceError]:
    for place, picture in enumerate(pictures):
        try:
            yield Frame(read_image(picture), place, place / rate_hz, time.monotonic())
        except SourceError as error:
            yield error
