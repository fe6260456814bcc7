"""Model packs: read, check and list them.

A pack is a folder with `manifest.json`, `model.onnx`, `golden.npz` and `CARD.md`, and where somebody made one with
`neurons.npz` (see `core.neurons.atlas`). The manifest is strict: every field is asked for, none is guessed, and every
other file is named in it by its SHA-256.

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
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import PackHashMismatch, PackInvalid, PackNotFound, PackUnsuited
from core.geometry import Alignment, Floats

SHIPPED: Final = Path(__file__).resolve().parents[1] / "models" / "packs"
DEFAULT_PACK: Final = "mien-s"
DEFAULT_LANDMARK_PACK: Final = "landmarks-trained"
FILES: Final = ("model.onnx", "golden.npz", "CARD.md")
ATLAS: Final = "neurons.npz"
OPTIONAL: Final = (ATLAS,)
PSPI_PARTS: Final = ("AU4", "AU6 or AU7", "AU9 or AU10", "AU43")  # columns of a head of intensities
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


class LandmarkSpec(_Strict):
    """What the model takes: shapes of face meshes (`core.shape`), one or several in a row, float32.

    Attributes
    ----------
    window
        How many shapes in a row make one input; 1 is a still face.
    interval_s
        Seconds from one shape of a window to the next; 0 for a still face.
    from_neutral
        Whether it takes the way from the person's neutral shape to the present one in place of the shape itself.
    """

    kind: Literal["landmarks"]
    name: str
    points: Literal[478]
    window: Annotated[int, Field(ge=1, le=256)]
    interval_s: Annotated[float, Field(ge=0, le=10)]
    normalisation: Literal["eye-line"]
    from_neutral: bool

    @model_validator(mode="after")
    def _spaced(self) -> "LandmarkSpec":
        if (self.window > 1) != (self.interval_s > 0):
            raise ValueError(f"a window of {self.window} does not go with shapes {self.interval_s:g} s apart")
        return self


def _distinct(labels: list[str]) -> list[str]:
    if len(set(labels)) != len(labels):
        raise ValueError(f"labels must differ from each other, got {labels}")
    return labels


Labels = Annotated[list[str], AfterValidator(_distinct)]


class HeadSpec(_Strict):
    """One output of the model and what its columns mean: classes, of which a face has one."""

    name: str
    kind: Literal["expression"]
    labels: Annotated[Labels, Field(min_length=2)]
    temperature: Annotated[float, Field(gt=0)]


class BinaryHeadSpec(_Strict):
    """One output of the model and what its columns mean: expressions, each of which a face has or has not."""

    name: str
    kind: Literal["binary"]
    labels: Annotated[Labels, Field(min_length=1)]
    temperature: Annotated[float, Field(gt=0)]


class IntensityHeadSpec(_Strict):
    """A second output of the model: how strongly a face shows each part of the pain score, see `core.pain_network`.

    Attributes
    ----------
    name
        Of the output, float32 [batch, labels].
    labels
        The parts of PSPI, always these: AU4, the stronger of AU6 and AU7, of AU9 and AU10, and AU43.
    lowest, highest
        Ends of the scale that every column is on.
    learnt_from
        What its weights were taught, in words for people; whoever shows its numbers shows this.
    """

    name: Literal["units"]
    kind: Literal["intensity"]
    labels: list[str]
    lowest: Literal[0]
    highest: Literal[5]
    learnt_from: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _of_pspi(self) -> "IntensityHeadSpec":
        if tuple(self.labels) != PSPI_PARTS:
            raise ValueError(f"an intensity head has the parts of PSPI {list(PSPI_PARTS)}, got {self.labels}")
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


class AnyManifest(_Strict):
    """What every manifest.json holds."""

    format: Literal[1]
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+(\.\d+)?$")]
    title: str
    licence: str
    operating_point: OperatingPoint
    training: TrainingSpec
    measured: list[Measured]
    sha256: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


class Manifest(AnyManifest):
    """The manifest of a pack that reads pictures of faces: a head of classes, and perhaps one of intensities."""

    input: InputSpec
    heads: Annotated[
        list[Annotated[HeadSpec | IntensityHeadSpec, Field(discriminator="kind")]], Field(min_length=1, max_length=2)
    ]

    @model_validator(mode="after")
    def _classes_first(self) -> "Manifest":
        kinds = [head.kind for head in self.heads]
        if kinds != ["expression", "intensity"][: len(kinds)]:
            raise ValueError(f"heads are one of kind expression, and perhaps one of kind intensity, got {kinds}")
        return self

    @property
    def expression(self) -> HeadSpec:
        """The head of classes."""
        head = self.heads[0]
        assert isinstance(head, HeadSpec)
        return head

    @property
    def units(self) -> IntensityHeadSpec | None:
        """The head of intensities; None where the pack has none."""
        head = self.heads[-1]
        return head if isinstance(head, IntensityHeadSpec) else None


class LandmarkManifest(AnyManifest):
    """The manifest of a pack that reads shapes of face meshes."""

    input: LandmarkSpec
    heads: Annotated[list[BinaryHeadSpec], Field(min_length=1, max_length=1)]


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
