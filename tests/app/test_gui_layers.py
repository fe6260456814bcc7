"""The page of layers: what is shown, chosen and pinned, and what happens when something is not there."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from app.gui.map_colours import Shades
from app.gui.map_grid import MAPS, VALUES
from app.gui.map_view import MapView
from app.gui.tile_grid import Shelves
from app.settings import Settings, load
from core.errors import ExplainError
from core.types import Features
from tests.app.gui_fakes import LABELS, make_face, make_layer, make_result


@pytest.fixture
def open_page(qtbot, fake, open_window):
    """A window with the page of layers shown and its first layer open."""

    def open_it(settings=None):
        window = open_window(settings=settings)
        window.show_page("layers")
        qtbot.waitUntil(lambda: window.look.watch.layer is not None, timeout=5000)
        return window

    return open_it


@pytest.fixture
def play(qtbot, fake):
    """Plays frames with feature maps, and waits until the slow parts show them; `maps` by channel."""

    def play_it(window, maps, faces=(1,), of=1, timestamp_s=0.0, pack=None, layer=None):
        opened = window.look.watch.layer
        shape = (opened.layer.channels, opened.layer.height, opened.layer.width)
        values = np.zeros(shape, np.float32)
        for channel, value in maps.items():
            values[channel] = value
        features = Features(of, pack or opened.pack, layer or opened.layer.key, values)
        result = make_result([make_face(face, x=20.0 + 150 * face) for face in faces], timestamp_s=timestamp_s)
        with qtbot.waitSignal(window.bridge.arrived, timeout=5000):
            fake.session.results.append(replace(result, features=features))
        for _ in range(2):
            with qtbot.waitSignal(window.bridge.slow_ticked, timeout=5000):
                pass

    return play_it


def texts(window):
    return " ".join(message.text for message in window.notices.messages)


def centre(rect):
    return QPoint(rect.center().x(), rect.center().y())


def test_nothing_is_computed_before_the_page_is_seen_nor_after(qtbot, fake, open_window, show):
    window = open_window()
    show(window, make_face(1))
    assert fake.session.looks == []
    qtbot.keyClick(window.page.stage, "y")
    qtbot.waitUntil(lambda: fake.session.looks[-1:] == [("a", 1)], timeout=5000)
    qtbot.keyClick(window.layers.grid, Qt.Key.Key_Escape)
    assert window.pages.shown is window.page
    assert fake.session.looks[-1] == (None, 0)


def test_every_layer_is_listed_with_its_size_and_those_left_out_are_counted(open_page):
    window = open_page()
    assert window.layers.list.names == ["Conv a", "Conv b", "Conv c"]
    assert "1 layer is left out" in window.layers.list._left_out.text()
    assert window.layers._size.text() == "12 maps of 4 × 4 px"


def test_the_strongest_channels_come_first(open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {3: 1.0, 7: 2.0, 5: 0.5})
    assert window.layers.grid.channels[:3] == [7, 3, 5]
    assert window.look.channel == 7
    assert window.layers.panel.channel.text() == "Channel 7"
    assert "all 12 channels for face A · by spatial maximum" in window.layers._count.text()


def test_channels_of_the_scores_are_called_by_their_classes(qtbot, fake, open_page, play, show):
    window = open_page()
    grid = window.layers.grid
    show(window, make_face(1))
    play(window, {3: 1.0})
    assert {tile.name for tile in grid._tiles} == {""}
    assert [grid._caption(grid._tiles[0], 90)[0], grid._tiles[0].title] == ["#3", "Channel 3"]

    fake.session.layers = [make_layer("a"), make_layer("scores", 1, len(LABELS), signed=True, classes=True)]
    window.look.choose_layer("scores")
    qtbot.waitUntil(lambda: window.look.watch.layer.layer.key == "scores", timeout=5000)
    play(window, {4: 3.25})
    assert window.layers.panel.channel.text() == f"Channel 4, {LABELS[4]}"
    assert sorted(tile.name for tile in grid._tiles) == sorted(LABELS)
    assert grid._caption(grid._tiles[0], 90) == (LABELS[4], "3.2")
    assert grid._caption(grid._tiles[0], 40)[0].endswith("…")


def test_a_key_goes_to_the_next_layer_and_that_is_remembered(qtbot, fake, open_page, tmp_path):
    window = open_page()
    qtbot.keyClick(window.layers.grid, "]")
    qtbot.waitUntil(lambda: window.look.watch.layer.layer.key == "b", timeout=5000)
    qtbot.keyClick(window.layers.grid, "]")
    qtbot.keyClick(window.layers.grid, "]")
    qtbot.waitUntil(lambda: window.look.watch.layer.layer.key == "c", timeout=5000)
    assert fake.session.looks[-1][0] == "c"
    assert window.settings.opacity == Settings().opacity, "the key has its other use on the live page only"
    window.close()
    assert load(tmp_path / "settings.json").settings.layers == {"fake 1.0": "c"}


def test_the_layer_of_last_time_is_opened(open_page):
    window = open_page(Settings(layers={"fake 1.0": "b"}))
    assert window.look.watch.layer.layer.key == "b"


def test_a_layer_that_has_vanished_gives_way_to_another_and_that_is_said(open_page):
    window = open_page(Settings(layers={"fake 1.0": "gone"}))
    assert window.look.watch.layer.layer.key == "a"
    assert "has no layer 'gone' any more; Conv a is shown" in texts(window)


def test_a_pinned_channel_stays_first_and_is_kept_for_pack_and_layer(qtbot, open_page, play, show, tmp_path):
    window = open_page()
    show(window, make_face(1))
    play(window, {3: 1.0, 7: 2.0})
    grid = window.layers.grid
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=centre(grid.rect_of(1)))
    assert window.look.channel == 3
    qtbot.keyClick(grid, "p")
    assert window.settings.pinned == {"fake 1.0": {"a": (3,)}}
    assert grid.channels[:2] == [3, 7]
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=centre(grid.pin_rect(1)))
    assert window.settings.pinned == {"fake 1.0": {"a": (3, 7)}}
    qtbot.keyClick(grid, "p")
    assert window.settings.pinned == {"fake 1.0": {"a": (7,)}}
    window.close()
    assert load(tmp_path / "settings.json").settings.pinned == {"fake 1.0": {"a": (7,)}}


def test_a_pin_beyond_the_layer_s_channels_is_passed_over(open_page, play, show):
    window = open_page(Settings(pinned={"fake 1.0": {"a": (99, 4)}}))
    show(window, make_face(1))
    play(window, {3: 1.0})
    assert window.layers.grid.channels[:2] == [4, 3]


def test_arrow_keys_go_from_channel_to_channel_and_not_from_frame_to_frame(qtbot, fake, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {channel: 2 - channel / 10 for channel in range(12)})
    grid = window.layers.grid
    for key, channel in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Right, 2), (Qt.Key.Key_Left, 1), (Qt.Key.Key_Home, 0)):
        qtbot.keyClick(grid, key)
        assert window.look.channel == channel
    qtbot.keyClick(grid, Qt.Key.Key_Down)
    assert window.look.channel == grid._shelves.columns
    assert fake.session.calls == ["start"]
    qtbot.keyClick(grid, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert fake.session.calls[-1] == ("step", 1)


def test_the_scale_belongs_to_the_layer_and_changes_only_by_hand(qtbot, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {3: 50.0})
    assert window.look.shades == Shades(2.0, False, "inferno")
    for key, top in (("+", 4.0), ("-", 2.0), ("-", 1.0), ("0", 2.0), ("a", 50.0)):
        qtbot.keyClick(window.layers.grid, key)
        assert window.look.shades.top == top
    assert window.settings.scale_factor == 1.0, "that of the heatmap is another"


def test_keys_rank_by_the_mean_and_draw_smoothly(qtbot, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    spot = np.zeros((4, 4), np.float32)
    spot[1, 1] = 3.0
    play(window, {2: spot, 6: 1.0})
    assert window.layers.grid.channels[:2] == [2, 6]
    qtbot.keyClick(window.layers.grid, "h")
    assert window.layers.grid.channels[:2] == [6, 2]
    qtbot.keyClick(window.layers.grid, "i")
    assert (window.settings.strength, window.settings.smooth) == ("mean", True)


def test_another_face_is_followed_by_key_and_by_tab(qtbot, fake, open_page, play, show):
    window = open_page()
    show(window, make_face(1), make_face(2, x=300.0))
    qtbot.keyClick(window.layers.grid, "2")
    assert fake.session.looks[-1] == ("a", 2)
    play(window, {5: 1.0}, faces=(1, 2), of=2)
    assert window.layers.panel.face.text().startswith("Face B")
    window.layers.panel.tabs._buttons[1].click()
    assert fake.session.looks[-1] == ("a", 1)
    assert window.page.selected_face.observation.face_id == 1


def test_maps_of_another_face_layer_or_pack_are_not_shown_as_this_one_s(open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {5: 1.0})
    for wrong in ({"of": 2, "faces": (1, 2)}, {"layer": "b"}, {"pack": "other 1.0"}):
        play(window, {9: 2.0}, **wrong)
        assert window.layers.grid.channels[0] == 5


def test_without_a_face_the_page_says_so_and_comes_back(qtbot, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {5: 1.0})
    show(window)
    qtbot.waitUntil(lambda: window.layers.grid.message == "No face in the picture.", timeout=5000)
    assert window.layers.panel.channel.isHidden()
    play(window, {5: 1.0})
    assert window.layers.grid.channels[0] == 5


def test_another_pack_s_layers_take_over_while_the_page_is_open(qtbot, fake, open_page):
    window = open_page()
    fake.session.layers = [make_layer("x"), make_layer("y")]
    window.choices.set("pack", "other")
    qtbot.waitUntil(lambda: window.layers.list.names == ["Conv x", "Conv y"], timeout=5000)
    assert window.look.watch.layer.pack == "other 1.0"
    assert fake.session.looks[-1][0] == "x"


def test_a_layer_that_cannot_be_opened_is_said_and_the_one_before_goes_on(qtbot, fake, open_page):
    window = open_page()
    fake.session.fail_with = {"b": ExplainError("Layer b is out of order.")}
    qtbot.keyClick(window.layers.grid, "]")
    qtbot.waitUntil(lambda: "Layer b is out of order" in texts(window), timeout=5000)
    assert window.look.watch.layer.layer.key == "a"
    assert window.layers.list.list.currentRow() == 0


def test_layers_that_cannot_be_opened_at_all_are_said_once(qtbot, fake, open_window):
    window = open_window()
    fake.session.fail_with = {None: ExplainError("This network cannot be read.")}
    window.show_page("layers")
    qtbot.waitUntil(lambda: "This network cannot be read" in texts(window), timeout=5000)
    assert window.layers.grid.message == "The layers of this pack cannot be shown."
    window.notices.drop_newest()
    for _ in range(3):
        with qtbot.waitSignal(window.bridge.slow_ticked, timeout=5000):
            pass
    assert not window.notices.messages


def test_an_error_of_the_worker_reaches_the_person_and_the_layer_can_be_tried_again(qtbot, fake, open_page, show):
    window = open_page()
    with qtbot.waitSignal(window.bridge.arrived, timeout=5000):
        fake.session.results.append(replace(make_result([make_face(1)]), features=MemoryError("no room")))
    assert "MemoryError: no room" in texts(window)
    assert window.look.watch.layer is None
    window.layers.list.list.setCurrentRow(0)
    qtbot.waitUntil(lambda: window.look.watch.layer is not None, timeout=5000)
    show(window, make_face(1))
    assert fake.session.looks[-1] == ("a", 1)


def test_of_several_wishes_the_last_one_counts(qtbot, fake, open_page):
    window = open_page()
    fake.session.gate = threading.Event()
    for _ in range(2):
        qtbot.keyClick(window.layers.grid, "]")
    fake.session.gate.set()
    qtbot.waitUntil(lambda: window.look.watch.layer.layer.key == "c", timeout=5000)
    assert "b" not in {key for key, _ in fake.session.looks}


def test_what_is_painted_is_counted_as_shown(qtbot, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    with qtbot.waitSignal(window.layers.painted, timeout=5000):
        play(window, {5: 1.0})


# ---- Parts ----


def test_colours_run_from_zero_or_from_minus_the_scale_and_never_fit_themselves():
    assert Shades(2.0).codes(np.array([0.0, 1.0, 2.0, 9.0, -1.0], np.float32)).tolist() == [0, 128, 255, 255, 0]
    signed = Shades(2.0, signed=True).codes(np.array([-2.0, 0.0, 2.0], np.float32))
    assert signed.tolist() == [0, 128, 255]
    assert Shades(2.0).colours[0].max() < 40, "what is silent is dark"


def test_smooth_maps_are_enlarged_before_they_are_coloured():
    shades, values = Shades(1.0), np.array([[[0.0, 1.0]]], np.float32)
    hard, soft = (shades.paint(values, (64, 8), smooth) for smooth in (False, True))
    assert len(np.unique(hard)) == 2
    assert len(np.unique(soft)) > 20
    assert (hard[0, 0, 0], hard[0, 0, -1]) == (soft[0, 0, 0], soft[0, 0, -1])


@pytest.mark.parametrize("size", [(300, 200), (440, 400), (770, 640), (1600, 1000)])
@pytest.mark.parametrize(("channels", "values"), [(1, False), (6, False), (32, False), (512, False), (300, True)])
def test_tiles_fit_into_the_room_and_are_as_large_as_that_allows(size, channels, values):
    from PySide6.QtCore import QSize

    form = VALUES if values else MAPS
    shelves = Shelves.fitted(QSize(*size), channels, form)
    assert form.smallest_px <= shelves.side_px <= form.largest_px
    assert shelves.columns * shelves.side_px <= size[0]
    assert shelves.rows * shelves.side_px <= size[1]
    assert shelves.room >= min(channels, 2)


def test_a_dense_layer_shows_values_and_leaves_the_face_alone(qtbot, fake, open_window, play, show):
    window = open_window()
    fake.session.layers = [make_layer("dense", 1, 30, signed=True)]
    window.show_page("layers")
    qtbot.waitUntil(lambda: window.look.watch.layer is not None, timeout=5000)
    show(window, make_face(1))
    play(window, {4: 1.0, 8: -2.0})
    assert window.layers.grid.channels[0] == 4
    assert window.layers.panel.facts.text() == "1 activation"
    assert "no place" in window.layers.panel.value.text()


def test_the_pointer_reads_the_unit_below_it(qtbot):
    view = MapView()
    qtbot.addWidget(view)
    view.resize(320, 320)
    view.show()
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    result = make_result([make_face(1)])
    view.show_map(result.frame, result.faces[0].crop, values, Shades(12.0), False, 0.8)
    with qtbot.waitSignal(view.read, timeout=2000):
        qtbot.mouseMove(view, QPoint(100, 300))
    assert view.pointed == (1, 2, 9.0)
    view.show_nothing()
    assert view.pointed is None


@pytest.fixture
def own_places(monkeypatch, tmp_path):
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.mark.usefixtures("own_places", "threads_end")
def test_layers_of_the_shipped_pack_and_of_another_are_shown_on_a_real_clip(qtbot, tmp_path, colour_pack):
    from app.gui.live_session import backend
    from app.gui.window import Places, Window

    window = Window(backend(), Settings(method="off"), Places(tmp_path / "settings.json", tmp_path))
    qtbot.addWidget(window)
    window.show()
    window.start("demo")
    window.show_page("layers")
    page = window.layers
    qtbot.waitUntil(lambda: bool(page.grid.channels), timeout=60000)
    assert page.list.names[-1] == "Dense 1"
    before = window.look.features
    qtbot.waitUntil(lambda: window.look.features is not before, timeout=10000)
    window.choices.set("pack", str(colour_pack.folder))
    qtbot.waitUntil(
        lambda: (
            window.look.features is not None and window.look.features.pack == f"other {colour_pack.manifest.version}"
        ),
        timeout=60000,
    )
    window._session.pause()
    qtbot.waitUntil(lambda: window.player.status.state == "paused", timeout=10000)
    page.list.list.setCurrentRow(1)
    qtbot.waitUntil(lambda: window.look.features is not None and window.look.features.layer == "c1", timeout=10000)
    window.close()
    assert not window.notices.messages
