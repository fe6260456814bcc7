"""What an examination has measured, for all images at once: as records for people, as arrays for statistics."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.corpora import Corpus
from core.errors import StoreMismatch
from core.geometry import Box, Floats, Similarity
from core.model import Model
from core.regions import EXPECTED, MODES, OUTSIDE, REGIONS, Mode
from core.types import Prediction, RegionRelevance
from core.verification.estimates import Doubles, Seed
from core.verification.examination import SEEDS, kept_arrays
from core.verification.record import EXAMINED, STATES, WHOLE, Evidence, Record
from core.verification.store import AGAIN, Store


@dataclass(frozen=True)
class Measurements:
    """All images of a corpus.

    Attributes
    ----------
    labels
        The pack's classes.
    arrays
        As in `examination.layout`, one row per image.
    records
        The same for people, in the corpus's order.
    size
        Side of the crop, px.
    """

    labels: tuple[str, ...]
    arrays: Mapping[str, NDArray[Any]]
    records: tuple[Record, ...]
    size: int

    @cached_property
    def examined(self) -> NDArray[np.int64]:
        """Places of the examined images, int64 [examined]; rows of everything below."""
        return np.flatnonzero(self.arrays["state"] == STATES.index(EXAMINED))

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted, and so explained, class of each examined image, int64 [examined]."""
        return np.asarray(self.arrays["target"][self.examined, 0], np.int64)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether it is the label, bool [examined]."""
        return np.array([self.records[place].correct for place in self.examined], np.bool_)

    @cached_property
    def subjects(self) -> tuple[str | None, ...]:
        """Who is seen in each examined image."""
        return tuple(self.records[place].subject for place in self.examined)

    def of(self, name: str) -> NDArray[Any]:
        """An array's rows of the examined images."""
        return self.arrays[name][self.examined]

    def shares(self, seed: Seed, mode: Mode, name: str = "shares") -> Doubles:
        """Shares by region under one seed and mode, float64 [examined, regions]."""
        return self.of(name)[:, SEEDS.index(seed), MODES.index(mode)].astype(np.float64)

    def counts(self, mode: Mode) -> Doubles:
        """Pixels by region, float64 [examined, regions]."""
        return self.of("counts")[:, MODES.index(mode)].astype(np.float64)

    def gaussian(self, mode: Mode) -> Doubles:
        """The centre-Gaussian control's mass by region, float64 [examined, regions]."""
        return np.asarray(self.of("gaussian")[:, MODES.index(mode)], np.float64)

    @cached_property
    def crop_landmarks(self) -> Floats | None:
        """The mean face of the examined images, float32 [478, 2], crop px; None without any."""
        if not len(self.examined):
            return None
        total = np.zeros((478, 2))
        for landmarks, to_crop in zip(self.of("landmarks"), self.of("to_crop"), strict=True):
            total += Similarity(*to_crop.tolist()).apply(landmarks[:, :2])
        return (total / len(self.examined)).astype(np.float32)

    @cached_property
    def pictures_digest(self) -> str:
        """SHA-256 over the pictures' own digests, in order."""
        return hashlib.sha256(self.arrays["digest"].astype("<u8").tobytes()).hexdigest()


def expected_mask(label: str) -> NDArray[np.bool_]:
    """Where the regions are that a class is expected to show in, bool [regions]; none for one EMFACS does not know."""
    return np.array([name in EXPECTED.get(label, ()) for name in REGIONS])


def crop_density(mass: Doubles, counts: Doubles, expected: NDArray[np.bool_]) -> Doubles:
    """V_w of maps given by mass per region, [images, regions]: float64 [images], NaN where it is not defined."""
    return _ratio(mass[:, expected].sum(1) * counts.sum(1), mass.sum(1) * counts[:, expected].sum(1))


def face_density(mass: Doubles, counts: Doubles, expected: NDArray[np.bool_]) -> Doubles:
    """V_f of maps given by mass per region, [images, regions]: float64 [images], NaN where it is not defined.

    Written without shares, so that a map which is uniform over the face gets 1 exactly.
    """
    face = np.arange(mass.shape[1]) != OUTSIDE
    return _ratio(mass[:, expected].sum(1) * counts[:, face].sum(1), mass[:, face].sum(1) * counts[:, expected].sum(1))


def _ratio(above: Doubles, below: Doubles) -> Doubles:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def gather(model: Model, corpus: Corpus, store: Store) -> Measurements:
    """Read everything that an examination has kept. StoreMismatch where it cannot be what this model measured."""
    parts = []
    for start, arrays in kept_arrays(model, store):
        if not _sound(arrays, len(model.labels), model.pack.manifest.input.size):
            raise StoreMismatch(
                f"{store.folder}: the images from {start} on hold numbers that nothing measures. {AGAIN}"
            )
        parts.append(arrays)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    records = tuple(_record(model, corpus, joined, place) for place in range(store.images))
    return Measurements(model.labels, joined, records, model.pack.manifest.input.size)


def _sound(arrays: Mapping[str, NDArray[Any]], classes: int, size: int) -> bool:
    """Whether numbers are what they can be: every index points at something, whatever was explained is finite."""
    states = arrays["state"]
    explained = states == STATES.index(EXAMINED)
    read = explained | (states == STATES.index(WHOLE))
    targets, against = arrays["target"][explained], arrays["against"][explained]
    counts = arrays["counts"][explained]
    finite = ("landmarks", "to_crop", "shares", "negative_shares", "positive", "negative", "gaussian", "score")
    return bool(
        (states < len(STATES)).all()
        and (np.isfinite(arrays["logits"]).all(axis=1) == read).all()
        and ((targets >= 0) & (targets < classes)).all()
        and ((against >= -1) & (against < classes)).all()
        and (counts >= 0).all()
        and (counts.sum(axis=-1) == size * size).all()
        and all(np.isfinite(arrays[name][explained]).all() for name in (*finite, "density"))
    )


def _record(model: Model, corpus: Corpus, arrays: Mapping[str, NDArray[Any]], place: int) -> Record:
    example = corpus.examples[place]
    row = {name: values[place] for name, values in arrays.items()}
    state = STATES[int(row["state"])]
    logits = row["logits"]
    prediction = None
    if np.isfinite(logits).all():
        prediction = Prediction(model.labels, logits, model.calibrated(logits))
    if state != EXAMINED:
        return Record(
            example.name, example.label, example.subject, state, str(row["reason"]), prediction, faces=int(row["faces"])
        )
    return Record(
        name=example.name,
        label=example.label,
        subject=example.subject,
        state=state,
        prediction=prediction,
        found_by="tight fit" if corpus.tight else "detector",
        faces=int(row["faces"]),
        presence=float(row["presence"]),
        box=Box.around(row["landmarks"]),
        evidence=_evidence(model.labels, row, 0),
        contrast=_evidence(model.labels, row, 1),
    )


def _evidence(labels: tuple[str, ...], row: Mapping[str, Any], seed: int) -> Evidence:
    target, against, gap = labels[row["target"][seed]], int(row["against"][seed]), float(row["gap"][seed])
    by_mode = [_regions(row, seed, mode, target) for mode in range(len(MODES))]
    return Evidence(
        target=target,
        against=None if against < 0 else labels[against],
        score=float(row["score"][seed]),
        gap=None if np.isnan(gap) else gap,
        polygons=by_mode[MODES.index("polygons")],
        boxes=by_mode[MODES.index("boxes")],
    )


def _regions(row: Mapping[str, Any], seed: int, mode: int, target: str) -> RegionRelevance:
    counts = row["counts"][mode]
    return RegionRelevance(
        regions=REGIONS,
        areas=(counts / counts.sum()).astype(np.float32),
        shares=row["shares"][seed, mode],
        negative_shares=row["negative_shares"][seed, mode],
        positive=float(row["positive"][seed, mode]),
        negative=float(row["negative"][seed, mode]),
        expected=EXPECTED.get(target, frozenset()),
    )
