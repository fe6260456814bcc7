"""What was watched of pain as files: one row per episode (.csv), and everything with where it comes from (.json)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from app.gui import summary
from app.gui.pain_moment import Moment
from app.gui.pain_watch import Course, Line, PainWatch
from app.gui.snapshot import Origin
from core.baselines import Baseline
from core.episodes import Alarm
from core.errors import ExportError
from core.export import number, versions, write_json, write_whole
from core.overlay import NOTICE, face_name
from core.pspi import MOST


def as_document(watch: PainWatch, neutrals: Sequence[Baseline], origin: Origin) -> dict[str, object]:
    """Episodes, alarms with who acknowledged them, and neutral faces, in words and numbers. No picture, no mesh."""
    account = watch.account()
    return {
        "versions": versions(),
        "saved": datetime.now().astimezone().isoformat(timespec="seconds"),
        "source": origin.source,
        "notice": NOTICE,
        "scale": f"PSPI, 0 to {MOST:g}",
        "measured_s": account.measured_s,
        "unmeasured_s": dict(account.lost_s),
        "unmeasured_share": account.share(account.watched_s - account.measured_s),
        "neutral_faces": [own.document() for own in neutrals],
        "faces": [_course(course) for course in watch.courses()],
    }


def as_rows(watch: PainWatch) -> list[dict[str, object]]:
    """One row per episode, in order."""
    return [_row(line) for course in watch.courses() for line in course.lines()]


def save(document: Mapping[str, object], rows: Sequence[Mapping[str, object]], folder: Path) -> tuple[Path, Path]:
    """Write `<time>.csv` and `.json` and return them. ExportError where the place refuses."""
    stem = datetime.now().astimezone().strftime("mienscope-pain-%Y%m%d-%H%M%S-%f")[:-3]
    table, sheet = folder / f"{stem}.csv", folder / f"{stem}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"The record could not be written to {folder}: {error.strerror}.") from error
    write_whole(table, lambda temporary: summary.write_rows(temporary, rows))
    write_json(sheet, document)
    return table, sheet


def _course(course: Course) -> dict[str, object]:
    rule = course.alarms.episodes.rule
    return {
        "face_id": course.face_id,
        "name": face_name(course.face_id),
        "rule": asdict(rule),
        **course.alarms.episodes.document(),
        "alarms": [_alarm(alarm) for alarm in course.alarms.raised],
    }


def _alarm(alarm: Alarm[Moment]) -> dict[str, object]:
    """An alarm, and its frozen explanation in words and numbers."""
    seen = alarm.acknowledgement
    found = alarm.explanation
    return {
        "raised_s": alarm.raised_s,
        "episode": alarm.episode.document(),
        "explanation": found.document(),
        "acknowledged_by": None if seen is None else seen.name,
        "acknowledged_s": None if seen is None else seen.timestamp_s,
        "acknowledged_at": None if seen is None else seen.at,
    }


def _row(line: Line) -> dict[str, object]:
    episode, course = line.episode, line.course
    seen = [alarm.acknowledgement for alarm in line.alarms]
    return {
        "face_id": course.face_id,
        "face": face_name(course.face_id),
        "onset_s": number(episode.onset_s, 3),
        "end_s": number(episode.end_s, 3),
        "peak": number(episode.peak),
        "peak_s": number(episode.peak_s, 3),
        "area": number(episode.area),
        "unmeasured_s": number(episode.unmeasured_s, 3),
        "is_open": int(episode.is_open),
        "is_cut": int(episode.is_cut),
        "alarms": len(line.alarms),
        "acknowledged_by": "; ".join(each.name for each in seen if each is not None),
        "acknowledged_at": "; ".join(each.at for each in seen if each is not None),
    }
