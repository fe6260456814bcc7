"""Colours of reports: the window's, by day and by night, without Qt. A test holds the two together."""

from typing import Final

LIGHT: Final = {
    "window": "#eef0f3",
    "panel": "#fbfcfd",
    "raised": "#ffffff",
    "line": "#d8dde3",
    "track": "#e6e9ed",
    "text": "#14171b",
    "muted": "#555d67",
    "faint": "#7d858f",
    "accent": "#0069b4",
    "accent_soft": "#d8ebfa",
    "good": "#166534",
    "good_soft": "#dff3e5",
    "warn": "#8a4b00",
    "warn_soft": "#fdeccd",
    "bad": "#a3211a",
    "bad_soft": "#fbe0de",
}
DARK: Final = {
    "window": "#131519",
    "panel": "#16181c",
    "raised": "#1e2228",
    "line": "#282d34",
    "track": "#22272d",
    "text": "#e9ebee",
    "muted": "#9da4ad",
    "faint": "#6f7680",
    "accent": "#5ec8ff",
    "accent_soft": "#1d3a52",
    "good": "#86e29b",
    "good_soft": "#14321d",
    "warn": "#ffc069",
    "warn_soft": "#3b2b12",
    "bad": "#ff9a94",
    "bad_soft": "#431c1c",
}
# Series of a figure: the accent first, then two that differ from it in lightness as well as in hue.
SERIES: Final = ("accent", "warn", "muted")
