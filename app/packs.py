"""``mienscope packs``: what there is, what it is, and whether it still does what its maker measured."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app import paths
from core.errors import MienscopeError, PackInvalid
from core.geometry import Floats
from core.landmark_model import LandmarkModel
from core.model import Model
from core.packs import LandmarkPack, Pack, find_any_pack, find_landmark_pack, find_pack, pack_folders, read_any_pack

# Logits may differ in the last digits between processors; more than this is another model.
GOLDEN_TOLERANCE = 1e-3


def imported_folder() -> Path:
    """Where packs lie that the person has imported."""
    return paths.data_folder() / "packs"


def find(name: str) -> Pack:
    """A shipped or imported pack for pictures of faces, or one at a path. PackNotFound lists what there is."""
    return find_pack(name, imported_folder())


def find_landmarks(name: str) -> LandmarkPack:
    """A shipped or imported pack for landmarks, or one at a path. PackNotFound lists what there is."""
    return find_landmark_pack(name, imported_folder())


def find_any(name: str) -> Pack | LandmarkPack:
    """A pack of either kind. PackNotFound lists what there is."""
    return find_any_pack(name, imported_folder())


def listed() -> Iterator[tuple[str, Pack | LandmarkPack | MienscopeError]]:
    """Every pack folder's name, with the pack or with what is wrong with it."""
    for folder in pack_folders(imported_folder()):
        try:
            yield folder.name, read_any_pack(folder)
        except MienscopeError as error:
            yield folder.name, error


def check_golden(pack: Pack | LandmarkPack) -> float:
    """Run the golden inputs; return the largest difference in a score. PackInvalid where it is too large."""
    inputs, logits = pack.golden()
    if not isinstance(pack, Pack):
        return _gap(pack, "a logit", LandmarkModel(pack).logits(inputs), logits)
    model, units = Model(pack, provider="cpu"), pack.golden_units
    gap = _gap(pack, "a logit", model.logits(inputs), logits)
    return gap if units is None else max(gap, _gap(pack, "an intensity", model.units(inputs), units))


def _gap(pack: Pack | LandmarkPack, what: str, found: Floats, golden: Floats) -> float:
    """The largest difference between what was found and what was to be found, both [n, columns]."""
    if found.shape != golden.shape or not np.isfinite(found).all():
        raise PackInvalid(f"Pack {pack.id} gives {found.shape}, its golden outputs are {golden.shape}.")
    gap = float(np.abs(found - golden).max())
    allowed = GOLDEN_TOLERANCE * max(1.0, float(np.abs(golden).max()) / 100)  # logits of others may be huge
    if gap > allowed:
        raise PackInvalid(
            f"Pack {pack.id} does not reproduce its golden outputs here: {what} is off by {gap:.4f} "
            f"(allowed {allowed:.4g})."
        )
    return gap


def line(pack: Pack | LandmarkPack) -> str:
    """Version and title, and what else than pictures it reads."""
    return f"{pack.manifest.version}: {pack.manifest.title}" + ("" if isinstance(pack, Pack) else " (landmarks)")


def summary(pack: Pack | LandmarkPack) -> dict[str, object]:
    """What `packs show` prints."""
    manifest = pack.manifest
    images = (
        "nobody has said how many images" if manifest.training.images is None else f"{manifest.training.images} images"
    )
    return {
        "id": manifest.id,
        "version": manifest.version,
        "title": manifest.title,
        "licence": manifest.licence,
        "input": input_of(pack),
        "labels": ", ".join(pack.labels),
        "temperature": pack.temperature,
        **_second_head(pack),
        "trained on": f"{manifest.training.data} ({images})",
        "note": manifest.training.note,
        "measured": "; ".join(f"{figure.name} {figure.value:g} ({figure.on})" for figure in manifest.measured),
        "model sha256": pack.model_sha256,
        "folder": str(pack.folder),
    }


def _second_head(pack: Pack | LandmarkPack) -> dict[str, object]:
    """Of a head of intensities, where there is one: what it gives, and what it learnt from."""
    head = pack.manifest.units if isinstance(pack, Pack) else None
    if head is None:
        return {}
    return {
        "pain by network": f"{', '.join(head.labels)}, {head.lowest} to {head.highest}",
        "pain by network learnt from": head.learnt_from,
    }


def input_of(pack: Pack | LandmarkPack) -> str:
    """What a pack takes, in words."""
    if isinstance(pack, Pack):
        size = pack.manifest.input.size
        return f"{size} x {size} {pack.manifest.input.colour}, aligned face"
    spec = pack.manifest.input
    window = "one face mesh" if spec.window == 1 else f"{spec.window} face meshes, {spec.interval_s:g} s apart"
    return f"{window} of {spec.points} landmarks" + (", from the person's neutral face on" * spec.from_neutral)
