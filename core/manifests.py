"""What manifest.json of a pack says: strict, every field is asked for and none is guessed."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

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
