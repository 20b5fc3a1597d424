"""The paid step of a job: one POST, framed by the intent in S3 before it and the request id in S3 after it (I1)."""

from __future__ import annotations

from pipeline import logs
from pipeline.errors import NightscribeError, ThrottledError, TransientError, UncertainError
from pipeline.models import Job, ManifestRow, PaidRequest
from pipeline.storage.base import PreconditionFailedError
from pipeline.transcribe import intents, results
from pipeline.transcribe.intents import IntentBook, Kept
from pipeline.transcribe.tools import Tools

_CONTENDED_S = 2.0  # another worker is between its intent and its request id: about the time a POST takes
_RATE_PATIENCE_S = 3600.0  # the rate limit orders submissions; a place an hour away is still a place


def submit_once(
    job: Job, book: IntentBook, previous: Kept | None, tools: Tools, *, attempt: int, duration_s: float | None
) -> Kept | ManifestRow:
    """Intent first, then one POST, then the request id, with nothing in between that can wait.

    Returns the intent with its request; or the row of a sidecar that another worker has finished in the meantime.
    Raises `UncertainError` when the reply was lost; after every other error nothing was accepted.
    """
    wait_s = tools.rate.reserve(_RATE_PATIENCE_S)
    if wait_s is None:
        raise ThrottledError("The submission rate is booked out for an hour; raise limits.submits_per_s.")
    tools.cancel.sleep(wait_s)
    url = tools.storage.presign(
        job.object.bucket,
        job.object.key,
        version_id=job.object.version_id,
        expires_s=tools.settings.audio.presign_expiry_s,
    )
    intent = intents.intended(
        job,
        previous.intent if previous else None,
        attempt=attempt,
        url=url,
        owner=tools.worker,
        now=tools.now(),
        duration_s=duration_s,
    )
    try:
        kept = book.write(job, intent, previous.etag if previous else None)
    except PreconditionFailedError:
        raise contended(job, _CONTENDED_S) from None
    try:
        # Between our first look and our intent another worker may have finished the job and deleted its own intent.
        if (row := results.look(tools.storage, job).row) is not None:
            return row
        request = tools.transcriber.submit(job.recipe, url)
    except UncertainError:
        raise
    except NightscribeError:
        _drop(job, book, previous)  # nothing was accepted, and the next attempt must be free to submit
        raise
    logs.bind_request(request.request_id)
    logs.get_logger().info("request_submitted", attempt=attempt, audio_s=duration_s)
    return _keep_request(job, book, kept, request)


def _keep_request(job: Job, book: IntentBook, kept: Kept, request: PaidRequest) -> Kept:
    """Writes the request id into the intent. From here on it is money: S3 being away must not lose it."""
    intent = intents.submitted(kept.intent, request)
    try:
        return book.write(job, intent, kept.etag)
    except (TransientError, PreconditionFailedError) as error:
        # The job goes on from memory; only if this process also dies now is the request left to reconciliation.
        logs.get_logger().error("request_id_not_kept", reason=type(error).__name__, status_url=request.status_url)
        return Kept(intent, kept.etag)


def _drop(job: Job, book: IntentBook, previous: Kept | None) -> None:
    """Undoes an intent whose POST was refused; a tombstone of an earlier attempt is put back."""
    if previous is None:
        book.delete(job)
        return
    current = book.read(job)
    if current is not None:
        book.write(job, previous.intent, current.etag)


def contended(job: Job, delay_s: float) -> TransientError:
    """The error of a job whose request is being made by somebody else right now."""
    return TransientError(
        f"Another worker is submitting {job.object.uri}; its request is awaited.", "intent_contended", delay_s
    )
