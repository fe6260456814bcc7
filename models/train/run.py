"""A training run in a folder: its state, its log, and how it goes on where it stopped."""

import copy
import csv
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)


def averaged_weights(folder: Path) -> dict[str, Tensor]:
    """The weight average of the run in a folder. It is our own file, read without unpickling objects."""
    average: dict[str, Tensor] = torch.load(folder / "checkpoint.pt", weights_only=True)["average"]
    return average


class Run(Generic[N]):
    """A network that learns, its moving average, and their checkpoint.

    Parameters
    ----------
    folder
        Of the checkpoint and of log.csv.
    network
        Fresh; a checkpoint in the folder replaces its weights.
    optimizer, schedule
        Of that network; the schedule is stepped once per step, or None.
    average_decay
        Of the weight average, per step; with 0 the network is its own average.
    """

    def __init__(
        self,
        folder: Path,
        network: N,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler | None,
        seed: int,
        average_decay: float,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.epoch = folder, 0
        self.network, self.optimizer, self.schedule = network, optimizer, schedule
        self.average = copy.deepcopy(network) if average_decay else network
        self.generator = torch.Generator().manual_seed(seed)
        self._decay = average_decay

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
            "schedule": {} if self.schedule is None else self.schedule.state_dict(),
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
        for name in ("network", "average", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        self.epoch = state["epoch"]
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        print(f"going on after epoch {self.epoch}")

    def step(self, loss: Tensor, largest: float | None = None) -> None:
        """One step down this loss, of optimizer, schedule and average; a gradient above `largest` is shortened to it.

        RuntimeError for a loss that is no number: the checkpoint before it is still good.
        """
        if not torch.isfinite(loss):
            raise RuntimeError(f"The loss is {loss.item()} in epoch {self.epoch + 1}; training stops here.")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if largest is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), largest)
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()
        self._follow()

    @torch.no_grad()
    def _follow(self) -> None:
        """Let the average follow the weights and the statistics of batch norm."""
        if self.average is self.network:
            return
        for mine, theirs in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mine.lerp_(theirs, 1 - self._decay)
        for kept, current in zip(self.average.buffers(), self.network.buffers(), strict=True):
            if kept.dtype.is_floating_point:
                kept.lerp_(current, 1 - self._decay)
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
