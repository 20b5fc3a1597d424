"""From what is seen to what is done: the merge join, and each object's decision by the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from pipeline import keys, sidecars
from pipeline.models import (
    PLANNED,
    AudioObject,
    Block,
    Found,
    Job,
    KnownRows,
    ManifestRow,
    RememberedRow,
    SidecarStamp,
    Skip,
    SkipReason,
    State,
    Stretch,
    Untouched,
)
from pipeline.plan import standing as seen
from pipeline.plan.joining import joined
from pipeline.plan.looking import looked
from pipeline.plan.request import LookAtSidecar, Request
from pipeline.plan.standing import Standing
from pipeline.plan.table import COLUMNS, JOB, Mode
from pipeline.settings import AudioSettings

_FAULTS = {
    Standing.KEY_TOO_LONG: "has a key too long for a sidecar beside it: S3 allows 1,024 bytes. Use a shorter key.",
    Standing.EMPTY_OBJECT: "has zero bytes. Upload it again; nothing was paid.",
    Standing.TOO_LARGE: "is larger than audio.max_size_bytes. Split it, or raise the setting.",
    Standing.FOREIGN_SIDECAR: "has no sidecar of ours: a file that Nightscribe did not write, or that was edited "
    "since, stands there. It is left alone. Move it away, or use --output.",
}

_REBILL = "To pay for it again: nightscribe retry-failed --allow-rebill."


def plan(
    found: Iterable[Stretch],
    remembered: Iterable[KnownRows],
    request: Request,
    settings: AudioSettings,
    look: LookAtSidecar,
    *,
    now: Callable[[], datetime],
) -> Iterator[Job | Skip | Untouched]:
    """Yields one decision per object, in key order; where a block of the last manifest holds as it is, one for many.

    `remembered` is that manifest, in the same order. `look` is called from several threads. Raises what it raises, and
    what `KnownRows` raise.
    """
    column = COLUMNS[request.mode]
    jobs = 0
    pairs = joined(found, remembered, _recognising(request, settings), is_whole=request.is_whole)
    for pair in looked(pairs, _judging(request, settings), look):
        if isinstance(pair, Untouched):
            yield pair
            continue
        item, row, told, stamp = pair
        if item is None:
            if row is not None and request.is_whole:
                yield Skip(SkipReason.GONE, row)
            continue
        standing = told or seen.by_stamp(item, row, stamp, request.recipe, request.run_id)
        verdict = column[standing]
        if verdict is SkipReason.CURRENT and told and row is not None:
            yield Skip(verdict, row)  # nearly all, where no block is recognised
        elif verdict is not JOB:
            yield _skip(item, row, stamp, standing=standing, reason=verdict, request=request)
        elif reason := _beyond(request, jobs, moment := now()):
            yield Skip(reason, _left(item, row, reason, request))
        else:
            jobs += 1
            yield _job(item.audio(request.bucket), row, request, moment, standing)


def _recognising(request: Request, settings: AudioSettings) -> Callable[[Block], bool]:
    """Whether all of a block but its `others` are skipped as current for as long as nothing has changed."""
    is_skipped = COLUMNS[request.mode][Standing.CURRENT] is SkipReason.CURRENT and not request.one_by_one
    recipe_hash = request.recipe.hash

    def may_be_current(block: Block) -> bool:
        return is_skipped and block.recipe == recipe_hash and block.largest_bytes <= settings.max_size_bytes

    return may_be_current


def _judging(request: Request, settings: AudioSettings) -> Callable[[Found, RememberedRow | None], Standing | None]:
    """The standing of an object, where nobody needs to look at its sidecar."""
    recipe, run_id, output = request.recipe, request.run_id, request.output
    recipe_hash = recipe.hash

    def standing_of(item: Found, row: RememberedRow | None) -> Standing | None:
        if seen.is_untouched(item, row, recipe_hash, run_id, settings):
            return Standing.CURRENT
        standing = seen.before_sidecar(item, row, output, settings)
        if standing is None and (item.sidecar_etag is None or seen.knows_sidecar(item, row)):
            return seen.by_row(item, row, recipe, run_id)
        return standing

    return standing_of


def _beyond(request: Request, jobs: int, moment: datetime) -> SkipReason | None:
    """Why one more job would be too many."""
    if request.limit is not None and jobs >= request.limit:
        return SkipReason.OVER_LIMIT
    return SkipReason.AFTER_DEADLINE if request.handling.is_too_late(moment) else None


def planned_row(job: Job) -> ManifestRow:
    """The row of a job that is not settled yet."""
    return ManifestRow(
        **job.object.model_dump(), state=State.PENDING, reason=PLANNED, job_id=job.job_id, attempts=job.prior_attempts
    )


def planned_again(row: RememberedRow, request: Request, now: datetime) -> Job:
    """The job of a `planned_row`, made anew: what was sent and then forgotten by the queue."""
    whole = row.row()
    return _job(AudioObject(**{name: getattr(whole, name) for name in AudioObject.model_fields}), row, request, now)


def left_over(
    unsettled: Iterable[RememberedRow], remembered: Iterable[RememberedRow], reason: SkipReason
) -> Iterator[ManifestRow | RememberedRow]:
    """The rows of jobs that a run has planned and ends without, each as if it had not been planned.

    Both sides come in key order. What the last manifest (`remembered`) knows of a failure stays known, as in a plan.
    """
    rows = iter(remembered)
    row = next(rows, None)
    for planned in unsettled:
        while row is not None and row.key < planned.key:
            row = next(rows, None)
        is_known = row is not None and row.key == planned.key and seen.is_of_version(row, planned)
        if row is not None and is_known and _is_unsolved(row):
            yield row
        else:
            yield planned.row().model_copy(update={"reason": reason.value})


def _job(
    audio: AudioObject, row: RememberedRow | None, request: Request, now: datetime, standing: Standing | None = None
) -> Job:
    job_id = keys.job_id(audio, request.recipe)
    return Job(
        job_id=job_id,
        run_id=request.run_id,
        object=audio,
        recipe=request.recipe,
        output=request.output,
        formats=request.formats,
        handling=request.handling,
        prices=request.prices,
        # Attempts count per job: those of another recipe say nothing about this one.
        prior_attempts=row.attempts if row is not None and row.job_id == job_id else 0,
        budgeted=request.budgeted,
        allow_rebill=request.allow_rebill,
        is_forced=request.mode is Mode.FORCE,
        planned_at=now,
        planned_as=standing,
    )


def _skip(
    item: Found,
    row: RememberedRow | None,
    stamp: SidecarStamp | None,
    *,
    standing: Standing,
    reason: SkipReason,
    request: Request,
) -> Skip:
    """The skip, with the remembered row wherever it says the same."""
    if standing in _FAULTS:
        told = _row(item, reason, State.FAILED, request, f"{_uri(item, request)} {_FAULTS[standing]}")
        # What stands there was looked at, and is known from now on.
        is_foreign = standing is Standing.FOREIGN_SIDECAR
        return Skip(reason, told.model_copy(update={"sidecar_etag": item.sidecar_etag}) if is_foreign else told)
    if standing is Standing.EXCLUDED:
        return Skip(reason, _same(row, item, State.SKIPPED, reason) or _row(item, reason, State.SKIPPED, request))
    if reason is SkipReason.NOT_FAILED:
        return Skip(reason, _left(item, row, reason, request))
    if stamp is not None and stamp.object_etag == item.etag:
        audio = item.audio(request.bucket)
        return Skip(reason, sidecars.row_of(audio, request.output, stamp, item.sidecar_etag or ""))
    if row is None:  # pragma: no cover  every other standing is told by a row
        raise TypeError(standing)
    return Skip(reason, _known(row, item, standing, request))


def _known(row: RememberedRow, item: Found, standing: Standing, request: Request) -> ManifestRow | RememberedRow:
    """The remembered row, with what this plan can add to it."""
    if row.reason == SkipReason.FOREIGN_SIDECAR and row.sidecar_etag != item.sidecar_etag:
        return row.row().model_copy(update={"sidecar_etag": item.sidecar_etag})
    if standing is Standing.RESULT_EXPIRED and request.mode is Mode.RETRY_FAILED:
        whole = row.row()
        message = whole.message or _uri(item, request)
        if not message.endswith(_REBILL):
            return whole.model_copy(update={"message": f"{message} {_REBILL}"})
    return row


def _left(item: Found, row: RememberedRow | None, reason: SkipReason, request: Request) -> ManifestRow | RememberedRow:
    """The row of an object that would be a job: what is known of its failure stays known."""
    if row is not None and seen.is_of_version(row, item) and _is_unsolved(row):
        return row
    return _same(row, item, State.PENDING, reason) or _row(item, reason, State.PENDING, request)


def _is_unsolved(row: RememberedRow) -> bool:
    return row.state in {State.FAILED, State.UNCERTAIN} or row.reason == seen.DURATION_UNKNOWN


def _same(row: RememberedRow | None, item: Found, state: State, reason: SkipReason) -> RememberedRow | None:
    """The row, when it says exactly this already."""
    says_so = row is not None and row.state is state and row.reason == reason.value and seen.is_of_version(row, item)
    return row if says_so else None


def _row(item: Found, reason: SkipReason, state: State, request: Request, message: str | None = None) -> ManifestRow:
    return ManifestRow(
        **item.audio(request.bucket).model_dump(),
        state=state,
        reason=reason,
        message=message,
        permanent=state is State.FAILED,
    )


def _uri(item: Found, request: Request) -> str:
    return f"s3://{request.bucket}/{item.key}"
