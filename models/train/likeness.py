"""Learn to tell pain from what is taken for it: ``python -m models.train.likeness --data ../shared``.

Two kinds of faces, in groups with a weight of their own: sequences of the stimulus (`models.data.courses`) on neutral
FER+ faces, on the astronaut, on Grace Hopper and on the neutral halves of `media/pain`; the pairs and clips there, held
against their own first half or frame. What is printed leaves one person of the stills, pairs and clips out at a time,
with everything that shows that person.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import Reading, read
from core.action_units.estimate import PLACES
from core.action_units.pose import posed
from core.faces import FaceFinder
from core.geometry import Floats
from core.likeness import FILE, LEARNT, LIPS, WINDOW_S, features, travel
from core.opencv import cv2
from core.pspi import CLOSED_FROM
from core.sources import open_source
from models.data import ferplus
from models.data.courses import KINDS, PAIN, Played, played, units
from models.train.action_units import MOVED_DEG, NEUTRAL_VOTES, enlarged
from models.train.covering import weighted_logistic
from models.train.landmarks_scores import area_under_curve
from models.verify.units import stills_of

Numbers = NDArray[np.float64]

FACES: Final = 45  # neutral FER+ faces that the stimulus moves
OTHERS: Final = 4  # kinds besides pain that each of them shows
SMALLER: Final = 0.4  # stills are shown at this size: the stimulus is slow on large pictures
RIDGE: Final = 0.01
SPREAD: Final = 0.3  # added to a feature's spread before it is scaled by it, so that rare units do not count too much
PAIN_FROM, REST_UNTIL = (
    4.0,
    1.0,
)  # true PSPI of frames of pain, and of those before it; none between is used
EVERY: Final = 2  # frames of clips
BEFORE_S, AFTER_S = 1.2, 2.6  # of the clip of pain: at rest until, in pain from, by eye

# How much each group counts; groups of pain, and of no pain, together count half each.
WEIGHTS: Final = {
    **{"stimulus pain": 6.0, "stimulus before": 0.5, "pair rest": 2.0, "pair pain": 4.0, "pair other": 4.0},
    **{"clip before": 0.5, "clip pain": 2.0, "clip other": 2.0},
}


@dataclass(frozen=True)
class Faces:
    """Faces of one person in one group.

    Attributes
    ----------
    by_norm, by_own
        Intensities against the norm, and against the own neutral face, float32 [n, units].
    travelled
        Of the lips, float64 [n].
    """

    person: str
    group: str
    is_pain: bool
    by_norm: Floats
    by_own: Floats
    travelled: Numbers

    @property
    def seen(self) -> Numbers:
        """What the model reads, float64 [n, 2 * LEARNT + 1]."""
        rows = [features(*row) for row in zip(self.by_norm, self.by_own, self.travelled, strict=True)]
        return np.array(rows, np.float64).reshape(len(rows), 2 * len(LEARNT) + 1)

    def part(self, chosen: NDArray[np.bool_], group: str, is_pain: bool) -> "Faces":
        """Some of them, as another group."""
        return Faces(self.person, group, is_pain, self.by_norm[chosen], self.by_own[chosen], self.travelled[chosen])


def main() -> None:
    """Gather, measure, learn, write."""
    parser = argparse.ArgumentParser(prog="python -m models.train.likeness", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with data/ and media/")
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    faces = gather(arguments.data, arguments.cache, np.random.default_rng(arguments.seed))
    _report(faces)
    weights, bias = learn(faces)
    np.savez_compressed(FILE, weights=weights, bias=bias)
    print("\nweights: by the norm, by the own neutral face")
    for au, by_norm, by_own in zip(LEARNT, weights, weights[len(LEARNT) :], strict=False):
        print(f"AU{au:<10} {by_norm:6.2f} {by_own:6.2f}")
    print(f"lips' travel {weights[-1]:6.2f}")
    print(f"at rest      {bias:6.2f}")


def gather(data: Path, cache: Path, generator: np.random.Generator) -> list[Faces]:
    """All of them."""
    split = ferplus.load(data / "data", "train", cache)
    pain = data / "media" / "pain"
    return [
        *_moved(split, generator),
        *_shown(data, generator),
        *_pairs(pain),
        *_clips(pain),
    ]


def plain_pspi(both: Floats) -> Numbers:
    """The formula over intensities [n, units]."""
    of = {au: both[:, PLACES[au]].astype(np.float64) for au in (4, 6, 7, 9, 10, 43)}
    total: Numbers = of[4] + np.maximum(of[6], of[7]) + np.maximum(of[9], of[10]) + (of[43] >= CLOSED_FROM)
    return total


def _travelled(by_norm: Floats, times_s: Numbers) -> Numbers:
    """How far the lips went over a course of intensities [n, units]."""
    opening = by_norm[:, [PLACES[au] for au in LIPS]].sum(axis=1)
    order = np.arange(len(times_s))
    lately = [(times_s > now_s - WINDOW_S) & (order <= now) for now, now_s in enumerate(times_s)]
    return np.array([travel(opening[each].tolist()) for each in lately])


def _played(person: str, sequences: Sequence[Played]) -> Iterator[Faces]:
    """Every sequence twice: as a course, and as so many stills."""
    for each in sequences:
        truth = plain_pspi(each.truth.astype(np.float32))
        course = _travelled(each.against_norm, each.times_s)
        for travelled in (course, np.zeros(len(course))):
            shown = Faces(person, f"stimulus {each.kind}", False, each.against_norm, each.against_own, travelled)
            if each.kind == PAIN:
                yield shown.part(truth >= PAIN_FROM, "stimulus pain", is_pain=True)
                yield shown.part(truth < REST_UNTIL, "stimulus before", is_pain=False)
            else:
                yield shown


def _moved(split: ferplus.FerPlus, generator: np.random.Generator) -> Iterator[Faces]:
    """Neutral FER+ faces that the stimulus moves."""
    neutral = np.flatnonzero(split.found & (split.votes[:, 0] >= NEUTRAL_VOTES))
    straight = neutral[(np.abs(posed(split.landmarks[neutral]).angles_deg) < MOVED_DEG).all(axis=1)]
    others = [kind for kind in KINDS if kind != PAIN]
    for face in generator.choice(straight, FACES, replace=False):
        found = enlarged(split.images[face])
        if found is not None:
            still, landmarks = found
            kinds = [PAIN, PAIN, *generator.choice(others, OTHERS, replace=False).tolist()]
            yield from _played(f"FER+ {face}", played(still, landmarks, kinds, generator, {}))


def _shown(data: Path, generator: np.random.Generator) -> Iterator[Faces]:
    """The stills of `models.verify.units`, doing everything."""
    for still in stills_of(data):
        smaller = cv2.resize(still.image, None, fx=SMALLER, fy=SMALLER, interpolation=cv2.INTER_AREA)
        landmarks = still.landmarks * np.float32(SMALLER)
        kinds = [*KINDS, PAIN]
        yield from _played(
            still.name, played(np.asarray(smaller, np.uint8), landmarks, kinds, generator, still.baseline)
        )


def _pairs(folder: Path) -> Iterator[Faces]:
    """Pictures of two halves: at rest, and in pain or not."""
    for path in sorted(folder.glob("*.jpg")):
        image = np.asarray(cv2.cvtColor(np.asarray(cv2.imread(str(path))), cv2.COLOR_BGR2RGB), np.uint8)
        finder = FaceFinder()
        rest, other = sorted(finder.find(image), key=lambda face: face.box.x)
        finder.close()
        readings = [read(face.landmarks, image) for face in (rest, other)]
        is_pain = "_Pain_" in path.name
        both = Faces(path.stem[:20], "", False, units(readings, None), units(readings, readings[0]), np.zeros(2))
        yield both.part(np.array([True, False]), "pair rest", is_pain=False)
        yield both.part(np.array([False, True]), "pair pain" if is_pain else "pair other", is_pain)


def _clips(folder: Path) -> Iterator[Faces]:
    """Clips that begin at rest."""
    for path in sorted(folder.glob("*.mp4")):
        times_s, readings = _watched(path)
        by_norm, by_own = units(readings, None), units(readings, readings[0])
        clip = Faces(path.stem[:20], "clip other", False, by_norm, by_own, _travelled(by_norm, times_s))
        if "_Pain_" in path.name:
            yield clip.part(times_s < BEFORE_S, "clip before", is_pain=False)
            yield clip.part(times_s > AFTER_S, "clip pain", is_pain=True)
        else:
            yield clip


def _watched(path: Path) -> tuple[Numbers, list[Reading]]:
    finder = FaceFinder(max_faces=1)
    times_s, readings = [], []
    with open_source(str(path)) as video:
        while (frame := video.read()) is not None:
            if frame.index % EVERY == 0 and (found := finder.find(frame.image)):
                times_s.append(frame.timestamp_s)
                readings.append(read(found[0].landmarks, frame.image))
    finder.close()
    return np.array(times_s), readings


def learn(faces: Sequence[Faces]) -> tuple[Numbers, float]:
    """Weights float64 [2 * LEARNT + 1] per intensity, and the log odds of a face at rest."""
    sizes = [len(each.by_norm) for each in faces]
    seen = np.concatenate([each.seen for each in faces])
    is_pain, groups = (np.repeat(each, sizes) for each in zip(*[(f.is_pain, f.group) for f in faces], strict=True))
    weight = np.zeros(len(seen))
    for group in set(groups.tolist()):
        weight[groups == group] = WEIGHTS.get(group, 1.0) / (groups == group).sum()
    for side in (is_pain, ~is_pain):
        weight[side] /= 2 * weight[side].sum()
    scale = seen.std(axis=0) + SPREAD
    found = weighted_logistic(np.column_stack([seen / scale, np.ones(len(seen))]), is_pain, weight, RIDGE)
    return found[:-1] / scale, float(found[-1])


def _report(faces: Sequence[Faces]) -> None:
    """One person left out at a time: area under the curve, beside the formula's, and what each group is called."""
    people = sorted({each.person for each in faces if not each.person.startswith("FER+")})
    tested, odds = [], []
    for person in people:
        weights, bias = learn([each for each in faces if each.person != person])
        for each in faces:
            if each.person == person and len(each.by_norm):
                tested.append(each)
                odds.append(each.seen @ weights + bias)
    scores = [plain_pspi(each.by_own) for each in tested]
    print(f"{len(people)} people left out, one at a time")
    real = [place for place, each in enumerate(tested) if not each.group.startswith("stimulus")]
    for name, chosen in (("all", list(range(len(tested)))), ("pairs and clips", real)):
        is_pain = np.concatenate([np.full(len(odds[k]), tested[k].is_pain) for k in chosen])
        ours = area_under_curve(np.concatenate([odds[k] for k in chosen]), is_pain)
        plain = area_under_curve(np.concatenate([scores[k] for k in chosen]), is_pain)
        print(f"{name}: AUC {ours:.3f}, of PSPI alone {plain:.3f}; {is_pain.sum()} of {len(is_pain)} show pain")
    for group in dict.fromkeys(each.group for each in tested):
        chosen = [k for k, each in enumerate(tested) if each.group == group]
        of, pspi = (np.concatenate([values[k] for k in chosen]) for values in (odds, scores))
        like = f"pain-like {(of > 0).mean():5.2f}, log odds {np.median(of):6.2f}"
        print(f"{group:22} {len(of):5}: {like}, PSPI {pspi.mean():5.2f}")
    for each, found, pspi in zip(tested, odds, scores, strict=True):
        if each.group.startswith("pair"):
            print(f"{each.person:22} {each.group:12} log odds {found[0]:6.2f}, PSPI {pspi[0]:5.2f}")


if __name__ == "__main__":
    main()
