"""Mean heatmaps per class in the crop's frame, the mean face as an outline, and the images that fail worst."""

from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.types import RegionRelevance
from core.verdict import Verdict
from core.verification.estimates import Group
from core.verification.examination import SEEDS, map_side
from core.verification.findings import MeanMap, MeanMaps, Worst
from core.verification.measurements import Measurements
from core.verification.options import Options
from core.verification.record import Record

# The worst first. Verdicts that are not here are good, or there is nothing to judge.
BAD: Final = (Verdict.NO_EVIDENCE, Verdict.OUTSIDE, Verdict.UNEXPECTED)


def mean_maps(found: Measurements) -> MeanMaps:
    """Average the maps of every class, under both seeds, of all, correct and wrong predictions."""
    side = map_side(found.size)
    maps = [
        _mean_map(found, place, label, number, group, side)
        for place, label in enumerate(found.labels)
        for number in range(len(SEEDS))
        for group in get_args(Group)
    ]
    face = found.crop_landmarks
    ratio = side / found.size
    outline: Floats | None = None if face is None else ((face + 0.5) * ratio - 0.5).astype(np.float32)
    return MeanMaps(side, outline, tuple(maps))


def _mean_map(found: Measurements, place: int, label: str, seed: int, group: Group, side: int) -> MeanMap:
    chosen = {"wrong": slice(0, 1), "correct": slice(1, 2), "all": slice(0, 2)}[group]
    n = int(found.sums.maps[place, seed, chosen].sum())
    total = found.sums.density[place, seed, chosen].sum(axis=0)
    mean = total / n if n else np.full((side, side), np.nan)
    return MeanMap(label, SEEDS[seed], group, n, mean.astype(np.float32))


def worst(found: Measurements, options: Options) -> tuple[Worst, ...]:
    """The images with the worst verdicts: first by verdict, then by how far they miss."""
    listed = []
    for place in found.examined.tolist():
        evidence = found.records[place].evidence
        assert evidence is not None
        relevance = evidence.by(options.region_mode)
        verdict = relevance.judged(options.outside_limit)
        if verdict not in BAD:
            continue
        miss = -relevance.outside_share if verdict is Verdict.OUTSIDE else relevance.expected_density or 0.0
        listed.append(((BAD.index(verdict), miss, place), verdict, relevance))
    listed.sort(key=lambda entry: entry[0])
    listed = listed[: options.worst]
    maps = found.rows("density", [key[2] for key, *_ in listed])
    return tuple(
        _worst(key[2], found.records[key[2]], verdict, relevance, kept[0])
        for (key, verdict, relevance), kept in zip(listed, maps, strict=True)
    )


def _worst(place: int, record: Record, verdict: Verdict, relevance: RegionRelevance, density: NDArray[Any]) -> Worst:
    assert record.prediction is not None
    return Worst(
        place=place,
        name=record.name,
        label=record.label,
        predicted=record.prediction.label,
        probability=record.prediction.probability,
        outside_share=relevance.outside_share,
        expected_share=relevance.expected_share,
        face_density=relevance.expected_density,
        verdict=verdict.sentence,
        density=density.astype(np.float32),
    )
