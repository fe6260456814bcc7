"""What a person chose, kept as JSON between two runs. No Qt: the command line reads it too."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.action_units.smoothing import TIME_CONSTANT_S
from core.episodes import EpisodeRule
from core.types import OUTSIDE_LIMIT

PREDICTED: Final = "predicted"
NOTHING: Final = "nothing"
RUNNER_UP: Final = "runner-up"
OFF: Final = "off"
FACTOR_LIMITS: Final = (1e-3, 1e3)  # of the scale
OUTSIDE_LIMITS: Final = (0.05, 0.95)  # of the limit: at 0 and 1 it would say nothing


class Settings(BaseModel):
    """Every choice of the window. Unknown keys, as a newer version may write them, are left out.

    Attributes
    ----------
    source
        What was open last: a camera's name, a path, a URL, "demo"; None before anything was chosen.
    pack
        Id of the model pack; None takes the shipped one.
    method
        Key of the method table, or "off".
    target
        The class to explain; "predicted" follows the model.
    against
        The class it is contrasted with, "runner-up", or "nothing".
    explain_every
        One frame in how many is explained; "auto" as many as the machine manages.
    outside_limit
        Above this share of the positive relevance outside the face the verdict is "looks outside the face".
    scale_factor
        Relevance that gets the strongest colour, over the reference of the pack and method.
    regions, scores, landmarks
        What is drawn on the picture besides the heatmap: outlines of the regions, the probability of every class
        beside each face, the face mesh.
    points
        Whether a landmark network reads the face mesh beside the pack, and its points are shown as dots.
    landmark_pack
        Id of the landmark network's pack; None takes the shipped one.
    layers
        The layer that is looked into, by pack: its key.
    pinned
        Channels that stay first, by pack and by layer.
    strength
        What makes a channel strong: its highest place, or the mean of all.
    smooth
        Whether feature maps are drawn smoothly; else every unit is a square.
    layer_factor
        Activation that gets the strongest colour, over the reference of the layer.
    neuron_order
        Whether filters are ranked by their activation, or by its share of what each reaches.
    pain
        Whether action units and PSPI of every face are estimated.
    pain_only
        Whether pain alone is measured: no expression is read, shown or saved.
    pain_smoothing_s
        Time constant that the units follow with; 0 for none.
    alarm_above, alarm_after_s, alarm_silence_s
        The score from which an episode of pain starts, how long it is measured before an alarm is raised, and how long
        none is raised after an acknowledgement.
    alarm_sound
        Whether the desktop's bell sounds with an alarm.
    geometry
        Place and size of the window, in Qt's own encoding.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: str | None = None
    pack: str | None = None
    method: str = "lrp"
    target: str = PREDICTED
    against: str = NOTHING
    explain_every: Literal["auto", 1, 2, 4] = "auto"
    region_mode: Literal["polygons", "boxes"] = "polygons"
    opacity: float = Field(default=0.75, ge=0, le=1)
    colour_map: str = "inferno"
    outside_limit: float = Field(default=OUTSIDE_LIMIT, ge=OUTSIDE_LIMITS[0], le=OUTSIDE_LIMITS[1])
    scale_factor: float = Field(default=1.0, ge=FACTOR_LIMITS[0], le=FACTOR_LIMITS[1])
    regions: bool = False
    scores: bool = False
    landmarks: bool = False
    points: bool = False
    landmark_pack: str | None = None
    layers: dict[str, str] = Field(default_factory=dict)
    pinned: dict[str, dict[str, tuple[int, ...]]] = Field(default_factory=dict)
    strength: Literal["maximum", "mean"] = "maximum"
    smooth: bool = False
    layer_factor: float = Field(default=1.0, ge=FACTOR_LIMITS[0], le=FACTOR_LIMITS[1])
    neuron_order: Literal["activation", "reach"] = "activation"
    pain: bool = False
    pain_only: bool = False
    pain_smoothing_s: float = Field(default=TIME_CONSTANT_S, ge=0, le=5)
    alarm_above: float = Field(default=EpisodeRule().above, ge=1, le=16)
    alarm_after_s: float = Field(default=EpisodeRule().alarm_s, ge=0, le=600)
    alarm_silence_s: float = Field(default=EpisodeRule().silence_s, ge=0, le=3600)
    alarm_sound: bool = False
    theme: Literal["system", "dark", "light"] = "system"
    geometry: str = ""

    @property
    def episode_rule(self) -> EpisodeRule:
        """When a score over time is an episode, and when that is worth an alarm."""
        return EpisodeRule.starting_at(self.alarm_above, alarm_s=self.alarm_after_s, silence_s=self.alarm_silence_s)

    def changed(self, **values: Any) -> "Settings":
        """Return a copy with other values, checked as if they came from the file."""
        return Settings.model_validate({**self.model_dump(), **values})


@dataclass(frozen=True)
class Loaded:
    """Settings as read, and one sentence about what went wrong on the way, if anything did."""

    settings: Settings
    problem: str | None = None


def load(path: Path) -> Loaded:
    """Read settings. A file that cannot be used is kept aside and named; the defaults take its place."""
    try:
        return Loaded(Settings.model_validate_json(path.read_bytes()))
    except FileNotFoundError:
        return Loaded(Settings())
    except OSError as error:
        return Loaded(Settings(), f"The settings in {path} could not be read ({error.strerror}); defaults are used.")
    except ValidationError:
        return Loaded(Settings(), _put_aside(path))


def save(settings: Settings, path: Path) -> None:
    """Write settings so that a crash in between leaves the old file whole. OSError where the place refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)


def _put_aside(path: Path) -> str:
    taken = (path.with_suffix(f".bad{n or ''}.json") for n in range(1000))
    aside = next((name for name in taken if not name.exists()), path.with_suffix(".bad.json"))
    try:
        path.replace(aside)
    except OSError as error:
        return f"The settings in {path} are damaged and could not be moved ({error.strerror}); defaults are used."
    return f"The settings were damaged, so defaults are used. The old file is kept as {aside}."
