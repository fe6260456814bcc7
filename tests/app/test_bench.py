"""The speed table: every part of it is measured, and what could not be is named with its reason."""

import importlib.util
import json

import onnxruntime
import pytest

from app import bench
from app.cli import main

PEERS = """import json, sys
assert sys.argv[1].endswith("mien-s") and sys.argv[2] == "--json"
print(json.dumps({"1": {"torch forward": 4.5, "captum lrp": "does not run: why"}}))
"""


@pytest.fixture
def peers(tmp_path, monkeypatch):
    """A file in the peers' place, which the real ones take minutes for; the lab's tests hold those to our numbers."""
    path = tmp_path / "benchmarks" / "peers.py"
    path.parent.mkdir()
    path.write_text(PEERS, encoding="utf-8")
    monkeypatch.setattr(bench, "PEERS", path)
    monkeypatch.setattr(bench, "BATCHES", (1, 2))
    monkeypatch.setattr(bench, "LIVE_SIZES", ((640, 360),))
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: name if name == "torch" else found(name, *more)
    )
    return path


def test_every_part_is_measured(peers, capsys):
    assert main(["bench", "--seconds", "0.3", "--json"], lambda *_: 1) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["provider"] in onnxruntime.get_available_providers()
    assert list(report["model"]) == ["1", "2"]
    for row in report["model"].values():
        assert row["forward"] > 0
        assert row["lrp_ratio"] == pytest.approx(row["lrp"] / row["forward"])
    assert {"faces", "crop", "regions", "model", "overlay"} <= set(report["stages"]["640x360"])
    assert report["live"]["640x360"]["explained_share"] == 1
    assert report["recorded"]["fps"] > 0
    assert report["peers"]["1"]["torch forward"] == 4.5


def test_a_peer_that_does_not_run_is_told_in_the_table(peers, capsys):
    console = bench.Console(highlight=False)
    found = bench._peers(bench.packs.find(bench.DEFAULT_PACK).folder)
    bench._print_peers(console, found)
    told = capsys.readouterr().out
    assert "1 face " in told
    assert "does not run" in told


def test_a_comparison_that_fails_says_why(peers, capsys):
    peers.write_text("raise SystemExit('the networks differ')", encoding="utf-8")
    report = bench._peers(bench.packs.find(bench.DEFAULT_PACK).folder)
    bench._print_peers(bench.Console(highlight=False), report)
    assert "the comparison failed: the networks differ" in capsys.readouterr().out
