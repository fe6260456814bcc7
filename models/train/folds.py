"""Ten folds of CK+ by subject: train on nine, read the tenth, and the published table of it (SCIENCE 1.2).

A fold is a run of its own in `fold-00` ... of the run's folder: it goes on where it stopped, and is not read again once
its `read.npz` is there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from core.verification.scores import score
from models.data.ck_plus import FOLDS, CkPlus, folds
from models.networks.zero_bias import ZeroBias
from models.train.zero_bias import Faces, Recipe, fresh_run, predict, steps_in, train

# As published throughout; how many epochs the paper trained is not known to us.
CK_PLUS: Final = Recipe(epochs=100, aligned_share=1.0, small_epochs=0, annealed_epochs=0, average_decay=0.0)
# What the paper reports, % (SCIENCE 1.2): variants that are not named there have no number here.
PUBLISHED: Final = {8: 95.1}


@dataclass(frozen=True)
class Table:
    """What ten folds gave.

    Attributes
    ----------
    accuracies
        Of each fold.
    confusion
        Pictures of all folds together, int64 [label, read].
    """

    classes: tuple[str, ...]
    accuracies: tuple[float, ...]
    confusion: NDArray[np.int64]

    @property
    def recall(self) -> tuple[float, ...]:
        """Share of each class that was read as itself; not a number where there is none of it."""
        counts = self.confusion.sum(axis=1)
        return tuple(
            float(right / n) if n else float("nan") for right, n in zip(self.confusion.diagonal(), counts, strict=True)
        )

    def lines(self) -> list[str]:
        """The table in words and figures."""
        mean, spread = np.mean(self.accuracies), np.std(self.accuracies, ddof=1)
        published = PUBLISHED.get(len(self.classes))
        rows = [
            f"mean accuracy over {len(self.accuracies)} folds  {mean:.1%}  (standard deviation {spread:.1%}; "
            f"published {'unknown to us' if published is None else f'{published} %'})",
            f"folds  {'  '.join(f'{each:.1%}' for each in self.accuracies)}",
        ]
        counts = self.confusion.sum(axis=1)
        width = max(map(len, self.classes))
        for name, n, share, row in zip(self.classes, counts, self.recall, self.confusion.tolist(), strict=True):
            read = ", ".join(f"{other} {k}" for other, k in zip(self.classes, row, strict=True) if k and other != name)
            mine = f"{share:6.1%} of {n:4d}" if n else "none there"
            rows.append(f"{name:<{width}}  {mine}" + (f"   read as {read}" if read else ""))
        return rows


def run_folds(
    data: CkPlus, folder: Path, recipe: Recipe, seed: int, make: Callable[[], ZeroBias], count: int = FOLDS
) -> Table:
    """Train and read every fold that is not read yet."""
    place = folds(data.subjects, count)
    accuracies, confusion = [], np.zeros((len(data.classes),) * 2, np.int64)
    for number in range(count):
        labels, logits = _fold(data, place == number, folder / f"fold-{number:02d}", recipe, seed, make)
        accuracies.append(score(logits, labels).accuracy)
        np.add.at(confusion, (labels, logits.argmax(axis=1)), 1)
        print(f"fold {number + 1} of {count}: {accuracies[-1]:.1%} of {len(labels)} pictures", flush=True)
    return Table(data.classes, tuple(accuracies), confusion)


def _fold(
    data: CkPlus, held_out: NDArray[np.bool_], folder: Path, recipe: Recipe, seed: int, make: Callable[[], ZeroBias]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Labels and logits of the pictures held out, by a network that never saw their subjects."""
    kept = folder / "read.npz"
    labels = data.labels[held_out]
    if not kept.exists():
        faces = _faces(data, ~held_out)
        run = fresh_run(folder, make, recipe, steps_in(faces, recipe), seed)
        train(run, recipe, faces)
        logits = predict(run.average, torch.from_numpy(data.images[held_out])[:, None])
        np.savez_compressed(kept, logits=logits, labels=labels)
    with np.load(kept, allow_pickle=False) as file:
        if not np.array_equal(file["labels"], labels) or file["logits"].shape[1] != len(data.classes):
            raise RuntimeError(f"{kept} was read from other data. Name another folder for the run, or remove this one.")
        return labels, file["logits"]


def _faces(data: CkPlus, chosen: NDArray[np.bool_]) -> Faces:
    labels = data.labels[chosen]
    distribution = torch.eye(len(data.classes))[torch.from_numpy(labels)]
    return Faces(torch.from_numpy(data.images[chosen])[:, None], None, distribution, labels, torch.arange(len(labels)))
