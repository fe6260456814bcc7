"""A verification from the pictures to the findings: nothing is lost, a stop changes nothing, odd corpora are read."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from core.errors import StoreMismatch
from core.mesh import Mesh
from core.model import Model
from core.opencv import cv2
from core.packs import find_pack
from core.tight import fit_tight
from core.verification import Options, verify
from core.verification.findings import CONTRAST, CONTROLS, EXPLANATION, ORIGINS
from core.verification.record import EXAMINED, EXCLUDED, NO_FACE, STATES, UNREADABLE, WHOLE
from core.verification.verification import FOLDER
from tests.packs_made import make_colour_pack
from tests.verification_made import (
    NO_CHECKS,
    QUICK,
    SIDE,
    KnownPlace,
    broken,
    corpus_of,
    disguised,
    example,
    hidden,
)

LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")


@pytest.fixture(scope="module")
def face(astronaut):
    """A face that fills its picture: RGB uint8 [SIDE, SIDE, 3]."""
    return cv2.resize(astronaut[20:220, 120:320], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def known(face):
    """Makes locators that know where the face is."""
    mesh = Mesh()
    landmarks = fit_tight(mesh, face).landmarks
    mesh.close()
    return lambda: KnownPlace(landmarks)


@pytest.fixture(scope="module")
def model():
    return Model(find_pack("mien-s"), provider="cpu")


def colour_model(folder, *labels):
    return Model(make_colour_pack(folder, labels=labels), provider="cpu")


def plain(value):
    """A value that can be compared, NaN included: everything but how long it took."""
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value) if field.compare]
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return repr(value) if isinstance(value, float) else value


# ---- What becomes of the images ----


@pytest.fixture(scope="module")
def mixed(model, face, known, tmp_path_factory):
    """Findings on images of every kind, in pictures with something around the face."""
    examples = [example(face, number, LABELS[number % 4], f"S{number % 3}") for number in range(8)]
    examples += [hidden(8, "anger"), broken(9, "fear"), example(face, 10, "boredom"), hidden(11, "boredom")]
    corpus = corpus_of(examples, tight=False, dropped={"no majority": 4})
    return verify(model, corpus, QUICK, tmp_path_factory.mktemp("mixed"), locators=known)


def test_every_image_has_a_record_and_those_that_were_not_read_are_named_with_the_reason(mixed):
    assert [record.state for record in mixed.records] == [
        *[EXAMINED] * 8,
        NO_FACE,
        UNREADABLE,
        EXCLUDED,
        EXCLUDED,
    ]
    assert mixed.counts.images == 12 == sum(mixed.counts.states.values())
    assert set(mixed.counts.states) == set(STATES)
    assert mixed.counts.listed[NO_FACE] == (("008-hidden.png", "No face was found in the picture."),)
    assert mixed.counts.listed[UNREADABLE] == (("009-broken.png", "009 cannot be decoded."),)
    assert mixed.counts.listed[EXCLUDED][0] == ("010.png", "The pack has no class 'boredom'.")
    assert mixed.counts.dropped == {"no majority": 4}
    assert mixed.counts.excluded_labels == {"boredom": 2}
    assert mixed.counts.absent == ("disgust", "contempt")


def test_accuracy_is_told_over_the_images_read_and_over_all_with_a_known_label(mixed):
    found = mixed.classification
    right = sum(bool(record.correct) for record in mixed.records)

    assert (found.images, found.read) == (10, 8)
    assert (found.accuracy.value, found.accuracy.n) == (right / 8, 8)
    assert (found.accuracy_of_all.value, found.accuracy_of_all.n) == (right / 10, 10)
    assert found.accuracy_whole is None
    assert found.calibration_error.n == 8
    assert 0 <= found.calibration_error.low < found.calibration_error.high <= 1
    assert found.confusion.sum() == 8
    assert found.recall[LABELS.index("disgust")] is None


def test_records_hold_what_the_live_pipeline_would_say(mixed, model, face, known):
    observation, _ = known().locate(disguised(face, 3))
    crop = model.crop(disguised(face, 3), observation)
    prediction = model.predict([crop])[0]
    record = mixed.records[3]

    np.testing.assert_allclose(record.prediction.logits, prediction.logits, atol=1e-4)
    np.testing.assert_allclose(record.prediction.probabilities, prediction.probabilities, atol=1e-4)
    assert record.evidence.target == record.predicted == prediction.label
    assert record.contrast.against == model.labels[prediction.ranked[1]]
    assert record.evidence.score == pytest.approx(float(prediction.logits.max()), abs=1e-4)
    assert abs(record.evidence.gap) < 1e-4 * abs(record.evidence.score)
    assert (record.found_by, record.faces) == ("detector", 1)


def test_shares_of_every_image_sum_to_one_and_its_areas_too(mixed):
    for record in mixed.records[:8]:
        for regions in (record.evidence.polygons, record.evidence.boxes, record.contrast.polygons):
            assert regions.shares.sum() == pytest.approx(1, abs=1e-5)
            assert regions.areas.sum() == pytest.approx(1, abs=1e-5)


def test_tables_are_the_means_of_the_records(mixed):
    predicted = mixed.records[0].predicted
    rows = [record for record in mixed.records[:8] if record.predicted == predicted]
    place = LABELS.index(predicted)
    for group, chosen in (
        ("all", rows),
        ("correct", [record for record in rows if record.correct]),
        ("wrong", [record for record in rows if not record.correct]),
    ):
        table = mixed.table("mass", group=group)
        assert (table.n[place] == len(chosen)).all()
        if chosen:
            mean = np.mean([record.evidence.polygons.shares for record in chosen], axis=0)
            np.testing.assert_allclose(table.mean[place], mean, atol=1e-6)
            assert table.mean[place].sum() == pytest.approx(1, abs=1e-5)
    boxes = np.mean([record.contrast.boxes.shares for record in rows], axis=0)
    np.testing.assert_allclose(mixed.table("mass", seed="contrast", mode="boxes").mean[place], boxes, atol=1e-6)


def test_classes_that_nothing_was_read_as_have_no_numbers(mixed):
    table = mixed.table()
    empty = [place for place, each in enumerate(mixed.classes) if not each.images]

    assert empty
    assert np.isnan(table.mean[empty]).all()
    assert (table.n[empty] == 0).all()
    assert all(mixed.classes[place].verdict.passed is None for place in empty)
    assert all(np.isnan(mixed.maps.of(LABELS[place]).density).all() for place in empty)


def test_controls_stand_beside_every_class_and_have_the_numbers_they_must(mixed):
    judged = [each for each in mixed.classes if each.by_origin[EXPLANATION].face_density is not None]

    assert judged
    for each in judged:
        assert tuple(each.by_origin) == ORIGINS
        uniform = each.by_origin["uniform over the face"]
        assert (uniform.face_density.value, uniform.face_density.low, uniform.face_density.high) == (1, 1, 1)
        assert (uniform.outside.value, uniform.supported.value) == (0, 1)
        assert each.by_origin["uniform over the crop"].crop_density.value == pytest.approx(1)
        for control in CONTROLS:
            assert each.by_origin[control].within_lift.value == pytest.approx(1)
        assert each.by_origin[CONTRAST].lift is not None or len(judged) == 1


def test_maps_are_densities_and_the_mean_face_lies_on_them(mixed):
    predicted = mixed.records[0].predicted
    own = mixed.maps.of(predicted)

    assert own.n == mixed.finding(predicted).images
    assert own.density.mean() == pytest.approx(1, abs=2e-3)
    assert ((mixed.maps.landmarks > 0) & (mixed.maps.landmarks < mixed.maps.side)).mean() > 0.8


def test_the_worst_images_come_by_verdict_and_are_bad(mixed):
    order = ["no positive evidence", "looks outside the face", "not supported by the expected regions"]
    places = [order.index(each.verdict) for each in mixed.worst]

    assert places == sorted(places)
    assert all(mixed.records[each.place].name == each.name for each in mixed.worst)


def test_checks_look_at_as_many_images_as_asked(mixed):
    assert (mixed.agreement.images, mixed.faithfulness.images, mixed.sanity.images, mixed.stability.images) == (
        6,
        3,
        3,
        3,
    )
    assert mixed.agreement.methods == ("lrp", "gradient", "gradcam")
    np.testing.assert_allclose(mixed.agreement.maps.diagonal(), 1)
    assert mixed.sanity.cascade[0].rank_correlation.value == 1
    assert mixed.conservation.promised
    assert mixed.conservation.largest < 1e-4


# ---- Odd corpora and packs ----


def test_pictures_cut_to_the_face_are_read_whole_where_no_mesh_fits(model, face, known, tmp_path):
    examples = [example(face, 0, "happiness"), hidden(1, "happiness")]
    found = verify(model, corpus_of(examples), NO_CHECKS, tmp_path, locators=known)

    assert [record.state for record in found.records] == [EXAMINED, WHOLE]
    assert found.records[1].prediction is not None
    assert found.records[1].evidence is None
    assert (found.classification.accuracy_examined.n, found.classification.accuracy_whole.n) == (1, 1)
    assert found.counts.listed[WHOLE][0][0] == "001-hidden.png"


def test_a_whole_picture_is_cut_as_in_training(model, face):
    from core.verification.locating import whole
    from models.data.ferplus import FerPlus

    grey = cv2.cvtColor(cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    split = FerPlus(grey[None], np.zeros((1, 10), np.uint8), np.full((1, 478, 3), np.nan, np.float32))

    ours = whole(model, np.repeat(grey[:, :, None], 3, axis=2)).image
    np.testing.assert_array_equal(ours, split.crops(model.pack.alignment)[0])


def test_one_image_is_a_corpus(model, face, known, tmp_path):
    found = verify(model, corpus_of([example(face, 0, "happiness")]), QUICK, tmp_path, locators=known)

    assert found.classification.accuracy.n == 1
    assert found.verdict.words
    estimate = found.outside.mean[EXPLANATION]
    assert estimate.value == pytest.approx(found.records[0].evidence.polygons.outside_share, abs=1e-6)
    assert np.isnan([estimate.low, estimate.high]).all()


def test_a_corpus_in_which_nothing_can_be_read_has_findings_too(model, tmp_path, known):
    found = verify(model, corpus_of([broken(0, "fear"), broken(1, "anger")]), QUICK, tmp_path, locators=known)

    assert found.classification.accuracy is None
    assert (found.classification.accuracy_of_all.value, found.classification.accuracy_of_all.n) == (0, 2)
    assert (found.agreement, found.sanity, found.conservation, found.worst) == (None, None, None, ())
    assert found.verdict.passed is None


def test_a_pack_that_is_always_wrong_is_told_so(tmp_path, face, known):
    model = colour_model(tmp_path, "fear", "anger", "surprise")
    first = verify(
        model,
        corpus_of([example(face, number, "fear") for number in range(3)]),
        NO_CHECKS,
        tmp_path / "first",
        locators=known,
    )
    others = [next(label for label in model.labels if label != record.predicted) for record in first.records]
    examples = [example(face, number, label) for number, label in enumerate(others)]
    found = verify(model, corpus_of(examples), NO_CHECKS, tmp_path / "second", locators=known)

    assert found.classification.accuracy.value == 0
    assert found.classification.confusion.trace() == 0
    assert (found.table(group="correct").n == 0).all()
    assert found.table(group="wrong").n.max() > 0


def test_a_pack_of_colour_with_classes_that_emfacs_does_not_know(tmp_path, face, known):
    model = colour_model(tmp_path, "a", "b", "c")
    examples = [example(face, number, "ab"[number % 2]) for number in range(6)]
    found = verify(model, corpus_of(examples), QUICK, tmp_path / "out", locators=known)

    assert found.classification.read == 6
    assert all(each.expected == () and each.verdict.passed is None for each in found.classes)
    assert "EMFACS does not know 'a'" in found.classes[0].verdict.reason
    assert found.outside.mean[EXPLANATION].n == 6
    assert found.counts.absent == ("c",)


def test_a_method_without_a_promise_and_one_of_many_runs_are_judged_as_well(tmp_path, face, known):
    model = colour_model(tmp_path, "fear", "anger")
    examples = [example(face, number, "fear") for number in range(2)]
    for method in ("gradcam", "region_occlusion"):
        options = dataclasses.replace(NO_CHECKS, method=method, class_images=2)
        found = verify(model, corpus_of(examples), options, tmp_path / method, locators=known)
        assert found.conservation.promised is False
        assert found.records[0].evidence.gap is None
        assert found.outside.mean[EXPLANATION].n == 2


# ---- Stopping and going on ----


@pytest.fixture(scope="module")
def long_corpus(face):
    """More images than one part holds."""
    examples = [example(face, number, LABELS[number % 3], f"S{number // 8}") for number in range(70)]
    return corpus_of([*examples, hidden(70, "anger"), broken(71, "anger")])


@pytest.fixture(scope="module")
def uninterrupted(model, long_corpus, known, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    return folder, verify(model, long_corpus, QUICK, folder, locators=known)


class StoppedError(Exception):
    pass


@pytest.mark.parametrize(("stage", "done"), [("images", 66), ("stability", 2)])
def test_a_stopped_run_goes_on_and_finds_the_same_to_the_last_bit(
    model, long_corpus, known, uninterrupted, tmp_path, stage, done
):
    def stop(name, count, total):
        if name == stage and count >= done:
            raise StoppedError

    with pytest.raises(StoppedError):
        verify(model, long_corpus, QUICK, tmp_path, stop, locators=known)
    heard = []
    found = verify(model, long_corpus, QUICK, tmp_path, lambda *step: heard.append(step), locators=known)

    assert heard[0] == ("images", 64 if stage == "images" else 72, 72)
    assert plain(found) == plain(uninterrupted[1])


def test_what_is_measured_is_not_measured_again(model, long_corpus, uninterrupted):
    def no_locator():
        raise AssertionError("nothing is left to look at")

    heard = []
    options = dataclasses.replace(QUICK, worst=3, region_mode="polygons")
    found = verify(model, long_corpus, options, uninterrupted[0], lambda *step: heard.append(step), locators=no_locator)

    assert {stage for stage, *_ in heard} == {"images", "statistics"}
    assert plain(found.classes) == plain(uninterrupted[1].classes)


def test_progress_only_goes_up_and_ends_at_the_end(model, face, known, tmp_path):
    heard = {}
    corpus = corpus_of([example(face, number, "fear") for number in range(20)])
    verify(
        model,
        corpus,
        QUICK,
        tmp_path,
        lambda stage, done, total: heard.setdefault(stage, []).append((done, total)),
        locators=known,
    )

    assert set(heard) == {"images", "classes", "agreement", "faithfulness", "stability", "sanity", "statistics"}
    for steps in heard.values():
        assert [done for done, _ in steps] == sorted(done for done, _ in steps)
        assert steps[-1][0] == steps[-1][1]


# ---- A folder that is not what it should be ----


@pytest.fixture
def started(uninterrupted, tmp_path):
    shutil.copytree(uninterrupted[0], tmp_path / "out")
    return tmp_path / "out"


def test_measurements_of_another_verification_are_not_taken_over(model, long_corpus, known, started, face):
    other = corpus_of([example(face, number, "fear") for number in range(72)])
    for corpus, options, told in (
        (long_corpus, dataclasses.replace(QUICK, method="gradcam"), 'method "gradcam", found "lrp"'),
        (other, QUICK, "expected fingerprint"),
    ):
        with pytest.raises(StoreMismatch, match=told):
            verify(model, corpus, options, started, locators=known)


def test_restart_begins_anew_and_leaves_other_files_alone(model, face, known, started):
    (started / "report.html").write_text("mine")
    (started / FOLDER / "notes.txt").write_text("mine too")
    corpus = corpus_of([example(face, 0, "fear")])
    found = verify(model, corpus, NO_CHECKS, started, restart=True, locators=known)

    assert len(found.records) == 1
    assert (started / "report.html").read_text() == "mine"
    assert (started / FOLDER / "notes.txt").read_text() == "mine too"


def spoil_header(folder):
    (folder / "header.json").write_text("[" * 100_000)


def no_header(folder):
    (folder / "header.json").unlink()


def header_of_another_kind(folder):
    (folder / "header.json").write_text("7")


def cut_off(folder):
    file = folder / "images" / "000000.npz"
    file.write_bytes(file.read_bytes()[:2000])


def changed(folder, name, value):
    file = folder / "images" / "000000.npz"
    with np.load(file) as found:
        arrays = dict(found)
    arrays[name] = value(arrays[name])
    np.savez(file, **arrays)


def pickled(folder):
    changed(folder, "score", lambda values: values.astype(object))


def enormous(folder):
    """An array that declares a terabyte and carries nothing."""
    import io
    import zipfile

    file = folder / "images" / "000000.npz"
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": "<f8", "fortran_order": False, "shape": (64, 1 << 31)})
    parts["score.npy"] = held.getvalue()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


HOSTILE = {
    "no header": (no_header, "without a header"),
    "a header that never ends": (spoil_header, "header.json"),
    "a header that is none": (header_of_another_kind, "is no header"),
    "cut off": (cut_off, "damaged"),
    "a pickle": (pickled, "expected score"),
    "a terabyte": (enormous, "expected score"),
    "another shape": (lambda folder: changed(folder, "logits", lambda values: values[:, :3]), "expected logits"),
    "a class that there is not": (
        lambda folder: changed(folder, "target", lambda values: values + 90),
        "nothing measures",
    ),
    "no number": (lambda folder: changed(folder, "shares", lambda values: values * np.nan), "nothing measures"),
    "a face without pixels": (lambda folder: changed(folder, "counts", lambda values: values * 0), "nothing measures"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_damaged_or_hostile_folder_is_refused_with_words(model, long_corpus, known, started, kind):
    spoil, told = HOSTILE[kind]
    spoil(started / FOLDER)

    with pytest.raises(StoreMismatch, match=told) as caught:
        verify(model, long_corpus, QUICK, started, locators=known)
    assert "--restart" in str(caught.value)


def test_pictures_that_changed_meanwhile_are_noticed_by_the_checks(model, face, known, tmp_path):
    from core.errors import VerificationError

    verify(model, corpus_of([example(face, 0, "fear")]), NO_CHECKS, tmp_path, locators=known)
    swapped = dataclasses.replace(example(face, 0, "fear"), read=lambda: disguised(face, 99))

    with pytest.raises(VerificationError, match="another one"):
        verify(model, corpus_of([swapped]), QUICK, tmp_path, locators=known)


def test_the_header_says_what_was_measured_with_what(uninterrupted, model):
    header = json.loads((uninterrupted[0] / FOLDER / "header.json").read_text())

    assert header["pack"]["sha256"]["model.onnx"] == model.pack.model_sha256
    assert header["images"] == 72
    assert {"onnxruntime", "mediapipe", "compiler", "mienscope"} <= set(header["versions"])
    assert Options(**{}).method == header["method"]
