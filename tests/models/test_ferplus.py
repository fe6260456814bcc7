"""Votes become labels as the FER+ protocol says, and images are aligned as video frames are."""

import numpy as np
import pytest

from core.geometry import Alignment, anchors
from models.data import ferplus


def votes(**counts):
    columns = (*ferplus.CLASSES, "unknown", "nf")
    return np.array([[counts.get(name, 0) for name in columns]], np.uint8)


@pytest.mark.parametrize(
    ("cast", "label"),
    [
        (votes(happiness=8, neutral=2), 1),
        (votes(happiness=5, neutral=5), -1),  # no majority
        (votes(happiness=5, neutral=1, anger=1, sadness=1, fear=1, disgust=1), 1),  # single votes count as zero
        (votes(unknown=8, neutral=2), -1),
        (votes(nf=10), -1),
        (votes(contempt=1, neutral=1), -1),
    ],
)
def test_the_majority_protocol(cast, label):
    assert ferplus.majority_labels(cast).tolist() == [label]


def test_soft_labels_share_the_votes_that_count():
    labels, kept = ferplus.soft_labels(np.concatenate([votes(happiness=6, neutral=3, fear=1), votes(unknown=9)]))
    np.testing.assert_allclose(labels[0], [1 / 3, 2 / 3, 0, 0, 0, 0, 0, 0], atol=1e-6)
    assert kept.tolist() == [True, False]


def test_a_face_is_found_and_aligned_and_a_blank_image_is_taken_whole(astronaut):
    from core.opencv import cv2

    grey = cv2.cvtColor(astronaut[20:220, 120:320], cv2.COLOR_RGB2GRAY)
    face = cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)
    images = np.stack([face, np.full_like(face, 128)])
    landmarks = np.stack([ferplus._fit(image) for image in images])
    split = ferplus.FerPlus(images, np.zeros((2, 10), np.uint8), landmarks)
    assert split.found.tolist() == [True, False]
    alignment = Alignment(48, (0.325, 0.3825), (0.675, 0.3825), (0.5, 0.764))
    crops = split.crops(alignment)
    np.testing.assert_array_equal(crops[1], images[1])
    placed = alignment.to_crop(landmarks[0]).apply(anchors(landmarks[0]))
    assert np.abs(placed - alignment.places).max() < 2


def test_the_splits_hold_the_images_that_the_protocol_keeps(shared):
    for name, expected in (("train", 24438), ("valid", 3149)):
        with np.load(shared / "data" / f"ferplus_{name}.npz", allow_pickle=False) as file:
            assert (ferplus.majority_labels(file["votes"]) >= 0).sum() == expected
