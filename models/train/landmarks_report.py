"""Tables and figures of a run of landmark networks: CSV and PNG, as docs/landmarks.md shows them."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from core.geometry import FACE_OVAL, Floats
from core.regions import REGIONS
from core.verification.estimates import Estimate
from models.data.landmarks import EXPRESSIONS
from models.train.landmarks import KINDS, Kind
from models.train.landmarks_reduction import COUNTS, SELECTIONS, Cell, Learnt
from models.train.landmarks_scores import Row
from models.verify.landmark_latency import Latency

_COLOURS: Final = {"relevance": "#0b6bcb", "variance": "#b8860b", "random": "#777777"}
_KIND_NAMES: Final = {"random": "randomised", "trained": "trained"}
_DPI: Final = 95
_TICKS: Final = (16, 32, 64, 128, 256, 478)


def write_table(path: Path, rows: Sequence[Row], latencies: Mapping[tuple[Kind, int], Latency]) -> None:
    """Everything that was measured, one line per kind, selection and number of points; shares, not percent."""
    lines = [dict(_cells(row, latencies[row.kind, row.count])) for row in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _cells(row: Row, latency: Latency) -> Iterator[tuple[str, object]]:
    yield from (("kind", row.kind), ("selection", row.selection), ("points", row.count), ("seeds", row.seeds))
    yield from _interval("mean_recall", row.recall)
    yield from _interval("accuracy", row.accuracy)
    yield "held_out_mean_recall", f"{row.held_recall:.4f}"
    yield from _interval("mean_recall_over_random", row.over_random)
    yield "auc", f"{np.mean(row.curves):.4f}"
    yield "six_way_accuracy", f"{row.six:.4f}"
    for name, recall, curve in zip(EXPRESSIONS, row.recalls, row.curves, strict=True):
        yield from _interval(f"{name}_mean_recall", recall)
        yield f"{name}_auc", f"{curve:.4f}"
    for name, value in zip(("mean_gap", "largest_gap", "mean_difference"), row.gaps, strict=True):
        yield name, "" if np.isnan(value) else f"{value:.4f}"
    yield from (("forward_ms", f"{latency.forward_ms:.4f}"), ("explained_ms", f"{latency.explained_ms:.4f}"))
    for region, points in zip(REGIONS, row.regions, strict=True):
        if region != "outside":
            yield f"points_{region}", f"{points:.1f}"


def _interval(name: str, value: Estimate | None) -> Iterator[tuple[str, str]]:
    figures = ("", "", "") if value is None else tuple(f"{each:.4f}" for each in (value.value, value.low, value.high))
    yield from zip((name, f"{name}_low", f"{name}_high"), figures, strict=True)


def draw_curves(path: Path, rows: Sequence[Row]) -> None:
    """Mean recall against the number of points, with 95 % intervals, for both kinds and every selection."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2, sharey=True), KINDS, strict=True):
        for selection in SELECTIONS:
            chosen = [row for row in rows if (row.kind, row.selection) == (kind, selection)]
            counts = [row.count for row in chosen]
            axes.plot(counts, [100 * row.recall.value for row in chosen], "o-", ms=4, color=_COLOURS[selection])
            ends = [[100 * getattr(row.recall, end) for row in chosen] for end in ("low", "high")]
            axes.fill_between(counts, *ends, color=_COLOURS[selection], alpha=0.15, lw=0)
        _counts_below(axes, f"{_KIND_NAMES[kind]} networks")
        names = ("most relevant", "most varying", "random")
        axes.legend(axes.lines, [f"{name} points" for name in names], loc="lower right", frameon=False, fontsize=9)
    figure.axes[0].set_ylabel("mean recall, six expressions, %")
    _save(figure, path)


def draw_regions(path: Path, rows: Sequence[Row]) -> None:
    """Share of the kept points that lies in each region, both sides together, against the number of points."""
    sides = {"brows": "brow", "eyes": "eye", "cheeks": "cheek", "jaws": "jaw"}
    groups: dict[str, tuple[str, ...]] = {name: (f"left_{part}", f"right_{part}") for name, part in sides.items()}
    groups |= {"lips": ("upper_lip", "lower_lip")}
    groups |= {name: (name,) for name in ("nose", "glabella", "forehead", "chin")}
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    palette = [
        *("#4477aa", "#66ccee", "#228833", "#bbbbbb", "#cc3311", "#ccbb44", "#aa3377", "#999933", "#332288"),
    ]
    for axes, kind in zip(figure.subplots(1, 2, sharey=True), KINDS, strict=True):
        chosen = [row for row in rows if (row.kind, row.selection) == (kind, "relevance")]
        shares = [
            [100 * sum(row.regions[REGIONS.index(part)] for part in parts) / row.count for row in chosen]
            for parts in groups.values()
        ]
        axes.stackplot([row.count for row in chosen], shares, labels=list(groups), colors=palette, lw=0)
        _counts_below(axes, f"{_KIND_NAMES[kind]} networks")
        axes.set_ylim(0, 100)
    figure.axes[0].set_ylabel("share of the kept points, %")
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles[::-1], names[::-1], loc="outside right center", frameon=False)
    _save(figure, path)


def draw_points(path: Path, run: Path, seeds: Sequence[int], face: Floats, count: int) -> None:
    """Where the relevance of each expression lies on the mean face [478, 3], networks of `count` points, mean of seeds.

    A dot's area is its share of the relevance; points that no seed keeps are specks.
    """
    figure = Figure(figsize=(10, 4.3), layout="constrained")
    grid = figure.subplots(len(KINDS), len(EXPRESSIONS))
    oval = face[[*FACE_OVAL, FACE_OVAL[0]]]
    for line, kind in zip(grid, KINDS, strict=True):
        shares = np.mean([Learnt.read(Cell(kind, seed, "relevance", count).path(run)).shares for seed in seeds], axis=0)
        for axes, name, share in zip(line, EXPRESSIONS, shares, strict=True):
            axes.plot(oval[:, 0], -oval[:, 1], color="#bbbbbb", lw=0.8)
            axes.scatter(face[:, 0], -face[:, 1], s=0.4, color="#cccccc", lw=0)
            axes.scatter(face[:, 0], -face[:, 1], s=2400 * share, color=_COLOURS["relevance"], alpha=0.7, lw=0)
            axes.set_aspect("equal")
            axes.axis("off")
            if kind == KINDS[0]:
                axes.set_title(name, fontsize=11)
        line[0].text(-0.08, 0.5, _KIND_NAMES[kind], rotation=90, va="center", transform=line[0].transAxes, fontsize=11)
    _save(figure, path)


def _counts_below(axes: Any, title: str) -> None:
    axes.set_title(title, fontsize=11)
    axes.set_xscale("log", base=2)
    axes.set_xlim(COUNTS[-1], COUNTS[0])
    axes.set_xticks(_TICKS, [str(count) for count in _TICKS])
    axes.minorticks_off()
    axes.set_xlabel("points kept")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
