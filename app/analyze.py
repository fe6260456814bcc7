"""``mienscope analyze``: recorded video and pictures to tables, overlay videos and a summary. Every frame, in order."""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from app import pain
from app.chosen import landmarker_from, landmarks_from, model_from, neutral_from, rule_from, settings_from
from app.neutral import Neutral
from app.progress import Progress, Tick
from app.recordings import ahead, open_recorded, read_all
from core.baselines import Baselines
from core.csv_profiles import ProfileTable, find_profile
from core.episodes import EpisodeRule
from core.errors import ExportError, MienscopeError, SourceError, SourceUnreadable
from core.export import Counts, OverlayVideo, ResultWriter, Sidecar, write_sidecar
from core.geometry import Image
from core.landmark_model import LandmarkModel
from core.landmarker import Landmarker
from core.model import Model
from core.overlay import Style, draw, face_name
from core.packs import AnyPack
from core.pain_log import PainLog
from core.panel_places import PanelPlaces
from core.pipeline import OFF, Found, Pipeline, Settings
from core.scales import Scale
from core.sources import Images, Prefetch, Source
from core.steady import Steady
from core.tables import CsvTable, ParquetTable, Rows
from core.tally import Account, Basis, Tally
from core.types import Frame, Result
from core.verdict import Verdict


@dataclass(frozen=True)
class Job:
    """One input, and what to write of it where."""

    spec: str
    folder: Path
    settings: Settings
    overlay: bool
    stem: str = ""
    csv_profile: str | None = None
    scores: bool = False
    landmarks: bool = False
    parquet: bool = False
    neutral: Neutral = field(default_factory=Neutral)
    rule: EpisodeRule = field(default_factory=EpisodeRule)
    landmarker: Landmarker | None = None

    @property
    def name(self) -> str:
        """Stem of the files written."""
        return self.stem or Path(self.spec).stem or "frames"

    def path(self, suffix: str) -> Path:
        """A result file of this job."""
        return self.folder / f"{self.name}{suffix}"


@dataclass(frozen=True)
class Summary:
    """What became of a job."""

    source: str
    frames: int
    frames_with_face: int
    faces: int
    explained: int
    seconds: float
    complete: bool
    warnings: tuple[str, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    verdicts: str = ""
    emotions: bool = True
    pain: Mapping[str, object] | None = None

    @property
    def frames_per_s(self) -> float:
        """Speed of the whole way, reading and writing included."""
        return self.frames / self.seconds if self.seconds > 0 else 0.0


def analyze_all(chosen: argparse.Namespace) -> int:
    """Run every input; name what failed; return the exit status."""
    settings, neutral = settings_from(chosen), neutral_from(chosen)
    model, landmarks = model_from(chosen), landmarks_from(chosen)
    rule, landmarker = rule_from(chosen), landmarker_from(chosen)
    settings.check(model.labels)
    if chosen.csv_profile is not None:
        find_profile(chosen.csv_profile).check(model.labels, model.pack.id)
        if not wants_overlay(chosen):  # a profile's table holds no explanation
            settings = replace(settings, method=OFF)
    if settings.explains:
        model.explainer(settings.method)  # what cannot be compiled is told once, not for every input
    make_folder(chosen.out)
    if settings.emotions and model.provider_warning:
        sys.stderr.write(f"mienscope: {model.provider_warning}\n")
    reports: list[dict[str, object]] = []
    failed = False
    for named in _jobs(chosen, settings, neutral):
        job = replace(named, rule=rule, landmarker=landmarker)
        try:
            with Progress(job.name, "frames") as tick:
                summary = analyze_one(job, model, tick, landmarks)
        except MienscopeError as error:
            failed = True
            sys.stderr.write(f"mienscope: {job.spec}: {error}\n")
            reports.append({"source": job.spec, "failed": str(error)})
            continue
        failed = failed or not summary.complete
        for warning in summary.warnings:
            sys.stderr.write(f"mienscope: {job.spec}: {warning}\n")
        reports.append(asdict(summary))
        if not chosen.json:
            sys.stdout.write(_sentence(summary))
    if chosen.json:
        from app.cli import print_json

        print_json(reports)
    return int(failed)


def make_folder(folder: Path) -> None:
    """Make a folder for results. ExportError says why it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"Results cannot be written to {folder}: {error.strerror}.") from error


def wants_overlay(chosen: argparse.Namespace) -> bool:
    """Whether an overlay video is written: what is to be shown in it asks for it too."""
    return bool(chosen.overlay or chosen.scores or chosen.landmarks)


def _jobs(chosen: argparse.Namespace, settings: Settings, neutral: Neutral) -> Iterator[Job]:
    """One job per input; equal stems are told apart by a number."""
    taken: dict[str, int] = {}
    for spec in chosen.inputs:
        stem = Path(spec.rstrip("/")).stem or "frames"
        taken[stem] = taken.get(stem, 0) + 1
        name = stem if taken[stem] == 1 else f"{stem}-{taken[stem]}"
        yield Job(
            spec,
            chosen.out,
            settings,
            wants_overlay(chosen),
            name,
            chosen.csv_profile,
            chosen.scores,
            chosen.landmarks,
            chosen.parquet,
            neutral,
        )


def analyze_one(
    job: Job, model: Model, tick: Tick = lambda done, total: None, landmarks: LandmarkModel | None = None
) -> Summary:
    """Analyse one input, writing as it goes; what was written stays when the input breaks off or a person stops it.

    `landmarks` is a landmark network that reads beside the model. Raises a SourceError when not a single frame can be
    read, ExportError when results cannot be written.
    """
    started, clock = datetime.now(timezone.utc), time.monotonic()
    counts, tally, warnings = Counts(), Tally(_basis(job, model)), []
    baselines = job.neutral.baselines(job.spec, model)
    with ExitStack() as stack:
        source = stack.enter_context(open_recorded(job.spec))
        pipeline = Pipeline(model, job.settings, isinstance(source, Images), landmarks)
        stack.callback(pipeline.close)
        pipeline.baselines, pipeline.landmarker = baselines, job.landmarker
        frames = stack.enter_context(Prefetch(source))
        writers, files = _writers(job, pipeline, source, stack)
        log = PainLog(job.rule, stills=pipeline.stills) if job.settings.pain else None
        takers: tuple[ResultWriter, ...] = (counts, tally, *([log] if log else []), *writers)

        def find(item: Frame | SourceError) -> Found | SourceError:
            return item if isinstance(item, SourceError) else pipeline.find(item)

        stopped: KeyboardInterrupt | None = None
        try:
            for item in ahead(stack, find, read_all(frames)):
                if isinstance(item, SourceError):
                    warnings.append(str(item))
                    continue
                pipeline.baselines = job.neutral.follow(pipeline.baselines, item.observations)
                result = pipeline.read(item)
                for writer in takers:
                    writer.write(result)
                tick(counts.frames, source.frame_count)
        except KeyboardInterrupt as error:
            stopped = error
            warnings.append(f"Stopped by hand after {counts.frames} frames.")
        if job.landmarker is not None and job.landmarker.problem is not None:
            warnings.append(f"There are no blendshapes from some frame on: {job.landmarker.problem}")
        notes = _notes(writers, whole=stopped is None)
    if job.neutral.is_kept:
        files |= _keep(job, baselines)
    summary = _summary(job, counts, warnings, time.monotonic() - clock, files, notes)
    if job.settings.explains:
        summary = replace(summary, verdicts=_verdicts(tally.total(tally.basis)))
    if log is not None:
        said = tuple(pain.lines(log, pipeline.baselines))
        summary = replace(summary, pain=pain.document(log, pipeline.baselines), notes=(*said, *summary.notes))
    write_sidecar(job.path(".json"), _sidecar(job, pipeline, summary, counts, tally, (started, files)))
    if stopped is not None:
        raise stopped
    if counts.frames == 0 and warnings:
        raise SourceUnreadable(warnings[-1])
    return summary


def _writers(
    job: Job, pipeline: Pipeline, source: Source, stack: ExitStack
) -> tuple[list[ResultWriter], dict[str, str]]:
    table = _table(job, pipeline, source)
    stack.enter_context(table)
    writers: list[ResultWriter] = [table]
    files = {"table": job.path(".csv").name, "sidecar": job.path(".json").name}
    if job.parquet:
        parquet = ParquetTable(job.path(".parquet"), _rows(pipeline))
        writers.append(stack.enter_context(parquet))
        files["parquet"] = parquet.path.name
    if job.overlay:
        style = Style(region_mode=job.settings.region_mode, scores=job.scores, landmarks=job.landmarks)
        steady = Steady()  # the table keeps every frame's truth; marks in a video must not flicker
        places = None if isinstance(source, Images) else PanelPlaces()  # nor must panels jump, but pictures are apart

        def picture(result: Result) -> Image:
            return draw(result, style, {name: each.verdict for name, each in steady.take(result).items()}, places)

        video = OverlayVideo(job.path(".overlay.mp4"), picture, source.fps)
        writers.append(stack.enter_context(video))
        files["overlay"] = video.path.name
    return writers, files


def _table(job: Job, pipeline: Pipeline, source: Source) -> CsvTable | ProfileTable:
    """The table of a job. SourceError where a profile's cannot be made of this source."""
    if job.csv_profile is None:
        return CsvTable(job.path(".csv"), _rows(pipeline))
    profile = find_profile(job.csv_profile)
    if not isinstance(source, Images):
        raise SourceError(
            f"The table of {profile.title} has a row per picture, and {job.spec} is a video: expected a folder of "
            "pictures, or a picture."
        )
    return ProfileTable(job.path(".csv"), profile, [str(path) for path in source.paths])


def _rows(pipeline: Pipeline) -> Rows:
    """What the table has columns of."""
    settings, landmarks, beside = pipeline.settings, pipeline.landmarks, pipeline.landmarker is not None
    if not settings.emotions:
        return Rows((), (), settings.pain, beside)
    return Rows(pipeline.model.labels, () if landmarks is None else landmarks.labels, settings.pain, beside)


def _keep(job: Job, baselines: Baselines) -> dict[str, str]:
    """Write the neutral faces beside the table; by kind, the files."""
    kept: dict[str, str] = {}
    for face_id, own in baselines.in_force.items():
        path = job.path(f".neutral-{face_name(face_id)}.npz")
        own.write(path)
        kept[f"neutral_{face_name(face_id)}"] = path.name
    return kept


def _notes(writers: Sequence[ResultWriter], whole: bool) -> tuple[str, ...]:
    """What has to be said about a profile's table, which is brought to its end where the source came to its."""
    notes: tuple[str, ...] = ()
    for writer in writers:
        if isinstance(writer, ProfileTable):
            if whole:
                writer.finish()
            notes += writer.notes
    return notes


def _summary(
    job: Job, counts: Counts, warnings: list[str], seconds: float, files: dict[str, str], notes: tuple[str, ...]
) -> Summary:
    return Summary(
        source=job.spec,
        frames=counts.frames,
        frames_with_face=counts.frames_with_face,
        faces=counts.faces,
        explained=counts.explained,
        seconds=seconds,
        complete=not warnings,
        warnings=tuple(warnings),
        files=tuple(str(job.folder / name) for name in files.values()),
        notes=notes,
        emotions=job.settings.emotions,
    )


def _basis(job: Job, model: Model) -> Basis:
    method, pack = job.settings.method, model.pack
    name = method if isinstance(method, str) else method.key
    return Basis(f"{pack.id} {pack.manifest.version}", name, job.settings.against, job.settings.region_mode)


def _verdicts(total: Account) -> str:
    """Where the evidence lay, in one line; nothing where no face was seen."""
    if not total.seen:
        return ""
    said = [f"{verdict.sentence} {100 * share:.0f} %" for verdict in Verdict if (share := total.share(verdict)) > 0]
    return "decisions, by time: " + ", ".join(said) if total.seen_s > 0 else "decisions: " + ", ".join(said)


def _sidecar(
    job: Job,
    pipeline: Pipeline,
    summary: Summary,
    counts: Counts,
    tally: Tally,
    written: tuple[datetime, dict[str, str]],
) -> Sidecar:
    model, landmarks, settings = pipeline.model, pipeline.landmarks, job.settings
    started, files = written
    return Sidecar(
        source=job.spec,
        pack=_named(model.pack) if settings.emotions else None,
        landmarks=None if landmarks is None else _named(landmarks.pack),
        settings=settings.document(),
        provider=model.provider if settings.emotions else None,
        counts=counts,
        started=started.isoformat(timespec="seconds"),
        finished=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        duration_s=round(summary.seconds, 3),
        complete=summary.complete,
        scale=_scale(job, model).document() if settings.explains else None,
        warnings=summary.warnings,
        notes=summary.notes,
        csv_profile=job.csv_profile,
        verdicts=tally.document() if settings.explains else None,
        pain=summary.pain,
        files=files,
    )


def _named(pack: AnyPack) -> dict[str, object]:
    return {"id": pack.id, "version": pack.manifest.version, "sha256": pack.model_sha256}


def _scale(job: Job, model: Model) -> Scale:
    method = job.settings.method
    return Scale(model.reference(method), model.explainer(method).method.unit)


def _sentence(summary: Summary) -> str:
    state = "" if summary.complete else " INCOMPLETE:"
    explained = f"{summary.explained} of {summary.faces} faces explained, " if summary.emotions else ""
    return (
        f"{summary.source}:{state} {summary.frames} frames, {summary.frames_with_face} with a face, "
        f"{explained}{summary.frames_per_s:.1f} frames/s\n"
        + "".join(f"  {line}\n" for line in (summary.verdicts, *summary.notes, *summary.files) if line)
    )
