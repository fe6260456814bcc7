"""Train the default network: ``python -m models.train --data ../shared/data --run models/runs/mien-s``.

Checkpoints after every epoch; the same command goes on where it stopped. ``--export`` turns a finished run into a pack.
"""

import argparse
import copy
import csv
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from core.geometry import Alignment, Floats
from core.verification.scores import fit_temperature, score
from models.data import ferplus
from models.export.card import TrainingFacts
from models.export.pack import export_pack
from models.networks.mien import Mien, MienConfig, multiply_adds
from models.train.augment import augment

# Mean places of eyes and mouth over the training images where the mesh finds a face, made symmetric: an aligned crop
# shows, on average, what a raw one shows.
ALIGNMENT = Alignment(48, right_eye=(0.325, 0.3825), left_eye=(0.675, 0.3825), mouth=(0.5, 0.764))
BATCH = 128
PEAK_RATE = 0.15
WEIGHT_DECAY = 5e-4
AVERAGE_DECAY = 0.998  # of the weight average, per step
BALANCE = 0.25  # images of a class are drawn with weight (class count) ** -BALANCE
ALIGNED_SHARE = 0.6  # of the training views come from the aligned crop, the others from the raw one


class Faces:
    """One split as tensors: aligned and raw crops uint8 [n, 1, size, size], and the votes' distribution."""

    def __init__(self, split: ferplus.FerPlus) -> None:
        distribution, kept = ferplus.soft_labels(split.votes)
        self.labels = ferplus.majority_labels(split.votes)
        self.aligned = torch.from_numpy(split.crops(ALIGNMENT))[:, None]
        self.raw = torch.from_numpy(split.images)[:, None]
        self.distribution = torch.from_numpy(distribution)
        self.kept = torch.from_numpy(np.flatnonzero(kept))

    def draw(self, generator: torch.Generator) -> Tensor:
        """Indices of one epoch, as many as there are images, rare classes more often."""
        classes = self.distribution[self.kept].argmax(1)
        weight = torch.bincount(classes).float()[classes] ** -BALANCE
        return self.kept[torch.multinomial(weight, len(self.kept), replacement=True, generator=generator)]

    def batch(self, chosen: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Augmented faces float32 [n, 1, size, size] and their distributions [n, classes]."""
        aligned = torch.rand(len(chosen), 1, 1, 1, generator=generator) < ALIGNED_SHARE
        faces = torch.where(aligned, self.aligned[chosen], self.raw[chosen]).float()
        return augment(faces, generator), self.distribution[chosen]


@torch.no_grad()
def predict(network: Mien, faces: Tensor) -> Floats:
    """Logits float32 [n, classes] in fp32, one pass."""
    network.eval()
    return torch.cat([network(part) for part in torch.split(faces, 256)]).numpy()


class Run:
    """A training run in a folder: its state, its log, and how to go on."""

    def __init__(self, folder: Path, config: MienConfig, epochs: int, steps_per_epoch: int, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        self.folder, self.epochs, self.epoch = folder, epochs, 0
        self.network = Mien(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=PEAK_RATE, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, PEAK_RATE, epochs=epochs, steps_per_epoch=steps_per_epoch, pct_start=0.2
        )
        self.generator = torch.Generator().manual_seed(seed)

    @property
    def checkpoint(self) -> Path:
        """Where the state lies."""
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        """Write the whole state, so that a stop loses one epoch at most."""
        state = {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
        }
        torch.save(state, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one. It is our own file, read without unpickling objects."""
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        for name in ("network", "average", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])
        self.epoch = state["epoch"]
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        print(f"going on after epoch {self.epoch} of {self.epochs}")

    def step(self, faces: Tensor, distribution: Tensor) -> float:
        """One step of soft-vote cross-entropy; returns the loss."""
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network(faces.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), distribution)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.schedule.step()
        self._follow()
        return loss.item()

    @torch.no_grad()
    def _follow(self) -> None:
        """Let the average follow the weights, and copy what is no weight (batch norm's statistics)."""
        for mine, theirs in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mine.lerp_(theirs, 1 - AVERAGE_DECAY)
        for kept, current in zip(self.average.buffers(), self.network.buffers(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(current, 1 - AVERAGE_DECAY)
            else:
                kept.copy_(current)

    def log(self, row: dict[str, float]) -> None:
        """Append a row to the run's table and print it."""
        path = self.folder / "log.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow({key: f"{value:.5g}" for key, value in row.items()})
        print("  ".join(f"{key} {value:.4g}" for key, value in row.items()), flush=True)


def train(run: Run, train_faces: Faces, valid_faces: Faces) -> None:
    """Train until the run's last epoch."""
    run.resume()
    while run.epoch < run.epochs:
        started = time.monotonic()
        losses = []
        for chosen in torch.split(train_faces.draw(run.generator), BATCH)[: run.schedule.total_steps // run.epochs]:
            losses.append(run.step(*train_faces.batch(chosen, run.generator)))
        run.epoch += 1
        run.save()
        row = {"epoch": run.epoch, "loss": float(np.mean(losses)), "seconds": time.monotonic() - started}
        for name, faces in (("aligned", valid_faces.aligned), ("raw", valid_faces.raw)):
            scores = score(predict(run.average, faces), valid_faces.labels)
            row |= {f"{name}_accuracy": scores.accuracy, f"{name}_recall": scores.mean_recall}
        run.log(row)


def main() -> None:
    """Train, then print what the pack's card needs."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_train.npz and ferplus_valid.npz")
    parser.add_argument("--run", type=Path, default=Path("models/runs/mien-s"), help="folder of checkpoint and log")
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for fitted meshes")
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--export", type=Path, help="write the finished run as a pack into this folder")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    train_split = ferplus.load(arguments.data, "train", arguments.cache)
    valid_split = ferplus.load(arguments.data, "valid", arguments.cache)
    print(f"aligned: {train_split.found.sum()} of {len(train_split.images)} training images,", end=" ")
    print(f"{valid_split.found.sum()} of {len(valid_split.images)} validation images; the others are taken whole")
    train_faces, valid_faces = Faces(train_split), Faces(valid_split)

    config = MienConfig(size=ALIGNMENT.size, classes=len(ferplus.CLASSES))
    run = Run(arguments.run, config, arguments.epochs, len(train_faces.kept) // BATCH, arguments.seed)
    parameters = sum(p.numel() for p in run.network.parameters())
    print(f"{parameters / 1e6:.2f} M parameters, {multiply_adds(run.average, config.size) / 1e6:.1f} M multiply-adds")
    train(run, train_faces, valid_faces)

    logits = predict(run.average, valid_faces.aligned)
    labelled = valid_faces.labels >= 0
    temperature = fit_temperature(logits[labelled], valid_faces.labels[labelled])
    print(f"temperature {temperature:.3f}:", score(logits, valid_faces.labels, temperature))
    if arguments.export:
        facts = TrainingFacts(
            images=len(train_split.images),
            trained_on=len(train_faces.kept),
            with_mesh=int(train_split.found.sum()),
            valid_images=len(valid_split.images),
            valid_with_mesh=int(valid_split.found.sum()),
            epochs=run.epochs,
            seed=arguments.seed,
            parameters=parameters,
            multiply_adds=multiply_adds(run.average, config.size),
            temperature=temperature,
            uncalibrated_error=score(logits, valid_faces.labels).calibration_error,
        )
        export_pack(run.average, arguments.export, valid_split, ALIGNMENT, facts)


if __name__ == "__main__":
    main()
