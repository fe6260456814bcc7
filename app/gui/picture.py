"""Results as pixels: the settings' words put into `core.overlay`'s."""

from collections.abc import Sequence
from dataclasses import replace

from app.settings import OFF, Settings
from core import overlay
from core.geometry import Floats, Image
from core.scales import Scale
from core.types import Explanation, FaceResult, Result


class OverlayPicture:
    """What the stage and the snapshot show."""

    colour_maps: tuple[str, ...] = tuple(overlay.COLOUR_MAPS)

    def heat(self, result: Result, settings: Settings) -> Image:
        """The frame with every face's heatmap in its true place, RGB uint8 [height, width, 3]."""
        if settings.method == OFF or settings.opacity == 0 or not any(face.explanation for face in result.faces):
            return result.frame.image
        bare = replace(
            style(settings),
            heat=True,
            regions=False,
            boxes=False,
            labels=False,
            marks=False,
            bars=False,
            legend=False,
            scores=False,
            landmarks=False,
            points=False,
        )
        return overlay.draw(result, bare)

    def outlines(self, face: FaceResult, settings: Settings) -> Sequence[Floats]:
        """Closed outlines of a face's regions, float32 [points, 2] each, frame px."""
        return overlay.outlines(face, settings.region_mode)

    def gradient(self, settings: Settings) -> Image:
        """The colour map from the lowest to the highest relevance shown, RGB uint8 [steps, 3]."""
        return style(settings).colours

    def scale(self, explanation: Explanation, settings: Settings) -> Scale:
        """What the strongest colour stands for."""
        return style(settings).scale(explanation)

    def lowest(self, settings: Settings) -> float:
        """The relevance at the colour map's lower end over the scale: 0, or -1 for signed maps."""
        return -1.0 if style(settings).signed else 0.0

    def draw(self, result: Result, settings: Settings) -> Image:
        """The whole overlay for a file, RGB uint8 [height, width, 3]."""
        return overlay.draw(result, style(settings))


def style(settings: Settings) -> overlay.Style:
    """The overlay's style for these settings; a colour map that is no more gives way to the first."""
    known = settings.colour_map in overlay.COLOUR_MAPS
    return overlay.Style(
        colour_map=settings.colour_map if known else next(iter(overlay.COLOUR_MAPS)),
        opacity=settings.opacity,
        factor=settings.scale_factor,
        heat=settings.method != OFF,
        outside_limit=settings.outside_limit,
        regions=settings.regions,
        region_mode=settings.region_mode,
        scores=settings.scores,
        landmarks=settings.landmarks,
        points=settings.points,
    )
