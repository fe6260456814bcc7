"""Errors as notices: a plain sentence, and what can be done next."""

import traceback
from typing import Final

from app.gui.notice import Message, Way
from core.errors import (
    ExplainError,
    MienscopeError,
    PackError,
    SourceError,
    SourceTruncated,
    SourceUnreadable,
)

AGAIN: Final = Way("again", "Try again")
DEMO: Final = Way("demo", "Demo clip")
CHOOSE: Final = Way("choose", "Choose…")
REWIND: Final = Way("rewind", "From the start")
SHIPPED: Final = Way("shipped", "Use the shipped pack")
NO_EXPLANATION: Final = Way("off", "Go on without explanations")
COPY: Final = Way("copy", "Copy details")


WAYS: Final[tuple[tuple[type[MienscopeError], tuple[Way, ...]], ...]] = (  # the first that fits counts
    (SourceTruncated, (REWIND, CHOOSE)),
    (SourceUnreadable, (CHOOSE, DEMO)),
    (SourceError, (AGAIN, DEMO, CHOOSE)),
    (PackError, (SHIPPED, COPY)),
    (ExplainError, (NO_EXPLANATION, COPY)),
    (MienscopeError, (AGAIN, COPY)),
)


def message(error: Exception) -> Message:
    """The notice for an error that stopped a source from being shown."""
    for kind, ways in WAYS:
        if isinstance(error, kind):
            return Message("trouble", "warn" if kind is SourceTruncated else "error", str(error), ways)
    text = f"Something went wrong that should not have: {type(error).__name__}: {error}"
    return Message("trouble", "error", text, (AGAIN, COPY))


def unprepared(error: Exception, wanted: str, goes_on: str) -> Message:
    """The notice for a pack or a method that could not be made ready, while what is shown goes on."""
    text = str(error) if isinstance(error, MienscopeError) else f"{type(error).__name__}: {error}"
    return Message("unprepared", "error", f"{wanted} cannot be used here, {goes_on}. {text}", (COPY,))


def unopened(error: Exception) -> Message:
    """The notice for a layer that could not be opened or read, while the video goes on."""
    text = str(error) if isinstance(error, MienscopeError) else f"{type(error).__name__}: {error}"
    return Message("layer", "error", f"The layer cannot be shown. {text}", (COPY,))


def details(error: Exception) -> str:
    """Everything that helps whoever looks into it."""
    return "".join(traceback.format_exception(error))
