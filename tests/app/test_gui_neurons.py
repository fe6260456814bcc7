"""The page of neurons: what is shown of the strongest filters, how they are followed, and what may be missing."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from app.gui import neuron_words
from app.gui.elapsed import JUMP_S, Elapsed
from app.gui.neuron_strip import GAP_S, MAX_POINTS, Activity
from app.settings import Settings, load
from core.errors import ExplainError
from core.neurons import NeuronAtlas
from core.neurons.lens import CarriedBack
from core.types import Features
from tests.app.gui_fakes import make_face, make_layer, make_result
from tests.atlas_made import FILTERS, make_atlas


class MadePack:
    """As much of a pack as an atlas is made for."""

    model_sha256 = "0" * 64


@pytest.fixture
def atlas():
    return make_atlas(MadePack(), layers=("a",))


@pytest.fixture
def open_page(qtbot, fake, open_window, atlas):
    """A window with the page of neurons shown and its first layer open."""

    def open_it(settings=None, known=True, problem="", layers=None):
        window = open_window(settings=settings)
        fake.session.layers = layers or [make_layer("a", channels=FILTERS), make_layer("b", channels=3)]
        fake.session.atlas, fake.session.atlas_problem = atlas if known else None, problem
        window.show_page("neurons")
        qtbot.waitUntil(lambda: window.look.layer is not None, timeout=5000)
        return window

    return open_it


@pytest.fixture
def play(qtbot, fake):
    """Plays frames with feature maps, and waits until the slow parts show them; `maps` by channel."""

    def play_it(window, maps, timestamp_s=0.0):
        opened = window.look.layer
        values = np.zeros((opened.layer.channels, opened.layer.height, opened.layer.width), np.float32)
        for channel, value in maps.items():
            values[channel] = value
        features = Features(1, opened.pack, opened.layer.key, values)
        result = make_result([make_face(1)], timestamp_s=timestamp_s)
        with qtbot.waitSignal(window.bridge.arrived, timeout=5000):
            fake.session.results.append(replace(result, features=features))
        with qtbot.waitSignal(window.bridge.slow_ticked, timeout=5000):
            pass

    return play_it


def spot(row, column, value=1.0):
    """A map of 4 x 4 with one active unit."""
    values = np.zeros((4, 4), np.float32)
    values[row, column] = value
    return values


def test_the_page_has_a_key_and_nothing_is_computed_before_it_is_seen(qtbot, fake, open_window, show):
    window = open_window()
    show(window, make_face(1))
    assert fake.session.looks == []
    qtbot.keyClick(window.page.stage, "n", Qt.KeyboardModifier.ShiftModifier)
    assert window.pages.shown is window.neurons
    qtbot.waitUntil(lambda: fake.session.looks[-1:] == [("a", 1)], timeout=5000)
    qtbot.keyClick(window.neurons.grid, Qt.Key.Key_Escape)
    assert fake.session.looks[-1] == (None, 0)


def test_going_from_the_layers_to_the_neurons_keeps_layer_channel_and_pins(qtbot, fake, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {3: 1.0, 1: 0.5})
    window.look.choose_channel(1)
    qtbot.keyClick(window.neurons.grid, "p")
    qtbot.keyClick(window.neurons.grid, "y")
    assert window.pages.shown is window.layers
    play(window, {3: 1.0, 1: 0.5})
    assert window.layers.grid.channels[:2] == [1, 3]
    assert (window.look.layer.layer.key, window.look.channel) == ("a", 1)
    assert fake.session.looks[-1] == ("a", 1), "the layer stays open on the way"


def test_the_strongest_filters_come_first_each_with_unit_and_place(open_page, play, show, atlas):
    window = open_page()
    show(window, make_face(1))
    play(window, {0: spot(0, 3, 2.0), 2: spot(2, 1, 3.0)})
    grid, layer = window.neurons.grid, atlas.layers["a"]
    assert grid.channels[:2] == [2, 0]
    first = grid._neurons[0]
    assert first.place == (3.5 / 4, 0.5 / 4)
    assert (first.unit_short, first.follows) == (f"AU 12 · {layer.divergence[0]:.2f}", True)
    assert (grid._neurons[2].unit, grid._neurons[2].follows) == ("no action unit", False)
    assert grid._neurons[2].share == pytest.approx(3.0 / layer.reach[2])
    assert grid._neurons[4].place is None, "it is not active anywhere"


def test_the_panel_says_what_the_chosen_filter_follows_and_where_it_is_active(qtbot, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {0: spot(0, 3), 2: spot(2, 1, 3.0)})
    panel = window.neurons.panel
    assert panel.channel.text() == "Filter 2"
    assert panel.unit.text().startswith("No action unit. The nearest, AU 1, inner brow raiser, may be chance")
    qtbot.keyClick(window.neurons.grid, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: panel.channel.text() == "Filter 0", timeout=5000)
    assert panel.unit.text().startswith("Follows AU 12, lip corner puller: divergence ")
    assert "of its reach" in panel.facts.text().replace("\u00a0", " ")
    assert (panel.histogram.unit, len(panel.looks_for.patterns)) == (12, 1)
    assert [(mark.x, mark.y) for mark in panel.view._marks] == [(3.5 / 4, 0.5 / 4)]


def test_a_filter_can_be_ranked_by_its_share_of_what_it_reaches(qtbot, fake, open_page, play, show, atlas):
    window = open_page()
    show(window, make_face(1))
    reach = atlas.layers["a"].reach
    low, high = int(reach.argmin()), int(reach.argmax())
    maps = {low: 1.0, high: 1.0 + 0.5 * (float(reach[high] / reach[low]) - 1)}
    play(window, maps)
    assert window.neurons.grid.channels[:2] == [high, low]
    qtbot.keyClick(window.neurons.grid, "h")
    assert window.settings.neuron_order == "reach"
    assert window.neurons.grid.channels[:2] == [low, high]
    assert window.settings.strength == "maximum", "that of the page of layers is another"


@pytest.mark.parametrize("key", ["p", Qt.Key.Key_Return])
def test_a_pinned_filter_is_followed_and_kept(qtbot, open_page, play, show, tmp_path, key):
    window = open_page()
    show(window, make_face(1))
    for number in range(4):
        play(window, {3: 1.0, 1: 0.1 * number}, timestamp_s=number / 10)
    window.look.choose_channel(1)
    qtbot.keyClick(window.neurons.grid, key)
    assert window.settings.pinned == {"fake 1.0": {"a": (1,)}}
    assert window.neurons.grid.channels[0] == 1
    assert "#1 AU 4" in window.neurons.strip.legend
    times, values = window.neurons._activity.of(1)
    assert values.tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert times.tolist() == pytest.approx([-0.3, -0.2, -0.1, 0.0], abs=1e-6)
    window.close()
    assert load(tmp_path / "settings.json").settings.pinned == {"fake 1.0": {"a": (1,)}}


def test_keys_go_through_filters_and_layers(qtbot, fake, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {channel: 2 - channel / 10 for channel in range(FILTERS)})
    for key, channel in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Right, 2), (Qt.Key.Key_Left, 1), (Qt.Key.Key_Home, 0)):
        qtbot.keyClick(window.neurons.grid, key)
        assert window.look.channel == channel
    assert fake.session.calls == ["start"], "arrows do not go from frame to frame here"
    qtbot.keyClick(window.neurons.grid, "]")
    qtbot.waitUntil(lambda: window.look.layer.layer.key == "b", timeout=5000)
    assert "does not have this layer. It has: Conv a" in window.neurons._note.text()
    assert not window.neurons.order.button("reach").isEnabled()


def test_what_another_layer_answered_is_not_drawn_as_this_one_s(qtbot, open_page, play, show):
    window = open_page(layers=[make_layer("b", channels=40), make_layer("a", channels=FILTERS)])
    show(window, make_face(1))
    play(window, {39: 2.0, 30: 1.0})
    window.look.choose_channel(39)
    qtbot.keyClick(window.neurons.grid, "]")
    qtbot.waitUntil(lambda: window.look.layer.layer.key == "a", timeout=5000)
    assert window.neurons.grid.message == "Waiting for the face…"
    play(window, {3: 1.0}, timestamp_s=1.0)
    assert window.neurons.grid.channels[0] == 3


def test_a_click_chooses_and_a_click_on_the_corner_pins(qtbot, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {3: 1.0, 1: 0.5})
    grid = window.neurons.grid
    middle, corner = grid.rect_of(1).center(), grid.pin_rect(1).center()
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=QPoint(middle))
    assert window.look.channel == 1
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=QPoint(corner))
    assert window.look.pinned == (1,)


def test_what_drives_the_filter_now_is_shown_beside_what_it_looks_for(qtbot, fake, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    wanted = np.zeros((9, 9), np.float32)
    wanted[4, 4] = 2.0
    fake.session.carried = CarriedBack(10, 20, wanted)
    panel, number = window.neurons.panel, 0
    while panel.now.patterns is None and number < 40:
        play(window, {0: spot(1, 2)}, timestamp_s=number / 10)
        number += 1
    assert fake.session.asked[0] == ("a", 0, (1, 2))
    assert panel.now.patterns[0, 4, 4] == 255
    assert np.unique(panel.now.patterns).tolist() == [128, 255]
    seen = panel.view._seen
    assert (seen.x(), seen.y(), seen.width()) == pytest.approx((20 / 48, 10 / 48, 9 / 48))


def test_a_filter_that_cannot_be_carried_back_says_so_once(fake, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    fake.session.carried = ExplainError("No rule for this operator.")
    panel, number = window.neurons.panel, 0
    while "Cannot" not in panel.now.text and number < 40:
        play(window, {0: spot(1, 2)}, timestamp_s=number / 10)
        number += 1
    assert "No rule for this operator." in panel.now.toolTip()
    for more in range(3):
        play(window, {0: spot(1, 2)}, timestamp_s=10 + more / 10)
    assert len(fake.session.asked) == 1
    assert not window.notices.messages


def test_a_filter_that_is_silent_in_this_face_is_not_carried_back(fake, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {})
    assert window.neurons.panel.now.text == "The filter is not active in this face."
    assert "nowhere" in window.neurons.panel.facts.text()
    assert fake.session.asked == []


# ---- What may be missing ----


def test_without_an_atlas_activations_are_shown_and_it_says_how_one_is_made(open_page, play, show):
    window = open_page(known=False)
    show(window, make_face(1))
    play(window, {3: 1.0, 1: 0.5})
    page = window.neurons
    assert page.grid.channels[:2] == [3, 1]
    assert "python -m models.verify neurons" in page._note.text()
    assert page._note.isVisible()
    assert page.panel.unit.text() == ""
    assert page.panel.looks_for.text == "No atlas: not known"
    assert page.grid._neurons[3].share == 0.5, "over what is strong for the layer"


def test_without_an_atlas_the_other_order_is_not_offered_and_a_setting_waits(qtbot, open_page, play, show):
    window = open_page(settings=Settings(neuron_order="reach"), known=False)
    show(window, make_face(1))
    play(window, {3: 1.0})
    assert window.neurons.order.button("activation").isChecked()
    qtbot.keyClick(window.neurons.grid, "h")
    assert window.settings.neuron_order == "reach"


def test_an_atlas_that_is_damaged_is_named_and_the_page_works(open_page, play, show):
    window = open_page(known=False, problem="0123.npz is damaged.")
    show(window, make_face(1))
    play(window, {3: 1.0})
    assert window.neurons._note.text() == "The pack's neuron atlas cannot be used. 0123.npz is damaged."
    assert window.neurons.grid.channels[0] == 3


def test_a_layer_without_places_shows_values(open_page, play, show):
    window = open_page(known=False, layers=[make_layer("dense", 1, 30, signed=True)])
    show(window, make_face(1))
    play(window, {4: 1.0, 8: -2.0})
    page = window.neurons
    assert page.grid.channels[0] == 4
    assert page.grid._neurons[4].place is None
    assert "sees the whole face" in page.panel.facts.text().replace("\u00a0", " ")
    assert page.panel.view._marks == ()


def test_without_a_face_the_page_says_so_and_comes_back(qtbot, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    play(window, {3: 1.0})
    show(window)
    qtbot.waitUntil(lambda: window.neurons.grid.message == "No face in the picture.", timeout=5000)
    assert window.neurons.panel.channel.isHidden() or not window.neurons.panel._below.isVisible()
    play(window, {3: 1.0}, timestamp_s=1.0)
    assert window.neurons.grid.channels[0] == 3


def test_layers_that_cannot_be_opened_are_said(qtbot, fake, open_window):
    window = open_window()
    fake.session.fail_with = {None: ExplainError("This network cannot be read.")}
    window.show_page("neurons")
    qtbot.waitUntil(lambda: bool(window.notices.messages), timeout=5000)
    assert window.neurons.grid.message == "The layers of this pack cannot be shown."


def test_what_is_painted_is_counted_as_shown(qtbot, open_page, play, show):
    window = open_page()
    show(window, make_face(1))
    with qtbot.waitSignal(window.neurons.painted, timeout=5000):
        play(window, {3: 1.0})


# ---- Parts ----


def test_the_axis_never_runs_backwards():
    elapsed = Elapsed()
    assert [elapsed.add(time) for time in (1.0, 2.0, 0.5, 0.7)] == pytest.approx([1, 2, 2 + JUMP_S, 2.2 + JUMP_S])


def test_a_filter_s_past_is_known_when_it_is_pinned_and_gaps_stay_gaps():
    activity = Activity()
    for number in range(3):
        activity.add("face", number / 10, np.array([number, 2 * number], np.float32))
    activity.add("face", 0.2 + 2 * GAP_S, np.array([7, 8], np.float32))
    times, values = activity.of(1)
    assert values.tolist()[:3] == [0, 2, 4]
    assert np.isnan(values[3])
    assert values[4] == 8
    assert times[-1] == 0
    activity.add("another face", 5.0, np.array([1, 1], np.float32))
    assert len(activity.of(0)[0]) == 1


def test_a_picture_that_stands_is_one_sample_and_a_long_past_is_thinned():
    activity = Activity()
    for _ in range(3):
        activity.add("face", 1.0, np.array([5], np.float32))
    assert activity.of(0)[1].tolist() == [5]
    for number in range(2000):
        activity.add("face", 1 + number / 60, np.array([number], np.float32))
    times, values = activity.of(0)
    assert len(times) <= MAX_POINTS
    assert values[-1] == 1999
    assert times[0] >= -20


def test_words_for_every_kind_of_filter(atlas):
    layer = atlas.layers["a"]
    assert neuron_words.unit_line(layer, 1, short=False) == f"AU 4 · {layer.divergence[1]:.2f} nats"
    assert neuron_words.unit_line(layer, 3, short=True) == "no AU"
    assert neuron_words.unit_sentences(layer, 3) == "No action unit: none goes with higher maxima of this filter."
    silent = replace(layer, alive=np.zeros(FILTERS, np.float32))
    assert neuron_words.unit_line(silent, 0, short=True) == "never active"
    assert "never active" in neuron_words.unit_sentences(silent, 0)
    assert (neuron_words.share(0.0004), neuron_words.share(0.0123)) == ("<\u00a00.001", "0.012")


@pytest.fixture
def own_places(monkeypatch, tmp_path):
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.mark.usefixtures("own_places", "threads_end")
def test_filters_of_the_shipped_pack_are_shown_and_carried_back_on_a_real_clip(qtbot, tmp_path):
    from app import paths
    from app.gui.live_session import backend
    from app.gui.window import Places, Window
    from core.neurons.atlas import file_name
    from core.packs import find_pack

    pack = find_pack("mien-s")
    made = make_atlas(pack, layers=("add_116",))
    made.write(paths.atlas_folder() / file_name(pack))
    window = Window(backend(), Settings(method="off"), Places(tmp_path / "settings.json", tmp_path))
    qtbot.addWidget(window)
    window.show()
    window.start("demo")
    window.show_page("neurons")
    qtbot.waitUntil(lambda: bool(window.neurons.grid.channels), timeout=60000)
    assert isinstance(window.look.layer.atlas, NeuronAtlas)
    qtbot.waitUntil(lambda: window.neurons.panel.now.patterns is not None, timeout=60000)
    before = window.look.features
    qtbot.waitUntil(lambda: window.look.features is not before, timeout=10000)
    window.close()
    assert not window.notices.messages
