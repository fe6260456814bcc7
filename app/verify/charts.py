"""The figures of a verification. Shape and place say what colour says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.documents.drawing import Chart
from app.documents.palette import LIGHT
from core.verification.findings import Classification, Estimate, Findings, SanityFinding

ROW_CM: Final = 0.62
MARKERS: Final = ("o", "D", "s", "^", "v", "P")
INKS: Final = ("accent", "warn", "muted", "faint", "good", "bad")


@dataclass(frozen=True)
class Series:
    """One kind of estimate over the rows of a dot chart; None leaves a row empty."""

    name: str
    estimates: Sequence[Estimate | None]
    control: bool = False


def dots(
    rows: Sequence[str],
    panels: Mapping[str, Sequence[Series]],
    reference: float | None = None,
    limits: tuple[float, float] | None = None,
) -> Chart:
    """Estimates with their intervals, row by row; one panel per quantity, one marker per series.

    Controls are hollow. `reference` is the value that means nothing, drawn as a line.
    """
    most = max((len(series) for series in panels.values()), default=1)

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for each, (title, series) in zip(axes, panels.items(), strict=True):
            each.set_title(title, loc="left")
            _dot_panel(each, rows, series, reference, limits)
        handles, names = _legend(axes)
        if most > 1:
            figure.legend(handles, names, loc="outside lower center", ncols=min(3, len(names)))

    height = 2.6 + len(rows) * ROW_CM * max(1.0, 0.55 * most)
    return Chart(draw, 16.5, height)


def _dot_panel(
    axes: Any,
    rows: Sequence[str],
    series: Sequence[Series],
    reference: float | None,
    limits: tuple[float, float] | None,
) -> None:
    if reference is not None:
        axes.axvline(reference, color=LIGHT["faint"], linewidth=1.0, linestyle=(0, (4, 2)))
    step = 0.7 / max(len(series), 1)
    for number, each in enumerate(series):
        offset = (number - (len(series) - 1) / 2) * step
        shown = [(row + offset, found) for row, found in enumerate(each.estimates) if found is not None]
        colour = LIGHT[INKS[number % len(INKS)]]
        places = [place for place, _ in shown]
        values = np.array([found.value for _, found in shown])
        # Without an interval (a single image) only the dot is drawn.
        below = np.nan_to_num(np.maximum(0, values - np.array([found.low for _, found in shown])))
        above = np.nan_to_num(np.maximum(0, np.array([found.high for _, found in shown]) - values))
        axes.errorbar(
            values,
            places,
            xerr=[below.tolist(), above.tolist()],
            fmt=MARKERS[number % len(MARKERS)],
            color=colour,
            markerfacecolor="none" if each.control else colour,
            markersize=4.5,
            elinewidth=1.1,
            capsize=2,
            label=each.name,
        )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")
    for row in range(1, len(rows)):
        axes.axhline(row - 0.5, color=LIGHT["line"], linewidth=0.5)
    if limits is not None:
        axes.set_xlim(*limits)


def _legend(axes: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Every series once, in order of appearance."""
    found: dict[str, Any] = {}
    for each in axes:
        for handle, name in zip(*each.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    return list(found.values()), list(found)


def reliability(found: Mapping[str, Classification]) -> Chart:
    """Accuracy against confidence, one line per pack, with how many images each bin holds below."""

    def draw(figure: Any) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot((0, 1), (0, 1), color=LIGHT["faint"], linewidth=1, linestyle=(0, (4, 2)), label="perfect")
        width = 1 / 15 / len(found)
        for number, (name, each) in enumerate(found.items()):
            colour = LIGHT[INKS[number % len(INKS)]]
            bins = [one for one in each.bins if one.confidence is not None]
            upper.plot(
                [one.confidence for one in bins],
                [one.accuracy for one in bins],
                color=colour,
                marker=MARKERS[number % len(MARKERS)],
                markersize=5,
                label=name,
            )
            middles = [(one.low + one.high) / 2 + (number - (len(found) - 1) / 2) * width for one in each.bins]
            lower.bar(middles, [one.n for one in each.bins], width * 0.85, color=colour)
        upper.set_ylabel("accuracy")
        upper.set_xlim(0, 1)
        upper.set_ylim(0, 1.02)
        upper.grid(True)
        upper.legend(loc="upper left")
        lower.set_ylabel("images")
        lower.set_xlabel("confidence: probability of the predicted class")

    return Chart(draw, 11.5, 11.0)


def outside(findings: Findings, gaussian: float | None) -> Chart:
    """How the share outside the face is distributed over the images, correct and wrong predictions apart."""
    mode = findings.options.region_mode
    groups: dict[str, list[float]] = {"correct": [], "wrong": []}
    for record in findings.records:
        if record.evidence is not None:
            groups["correct" if record.correct else "wrong"].append(record.evidence.by(mode).outside_share)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        bins = np.linspace(0, 1, 41)
        for number, (name, shares) in enumerate(groups.items()):
            if shares:
                weights = np.full(len(shares), 1 / len(shares))
                axes.hist(
                    shares,
                    bins,
                    weights=weights,
                    histtype="step" if number else "stepfilled",
                    alpha=1 if number else 0.45,
                    linewidth=1.6,
                    color=LIGHT[INKS[number]],
                    label=f"{name} predictions ({len(shares)})",
                )
        lines = {
            f"limit of the verdict ({findings.outside.limit:.2f})": (findings.outside.limit, "-"),
            "centre Gaussian": (gaussian, (0, (4, 2))),
            "uniform map": (findings.outside.area, (0, (1, 2))),
        }
        for name, (place, dashes) in lines.items():
            if place is not None:
                axes.axvline(place, color=LIGHT["text"], linewidth=1.2, linestyle=dashes, label=name)
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the positive relevance outside the face")
        axes.set_ylabel("share of the images")
        axes.legend(loc="upper right")

    return Chart(draw, 14.0, 7.0)


def cascade(found: SanityFinding) -> Chart:
    """Rank correlation with the original maps while layer after layer is drawn anew."""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        steps = [step.depth for step in found.cascade]
        kinds = {
            "signed maps": [step.rank_correlation for step in found.cascade],
            "absolute maps": [step.rank_correlation_of_sizes for step in found.cascade],
        }
        for number, (name, estimates) in enumerate(kinds.items()):
            colour = LIGHT[INKS[number]]
            axes.plot(steps, [one.value for one in estimates], color=colour, marker=MARKERS[number], label=name)
            axes.fill_between(
                steps, [one.low for one in estimates], [one.high for one in estimates], color=colour, alpha=0.2
            )
        axes.axhline(0, color=LIGHT["faint"], linewidth=1, linestyle=(0, (4, 2)))
        axes.set_xlabel("layers drawn anew, from the head down")
        axes.set_ylabel("rank correlation")
        lows = [one.low for estimates in kinds.values() for one in estimates if one.low == one.low]
        axes.set_ylim(max(-1.05, min([-0.1, *lows]) - 0.05), 1.05)
        axes.grid(True, axis="y")
        axes.legend(loc="upper right")

    return Chart(draw, 12.0, 6.5)
