"""Learn units from what moved since the own neutral face: ``python -m models.train.skin_motion --data ../shared/data``.

Neutral FER+ faces are shown with units of known strength, alone, in mixtures and under a turned head, and turned alone;
what is read of each against the face's own neutral picture goes into `core.action_units.network`. Rendering takes half
an hour and is kept in the cache. ``--folds`` says how well faces are read that were left out: what was chosen here
(width, noise, weights) was chosen by that. Run ``python -m models.train.action_units`` first, for the mean face.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.action_units import UNITS, Reading, compare
from core.action_units.estimate import PLACES
from core.action_units.network import FILE, Network, network, scaled
from core.action_units.pose import posed
from core.deformations import MAX_STRENGTH
from core.geometry import Floats, Image
from core.stimulus import Puppet
from models.data import ferplus
from models.data.stimuli import Command, show, turned
from models.train.action_units import MOVED_DEG, NEUTRAL_VOTES, TURN_DEG, commands, enlarged

Numbers = NDArray[np.float64]

# What goes into PSPI, and what is taken for it: shown more often than the other units, and counted more.
STIMULI: Final = ((4,), (6, 7), (9,), (10,), (12,), (25,), (26,), (43,))
SINGLE: Final = ((6, 7), (10,), (43,), (9,), (4,), (12,), (25,))
MIXED: Final = 10  # of two or three of them, per face
MOST_FACES: Final = 400  # to be chosen from
TURNED: Final = 8  # heads at rest that turn anyhow, and as many that show something meanwhile
TURNS: Final = ((-35, 0), (35, 0), (20, 0), (0, -25), (0, 25))  # and these, yaw and pitch, degrees
STRAIGHT_DEG: Final = 12.0  # yaw of a face up to which its picture can be turned further
MEASURED_DEG: Final = 30.0  # turns that pain is measured under, `core.quality`

NETWORKS: Final = 3  # whose mean is one network
HIDDEN: Final = 64  # of each
EPOCHS: Final = 40
BATCH: Final = 128
RATE: Final = 2e-3
DECAY: Final = 1e-4
RIDGE: Final = 0.01  # of the linear part that learning begins with
NOISE: Final = 0.1  # added to what is read, root mean squares
BEYOND: Final = 0.2  # how much it counts to read less than nothing as nothing, and more than 5 as 5
OF_PSPI: Final = 2.0  # weight of the units of PSPI
AT_REST: Final = 4.0  # and of heads that only turn


@dataclass(frozen=True)
class Moved:
    """Faces against their own neutral pictures.

    Attributes
    ----------
    inputs
        float32 [n, 2, inputs] of the network.
    strengths
        float32 [n, units].
    turned_only
        bool [n]: the head has turned, and nothing else happens.
    person
        int64 [n].
    """

    inputs: Floats
    strengths: Floats
    turned_only: NDArray[np.bool_]
    person: NDArray[np.int64]

    def part(self, chosen: NDArray[np.bool_]) -> "Moved":
        """Some of them."""
        return Moved(self.inputs[chosen], self.strengths[chosen], self.turned_only[chosen], self.person[chosen])


def main() -> None:
    """Gather, learn, write."""
    parser = argparse.ArgumentParser(prog="python -m models.train.skin_motion", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_train.npz")
    parser.add_argument("--cache", type=Path, default=Path("models/cache"), help="folder for meshes and moved faces")
    parser.add_argument("--faces", type=int, default=280, help="neutral faces that the stimulus moves")
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--folds", type=int, default=0, help="leave a share of the faces out at a time, and report")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    kept = arguments.cache / f"moved_faces_{arguments.faces}_{arguments.seed}.npz"
    if not kept.exists():
        split = ferplus.load(arguments.data, "train", arguments.cache)
        found = together(gathered(split, neutral_faces(split, arguments.faces, arguments.seed)))
        np.savez(kept, **vars(found))
    with np.load(kept, allow_pickle=False) as file:
        moved = Moved(**{name: file[name] for name in Moved.__dataclass_fields__})
    print(f"{len(np.unique(moved.person))} people, {len(moved.inputs)} pictures", flush=True)
    if arguments.folds:
        report(moved, arguments.folds)
    learnt = learn(moved)
    np.savez_compressed(FILE, **vars(learnt))
    network.cache_clear()


def neutral_faces(split: ferplus.FerPlus, count: int, seed: int) -> list[int]:
    """So many faces that most people call neutral, seen more or less from the front."""
    neutral = np.flatnonzero(split.found & (split.votes[:, 0] >= NEUTRAL_VOTES))
    straight = neutral[(np.abs(posed(split.landmarks[neutral]).angles_deg) < MOVED_DEG).all(axis=1)]
    shuffled = np.random.default_rng(seed).choice(straight, MOST_FACES, replace=False)
    return [int(face) for face in shuffled[:count]]


def gathered(split: ferplus.FerPlus, faces: list[int]) -> Iterable[Moved]:
    """Every face, moved; those in which no mesh is found are left out."""
    for count, face in enumerate(faces, start=1):
        found = enlarged(split.images[face])
        if found is not None:
            yield moved(face, *found)
        if count % 20 == 0:
            print(f"{count} faces moved", flush=True)


def moved(person: int, still: Image, landmarks: Floats) -> Moved:
    """One face, doing everything."""
    generator = np.random.default_rng(person)
    told = [*commands(generator), *_of_pspi(generator)]
    rest, *shown = show(still, landmarks, [Command(), *told])
    turns = [*(generator.uniform(-1, 1, (TURNED, 2)) * TURN_DEG).tolist(), *TURNS]
    resting = [turned(still, landmarks, *turn) for turn in turns]
    acting = list(_turned_and_acting(still, landmarks, generator))
    readings = [*shown, *resting, *(reading for reading, _ in acting)]
    truth = [each.truth for each in (*told, *[Command()] * len(resting), *(command for _, command in acting))]
    return against_rest(person, rest, readings, np.stack(truth), (len(shown), len(resting)))


def _of_pspi(generator: np.random.Generator) -> list[Command]:
    single = [Command(dict.fromkeys(units, float(generator.uniform(0.5, MAX_STRENGTH)))) for units in SINGLE]
    return [*single, *(_mixture(generator, count) for count in generator.integers(2, 4, MIXED))]


def _mixture(generator: np.random.Generator, count: int) -> Command:
    chosen = generator.choice(len(STIMULI), count, replace=False)
    strengths = generator.uniform(0, MAX_STRENGTH, count).tolist()
    return Command({au: strength for k, strength in zip(chosen, strengths, strict=True) for au in STIMULI[k]})


def _turned_and_acting(
    still: Image, landmarks: Floats, generator: np.random.Generator
) -> Iterable[tuple[Reading, Command]]:
    puppet = Puppet(still, landmarks)
    for _ in range(TURNED):
        command = _mixture(generator, int(generator.integers(1, 4)))
        places = np.column_stack([puppet.landmarks(command.strengths), landmarks[:, 2]]).astype(np.float32)
        yaw_deg, pitch_deg = (generator.uniform(-1, 1, 2) * TURN_DEG).tolist()
        yield turned(puppet.render(command.strengths), places, yaw_deg, pitch_deg), command


def against_rest(person: int, rest: Reading, readings: list[Reading], truth: Numbers, counts: tuple[int, int]) -> Moved:
    """What moved in readings: so many from the front, then so many that only turned, then others that turned.

    Turned pictures count where the still was seen from the front, and not beyond what is measured.
    """
    place = np.arange(len(readings))
    front, turned_only = place < counts[0], (place >= counts[0]) & (place < sum(counts))
    straight = abs(rest.posed.angles_deg[0]) <= STRAIGHT_DEG
    seen = np.array([np.linalg.norm(each.posed.angles_deg) < MEASURED_DEG for each in readings])
    used = [k for k in place if readings[k].flat is not None and (front[k] or (straight and seen[k]))]
    made = [compare(readings[k], rest) for k in used]
    inputs = np.stack([scaled(each.change, each.eyes) for each in made]).astype(np.float32)
    return Moved(inputs, truth[used].astype(np.float32), turned_only[used], np.full(len(used), person))


def together(faces: Iterable[Moved]) -> Moved:
    """All of them as one."""
    return Moved(*map(np.concatenate, zip(*(vars(face).values() for face in faces), strict=True)))


class Learner(nn.Module):
    """`Network` while it learns: on inputs scaled to their root mean square."""

    def __init__(self, direct: Floats) -> None:
        super().__init__()
        inputs, units = direct.shape
        self.direct = nn.Parameter(torch.from_numpy(direct))
        bound = inputs**-0.5
        self.hidden = nn.Parameter(torch.empty(inputs, HIDDEN).uniform_(-bound, bound))
        self.out = nn.Parameter(torch.zeros(HIDDEN, units))

    def forward(self, inputs: Tensor) -> Tensor:
        """Units before they are cut."""
        shown: Tensor = inputs @ self.direct + torch.relu(inputs @ self.hidden) @ self.out
        return shown


def learn(faces: Moved) -> Network:
    """The mean of some networks that began differently, as one."""
    scale = np.sqrt(np.square(faces.inputs).mean(axis=(0, 1))) + 1e-6
    begun = _ridge(faces, scale)
    learnt = [_learnt(faces, scale, begun, seed) for seed in range(NETWORKS)]
    direct = np.mean([each.direct.detach().numpy() for each in learnt], axis=0) / scale[:, None]
    hidden = np.concatenate([each.hidden.detach().numpy() for each in learnt], axis=1) / scale[:, None]
    out = np.concatenate([each.out.detach().numpy() for each in learnt]) / NETWORKS
    for place, unit in enumerate(UNITS):
        if unit.like is not None:
            for weights in (direct, out):
                weights[:, place] = weights[:, PLACES[unit.like]]
    return Network(*(each.astype(np.float32) for each in (direct, hidden, out)))


def _ridge(faces: Moved, scale: Floats) -> Floats:
    """The weighted sum that learning begins with, on scaled inputs: float32 [inputs, units]."""
    weight = _weights(faces)
    inputs = (faces.inputs / scale).astype(np.float64).reshape(-1, len(scale))
    weighted = inputs * np.repeat(weight, 2)[:, None] / (2 * weight.sum())
    products = weighted.T @ inputs + RIDGE * np.eye(len(scale))
    return np.linalg.solve(products, weighted.T @ np.repeat(faces.strengths, 2, axis=0)).astype(np.float32)


def _weights(faces: Moved) -> Floats:
    return np.where(faces.turned_only, AT_REST, 1.0).astype(np.float32)


def _learnt(faces: Moved, scale: Floats, begun: Floats, seed: int) -> Learner:
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    learner = Learner(begun.copy())
    inputs, truth = torch.from_numpy(faces.inputs / scale), torch.from_numpy(faces.strengths)
    weight = torch.from_numpy(_weights(faces))
    of_unit = torch.tensor([OF_PSPI if unit.au in (4, 6, 7, 9, 10, 43) else 1.0 for unit in UNITS])
    optimiser = torch.optim.Adam(learner.parameters(), RATE)
    batches = len(inputs) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=EPOCHS * batches)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(inputs), generator=generator)[: batches * BATCH].view(batches, BATCH):
            seen = inputs[chosen]
            sides = learner(seen + NOISE * torch.randn(seen.shape, generator=generator))
            error = _squares(sides, truth[chosen][:, None]).mean(dim=1) / 2
            error = error + _squares(sides.mean(dim=1), truth[chosen])
            size = sum((each**2).sum() for each in learner.parameters())
            loss = ((error @ of_unit) * weight[chosen]).mean() / len(UNITS) + DECAY * size
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return learner


def _squares(shown: Tensor, truth: Tensor) -> Tensor:
    """Squared errors; what the scale's ends cut off anyway counts little."""
    beyond = ((truth <= 0) & (shown < truth)) | ((truth >= MAX_STRENGTH) & (shown > truth))
    return torch.where(beyond, BEYOND * (shown - truth), shown - truth) ** 2


def report(faces: Moved, folds: int) -> None:
    """Print, over faces left out, each unit's correlation with its strength, and what turned heads are taken for."""
    people = np.random.default_rng(0).permutation(np.unique(faces.person))
    shown = np.zeros_like(faces.strengths)
    for fold in range(folds):
        left_out = np.isin(faces.person, people[fold::folds])
        found = learn(faces.part(~left_out))
        inputs = faces.inputs[left_out]
        sides = inputs @ found.direct + np.maximum(inputs @ found.hidden, 0) @ found.out
        shown[left_out] = np.clip(sides, 0, MAX_STRENGTH).mean(axis=1)
    acting, turned_only = shown[~faces.turned_only], shown[faces.turned_only]
    for place, unit in enumerate(UNITS):
        correlation = np.corrcoef(acting[:, place], faces.strengths[~faces.turned_only, place])[0, 1]
        print(f"AU{unit.au:<3} {unit.name:24} {correlation:.3f}, turned head {turned_only[:, place].mean():.2f}")


if __name__ == "__main__":
    main()
