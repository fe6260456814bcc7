"""What a session's verdicts add up to, per face and class: sums only; no frame, no map and no face is kept.

::

    Tally -- basis --> face --> class --> Account   time by verdict, means with spread, the longest unsupported stretch
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import sqrt
from typing import Final

from core.overlay import face_name
from core.regions import EXPECTED, Mode
from core.types import OUTSIDE_LIMIT, FaceResult, Result
from core.verdict import Verdict

GAP_S: Final = 0.9  # frames of a face further apart are no time in which it was seen: below what tracking waits, 1 s
BRIDGE_S: Final = 0.4  # other verdicts for so long do not end an unsupported stretch: too short to be read
JUMP_S: Final = 2.0  # frames further apart do not follow each other


@dataclass(frozen=True)
class Basis:
    """What verdicts were made with. Only those of one basis may be added up.

    Attributes
    ----------
    pack
        Id and version.
    method
        Key of the method, or "off".
    against
        What classes were contrasted with: None, "runner-up" or a label.
    """

    pack: str
    method: str
    against: str | None = None
    region_mode: Mode = "polygons"
    outside_limit: float = OUTSIDE_LIMIT


@dataclass
class Spread:
    """Number, mean and standard deviation of values of which none is kept (Welford 1962)."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0  # sum of squared deviations from the mean

    def add(self, value: float | None) -> None:
        """Take a value in; one that is not known changes nothing."""
        if value is not None:
            self.merge(Spread(1, value))

    def merge(self, other: "Spread") -> None:
        """Take in what another one has seen (Chan et al. 1979)."""
        if other.n == 0:
            return
        n, difference = self.n + other.n, other.mean - self.mean
        self.mean += difference * other.n / n
        self.squares += other.squares + difference**2 * self.n * other.n / n
        self.n = n

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the sample; None below two values."""
        return sqrt(self.squares / (self.n - 1)) if self.n > 1 else None

    def document(self) -> dict[str, object]:
        """Mean, deviation and number, for files."""
        return {"mean": self.mean if self.n else None, "sd": self.deviation, "n": self.n}


@dataclass(frozen=True)
class Stretch:
    """A span of the source's time, s."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long."""
        return self.end_s - self.start_s


@dataclass
class Account:
    """One face while it was read as one class, or several of these together.

    Attributes
    ----------
    frames, seconds
        By verdict of every single frame. A frame stands for the time since the face's last one, if that is not long
        ago; unrelated pictures have no time.
    maps
        Explanations of this class that were made; frames between two of them go by the last one.
    density, outside, control
        V_f, share outside the face, and V_f of the centre-Gaussian control, over the maps.
    contrasts
        V_f under this class's contrasts, of the regions of every class that has some: what lift is made of.
    longest
        The longest stretch without support: frames that were unsupported, and what lies between if it is short.
    """

    frames: dict[Verdict, int] = field(default_factory=lambda: dict.fromkeys(Verdict, 0))
    seconds: dict[Verdict, float] = field(default_factory=lambda: dict.fromkeys(Verdict, 0.0))
    maps: int = 0
    density: Spread = field(default_factory=Spread)
    outside: Spread = field(default_factory=Spread)
    control: Spread = field(default_factory=Spread)
    contrasts: dict[str, Spread] = field(default_factory=dict)
    longest: Stretch | None = None
    _stretch: Stretch | None = None  # the newest

    @property
    def seen(self) -> int:
        """Frames."""
        return sum(self.frames.values())

    @property
    def seen_s(self) -> float:
        """Seconds."""
        return sum(self.seconds.values())

    def share(self, *verdicts: Verdict) -> float:
        """Share of the time with one of these verdicts; of the frames where there was no time."""
        counted: Mapping[Verdict, float] = self.seconds if self.seen_s > 0 else self.frames
        total = sum(counted.values())
        return sum(counted[verdict] for verdict in verdicts) / total if total > 0 else 0.0

    def add(self, face: FaceResult, verdict: Verdict, now_s: float, before_s: float | None) -> None:
        """Take in one frame; `before_s` is when the face was last seen, if that was just before."""
        self.frames[verdict] += 1
        self.seconds[verdict] += 0.0 if before_s is None else now_s - before_s
        if verdict.unsupported:
            self._extend(now_s, before_s)
        if face.contrast is not None and face.contrast.timestamp_s == now_s:
            for label in face.prediction.labels if face.prediction is not None else ():
                if expected := EXPECTED.get(label):
                    density = face.contrast.regions.density_of(expected)
                    self.contrasts.setdefault(label, Spread()).add(density)
        if face.explained and face.regions is not None and verdict is not Verdict.NOT_EXPLAINED:
            self.maps += 1
            self.density.add(face.regions.expected_density)
            self.control.add(face.regions.control.expected_density if face.regions.control else None)
            self.outside.add(face.regions.outside_share if face.regions.positive > 0 else None)

    def merge(self, other: "Account") -> None:
        """Take in what another account has."""
        for verdict in Verdict:
            self.frames[verdict] += other.frames[verdict]
            self.seconds[verdict] += other.seconds[verdict]
        self.maps += other.maps
        for name in ("density", "outside", "control"):
            getattr(self, name).merge(getattr(other, name))
        for label, spread in other.contrasts.items():
            self.contrasts.setdefault(label, Spread()).merge(spread)
        self.longest = _longer(self.longest, other.longest)

    def document(self) -> dict[str, object]:
        """The numbers, for files."""
        return {
            "frames": self.seen,
            "seconds": self.seen_s,
            "frames_by_verdict": {verdict.value: count for verdict, count in self.frames.items()},
            "seconds_by_verdict": {verdict.value: seconds for verdict, seconds in self.seconds.items()},
            "share_by_verdict": {verdict.value: self.share(verdict) for verdict in Verdict},
            "maps": self.maps,
            "expected_density": self.density.document(),
            "control_density": self.control.document(),
            "outside_share": self.outside.document(),
            "contrast_density": {label: spread.document() for label, spread in self.contrasts.items()},
            "longest_unsupported_s": None if self.longest is None else [self.longest.start_s, self.longest.end_s],
        }

    def _extend(self, now_s: float, before_s: float | None) -> None:
        last = self._stretch
        follows = last is not None and (last.end_s == before_s or 0 <= now_s - last.end_s <= BRIDGE_S)
        self._stretch = Stretch(last.start_s if last is not None and follows else now_s, now_s)
        self.longest = _longer(self.longest, self._stretch)


def _longer(one: Stretch | None, other: Stretch | None) -> Stretch | None:
    if one is None or other is None:
        return one or other
    return other if other.length_s > one.length_s else one


def lift(label: str, accounts: Mapping[str, Account]) -> float | None:
    """V_f of a class's regions under its own contrasts, over the same under those of the other classes (SCIENCE 1.1).

    `accounts` by class, of one face or of many; None while the class, or every other one, has no contrast.
    """
    own = accounts[label].contrasts.get(label, Spread()) if label in accounts else Spread()
    others = Spread()
    for name, account in accounts.items():
        if name != label:
            others.merge(account.contrasts.get(label, Spread()))
    return own.mean / others.mean if own.n and others.n and others.mean > 0 else None


def together(accounts: Sequence[Account]) -> Account:
    """Several accounts as one."""
    total = Account()
    for account in accounts:
        total.merge(account)
    return total


class Tally:
    """Takes results in the order of their frames; a `core.export.ResultWriter`.

    Faces go by the tracker's ids, which begin again after a jump in time; `jumps` counts those.
    """

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        self.clear()

    @property
    def basis(self) -> Basis:
        """What the verdicts of the next frames are made with."""
        return self._basis

    @basis.setter
    def basis(self, basis: Basis) -> None:
        self._basis = basis

    @property
    def bases(self) -> tuple[Basis, ...]:
        """Everything that verdicts were made with, in the order of its first use."""
        return tuple(self._accounts)

    def clear(self) -> None:
        """Forget everything."""
        self.frames = self.frames_without_face = self.jumps = 0
        self._accounts: dict[Basis, dict[int, dict[str, Account]]] = {}
        self._seen_s: dict[int, float] = {}  # when each face was last seen
        self._last_s: float | None = None

    def write(self, result: Result) -> None:
        """Take in one frame."""
        now_s = result.frame.timestamp_s
        if self._last_s is not None and not 0 <= now_s - self._last_s <= JUMP_S:
            self.jumps += 1
            self._seen_s.clear()
        elif now_s == self._last_s:
            return  # the same frame again, read otherwise
        self._last_s = now_s
        self.frames += 1
        self.frames_without_face += not result.faces
        for face in result.faces:
            if face.label is None:
                continue
            face_id, faces = face.observation.face_id, self._accounts.setdefault(self._basis, {})
            account = faces.setdefault(face_id, {}).setdefault(face.label, Account())
            before_s = self._seen_s.get(face_id)
            follows = before_s is not None and now_s - before_s <= GAP_S
            account.add(face, self._judged(face), now_s, before_s if follows else None)
            self._seen_s[face_id] = now_s

    def close(self) -> None:
        """Nothing to finish."""

    def faces(self, basis: Basis) -> Mapping[int, Mapping[str, Account]]:
        """Accounts by face id and class; of a basis that was never used, none."""
        return self._accounts.get(basis, {})

    def total(self, basis: Basis) -> Account:
        """All faces and classes as one."""
        return together([account for classes in self.faces(basis).values() for account in classes.values()])

    def rows(self) -> Iterator[tuple[Basis, int, str, Account]]:
        """Every account with its basis, face id and class."""
        for basis, faces in self._accounts.items():
            for face_id, classes in sorted(faces.items()):
                for label, account in classes.items():
                    yield basis, face_id, label, account

    def document(self) -> dict[str, object]:
        """Everything, for a JSON file."""
        return {
            "frames": self.frames,
            "frames_without_face": self.frames_without_face,
            "jumps": self.jumps,
            "summaries": [self._summary(basis) for basis in self._accounts],
        }

    def _summary(self, basis: Basis) -> dict[str, object]:
        return {
            "basis": asdict(basis),
            "total": self.total(basis).document(),
            "faces": [
                {
                    "face_id": face_id,
                    "name": face_name(face_id),
                    "total": together(list(classes.values())).document(),
                    "classes": {
                        label: account.document() | {"lift": lift(label, classes)} for label, account in classes.items()
                    },
                }
                for face_id, classes in sorted(self.faces(basis).items())
            ],
        }

    def _judged(self, face: FaceResult) -> Verdict:
        """The verdict of this very frame; an explanation from before the basis changed is none."""
        if face.explanation is not None and face.explanation.method != self._basis.method:
            return Verdict.NOT_EXPLAINED
        return face.judged(self._basis.outside_limit)
