"""Where an object stands now, what happens next, and what a person can do. Pure.

The first line that fits wins:

    an open run waits for it                       working, queued
    it does not exist (any more)                   gone
    a stranger's file at the sidecar's place       blocked
    an intent of this version without a result     at_fal, uncertain        (unless the sidecar is of that very job)
    a sidecar of this version                      done
    a row of this version                          done, failed, uncertain, skipped, pending
    an intent of this version                      failed, pending
    sidecar, row or intent of another version      changed
    nothing                                        new
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline import retry
from pipeline.errors import LaterRuns, UncertainError
from pipeline.explain import advice
from pipeline.explain.at_work import outstanding
from pipeline.explain.findings import Findings
from pipeline.explain.standing import Outlook, Stands
from pipeline.models import PLANNED, AudioObject, Intent, IntentState, ManifestRow, State

_NEVER_OVER = (
    "A run adopts it as soon as fal's history shows it. Its address is public and never expires, so that no time "
    "decides otherwise"
)
_NOT_STORED = "No history can show it, for fal was told to store nothing (--no-store-io)"


def outlook(findings: Findings) -> Outlook:
    """Where the object stands."""
    looks: tuple[Callable[[Findings], Outlook | None], ...] = (
        outstanding,
        _gone,
        _blocked,
        _in_doubt,
        _transcribed,
        _reported,
        _recorded,
        _changed,
    )
    return next(filter(None, (look(findings) for look in looks)), None) or _new(findings)


def _gone(findings: Findings) -> Outlook | None:
    if findings.audio is not None:
        return None
    kept = " Its transcript is still there." if findings.stamp else ""
    return Outlook(
        Stands.GONE, f"the object does not exist any more.{kept}", "Nothing: the next manifest is without it."
    )


def _blocked(findings: Findings) -> Outlook | None:
    if not findings.has_foreign_sidecar:
        return None
    paid = "; the transcript that was paid for is kept apart, as told above" if findings.unplaced else ""
    return Outlook(
        Stands.BLOCKED,
        f"a file that Nightscribe did not write stands where the transcript goes{paid}.",
        "It is never overwritten. Move it away, then: "
        f"{advice.retry_failed(findings) if findings.row and findings.row.recipe else advice.backfill(findings)}",
    )


def _in_doubt(findings: Findings) -> Outlook | None:
    """Something may be paid for, or is, and has no result yet."""
    done = findings.stamp.job_id if findings.stamp else None
    for intent in _intents_of_now(findings):
        if intent.job_id == done:
            continue
        if intent.state is IntentState.SUBMITTED and intent.request is not None:
            said = _said_by_row(findings, intent)
            return Outlook(
                Stands.AT_FAL,
                f"request {intent.request.request_id} was accepted, and its result is not collected yet.{said}",
                f"Collect it, without paying again: {advice.backfill(findings)}",
            )
        if intent.state is IntentState.INTENDED:
            return _uncertain(findings, intent)
    return None


def _uncertain(findings: Findings, intent: Intent) -> Outlook:
    row = findings.row
    said = row if row is not None and row.job_id == intent.job_id and row.state is State.UNCERTAIN else None
    now = f"attempt {intent.attempt} was sent, or was about to be, and it is not known whether fal accepted it."
    if said is not None and said.message:
        now = f"uncertain. {said.message}"
    again = advice.pay_again(findings)
    dashboard = f"look for the request in fal's dashboard; to pay for it, perhaps twice: {again}"
    decided_at = findings.decided_at.get(intent.job_id)
    if decided_at is None:
        why = "No history is asked (fal.platform_url is empty)"
        if not intent.store_io:
            why = _NOT_STORED
        elif intent.delivery == "public":
            why = _NEVER_OVER
        return Outlook(Stands.UNCERTAIN, now, f"{why}: {dashboard}")
    if said is not None and said.reason != UncertainError.default_reason:  # the history could not tell
        asks = f"The next run asks fal's history again: {advice.backfill(findings)}"
        return Outlook(Stands.UNCERTAIN, now, f"{asks}. Where that cannot tell, {dashboard}")
    when = (
        "A run decides now" if findings.now >= decided_at else f"A run decides from {decided_at:%Y-%m-%d %H:%M:%SZ} on"
    )
    return Outlook(
        Stands.UNCERTAIN,
        now,
        f"{when}, and sooner if fal's history shows the request: {advice.backfill(findings)} (to pay without waiting, "
        f"perhaps twice: {again})",
    )


def _transcribed(findings: Findings) -> Outlook | None:
    stamp, audio = findings.stamp, findings.audio
    if stamp is None or audio is None or stamp.object_etag != audio.etag:
        return None
    speech = "" if stamp.speech else "; the model heard no speech in it"
    doubt = f"; suspect: {', '.join(stamp.suspect)}" if stamp.suspect else ""
    failed = ""
    row = findings.row
    if row is not None and row.state is not State.DONE and row.job_id not in {None, stamp.job_id}:
        failed = f" A later attempt with another recipe is {row.state}: {row.message or row.reason}"
    return Outlook(
        Stands.DONE,
        f"transcribed with {stamp.endpoint_id}{speech}{doubt}.{failed}",
        f"Nothing is left to do. Read it: {advice.show(findings)}",
    )


def _reported(findings: Findings) -> Outlook | None:
    row = findings.row
    if row is None or not _is_of_now(row, findings.audio):
        return None
    said = row.message or row.reason or ""
    match row.state:
        case State.FAILED:
            return Outlook(Stands.FAILED, f"failed ({row.reason}). {said}", advice.after_failure(findings, row))
        case State.UNCERTAIN:
            return Outlook(Stands.UNCERTAIN, said, f"Ask fal's history again: {advice.backfill(findings)}")
        case State.SKIPPED:
            return Outlook(Stands.SKIPPED, f"left out ({row.reason}).", "A run without that filter takes it.")
        case State.DONE:
            return Outlook(
                Stands.PENDING,
                "it was transcribed, and its transcript was deleted or replaced since.",
                f"The next run transcribes, and pays for, it again: {advice.backfill(findings)}",
            )
    waits = (
        "its job was sent to the workers and did not come back." if row.reason == PLANNED else f"left for later: {said}"
    )
    return Outlook(Stands.PENDING, waits, f"The next run goes on with it: {advice.backfill(findings)}")


def _recorded(findings: Findings) -> Outlook | None:
    intents = _intents_of_now(findings)
    if not intents:
        return None
    intent = intents[0]
    if intent.failure is None:
        return Outlook(
            Stands.PENDING,
            "nothing was accepted by fal; free to submit.",
            f"The next run goes on: {advice.backfill(findings)}",
        )
    later = retry.error_of(intent.failure).handling.later_runs
    command = {
        LaterRuns.ON_DEMAND: advice.retry_failed(findings),
        LaterRuns.ON_REBILL: advice.pay_again(findings),
    }.get(later, advice.backfill(findings))
    return Outlook(
        Stands.FAILED,
        f"failed ({intent.failure.reason}). {intent.failure.message}",
        f"{later.value.capitalize()}: {command}",
    )


def _changed(findings: Findings) -> Outlook | None:
    if findings.etag_of_story is None:
        return None
    return Outlook(
        Stands.CHANGED,
        "the audio was replaced since; what is told above is about an older version.",
        f"The next run transcribes, and pays for, the new version: {advice.backfill(findings)}",
    )


def _new(findings: Findings) -> Outlook:
    if not findings.is_audio:
        return Outlook(
            Stands.NEW,
            "its key does not end like audio, so that no run looks at it.",
            "See audio.extensions: nightscribe config show",
        )
    return Outlook(
        Stands.NEW,
        "nothing is known of it: no run has dealt with it yet.",
        f"Transcribe it: {advice.backfill(findings)}",
    )


def _intents_of_now(findings: Findings) -> list[Intent]:
    """The intents of the present version, the newest first."""
    ours = [intent for intent in findings.intents if _is_of_now(intent.object, findings.audio)]
    return sorted(ours, key=lambda intent: intent.intended_at, reverse=True)


def _is_of_now(version: AudioObject | ManifestRow, audio: AudioObject | None) -> bool:
    return audio is not None and (version.etag, version.size_bytes) == (audio.etag, audio.size_bytes)


def _said_by_row(findings: Findings, intent: Intent) -> str:
    row = findings.row
    return f" {row.message}" if row is not None and row.job_id == intent.job_id and row.message else ""
