"""What was last known of each face, for as long as it may be shown."""

import math
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """One value per face, the last, with the time that it is of.

    Parameters
    ----------
    kept_s
        What lies further from now is no longer known. Times ahead count as times before: a recording may have been
        sought back.
    """

    def __init__(self, kept_s: float) -> None:
        self.kept_s = kept_s
        self._values: dict[int, tuple[float, T]] = {}  # by face

    def put(self, face_id: int, value: T, timestamp_s: float) -> None:
        """Keep this in place of what was known before; what is too old of any face is let go."""
        self._values[face_id] = timestamp_s, value
        self._values = {name: kept for name, kept in self._values.items() if self._lasts(kept[0], timestamp_s)}

    def get(self, face_id: int, now_s: float) -> T | None:
        """What is known of a face, unless that is too old."""
        kept = self._values.get(face_id)
        return kept[1] if kept is not None and self._lasts(kept[0], now_s) else None

    def drop(self, face_id: int) -> None:
        """Know nothing of this face."""
        self._values.pop(face_id, None)

    def waited_s(self, face_id: int, now_s: float) -> float:
        """How long ago the face's value is; infinite where nothing is known of it."""
        kept = self._values.get(face_id)
        return math.inf if kept is None else abs(now_s - kept[0])

    def _lasts(self, timestamp_s: float, now_s: float) -> bool:
        return abs(now_s - timestamp_s) <= self.kept_s
