"""From what an examination has kept, part by part, to measurements of all images."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.corpora import Corpus
from core.errors import StoreMismatch
from core.geometry import Box, Similarity
from core.model import Model
from core.regions import EXPECTED, MODES, REGIONS
from core.types import Prediction, RegionRelevance
from core.verification.examination import SEEDS, layout, map_side
from core.verification.measurements import Measurements, Sums
from core.verification.record import EXAMINED, STATES, WHOLE, Evidence, Record
from core.verification.store import AGAIN, Store

LARGE: Final = ("density", "landmarks", "reason")  # too large to be held for hundreds of thousands of images


def gather(model: Model, corpus: Corpus, store: Store) -> Measurements:
    """Read everything that an examination has kept. StoreMismatch where it cannot be what this model measured."""
    size, classes = model.pack.manifest.input.size, len(model.labels)
    side = map_side(size)
    kept = layout(classes, side)
    sums = Sums(
        np.zeros((classes, len(SEEDS), 2, side, side)), np.zeros((classes, len(SEEDS), 2), np.int64), np.zeros((478, 2))
    )
    records: list[Record] = []
    light: dict[str, list[NDArray[Any]]] = {name: [] for name in kept if name not in LARGE}
    for part in range(store.parts):
        arrays, places = store.read(part, kept), store.places(part)
        if not _sound(arrays, classes, size):
            raise StoreMismatch(
                f"{store.folder}: the images from {places.start} on hold numbers that nothing measures. {AGAIN}"
            )
        own = [_record(model, corpus, arrays, place, row) for row, place in enumerate(places)]
        for row, record in enumerate(own):
            if record.state == EXAMINED:
                _add(sums, arrays, row, bool(record.correct))
        records += own
        for name, parts in light.items():
            parts.append(arrays[name])
    joined = {name: np.concatenate(parts) for name, parts in light.items()}
    return Measurements(model.labels, joined, tuple(records), size, sums, store, kept)


def _add(sums: Sums, arrays: Mapping[str, NDArray[Any]], row: int, correct: bool) -> None:
    """Add an examined image to the sums."""
    to_crop = Similarity(*arrays["to_crop"][row].tolist())
    sums.landmarks[:] += to_crop.apply(arrays["landmarks"][row, :, :2])
    predicted = arrays["target"][row, 0]
    for seed, density in enumerate(arrays["density"][row]):
        sums.density[predicted, seed, int(correct)] += density
        sums.maps[predicted, seed, int(correct)] += bool(density.any())


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


def _record(model: Model, corpus: Corpus, arrays: Mapping[str, NDArray[Any]], place: int, number: int) -> Record:
    example = corpus.examples[place]
    row = {name: values[number] for name, values in arrays.items()}
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
