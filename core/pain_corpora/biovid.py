"""BioVid Heat Pain Database, part A (Walter et al. 2013): clips of 5.5 s, each after a heat stimulus of one level.

::

    video/071309_w_21/071309_w_21-BL1-081.mp4      <subject>-<level>-<number>; BL1 none, PA1 ... PA4 rising

The levels were set for each person between threshold and tolerance of pain. Nobody coded the faces: a level says what
was done to the skin, and many faces do not answer to it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from core.errors import SourceError
from core.pain_corpora.corpus import HEAT, PainCorpus, Recording
from core.sources import open_source
from core.sources.images import natural_key
from core.types import Frame

VIDEO: Final = "video"
LOOKS_FOR: Final = f"a folder with {VIDEO}/<subject>/<subject>-<BL1, PA1 ... PA4>-<number>.mp4"
LEVELS: Final = {"BL1": 0.0, "PA1": 1.0, "PA2": 2.0, "PA3": 3.0, "PA4": 4.0}
NAME: Final = re.compile(r"(?P<subject>.+)-(?P<level>[A-Z]{2}\d)-(?P<number>\d+)")


def fits(path: Path) -> bool:
    """Whether there is a clip of a known name."""
    return any(NAME.fullmatch(clip.stem) for clip in (path / VIDEO).glob("*/*.mp4"))


def read(path: Path, rate_hz: float | None = None) -> PainCorpus:
    """Every clip whose name tells its level; clips have their own times, whatever the rate."""
    dropped: Counter[str] = Counter()
    recordings = []
    for clip in sorted((path / VIDEO).glob("*/*.mp4"), key=lambda each: natural_key(each.name)):
        found = NAME.fullmatch(clip.stem)
        level = None if found is None else LEVELS.get(found["level"])
        if level is None:
            dropped["no known level in its name"] += 1
            continue
        recordings.append(Recording(clip.stem, clip.parent.name, partial(_frames, clip), (level,)))
    return PainCorpus("BioVid, part A", HEAT, tuple(recordings), dict(dropped))


def _frames(clip: Path) -> Iterator[Frame | SourceError]:
    """Frames to the end, or to where it breaks off."""
    try:
        with open_source(str(clip)) as source:
            while (frame := source.read()) is not None:
                yield frame
    except SourceError as error:
        yield error
