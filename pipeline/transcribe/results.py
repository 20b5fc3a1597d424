"""Writing what was paid for: the sidecar, then the derived formats; each on the condition of what was seen (I8)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pipeline import SOFTWARE, keys, sidecars
from pipeline.derived import DerivedFile, Source
from pipeline.errors import ForeignObjectError
from pipeline.lint import Heard, lint
from pipeline.models import (
    Answer,
    Cost,
    Format,
    Intent,
    Job,
    ManifestRow,
    PaidRequest,
    Quality,
    RecipeStamp,
    Segment,
    Sidecar,
    StoryLine,
    Timings,
)
from pipeline.ownership import stamp_at
from pipeline.settings import LintSettings
from pipeline.storage.base import PreconditionFailedError, Storage

_JSON = "application/json"
_ROUNDING_S = 0.001
"""Models tell milliseconds: an end that is rounded up is cut, and is no repair worth telling."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands where a job's sidecar goes: nothing, an older one of ours (`etag`), or this job's own (`row`)."""

    etag: str | None = None
    row: ManifestRow | None = None


def look(storage: Storage, job: Job) -> Standing:
    """Looks at the sidecar's place. Raises `ForeignObjectError` when a stranger's file is there."""
    key = keys.sidecar_key(job.output, job.object.key)
    head = storage.head(job.output.bucket, key)
    if head is None:
        return Standing()
    stamp = stamp_at(storage, job.output.bucket, key, head)
    if stamp is None:
        raise _foreign(job, key)
    is_to_be_redone = job.is_forced and stamp.run_id != job.run_id
    if stamp.job_id == job.job_id and not is_to_be_redone:
        return Standing(head.etag, sidecars.row_of(job.object, job.output, stamp, head.etag))
    return Standing(head.etag)


def sidecar_of(
    job: Job,
    intent: Intent,
    request: PaidRequest,
    answer: Answer,
    *,
    cost: Cost,
    story: tuple[StoryLine, ...],
    now: datetime,
    thresholds: LintSettings,
) -> Sidecar:
    """The sidecar of a finished request, with what is doubtful about the transcript."""
    transcript = answer.transcript
    duration_s = intent.duration_s or (transcript.segments[-1].end if transcript.segments else None)
    segments, repairs = _within(transcript.segments, duration_s)
    sidecar = Sidecar(
        job_id=job.job_id,
        run_id=job.run_id,
        object=job.object,
        recipe=RecipeStamp.of(job.recipe),
        request=request,
        attempts=intent.attempt,
        duration_s=duration_s,
        text=transcript.text,
        language=transcript.language,
        segments=segments,
        quality=_quality(
            Heard(
                transcript.text, segments, transcript.language, transcript.repairs + repairs, duration_s, answer.asked
            ),
            thresholds,
        ),
        stands_for=job.second_of,
        timings=Timings(
            submitted_at=request.submitted_at,
            fetched_at=now,
            processing_s=round((now - request.submitted_at).total_seconds(), 3),
            inference_s=answer.inference_s,
        ),
        cost=cost,
        raw=answer.raw,
        story=(*story, StoryLine(at=now, what="written")),
        software=SOFTWARE,
        written_at=now,
    )
    return sidecars.sealed(sidecar)


def _quality(heard: Heard, thresholds: LintSettings) -> Quality:
    findings = lint(heard, thresholds)
    verdict: Literal["ok", "suspect", "no_speech"] = "suspect" if findings else "ok"
    return Quality(verdict="no_speech" if heard.is_silent else verdict, repairs=heard.repairs, findings=findings)


def _within(segments: tuple[Segment, ...], duration_s: float | None) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """The rest of I12: nothing ends after the audio does. Models round up to their window of 30 s."""
    if duration_s is None:
        return segments, ()
    kept = tuple(segment for segment in segments if segment.start < duration_s)
    late = sum(segment.end > duration_s + _ROUNDING_S for segment in segments)
    cut = tuple(_cut(segment, duration_s) if segment.end > duration_s else segment for segment in kept)
    return cut, (f"past_end:{late}",) if late else ()


def _cut(segment: Segment, duration_s: float) -> Segment:
    words = segment.words and tuple(
        word.model_copy(update={"end": min(word.end, duration_s)}) for word in segment.words if word.start < duration_s
    )
    return segment.model_copy(update={"end": duration_s, "words": words})


def write(storage: Storage, job: Job, sidecar: Sidecar, seen: Standing) -> ManifestRow:
    """Writes the sidecar where `seen` stood, then its derived formats; returns the row. Repeating it changes nothing.

    Raises `ForeignObjectError` when something else has taken the place meanwhile; the paid transcript is then kept
    under `_nightscribe/unplaced/`, and the error names it.
    """
    row = _write_sidecar(storage, job, sidecar, seen)
    for kind in job.formats:
        _write_derived(storage, job, kind, Source(sidecar, row.sidecar_etag or ""))
    return row


def _write_sidecar(storage: Storage, job: Job, sidecar: Sidecar, seen: Standing) -> ManifestRow:
    key = keys.sidecar_key(job.output, job.object.key)
    stamp = sidecars.stamp_of(sidecar)
    try:
        etag = storage.write(
            job.output.bucket,
            key,
            sidecar.model_dump_json(indent=1).encode(),
            content_type=_JSON,
            metadata=sidecars.to_metadata(stamp),
            if_match=seen.etag,
        )
    except PreconditionFailedError:
        return _written_by_another(storage, job, sidecar)
    return sidecars.row_of(job.object, job.output, stamp, etag)


def _written_by_another(storage: Storage, job: Job, sidecar: Sidecar) -> ManifestRow:
    """The row, when this very job was finished by another worker, or by a write of ours whose reply was lost."""
    try:
        row = look(storage, job).row
    except ForeignObjectError:
        row = None
    if row is not None:
        return row
    raise ForeignObjectError(
        f"The sidecar of {job.object.uri} was written or deleted by somebody else while this job was at work. What is "
        f"there was left alone; the transcript is at {keep_unplaced(storage, job, sidecar)}. Move one of them."
    )


def _write_derived(storage: Storage, job: Job, kind: Format, source: Source) -> None:
    """A derived file of ours is replaced; a stranger's is left alone, for the sidecar holds everything."""
    file = DerivedFile.of(job.output, job.object.key, kind)
    head = storage.head(file.bucket, file.key)
    if head is None or not file.is_current(head, source.etag):
        file.write(storage, source, head)


def keep_unplaced(storage: Storage, job: Job, sidecar: Sidecar) -> str:
    """Keeps a transcript that was paid for and has no place; returns its address."""
    key = keys.unplaced_key(job.output, job.job_id)
    with suppress(PreconditionFailedError):  # kept by an earlier try
        storage.write(job.output.bucket, key, sidecar.model_dump_json(indent=1).encode(), content_type=_JSON)
    return f"s3://{job.output.bucket}/{key}"


def _foreign(job: Job, key: str) -> ForeignObjectError:
    return ForeignObjectError(
        f"s3://{job.output.bucket}/{key} stands where the sidecar of {job.object.uri} goes, and Nightscribe did not "
        "write it. It was left alone and nothing was paid. Move it away, or use --output."
    )
