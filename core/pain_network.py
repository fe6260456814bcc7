"""The second road to pain: what the expression network's own head reads of PSPI, by LRP why, and whether both agree.

::

    crop --> network --> parts of PSPI, 0..5 --> points          NetworkPain
                 `--> LRP from their sum --> map --> regions
    PainReading by the norm -----------------------------------> Agreement

The head was taught by the estimates of the first road (`core.action_units`), so that it is no second witness: where
both agree, little more is known than before, but where they disagree, one of them is wrong about this face. It goes by
the population's norm, whatever neutral face somebody has set, and sees one frame.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from core import pspi
from core.action_units import compare
from core.action_units.units import MAX
from core.geometry import Floats, frozen
from core.manifests import PSPI_PARTS
from core.model import Model
from core.noise import errors
from core.pain import because, score
from core.pspi import PainReading
from core.ranks import spearman
from core.recent import Recent
from core.regions import REGIONS, Mode, partition
from core.relevance import by_region
from core.types import Agreement, Explanation, FaceResult, NetworkPain, RegionRelevance

NOTE: Final = "second road: network, taught by these estimates; not independent evidence"

# Points of the score per intensity of `PSPI_PARTS`. Closed eyes count 0 or 1 in PSPI; a step has no part in a sum that
# relevance could be shared along, so that they count a fifth of their intensity: 1 where they are shut.
POINTS: Final[Floats] = frozen(np.array([1, 1, 1, 1 / MAX], np.float32))


class NetworkReader:
    """Reads every measured face of every frame; it keeps the last explanation of each for frames without.

    Parameters
    ----------
    region_mode
        How maps are shared by region.
    kept_s
        An explanation that is older is no longer shown.
    """

    def __init__(self, model: Model, region_mode: Mode = "polygons", kept_s: float = 2.0) -> None:
        self.model, self.region_mode = model, region_mode
        self._recent = Recent[tuple[Explanation, RegionRelevance]](kept_s)

    def read(self, faces: Sequence[FaceResult], timestamp_s: float, explain: bool) -> list[FaceResult]:
        """The faces with what the network reads of pain in those that have a score."""
        chosen = [place for place, face in enumerate(faces) if face.pain is not None and face.pain.score is not None]
        if not chosen:
            return list(faces)
        measured = [faces[place] for place in chosen]
        found = self._explained(measured, timestamp_s) if explain else self._estimated(measured, timestamp_s)
        read = dict(zip(chosen, found, strict=True))
        return [replace(face, pain_by_network=read.get(place)) for place, face in enumerate(faces)]

    def _explained(self, faces: Sequence[FaceResult], timestamp_s: float) -> list[NetworkPain]:
        read = self.model.explain_units([face.crop for face in faces], POINTS, timestamp_s)
        found = []
        for face, (parts, explanation) in zip(faces, read, strict=True):
            places = partition(face.crop.landmarks(face.observation), face.crop.size, self.region_mode)
            regions = by_region(explanation.relevance, places, explanation.target)
            self._recent.put(face.observation.face_id, (explanation, regions), timestamp_s)
            found.append(self._reading(face, parts, explanation, regions, explained=True))
        return found

    def _estimated(self, faces: Sequence[FaceResult], timestamp_s: float) -> list[NetworkPain]:
        units = self.model.units(self.model.faces([face.crop for face in faces]))
        return [
            self._reading(face, parts, *(self._recent.get(face.observation.face_id, timestamp_s) or (None, None)))
            for face, parts in zip(faces, units, strict=True)
        ]

    def _reading(
        self,
        face: FaceResult,
        parts: Floats,
        explanation: Explanation | None,
        regions: RegionRelevance | None,
        explained: bool = False,
    ) -> NetworkPain:
        head, points = self.model.pack.manifest.units, float(POINTS @ parts)
        assert head is not None
        assert face.pain is not None
        agreement = agree(face.pain, points, regions if explained else None)
        return NetworkPain(
            self.model.pack.title, head.learnt_from, parts, points, agreement, explanation, regions, explained
        )


def by_norm(reading: PainReading) -> PainReading:
    """A measured reading as it is by the population's norm, of this frame alone; itself without a neutral face."""
    if reading.neutral is None or reading.score is None:
        return reading
    made = compare(reading.face)
    closed = bool(reading.score.parts[-1].value)
    measured = score(pspi.intensities(made.units), errors(reading.face, None, made), closed)
    return replace(reading, units=made.units, made=made, score=measured, neutral=None, likeness=None)


def agree(reading: PainReading, network: float, regions: RegionRelevance | None = None) -> Agreement:
    """Hold the network's score against a measured one, and its regions against those that the measured one comes from.

    Parameters
    ----------
    network
        The network's score, points.
    regions
        Of its explanation of this very frame; without, places are not compared.
    """
    if reading.score is None:
        raise ValueError(f"there is no score to hold the network's against: {reading.reason}")
    alike = by_norm(reading)
    assert alike.score is not None
    return Agreement(network, alike.score, None if regions is None else _same_places(alike, regions))


def _same_places(reading: PainReading, regions: RegionRelevance) -> float | None:
    """Rank correlation over the regions of the face of what adds to either score."""
    added = because(reading).by_region()
    inside = [place for place, name in enumerate(REGIONS) if name != "outside"]
    ours = np.array([max(added[name], 0.0) for name in REGIONS])
    found = float(spearman(ours[None, inside], regions.shares[None, inside])[0])
    return found if np.isfinite(found) else None


def sentence(agreement: Agreement) -> str:
    """Whether both roads agree, in one plain sentence."""
    norm = agreement.by_norm
    interval = f"{norm.low:.1f} to {norm.high:.1f} by the norm"
    if agreement.agrees:
        said = f"both agree: the network reads {agreement.network:.1f}, within {interval}"
    else:
        where = "above" if agreement.beyond > 0 else "below"
        said = (
            f"they disagree: the network reads {agreement.reads}, {agreement.network:.1f}, "
            f"{abs(agreement.beyond):.1f} {where} {interval}"
        )
    if agreement.regions is not None:
        said += f"; regions alike by {agreement.regions:.2f} (rank correlation)"
    return said


def document(found: NetworkPain) -> dict[str, object]:
    """The network's estimate and its agreement with the score, in words and numbers, for files; maps are left out."""
    agreement, explanation, regions = found.agreement, found.explanation, found.regions
    norm = agreement.by_norm
    said: dict[str, object] = {
        "note": NOTE,
        "pack": found.pack,
        "learnt_from": found.learnt_from,
        "pspi": found.pspi,
        "parts": dict(zip(PSPI_PARTS, found.parts.tolist(), strict=True)),
        "points_per_intensity": dict(zip(PSPI_PARTS, POINTS.tolist(), strict=True)),
        "sentence": sentence(agreement),
        "agreement": {
            "reads": agreement.reads,
            "difference": agreement.difference,
            "beyond": agreement.beyond,
            "regions": agreement.regions,
            "by_norm": {"pspi": norm.pspi, "pspi_low": norm.low, "pspi_high": norm.high},
        },
    }
    if explanation is None or regions is None:
        return said
    shares = dict(zip(regions.regions, regions.shares.tolist(), strict=True))
    return said | {
        "explanation": {
            "method": explanation.method,
            "score": explanation.score,
            "unit": explanation.unit,
            "absorbed": explanation.absorbed,
            "timestamp": explanation.timestamp_s,
            "share": shares,
        }
    }
