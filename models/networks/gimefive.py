"""GiMeFive as published: five plain blocks and three dense layers, six expressions (Wang & Kawka 2024, SCIENCE 1.4)."""

from typing import Final

import torch
from torch import Tensor, nn

SIZE: Final = 64
WIDTHS: Final = (64, 128, 256, 512, 1024)
PARAMETERS: Final = 10_478_086


class GiMeFive(nn.Module):
    """Grey faces uint8 or float [batch, 1, 64, 64] in 0..255 to logits [batch, 6].

    The published network takes the grey picture three times, as the channels of a colour picture; so does this one.
    """

    def __init__(self, classes: int = 6, dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for width in WIDTHS:
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            layers += [nn.MaxPool2d(2), nn.Dropout(dropout)]
            inputs = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(inputs, 2048), nn.ReLU(), nn.Linear(2048, 1024), nn.ReLU(), nn.Linear(1024, classes)
        )

    def forward(self, face: Tensor) -> Tensor:
        """Logits, float32 [batch, classes]."""
        coloured = ((face.float() - 127.5) / 127.5).expand(-1, 3, -1, -1)
        logits: Tensor = self.head(torch.mean(self.features(coloured), dim=(2, 3)))
        return logits
