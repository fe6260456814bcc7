"""Learning what moved skin tells of units: on made changes, of which is known what they come from."""

import numpy as np
import pytest

pytest.importorskip("torch")

from core.action_units import UNITS, read
from core.action_units.estimate import PLACES
from core.action_units.fitted import fitted
from core.action_units.measures import MEASURES
from core.action_units.motion import MOTIONS
from core.action_units.network import scaled
from models.train import skin_motion
from models.train.skin_motion import Moved, against_rest, learn, together

FEATURES = len(MEASURES) + MOTIONS


@pytest.fixture
def made(monkeypatch) -> Moved:
    """Two units that move skin, where both together move less than their sum."""
    monkeypatch.setattr(skin_motion, "EPOCHS", 6)
    monkeypatch.setattr(skin_motion, "HIDDEN", 8)
    generator = np.random.default_rng(0)
    strengths = np.zeros((1500, len(UNITS)), np.float32)
    strengths[:, [PLACES[4], PLACES[43]]] = generator.uniform(0, 5, (1500, 2))
    brow, lids = strengths[:, PLACES[4]], strengths[:, PLACES[43]]
    change = generator.normal(0, 0.002, (1500, 2, FEATURES))
    change[:, :, :20] += brow[:, None, None] * 0.01
    change[:, :, 10:40] += np.maximum(lids - brow / 2, 0)[:, None, None] * 0.01
    change[:, :, 40:60] += lids[:, None, None] * 0.01
    turned_only = np.zeros(1500, bool)
    return Moved(scaled(change, 1.0).astype(np.float32), strengths, turned_only, np.arange(1500) % 10)


def test_units_that_do_not_add_up_are_told_apart(made):
    found = learn(made)
    shown = found.raw(made.inputs[:, :, :FEATURES].astype(np.float64), 1.0).mean(axis=1)

    for au in (4, 43):
        assert np.corrcoef(shown[:, PLACES[au]], made.strengths[:, PLACES[au]])[0, 1] > 0.99


def test_a_blink_is_read_as_closed_eyes_are(made):
    found = learn(made)

    assert (found.direct[:, PLACES[45]] == found.direct[:, PLACES[43]]).all()
    assert (found.out[:, PLACES[45]] == found.out[:, PLACES[43]]).all()


def test_learning_twice_gives_the_same(made):
    assert (learn(made).hidden == learn(made).hidden).all()


def test_readings_without_a_picture_take_no_part():
    landmarks = (fitted().points * 60 + (150, 130, 0)).astype(np.float32)
    picture = np.random.default_rng(0).integers(0, 255, (300, 300), np.uint8)
    pictured, bare = read(landmarks, picture), read(landmarks)
    truth = np.eye(3, len(UNITS))

    found = together([against_rest(7, pictured, [pictured, bare, pictured], truth, (3, 0))] * 2)

    assert found.strengths.tolist() == [*truth[[0, 2]].tolist()] * 2
    assert not found.inputs.any()  # nothing moved
    assert found.person.tolist() == [7] * 4
