"""The settings while the window is open: changed by hand or by key, and kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from app.settings import FACTOR_LIMITS, NOTHING, OFF, OUTSIDE_LIMITS, PREDICTED, RUNNER_UP, Settings, save
from core.regions import MODES

SAVE_AFTER_TICKS: Final = 10  # of the slow clock: a second after the last change
THEMES: Final = ("system", "dark", "light")
EVERY: Final = ("auto", 1, 2, 4)
SMOOTHINGS_S: Final = (0.0, 0.15, 0.5, 1.0)  # to choose from, of the action units
# Fields that a command of their own turns on and off.
SWITCHES: Final = ("regions", "scores", "landmarks", "points", "pain", "pain_only", "alarm_sound")


class Choices(QObject):
    """Holds the settings; every change is told by the field's name. `labels` are those of the pack in use."""

    changed = Signal(str)
    not_saved = Signal(str)

    def __init__(
        self, settings: Settings, file: Path, methods: Sequence[str], colour_maps: Sequence[str], parent: QObject
    ) -> None:
        super().__init__(parent)
        known = settings.method in (*methods, OFF)  # another version may have had another method
        self.settings = settings if known else settings.changed(method=methods[0])
        self.labels: tuple[str, ...] = ()
        self._file = file
        self._methods = tuple(methods)
        self._colour_maps = tuple(colour_maps)
        self._unsaved_ticks: int | None = None

    def set(self, name: str, value: Any) -> None:
        """Change one setting."""
        self.change(**{name: value})

    def change(self, **values: Any) -> None:
        """Change several settings at once; each that is another than before is told."""
        others = [name for name, value in values.items() if getattr(self.settings, name) != value]
        if not others:
            return
        self.settings = self.settings.changed(**values)
        self._unsaved_ticks = 0
        for name in others:
            self.changed.emit(name)

    def fit_to_pack(self, labels: tuple[str, ...]) -> list[str]:
        """Take the classes of the pack in use; return the chosen ones that it does not have, which are let go."""
        self.labels = labels
        gone = []
        for name, usual in (("target", PREDICTED), ("against", NOTHING)):
            chosen = getattr(self.settings, name)
            if chosen not in (PREDICTED, RUNNER_UP, NOTHING, *labels):
                gone.append(chosen)
                self.set(name, usual)
        return gone

    def slow_tick(self) -> None:
        """Save a while after the last change."""
        if self._unsaved_ticks is not None:
            self._unsaved_ticks += 1
            if self._unsaved_ticks >= SAVE_AFTER_TICKS:
                self.save()

    def save(self) -> None:
        """Write the settings now; a place that refuses is told."""
        self._unsaved_ticks = None
        try:
            save(self.settings, self._file)
        except OSError as error:
            self.not_saved.emit(f"The settings could not be saved to {self._file}: {error.strerror}.")

    # What the table of commands names

    def next_method(self) -> None:
        """Explain with the next method; off comes last."""
        self.set("method", _next((*self._methods, OFF), self.settings.method))

    def next_class(self) -> None:
        """Explain the next class."""
        self.set("target", _next((PREDICTED, *self.labels), self.settings.target))

    def next_contrast(self) -> None:
        """Contrast with the next class."""
        self.set("against", _next((NOTHING, RUNNER_UP, *self.labels), self.settings.against))

    def next_every(self) -> None:
        """Explain every frame, or fewer."""
        self.set("explain_every", _next(EVERY, self.settings.explain_every))

    def toggle_regions(self) -> None:
        """Show or hide the outlines."""
        self.set("regions", not self.settings.regions)

    def toggle_scores(self) -> None:
        """Show or hide every class's probability beside each face."""
        self.set("scores", not self.settings.scores)

    def toggle_landmarks(self) -> None:
        """Show or hide the face mesh."""
        self.set("landmarks", not self.settings.landmarks)

    def toggle_points(self) -> None:
        """Read the face mesh with a landmark network too, and show what each of its points counts; or no more."""
        self.set("points", not self.settings.points)

    def toggle_pain(self) -> None:
        """Estimate action units and PSPI of every face, or no more."""
        wanted = not self.settings.pain
        self.change(pain=wanted, pain_only=wanted and self.settings.pain_only)

    def toggle_pain_only(self) -> None:
        """Measure pain and read no expression at all, or both again."""
        wanted = not self.settings.pain_only
        self.change(pain_only=wanted, pain=wanted or self.settings.pain)

    def toggle_alarm_sound(self) -> None:
        """Let the bell sound with an alarm, or not."""
        self.set("alarm_sound", not self.settings.alarm_sound)

    def next_smoothing(self) -> None:
        """Let action units follow faster or slower."""
        self.set("pain_smoothing_s", _next(SMOOTHINGS_S, self.settings.pain_smoothing_s))

    def next_region_mode(self) -> None:
        """Divide the face by polygons or by boxes."""
        self.set("region_mode", _next(MODES, self.settings.region_mode))

    def next_colour_map(self) -> None:
        """Colour the heatmap another way."""
        self.set("colour_map", _next(self._colour_maps, self.settings.colour_map))

    def change_scale(self, factor: float) -> None:
        """Make the scale coarser or finer."""
        self.set_scale(self.settings.scale_factor * factor)

    def set_scale(self, factor: float) -> None:
        """Let the strongest colour stand for so many times the reference of pack and method."""
        within = min(max(factor, FACTOR_LIMITS[0]), FACTOR_LIMITS[1])
        self.set("scale_factor", float(f"{within:.3g}"))

    def reset_scale(self) -> None:
        """Let the strongest colour stand for the reference of pack and method."""
        self.set_scale(1.0)

    def change_outside_limit(self, step: float) -> None:
        """Let the verdict say "outside" later or earlier."""
        wanted = round(self.settings.outside_limit + step, 2)
        self.set("outside_limit", min(max(wanted, OUTSIDE_LIMITS[0]), OUTSIDE_LIMITS[1]))

    def change_opacity(self, step: float) -> None:
        """Show more or less of the heatmap."""
        self.set("opacity", round(min(max(self.settings.opacity + step, 0.0), 1.0), 2))

    def next_theme(self) -> None:
        """Change the colours: the system's, dark, light."""
        self.set("theme", _next(THEMES, self.settings.theme))


def _next(entries: Sequence[Any], current: object) -> Any:
    """The entry after the current one, round and round; the first where the current one is not among them."""
    return entries[(entries.index(current) + 1) % len(entries)] if current in entries else entries[0]
