"""Model packs: read, check and list them.

A pack is a folder with `manifest.json`, `model.onnx`, `golden.npz` and `CARD.md`, and where somebody made one with
`neurons.npz` (see `core.neurons.atlas`). The manifest (`core.manifests`) names every other file by its SHA-256.

There are two kinds: a `Pack` reads pictures of faces, one softmax over its classes; a `LandmarkPack` reads the shapes
of face meshes, one binary network per expression. What one can do the other cannot, so they are two types.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from core.errors import PackHashMismatch, PackInvalid, PackNotFound, PackUnsuited
from core.geometry import Alignment, Floats
from core.manifests import AnyManifest, LandmarkManifest, Manifest

SHIPPED: Final = Path(__file__).resolve().parents[1] / "models" / "packs"
DEFAULT_PACK: Final = "mien-s"
DEFAULT_LANDMARK_PACK: Final = "landmarks-trained"
FILES: Final = ("model.onnx", "golden.npz", "CARD.md")
ATLAS: Final = "neurons.npz"
OPTIONAL: Final = (ATLAS,)


@dataclass(frozen=True)
class AnyPack:
    """A pack of either kind, whose files are what its manifest says."""

    folder: Path
    manifest: AnyManifest

    @property
    def id(self) -> str:
        """The pack's name."""
        return self.manifest.id

    @property
    def title(self) -> str:
        """Id and version."""
        return f"{self.id} {self.manifest.version}"

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the logits."""
        raise NotImplementedError

    @property
    def model_path(self) -> Path:
        """The ONNX file."""
        return self.folder / "model.onnx"

    @property
    def model_sha256(self) -> str:
        """Hash of the ONNX file; names compiled explainers and stands in every export."""
        return self.manifest.sha256["model.onnx"]

    def golden(self) -> tuple[NDArray[Any], Floats]:
        """Inputs [n, ...] as the model takes them and the logits [n, classes] that every machine must reproduce."""
        found = self._arrays()
        return found["inputs"], found["logits"]

    def _arrays(self) -> dict[str, NDArray[Any]]:
        with np.load(self.folder / "golden.npz", allow_pickle=False) as file:
            return dict(file)


@dataclass(frozen=True)
class Pack(AnyPack):
    """A pack that reads aligned pictures of faces: uint8 [n, channels, size, size]."""

    manifest: Manifest

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the logits."""
        return tuple(self.manifest.expression.labels)

    @property
    def temperature(self) -> float:
        """What logits are divided by before the softmax, fitted on validation data."""
        return self.manifest.expression.temperature

    @cached_property
    def alignment(self) -> Alignment:
        """How a face is brought into the crop."""
        spec = self.manifest.input.alignment
        places = ((place.x, place.y) for place in (spec.right_eye, spec.left_eye, spec.mouth))
        return Alignment(self.manifest.input.size, *places)

    @property
    def golden_units(self) -> Floats | None:
        """The intensities [n, parts] that every machine must reproduce for the golden inputs; None without that head.

        PackInvalid where the pack has the head and says nothing of its outputs.
        """
        if self.manifest.units is None:
            return None
        found = self._arrays()
        wanted = (len(found["inputs"]), len(self.manifest.units.labels))
        units: Floats | None = found.get("units")
        if units is None or units.shape != wanted:
            got = "none" if units is None else str(list(units.shape))
            raise PackInvalid(
                f"Pack {self.id} has a head of intensities: golden.npz needs units {list(wanted)}, got {got}."
            )
        return units

    def golden_faces(self) -> NDArray[np.uint8]:
        """Those golden inputs that show faces, [n, channels, size, size]; all where the pack does not say which do."""
        found = self._arrays()
        faces: NDArray[np.uint8] = found["inputs"]
        return faces[found["faces"]] if "faces" in found else faces


@dataclass(frozen=True)
class LandmarkPack(AnyPack):
    """A pack that reads shapes of face meshes: float32 [n, window, 478, 3], see `core.shape`."""

    manifest: LandmarkManifest

    @property
    def labels(self) -> tuple[str, ...]:
        """Expressions, in the order of the logits."""
        return tuple(self.manifest.heads[0].labels)

    @property
    def temperature(self) -> float:
        """What logits are divided by before the sigmoid, fitted on validation data."""
        return self.manifest.heads[0].temperature

    @property
    def baselines(self) -> Floats:
        """The typical samples that integrated gradients begin from: float32 [baselines, window, 478, 3]."""
        spec, found = self.manifest.input, self._arrays().get("baselines")
        sizes = (spec.window, spec.points, 3)
        if found is None or not len(found) or found.shape[1:] != sizes or not np.isfinite(found).all():
            wanted = ", ".join(map(str, ("n", *sizes)))
            got = "none" if found is None else f"{found.dtype} {list(found.shape)}"
            raise PackInvalid(f"Pack {self.id} needs finite baselines [{wanted}] in golden.npz, got {got}.")
        return np.asarray(found, np.float32)

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which points of the mesh the networks look at, bool [478]; all where the pack does not say."""
        found, points = self._arrays().get("kept"), self.manifest.input.points
        if found is None:
            return np.ones(points, np.bool_)
        return np.isin(np.arange(points), found)


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(path)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_any_pack(folder: Path) -> Pack | LandmarkPack:
    """Read and check a pack folder. PackInvalid, PackHashMismatch or PackNotFound say what is wrong with it."""
    manifest_path = folder / "manifest.json"
    if not manifest_path.is_file():
        raise PackNotFound(f"{folder} is not a model pack: it has no manifest.json.")
    contents = manifest_path.read_bytes()
    try:
        if _kind(contents) == "landmarks":
            pack: Pack | LandmarkPack = LandmarkPack(folder, LandmarkManifest.model_validate_json(contents))
        else:
            pack = Pack(folder, Manifest.model_validate_json(contents))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise PackInvalid(f"The manifest of {folder.name} is not valid: {where}: {first['msg']}.") from error
    hashes = pack.manifest.sha256
    if sorted(set(hashes) - set(OPTIONAL)) != sorted(FILES):
        raise PackInvalid(
            f"The manifest of {pack.id} must hash {', '.join(FILES)}, and may hash {', '.join(OPTIONAL)}; "
            f"got {sorted(hashes)}."
        )
    for name in hashes:
        _check_file(pack.manifest, folder / name)
    return pack


def read_pack(folder: Path) -> Pack:
    """Read and check the folder of a pack that reads pictures of faces. PackUnsuited where it reads landmarks."""
    return _of_faces(read_any_pack(folder))


def _kind(manifest: bytes) -> str:
    """Which kind of input a manifest speaks of; "face" where it is not to be understood, to be refused as such."""
    try:
        kind = json.loads(manifest)["input"]["kind"]
    except (ValueError, KeyError, TypeError):
        return "face"
    return str(kind)


def _check_file(manifest: AnyManifest, path: Path) -> None:
    if not path.is_file():
        raise PackInvalid(f"Pack {manifest.id} lacks its file {path.name}.")
    found = sha256(path)
    if found != manifest.sha256[path.name]:
        raise PackHashMismatch(
            f"Pack {manifest.id}: {path.name} is not the file that the manifest names "
            f"(expected SHA-256 {manifest.sha256[path.name][:12]}..., found {found[:12]}...). It will not be used."
        )


def pack_folders(imported: Path | None = None) -> Iterator[Path]:
    """Folders of shipped packs, then of those in the user's folder."""
    for root in (SHIPPED, imported):
        if root is not None and root.is_dir():
            yield from sorted(entry for entry in root.iterdir() if (entry / "manifest.json").is_file())


def find_any_pack(name: str, imported: Path | None = None) -> Pack | LandmarkPack:
    """The pack with this id, or at this path. PackNotFound lists what there is."""
    path = Path(name)
    if os.sep in name and path.is_dir():
        return read_any_pack(path)
    folders = list(pack_folders(imported))
    for folder in folders:
        if folder.name == name:
            return read_any_pack(folder)
    known = ", ".join(folder.name for folder in folders) or "none"
    raise PackNotFound(f"There is no model pack '{name}'. There is: {known}.")


def find_pack(name: str, imported: Path | None = None) -> Pack:
    """The pack for pictures of faces with this id, or at this path. PackNotFound, PackUnsuited."""
    return _of_faces(find_any_pack(name, imported))


def find_landmark_pack(name: str, imported: Path | None = None) -> LandmarkPack:
    """The pack for landmarks with this id, or at this path. PackNotFound, PackUnsuited."""
    pack = find_any_pack(name, imported)
    if isinstance(pack, Pack):
        raise PackUnsuited(
            f"Pack {pack.id} reads pictures of faces; a pack that reads landmarks is needed here, such as "
            f"{DEFAULT_LANDMARK_PACK}."
        )
    return pack


def _of_faces(pack: Pack | LandmarkPack) -> Pack:
    if isinstance(pack, LandmarkPack):
        raise PackUnsuited(
            f"Pack {pack.id} reads landmarks and sees no pixels; a pack that reads pictures of faces is needed here. "
            "A landmark pack reads beside one: `mienscope analyze` and `explain` with --landmark-pack, or Shift+W in "
            "the window."
        )
    return pack
