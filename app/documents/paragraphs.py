"""Paragraph styles of printed reports."""

from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle

from app.documents.fonts import BOLD, REGULAR
from app.documents.palette import LIGHT


def _style(name: str, size: float, leading: float, **more: Any) -> ParagraphStyle:
    colour = HexColor(LIGHT[more.pop("colour", "text")])
    font = BOLD if more.pop("bold", False) else REGULAR
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=leading, textColor=colour, **more)


_ALL: Final = (
    _style("title", 20, 25, bold=True, spaceAfter=3),
    _style("subtitle", 11, 15, colour="muted"),
    _style("made", 8.5, 12, colour="faint", spaceAfter=4),
    _style("heading1", 15, 19, bold=True, spaceBefore=9, spaceAfter=7),
    _style("heading2", 11.5, 15, bold=True, spaceBefore=13, spaceAfter=5),
    _style("heading3", 9.5, 13, bold=True, spaceBefore=9, spaceAfter=3),
    _style("lead", 10.5, 15, spaceAfter=4),
    _style("text", 9, 13.2, spaceAfter=6),
    _style("text_tight", 9, 13.2),
    _style("bullet", 9, 13.2, spaceAfter=3, leftIndent=13, bulletIndent=3),
    _style("contents1", 8.5, 12, spaceBefore=2),
    _style("contents2", 8, 11, colour="muted", leftIndent=16),
    _style("key_name", 7.5, 10, colour="muted"),
    _style("key_value", 15, 20, bold=True),
    _style("key_interval", 7.5, 10.5),
    _style("key_note", 7, 9.5, colour="muted", spaceBefore=2),
    _style("caption", 8.5, 12, bold=True, spaceBefore=5, spaceAfter=4),
    _style("table_note", 7.5, 10.5, colour="muted", spaceAfter=1.5),
    _style("figure_caption", 8, 11.5, colour="muted", spaceBefore=3, spaceAfter=9),
)
STYLES: Final = {style.name: style for style in _ALL}
