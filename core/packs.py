"""Model packs: read, check and list them.

A pack is a folder with `manifest.json`, `model.onnx`, `golden.npz` and `CARD.md`, and where somebody made one with
`neurons.npz` (see `core.neurons.atlas`). The manifest is strict: every field is asked for, none is guessed, and every
other file is named in it by its SHA-256.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import PackHashMismatch, PackInvalid, PackNotFound
from core.geometry import Alignment, Floats

SHIPPED: Final = Path(__file__).resolve().parents[1] / "models" / "packs"
DEFAULT_PACK: Final = "mien-s"
FILES: Final = ("model.onnx", "golden.npz", "CARD.md")
ATLAS: Final = "neurons.npz"
OPTIONAL: Final = (ATLAS,)
Fraction = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Place(_Strict):
    """A point of the crop, as fractions of its side."""

    x: Fraction
    y: Fraction


class AlignmentSpec(_Strict):
    """Where eyes and mouth lie in the crop."""

    right_eye: Place
    left_eye: Place
    mouth: Place


class InputSpec(_Strict):
    """What the model takes: an aligned crop, uint8, with normalisation inside the graph."""

    kind: Literal["face"]
    name: str
    size: Annotated[int, Field(ge=8, le=1024)]
    colour: Literal["grey", "rgb"]
    normalisation: Literal["inside"]
    alignment: AlignmentSpec


class HeadSpec(_Strict):
    """One output of the model and what its columns mean."""

    name: str
    kind: Literal["expression"]
    labels: Annotated[list[str], Field(min_length=2)]
    temperature: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _distinct(self) -> "HeadSpec":
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels must differ from each other, got {self.labels}")
        return self


class OperatingPoint(_Strict):
    """How a prediction becomes a label: the most probable class."""

    rule: Literal["argmax"]


class TrainingSpec(_Strict):
    """What the weights were made from; `images` is null where nobody has said how many."""

    data: str
    images: int | None
    note: str


class Measured(_Strict):
    """One figure, with what it was measured on."""

    name: str
    value: float
    on: str


class Manifest(_Strict):
    """The contents of manifest.json."""

    format: Literal[1]
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+(\.\d+)?$")]
    title: str
    licence: str
    input: InputSpec
    heads: Annotated[list[HeadSpec], Field(min_length=1, max_length=1)]
    operating_point: OperatingPoint
    training: TrainingSpec
    measured: list[Measured]
    sha256: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


@dataclass(frozen=True)
class Pack:
    """A pack whose files are what its manifest says."""

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """The pack's name."""
        return self.manifest.id

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, in the order of the logits."""
        return tuple(self.manifest.heads[0].labels)

    @property
    def temperature(self) -> float:
        """What logits are divided by before the softmax, fitted on validation data."""
        return self.manifest.heads[0].temperature

    @cached_property
    def alignment(self) -> Alignment:
        """How a face is brought into the crop."""
        spec = self.manifest.input.alignment
        places = ((place.x, place.y) for place in (spec.right_eye, spec.left_eye, spec.mouth))
        return Alignment(self.manifest.input.size, *places)

    @property
    def model_path(self) -> Path:
        """The ONNX file."""
        return self.folder / "model.onnx"

    @property
    def model_sha256(self) -> str:
        """Hash of the ONNX file; names compiled explainers and stands in every export."""
        return self.manifest.sha256["model.onnx"]

    def golden(self) -> tuple[NDArray[np.uint8], Floats]:
        """Inputs [n, channels, size, size] and the logits [n, classes] that every machine must reproduce."""
        with np.load(self.folder / "golden.npz", allow_pickle=False) as file:
            return file["inputs"], file["logits"]

    def golden_faces(self) -> NDArray[np.uint8]:
        """Those golden inputs that show faces, [n, channels, size, size]; all where the pack does not say which do."""
        with np.load(self.folder / "golden.npz", allow_pickle=False) as file:
            inputs: NDArray[np.uint8] = file["inputs"]
            return inputs[file["faces"]] if "faces" in file else inputs


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(path)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_pack(folder: Path) -> Pack:
    """Read and check a pack folder. PackInvalid, PackHashMismatch or PackNotFound say what is wrong with it."""
    manifest_path = folder / "manifest.json"
    if not manifest_path.is_file():
        raise PackNotFound(f"{folder} is not a model pack: it has no manifest.json.")
    try:
        manifest = Manifest.model_validate_json(manifest_path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise PackInvalid(f"The manifest of {folder.name} is not valid: {where}: {first['msg']}.") from error
    if sorted(set(manifest.sha256) - set(OPTIONAL)) != sorted(FILES):
        raise PackInvalid(
            f"The manifest of {manifest.id} must hash {', '.join(FILES)}, and may hash {', '.join(OPTIONAL)}; "
            f"got {sorted(manifest.sha256)}."
        )
    for name in manifest.sha256:
        _check_file(manifest, folder / name)
    return Pack(folder, manifest)


def _check_file(manifest: Manifest, path: Path) -> None:
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


def find_pack(name: str, imported: Path | None = None) -> Pack:
    """The pack with this id, or at this path. PackNotFound lists what there is."""
    path = Path(name)
    if os.sep in name and path.is_dir():
        return read_pack(path)
    folders = list(pack_folders(imported))
    for folder in folders:
        if folder.name == name:
            return read_pack(folder)
    known = ", ".join(folder.name for folder in folders) or "none"
    raise PackNotFound(f"There is no model pack '{name}'. There is: {known}.")
