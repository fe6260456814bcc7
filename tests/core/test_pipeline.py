"""A frame becomes a result: everything in its place, every time the same."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import UnknownName
from core.explain import LIVE, THOROUGH
from core.model import Model
from core.opencv import cv2
from core.packs import DEFAULT_PACK, find_pack
from core.pipeline import KEPT_S, Pipeline, Settings
from core.regions import REGIONS, partition
from core.types import Frame


@pytest.fixture(scope="module")
def model():
    return Model(find_pack(DEFAULT_PACK), provider="cpu", threads=1)


@pytest.fixture(scope="module")
def frames(astronaut):
    """Six frames of a face that moves to the right, then one without a face."""
    height, width = astronaut.shape[:2]
    moved = [
        cv2.warpAffine(
            astronaut, np.float32([[1, 0, 4 * k], [0, 1, 0]]), (width, height), borderMode=cv2.BORDER_REPLICATE
        )
        for k in range(6)
    ]
    images = [*moved, np.full_like(astronaut, 90)]
    return [Frame(np.asarray(image, np.uint8), k, k / 30, 0.0) for k, image in enumerate(images)]


@pytest.fixture
def pipeline(model):
    made = Pipeline(model)
    yield made
    made.close()


def test_a_smiling_face_is_read_explained_and_shared_by_region(pipeline, frames):
    result = pipeline.process(frames[0])
    (face,) = result.faces
    assert face.prediction.label == "happiness"
    assert face.explained
    assert face.explanation.title == "happiness"
    assert face.regions.regions == REGIONS
    assert face.regions.shares.sum() == pytest.approx(1, abs=1e-5)
    assert face.regions.areas.sum() == pytest.approx(1, abs=1e-5)
    assert set(result.stages_s) == {"faces", "crop", "model", "regions"}


def test_the_crop_lies_where_the_face_is(pipeline, frames):
    (face,) = pipeline.process(frames[0]).faces
    corners = face.crop.to_frame.apply(np.float32([[0, 0], [face.crop.size - 1, face.crop.size - 1]]))
    (x0, y0), (x1, y1) = corners
    centre_x, centre_y = face.observation.box.centre
    assert x0 < centre_x < x1
    assert y0 < centre_y < y1


def test_the_same_frames_give_the_same_results_twice(model, frames):
    def run():
        pipeline = Pipeline(model)
        results = [pipeline.process(frame) for frame in frames]
        pipeline.close()
        return results

    for one, other in zip(run(), run(), strict=True):
        assert len(one.faces) == len(other.faces)
        for a, b in zip(one.faces, other.faces, strict=True):
            np.testing.assert_array_equal(a.observation.landmarks, b.observation.landmarks)
            np.testing.assert_array_equal(a.prediction.logits, b.prediction.logits)
            np.testing.assert_array_equal(a.explanation.relevance, b.explanation.relevance)


def test_faces_may_be_found_ahead_of_being_read(model, frames):
    """The two halves of a frame's work share nothing, so `analyze` runs them side by side."""
    pipeline = Pipeline(model, Settings(explain_every=2))
    straight = [pipeline.process(frame) for frame in frames]
    pipeline.reset()
    ahead = [pipeline.read(found) for found in [pipeline.find(frame) for frame in frames]]
    pipeline.close()
    for one, other in zip(straight, ahead, strict=True):
        assert [face.explained for face in one.faces] == [face.explained for face in other.faces]
        for a, b in zip(one.faces, other.faces, strict=True):
            np.testing.assert_array_equal(a.explanation.relevance, b.explanation.relevance)


def test_a_moving_face_keeps_its_identity(pipeline, frames):
    ids = [face.observation.face_id for frame in frames for face in pipeline.process(frame).faces]
    assert ids == [1] * 6


def test_a_frame_without_a_face_gives_an_empty_result(pipeline, frames):
    assert pipeline.process(frames[-1]).faces == ()


def test_between_explanations_the_last_one_is_carried_with_its_age(model, frames):
    pipeline = Pipeline(model, Settings(explain_every=3))
    results = [pipeline.process(frame) for frame in frames[:6]]
    pipeline.close()
    assert [result.faces[0].explained for result in results] == [True, False, False] * 2
    ages = [result.explanation_age_s(result.faces[0]) for result in results]
    np.testing.assert_allclose(ages, [0, 1 / 30, 2 / 30] * 2, atol=1e-9)
    assert results[1].faces[0].crop.to_frame != results[0].faces[0].crop.to_frame


@pytest.fixture(scope="module")
def crowd(astronaut):
    """Frames of three faces beside each other."""
    small = cv2.resize(astronaut, (320, 320), interpolation=cv2.INTER_AREA)
    image = np.concatenate([small, small[:, ::-1], small], axis=1)
    return [Frame(image, k, k / 30, 0.0) for k in range(8)]


def test_methods_of_many_runs_go_round_the_faces_of_frames_that_flow(model, crowd):
    pipeline = Pipeline(model, Settings(method="rise"))
    results = [pipeline.process(frame, explain=True, in_turn=True) for frame in crowd]
    alone = Pipeline(model, Settings(method="rise")).process(crowd[0])
    pipeline.close()
    assert [len(result.faces) for result in results] == [3] * 8
    assert [sum(face.explained for face in result.faces) for result in results] == [1] * 8
    turns = [next(place for place, face in enumerate(result.faces) if face.explained) for result in results]
    assert sorted(turns[:3]) == [0, 1, 2]
    assert turns[3:] == turns[:5], "each in its turn"
    assert [face.explanation is None for face in results[0].faces].count(True) == 2
    for place, face in enumerate(results[-1].faces):
        age = results[-1].explanation_age_s(face)
        assert age == pytest.approx(((turns[-1] != place) + (turns[-3] == place)) / 30)
    first = turns[0]
    np.testing.assert_allclose(
        results[0].faces[first].explanation.relevance, alone.faces[first].explanation.relevance, atol=1e-5
    )


def test_frames_that_do_not_flow_and_methods_of_one_run_explain_every_face(model, crowd):
    for method, in_turn in (("rise", False), ("lrp", True)):
        pipeline = Pipeline(model, Settings(method=method))
        result = pipeline.process(crowd[0], explain=True, in_turn=in_turn)
        pipeline.close()
        assert [face.explained for face in result.faces] == [True] * 3


def test_a_change_of_settings_drops_explanations_of_the_old_ones(pipeline, frames):
    pipeline.process(frames[0], explain=True)
    pipeline.settings = Settings(target="anger")
    assert pipeline.process(frames[1], explain=False).faces[0].explanation is None
    assert pipeline.process(frames[2], explain=True).faces[0].explanation.target == "anger"


def test_another_pack_takes_over_between_two_frames_and_faces_keep_their_names(model, frames, colour_pack):
    other = Model(colour_pack, provider="cpu", threads=1)
    pipeline = Pipeline(model)
    before = pipeline.process(frames[0]).faces[0]
    found = pipeline.find(frames[1])
    pipeline.use(other, Settings(method="gradcam", target="b"))
    half = pipeline.read(found).faces[0]
    after = pipeline.process(frames[2], explain=False).faces[0]
    explained = pipeline.process(frames[3]).faces[0]
    pipeline.close()
    assert [face.prediction.labels for face in (before, half)] == [model.labels] * 2, "a frame is read with one pack"
    assert [face.prediction.labels for face in (after, explained)] == [other.labels] * 2
    assert after.explanation is None, "a map of the other pack is void"
    assert (explained.explanation.target, explained.crop.image.shape) == ("b", (40, 40, 3))
    assert {face.observation.face_id for face in (before, half, after, explained)} == {1}


def test_settings_that_another_pack_does_not_know_are_refused_and_the_old_ones_stay(model, frames, colour_pack):
    pipeline = Pipeline(model, Settings(target="anger"))
    with pytest.raises(UnknownName, match="There is: predicted, a, b, c"):
        pipeline.use(Model(colour_pack, provider="cpu"), pipeline.settings)
    assert pipeline.process(frames[0]).faces[0].explanation.target == "anger"
    pipeline.close()


def test_an_old_explanation_is_not_shown_for_ever(pipeline, frames):
    pipeline.process(frames[0], explain=True)
    late = Frame(frames[1].image, 1, 0.9, 0.0)
    later = Frame(frames[1].image, 2, 1.8, 0.0)
    latest = Frame(frames[1].image, 3, 2.7, 0.0)
    kept = [pipeline.process(frame, explain=False).faces[0].explanation is not None for frame in (late, later, latest)]
    assert kept == [True, True, False]


def test_off_predicts_without_explaining(model, frames):
    pipeline = Pipeline(model, Settings(method="off"))
    (face,) = pipeline.process(frames[0]).faces
    pipeline.close()
    assert face.prediction.label == "happiness"
    assert face.explanation is None


@pytest.mark.parametrize("mode", ["polygons", "boxes"])
def test_occlusion_of_regions_hides_the_regions_that_are_shared_by(model, frames, mode):
    """Each region's relevance is one number on all its pixels, so shares and map speak of the same regions."""
    pipeline = Pipeline(model, Settings(method="region_occlusion", region_mode=mode))
    (face,) = pipeline.process(frames[0]).faces
    pipeline.close()
    labels = partition(face.crop.landmarks(face.observation), face.crop.size, mode).labels
    sums = np.array([face.explanation.relevance[labels == k].sum() for k in range(len(REGIONS))])
    assert all(np.ptp(face.explanation.relevance[labels == k]) == 0 for k in np.unique(labels))
    positive = np.maximum(sums, 0)
    np.testing.assert_allclose(face.regions.shares, positive / positive.sum(), atol=1e-5)


def test_the_contrast_comes_now_and_then_and_is_carried_between(model, frames):
    pipeline = Pipeline(model, Settings(contrast=True))
    times = (0.0, 0.3, 0.6)
    faces = [pipeline.process(Frame(frames[0].image, k, time, 0.0)).faces[0] for k, time in enumerate(times)]
    pipeline.close()
    assert [face.contrast.timestamp_s for face in faces] == [0.0, 0.0, 0.6]
    assert faces[0].contrast.target == faces[0].prediction.label
    assert faces[0].contrast.against == faces[0].prediction.labels[faces[0].prediction.ranked[1]]
    assert faces[0].contrast.regions.expected == faces[0].regions.expected
    assert faces[0].explanation.against is None


def test_explanation_and_contrast_are_shown_until_they_are_too_old(model, frames):
    pipeline = Pipeline(model, Settings(contrast=True, explain_every=100))
    times = np.arange(0, 2 * KEPT_S + 0.1, 0.25)
    faces = [pipeline.process(Frame(frames[0].image, k, time, 0.0)).faces[0] for k, time in enumerate(times)]
    pipeline.close()
    assert {face.observation.face_id for face in faces} == {1}
    assert [face.explanation is not None for face in faces] == [time <= KEPT_S for time in times]
    assert [face.contrast is not None for face in faces] == [time <= KEPT_S for time in times]


def test_an_explanation_that_is_a_contrast_costs_no_second_run(model, frames, monkeypatch):
    asked = []

    def explain(*arguments):
        asked.append(arguments[2])
        return Model.explain(model, *arguments)

    monkeypatch.setattr(model, "explain", explain)
    pipeline = Pipeline(model, Settings(against="runner-up", contrast=True))
    (face,) = pipeline.process(frames[0]).faces
    pipeline.close()
    assert len(asked) == 1
    assert face.contrast.regions is face.regions


@pytest.mark.parametrize("settings", [Settings(), Settings(method="off", contrast=True)])
def test_no_contrast_where_none_is_wanted(model, frames, settings):
    pipeline = Pipeline(model, settings)
    (face,) = pipeline.process(frames[0]).faces
    pipeline.close()
    assert face.contrast is None


def test_stills_are_explained_with_more_effort_than_video(model, frames, monkeypatch):
    asked = []

    def explain(crops, method, target, timestamp_s, regions, effort):
        asked.append(effort)
        return Model.explain(model, crops, method, target, timestamp_s, regions, LIVE)

    monkeypatch.setattr(model, "explain", explain)
    for stills in (False, True):
        pipeline = Pipeline(model, Settings(method="rise"), stills=stills)
        pipeline.process(frames[0])
        pipeline.close()
    assert asked == [LIVE, THOROUGH]


def test_a_still_that_is_read_again_keeps_the_names_of_its_faces(model, frames):
    pipeline = Pipeline(model, Settings(method="off"), stills=True)
    first = pipeline.process(frames[0])
    pipeline.reset()  # as after a jump
    pipeline.settings = Settings(method="gradient")
    again = pipeline.process(replace(frames[0], captured_s=1.0))
    assert first.faces[0].observation is again.faces[0].observation
    pipeline.close()


def test_stills_are_unrelated_to_each_other(model, frames):
    pipeline = Pipeline(model, stills=True)
    faces = [pipeline.process(Frame(frames[0].image, k, float(k), 0.0)).faces[0] for k in range(2)]
    pipeline.close()
    np.testing.assert_array_equal(faces[0].observation.landmarks, faces[1].observation.landmarks)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(method="magic"), "gradcam, lrp"),
        (Settings(target="joy"), "neutral, happiness"),
        (Settings(against="joy"), "runner-up"),
        (Settings(region_mode="blobs"), "polygons, boxes"),
    ],
)
def test_settings_that_do_not_exist_list_what_does(model, settings, said):
    with pytest.raises(UnknownName, match=said):
        Pipeline(model, settings).process(None)


def test_when_the_mouth_moves_the_relevance_that_changes_lies_at_the_mouth(model, astronaut):
    """The stimulus says what moved; the explanation must say the same."""
    from core.faces import FaceFinder
    from core.stimulus import Puppet

    finder = FaceFinder()
    (observation,) = finder.find(astronaut)
    finder.close()
    puppet = Puppet(astronaut, observation.landmarks)
    pipeline = Pipeline(model, Settings(target="happiness"), stills=True)
    closed, smiling = (
        pipeline.process(Frame(puppet.render({12: strength}), 0, 0.0, 0.0)).faces[0] for strength in (0.0, 4.0)
    )
    pipeline.close()
    change = np.abs(smiling.explanation.relevance - closed.explanation.relevance)
    share = change / change.sum()
    from core.regions import partition

    parts = partition(smiling.crop.landmarks(smiling.observation), smiling.crop.size)
    near = parts.mask("upper_lip", "lower_lip", "left_cheek", "right_cheek", "chin")
    far = parts.mask("left_brow", "right_brow", "forehead", "glabella")
    assert share[near].sum() / near.mean() > 1.5  # density, 1 is uniform
    assert share[near].sum() / near.mean() > 2 * share[far].sum() / far.mean()
