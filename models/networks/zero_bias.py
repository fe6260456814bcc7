"""The zero-bias network as published: convolutions without biases, then quadrants (Khorrami et al. 2015, SCIENCE 1.2).

Without biases a filter fires for what it sees alone, which is what makes its filters readable. Padding, and a spread by
which the local contrast is divided, are ours: the paper's summary that we have states neither.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name torch users know

SIZE: Final = 96
WIDTHS: Final = (64, 128, 256)
HIDDEN: Final = 300
PARAMETERS: Final = 1_335_508  # for eight classes
WINDOW: Final = 5  # side of the neighbourhood whose mean is subtracted, px
QUADRANTS: Final = 2  # along each axis


class ZeroBias(nn.Module):
    """Grey faces uint8 or float [batch, 1, side, side] in 0..255 to logits [batch, classes]; the published side is 96.

    The same weights read any side that is a multiple of 8: quadrants are quarters of the last maps, 12 x 12 px of them
    at 96. `widths` and `hidden` are the published numbers unless a test wants a small network.
    """

    # Grey levels. Aligned faces of FER2013 have a local contrast of 7.8 at 96 px (standard deviation).
    SPREAD = 11.0

    def __init__(
        self, classes: int = 8, widths: Sequence[int] = WIDTHS, hidden: int = HIDDEN, dropout: float = 0.5
    ) -> None:
        super().__init__()
        first, second, third = widths
        self.features = nn.Sequential(
            nn.Conv2d(1, first, 5, padding=2, bias=False),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, 5, padding=2, bias=False),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(second, third, 5, padding=2, bias=False),
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Linear(third * QUADRANTS**2, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, classes)
        )
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, face: Tensor) -> Tensor:
        """Logits, float32 [batch, classes]."""
        maps = self.features(local_contrast(face.float() / self.SPREAD))
        quadrants = F.max_pool2d(maps, maps.shape[-1] // QUADRANTS)
        logits: Tensor = self.head(torch.flatten(quadrants, 1))
        return logits


def local_contrast(face: Tensor) -> Tensor:
    """Faces [batch, 1, side, side] less the mean of the 5 x 5 px around each, of those in the picture."""
    return face - F.avg_pool2d(face, WINDOW, 1, WINDOW // 2, count_include_pad=False)
