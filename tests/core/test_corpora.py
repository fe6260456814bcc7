"""Labelled collections: every known form, on a tiny tree made here, gives pictures, labels and what was left out."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.corpora import LAYOUTS, expression, open_corpus
from core.errors import CorpusInvalid, CorpusNotFound, SourceError, UnknownName

GARBAGE = b"not a picture"


def colour(number):
    """A picture of one colour that tells which it is, RGB uint8 [20, 24, 3]."""
    return np.full((20, 24, 3), (10 * number, 200 - 10 * number, 100), np.uint8)


def put(path, number=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), colour(number)[..., ::-1])


def put_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def make_ck(root):
    for sequence, frames in (("S005/001", 6), ("S010/002", 3), ("S011/001", 4)):
        subject, number = sequence.split("/")
        for frame in range(1, frames + 1):
            put(root / f"cohn-kanade-images/{sequence}/{subject}_{number}_{frame:08d}.png", frame)
    put_text(root / "cohn-kanade-images/S005/001/.DS_Store", "")
    put_text(root / "Emotion/S005/001/S005_001_00000006_emotion.txt", "   3.0000000e+00\n")
    put_text(root / "Emotion/S010/002/S010_002_00000003_emotion.txt", "   7.0000000e+00\n")
    (root / "Emotion/S011/001").mkdir(parents=True)
    put_text(root / "FACS/S005/001/S005_001_00000006_facs.txt", "   9.0000000e+00   4.0000000e+00\n   17   0\n\n")
    put_text(root / "FACS/S005/001/._S005_001_00000006_facs.txt", "1 1\n")
    put_text(root / "FACS/S010/002/S010_002_00000003_facs.txt", "not two numbers\n")
    return root, ["neutral", *["disgust"] * 3, "neutral", *["surprise"] * 2], {
        "sequence without an emotion": 4,
        "neither the first frame nor at the peak": 2,
    }  # fmt: skip


def make_raf(root, kind="aligned"):
    names = ("train_00001", "train_00002", "test_0001")
    put_text(
        root / "EmoLabel/list_patition_label.txt",
        "".join(f"{n}.jpg {k}\n" for n, k in zip(names, (5, 1, 7), strict=True)),
    )
    for number, name in enumerate(names):
        put(root / f"Image/{kind}/{name}{'_aligned' if kind == 'aligned' else ''}.jpg", number)
    return root, ["sadness", "surprise", "neutral"], {}


def make_affectnet(root):
    codes = {"train_set": ("0", "7", "8"), "val_set": (3, 10, None)}
    for part, values in codes.items():
        for number, value in enumerate(values):
            put(root / part / f"images/{number}.jpg", number)
            (root / part / "annotations").mkdir(exist_ok=True)
            if value is not None:
                np.save(root / part / f"annotations/{number}_exp.npy", np.array(value))
            np.save(root / part / f"annotations/{number}_val.npy", np.array(0.5))
    return root, ["neutral", "contempt", "surprise"], {"no expression": 1, "not a face": 1, "no label file": 1}


def make_affectnet_lists(root):
    columns = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    rows = [f"{k}/a{k}.jpg,1,1,9,9,1;2;3,{code},0.1,-0.2\n" for k, code in enumerate((1, 6, 9))]
    put_text(root / "Manually_Annotated_file_lists/training.csv", columns + "".join(rows[:2]))
    put_text(root / "Manually_Annotated_file_lists/validation.csv", rows[2] + rows[0].replace("0/a0", "3/a3"))
    for k in range(4):
        put(root / f"Manually_Annotated_Images/{k}/a{k}.jpg", k)
    return root, ["happiness", "anger", "happiness"], {"uncertain": 1}


def make_unbc(root):
    stems = [f"042-ll042/ll042t1aaaff/ll042t1aaaff{k:03d}" for k in range(3)] + [
        "043-jh043/jh043t1aeaff/jh043t1aeaff001"
    ]
    for number, (stem, pspi) in enumerate(zip(stems, (0, 1, 5, None), strict=True)):
        put(root / f"Images/{stem}.png", number)
        if pspi is not None:
            put_text(root / f"Frame_Labels/PSPI/{stem}_facs.txt", f"   {pspi:.7e}\n")
    return root, ["no pain", "pain", "pain"], {"no PSPI": 1}


def make_fer2013(root):
    pixels = [" ".join(str(10 * k) for _ in range(16)) for k in range(4)]
    usages = ("Training", "PublicTest", "PrivateTest", "Training")
    rows = [f"{e},{p},{u}\n" for e, p, u in zip((0, 3, 6, 9), pixels, usages, strict=True)]
    put_text(root / "fer2013.csv", "emotion,pixels,Usage\n" + "".join(rows))
    return root / "fer2013.csv", ["anger", "happiness", "neutral"], {"no label": 1}


COLUMNS = np.array(["neutral", "happiness", "contempt", "unknown", "NF"])


def make_npz(root):
    root.mkdir(parents=True, exist_ok=True)
    votes = np.array([[9, 1, 0, 0, 0], [4, 5, 1, 0, 0], [5, 5, 0, 0, 0], [0, 1, 0, 9, 0], [0, 0, 0, 0, 10]], np.uint8)
    images = np.random.default_rng(0).integers(0, 255, (5, 48, 48)).astype(np.uint8)
    names = np.array([f"fer{k}.png" for k in range(5)])
    np.savez_compressed(
        root / "faces.npz", images=images, votes=votes, vote_columns=COLUMNS, name=names,
        fer2013_label=np.array([6, 3, 1, 0, 7], np.uint8),
        fer2013_columns=np.array(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]),
    )  # fmt: skip
    dropped = {"no majority": 1, "unknown expression": 1, "not a face": 1}
    return root / "faces.npz", ["neutral", "happiness"], dropped


def make_csv(root):
    for k in range(3):
        put(root / f"pictures/{k}.png", k)
    put_text(
        root / "labels.csv",
        "\ufeffsubject_id;Path;Emotion\nanna;pictures/0.png;Happy\nben;pictures/1.png;fear\n"
        "anna;pictures/2.png;\nben;pictures/1.png;fear\n",
    )
    return root / "labels.csv", ["happiness", "fear"], {"no label": 1, "listed before": 1}


def make_folders(root):
    for k, name in enumerate(("0_happy/img2.jpg", "0_happy/img10.jpg", "1_sad/deep/er.PNG", "1_sad/b.jpg")):
        put(root / name, k)
    put_text(root / "1_sad/notes.txt", "")
    put_text(root / ".hidden/x.jpg", "")
    return root, ["happiness", "happiness", "sadness", "sadness"], {"not a picture file": 1}


MAKERS = {
    "ck+": make_ck,
    "raf-db": make_raf,
    "raf-db-original": lambda root: make_raf(root, "original"),
    "affectnet": make_affectnet,
    "affectnet-lists": make_affectnet_lists,
    "unbc": make_unbc,
    "fer2013": make_fer2013,
    "npz": make_npz,
    "csv": make_csv,
    "folders": make_folders,
}


@pytest.fixture(params=LAYOUTS)
def made(request, tmp_path):
    """Name of a layout, the path of a tiny collection in it, its labels in order, and what must be left out."""
    return request.param, *MAKERS[request.param](tmp_path / "corpus")


def test_a_collection_is_recognised_and_gives_its_labels_and_what_was_left_out(made):
    name, path, labels, dropped = made

    corpus = open_corpus(path)

    assert corpus.layout == name
    assert [example.label for example in corpus.examples] == labels
    assert corpus.dropped == dropped
    assert sum(corpus.counts.values()) == len(labels)
    assert set(corpus.labels) == set(labels)


def test_every_picture_is_read_as_rgb(made):
    for example in open_corpus(made[1]).examples:
        picture = example.read()

        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[2] == 3
        assert picture.flags.c_contiguous


def test_names_are_unique_and_the_same_each_time(made):
    first, second = (
        [(example.name, example.label, example.subject) for example in open_corpus(made[1]).examples] for _ in range(2)
    )

    assert first == second
    assert len({name for name, *_ in first}) == len(first)


def spoil(path):
    """Make every picture of a collection unreadable."""
    if path.is_dir():
        for file in path.rglob("*"):
            if file.suffix.lower() in (".png", ".jpg"):
                file.write_bytes(GARBAGE)
    elif path.suffix == ".npz":
        whole = bytearray(path.read_bytes())
        whole[200:300] = bytes(100)
        path.write_bytes(whole)
    elif path.name == "fer2013.csv":
        path.write_text(path.read_text().replace(" 0 ", " x ").replace(" 10 ", " 300 ").replace("20 20 20", "20"))
    else:
        spoil(path.parent)


def test_pictures_are_not_read_before_they_are_asked_for_and_a_bad_one_ends_nothing(made):
    _, path, labels, _ = made
    spoil(path)

    corpus = open_corpus(path)

    assert [example.label for example in corpus.examples] == labels
    for example in corpus.examples:
        with pytest.raises(SourceError):
            example.read()


def test_a_collection_can_be_opened_by_the_name_of_its_layout_and_as_no_other(made, tmp_path):
    name, path, labels, _ = made
    (tmp_path / "empty").mkdir()

    assert len(open_corpus(path, layout=name).examples) == len(labels)
    with pytest.raises(CorpusInvalid, match="expected"):
        open_corpus(tmp_path / "empty", layout=name)


def test_whether_pictures_are_tight_may_be_said(made):
    assert open_corpus(made[1], tight=True).tight
    assert not open_corpus(made[1], tight=False).tight


@pytest.mark.parametrize(
    ("name", "tight"),
    [("ck+", False), ("raf-db", True), ("raf-db-original", False), ("affectnet", True), ("unbc", False), ("npz", True)],
)
def test_particular_collections_say_whether_they_are_tight(tmp_path, name, tight):
    path, *_ = MAKERS[name](tmp_path)

    assert open_corpus(path).tight == tight


@pytest.mark.parametrize(("width", "tight"), [(100, True), (400, False)])
def test_folders_of_small_pictures_are_tight(tmp_path, width, tight):
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir()
        cv2.imwrite(str(tmp_path / name), np.zeros((90, width, 3), np.uint8))

    assert open_corpus(tmp_path).tight == tight


def test_what_fits_nothing_is_told_with_everything_that_was_looked_for(tmp_path):
    put(tmp_path / "one.png")

    with pytest.raises(CorpusInvalid) as raised:
        open_corpus(tmp_path)

    for name, layout in LAYOUTS.items():
        assert f"{name}: {layout.looks_for}" in str(raised.value)


def test_names_that_do_not_exist_are_told_with_those_that_do(tmp_path):
    path, *_ = make_folders(tmp_path)

    with pytest.raises(CorpusNotFound, match="nowhere"):
        open_corpus(tmp_path / "nowhere")
    with pytest.raises(UnknownName, match="raf-db"):
        open_corpus(path, layout="jaffe")
    with pytest.raises(CorpusInvalid, match="one kind of labels"):
        open_corpus(path, labels="votes")
    with pytest.raises(UnknownName, match="none"):
        open_corpus(path, split="test")


# ---- Particular forms ----


def test_ck_gives_subjects_and_may_give_the_last_frame_only(tmp_path):
    path, *_ = make_ck(tmp_path)

    corpus = open_corpus(path, labels="last")

    assert [(Path(e.name).name, e.label, e.subject) for e in corpus.examples] == [
        ("S005_001_00000001.png", "neutral", "S005"),
        ("S005_001_00000006.png", "disgust", "S005"),
        ("S010_002_00000001.png", "neutral", "S010"),
        ("S010_002_00000003.png", "surprise", "S010"),
    ]
    with pytest.raises(UnknownName, match="last-three"):
        open_corpus(path, labels="first")


def test_raf_db_with_both_kinds_of_pictures_gives_the_aligned_ones(tmp_path):
    make_raf(tmp_path)
    make_raf(tmp_path, "original")

    assert open_corpus(tmp_path).examples[0].name == "Image/aligned/train_00001_aligned.jpg"
    whole = open_corpus(tmp_path, layout="raf-db-original", split="TEST")
    assert [example.name for example in whole.examples] == ["Image/original/test_0001.jpg"]
    assert whole.dropped == {"in another split": 2}


def test_a_list_of_raf_db_that_is_wrong_is_told_with_the_line(tmp_path):
    make_raf(tmp_path)
    put_text(tmp_path / "EmoLabel/list_patition_label.txt", "train_00001.jpg 9\n")

    with pytest.raises(CorpusInvalid, match=r"1 to 7, got 'train_00001.jpg 9'"):
        open_corpus(tmp_path)


def test_ck_gives_the_action_units_of_the_peak_to_the_frames_that_carry_its_emotion(tmp_path):
    path, *_ = make_ck(tmp_path)
    examples = open_corpus(path).examples
    assert [each.units for each in examples] == [None, *[{9: 4, 17: 0}] * 3, None, None, None]


def test_labels_of_affectnet_that_need_pickles_are_left_out_and_told(tmp_path):
    make_affectnet(tmp_path)
    np.save(tmp_path / "train_set/annotations/0_exp.npy", np.array({"a": 1}), allow_pickle=True)
    (tmp_path / "train_set/annotations/1_exp.npy").write_bytes(GARBAGE)

    corpus = open_corpus(tmp_path)

    assert [example.name for example in corpus.examples] == ["val_set/images/0.jpg"]
    assert corpus.dropped["label file that needs pickles, which are never read"] == 1
    assert corpus.dropped["damaged label file"] == 1


def test_affectnet_lists_need_their_columns(tmp_path):
    make_affectnet_lists(tmp_path)
    put_text(tmp_path / "Manually_Annotated_file_lists/training.csv", "a,b\n1,2\n")

    with pytest.raises(CorpusInvalid, match="expected the columns subDirectory_filePath"):
        open_corpus(tmp_path)


def test_the_pspi_of_a_frame_is_its_score(tmp_path):
    path, *_ = make_unbc(tmp_path)
    put_text(path / "Frame_Labels/PSPI/043-jh043/jh043t1aeaff/jh043t1aeaff001_facs.txt", "99")

    corpus = open_corpus(path)

    assert [(e.score, e.label, e.subject) for e in corpus.examples] == [
        (0.0, "no pain", "042-ll042"),
        (1.0, "pain", "042-ll042"),
        (5.0, "pain", "042-ll042"),
    ]
    assert corpus.dropped == {"PSPI beyond 0 to 16": 1}


def test_fer2013_is_found_in_its_folder_with_its_splits_and_its_pixels(tmp_path):
    path, *_ = make_fer2013(tmp_path)

    corpus = open_corpus(path.parent)

    assert [example.name for example in corpus.examples] == ["Training/00000", "PublicTest/00001", "PrivateTest/00002"]
    assert corpus.splits == ("PrivateTest", "PublicTest", "Training")
    assert corpus.tight
    assert np.array_equal(corpus.examples[1].read(), np.full((4, 4, 3), 10, np.uint8))


def test_the_later_order_of_fer2013s_columns_is_read_too(tmp_path):
    put_text(tmp_path / "icml_face_data.csv", 'emotion, Usage, pixels\r\n3,Training,"1 2 3 4"\r\n')

    (example,) = open_corpus(tmp_path).examples

    assert (example.label, example.split) == ("happiness", "Training")
    assert example.read()[..., 0].tolist() == [[1, 2], [3, 4]]


def test_an_npz_gives_the_labels_that_are_asked_for(tmp_path):
    path, *_ = make_npz(tmp_path)

    corpus = open_corpus(path, labels="fer2013")

    assert [(e.name, e.label) for e in corpus.examples] == [
        ("fer0.png", "neutral"), ("fer1.png", "happiness"), ("fer2.png", "disgust"), ("fer3.png", "anger"),
    ]  # fmt: skip
    assert corpus.dropped == {"no label": 1}
    with np.load(path, allow_pickle=False) as file:
        assert np.array_equal(corpus.examples[2].read()[..., 1], file["images"][2])
    with pytest.raises(UnknownName, match="votes, fer2013"):
        open_corpus(path, labels="labels")


@pytest.mark.parametrize(
    ("arrays", "labels"),
    [
        ({"labels": np.array(["Happy", "", "sad"])}, ["happiness", "sadness"]),
        ({"labels": np.array([1, 0, 9]), "label_names": np.array(["fear", "angry"])}, ["anger", "fear"]),
    ],
)
def test_labels_of_an_npz_are_words_or_numbers_of_words(tmp_path, arrays, labels):
    images = np.zeros((3, 300, 300, 3), np.uint8)
    images[1] = (1, 2, 3)
    np.savez(tmp_path / "a.npz", images=images, subject=np.array(["x", "y", "z"]), **arrays)

    corpus = open_corpus(tmp_path / "a.npz")

    assert [example.label for example in corpus.examples] == labels
    assert corpus.dropped == {"no label": 1}
    assert corpus.examples[0].subject == "x"
    assert corpus.examples[0].name == "0"
    assert not corpus.tight
    assert np.array_equal(corpus.examples[1].read(), images[int(corpus.examples[1].name)])


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"labels": np.array(["a"])}, r"has no array `images`"),
        ({"images": np.zeros((2, 4, 4), np.uint8)}, "has no labels: expected `votes` or `labels`"),
        ({"images": np.zeros((2, 4, 4), np.uint8), "labels": np.array(["a"])}, "a label for each of 2 images, got 1"),
        (
            {"images": np.zeros((1, 4, 4, 4), np.uint8), "labels": np.array(["a"])},
            r"\[n, h, w, 3\], got \[1, 4, 4, 4\]",
        ),
        ({"images": np.zeros((1, 4, 4)), "labels": np.array(["a"])}, "as uint8, got float64"),
        ({"images": np.zeros((1, 4, 4), np.uint8), "labels": np.array([1])}, "no array `label_names`"),
        ({"images": np.zeros((1, 4, 4), np.uint8), "labels": np.array([None])}, "pickles, which are never read"),
        (
            {"images": np.zeros((1, 4, 4), np.uint8), "votes": np.zeros((1, 3), np.uint8), "vote_columns": COLUMNS},
            r"expected `votes` \[n, 5\].*got \[1, 3\]",
        ),
    ],
)
def test_an_npz_that_is_wrong_is_told_with_what_was_expected_and_what_came(tmp_path, arrays, told):
    np.savez(tmp_path / "a.npz", **arrays)

    with pytest.raises(CorpusInvalid, match=told):
        open_corpus(tmp_path / "a.npz")


def test_a_file_that_is_no_archive_is_told(tmp_path):
    (tmp_path / "a.npz").write_bytes(GARBAGE)

    with pytest.raises(CorpusInvalid, match="damaged or not an npz"):
        open_corpus(tmp_path / "a.npz")


def test_columns_of_a_table_are_found_or_named(tmp_path):
    for k in range(2):
        put(tmp_path / f"{k}.png", k)
    put_text(tmp_path / "t.csv", "photo,who,seen,felt,fold\n0.png,anna,Fear,0.5,A\n1.png,ben,anger,3,B\n")

    with pytest.raises(CorpusInvalid, match="Looked for"):
        open_corpus(tmp_path / "t.csv")
    with pytest.raises(CorpusInvalid, match=r"no column for the image: expected image or path .*got photo, who"):
        open_corpus(tmp_path / "t.csv", layout="csv")
    columns = {"image": "photo", "subject": "who", "score": "felt", "split": "fold"}
    corpus = open_corpus(tmp_path / "t.csv", layout="csv", labels="seen", columns=columns, split="a")
    (example,) = corpus.examples
    assert (example.label, example.subject, example.score) == ("fear", "anna", 0.5)


def test_a_table_whose_pictures_are_all_elsewhere_is_told(tmp_path):
    put_text(tmp_path / "t.csv", "path,label\nx/0.png,fear\n")

    with pytest.raises(CorpusInvalid, match="Paths are relative to the CSV"):
        open_corpus(tmp_path / "t.csv")


def test_folders_may_lie_within_splits_and_come_in_natural_order(tmp_path):
    for name in ("train/angry/img10.jpg", "train/angry/img2.jpg", "test/angry/a.jpg", "test/Neutral/b.jpg"):
        put(tmp_path / name)

    corpus = open_corpus(tmp_path)

    assert [(e.name, e.label, e.split) for e in corpus.examples] == [
        ("test/angry/a.jpg", "anger", "test"),
        ("test/Neutral/b.jpg", "neutral", "test"),
        ("train/angry/img2.jpg", "anger", "train"),
        ("train/angry/img10.jpg", "anger", "train"),
    ]


def test_a_collection_without_a_single_label_is_told_with_what_was_left_out(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.array(["", ""]))

    with pytest.raises(CorpusInvalid, match=r"no labelled picture \(left out: no label: 2\)"):
        open_corpus(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Happy", "happiness"),
        ("3_joy", "happiness"),
        ("01 - Afraid", "fear"),
        ("natural", "neutral"),
        ("CONTEMPT", "contempt"),
        ("no_pain", "no pain"),
        ("7", "7"),
        ("4 teeth", "4 teeth"),
    ],
)
def test_labels_become_the_names_of_emfacs_where_they_are_expressions(text, name):
    assert expression(text) == name


@pytest.mark.parametrize(("split", "kept", "dropped"), [("train", 24438, 3428), ("valid", 3149, 384)])
def test_the_shared_splits_keep_what_the_majority_protocol_keeps(shared, split, kept, dropped):
    corpus = open_corpus(shared / "data" / f"ferplus_{split}.npz")

    assert len(corpus.examples) == kept
    assert sum(corpus.dropped.values()) == dropped
    assert corpus.tight
