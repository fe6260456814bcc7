"""Pain on pictures and clips of people: what the page about it promises."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from core.action_units import read
from core.baselines import Baselines, baseline
from core.episodes import Alarms
from core.faces import FaceFinder
from core.opencv import cv2
from core.pain import PainReader, sample
from core.pspi import Look
from core.sources import open_source
from core.types import FaceObservation

SET_AT = "2026-01-01T00:00:00Z"
EVERY = 3  # frames of a clip
PAIRS = [f"{name}_Pain" for name in ("1100345860", "1101012621", "1110124850")]
OTHERS = [f"{name}_NoPain" for name in ("1000020580", "1001316340", "1010214830", "1011111140")]


@cache
def halves(folder, name):
    """A pair's picture, and the landmarks of its two halves: at rest, and not."""
    (path,) = folder.glob(f"{name}_*.jpg")
    image = np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), np.uint8)
    finder = FaceFinder()
    rest, other = sorted(finder.find(image), key=lambda face: face.box.x)
    finder.close()
    return image, rest.landmarks, other.landmarks


def still(image, landmarks, own=None):
    reader = PainReader(stills=True)
    if own is not None:
        reader.baselines = Baselines().set(1, baseline("A", [(0.0, own, read(own, image))], SET_AT))
    (reading,) = reader.read([FaceObservation(landmarks, 1.0, 1)], image, 0.0)
    return reading


@pytest.fixture(scope="module")
def pain(shared) -> Path:
    return shared / "media" / "pain"


@pytest.mark.parametrize("held", [True, False], ids=["own neutral face", "norm"])
@pytest.mark.parametrize("name", PAIRS)
def test_a_face_in_pain_scores_3_points_above_the_same_face_at_rest(pain, name, held):
    image, rest, other = halves(pain, name)
    own = rest if held else None

    assert still(image, other, own).score.pspi >= still(image, rest, own).score.pspi + 3


def test_a_laugh_in_a_picture_is_not_called_pain(pain):
    """The other pair that laughs is: that man's brow is low at rest, and lower when he laughs. docs/pain.md says so."""
    image, rest, other = halves(pain, "1011111140_NoPain")
    reading = still(image, other, rest)

    assert not reading.likeness.is_like_pain
    assert reading.look in (Look.LAUGH, Look.OTHER)


@pytest.mark.parametrize("name", PAIRS + OTHERS)
def test_a_face_at_rest_is_not_called_pain(pain, name):
    image, rest, _ = halves(pain, name)

    assert not still(image, rest, rest).likeness.is_like_pain


def watched(path, own_until_s=None):
    """Readings and alarms over a clip; held against the mean face until that time, where one is given."""
    finder, reader, alarms, seen, readings = FaceFinder(max_faces=1), PainReader(), Alarms(), [], []
    with open_source(str(path)) as video:
        while (frame := video.read()) is not None:
            if frame.index % EVERY or not (found := finder.find(frame.image)):
                continue
            landmarks = found[0].landmarks
            (reading,) = reader.read([FaceObservation(landmarks, 1.0, 1)], frame.image, frame.timestamp_s)
            if own_until_s is not None and frame.timestamp_s <= own_until_s:
                seen.append((frame.timestamp_s, landmarks, reading.face))
                reader.baselines = Baselines().set(1, baseline("A", seen, SET_AT))
            alarms.take(sample(reading, frame.timestamp_s), reading)
            readings.append((frame.timestamp_s, reading))
    finder.close()
    return readings, alarms


@pytest.mark.parametrize("until_s", [0.5, None], ids=["own neutral face", "norm"])
@pytest.mark.parametrize(
    "clip", ["pain/1000235030_NoPain_man_Young.mp4", "expression_pexels_640x360_24fps.mp4", "head_turns_480x270.mp4"]
)
def test_a_laughing_clip_raises_no_alarm(shared, clip, until_s):
    _, alarms = watched(shared / "media" / clip, until_s)

    assert alarms.raised == []


def test_a_clip_of_pain_is_measured_throughout_and_becomes_an_episode_that_looks_like_pain(pain):
    readings, alarms = watched(pain / "1101347180_Pain_man_Old.mp4", 0.5)
    episodes = [*alarms.episodes.ended, alarms.episodes.current]

    assert [reading.reason for _, reading in readings if reading.reason] == []
    assert max(each.peak for each in episodes if each) >= 4
    assert np.mean([reading.likeness.is_like_pain for at_s, reading in readings if at_s > 2.6]) > 0.5


def test_a_face_that_is_always_in_pain_is_not_calibrated_away(pain):
    """The clip's part in pain, over and over for two minutes, with nothing before: it goes on scoring the same."""
    finder, reader, alarms, shown = FaceFinder(max_faces=1), PainReader(), Alarms(), []
    with open_source(str(pain / "1101347180_Pain_man_Old.mp4")) as video:
        while (frame := video.read()) is not None:
            if frame.timestamp_s > 3 and not frame.index % EVERY:
                shown.append((frame.image, finder.find(frame.image)[0].landmarks))
    finder.close()
    scores = []
    for number in range(960):
        there_and_back = abs((number + len(shown)) % (2 * len(shown) - 1) - len(shown) + 1)
        image, landmarks = shown[there_and_back % len(shown)]
        (reading,) = reader.read([FaceObservation(landmarks, 1.0, 1)], image, number / 8)
        alarms.take(sample(reading, number / 8), reading)
        scores.append(reading.score.pspi)

    assert reader.baselines == Baselines()
    assert np.mean(scores[-240:]) == pytest.approx(np.mean(scores[8:248]), abs=0.2)
    assert np.mean(scores[-240:]) >= 4
    assert [each.raised_s < 10 for each in alarms.raised] == [True]
    assert alarms.episodes.current.duration_s > 110
