"""Colours, fonts and icons: dark and light, from one table each."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from string import Template
from typing import Final, Literal

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from app import paths

Choice = Literal["system", "dark", "light"]
FONT_PX: Final = 13
FAMILIES: Final = ("Inter", "Segoe UI", ".AppleSystemUIFont", "Cantarell", "Noto Sans", "DejaVu Sans")


@dataclass(frozen=True)
class Theme:
    """Named colours, each as Qt reads them. `on_video_*` lie over pictures and are the same by day and night."""

    name: str
    window: str
    panel: str
    raised: str
    field: str
    line: str
    track: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_soft: str
    on_accent: str
    good: str
    good_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    stage: str
    float_bar: str
    tick: str
    mesh: str
    classes: tuple[str, ...]
    faces: tuple[str, ...]

    def colour(self, name: str) -> QColor:
        """One of the colours by its name."""
        return QColor(getattr(self, name))

    def of_class(self, index: int) -> QColor:
        """Line colour of a class, by its place among the labels."""
        return QColor(self.classes[index % len(self.classes)])

    def of_face(self, face_id: int) -> QColor:
        """Frame colour of a face; the first face has the accent colour."""
        return QColor(self.faces[(face_id - 1) % len(self.faces)])


# Class colours after Okabe & Ito's palette for colour-blind readers, brightened or darkened for the ground.
_FACES: Final = ("#5ec8ff", "#c4a5ff", "#7fe3b0", "#ff9ec2", "#ffe27a", "#9fb4ff", "#8fe6e0", "#f0a8ff", "#d6e58a")
DARK: Final = Theme(
    name="dark",
    window="#131519",
    panel="#16181c",
    raised="#1e2228",
    field="#23282f",
    line="#282d34",
    track="#22272d",
    text="#e9ebee",
    muted="#9da4ad",
    faint="#6f7680",
    accent="#5ec8ff",
    accent_soft="#1d3a52",
    on_accent="#06202f",
    good="#86e29b",
    good_soft="#14321d",
    warn="#ffc069",
    warn_soft="#3b2b12",
    bad="#ff9a94",
    bad_soft="#431c1c",
    stage="#0b0c0e",
    float_bar="rgba(22, 25, 30, 236)",
    tick="#ffffff",
    mesh="#7ad8c4",
    classes=(
        "#a9b0b9",
        "#5ec8ff",
        "#c4a5ff",
        "#5f8dff",
        "#ff8a5c",
        "#63d39b",
        "#ffd75e",
        "#ff93c9",
        "#8fe6e0",
        "#d6a06a",
    ),
    faces=_FACES,
)
LIGHT: Final = Theme(
    name="light",
    window="#eef0f3",
    panel="#fbfcfd",
    raised="#ffffff",
    field="#ffffff",
    line="#d8dde3",
    track="#e6e9ed",
    text="#14171b",
    muted="#555d67",
    faint="#7d858f",
    accent="#0069b4",
    accent_soft="#d8ebfa",
    on_accent="#ffffff",
    good="#166534",
    good_soft="#dff3e5",
    warn="#8a4b00",
    warn_soft="#fdeccd",
    bad="#a3211a",
    bad_soft="#fbe0de",
    stage="#cfd4da",
    float_bar="rgba(252, 253, 254, 240)",
    tick="#14171b",
    mesh="#12806c",
    classes=(
        "#6b737d",
        "#0069b4",
        "#7a4fc9",
        "#2746b8",
        "#c2410c",
        "#0f7a4d",
        "#9a6b00",
        "#b8327f",
        "#0e7c86",
        "#7a4a1d",
    ),
    faces=_FACES,
)


def chosen(choice: Choice) -> Theme:
    """The theme for a choice; "system" asks the desktop and takes dark where it does not say."""
    if choice == "system":
        scheme = QGuiApplication.styleHints().colorScheme()
        return LIGHT if scheme == Qt.ColorScheme.Light else DARK
    return LIGHT if choice == "light" else DARK


def apply(app: QApplication, theme: Theme) -> None:
    """Dress the whole application."""
    app.setStyle("Fusion")
    app.setPalette(_palette(theme))
    app.setFont(font())
    app.setStyleSheet(style_sheet(theme))


def style_sheet(theme: Theme) -> str:
    """The style sheet with the theme's colours in it."""
    template = Template((paths.assets() / "style" / "mienscope.qss").read_text(encoding="utf-8"))
    colours = {key: value for key, value in asdict(theme).items() if isinstance(value, str)}
    return template.substitute(colours, icons=(paths.assets() / "icons").as_posix())


def font(size_px: int = FONT_PX, weight: QFont.Weight = QFont.Weight.Normal, tabular: bool = False) -> QFont:
    """The interface's font; `tabular` gives every digit the same width, so that running numbers stand still."""
    result = QFont()
    result.setFamilies(list(FAMILIES))
    result.setPixelSize(size_px)
    result.setWeight(weight)
    if tabular:
        result.setFeature(QFont.Tag("tnum"), 1)
    return result


@lru_cache(maxsize=64)
def _drawing(name: str, colour: str) -> bytes:
    svg = (paths.assets() / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    return svg.replace("currentColor", colour).encode()


def pixmap(name: str, colour: QColor, size_px: int = 16, ratio: float = 1.0) -> QPixmap:
    """One of our icons in a colour, `ratio` device pixels per pixel."""
    renderer = QSvgRenderer(QByteArray(_drawing(name, colour.name())))
    side = round(size_px * ratio)
    picture = QPixmap(QSize(side, side))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def icon(name: str, colour: QColor, size_px: int = 16) -> QIcon:
    """The same as an icon that is sharp on every screen."""
    result = QIcon()
    for ratio in (1.0, 2.0, 3.0):
        result.addPixmap(pixmap(name, colour, size_px, ratio))
    return result


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for names, colour in (
        ((role.Window, role.AlternateBase), theme.window),
        ((role.Base, role.Button, role.ToolTipBase), theme.raised),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), theme.text),
        ((role.Highlight, role.Link), theme.accent),
        ((role.HighlightedText,), theme.on_accent),
        ((role.PlaceholderText,), theme.faint),
    ):
        for each in names:
            palette.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(theme.faint))
    return palette
