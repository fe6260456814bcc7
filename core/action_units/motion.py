"""How the skin has moved since the person's own neutral picture: optical flow between two flattened faces.

Dense inverse search (Kroeger et al. 2016), averaged in the soft cells of `core.action_units.texture`. Facial action
from optical flow: Mase 1991, Essa & Pentland 1997.
"""

from typing import Final

import numpy as np

from core.action_units.texture import PX, ROWS, SIDE_COLUMNS, windows
from core.geometry import Floats, Image
from core.opencv import cv2

LAYERS: Final = 2  # out from the midline, down
MOTIONS: Final = LAYERS * len(ROWS) * len(SIDE_COLUMNS)
PATCH_PX: Final = 8
STRIDE_PX: Final = 4


def motion(before: Image, after: Image) -> Floats:
    """How far each patch of skin has moved, inter-ocular distances: float32 [2, MOTIONS], right and left.

    A side holds [out and down, rows, columns]; what moves is found from where it was before.

    Parameters
    ----------
    before, after
        Flattened faces, uint8 [HEIGHT, WIDTH].
    """
    # OpenCV wants a flow to begin with; this one is not used.
    flow = np.asarray(_search().calc(before, after, np.zeros((*before.shape, 2), np.float32)), np.float32)
    over = windows()
    moved = over.rows @ flow.transpose(2, 0, 1) @ over.columns.T / PX
    sided = len(SIDE_COLUMNS)
    right, left = moved[:, :, :sided].copy(), moved[:, :, ::-1][:, :, :sided]
    right[0] *= -1  # x points to the person's left
    return np.stack([right.ravel(), left.ravel()])


def _search() -> cv2.DISOpticalFlow:
    """A search at full resolution, without the variational refinement that takes longer than all the rest.

    A new one each time, which costs nothing: it keeps state, so that two threads must not share it.
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    search.setFinestScale(0)
    search.setPatchSize(PATCH_PX)
    search.setPatchStride(STRIDE_PX)
    search.setVariationalRefinementIterations(0)
    return search
