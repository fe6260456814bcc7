"""Neutral faces that somebody has named as such: what pain and landmark networks compare a face with.

A baseline is set by a person and by nothing else. One that is taken by itself, as the commonest expression, would erase
the pain of somebody who is always in pain. What was set is kept with its time, is shown, and can be undone.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from core.action_units import UNITS, Reading, estimate
from core.action_units.measures import measured
from core.action_units.pose import Posed
from core.errors import BaselineInvalid, ExportError
from core.geometry import Floats, frozen
from core.shape import normalised

_FACTS: Final = ("person", "start_s", "end_s", "frames", "set_at")
_POSED: Final = ("points", "rotation", "scale", "origin", "centre")

DOUBTFUL: Final = 2.0  # intensity from which a neutral face is asked about: two and a half spreads of people at rest


@dataclass(frozen=True)
class Baseline:
    """One person's face at rest.

    Attributes
    ----------
    person
        Who it is, as shown; the name of a face as long as nobody has given another.
    start_s, end_s
        The moment or interval of the source that it was taken from.
    frames
        How many frames it is the mean of.
    set_at
        When it was set, ISO 8601, UTC.
    reading
        What was measured, the mean over the frames; with the picture, laid flat, of the frame in the middle, in which
        the skin's motion is followed. That picture is held in memory alone and goes into no file.
    shape
        float32 [478, 3]: the mean normalised shape, see `core.shape`.
    """

    person: str
    start_s: float
    end_s: float
    frames: int
    set_at: str
    reading: Reading
    shape: Floats

    def __post_init__(self) -> None:
        if self.shape.shape != (478, 3) or self.reading.posed.points.shape != (478, 3):
            raise ValueError(f"a neutral face has landmarks [478, 3], got a shape {self.shape.shape}")
        object.__setattr__(self, "shape", frozen(self.shape))

    @property
    def doubts(self) -> tuple[int, ...]:
        """Units that this face shows by the population's norm, strongest first: to be asked about before it is set.

        A face need not be at rest because somebody calls it neutral; whoever sets it decides.
        """
        units = estimate(self.reading).both
        order = np.argsort(-units, kind="stable")
        return tuple(UNITS[place].au for place in order if units[place] >= DOUBTFUL)

    def document(self) -> dict[str, object]:
        """Where it is from, for files."""
        return {name: getattr(self, name) for name in _FACTS}

    def write(self, path: Path) -> None:
        """Keep it in a file: numbers that a face can be drawn from, but no picture. Raises ExportError."""
        reading, posed = self.reading, self.reading.posed
        arrays = {name: np.asarray(getattr(posed, name)) for name in _POSED}
        cells = np.zeros((0,), np.float32) if reading.cells is None else reading.cells
        facts = np.frombuffer(json.dumps(self.document()).encode(), np.uint8)
        try:
            with path.open("wb") as file:
                np.savez_compressed(file, facts=facts, shape=self.shape, cells=cells, **arrays)
        except OSError as error:
            raise ExportError(f"'{path}' cannot be written: {error.strerror or error}.") from error

    @classmethod
    def read(cls, path: Path) -> "Baseline":
        """One that was kept. BaselineInvalid where the file holds none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                found = {name: file[name] for name in ("facts", "shape", "cells", *_POSED)}
            facts = json.loads(found["facts"].tobytes())
            posed = Posed(**{name: found[name] for name in _POSED})
            cells = found["cells"] if found["cells"].size else None
            return cls(
                **{name: facts[name] for name in _FACTS},
                reading=Reading(posed, measured(posed.points), cells),
                shape=found["shape"],
            )
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise BaselineInvalid(f"'{path}' holds no neutral face that was kept: {error}.") from error


def baseline(person: str, seen: Sequence[tuple[float, Floats, Reading]], set_at: str) -> Baseline:
    """The mean of what was seen of a face while it was at rest.

    Parameters
    ----------
    seen
        Per frame its time, landmarks float32 [478, 3] in px, and what was read of them; one frame is enough.
    set_at
        ISO 8601, UTC.
    """
    if not seen:
        raise ValueError(f"a baseline of {person} needs at least one frame, got none")
    times = [timestamp_s for timestamp_s, _, _ in seen]
    shape = normalised(np.stack([landmarks for _, landmarks, _ in seen])).mean(axis=0, dtype=np.float64)
    mean = _mean([reading for _, _, reading in seen])
    return Baseline(person, min(times), max(times), len(seen), set_at, mean, shape.astype(np.float32))


def _mean(readings: Sequence[Reading]) -> Reading:
    """Mean of what was measured, with the pose and the picture of the frame in the middle."""
    middle = readings[len(readings) // 2]
    points = np.mean([each.posed.points for each in readings], axis=0)
    measures = np.mean([each.measures for each in readings], axis=0)
    cells = [each.cells for each in readings if each.cells is not None]
    mean_cells = np.mean(cells, axis=0, dtype=np.float64).astype(np.float32) if cells else None
    return Reading(replace(middle.posed, points=points), measures, mean_cells, middle.flat)


@dataclass(frozen=True)
class Change:
    """One explicit act: from here on a face is compared with this baseline, or, with None, with the norm again."""

    face_id: int
    baseline: Baseline | None


@dataclass(frozen=True)
class Baselines:
    """Everything that was set and undone, in order; a value, so that threads may share it.

    Attributes
    ----------
    changes
        The acts that hold; the newest about a face counts.
    """

    changes: tuple[Change, ...] = ()

    def of(self, face_id: int) -> Baseline | None:
        """The baseline of a face; None where the population's norm counts."""
        return next((each.baseline for each in reversed(self.changes) if each.face_id == face_id), None)

    def set(self, face_id: int, own: Baseline) -> "Baselines":
        """Somebody says that this is the face's neutral."""
        return Baselines((*self.changes, Change(face_id, own)))

    def cleared(self, face_id: int) -> "Baselines":
        """The face goes by the norm again; what it had can be had back with `undone`."""
        return Baselines((*self.changes, Change(face_id, None)))

    def undone(self) -> "Baselines":
        """As before the last act."""
        return Baselines(self.changes[:-1])

    @property
    def in_force(self) -> dict[int, Baseline]:
        """Every face that has a baseline, by its id: what is to be shown."""
        found = {each.face_id: self.of(each.face_id) for each in self.changes}
        return {face_id: own for face_id, own in sorted(found.items()) if own is not None}
