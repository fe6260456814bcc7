"""Pictures of the worst images, for those who ask for them: faces are health data."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from core.corpora import Corpus
from core.errors import SourceError
from core.geometry import Box, Image
from core.opencv import cv2
from core.verification import Findings

SIDE_PX: Final = 160
MARGIN: Final = 0.25  # of the face's box, on each side


def faces_of(findings: Findings, corpus: Corpus) -> Mapping[int, Image]:
    """The face of each of the worst images by its place in the records; without those that cannot be read again."""
    found: dict[int, Image] = {}
    for each in findings.worst:
        record = findings.records[each.place]
        try:
            picture = corpus.examples[each.place].read()
        except SourceError:
            continue
        found[each.place] = thumbnail(picture, record.box)
    return found


def thumbnail(picture: Image, box: Box | None) -> Image:
    """The part of a picture around a face, uint8 [side, side at most, 3], no larger than `SIDE_PX`."""
    height, width = picture.shape[:2]
    if box is not None:
        margin = MARGIN * max(box.width, box.height)
        left, top = max(0, int(box.x - margin)), max(0, int(box.y - margin))
        right = min(width, int(np.ceil(box.x + box.width + margin)))
        bottom = min(height, int(np.ceil(box.y + box.height + margin)))
        if right > left and bottom > top:
            picture = picture[top:bottom, left:right]
    longest = max(picture.shape[:2])
    if longest <= SIDE_PX:
        return picture
    size = [max(1, round(side * SIDE_PX / longest)) for side in picture.shape[1::-1]]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
