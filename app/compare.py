"""``mienscope explain IMAGE --method all``: every method on one face, as a sheet (.png) or as numbers (.json)."""

import argparse
import sys
from pathlib import Path
from typing import Final

from app.analyze import make_folder
from app.chosen import model_from
from core.comparison import Compared, Comparison, Faithful, compare
from core.errors import UnknownName
from core.export import versions, write_json
from core.model import Target
from core.pipeline import OFF, Pipeline, Settings
from core.regions import MODES, partition
from core.sheet import draw_sheet
from core.snapshot import save_image
from core.types import FaceResult, Frame

ALL: Final = "all"
FORMATS: Final = (".png", ".json")


def compare_still(chosen: argparse.Namespace, frame: Frame) -> int:
    """Compare the methods on the largest face of a picture; 1 where there is none."""
    out: Path = chosen.out
    if out.suffix.lower() not in FORMATS:
        raise UnknownName("file format for a comparison", out.suffix or out.name, FORMATS)
    if chosen.regions not in MODES:
        raise UnknownName("region mode", chosen.regions, MODES)
    model, target = model_from(chosen), Target(chosen.target, chosen.against)
    target.check(model.labels)
    pipeline = Pipeline(model, Settings(method=OFF, region_mode=chosen.regions), stills=True)
    try:
        faces = pipeline.process(frame).faces
    finally:
        pipeline.close()
    if not faces:
        sys.stderr.write(f"mienscope: no face was found in {chosen.image}; nothing was written.\n")
        return 1
    face: FaceResult = max(faces, key=lambda each: each.observation.box.area)
    parts = partition(face.crop.landmarks(face.observation), face.crop.size, chosen.regions)
    comparison = compare(model, face.crop, parts, target)
    numbers = document(comparison)
    make_folder(out.parent)
    if out.suffix.lower() == ".png":
        save_image(draw_sheet(comparison), out)
    else:
        write_json(out, {"versions": versions(), **numbers})
    if chosen.json:
        from app.cli import print_json

        print_json({"image": chosen.image, "out": str(out), **numbers})
    else:
        sys.stdout.write(f"{out}\n")
    return 0


def document(comparison: Comparison) -> dict[str, object]:
    """A comparison in numbers, ready for JSON; maps are left out."""
    return {
        "label": comparison.prediction.label,
        "probability": comparison.prediction.probability,
        "explained": comparison.title,
        "score": comparison.score,
        "methods": {row.method.key: _numbers(row) for row in comparison.rows},
        "controls": {name: _areas(found) for name, found in comparison.controls.items()},
        "notice": "not a medical device",
    }


def _numbers(row: Compared) -> dict[str, object]:
    method = row.method
    about: dict[str, object] = {"title": method.title, "source": method.source, "unit": method.unit}
    if row.explanation is None:
        return about | {"problem": row.problem}
    return about | {
        "promises_sum": method.conserves,
        "relative_gap": row.gap,
        "absorbed_share": row.absorbed,
        "sum": float(row.explanation.relevance.sum(dtype=float)),
        "time_ms": row.time_ms,
        **(_areas(row.faithful) if row.faithful else {}),
    }


def _areas(found: Faithful) -> dict[str, object]:
    return {"deletion": found.deletion, "insertion": found.insertion}
