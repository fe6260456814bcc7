"""What networks that were trained before see in the training images: to be learnt beside the votes."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.train.mien import Faces, predict, trained


def seen_by(folder: Path, faces: Faces) -> Tensor:
    """What the network of a run sees in these faces, float32 [n, classes].

    Probabilities, on average over both crops and their mirror images. That takes minutes, so it is kept in the run's
    folder, and made anew once the weights are newer.
    """
    kept, weights = folder / "seen.npy", folder / "checkpoint.pt"
    if kept.exists() and kept.stat().st_mtime > weights.stat().st_mtime:
        found = np.load(kept, allow_pickle=False)
        if len(found) == len(faces.labels):
            return torch.from_numpy(found)
    views = [view for crop in (faces.aligned, faces.raw) for view in (crop, crop.flip(-1))]
    teacher = trained(folder)
    seen = torch.stack([torch.from_numpy(predict(teacher, view)).softmax(1) for view in views]).mean(0)
    np.save(kept, seen.numpy())
    return seen
