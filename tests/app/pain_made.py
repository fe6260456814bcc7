"""Faces with pain readings made by hand: the canonical mesh, with the score and the units that a test wants."""

from dataclasses import replace
from functools import cache

import numpy as np

from core.action_units import UNITS, ActionUnits, compare, read
from core.action_units.estimate import PLACES
from core.action_units.fitted import fitted
from core.pain_network import agree
from core.pspi import PainReading, Part, Score
from core.types import Explanation, FaceObservation, NetworkPain
from tests.app.gui_fakes import make_face, make_regions

PX = 60  # between the eyes


@cache
def mesh(x=200.0):
    """The canonical face from the front as a mesh, px."""
    return (fitted().points * PX + (x, 180, 0)).astype(np.float32)


def units(**values):
    """Action units by name, `au4=3.0`, alike on both sides."""
    both = np.zeros(len(UNITS), np.float32)
    for name, value in values.items():
        both[PLACES[int(name[2:])]] = value
    return ActionUnits(both, both.copy())


def make_reading(score=None, reason=None, neutral=None, landmarks=None, **values):
    """A reading with this score, most of it brow; or with a reason in place of one."""
    seen = read(mesh() if landmarks is None else landmarks)
    parts = (Part(4, min(score or 0.0, 5.0)), Part(7, min(max((score or 0) - 5, 0), 5)), Part(9, 0.0), Part(43, 0.0))
    made = None if score is None else Score(parts, max(score - 1.5, 0.0), min(score + 1.5, 16.0))
    return PainReading(units(**values), compare(seen, neutral), made, 0.8 if made else 0.0, reason, seen, neutral)


def make_pained(score=None, reason=None, face_id=1, x=200.0, neutral=None, network=None, **values):
    """A face with such a reading, and with a score by the network if that is asked for."""
    reading = make_reading(score, reason, neutral, **values)
    face = replace(make_face(face_id), observation=FaceObservation(mesh(x), 0.98, face_id), pain=reading)
    return face if network is None else replace(face, pain_by_network=make_network(reading, network))


def make_network(reading, pspi):
    """What a network reads: all of it brow, from the middle of the crop."""
    regions = make_regions(glabella=0.8)
    relevance = np.zeros((48, 48), np.float32)
    relevance[12:18, 20:28] = 0.04
    explanation = Explanation(relevance, "lrp", "PSPI", None, pspi, 0.0, 0.02, "point")
    parts = np.array([pspi, 0, 0, 0], np.float32)
    return NetworkPain("a 1.0", "nothing", parts, pspi, agree(reading, pspi, regions), explanation, regions, True)
