"""What a recording's pain scores add up to."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.action_units import UNITS, ActionUnits, compare, read
from core.action_units.estimate import PLACES
from core.pain_log import NO_FACE, PainLog
from core.pspi import PainReading, Part, Score
from tests.made import make_face, make_result

STEP_S = 0.5


@pytest.fixture(scope="module")
def seen(astronaut):
    """What is measured of a face; scores are put in by hand."""
    from core.faces import FaceFinder, Search

    finder = FaceFinder()
    picture = np.ascontiguousarray(astronaut[:300, 100:400])
    (face,) = finder.find(picture, search=Search.EVERYWHERE)
    finder.close()
    return read(face.landmarks, picture)


@pytest.fixture
def frame_of(seen):
    """A frame at a time, of faces by id: a score, or the reason why there is none."""

    def made(timestamp_s, **faces):
        results = []
        for name, value in faces.items():
            made_of = compare(seen, None)
            brow = np.zeros(len(UNITS), np.float32)  # lowered, and nothing that a laugh has
            brow[PLACES[4]] = 0.0 if isinstance(value, str) else value
            score = (
                None
                if isinstance(value, str)
                else Score((Part(4, value), Part(6, 0.0), Part(9, 0.0), Part(43, 0.0)), 0.0, 16.0)
            )
            units = ActionUnits(brow, brow.copy())
            pain = PainReading(units, made_of, score, 1.0, value if score is None else None, seen)
            results.append(replace(make_face(face_id=ord(name) - ord("A") + 1), pain=pain))
        return make_result(*results, timestamp_s=timestamp_s)

    return made


def written(frames, **how):
    log = PainLog(**how)
    for frame in frames:
        log.write(frame)
    return log


def test_every_episode_of_a_recording_raises_its_own_alarm_with_its_explanation(frame_of):
    scores = [5.0] * 12 + [0.0] * 4 + [4.5] * 12
    log = written(frame_of(STEP_S * k, A=score) for k, score in enumerate(scores))
    (face,) = log.document()["faces"]
    assert [alarm["raised_s"] for alarm in face["alarms"]] == [3.0, pytest.approx(10.94, abs=0.01)]
    assert [len(face["episodes"]), face["highest"]] == [2, {"pspi": 5.0, "timestamp_s": 0.0}]
    assert face["alarms"][1]["explanation"]["pspi"] == 4.5
    assert face["alarms"][1]["explanation"]["sentence"].startswith("score 4.5: brow lowered 4.5")
    json.dumps(log.document())


def test_time_without_a_number_is_told_by_reason_time_without_a_face_too(frame_of):
    frames = [frame_of(0.0, A=1.0), frame_of(1.0, A=1.0), frame_of(2.0, A="too dark"), frame_of(3.0), frame_of(4.0)]
    log = written(frames)
    assert log.unmeasured == {"too dark": 0.25, "not seen": 0.25, NO_FACE: 0.25}
    document = log.document()
    assert document["unmeasured_share"] == 0.75
    assert document["faces"][0]["unmeasured_s"] == {"too dark": 1.0, "not seen": 1.0}
    assert document["faces"][0]["frames_unmeasured"] == {"too dark": 1}
    assert (document["without_face_s"], document["frames_without_face"]) == (1.0, 2)


def test_faces_are_told_apart(frame_of):
    log = written([frame_of(0.0, A=1.0, B=2.0), frame_of(0.5, A=1.0, B="turned away")])
    assert [(face["name"], face["unmeasured_share"]) for face in log.document()["faces"]] == [("A", 0.0), ("B", 1.0)]


def test_of_pictures_frames_are_counted_and_there_is_no_time(frame_of):
    log = written(
        [frame_of(0.0, A=9.0), frame_of(1.0, A="too small"), frame_of(2.0), frame_of(3.0, A=9.0)], stills=True
    )
    document = log.document()
    assert log.unmeasured == {NO_FACE: 0.25, "too small": 0.25}
    assert (document["faces"], document["rule"], document["without_face_s"]) == ([], None, None)


def test_the_log_names_the_scale_and_what_this_is_not():
    document = PainLog().document()
    assert (document["scale"], document["notice"]) == ("PSPI, 0 to 16", "not a medical device")
