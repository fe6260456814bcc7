"""How numbers are written in reports: a real minus sign, no digit more than the number is good for, "–" for none."""

import math

from app.documents.document import MISSING, Cell, Tone
from core.verification.findings import Estimate

GAP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 2) -> str:
    """A plain number."""
    if value is None or math.isnan(value):
        return MISSING
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 0..1 as per cent."""
    return MISSING if share is None or math.isnan(share) else f"{number(100 * share, digits)}{GAP}%"


def small(value: float | None) -> str:
    """A number whose size is what matters, for example 2 x 10 to the -7."""
    if value is None or math.isnan(value):
        return MISSING
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.2g}".replace("-", MINUS)
    mantissa, power = f"{value:.1e}".split("e")
    return f"{mantissa} × 10{f'{int(power)}'.translate(_RAISED)}".replace("-", MINUS)


def span(low: float, high: float, as_percent: bool = False, digits: int | None = None) -> str:
    """An interval, "0.85 to 0.97", without a sign of per cent."""
    if math.isnan(low) or math.isnan(high):
        return ""
    places = (1 if as_percent else 2) if digits is None else digits
    factor = 100 if as_percent else 1
    return f"{number(factor * low, places)} to {number(factor * high, places)}"


def interval(found: Estimate | None, as_percent: bool = False) -> str:
    """The 95 % interval of an estimate in words, with how many images it rests on; empty where there is none."""
    if found is None:
        return ""
    unit = f"{GAP}%" if as_percent else ""
    if math.isnan(found.low):
        return f"no interval: {plural(found.n, 'image')}"
    return f"{span(found.low, found.high, as_percent)}{unit} (n{GAP}={GAP}{found.n})"


def cell(
    found: Estimate | None,
    as_percent: bool = False,
    tone: Tone = "plain",
    shade: float | None = None,
    strong: bool = False,
) -> Cell:
    """An estimate above its interval; per cent without the sign, which stands in the column's head."""
    if found is None or math.isnan(found.value):
        return Cell(MISSING)
    factor, digits = (100, 1) if as_percent else (1, 2)
    return Cell(number(factor * found.value, digits), span(found.low, found.high, as_percent), tone, shade, strong)


def count(images: int, of: int | None = None) -> str:
    """A number of images, with its share of others."""
    return f"{images}" if not of else f"{images} ({percent(images / of)})"


def plural(n: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{n} {one if n == 1 else many or one + 's'}"
