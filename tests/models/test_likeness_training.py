"""What the model of look-alikes, and that of covers, learn from."""

import numpy as np
import pytest

from core.action_units import UNITS
from core.action_units.estimate import PLACES
from core.action_units.fitted import fitted
from core.deformations import MAX_STRENGTH
from core.likeness import LEARNT
from models.data import emfacs
from models.data.courses import FRAMES, KINDS, PAIN, commands
from models.data.covers import COVERS
from models.train.covering import logistic
from models.train.likeness import PAIN_FROM, Faces, learn, plain_pspi


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_shows_what_its_kind_is_made_of_within_the_scale(kind):
    told = commands(kind, np.random.default_rng(0))

    assert len(told) == FRAMES
    assert {au for command in told for au in command.strengths} <= set(KINDS[kind])
    strengths = [strength for command in told for strength in command.strengths.values()]
    assert all(0 <= strength <= MAX_STRENGTH for strength in strengths)


def truth(kind, seed):
    return np.array([command.truth for command in commands(kind, np.random.default_rng(seed))])


@pytest.mark.parametrize("seed", range(6))
def test_pain_rises_from_nothing_to_a_score_that_counts(seed):
    pspi = plain_pspi(truth(PAIN, seed).astype(np.float32))

    assert pspi[0] < 1
    assert pspi[-1] >= PAIN_FROM


def test_speech_opens_and_shuts_the_mouth_and_a_yawn_opens_it():
    def turns(kind):
        way = np.sign(np.diff(truth(kind, 1)[:, PLACES[25]]))
        return np.count_nonzero(np.diff(way[way != 0]))

    assert turns("speech") >= 3
    assert turns("yawn") == 0


def test_weak_labels_weigh_those_that_show_a_unit_like_those_that_lack_it():
    votes = np.zeros((30, 10), np.uint8)
    votes[:10, emfacs.HAPPINESS], votes[10:, emfacs.NEUTRAL] = 10, 10
    strengths, weights = emfacs.told(12, votes)

    assert weights.sum() == pytest.approx(1)
    assert strengths[0] == 3.5
    assert (strengths[10:] == 0).all()
    assert emfacs.told(26, votes)[1].sum() == 0  # EMFACS tells nothing of this one here


def test_faces_that_people_disagree_about_tell_nothing():
    votes = np.zeros((3, 10), np.uint8)
    votes[0, emfacs.ANGER] = 9
    votes[1, :8] = 1
    votes[2, emfacs.ANGER] = 3

    assert emfacs.agreed(votes, 5, np.random.default_rng(0)).tolist() == [0]


@pytest.mark.parametrize("own", [False, True])
def test_the_model_learns_which_unit_tells_groups_apart(own):
    generator = np.random.default_rng(0)
    by_norm, by_own = generator.uniform(0, 5, (2, 200, len(UNITS))).astype(np.float32)
    is_pain = (by_own if own else by_norm)[:, PLACES[4]] > 2.5
    faces = [
        Faces(
            "a", str(side), side, by_norm[is_pain == side], by_own[is_pain == side], np.zeros((is_pain == side).sum())
        )
        for side in (True, False)
    ]
    weights, _ = learn(faces)

    assert np.argmax(weights) == LEARNT.index(4) + (len(LEARNT) if own else 0)


def test_logistic_regression_finds_the_odds_it_was_drawn_from():
    generator = np.random.default_rng(1)
    features = generator.normal(size=(20_000, 2))
    odds = 1.5 * features[:, 0] - 0.5 * features[:, 1]
    drawn = generator.random(len(odds)) < 1 / (1 + np.exp(-odds))

    assert logistic(features, drawn, 0.0) == pytest.approx([1.5, -0.5, 0], abs=0.06)


@pytest.mark.parametrize("name", COVERS)
def test_a_cover_hides_an_eye_and_leaves_the_chin(name):
    landmarks = (fitted().points * 16 + (24, 18, 0)).astype(np.float32)
    image = np.random.default_rng(0).integers(0, 255, (48, 48), np.uint8)
    covered = COVERS[name](image, landmarks, np.random.default_rng(3))
    changed = covered != image
    eyes = [np.round(landmarks[list(pair), :2].mean(axis=0)).astype(int) for pair in ((33, 133), (362, 263))]

    assert covered.shape == image.shape
    assert any(changed[y - 1 : y + 2, x - 1 : x + 2].all() for x, y in eyes)
    assert not changed[-4:].all()
