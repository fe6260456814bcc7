"""``mienscope explain``: one still to a picture (.png), words and numbers (.json) or arrays (.npz)."""

import argparse
import sys
from pathlib import Path

from app.analyze import make_folder
from app.chosen import landmarker_from, landmarks_from, model_from, neutral_from, settings_from
from app.compare import ALL, compare_still
from core import pain_network
from core.errors import ExplainError, SourceUnreadable, UnknownName
from core.overlay import Style, face_name
from core.pain_network import NOTE
from core.pipeline import OFF, Pipeline
from core.snapshot import FORMATS, document, save
from core.sources import Images, open_source
from core.types import FaceResult, Frame


def explain_still(chosen: argparse.Namespace) -> int:
    """Explain every face of a picture and write the result in the form that the file's ending names."""
    if chosen.method == ALL:
        if chosen.points or chosen.landmark_pack or chosen.pain or chosen.pain_only:
            raise ExplainError(
                "'--method all' compares explanations of pixels; leave out --points and --pain, or name one method."
            )
        return compare_still(chosen, _read(chosen.image))
    out: Path = chosen.out
    if out.suffix.lower() not in FORMATS:
        raise UnknownName("file format for a still", out.suffix or out.name, FORMATS)
    settings, neutral = settings_from(chosen), neutral_from(chosen)
    model = model_from(chosen)
    settings.check(model.labels)
    if settings.emotions and settings.method == OFF:
        raise ExplainError("explain needs a method; 'off' explains nothing.")
    pipeline = Pipeline(model, settings, stills=True, landmarks=landmarks_from(chosen))
    pipeline.baselines = neutral.baselines(chosen.image, model)
    pipeline.landmarker = landmarker_from(chosen)
    try:
        result = pipeline.process(_read(chosen.image))
    finally:
        pipeline.close()
    make_folder(out.parent)
    style = Style(region_mode=settings.region_mode, scores=chosen.scores, landmarks=chosen.landmarks)
    save(result, out, style)
    if chosen.json:
        from app.cli import print_json

        print_json({"image": chosen.image, "out": str(out), **document(result, style)})
    else:
        sys.stdout.writelines(_sentence(face) for face in result.faces)
        sys.stdout.write(f"{out}\n")
    if not result.faces:
        sys.stderr.write(f"mienscope: no face was found in {chosen.image}; {out} shows it as it is.\n")
    return int(not result.faces)


def _sentence(face: FaceResult) -> str:
    said = []
    if face.prediction is not None:
        verdict = face.regions.verdict if face.regions else None
        about = f", {verdict}" if verdict else ""
        said.append(f"{face.prediction.label} {face.prediction.probability:.2f}{about}")
    if face.pain is not None:
        said.append(f"{face.pain.headline}; {face.pain.sentence}" if face.pain.score else face.pain.headline)
        if face.pain.score is not None and face.pain_by_network is not None:
            said.append(f"{NOTE}: {pain_network.sentence(face.pain_by_network.agreement)}")
    return f"{face_name(face.observation.face_id)}: {'; '.join(said)}\n"


def _read(spec: str) -> Frame:
    with open_source(spec) as source:
        if not isinstance(source, Images):
            raise SourceUnreadable(
                f"explain takes one picture, and {spec} is not one. Use `mienscope analyze` for video."
            )
        frame = source.read()
    if frame is None:
        raise SourceUnreadable(f"{spec} holds no picture.")
    return frame
