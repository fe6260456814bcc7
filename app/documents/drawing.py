"""Charts and formulas by matplotlib, in one style: SVG that follows the page's colours, PNG for print.

No pyplot, no state: each rendering makes its own figure and draws it anew.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from app.documents.palette import LIGHT

CM_PER_INCH: Final = 2.54
PRINT_DPI: Final = 220
TEXT_PT: Final = 8.5
FORMULA_PT: Final = 12.5

_STYLE: Final[dict[Any, Any]] = {
    "font.family": ["DejaVu Sans"],
    "font.size": TEXT_PT,
    "mathtext.fontset": "dejavusans",
    "text.color": LIGHT["text"],
    "axes.labelcolor": LIGHT["muted"],
    "axes.edgecolor": LIGHT["faint"],
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.titlesize": TEXT_PT + 0.5,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": LIGHT["line"],
    "grid.linewidth": 0.7,
    "xtick.color": LIGHT["faint"],
    "ytick.color": LIGHT["faint"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "legend.frameon": False,
    "legend.fontsize": TEXT_PT,
    "lines.linewidth": 1.6,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.image_inline": True,
    "image.interpolation": "nearest",
}


@contextmanager
def _styled(key: str) -> Iterator[None]:
    """Our style on top of matplotlib's own defaults, whatever the person's configuration says."""
    defaults: dict[Any, Any] = {
        name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")
    }
    with mpl.rc_context({**defaults, **_STYLE, "svg.hashsalt": key}):
        yield


@dataclass(frozen=True)
class Chart:
    """A chart: `draw` puts axes on an empty figure of the given size."""

    draw: Callable[[Any], None]
    width_cm: float = 16.0
    height_cm: float = 8.0

    def _figure(self) -> Any:
        figure = Figure(figsize=(self.width_cm / CM_PER_INCH, self.height_cm / CM_PER_INCH), layout="constrained")
        self.draw(figure)
        return figure

    def svg(self, key: str) -> str:
        """An <svg> element; ids begin with `key`, colours of our palette are the page's."""
        with _styled(key):
            return _inline(_svg(self._figure()), key)

    def png(self) -> bytes:
        """PNG on white at 220 dots per inch."""
        with _styled("print"):
            return _png(self._figure())


@dataclass(frozen=True)
class Setting:
    """A formula, set by matplotlib; as large as it is."""

    tex: str

    def _figure(self) -> Any:
        figure = Figure(figsize=(0.1, 0.1))
        figure.text(0, 0, f"${self.tex}$", fontsize=FORMULA_PT)
        return figure

    def svg(self, key: str) -> str:
        """An <svg> element with letters as outlines, since their places are exact."""
        with _styled(key), mpl.rc_context({"svg.fonttype": "path"}):
            return _inline(_svg(self._figure(), tight=True), key)

    def png(self) -> bytes:
        """PNG on white at 220 dots per inch."""
        with _styled("print"):
            return _png(self._figure(), tight=True)


def _svg(figure: Any, tight: bool = False) -> str:
    FigureCanvasSVG(figure)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=_NO_METADATA, **_frame(tight))
    return file.getvalue()


def _png(figure: Any, tight: bool = False) -> bytes:
    FigureCanvasAgg(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=PRINT_DPI, facecolor="white", metadata={"Software": None}, **_frame(tight))
    return file.getvalue()


def _frame(tight: bool) -> dict[str, Any]:
    return {"bbox_inches": "tight", "pad_inches": 0.03} if tight else {}


_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))
# White stays white: it is ink on dark cells.
_PROPERTIES: Final = {colour: name.replace("_", "-") for name, colour in LIGHT.items() if name != "raised"}


def _inline(svg: str, key: str) -> str:
    """An SVG file as an element of a page that holds others: no prologue, its own ids, the page's colours."""
    element = svg[svg.index("<svg") :]
    element = re.sub(r'(\bid=")([^"]+")', rf"\1{key}-\2", element)
    element = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\1{key}-", element)
    element = re.sub(r"#[0-9a-f]{6}\b", lambda found: _themed(found.group()), element)
    return re.sub(r"\s*\n\s*", "\n", element).strip()


def _themed(colour: str) -> str:
    name = _PROPERTIES.get(colour)
    return f"var(--{name}, {colour})" if name else colour
