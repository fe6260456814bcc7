"""How things are called on the screen."""

from datetime import datetime
from pathlib import Path

from core import overlay
from core.facs import NAMES
from core.relevance import agreement
from core.sources import DEMO
from core.types import FaceResult, LandmarkWait


def face_name(face_id: int) -> str:
    """A, B ... as in exported pictures; a question mark before tracking has named the face."""
    return overlay.face_name(face_id) or "?"


def face_headline(face: FaceResult) -> str:
    """Name, expression and probability, for example "A · happiness 0.94"; the pain score where no emotions are read."""
    name, prediction = face_name(face.observation.face_id), face.prediction
    if prediction is not None:
        return f"{name} · {prediction.label} {prediction.probability:.2f}"
    return name if face.pain is None else f"{name} · {face.pain.headline}"


def by_landmarks(face: FaceResult) -> str:
    """What the landmark network reads, and whether it agrees with the pixels; or why it reads nothing yet."""
    read = face.by_landmarks
    if read is None or isinstance(read, LandmarkWait):
        return "" if read is None else f"landmarks: {read.why}"
    said = f"landmarks: {read.points.target} {read.probability(read.points.target):.2f}"
    agreed = agreement(face)
    return said if agreed is None else f"{said} · agreement {number(agreed)}"


def short_source(spec: str) -> str:
    """A source by its file's name, or as it is."""
    if spec == DEMO:
        return "Demo clip"
    return spec if "://" in spec or not Path(spec).name else Path(spec).name


def region_text(region: str) -> str:
    """A region's key as words."""
    return "between the brows" if region == "glabella" else region.replace("_", " ")


def clock(seconds: float, digits: int = 3) -> str:
    """Minutes and seconds, for example 0:14.208."""
    step = 10**digits
    whole = round(max(seconds, 0.0) * step)
    minutes, rest = divmod(whole, 60 * step)
    return f"{minutes}:{rest / step:0{3 + digits if digits else 2}.{digits}f}"


def local_time(at: str) -> str:
    """Hours and minutes here of a time by the clock, ISO 8601."""
    return datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone().strftime("%H:%M")


def percent(share: float) -> str:
    """A share as whole per cent, with a thin gap before the sign."""
    return f"{100 * share:.0f} %"


def number(value: float, digits: int = 2) -> str:
    """A number with a real minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def compact(value: float, digits: int = 3) -> str:
    """A number in at most so many significant digits, without a trailing zero, with a real minus sign."""
    return f"{value:.{digits}g}".replace("-", "−")


def unit_text(unit: int) -> str:
    """An action unit by number and name, for example "AU 12, lip corner puller"."""
    return f"AU {unit}, {NAMES[unit]}" if unit in NAMES else f"AU {unit}"
