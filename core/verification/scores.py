"""Accuracy and calibration."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.verification.estimates import Doubles

BINS = 15  # of the expected calibration error


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities, float32 [n, classes]."""
    scaled = (logits - logits.max(axis=1, keepdims=True)) / temperature
    odds = np.exp(scaled)
    probabilities: Floats = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return probabilities


def negative_log_likelihood(logits: Floats, labels: NDArray[np.int64], temperature: float) -> float:
    """Mean over the images, nats."""
    return float(-np.log(softmax(logits, temperature)[np.arange(len(labels)), labels] + 1e-12).mean())


def fit_temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The temperature of least negative log-likelihood (Guo et al. 2017), by golden-section search in 0.05..20."""
    low, high = np.log(0.05), np.log(20.0)
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        if negative_log_likelihood(logits, labels, float(np.exp(a))) < negative_log_likelihood(
            logits, labels, float(np.exp(b))
        ):
            high = b
        else:
            low = a
    return float(np.exp((low + high) / 2))


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of confidence [low, high): images in it, mean confidence and accuracy; None where there is none."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


def reliability(probabilities: Floats, labels: NDArray[np.int64]) -> tuple[ReliabilityBin, ...]:
    """Confidence against accuracy in equal bins of confidence; the last one holds 1."""
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    places = _places(confidence)
    bins = []
    for number in range(BINS):
        inside = places == number
        means = (float(confidence[inside].mean()), float(correct[inside].mean())) if inside.any() else (None, None)
        bins.append(ReliabilityBin(number / BINS, (number + 1) / BINS, int(inside.sum()), *means))
    return tuple(bins)


def gaps(probabilities: Floats, labels: NDArray[np.int64]) -> Doubles:
    """How far each image's confidence is above its being right, in the column of its bin: float64 [images, bins].

    The expected calibration error is the sum over bins of the |mean| over all images.
    """
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    found = np.zeros((len(labels), BINS))
    found[np.arange(len(labels)), _places(confidence)] = confidence - correct.astype(np.float64)
    return found


def _places(confidence: Floats) -> NDArray[np.int64]:
    """The bin of each confidence."""
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def expected_calibration_error(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Mean gap between confidence and accuracy over the bins, weighted by their size (Naeini et al. 2015).

    Biased upwards on small samples, where chance alone opens gaps: a pack that is calibrated does not come to 0.
    """
    weighted = [
        abs(each.confidence - each.accuracy) * each.n
        for each in reliability(probabilities, labels)
        if each.confidence is not None and each.accuracy is not None
    ]
    return sum(weighted) / len(labels)


@dataclass(frozen=True)
class Scores:
    """Accuracy, recall per class and calibration of one pass over images with a majority label."""

    images: int
    accuracy: float
    recall: tuple[float, ...]
    calibration_error: float

    @property
    def mean_recall(self) -> float:
        """Over the classes that occur."""
        return float(np.nanmean(self.recall))


def score(logits: Floats, labels: NDArray[np.int64], temperature: float = 1.0) -> Scores:
    """Score logits [n, classes] against labels [n]; images with label -1 are left out."""
    kept = labels >= 0
    logits, labels = logits[kept], labels[kept]
    predicted = logits.argmax(axis=1)
    recall = tuple(
        float((predicted[labels == c] == c).mean()) if (labels == c).any() else float("nan")
        for c in range(logits.shape[1])
    )
    error = expected_calibration_error(softmax(logits, temperature), labels)
    return Scores(len(labels), float((predicted == labels).mean()), recall, error)
