"""What a person should know of a model from outside, beyond what was asked: for the terminal and for the card."""

from collections.abc import Iterator

from app.importing.foreign import Foreign
from app.importing.wrapping import Wrapped
from core.geometry import Floats


def notes_of(foreign: Foreign, wrapped: Wrapped, logits: Floats) -> tuple[str, ...]:
    """One or two sentences each; none for most models. `logits` float32 [faces, classes] are those of sample faces."""
    return tuple(_notes(foreign, wrapped, logits))


def _notes(foreign: Foreign, wrapped: Wrapped, logits: Floats) -> Iterator[str]:
    if foreign.others:
        yield f"The classes are read from its output '{foreign.output}'. It also has {', '.join(foreign.others)}."
    if wrapped.batch is not None:
        count = "one picture" if wrapped.batch == 1 else f"{wrapped.batch} pictures"
        yield (
            f"The file takes {count} at a time and its batch cannot be made free, so several faces are read and "
            "explained in turn, which takes longer. Export it with a batch of any size if you can."
        )
    if wrapped.independent:
        yield (
            "Each class has a sigmoid of its own, so the file's values need not sum to 1. A pack finds one class per "
            "face: the probabilities shown are those of each class if exactly one of them applies, not the file's "
            "values; what is explained is the value before the sigmoid."
        )
    elif wrapped.ending == "logits" and logits.min() >= 0 and logits.max() <= 1:
        yield (
            "On the sample faces every score lies between 0 and 1. If they are probabilities of a kind that was not "
            "recognised, what is shown as probability is wrong."
        )
