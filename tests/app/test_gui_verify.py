"""The page of the session's verdicts shows what core adds up, leads there by key, and saves what the person wants."""

import csv
import json
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from core.verdict import Verdict
from tests.app.gui_fakes import make_face, make_regions, make_result

UNEXPECTED = make_regions(forehead=0.9)
FINE = make_regions(upper_lip=0.5, lower_lip=0.3)


def play(window, *spans, start_s=0.0, **face):
    """Results at 10 per second: (frames, regions) or (frames, None) for no face."""
    number = 0
    for frames, regions in spans:
        for _ in range(frames):
            now_s = start_s + number / 10
            faces = [] if regions is None else [make_face(regions=regions, explained_s=now_s, **face)]
            window._take_result(make_result(faces, index=number, timestamp_s=now_s))
            number += 1


def cells(window):
    """What the table shows, row by row."""
    table = window.verify.table
    return [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]


@pytest.fixture
def window(qtbot, open_window):
    return open_window()


def verify(qtbot, window):
    qtbot.keyClick(window.page.stage, "v")
    assert window.pages.shown is window.verify


def test_v_leads_to_the_page_and_escape_back(qtbot, window):
    verify(qtbot, window)
    qtbot.keyClick(window.verify.table, Qt.Key.Key_Escape)
    assert window.pages.shown is window.page


def test_the_rail_leads_to_every_page_and_shows_which_one_it_is(qtbot, window):
    for button, _ in window.pages.rail._buttons[:2]:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert button.isChecked()
        assert window.pages.shown.title == button.text()


def test_notices_stand_on_whatever_page_is_shown(qtbot, window):
    for key in ("verify", "live"):
        window.show_page(key)
        window._tell("some topic", "info", "Something.")
        area = window.pages.shown.notice_area
        place = window.notices.mapTo(window, window.notices.rect().center())
        assert window.notices.isVisible()
        assert area.rect().contains(area.mapFrom(window, place))


def test_nothing_seen_says_so(qtbot, window):
    verify(qtbot, window)
    assert window.verify._empty.isVisible()
    assert not window.verify.table.isVisible()


def test_a_face_has_a_row_and_so_has_each_class(qtbot, window):
    play(window, (11, FINE), (10, UNEXPECTED))
    play(window, (10, make_regions(())), start_s=2.1, top="neutral")
    verify(qtbot, window)
    rows = cells(window)
    assert [row[1] for row in rows] == ["all classes", "happiness", "neutral"]
    assert rows[1][2] == "0:02.0"
    assert rows[1][4:6] == ["50 %", "50 %"]
    assert rows[2][8] == "100 %"  # nothing is expected of neutral: not measured, and no failure
    assert rows[1][-1] == "0:01.1 to 0:02.0"
    assert rows[2][9:12] == ["–", "–", "–"]
    assert "31 frames shown · 0 without a face · 1 face" in window.verify._facts.text()


def test_the_page_shows_what_the_tally_holds(qtbot, window):
    play(window, (11, FINE), (5, UNEXPECTED), (5, None))
    account = window.verify.tally.total(window.verify.tally.basis)
    assert account.share(Verdict.EXPECTED) == pytest.approx(10 / 15)
    assert window.verify.tally.frames_without_face == 5


def test_a_pack_with_classes_that_nobody_knows_is_neutral_about_them(qtbot, window):
    play(window, (5, make_regions(())), top="boredom", labels=("boredom", "flow"))
    verify(qtbot, window)
    assert cells(window)[1][1] == "boredom"
    assert cells(window)[1][8] == "100 %"


def test_with_explanations_off_time_is_counted_as_not_explained(qtbot, window):
    qtbot.keyClick(window.page.stage, "m")
    qtbot.keyClick(window.page.stage, "m")
    qtbot.keyClick(window.page.stage, "m")
    assert window.settings.method == "off"
    bare = replace(make_face(), explanation=None, regions=None, explained=False)
    for number in range(5):
        window._take_result(make_result([bare], timestamp_s=number / 10))
    verify(qtbot, window)
    assert window.verify.tally.basis.method == "off"
    assert "explanations off" in window.verify.bases.text()
    assert cells(window)[1][8] == "100 %"


def test_another_limit_begins_another_account_and_the_one_before_can_be_looked_at(qtbot, window):
    play(window, (11, make_regions(upper_lip=0.5, outside=0.38)))
    verify(qtbot, window)
    assert cells(window)[1][6] == "100 %"
    qtbot.keyClick(window.verify.table, ".")
    play(window, (11, make_regions(upper_lip=0.5, outside=0.38)), start_s=1.1)
    window.verify.refresh()
    assert cells(window)[1][4] == "100 %"
    assert len(window.verify.bases.keys) == 2
    qtbot.keyClick(window.verify.table, "v", Qt.KeyboardModifier.ShiftModifier)
    assert cells(window)[1][6] == "100 %"


def test_what_is_still_being_prepared_is_not_booked_under_its_name(qtbot, window):
    play(window, (5, FINE))
    window.choices.set("method", "gradcam")  # results still come from the method before
    play(window, (5, FINE), start_s=0.5)
    assert window.verify.tally.basis.method == "lrp"
    assert window.verify.tally.total(window.verify.tally.basis).seen == 10


@pytest.mark.parametrize("way", ["key", "click", "enter"])
def test_the_longest_stretch_is_one_step_away(qtbot, fake, window, way):
    play(window, (11, FINE), (10, UNEXPECTED))
    window._take_status(fake.session.now)
    window.verify.refresh()
    verify(qtbot, window)
    table = window.verify.table
    if way == "click":
        item = table.item(1, table.columnCount() - 1)
        table.scrollToItem(item)
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualItemRect(item).center())
    else:
        qtbot.keyClick(table, Qt.Key.Key_Down)
        qtbot.keyClick(table, "g" if way == "key" else Qt.Key.Key_Return)
    assert fake.session.calls[-1] == ("seek", pytest.approx(1.1))
    assert window.pages.shown is window.page


def test_live_sources_have_times_that_lead_nowhere(qtbot, fake, window):
    fake.session.now = replace(fake.session.now, live=True, seekable=False, position_s=None)
    play(window, (5, UNEXPECTED))
    window._take_status(fake.session.now)
    verify(qtbot, window)
    window.verify.table.seek_row(1)
    assert not any(isinstance(call, tuple) and call[0] == "seek" for call in fake.session.calls)


def test_clearing_and_another_source_forget_everything(qtbot, fake, open_window, window):
    play(window, (5, FINE))
    qtbot.keyClick(window.page.stage, Qt.Key.Key_Delete, Qt.KeyboardModifier.ControlModifier)
    assert window.verify.tally.frames == 0
    play(window, (5, FINE))
    with qtbot.waitSignal(window._opener.opened, timeout=5000):
        window.open_source("other.mp4")
    assert window.verify.tally.frames == 0


def test_the_summary_is_saved_as_a_table_and_a_document(qtbot, window, tmp_path):
    play(window, (11, FINE), (10, UNEXPECTED))
    with qtbot.waitSignal(window.saver.told, timeout=5000):
        qtbot.keyClick(window.page.stage, "s", Qt.KeyboardModifier.ControlModifier)
    (table,) = tmp_path.rglob("mienscope-session-*.csv")
    (sheet,) = tmp_path.rglob("mienscope-session-*.json")
    (row,) = csv.DictReader(table.read_text().splitlines())
    assert (row["face"], row["class"], row["method"], row["outside_limit"]) == ("A", "happiness", "lrp", "0.35")
    assert float(row["share_expected"]) == pytest.approx(0.5)
    assert float(row["unsupported_from_s"]) == pytest.approx(1.1)
    document = json.loads(sheet.read_text())
    assert document["source"]
    assert document["summaries"][0]["faces"][0]["classes"]["happiness"]["frames"] == 21
    assert "mienscope-session" in window.notices.messages[-1].text


def test_everything_fits_into_a_small_window_and_a_large_one(qtbot, window):
    play(window, (11, FINE), (10, UNEXPECTED))
    verify(qtbot, window)
    for width, height in ((1000, 600), (1440, 900)):
        window.resize(width, height)
        qtbot.waitUntil(lambda width=width: window.width() == width, timeout=2000)
        table = window.verify.table
        assert table.horizontalHeader().length() <= table.viewport().width() + 1
        for column in range(table.columnCount()):
            if table.isColumnHidden(column):
                continue
            assert table.sizeHintForColumn(column) <= table.columnWidth(column), column


def test_themes_change_and_the_chosen_row_stays(qtbot, window):
    play(window, (11, FINE), (10, UNEXPECTED))
    verify(qtbot, window)
    window.verify.table.selectRow(1)
    qtbot.keyClick(window.verify.table, "t")
    assert window.verify.table.currentRow() == 1
