"""Neutral faces that the command line names: a moment or an interval of the source, or files. None is set by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Final

from app.naming import Kept, Span
from core.action_units import Reading
from core.baselines import Baseline, Baselines, baseline
from core.errors import BaselineInvalid, SourceError
from core.geometry import Floats
from core.model import Model
from core.overlay import face_name
from core.pipeline import OFF, Pipeline, Settings
from core.sources import Images, open_source
from core.types import FaceObservation, FaceResult, Result

LATE_S: Final = 1.0  # the last frame may stand so long before a moment that is named


@dataclass(frozen=True)
class Neutral:
    """What is to be taken as neutral.

    Attributes
    ----------
    person
        Whose face it is; empty takes the face's letter.
    one_person
        Whether only one person is in the recording: then a neutral face counts for whoever is alone in the picture.
    is_kept
        Whether those that were taken are written to files.
    """

    span: Span | None = None
    kept: tuple[Kept, ...] = ()
    person: str = ""
    one_person: bool = False
    is_kept: bool = False

    def baselines(self, spec: str, model: Model) -> Baselines:
        """What counts from the first frame on. BaselineInvalid or SourceError says why that cannot be had."""
        found = Baselines()
        for each in self.kept:
            own = Baseline.read(each.path)
            found = found.set(each.face_id, replace(own, person=self.person) if self.person else own)
        if self.span is not None:
            for face_id, own in taken(spec, model, self.span, self.person).items():
                found = found.set(face_id, own)
        if len(found.in_force) > 1 and (self.one_person or self.person):
            letters = " and ".join(face_name(face_id) for face_id in found.in_force)
            raise BaselineInvalid(
                f"Neutral faces of {letters} were found, but one person was named: leave --person and --one-person out."
            )
        return found

    def follow(self, baselines: Baselines, faces: Sequence[FaceObservation]) -> Baselines:
        """What counts for the next frame: the only person goes on being compared under every id that tracking gives."""
        if not self.one_person or len(faces) != 1 or not baselines.in_force or baselines.of(faces[0].face_id):
            return baselines
        return baselines.set(faces[0].face_id, next(iter(baselines.in_force.values())))


def taken(spec: str, model: Model, span: Span, person: str = "") -> dict[int, Baseline]:
    """The neutral faces of all who are seen in a span of a recording, by the id that they have there."""
    pipeline = Pipeline(model, Settings(method=OFF, pain=True, emotions=False))
    seen: dict[int, list[tuple[float, Floats, Reading]]] = {}
    reasons: dict[int, str] = {}
    try:
        for result in _within(spec, pipeline, span):
            for face in result.faces:
                _collect(face, result.frame.timestamp_s, seen, reasons)
    finally:
        pipeline.close()
    if not seen:
        why = "no face is seen" if not reasons else f"the face is not measurable ({', '.join(set(reasons.values()))})"
        raise BaselineInvalid(f"There is no neutral face {span}: {why}. Name another time.")
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {face_id: baseline(person or f"Face {face_name(face_id)}", frames, now) for face_id, frames in seen.items()}


def _collect(
    face: FaceResult, now_s: float, seen: dict[int, list[tuple[float, Floats, Reading]]], reasons: dict[int, str]
) -> None:
    """Take a face in where it is measurable."""
    face_id, pain = face.observation.face_id, face.pain
    assert pain is not None
    if pain.reason is None:
        seen.setdefault(face_id, []).append((now_s, face.observation.landmarks, pain.face))
    else:
        reasons[face_id] = pain.reason


def _within(spec: str, pipeline: Pipeline, span: Span) -> Iterator[Result]:
    """What is on screen in a span, read from the start, so that faces have the ids that they will have again."""
    at_start: Result | None = None
    last_s = 0.0
    with open_source(spec) as source:
        if source.live or isinstance(source, Images):
            raise SourceError(
                "A neutral face is taken at a time of a video: for --neutral, expected one, got pictures or a camera."
            )
        while (frame := source.read()) is not None and frame.timestamp_s <= span.end_s:
            result = pipeline.process(frame)
            last_s = frame.timestamp_s
            if last_s <= span.start_s:
                at_start = result
                continue
            if at_start is not None:
                yield at_start
                at_start = None
            yield result
    if frame is None and last_s < span.start_s - LATE_S:
        raise SourceError(f"There is no frame {span}: the recording ends at {last_s:.2f} s.")
    if at_start is not None:
        yield at_start
