"""Composites of one's own, read from a small table: comma-separated text with one row per rule.

::

    operator,depth,rule,options
    # lines like this one, and empty ones, are left out
    Conv,first,zbox,low=0 high=255
    Conv,0-0.5,gamma,gamma=0.25
    Conv,anywhere,zplus,
    Gemm MatMul,anywhere,epsilon,epsilon=1e-6

The first row that fits a node wins. `operator` holds ONNX names or groups (see GROUPS), several apart by spaces;
`depth` is a place (pixels, first, inner, anywhere) or a range, 0 at the first layer with weights and 1 at the last.
Operators without weights (activations, pools, sums ...) that the table does not name follow the rows of WEIGHTLESS.
"""

import csv
import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NoReturn

from core.errors import CompositeInvalid
from core.explain.composites import (
    ACTIVATIONS,
    ANYWHERE,
    CONVOLUTIONS,
    DENSE,
    FIRST,
    INNER,
    LAYERS,
    PIXELS,
    WEIGHTLESS,
    Composite,
    Row,
)
from core.explain.methods import Method
from core.explain.rules import RULES

COLUMNS: Final = ("operator", "depth", "rule", "options")
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "layers": LAYERS,
    "convolutions": CONVOLUTIONS,
    "dense": DENSE,
    "activations": ACTIVATIONS,
}
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    PIXELS: (PIXELS,),
    FIRST: (FIRST,),
    INNER: (INNER,),
    "anywhere": ANYWHERE,
}
# The numbers that a rule needs, and those it may be given; other rules take none.
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "epsilon": ("epsilon",),
    "gamma": ("gamma",),
    "alpha_beta": ("alpha", "beta"),
}
ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {"zbox": ("low", "high")}


def read_composite(source: str | Path) -> Composite:
    """Read a table of rules, from its text or its file. CompositeInvalid names the line and lists what there is."""
    text = source if isinstance(source, str) else _content(source)
    lines = list(_lines(text))
    if not lines or tuple(lines[0][1]) != COLUMNS:
        _refuse(lines[0][0] if lines else 1, f"expected the columns {','.join(COLUMNS)}")
    rows = tuple(_row(number, cells) for number, cells in lines[1:])
    if not rows:
        _refuse(lines[0][0], "no rule follows")
    return (*rows, *WEIGHTLESS)


def read_method(
    source: str | Path, title: str = "Own composite", biases: Literal["absorb", "spread"] = "absorb"
) -> Method:
    """Return LRP by a table of rules. Its key holds the table's hash, so that what is cached under it stays right."""
    text = source if isinstance(source, str) else _content(source)
    digest = hashlib.sha256(f"{biases}\n{text}".encode()).hexdigest()
    composite = read_composite(text)
    return Method(
        key=f"own_{digest[:12]}",
        title=title,
        source="a table of rules of one's own" if isinstance(source, str) else str(source.name),
        cost="2 to 6 x",
        conserves=all(row.rule != "gradient" for row in composite if set(row.operators) & {*LAYERS, *ACTIVATIONS}),
        composite=composite,
        reading="relevance",
        biases=biases,
    )


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CompositeInvalid(f"The table of rules '{path}' cannot be read: {error}") from error


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, [cell.strip() for cell in next(csv.reader([line]))]


def _row(number: int, cells: list[str]) -> Row:
    if len(cells) != len(COLUMNS):
        _refuse(number, f"expected {len(COLUMNS)} cells ({','.join(COLUMNS)}), got {len(cells)}")
    operators = tuple(name for word in cells[0].split() for name in GROUPS.get(word, (word,)))
    rule = cells[2]
    known = sorted({operator for operator, _ in RULES})
    if not operators:
        _refuse(number, "no operator", (*GROUPS, *known))
    for operator in operators:
        if operator not in known:
            _refuse(number, f"there is no operator '{operator}' with a rule", (*GROUPS, *known))
        if (operator, rule) not in RULES:
            there = [name for known_operator, name in RULES if known_operator == operator]
            _refuse(number, f"there is no rule '{rule}' for {operator}", there)
    places, depth = _depth(number, cells[1])
    return Row(operators, rule, places, _options(number, rule, cells[3]), depth)


def _depth(number: int, cell: str) -> tuple[tuple[str, ...], tuple[float, float]]:
    """Places and range that a cell names."""
    if cell in PLACES:
        return PLACES[cell], (0.0, 1.0)
    low, _, high = cell.partition("-")
    try:
        depth = float(low), float(high)
    except ValueError:
        _refuse(number, f"there is no depth '{cell}'", (*PLACES, "a range such as 0-0.5"))
    if not 0 <= depth[0] <= depth[1] <= 1:
        _refuse(number, f"a range of depth lies between 0 and 1 and rises, got '{cell}'")
    return (FIRST, INNER), depth


def _options(number: int, rule: str, cell: str) -> dict[str, float]:
    needed, allowed = NEEDED.get(rule, ()), ALLOWED.get(rule, ())
    options: dict[str, float] = {}
    for word in cell.split():
        name, _, value = word.partition("=")
        if name not in (*needed, *allowed) or name in options:
            _refuse(number, f"'{word}' is not an option of {rule}, or stands twice", (*needed, *allowed))
        options[name] = _number(number, name, value)
    missing = [name for name in needed if name not in options]
    if missing:
        _refuse(number, f"{rule} needs {' and '.join(f'{name}=NUMBER' for name in missing)}")
    _check_numbers(number, rule, options)
    return options


def _number(line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        _refuse(line, f"option {name} needs a number, got '{text}'")
    return value


def _check_numbers(number: int, rule: str, options: Mapping[str, float]) -> None:
    if rule == "epsilon" and options["epsilon"] <= 0:
        _refuse(number, "epsilon must be above 0")
    if rule == "gamma" and options["gamma"] < 0:
        _refuse(number, "gamma must be 0 or more")
    if rule == "alpha_beta" and (options["beta"] < 0 or abs(options["alpha"] - options["beta"] - 1) > 1e-6):
        _refuse(number, "alpha - beta must be 1 and beta 0 or more, or relevance is not conserved")
    if rule == "zbox" and len(options) == 1:
        _refuse(number, "zbox takes both low and high, or neither for integer pixels 0 to 255")
    if rule == "zbox" and options and options["low"] >= options["high"]:
        _refuse(number, "low must lie below high")


def _refuse(number: int, reason: str, known: Iterable[str] = ()) -> NoReturn:
    there = ", ".join(known)
    raise CompositeInvalid(
        f"Line {number} of the table of rules: {reason}." + (f" There is: {there}." if there else "")
    )
