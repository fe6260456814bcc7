"""Mean heatmaps per class in the crop's frame, the mean face as an outline, and the images that fail worst."""

from typing import Final, get_args

import numpy as np

from core.geometry import Floats
from core.types import RegionRelevance
from core.verification.estimates import Group
from core.verification.examination import SEEDS, map_side
from core.verification.expectations import GOOD, OUTSIDE_FACE, UNSUPPORTED
from core.verification.findings import MeanMap, MeanMaps, Worst
from core.verification.measurements import Measurements
from core.verification.options import Options
from core.verification.tables import in_group

NO_EVIDENCE: Final = "no positive evidence"
# The worst first. Verdicts that are not here are good, or there is nothing to judge.
BAD: Final = (NO_EVIDENCE, OUTSIDE_FACE, UNSUPPORTED)


def image_verdict(relevance: RegionRelevance, limit: float) -> str | None:
    """Judge one image as `RegionRelevance.verdict` does, with a limit of one's own; None where nothing is expected."""
    if relevance.positive <= 0:
        return NO_EVIDENCE
    if relevance.outside_share > limit:
        return OUTSIDE_FACE
    if relevance.expected_density is None:
        return None
    return GOOD if relevance.expected_density >= 1 else UNSUPPORTED


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
    rows = found.examined[in_group(found, group) & (found.predicted == place)]
    maps = found.arrays["density"][rows, seed]
    maps = maps[maps.any(axis=(1, 2))]  # a map without positive relevance says nothing of where it lies
    mean = maps.mean(axis=0, dtype=np.float64) if len(maps) else np.full((side, side), np.nan)
    return MeanMap(label, SEEDS[seed], group, len(maps), mean.astype(np.float32))


def worst(found: Measurements, options: Options) -> tuple[Worst, ...]:
    """The images with the worst verdicts: first by verdict, then by how far they miss."""
    listed = []
    for place in found.examined.tolist():
        evidence = found.records[place].evidence
        assert evidence is not None
        relevance = evidence.by(options.region_mode)
        verdict = image_verdict(relevance, options.outside_limit)
        if verdict not in BAD:
            continue
        miss = -relevance.outside_share if verdict == OUTSIDE_FACE else relevance.expected_density or 0.0
        listed.append(((BAD.index(verdict), miss, place), verdict, relevance))
    listed.sort(key=lambda entry: entry[0])
    return tuple(_worst(found, key[2], verdict, relevance) for key, verdict, relevance in listed[: options.worst])


def _worst(found: Measurements, place: int, verdict: str, relevance: RegionRelevance) -> Worst:
    record = found.records[place]
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
        verdict=verdict,
        density=found.arrays["density"][place, 0].astype(np.float32),
    )
