"""Tables of what filters look for: a row per filter, and a row per layer with what chance and random weights find."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.facs import unit_name
from core.geometry import Floats
from core.neurons.following import Coverage, Following
from models.verify.neurons import Gallery, LayerFindings, best_divergences

FILTER_COLUMNS = (
    *("filter", "unit", "name"),
    *(f"{column}_{place}" for place in (1, 2, 3) for column in ("unit", "divergence", "p", "q", "with", "without")),
    *("random_at_least", "alive", "reach", "top_maximum", "top_pictures"),
)
LAYER_COLUMNS = (
    *("layer", "name", "network", "filters", "alive", "images", "units", "pairs", "significant_pairs"),
    *("filters_named", "units_named", "filters_named_by_chance", "units_named_by_chance"),
    *("filters_by_rule", "units_by_rule", "filters_by_rule_by_chance", "units_by_rule_by_chance"),
    *("divergence_median", "divergence_95", "above_random_95"),
)


def write_filters(path: Path, found: LayerFindings, gallery: Gallery) -> None:
    """Write a row per filter: its units with means of the maxima, in the layer's unit, and its top pictures."""
    atlas, following = found.atlas, found.following
    strongest = best_divergences(following)
    control = None if found.random is None else np.sort(best_divergences(found.random))
    places = {int(unit): place for place, unit in enumerate(following.units)}
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(FILTER_COLUMNS)
        for number in range(atlas.filters):
            unit = int(atlas.unit[number])
            row: list[object] = [number, unit or "", unit_name(unit) if unit else ""]
            for place, each in enumerate(atlas.units[number].tolist()):
                row += _pair(found, number, place, each, places)
            above = "" if control is None else f"{_share_at_least(control, float(strongest[number])):.4f}"
            top = " ".join(str(gallery.numbers[picture]) for picture in found.patterns.top[number])
            row += [above, f"{atlas.alive[number]:.4f}", _short(atlas.reach[number])]
            table.writerow([*row, _short(found.patterns.maxima[number, 0]), top])


def _pair(found: LayerFindings, number: int, place: int, unit: int, places: dict[int, int]) -> list[object]:
    if not unit:
        return [""] * 6
    atlas = found.atlas
    values = (array[number, place] for array in (atlas.divergences, atlas.p_values, atlas.q_values))
    return [unit, *map(_short, (*values, *found.following.means[number, places[unit]]))]


def _share_at_least(rising: Floats, value: float) -> float:
    return 1 - float(np.searchsorted(rising, value)) / len(rising)


def _short(value: float) -> str:
    return f"{value:.5g}"


def write_layers(path: Path, findings: Sequence[LayerFindings], gallery: Gallery) -> None:
    """Write a row per layer, and one for the same layer under random weights."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, LAYER_COLUMNS, lineterminator="\n", restval="")
        table.writeheader()
        for found in findings:
            for row in layer_rows(found, gallery):
                table.writerow(row)


def layer_rows(found: LayerFindings, gallery: Gallery) -> list[dict[str, object]]:
    """The layer as it is, and under random weights where that was measured."""
    own = best_divergences(found.following)
    facts = {"layer": found.layer.key, "name": found.layer.name, "images": len(gallery.faces)}
    rows = [{**facts, "network": "as it is", "alive": int((found.atlas.alive > 0).sum()), **_numbers(found.following)}]
    if found.random is not None:
        limit = float(np.percentile(best_divergences(found.random), 95))
        rows[0]["above_random_95"] = int((own > limit).sum())
        rows.append({**facts, "network": "random weights", **_numbers(found.random)})
    return rows


def _numbers(following: Following) -> dict[str, object]:
    strongest = best_divergences(following)
    found, chance = following.found, following.chance
    return {
        "filters": len(strongest),
        "units": len(following.units),
        "pairs": following.divergences.size,
        "significant_pairs": following.pairs,
        **_coverage(found, ""),
        **_coverage(chance, "_by_chance"),
        "divergence_median": _short(float(np.median(strongest))),
        "divergence_95": _short(float(np.percentile(strongest, 95))),
    }


def _coverage(found: Coverage, ending: str) -> dict[str, object]:
    values = (found.filters_by_test, found.units_by_test, found.filters_by_rule, found.units_by_rule)
    names = ("filters_named", "units_named", "filters_by_rule", "units_by_rule")
    return {name + ending: f"{value:g}" for name, value in zip(names, values, strict=True)}


def told(found: LayerFindings, gallery: Gallery) -> str:
    """What one layer gives, in a few lines."""
    lines = []
    for row in layer_rows(found, gallery):
        lines.append(
            f"{row['name']} ({row['network']}): {row['filters_named']} of {row['filters']} filters follow one of "
            f"{row['units_named']} of {row['units']} action units (by chance {row['filters_named_by_chance']} follow "
            f"{row['units_named_by_chance']}); without a test {row['filters_by_rule']} and {row['units_by_rule']} "
            f"(by chance {row['filters_by_rule_by_chance']} and {row['units_by_rule_by_chance']}); largest divergence: "
            f"median {row['divergence_median']}, 95 % below {row['divergence_95']} nats"
        )
        if "above_random_95" in row:
            lines[-1] += f"; {row['above_random_95']} filters above the 95 % of random weights"
    needed = found.following.needed_together
    if needed > 1:
        lines.append(f"  with {found.following.permutations} permutations at least {needed} pairs are found, or none")
    return "\n".join(lines)
