"""What the network's road to pain is tried on: faces that took no part in teaching it, with what is known of them.

The nine stills of `models.verify.units` under the stimulus, whose strengths are known; the pairs and clips in
`media/pain`, with what the geometric road reads in them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import compare, read
from core.action_units.fitted import FILE as FITTED
from core.deformations import MAX_STRENGTH
from core.faces import FaceFinder
from core.geometry import Alignment, Floats, Image, crop
from core.mesh import region_of_landmarks
from core.opencv import cv2
from core.packs import sha256
from core.pspi import TERMS
from core.sources import open_source
from core.stimulus import Puppet
from models.data.pain_parts import parts_of
from models.data.stimuli import Command, mesh
from models.verify.units import STRENGTHS, Still, stills_of

EDITION: Final = 1
SMALLER: Final = 0.4  # stills are shown at this size: the stimulus is slow on large pictures
MIXTURES: Final = 12  # of two to four parts, per still
EVERY: Final = 4  # frames of clips


@dataclass(frozen=True)
class Shown:
    """Faces in a row; one entry each.

    Attributes
    ----------
    crops
        uint8 [n, size, size].
    known
        float32 [n, 4]: strengths of the parts that the stimulus was told; of pairs and clips what the geometric road
        reads by the norm.
    by_own
        float32 [n, 4]: what the geometric road reads against the face's own neutral picture.
    name
        Of the still, pair or clip.
    time_s
        In the clip; 0 and 1 for the halves of a pair, 0 for stills.
    """

    crops: Image
    known: Floats
    by_own: Floats
    name: NDArray[np.str_]
    time_s: NDArray[np.float64]

    def of(self, name: str) -> "Shown":
        """Those of one still, pair or clip."""
        chosen = self.name == name
        return Shown(*(each[chosen] for each in astuple(self)))


Face = tuple[Image, Floats, Floats, str, float]


def shown(data: Path, cache: Path, alignment: Alignment) -> tuple[Shown, Shown, Shown]:
    """Moved stills, pairs, and clips, from the cache where they are kept; `data` holds media/."""
    key = hashlib.sha256(repr((EDITION, sha256(FITTED), alignment)).encode()).hexdigest()[:16]
    path = cache / f"pain_shown_{key}.npz"
    if not path.is_file():
        media = data / "media" / "pain"
        if not (any(media.glob("*.jpg")) and any(media.glob("*.mp4"))):
            raise FileNotFoundError(f"pairs (.jpg) and clips (.mp4) are expected in {media}, there are none")
        ways = {
            "stills": _stills(data, alignment),
            "pairs": _pairs(media, alignment),
            "clips": _clips(media, alignment),
        }
        arrays = {
            f"{way}_{number}": np.array(column)
            for way, faces in ways.items()
            for number, column in enumerate(zip(*faces, strict=True))
        }
        np.savez_compressed(path, **arrays)
    with np.load(path, allow_pickle=False) as file:
        stills, pairs, clips = (Shown(*(file[f"{way}_{k}"] for k in range(5))) for way in ("stills", "pairs", "clips"))
    return stills, pairs, clips


def _stills(data: Path, alignment: Alignment) -> Iterator[Face]:
    """Every part alone at every strength, and mixtures, after the still itself."""
    generator = np.random.default_rng(1)
    for still in stills_of(data):
        image = cv2.resize(still.image, None, fx=SMALLER, fy=SMALLER, interpolation=cv2.INTER_AREA)
        smaller = Still(still.name, np.asarray(image, np.uint8), still.landmarks * np.float32(SMALLER), still.baseline)
        yield from _moved(smaller, alignment, generator)


def _moved(still: Still, alignment: Alignment, generator: np.random.Generator) -> Iterator[Face]:
    puppet = Puppet(still.image, still.landmarks, still.baseline)
    stimuli = (*TERMS[:2], (9,), (10,), TERMS[3])
    commands = [Command(), *(Command(dict.fromkeys(term, strength)) for term in stimuli for strength in STRENGTHS)]
    for count in generator.integers(2, 5, MIXTURES):
        chosen = generator.choice(len(stimuli), count, replace=False)
        strengths = generator.uniform(0, MAX_STRENGTH, count)
        commands.append(Command({au: float(s) for k, s in zip(chosen, strengths, strict=True) for au in stimuli[k]}))
    rest = None
    for command in commands:
        image = puppet.render(command.strengths, command.pose)
        landmarks, _presence = mesh().fit(image, region_of_landmarks(still.landmarks))
        reading = read(landmarks, image)
        rest = rest or reading
        by_own = parts_of(compare(reading, rest).units.both)
        yield _cut(image, landmarks, alignment), parts_of(command.truth), by_own, still.name, 0.0


def _pairs(folder: Path, alignment: Alignment) -> Iterator[Face]:
    """The half at rest, then the other."""
    for path in sorted(folder.glob("*.jpg")):
        image = np.asarray(cv2.cvtColor(np.asarray(cv2.imread(str(path))), cv2.COLOR_BGR2RGB), np.uint8)
        finder = FaceFinder()
        halves = sorted(finder.find(image), key=lambda face: face.box.x)
        finder.close()
        readings = [read(face.landmarks, image) for face in halves]
        for place, (face, reading) in enumerate(zip(halves, readings, strict=True)):
            by_norm, by_own = (parts_of(compare(reading, each).units.both) for each in (None, readings[0]))
            yield _cut(image, face.landmarks, alignment), by_norm, by_own, path.stem, float(place)


def _clips(folder: Path, alignment: Alignment) -> Iterator[Face]:
    """Every few frames of each clip."""
    for path in sorted(folder.glob("*.mp4")):
        finder, rest = FaceFinder(max_faces=1), None
        with open_source(str(path)) as video:
            while (frame := video.read()) is not None:
                if frame.index % EVERY or not (found := finder.find(frame.image)):
                    continue
                reading = read(found[0].landmarks, frame.image)
                rest = rest or reading
                by_norm, by_own = (parts_of(compare(reading, each).units.both) for each in (None, rest))
                cut = _cut(frame.image, found[0].landmarks, alignment)
                yield cut, by_norm, by_own, path.stem, frame.timestamp_s
        finder.close()


def _cut(image: Image, landmarks: Floats, alignment: Alignment) -> Image:
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    return crop(grey, alignment.to_crop(landmarks), alignment.size)
