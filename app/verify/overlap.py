"""Several packs on the pictures that all of them read, with the classes that all of them know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.verification.estimates import Doubles, Estimate
from core.verification.findings import Findings
from core.verification.intervals import Bootstrap, clusters
from core.verification.record import Record


@dataclass(frozen=True)
class Overlap:
    """What can be compared fairly.

    Attributes
    ----------
    labels
        Classes that every pack knows, in the first one's order.
    images
        Pictures with such a label that every pack read.
    as_read
        Accuracy per pack there, each choosing among all its classes.
    among_common
        The same, each choosing among the common classes only.
    gains
        Accuracy among the common classes over the first pack's, picture by picture.
    """

    labels: tuple[str, ...]
    images: int
    as_read: Mapping[str, Estimate | None]
    among_common: Mapping[str, Estimate | None]
    gains: Mapping[str, Estimate | None]


def overlap(found: Mapping[str, Findings]) -> Overlap:
    """Compare packs that were verified on one corpus."""
    first = next(iter(found.values()))
    known = set.intersection(*(set(each.about.pack_labels) for each in found.values()))
    labels = tuple(label for label in first.about.pack_labels if label in known)
    places = [
        place
        for place, record in enumerate(first.records)
        if record.label in known and all(each.records[place].prediction is not None for each in found.values())
    ]
    bootstrap = Bootstrap(
        clusters([first.records[place].subject for place in places]), first.options.draws, first.options.seed
    )
    right = {name: _right([each.records[place] for place in places], labels) for name, each in found.items()}
    as_read = {
        name: np.array([bool(each.records[place].correct) for place in places], np.float64)
        for name, each in found.items()
    }
    reference = next(iter(right.values()))
    return Overlap(
        labels=labels,
        images=len(places),
        as_read={name: bootstrap.mean(values) for name, values in as_read.items()},
        among_common={name: bootstrap.mean(values) for name, values in right.items()},
        gains={name: bootstrap.mean(values - reference) for name, values in right.items()},
    )


def _right(records: Sequence[Record], labels: tuple[str, ...]) -> Doubles:
    """Whether the most probable of some classes is the label, float64 [records]."""
    hits = []
    for record in records:
        assert record.prediction is not None
        scores = dict(zip(record.prediction.labels, record.prediction.logits.tolist(), strict=True))
        hits.append(max(labels, key=scores.__getitem__) == record.label)
    return np.array(hits, np.float64)
