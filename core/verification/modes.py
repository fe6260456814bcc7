"""Boxes against polygons: how much numbers and verdicts hang on how regions are outlined."""

from collections import Counter
from typing import Final

import numpy as np

from core.ranks import spearman
from core.regions import MODES, REGIONS, Mode
from core.types import RegionRelevance
from core.verification.estimates import Estimate
from core.verification.intervals import Bootstrap, wilson
from core.verification.measurements import Measurements, expected_mask, face_density
from core.verification.options import Options
from core.verification.soundness import ModeComparison

NOT_JUDGED: Final = "not judged"


def compare_modes(found: Measurements, options: Options, bootstrap: Bootstrap) -> ModeComparison:
    """Compare both ways to outline regions on the explanations of all examined images."""
    polygons, boxes = (found.shares("predicted", mode) for mode in MODES)
    flips: Counter[tuple[str, str]] = Counter()
    for place in found.examined:
        evidence = found.records[place].evidence
        assert evidence is not None
        pair = [_words(evidence.by(mode), options.outside_limit) for mode in MODES]
        flips[pair[0], pair[1]] += pair[0] != pair[1]
    n = len(found.examined)
    differences = {name: bootstrap.mean((boxes - polygons)[:, place]) for place, name in enumerate(REGIONS)}
    return ModeComparison(
        images=n,
        rank_correlation=bootstrap.mean(spearman(polygons, boxes)) if n else None,
        differences={name: value for name, value in differences.items() if value is not None},
        flipped=wilson(sum(flips.values()), n),
        flips={pair: count for pair, count in flips.most_common() if count},
        face_density={
            (label, mode): _face_density(found, bootstrap, place, label, mode)
            for place, label in enumerate(found.labels)
            for mode in MODES
        },
    )


def _words(relevance: RegionRelevance, limit: float) -> str:
    verdict = relevance.judged(limit)
    return verdict.sentence if verdict.measured else NOT_JUDGED


def _face_density(found: Measurements, bootstrap: Bootstrap, place: int, label: str, mode: Mode) -> Estimate | None:
    expected = expected_mask(label)
    if not expected.any() or not len(found.examined):
        return None
    density = face_density(found.shares("predicted", mode), found.counts(mode), expected)
    return bootstrap.mean(np.where(found.predicted == place, density, np.nan))
