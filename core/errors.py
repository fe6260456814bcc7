"""Every error that Mienscope raises on purpose.

::

    MienscopeError
    |-- SourceError            a camera, file, stream or folder cannot be read
    |   |-- SourceNotFound     there is no such thing
    |   |-- SourceBusy         it is there, but somebody else holds it, or it may not be opened
    |   |-- SourceUnreadable   it is there, but it is not a picture or a video
    |   |-- SourceTruncated    it began well and ended early; what was read is kept
    |   `-- SourceSilent       it is open, but no frame came in time
    |-- PackError              a model pack cannot be used
    |   |-- PackNotFound       no pack of that id; the message lists what there is
    |   |-- PackInvalid        manifest or model are not what the format asks for
    |   |-- PackUnsuited       it is in order, but reads something else than what is at hand
    |   |-- PackHashMismatch   a file is not the one the manifest names
    |   `-- AtlasInvalid       a pack's neuron atlas is damaged, or of another model
    |-- ExplainError           a model cannot be explained that way
    |   |-- GraphInvalid       the model is not one that can be read, or not one to trust
    |   |-- CompositeInvalid   a table of rules cannot be read, or names what does not exist
    |   `-- UnsupportedOperator  an operator has no backward rule; names node, operator, what still works
    |-- CorpusError            a labelled collection of pictures cannot be opened
    |   |-- CorpusNotFound     there is no such file or folder
    |   `-- CorpusInvalid      it is there, but it is not laid out as any known collection, or its files contradict that
    |-- UnknownName            a class, method, source or colour map that does not exist; lists what there is
    |-- VerificationError      a pack cannot be verified in the way that was asked for
    |   `-- StoreMismatch      the folder holds the records of another verification, or what nobody wrote
    |-- BlendshapesUnavailable MediaPipe's face landmarker cannot be run from the file that was named
    |-- BaselineInvalid        a file, or a time of a recording, holds no neutral face
    |-- AlarmError             an acknowledgement does not fit the alarm
    `-- ExportError            a result cannot be written
"""

from collections.abc import Iterable


class MienscopeError(Exception):
    """Base of all. The message is one plain sentence for the person at the screen."""


class SourceError(MienscopeError):
    """A camera, file, stream or folder cannot be read."""


class SourceNotFound(SourceError):
    """There is no such source."""


class SourceBusy(SourceError):
    """The source exists, but cannot be opened: held by somebody else, or not permitted."""


class SourceUnreadable(SourceError):
    """The source is not a picture or a video that can be decoded."""


class SourceTruncated(SourceError):
    """The source began well and ended early. Frames read so far are valid."""


class SourceSilent(SourceError):
    """The source is open, but no frame came within the time-out."""


class PackError(MienscopeError):
    """A model pack cannot be used."""


class PackNotFound(PackError):
    """No pack has the id that was asked for."""


class PackInvalid(PackError):
    """The manifest or the model is not what the pack format asks for."""


class PackUnsuited(PackError):
    """The pack is in order, but reads something else: landmarks in place of pictures, or the other way round."""


class PackHashMismatch(PackError):
    """A file of the pack is not the one that its manifest names."""


class AtlasInvalid(PackError):
    """The file of what a pack's filters look for is damaged, or belongs to another model."""


class ExplainError(MienscopeError):
    """A model cannot be explained in the way that was asked for."""


class GraphInvalid(ExplainError):
    """The model file cannot be read, or must not be trusted."""


class CompositeInvalid(ExplainError):
    """A table of rules cannot be read, or names what does not exist."""


class UnsupportedOperator(ExplainError):
    """An operator has no backward rule under the method asked for."""


class CorpusError(MienscopeError):
    """A labelled collection of pictures cannot be opened."""


class CorpusNotFound(CorpusError):
    """There is no such file or folder."""


class CorpusInvalid(CorpusError):
    """The collection is not laid out as asked for, or its files are not what the layout promises."""


class UnknownName(MienscopeError):
    """A name that does not exist, with the names that do."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(f"There is no {kind} '{name}'. There is: {', '.join(self.known)}.")


class VerificationError(MienscopeError):
    """A pack cannot be verified in the way that was asked for."""


class StoreMismatch(VerificationError):
    """A folder of records belongs to another verification, or is damaged."""


class ExportError(MienscopeError):
    """A result cannot be written."""


class BlendshapesUnavailable(MienscopeError):
    """MediaPipe's face landmarker cannot be run from the file that was named."""


class BaselineInvalid(MienscopeError):
    """A file holds no neutral face that was kept."""


class AlarmError(MienscopeError):
    """An acknowledgement does not fit the alarm."""
