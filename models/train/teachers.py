"""What networks that were trained before see in the training images: to be learnt beside the votes."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.networks.mien import Mien, MienConfig
from models.train.mien import Faces, predict
from models.train.run import averaged_weights


def teacher_of(folder: Path) -> Mien:
    """The network of a run, gated or not, with its averaged weights."""
    weights = averaged_weights(folder)
    network = Mien(MienConfig(gated=any(name.startswith("gate.") for name in weights)))
    network.load_state_dict(weights)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


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
    teacher = teacher_of(folder)
    seen = torch.stack([torch.from_numpy(predict(teacher, view)).softmax(1) for view in views]).mean(0)
    np.save(kept, seen.numpy())
    return seen
