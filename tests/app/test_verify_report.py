"""What a person reads in the report of a verification, and what a program finds in its table."""

import dataclasses
import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest

from app.documents import document as doc
from app.documents.html import to_html
from app.documents.pdf import to_pdf
from app.verify import machine, rows
from app.verify.chapters.summary import summary
from app.verify.comparison import comparison
from app.verify.faces import thumbnail
from app.verify.numerals import cell, number, percent, small
from app.verify.overlap import overlap
from app.verify.report import Edition, report
from app.verify.words import regions
from core.geometry import Box
from core.regions import REGIONS
from core.verification.findings import Estimate, Judgement
from tests.findings_made import LABELS, make_findings

EDITION = Edition("2026-01-02", "mienscope verify --pack made --data faces --out out")
HOSTILE = "<script>alert(1)</script>/\u202e\ud800.png"


def plain(document):
    """Every word of a document's texts and tables."""
    said = []
    for block in document.blocks:
        for name in ("title", "text"):
            said.append(doc.plain(getattr(block, name, "")))
        said += [doc.plain(item) for item in getattr(block, "items", ()) if not isinstance(item, doc.KeyFigure)]
        said += [cell.text for row in getattr(block, "rows", ()) for cell in row]
    return " ".join(said)


def tables(document):
    return {block.caption: block for block in document.blocks if isinstance(block, doc.Table)}


def column(table, place):
    return [row[place].text for row in table.rows]


@pytest.fixture(scope="module")
def findings():
    return make_findings()


@pytest.fixture(scope="module")
def made(findings):
    return report(findings, EDITION)


@pytest.fixture(scope="module")
def words(made):
    return plain(made)


def test_the_first_page_says_what_was_verified_on_what_and_how_it_came_out(made, findings):
    first = made.blocks[: [type(block) for block in made.blocks].index(doc.Table)]
    said = " ".join(doc.plain(block.text) for block in first if isinstance(block, doc.Text | doc.Note))
    assert "made 1.0 was verified on 23 labelled pictures of 5 people from made corpus" in said
    assert findings.verdict.reason[1:] in said
    assert "18 of 23 pictures were examined" in said
    assert "Mienscope is not a medical device." in said
    (figures,) = (block for block in first if isinstance(block, doc.KeyFigures))
    assert len(figures.items) == 5


@pytest.mark.parametrize(
    "heading",
    [
        "Data and losses",
        "Accuracy and calibration",
        "What counted, by class and region",
        "Expected against observed regions",
        "Outside the face",
        "Mean heatmaps",
        "The worst images",
        "Boxes against polygons",
        "Methods against each other",
        "Faithfulness",
        "Sanity",
        "Stability",
        "Conservation",
        "Methods and sources",
        "Limits",
        "Provenance",
    ],
)
def test_every_chapter_is_there(made, heading):
    assert heading in [block.text for block in made.blocks if isinstance(block, doc.Heading)]


@pytest.mark.parametrize("check", ["faithfulness", "sanity"])
def test_a_failed_check_of_the_maps_stands_on_the_first_page(findings, check):
    bad = Judgement(False, "the maps fail", "They say nothing")
    changed = dataclasses.replace(getattr(findings, check), verdict=bad)
    blocks = list(summary(dataclasses.replace(findings, **{check: changed})))
    (note,) = [block for block in blocks if isinstance(block, doc.Note) and "the maps fail" in doc.plain(block.title)]
    assert "says little of what the network reads from" in doc.plain(note.text)
    assert len(list(summary(findings))) == len(blocks) - 1


def test_the_calibration_error_stands_with_its_interval_on_the_first_page_and_in_its_chapter(made, words):
    figures = next(block for block in made.blocks if isinstance(block, doc.KeyFigures))
    (shown,) = [item for item in figures.items if item.name == "Calibration error"]
    assert (shown.value, shown.interval) == ("3.1\xa0%", "2.2 to 6.4\xa0% (n\xa0=\xa019)")
    assert "3.10\xa0% (95 % interval 2.20 to 6.40\xa0%, bootstrap)" in words
    assert "comes out too large, and its interval with it" in words


def test_every_picture_is_accounted_for(made, findings):
    table = tables(made)["What became of the pictures"]
    numbers = [int(text) for text in column(table, 1)]
    assert numbers == [*findings.counts.states.values(), 23]
    listed = [
        name for caption, each in tables(made).items() if re.match(r"\d+ picture", caption) for name in column(each, 0)
    ]
    assert sorted(listed) == sorted(record.name for record in findings.records if record.state != "examined")


def test_more_lost_pictures_than_fit_are_counted_and_said(findings):
    many = tuple((f"n{k}.png", "no face") for k in range(100))
    counts = dataclasses.replace(findings.counts, listed={**findings.counts.listed, "no face": many})
    made = report(dataclasses.replace(findings, counts=counts), EDITION)
    assert "And 60 more: all are in" in plain(made)


def test_region_tables_hold_the_findings_numbers_and_mark_what_is_expected(made, findings):
    table = tables(made)["Share of the positive relevance, %: all images"]
    assert len(table.rows) == len(REGIONS)
    assert [each.title for each in table.columns] == ["region", *LABELS]
    found, place = findings.table("mass"), LABELS.index("happiness")
    for row, name in enumerate(REGIONS):
        shown, expected = table.rows[row][1 + place], name in findings.finding("happiness").expected
        assert shown.text == ("● " if expected else "") + number(100 * found.mean[place, row], 1)
        assert shown.strong == expected
    assert set(column(table, 1 + LABELS.index("contempt"))) == {doc.MISSING}


@pytest.mark.parametrize("group", ["all images", "correct predictions", "wrong predictions"])
@pytest.mark.parametrize("quantity", ["Share", "Density"])
def test_correct_and_wrong_predictions_have_tables_of_their_own(made, quantity, group):
    assert any(caption.startswith(quantity) and caption.endswith(group) for caption in tables(made))


def test_verdicts_stand_with_their_numbers_and_reasons(made, findings):
    table = tables(made)["Expected regions and verdict of each class"]
    shown = dict(zip(column(table, 0), (row[-1] for row in table.rows), strict=True))
    assert {label: shown[label].text for label in LABELS} == {c.label: c.verdict.words for c in findings.classes}
    assert shown["surprise"].tone == "bad"
    assert shown["neutral"].tone == "plain"
    said = plain(made)
    assert all(each.verdict.reason[1:] in said for each in findings.classes)


def test_controls_stand_beside_the_explanations(made):
    table = tables(made)["The expected regions under the explanations and under maps that have seen no face"]
    assert {"control: centre Gaussian", "control: uniform over the crop", "control: uniform over the face"} <= set(
        column(table, 1)
    )


def test_classes_without_expected_regions_are_shown_as_such_and_said_why(made, words):
    table = tables(made)["Expected regions and verdict of each class"]
    row = table.rows[column(table, 0).index("neutral")]
    assert [each.text for each in (row[2], row[4], row[5])] == [doc.MISSING] * 3
    assert "EMFACS names no action units for neutral" in words


def test_no_face_is_in_a_report_unless_it_was_asked_for(findings):
    without = report(findings, EDITION)
    face = np.full((40, 30, 3), 200, np.uint8)
    with_faces = report(findings, dataclasses.replace(EDITION, faces={findings.worst[0].place: face}))
    assert "Faces are health data and are left out" in plain(without)
    assert "This report contains faces" in plain(with_faces)
    figures = [sum(isinstance(block, doc.Figure) for block in each.blocks) for each in (without, with_faces)]
    assert figures[1] == figures[0] + 1


def test_checks_that_were_left_out_are_said_to_be(findings):
    made = report(make_findings(checks=False), EDITION)
    assert plain(made).count("Not checked") == 5
    assert to_pdf(made).startswith(b"%PDF-")


def test_the_report_says_how_to_make_it_again(words, findings):
    assert EDITION.command in words
    assert findings.about.pack_sha256 in words
    assert findings.about.corpus_fingerprint in words


def test_equal_findings_give_equal_files(findings, tmp_path):
    def files(name):
        folder = tmp_path / name
        folder.mkdir()
        rows.write_rows(make_findings(), folder / "rows.parquet")
        machine.write_maps(make_findings().maps, folder / "maps.npz")
        machine.write_document(machine.document(make_findings()), folder / "findings.json")
        return {file.name: file.read_bytes() for file in folder.iterdir()}

    assert files("a") == files("b")
    charts = [
        [block.drawing.svg("k") for block in made.blocks if isinstance(block, doc.Figure)][3:4]
        for made in (report(findings, EDITION), report(make_findings(), EDITION))
    ]
    assert charts[0] == charts[1]


def hostile(findings):
    """The same findings, one picture and its person having a name made to break things."""
    first = dataclasses.replace(findings.records[0], name=HOSTILE, subject=HOSTILE)
    worst = tuple(dataclasses.replace(each, name=HOSTILE) for each in findings.worst)
    return dataclasses.replace(findings, records=(first, *findings.records[1:]), worst=worst)


def test_a_hostile_name_stays_a_name(findings, tmp_path):
    text = to_html(report(hostile(findings), EDITION))
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    rows.write_rows(hostile(findings), tmp_path / "rows.parquet")
    machine.write_document(machine.document(hostile(findings)), tmp_path / "findings.json")
    assert json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))["worst"][0]["name"].startswith(
        "<script>"
    )


def read_rows(findings, tmp_path):
    rows.write_rows(findings, tmp_path / "rows.parquet")
    return pq.read_table(tmp_path / "rows.parquet")


def test_the_table_has_a_row_per_image_and_region_and_one_for_every_other_image(findings, tmp_path):
    table = read_rows(findings, tmp_path)
    found = table.to_pylist()
    assert len(found) == 18 * len(REGIONS) + 5
    assert list(dict.fromkeys(row["image"] for row in found)) == [record.name for record in findings.records]
    for record in findings.records:
        mine = [row for row in found if row["image"] == record.name]
        assert [row["region"] for row in mine] == (list(REGIONS) if record.evidence else [None])
        assert {row["state"] for row in mine} == {record.state}


def test_the_table_gives_back_the_numbers(findings, tmp_path):
    found = read_rows(findings, tmp_path).to_pylist()
    record = findings.records[0]
    mine, shares = found[: len(REGIONS)], record.evidence.polygons
    assert [row["share"] for row in mine] == pytest.approx(list(shares.shares))
    assert [row["density"] for row in mine] == pytest.approx(list(shares.densities))
    assert [row["other_mode_share"] for row in mine] == pytest.approx(list(record.evidence.boxes.shares))
    assert [row["contrast_share"] for row in mine] == pytest.approx(list(record.contrast.polygons.shares))
    assert mine[0]["verdict"] == shares.verdict
    assert mine[0]["against"] == record.contrast.against
    assert mine[0]["p_happiness"] == pytest.approx(float(record.prediction.probabilities[1]))


def test_the_table_says_what_it_is_of(findings, tmp_path):
    metadata = read_rows(findings, tmp_path).schema.metadata
    assert metadata[b"pack_sha256"] == findings.about.pack_sha256.encode()
    assert json.loads(metadata[b"versions"]) == dict(findings.about.versions)


def test_figures_for_programs_are_strict_json_with_every_figure(findings, tmp_path):
    machine.write_document(machine.document(findings), tmp_path / "f.json")
    text = (tmp_path / "f.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert "NaN" not in text
    assert found["classification"]["accuracy"]["value"] == findings.classification.accuracy.value
    assert (
        found["classes"][1]["by_origin"]["contrast"]["lift"]["value"]
        == findings.classes[1].by_origin["contrast"].lift.value
    )
    assert found["tables"][0]["mean"][3] == [None] * len(REGIONS)


def test_mean_maps_come_as_arrays(findings, tmp_path):
    machine.write_maps(findings.maps, tmp_path / "maps.npz")
    with np.load(tmp_path / "maps.npz", allow_pickle=False) as kept:
        np.testing.assert_array_equal(
            kept["happiness/contrast/wrong"], findings.maps.of("happiness", "contrast", "wrong").density
        )
        assert kept["landmarks"].shape == (478, 2)


def test_packs_stand_side_by_side(findings):
    both = comparison({"one": findings, "two": make_findings(1)}, EDITION)
    table = tables(both)["The numbers that matter"]
    assert [each.title for each in table.columns] == ["measure", "one", "two"]
    assert sum(isinstance(block, doc.Figure) for block in both.blocks) == 7
    assert to_pdf(both).startswith(b"%PDF-")


def narrower(findings, labels):
    """Findings of a pack that knows fewer classes: the others' columns cut out of its predictions."""
    places = [LABELS.index(label) for label in labels]

    def cut(record):
        if record.prediction is None:
            return record
        kept = {name: getattr(record.prediction, name)[places] for name in ("logits", "probabilities")}
        return dataclasses.replace(record, prediction=dataclasses.replace(record.prediction, labels=labels, **kept))

    about = dataclasses.replace(findings.about, pack_labels=labels)
    classes = tuple(each for each in findings.classes if each.label in labels)
    maps = dataclasses.replace(findings.maps, maps=tuple(each for each in findings.maps.maps if each.label in labels))
    records = tuple(map(cut, findings.records))
    return dataclasses.replace(findings, about=about, records=records, classes=classes, maps=maps)


def test_packs_with_different_classes_are_compared_on_those_they_share(findings):
    six = narrower(findings, ("happiness", "surprise"))
    same = overlap({"all": findings, "some": six})
    assert same.labels == ("happiness", "surprise")
    read = [r for r in findings.records if r.label in same.labels and r.prediction is not None]
    assert same.images == len(read)
    assert same.among_common["all"].value == same.among_common["some"].value
    assert same.gains["some"].value == 0
    assert same.as_read["some"].value >= same.as_read["all"].value
    assert "class unknown" in plain(comparison({"all": findings, "some": six}, EDITION))


def test_packs_with_nothing_in_common_are_not_compared_in_accuracy(findings):
    two = {"one": narrower(findings, ("happiness",)), "two": narrower(findings, ("surprise",))}
    assert overlap(two).images == 0


@pytest.mark.parametrize(
    ("value", "text"), [(1.005, "1.00"), (-0.5, "−0.50"), (-0.001, "0.00"), (None, "–"), (float("nan"), "–")]
)
def test_numbers_are_written_with_care(value, text):
    assert number(value) == text


def test_small_numbers_keep_their_size():
    assert small(3.21e-7) == "3.2 × 10⁻⁷"
    assert small(0.25) == "0.25"
    assert percent(0.123) == "12.3\u00a0%"


def test_an_estimate_without_an_interval_shows_none():
    assert cell(Estimate(0.5, float("nan"), float("nan"), 1)) == doc.Cell("0.50", "")
    assert cell(None) == doc.Cell(doc.MISSING)


def test_both_sides_of_a_region_are_one_word():
    assert regions(("left_brow", "right_brow", "glabella", "left_eye")) == "brows, between the brows, left eye"


@pytest.mark.parametrize("box", [None, Box(-50, -50, 1000, 1000), Box(900, 900, 10, 10), Box(100, 60, 50, 70)])
def test_thumbnails_are_small_and_never_empty(box):
    small_one = thumbnail(np.zeros((400, 600, 3), np.uint8), box)
    assert min(small_one.shape) > 0
    assert max(small_one.shape) <= 160
