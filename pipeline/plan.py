"""Stage 2: each object found, and what the last manifest knows of it, to a Job or a Skip with a named reason.

    found ─┐
           ├─ merge join by key ─▶ Job | Skip(reason)
    rows ──┘

The decision is a function of what was seen; `last_modified` decides nothing, ETag and size do. Checked in order:

    excluded by a glob                                      skip  excluded
    key too long for a sidecar                              skip  key_too_long
    zero bytes                                              skip  empty_object
    larger than audio.max_size_bytes                        skip  too_large
    sidecar there, not written by us (or edited since)      skip  foreign_sidecar
    sidecar there, of this object version and recipe        skip  current
    sidecar there, of this object version, other recipe     skip  other_recipe     (with --upgrade: job)
    row uncertain, of this object version                   job: the worker asks fal's history, and guesses nothing
    row failed for good, same version and recipe            skip  failed_before    (with retry-failed: job)
    row failed, for its paid result has expired             skip  failed_before    (with --allow-rebill: job)
    one of the faults above, and the row says so already    skip  failed_before
    retry-failed, and the object did not fail               skip  not_failed
    more than --limit jobs already                          skip  over_limit
    anything else: new, changed while it was transcribed (stale), sidecar gone,
    failed for a passing reason, pending                    job

A sidecar that the last manifest does not know costs one HEAD; every other decision costs no request (I7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pipeline import keys, sidecars
from pipeline.models import (
    PLANNED,
    AudioObject,
    Format,
    Found,
    Job,
    ManifestRow,
    Place,
    Recipe,
    SidecarStamp,
    Skip,
    SkipReason,
    State,
)
from pipeline.settings import AudioSettings


class Mode(StrEnum):
    """Which column of the table applies."""

    INCREMENTAL = "incremental"
    RETRY_FAILED = "retry-failed"
    UPGRADE = "upgrade"


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for, the same for every object of the run."""

    run_id: str
    recipe: Recipe
    output: Place
    formats: tuple[Format, ...] = ()
    mode: Mode = Mode.INCREMENTAL
    limit: int | None = None
    budgeted: bool = False
    """Whether the run has a ceiling."""
    allow_rebill: bool = False
    """Whether the user agrees to pay again where an earlier run has paid, or may have, for nothing."""


# Reads the stamp of the sidecar of this object; None when Nightscribe did not write what stands there.
LookAtSidecar = Callable[[Found], SidecarStamp | None]

# Reasons of rows that workers hand in.
RESULT_EXPIRED = "result_expired"
DURATION_UNKNOWN = "duration_unknown"

_FAULTS = {
    SkipReason.KEY_TOO_LONG: "has a key too long for a sidecar beside it: S3 allows 1,024 bytes. Use a shorter key.",
    SkipReason.EMPTY_OBJECT: "has zero bytes. Upload it again; nothing was paid.",
    SkipReason.TOO_LARGE: "is larger than audio.max_size_bytes. Split it, or raise the setting.",
    SkipReason.FOREIGN_SIDECAR: "has no sidecar of ours: a file that Nightscribe did not write, or that was edited "
    "since, stands there. It is left alone. Move it away, or use --output.",
}


def plan(
    found: Iterable[Found],
    remembered: Iterable[ManifestRow],
    request: Request,
    settings: AudioSettings,
    look: LookAtSidecar,
    *,
    now: Callable[[], datetime],
) -> Iterator[Job | Skip]:
    """Yields one decision per object, in key order. `remembered` is the last manifest, in the same order."""
    jobs = 0
    for item, row in _joined(found, remembered):
        if skip := _decide(item, row, request, settings, look):
            yield skip
        elif request.limit is not None and jobs >= request.limit:
            yield _left(item, row, SkipReason.OVER_LIMIT)
        else:
            jobs += 1
            yield _job(item.audio, row, request, now())


def planned_row(job: Job) -> ManifestRow:
    """The row of a job that is not settled yet."""
    return ManifestRow(
        **job.object.model_dump(), state=State.PENDING, reason=PLANNED, job_id=job.job_id, attempts=job.prior_attempts
    )


def planned_again(row: ManifestRow, request: Request, now: datetime) -> Job:
    """The job of a `planned_row`, made anew: what was sent and then forgotten by the queue."""
    return _job(AudioObject(**{name: getattr(row, name) for name in AudioObject.model_fields}), row, request, now)


def _joined(found: Iterable[Found], remembered: Iterable[ManifestRow]) -> Iterator[tuple[Found, ManifestRow | None]]:
    """The merge join: both sides come in UTF-8 key order. Rows of objects that are gone fall out here."""
    rows = iter(remembered)
    row = next(rows, None)
    for item in found:
        order = item.audio.key.encode()
        while row is not None and row.key.encode() < order:
            row = next(rows, None)
        same_key = row is not None and row.key == item.audio.key
        yield item, row if row is not None and same_key and _same_version(item, row) else None


def _same_version(item: Found, row: ManifestRow) -> bool:
    return (row.etag, row.size_bytes) == (item.audio.etag, item.audio.size_bytes)


def _decide(
    item: Found, row: ManifestRow | None, request: Request, settings: AudioSettings, look: LookAtSidecar
) -> Skip | None:
    """The skip, or None for a job."""
    if item.excluded:
        return _skip(item, SkipReason.EXCLUDED, State.SKIPPED)
    if fault := _fault(item, request, settings):
        return _faulty(item, row, fault)
    if item.sidecar_etag is not None:
        return _decide_by_sidecar(item, row, request, look)
    return _decide_by_row(item, row, request)


def _fault(item: Found, request: Request, settings: AudioSettings) -> SkipReason | None:
    """What is wrong with the object as the listing shows it."""
    if not keys.fits(keys.sidecar_key(request.output, item.audio.key)):
        return SkipReason.KEY_TOO_LONG
    if item.audio.size_bytes == 0:
        return SkipReason.EMPTY_OBJECT
    if item.audio.size_bytes > settings.max_size_bytes:
        return SkipReason.TOO_LARGE
    return None


def _faulty(item: Found, row: ManifestRow | None, fault: SkipReason) -> Skip:
    """A failure that the last manifest reported already is not news."""
    if row is not None and row.state is State.FAILED and row.reason == fault.value:
        return Skip(reason=SkipReason.FAILED_BEFORE, row=row)
    return _skip(item, fault, State.FAILED)


def _decide_by_sidecar(item: Found, row: ManifestRow | None, request: Request, look: LookAtSidecar) -> Skip | None:
    done = row
    if done is None or done.state is not State.DONE or done.sidecar_etag != item.sidecar_etag:
        stamp = look(item)
        if stamp is None:
            return _faulty(item, row, SkipReason.FOREIGN_SIDECAR)
        if stamp.object_etag != item.audio.etag:
            return None  # the audio has changed since it was transcribed
        done = sidecars.row_of(item.audio, request.output, stamp, item.sidecar_etag or "")
    if done.recipe == request.recipe.hash:
        return Skip(reason=SkipReason.CURRENT, row=done)
    if request.mode is Mode.UPGRADE:
        return None
    return Skip(reason=SkipReason.OTHER_RECIPE, row=done)


def _decide_by_row(item: Found, row: ManifestRow | None, request: Request) -> Skip | None:
    if request.mode is Mode.RETRY_FAILED:
        if row is None or not _is_unsolved(row):
            return _left(item, row, SkipReason.NOT_FAILED)
        if row.reason == RESULT_EXPIRED and row.recipe == request.recipe.hash and not request.allow_rebill:
            message = f"{row.message or item.audio.uri} To pay for it again: nightscribe retry-failed --allow-rebill."
            return Skip(reason=SkipReason.FAILED_BEFORE, row=row.model_copy(update={"message": message}))
        return None
    if row is not None and row.state is State.FAILED and row.permanent and row.recipe == request.recipe.hash:
        return Skip(reason=SkipReason.FAILED_BEFORE, row=row)
    return None


def _is_unsolved(row: ManifestRow) -> bool:
    """Whether the object is one that retry-failed is about; also one that it has left out under a ceiling."""
    return row.state in {State.FAILED, State.UNCERTAIN} or row.reason == DURATION_UNKNOWN


def _job(audio: AudioObject, row: ManifestRow | None, request: Request, now: datetime) -> Job:
    job_id = keys.job_id(audio, request.recipe)
    return Job(
        job_id=job_id,
        run_id=request.run_id,
        object=audio,
        recipe=request.recipe,
        output=request.output,
        formats=request.formats,
        # Attempts count per job: those of another recipe say nothing about this one.
        prior_attempts=row.attempts if row is not None and row.job_id == job_id else 0,
        budgeted=request.budgeted,
        allow_rebill=request.allow_rebill,
        planned_at=now,
    )


def _skip(item: Found, reason: SkipReason, state: State) -> Skip:
    row = ManifestRow(
        **item.audio.model_dump(),
        state=state,
        reason=reason,
        message=f"{item.audio.uri} {_FAULTS[reason]}" if reason in _FAULTS else None,
        permanent=state is State.FAILED,
    )
    return Skip(reason=reason, row=row)


def _left(item: Found, row: ManifestRow | None, reason: SkipReason) -> Skip:
    """An object that would be a job: what is known of its failure stays known."""
    if row is not None and _is_unsolved(row):
        return Skip(reason=reason, row=row)
    return _skip(item, reason, State.PENDING)
