"""Settings survive a restart, and a damaged file costs nothing but the settings."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.settings import FACTOR_LIMITS, Settings, load, save


def test_settings_survive_a_restart(tmp_path):
    path = tmp_path / "deep" / "settings.json"
    chosen = Settings(method="gradcam", target="fear", against="runner-up", scale_factor=0.5, theme="light")
    save(chosen, path)
    assert load(path).settings == chosen
    assert load(path).problem is None


def test_a_first_start_has_the_defaults_and_nothing_to_say(tmp_path):
    loaded = load(tmp_path / "settings.json")
    assert loaded.settings == Settings()
    assert loaded.problem is None


@pytest.mark.parametrize("content", ["{broken", "[]", '{"opacity": 7}', '{"theme": "pink"}', "\x00\x01"])
def test_a_damaged_file_gives_defaults_a_note_and_is_kept_aside(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_text(content)
    loaded = load(path)
    assert loaded.settings == Settings()
    assert "settings.bad.json" in loaded.problem
    assert (tmp_path / "settings.bad.json").read_text() == content
    assert not path.exists()


def test_two_damaged_files_are_both_kept(tmp_path):
    path = tmp_path / "settings.json"
    for content in ("{one", "{two"):
        path.write_text(content)
        load(path)
    kept = {each.read_text() for each in tmp_path.glob("settings.bad*.json")}
    assert kept == {"{one", "{two"}


def test_a_newer_version_s_keys_are_left_out(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"method": "gradcam", "hologram": True}))
    assert load(path).settings == Settings(method="gradcam")


def test_a_place_that_cannot_be_written_is_an_error_for_the_window_to_show(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"."):
        save(Settings(), tmp_path / "file" / "settings.json")


@given(
    opacity=st.floats(0, 1),
    factor=st.floats(*FACTOR_LIMITS),
    every=st.sampled_from(["auto", 1, 2, 4]),
    source=st.none() | st.text(),
)
def test_whatever_is_allowed_comes_back_as_it_was(tmp_path_factory, opacity, factor, every, source):
    path = tmp_path_factory.mktemp("settings") / "settings.json"
    chosen = Settings(opacity=opacity, scale_factor=factor, explain_every=every, source=source)
    save(chosen, path)
    assert load(path).settings == chosen


def test_a_change_is_checked():
    with pytest.raises(ValidationError):
        Settings().changed(opacity=3.0)
