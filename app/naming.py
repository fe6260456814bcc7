"""Times of a recording, and files about its faces, as the command line names them. Nothing else is imported here."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FIRST: Final = 1  # id of the face that is seen first: A


@dataclass(frozen=True)
class Span:
    """A moment (both ends alike) or an interval of the source's time, s."""

    start_s: float
    end_s: float

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Read "2.5" or "2.5-4"."""
        start, dash, end = text.partition("-")
        try:
            found = cls(float(start), float(end) if dash else float(start))
        except ValueError:
            found = cls(1.0, 0.0)
        if not 0 <= found.start_s <= found.end_s < float("inf"):
            raise argparse.ArgumentTypeError(f"expected START or START-END in seconds, got '{text}'")
        return found

    def __str__(self) -> str:
        moment = self.start_s == self.end_s
        return f"at {self.start_s:g} s" if moment else f"from {self.start_s:g} to {self.end_s:g} s"


@dataclass(frozen=True)
class Kept:
    """A neutral face in a file, and the face of the source that is compared with it."""

    face_id: int
    path: Path

    @classmethod
    def parse(cls, text: str) -> "Kept":
        """Read "FILE", which is about face A, or "B=FILE"."""
        letter, equals, name = text.partition("=")
        if equals and len(letter) == 1 and letter.isascii() and letter.isalpha():
            return cls(ord(letter.upper()) - ord("A") + 1, Path(name))
        return cls(FIRST, Path(text))
