"""What analyze says about the pain scores of a recording, in lines; the numbers are those of `core.pain_log`."""

from collections.abc import Iterator, Mapping
from typing import Final

from core.baselines import Baselines
from core.overlay import NOTICE, face_name
from core.pain_log import FaceLog, PainLog
from core.pain_network import NOTE
from core.pspi import MOST

NAMED: Final = 6  # faces with a line of their own; all are in the summary file


def document(log: PainLog, baselines: Baselines) -> dict[str, object]:
    """The log, and the neutral faces that were in force, for the summary file."""
    neutral = [
        {"face_id": face_id, "name": face_name(face_id), **own.document(), "doubts": [f"AU{au}" for au in own.doubts]}
        for face_id, own in baselines.in_force.items()
    ]
    return {**log.document(), "baselines": neutral}


def lines(log: PainLog, baselines: Baselines) -> Iterator[str]:
    """What a person wants to know first; the share that was not measurable is always told."""
    yield f"pain, PSPI 0 to {MOST:g} ({NOTICE}): not measurable {_shares(log.unmeasured, log.stills)}"
    yield _roads(log)
    faces = {} if log.stills else log.faces
    for face_id, face in sorted(faces.items(), key=lambda each: (-each[1].frames, each[0]))[:NAMED]:
        yield f"face {face_name(face_id)}: {_face(face)}; {_neutral(baselines, face_id)}"
    if len(faces) > NAMED:
        yield f"and {len(faces) - NAMED} more faces, seen for shorter"
    for own in {id(each): each for each in baselines.in_force.values()}.values():
        if own.doubts:
            units = ", ".join(f"AU{au}" for au in own.doubts)
            yield f"the neutral face of {own.person} shows {units}: is it at rest? Scores against it mislead if not"


def _roads(log: PainLog) -> str:
    """How far the network agreed, or that it reads no pain."""
    roads = log.roads
    if log.network is None or not roads.frames:
        return "no second road: the pack's network read no pain"
    said = f"{NOTE} ({log.network[0]}): agrees in {100 * roads.agreeing_share:.0f} % of {roads.frames} faces of frames"
    more, less = (100 * roads.reads[each] / roads.frames for each in ("more", "less"))
    apart = f"{roads.mean_distance:.1f} points apart on average ({roads.mean_difference:+.1f})"
    return f"{said}, reads more in {more:.0f} %, less in {less:.0f} %, {apart}"


def _shares(shares: Mapping[str, float], stills: bool) -> str:
    what = "faces" if stills else "time"
    total = f"{100 * sum(shares.values()):.0f} % of the {what}"
    said = ", ".join(f"{reason} {100 * share:.0f} %" for reason, share in shares.items())
    return f"{total} ({said})" if said else total


def _face(face: FaceLog) -> str:
    episodes, alarms = face.alarms.episodes, face.alarms.raised
    if face.highest is None:
        return "never measurable"
    found = [*episodes.ended, *([episodes.current] if episodes.current else [])]
    said = [f"highest {face.highest[0]:.1f} at {face.highest[1]:.2f} s", _count(len(found), "episode")]
    if found:
        said[-1] += f" of {sum(each.duration_s for each in found):.1f} s"
    said.append(_count(len(alarms), "alarm") + "".join(f" at {each.raised_s:.2f} s" for each in alarms[:1]))
    return ", ".join([*said, f"not measurable {100 * face.unmeasured_share:.0f} %"])


def _neutral(baselines: Baselines, face_id: int) -> str:
    own = baselines.of(face_id)
    return "against the population's norm" if own is None else f"against the neutral face of {own.person}"


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
