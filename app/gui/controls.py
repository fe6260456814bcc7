"""The bar over the video: how to explain, what, against what, and how the map is coloured. It fades when left alone."""

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPropertyAnimation, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDoubleValidator, QIcon, QLinearGradient, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.gui import names, theme
from app.gui.choice import Choice, Segments
from app.gui.method_list import MethodChoice
from app.settings import NOTHING, OFF, PREDICTED, RUNNER_UP, Settings
from core.explain import Method
from core.geometry import Image
from core.scales import Scale

FADE_AFTER_TICKS: Final = 40  # of the slow clock: four seconds
FADE_MS: Final = 350
SCALE_LIMITS: Final = (1e-12, 1e12)  # in any unit
MAIN_METHODS: Final = (("lrp", "LRP"), ("gradcam", "Grad-CAM"))  # the others are in a list
EVERY: Final = (("auto", "auto"), ("1", "1"), ("2", "2"), ("4", "4"))


class Controls(QFrame):
    """Shows settings and emits what a person wants to be different: `wanted(field, value)`."""

    wanted = Signal(str, object)
    scale_wanted = Signal(float)  # over the reference
    fit_scale_wanted = Signal()

    def __init__(self, methods: Mapping[str, Method], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("floating")
        self._idle = 0
        self._settings = Settings()
        self._scale: Scale | None = None
        main = [(key, text) for key, text in MAIN_METHODS if key in methods]
        self._main = tuple(key for key, _ in main)
        self.method = Segments("Explain with")
        self.method.set_entries([*main, (OFF, "Off")])
        self.more = MethodChoice(methods, 138)
        self.target = Choice("Class", 118)
        self.against = Choice("Against", 112)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.colour_map = GradientButton()
        self.scale = QLineEdit()
        self.fit_button = QPushButton("Fit")
        self.regions = QPushButton("Regions")
        self.every = Choice("Explain every n-th frame", 70)
        self._dress()
        self._lay_out()
        self._connect()
        self._effect = QGraphicsOpacityEffect(self)
        self._effect.setEnabled(False)
        self.setGraphicsEffect(self._effect)
        self._fade = QPropertyAnimation(self._effect, b"opacity", self)
        self._fade.setDuration(FADE_MS)
        self._fade.finished.connect(self._faded)

    def show_settings(self, settings: Settings, labels: Sequence[str]) -> None:
        """Show these choices; `labels` are the pack's classes."""
        self._settings = settings
        classes = [(label, label) for label in labels]
        self.method.show_key(settings.method)
        elsewhere = settings.method not in (*self._main, OFF)
        self.more.show_key(settings.method if elsewhere else "", "More")
        self.more.sheet.show_key(settings.method)
        self.more.setToolTip("All methods, with their sources and costs (Shift+M)")
        self._fill(self.target, [(PREDICTED, "Predicted"), *classes], settings.target)
        against = [(NOTHING, "nothing"), (RUNNER_UP, "runner-up"), *classes]
        self._fill(self.against, against, settings.against)
        self._fill(self.every, EVERY, str(settings.explain_every))
        self.regions.setChecked(settings.regions)
        self.opacity.blockSignals(True)  # the slider must show without wanting
        self.opacity.setValue(round(100 * settings.opacity))
        self.opacity.blockSignals(False)
        self.colour_map.show_key(settings.colour_map)
        for each in (self.target, self.against, self.every):
            each.setEnabled(settings.method != OFF)

    def show_scale(self, scale: Scale | None, lowest: float) -> None:
        """Show what the strongest colour stands for; `lowest` is the map's lower end over that: 0 or -1."""
        self._scale = scale
        self.scale.setEnabled(scale is not None)
        self.fit_button.setEnabled(scale is not None)
        self._below.setText(names.compact(lowest * scale.value) if scale else "")
        if not self.scale.hasFocus():
            self.scale.setText(self._scale_text())
        if scale is None:
            return
        unit = scale.unit_shown
        self._scale_caption.setText(f"{unit[0].upper()}{unit[1:]} · fixed")
        self.scale.setAccessibleName(f"Scale, {unit}")
        self.scale.setToolTip(
            f"Relevance that gets the strongest colour, {unit}; it stays until you change it.\n"
            f"The reference for this pack and method is {scale.reference:.3g}, shown here times {scale.factor:.3g} "
            "(+ and -; 0 for the reference)."
        )

    def show_gradients(self, gradients: Mapping[str, Image]) -> None:
        """Give the colour maps to choose from, each RGB uint8 [steps, 3] from negative to positive."""
        self.colour_map.show_gradients(gradients)

    def fit(self, width: int) -> None:
        """Take this width at most: what has a key and a place in the menu gives way, the rarest first."""
        rarest = (self.fit_button, self._every_column, self._opacity_column)
        optional: tuple[QWidget, ...] = (*rarest, self._regions_column, self._against_column, self.more)
        for part in optional:
            part.show()
        for part in optional:
            if self._needed_width() <= width:
                break
            part.setVisible(part is self.more and self._settings.method not in (*self._main, OFF))
        self._needed_width()
        self.resize(min(self.sizeHint().width(), width), self.sizeHint().height())

    def wake(self) -> None:
        """Come back and stay for a while; where no expression is read there is nothing to choose."""
        self._idle = 0
        if self._settings.pain_only:
            self.hide()
            return
        if self.isVisible() and self._fade.state() == QPropertyAnimation.State.Stopped and self._effect.opacity() == 1:
            return
        self._fade.stop()
        self._effect.setOpacity(1.0)
        self._effect.setEnabled(False)  # an opaque effect would still cost a copy per frame
        self.show()

    def rest(self) -> None:
        """One slow tick without anybody near; after enough of them the bar fades."""
        if not self.isVisible() or self.underMouse() or self.isAncestorOf(self.window().focusWidget() or self.window()):
            self._idle = 0
            return
        self._idle += 1
        if self._idle == FADE_AFTER_TICKS:
            self._effect.setEnabled(True)
            self._fade.setStartValue(1.0)
            self._fade.setEndValue(0.0)
            self._fade.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: D102, N802 - Qt's name
        if watched is self.scale and event.type() == QEvent.Type.FocusOut:
            self.scale.setText(self._scale_text())
        return super().eventFilter(watched, event)

    def _needed_width(self) -> int:
        """Width of what is visible now; by itself Qt would count what was just hidden until it next lays out."""
        for part in self.findChildren(QWidget):
            part.updateGeometry()
        return self.sizeHint().width()

    def _fill(self, choice: Choice, entries: Sequence[tuple[str, str]], key: str) -> None:
        if choice.keys != tuple(entry[0] for entry in entries):
            choice.set_entries(entries)
        choice.show_key(key)

    def _dress(self) -> None:
        self.regions.setCheckable(True)
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName("Opacity")
        self.scale.setAccessibleName("Scale")
        self.opacity.setFixedWidth(72)
        self.opacity.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.opacity.setToolTip("Opacity of the heatmap ([ and ])")
        self.scale.setProperty("role", "number")
        self.scale.setFixedWidth(64)
        self.scale.setFont(theme.font(tabular=True))
        self.scale.setValidator(QDoubleValidator(*SCALE_LIMITS, 12, self.scale))
        self.scale.installEventFilter(self)
        self.fit_button.setToolTip("Set the scale once, from this map (A)")
        self.regions.setToolTip("Outline the regions (R)")
        for button in (self.fit_button, self.regions):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAutoDefault(True)

    def _lay_out(self) -> None:
        self._below = QLabel("")
        self._below.setFont(theme.font(12, tabular=True))
        self._scale_caption = QLabel("Scale · fixed")
        scale_row = QWidget()
        row = QHBoxLayout(scale_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(7)
        for widget in (self._below, self.colour_map, self.scale, self.fit_button):
            row.addWidget(widget)
        method_row = QWidget()
        methods = QHBoxLayout(method_row)
        methods.setContentsMargins(0, 0, 0, 0)
        methods.setSpacing(6)
        methods.addWidget(self.method)
        methods.addWidget(self.more)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(12, 8, 12, 11)
        whole.setSpacing(11)
        self._captioned(whole, "Explain with", method_row)
        self._captioned(whole, "Class", self.target)
        self._against_column = self._captioned(whole, "Against", self.against)
        self._opacity_column = self._captioned(whole, "Opacity", self.opacity)
        self._captioned(whole, self._scale_caption, scale_row)
        self._every_column = self._captioned(whole, "Every", self.every)
        self._regions_column = self._captioned(whole, "Outlines", self.regions)

    def _captioned(self, row: QHBoxLayout, caption: str | QLabel, widget: QWidget) -> QWidget:
        label = QLabel(caption) if isinstance(caption, str) else caption
        label.setProperty("role", "quiet")
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(label)
        holder = QHBoxLayout()
        holder.addWidget(widget, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(holder)
        widget.setMinimumHeight(28)
        widget.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        row.addWidget(whole)
        return whole

    def _connect(self) -> None:
        for choice in (self.method, self.more):
            choice.chosen.connect(lambda key: self.wanted.emit("method", key))
        self.target.chosen.connect(lambda key: self.wanted.emit("target", key))
        self.against.chosen.connect(lambda key: self.wanted.emit("against", key))
        self.every.chosen.connect(lambda key: self.wanted.emit("explain_every", key if key == "auto" else int(key)))
        self.colour_map.chosen.connect(lambda key: self.wanted.emit("colour_map", key))
        self.opacity.valueChanged.connect(lambda value: self.wanted.emit("opacity", value / 100))
        self.regions.clicked.connect(lambda on: self.wanted.emit("regions", on))
        self.fit_button.clicked.connect(self.fit_scale_wanted)
        self.scale.editingFinished.connect(self._take_scale)

    def _take_scale(self) -> None:
        value, understood = self.scale.locale().toDouble(self.scale.text())
        if self._scale is not None and understood and value > 0 and self.scale.text() != self._scale_text():
            self.scale_wanted.emit(value / self._scale.reference)
        if self.scale.hasFocus():
            self.scale.clearFocus()

    def _scale_text(self) -> str:
        return f"{self._scale.value:.3g}" if self._scale is not None else ""

    def _faded(self) -> None:
        if self._effect.opacity() == 0:
            self.hide()


class GradientButton(Choice):
    """The heat scale itself; a click offers the colour maps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._gradients: dict[str, Image] = {}
        super().__init__("Colour map", 92, parent)
        self.setFixedSize(92, 28)

    def show_gradients(self, gradients: Mapping[str, Image]) -> None:
        """Offer these, each RGB uint8 [steps, 3] from negative to positive relevance."""
        self._gradients = dict(gradients)
        icons = [_swatch(colours) for colours in gradients.values()]
        self._menu.setStyleSheet("QMenu { icon-size: 64px; }")
        self.set_entries([(key, key) for key in gradients], icons)

    def show_key(self, key: str, otherwise: str = "") -> None:
        """Show this colour map."""
        super().show_key(key, otherwise)
        self.setText("")
        self.setToolTip(f"Colour map: {key} (P)")

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(92, 28)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().paintEvent(event)
        colours = self._gradients.get(self.key)
        if colours is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_brush(colours, 9, self.width() - 26))
        painter.drawRoundedRect(9, self.height() // 2 - 4, self.width() - 35, 8, 4, 4)
        painter.end()


def _brush(colours: Image, left: float, right: float) -> QLinearGradient:
    gradient = QLinearGradient(left, 0, right, 0)
    steps = 16
    for step in range(steps + 1):
        red, green, blue = (int(value) for value in colours[round(step / steps * (len(colours) - 1))])
        gradient.setColorAt(step / steps, QColor(red, green, blue))
    return gradient


def _swatch(colours: Image) -> QIcon:
    picture = QPixmap(64, 12)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_brush(colours, 0, 64))
    painter.drawRoundedRect(0, 1, 64, 10, 4, 4)
    painter.end()
    return QIcon(picture)
