"""``mienscope bench``: the speed table, everything measured side by side in one run on this machine."""

import importlib.util
import json
import os
import statistics
import subprocess  # nosec: starts this Python on our own benchmark
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from app import packs
from core.engine import Engine
from core.geometry import Image
from core.model import Model
from core.opencv import cv2
from core.overlay import Style, draw
from core.packs import DEFAULT_PACK
from core.pipeline import Pipeline, Settings
from core.sources import Source, open_source
from core.types import Frame

BATCHES: Final = (1, 2, 4, 8)
ROUNDS: Final = 40
CLIP_FRAMES: Final = 120  # of the clip are held in memory for the runs that must not wait for a decoder
LIVE_FPS: Final = 30.0
LIVE_SIZES: Final = ((640, 360), (1280, 720))
PEERS: Final = Path(__file__).resolve().parents[1] / "benchmarks" / "peers.py"


class PacedFrames(Source):
    """A camera that never was: frames from memory, each given when a camera of this rate would give it."""

    live = True

    def __init__(self, images: Sequence[Image], fps: float, seconds: float) -> None:
        self.name = "frames from memory"
        self.fps = fps
        self.size = (images[0].shape[1], images[0].shape[0])
        self._images = cycle(images)
        self._count = round(fps * seconds)
        self._index = 0
        self._started = 0.0

    def read(self) -> Frame | None:
        """Wait for the next frame's time and give it; None after the last."""
        if self._index == self._count:
            return None
        self._started = self._started or time.monotonic()
        due = self._started + self._index / float(self.fps or LIVE_FPS)
        time.sleep(max(0.0, due - time.monotonic()))
        frame = Frame(next(self._images), self._index, due - self._started, time.monotonic())
        self._index += 1
        return frame

    def close(self) -> None:
        """Nothing to give back."""


def run_bench(clip: str, seconds: float, echo: bool) -> dict[str, Any]:
    """Measure everything; print tables as they come if asked to."""
    console = Console(quiet=not echo, highlight=False)
    pack = packs.find(DEFAULT_PACK)
    model = Model(pack)
    report: dict[str, Any] = {
        "pack": f"{pack.id} {pack.manifest.version}",
        "provider": model.provider,
        "cores": os.cpu_count(),
    }
    console.print(f"Pack {report['pack']} on {model.provider}, {report['cores']} cores. Milliseconds are medians.")

    report["model"] = {batch: _explainers(model, batch) for batch in BATCHES}
    _print_model(console, report["model"])
    report["peers"] = _peers(pack.folder)
    _print_peers(console, report["peers"])

    images = _clip(clip)
    report["stages"] = {f"{w}x{h}": _stages(model, _resized(images, (w, h))) for w, h in LIVE_SIZES}
    _print_rows(console, "Stages of one frame, ms", report["stages"])
    report["recorded"] = _recorded(model, clip, seconds)
    report["live"] = {f"{w}x{h}": _live(model, _resized(images, (w, h)), seconds) for w, h in LIVE_SIZES}
    _print_rows(console, f"Live at {LIVE_FPS:g} frames/s, every frame explained with LRP", report["live"])
    _print_rows(console, "Recorded, CSV only", {clip: report["recorded"]})
    return report


def _medians(runs: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median milliseconds of each, run in turn so that noise meets all alike."""
    for run in runs.values():
        run()
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            samples[name].append((time.perf_counter() - started) * 1e3)
    return {name: statistics.median(values) for name, values in samples.items()}


def _explainers(model: Model, batch: int) -> dict[str, float]:
    """Forward alone, with Grad-CAM and with LRP, in ms and as ratios to the forward pass."""
    spec = model.pack.manifest.input
    channels = 1 if spec.colour == "grey" else 3
    faces = np.random.default_rng(0).integers(0, 256, (batch, channels, spec.size, spec.size), dtype=np.uint8)
    feeds = {
        spec.name: faces,
        "seed": np.zeros((batch, len(model.labels)), np.float32),
        "contrast": np.zeros(batch, np.float32),
    }
    cam, lrp = model.explainer("gradcam").session, model.explainer("lrp").session
    medians = _medians(
        {
            "forward": lambda: model.sessions.forward.run(None, {spec.name: faces}),
            "gradcam": lambda: cam.run(None, feeds),
            "lrp": lambda: lrp.run(None, feeds),
        }
    )
    ratios = {f"{name}_ratio": medians[name] / medians["forward"] for name in ("gradcam", "lrp")}
    return medians | ratios


def _peers(folder: Path) -> dict[str, Any]:
    """Torch and captum, measured by a process of their own; says why where they are not there."""
    if importlib.util.find_spec("torch") is None or not PEERS.is_file():
        return {"skipped": "torch is not installed; `pip install mienscope[lab]` in a checkout brings it"}
    environment = os.environ | {"PYTHONPATH": str(PEERS.parents[1])}
    command = [sys.executable, str(PEERS), str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    if done.returncode:
        return {"skipped": f"the comparison failed: {done.stderr.strip().splitlines()[-1]}"}
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _clip(spec: str) -> list[Image]:
    with open_source(spec) as source:
        images: list[Image] = []
        while len(images) < CLIP_FRAMES and (frame := source.read()) is not None:
            images.append(frame.image)
    return images


def _resized(images: Sequence[Image], size: tuple[int, int]) -> list[Image]:
    return [np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8) for image in images]


def _stages(model: Model, images: Sequence[Image]) -> dict[str, float]:
    """Mean milliseconds per stage of the pipeline, and of drawing the overlay."""
    pipeline = Pipeline(model, Settings())
    sums: dict[str, float] = {}
    style = Style()
    warm = 10
    for index, image in enumerate(images):
        result = pipeline.process(Frame(image, index, index / LIVE_FPS, time.monotonic()))
        started = time.perf_counter()
        draw(result, style)
        stages = dict(result.stages_s) | {"overlay": time.perf_counter() - started}
        for name, spent in stages.items() if index >= warm else ():
            sums[name] = sums.get(name, 0.0) + spent * 1e3
    pipeline.close()
    return {name: total / (len(images) - warm) for name, total in sums.items()}


def _recorded(model: Model, clip: str, seconds: float) -> dict[str, float]:
    """Rate of `analyze`, CSV only, over whole passes of the clip for at least so long, starting each included."""
    from app.analyze import Job, analyze_one

    frames, spent = 0, 0.0
    gaps_ms: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        while spent < seconds:
            started = time.perf_counter()
            written: list[float] = []
            job = Job(clip, Path(folder), Settings(), overlay=False)
            summary = analyze_one(job, model, lambda *_, written=written: written.append(time.perf_counter()))
            spent += time.perf_counter() - started
            frames += summary.frames
            gaps_ms += (np.diff(written) * 1e3).tolist()
    p50, p95 = np.percentile(gaps_ms, (50, 95))
    return {"fps": frames / spent, "row_p50_ms": float(p50), "row_p95_ms": float(p95)}


def _live(model: Model, images: Sequence[Image], seconds: float) -> dict[str, float]:
    """Rate, latency from capture to result, and drops of the two-thread engine."""
    pipeline = Pipeline(model, Settings())
    pipeline.process(Frame(images[0], 0, 0.0, time.monotonic()))  # models are loaded before the clock runs
    pipeline.reset()
    latencies: list[float] = []
    explained = faces = 0
    with Engine(PacedFrames(images, LIVE_FPS, seconds), pipeline) as engine:
        started = time.monotonic()
        for result in engine.latest:
            latencies.append((time.monotonic() - result.frame.captured_s) * 1e3)
            explained += sum(face.explained for face in result.faces)
            faces += len(result.faces)
        spent = time.monotonic() - started
        dropped = engine.status().dropped
    pipeline.close()
    return {
        "fps": len(latencies) / spent,
        "p50_ms": float(np.percentile(latencies, 50)),
        "p95_ms": float(np.percentile(latencies, 95)),
        "dropped": dropped,
        "explained_share": explained / max(faces, 1),
    }


def _print_model(console: Console, rows: dict[int, dict[str, float]]) -> None:
    table = Table(title="ONNX Runtime, ms for all faces together", title_justify="left")
    for heading in ("faces", "forward", "+ Grad-CAM", "ratio", "+ LRP", "ratio"):
        table.add_column(heading, justify="right")
    for batch, row in rows.items():
        cells = (row["forward"], row["gradcam"], row["gradcam_ratio"], row["lrp"], row["lrp_ratio"])
        table.add_row(str(batch), *(f"{value:.2f}" for value in cells))
    console.print(table)


def _print_peers(console: Console, report: dict[str, Any]) -> None:
    if "skipped" in report:
        console.print(f"Torch and captum: {report['skipped']}")
        return
    names = dict.fromkeys(name for row in report.values() for name in row)
    turned = {
        name: {f"{batch} {'face' if batch == '1' else 'faces'}": row.get(name, "") for batch, row in report.items()}
        for name in names
    }
    _print_rows(console, "Beside torch and captum, ms", turned)


def _print_rows(console: Console, title: str, rows: dict[str, dict[str, Any]]) -> None:
    table = Table(title=title, title_justify="left")
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for label, row in rows.items():
        cells = [row.get(name, "") for name in names]
        table.add_row(label, *(cell if isinstance(cell, str) else f"{cell:.2f}" for cell in cells))
    console.print(table)
