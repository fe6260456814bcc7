"""How well a pack reads a corpus, and what became of the images it could not read."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.verification.estimates import Estimate
from core.verification.findings import Classification, Counts
from core.verification.intervals import Bootstrap, clusters, wilson
from core.verification.options import Options
from core.verification.record import EXAMINED, EXCLUDED, STATES, WHOLE, Record
from core.verification.scores import expected_calibration_error, gaps, negative_log_likelihood, reliability


def count(records: Sequence[Record], labels: tuple[str, ...], dropped: Mapping[str, int]) -> Counts:
    """Count the images by what became of them; `labels` are the pack's, `dropped` what the corpus left out itself."""
    states = Counter(record.state for record in records)
    found = Counter(record.label for record in records)
    order = [*(label for label in labels if label in found), *sorted(set(found) - set(labels))]
    return Counts(
        images=len(records),
        states={state: states[state] for state in STATES},
        listed={
            state: tuple((record.name, record.reason) for record in records if record.state == state)
            for state in STATES
            if state != EXAMINED
        },
        dropped=dict(dropped),
        labels={label: found[label] for label in order},
        absent=tuple(label for label in labels if label not in found),
        excluded_labels={label: found[label] for label in order if label not in labels},
    )


def classify(
    records: Sequence[Record], labels: tuple[str, ...], temperature: float, options: Options
) -> Classification:
    """Score the predictions of all images whose label the pack knows."""
    known = [record for record in records if record.state != EXCLUDED]
    read = [record for record in known if record.prediction is not None]
    truth = np.array([labels.index(record.label) for record in read], np.int64)
    logits = np.stack([record.prediction.logits for record in read if record.prediction]) if read else None
    predicted = np.array([labels.index(record.predicted or "") for record in read], np.int64)
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    people = [record.subject for record in read]
    right, recall = int(confusion.trace()), _rates(confusion, axis=1)
    met = [each.value for each in recall if each is not None]
    odds = (
        None if logits is None else np.stack([record.prediction.probabilities for record in read if record.prediction])
    )
    return Classification(
        images=len(known),
        read=len(read),
        accuracy=wilson(right, len(read)),
        accuracy_of_all=wilson(right, len(known)),
        accuracy_examined=_accuracy(read, EXAMINED),
        accuracy_whole=_accuracy(read, WHOLE),
        labels=labels,
        recall=recall,
        precision=_rates(confusion, axis=0),
        mean_recall=float(np.mean(met)) if met else None,
        confusion=confusion,
        calibration_error=None if odds is None else _calibration_error(odds, truth, people, options),
        bins=() if odds is None else reliability(odds, truth),
        negative_log_likelihood=None if logits is None else negative_log_likelihood(logits, truth, temperature),
    )


def _calibration_error(
    probabilities: Floats, truth: NDArray[np.int64], subjects: Sequence[str | None], options: Options
) -> Estimate:
    """Expected calibration error; its bootstrap draws people where the corpus names them."""
    bootstrap = Bootstrap(clusters(subjects), options.draws, options.seed)
    low, high = bootstrap.summed_sizes(gaps(probabilities, truth))
    return Estimate(expected_calibration_error(probabilities, truth), low, high, len(truth))


def _accuracy(read: Sequence[Record], state: str) -> Estimate | None:
    group = [record.correct for record in read if record.state == state]
    return wilson(sum(bool(correct) for correct in group), len(group))


def _rates(confusion: NDArray[np.int64], axis: int) -> tuple[Estimate | None, ...]:
    """Of each class, the share of the diagonal in its row (axis 1: recall) or column (axis 0: precision)."""
    return tuple(
        wilson(int(hits), int(n)) for hits, n in zip(confusion.diagonal(), confusion.sum(axis=axis), strict=True)
    )
