"""Errors as notices: a plain sentence, and what can be done next."""

import traceback
from typing import Final

from app.gui.notice import Message, Way
from core.errors import (
    ExplainError,
    MienscopeError,
    PackError,
    SourceBusy,
    SourceError,
    SourceNotFound,
    SourceSilent,
    SourceTruncated,
)

AGAIN: Final = Way("again", "Try again")
DEMO: Final = Way("demo", "Demo clip")
CHOOSE: Final = Way("choose", "Choose…")
REWIND: Final = Way("rewind", "From the start")
SHIPPED: Final = Way("shipped", "Use the shipped pack")
NO_EXPLANATION: Final = Way("off", "Go on without explanations")
COPY: Final = Way("copy", "Copy details")


def message(error: Exception) -> Message:
    """The notice for an error that stopped a source from being shown."""
    if isinstance(error, SourceTruncated):
        return Message("trouble", "warn", str(error), (REWIND, CHOOSE))
    if isinstance(error, (SourceBusy, SourceSilent, SourceNotFound)):
        return Message("trouble", "error", str(error), (AGAIN, DEMO, CHOOSE))
    if isinstance(error, SourceError):
        return Message("trouble", "error", str(error), (CHOOSE, DEMO))
    if isinstance(error, PackError):
        return Message("trouble", "error", str(error), (SHIPPED, COPY))
    if isinstance(error, ExplainError):
        return Message("trouble", "error", str(error), (NO_EXPLANATION, COPY))
    if isinstance(error, MienscopeError):
        return Message("trouble", "error", str(error), (AGAIN, COPY))
    text = f"Something went wrong that should not have: {type(error).__name__}: {error}"
    return Message("trouble", "error", text, (AGAIN, COPY))


def details(error: Exception) -> str:
    """Everything that helps whoever looks into it."""
    return "".join(traceback.format_exception(error))
