"""How a completed request failed: every error type that fal documents, as a literal table. Pure.

The result URL replays the failure (docs/fal.md sections 3.4 and 5), but fal's gateway can fail there on its own
account too. Taking the second for the first would submit, and pay, again; so a failure that the status did not
confirm must be seen several times before it is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from pipeline.errors import (
    AudioRejectedError,
    ConfigurationError,
    NightscribeError,
    RequestFailedError,
    ResultExpiredError,
    ServiceUnavailableError,
    ThrottledError,
)
from pipeline.redaction import redact
from pipeline.speech.fal.account import account_error
from pipeline.speech.fal.wire import ErrorBody, Reply, StatusAnswer, error_body, retry_after_s, retry_hint
from pipeline.speech.fal.wording import sentence


class Outcome(Enum):
    """What a type of error says about trying again."""

    FAILED = "fal's side failed; another request may succeed"
    FAILED_UNLESS_TOLD = "the same, unless the retry header says no"
    REJECTED = "the same request would be refused again"


_AGAIN = "fal's side failed; it may be submitted again."
_FRESH_URL = "It may be submitted again with a fresh URL; if this stays, check that fal can reach the bucket."
_AUDIO = "Mend or replace the audio."
_ARGUMENTS = "Check the audio and the arguments (--arg)."


@dataclass(frozen=True)
class ErrorType:
    """A type of error that fal documents: its usual HTTP status, what it says about trying again, and what to do."""

    status: int
    outcome: Outcome
    advice: str


REQUEST_ERRORS: Mapping[str, ErrorType] = {
    "request_timeout": ErrorType(504, Outcome.FAILED, _AGAIN),
    "startup_timeout": ErrorType(504, Outcome.FAILED, _AGAIN),
    "runner_scheduling_failure": ErrorType(503, Outcome.FAILED, _AGAIN),
    "runner_connection_timeout": ErrorType(503, Outcome.FAILED, _AGAIN),
    "runner_disconnected": ErrorType(503, Outcome.FAILED, _AGAIN),
    "runner_connection_refused": ErrorType(503, Outcome.FAILED, _AGAIN),
    "runner_connection_error": ErrorType(503, Outcome.FAILED, _AGAIN),
    "runner_incomplete_response": ErrorType(502, Outcome.FAILED, _AGAIN),
    "runner_server_error": ErrorType(500, Outcome.FAILED, _AGAIN),
    "client_disconnected": ErrorType(499, Outcome.FAILED, _AGAIN),
    "client_cancelled": ErrorType(499, Outcome.FAILED, _AGAIN),
    "bad_request": ErrorType(400, Outcome.REJECTED, _ARGUMENTS),
    "internal_error": ErrorType(500, Outcome.FAILED, _AGAIN),
}
# file_download_error: fal says no retry, but a fresh presigned URL is its cure. The last four are pydantic's own.
MODEL_ERRORS: Mapping[str, ErrorType] = {
    "internal_server_error": ErrorType(500, Outcome.FAILED_UNLESS_TOLD, _AGAIN),
    "generation_timeout": ErrorType(504, Outcome.FAILED_UNLESS_TOLD, _AGAIN),
    "downstream_service_error": ErrorType(400, Outcome.FAILED_UNLESS_TOLD, _AGAIN),
    "downstream_service_unavailable": ErrorType(500, Outcome.FAILED_UNLESS_TOLD, _AGAIN),
    "concurrent_requests_limit": ErrorType(429, Outcome.FAILED, _AGAIN),
    "file_download_error": ErrorType(422, Outcome.FAILED, _FRESH_URL),
    "file_too_large": ErrorType(422, Outcome.REJECTED, _AUDIO),
    "audio_duration_too_long": ErrorType(422, Outcome.REJECTED, _AUDIO),
    "audio_duration_too_short": ErrorType(422, Outcome.REJECTED, _AUDIO),
    "unsupported_audio_format": ErrorType(422, Outcome.REJECTED, _AUDIO),
    "unsupported_video_format": ErrorType(422, Outcome.REJECTED, _AUDIO),
    "content_policy_violation": ErrorType(422, Outcome.REJECTED, _AUDIO),
    "no_media_generated": ErrorType(422, Outcome.REJECTED, _AUDIO),
    "feature_not_supported": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "greater_than": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "greater_than_equal": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "less_than": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "less_than_equal": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "multiple_of": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "one_of": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "sequence_too_short": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "sequence_too_long": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "missing": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "string_type": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "value_error": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
    "enum": ErrorType(422, Outcome.REJECTED, _ARGUMENTS),
}
ERROR_TYPES: Mapping[str, ErrorType] = {**REQUEST_ERRORS, **MODEL_ERRORS}
OUTCOMES: Mapping[str, Outcome] = {kind: row.outcome for kind, row in ERROR_TYPES.items()}
AUDIO_TYPES = frozenset(kind for kind, row in ERROR_TYPES.items() if row.advice is _AUDIO)
"""The types that lie in the audio itself; the other refusals lie in the arguments."""

CERTAIN = 1
NOT_FOUND_LOOKS = 3
"""So many 404 in a row are believed: a paid request is not given up for one stray answer."""
UNCONFIRMED_LOOKS = 6
"""Five repetitions, growing to about eight seconds: longer than a gateway's hiccup, well within the six minutes
that fal keeps a long result."""

# Answers that fal's gateway gives for itself, whatever became of the request.
_THROTTLED = 429
_SERVER_ERROR = 500
_CLIENT_ERROR = 400
_GATEWAY_STATUSES = frozenset({401, 402, 403, 404, 410, 429})
_RETRIED_STATUSES = frozenset({408, 429, 499})


@dataclass(frozen=True)
class Failure:
    """Why a result could not be had, and in which look such an answer is believed."""

    error: NightscribeError
    believed_at: int


def result_failure(reply: Reply, known: StatusAnswer | None, request_id: str) -> Failure:
    """What a result URL's answer other than 2xx means. `known` is the status that said COMPLETED, when remembered."""
    body = error_body(reply)
    confirmed = known is not None and known.is_failed
    told = known.error_type if confirmed and known and isinstance(known.error_type, str) else ""
    kind = body.kind or redact(told) or None
    text = body.text or (known.error if confirmed and known and isinstance(known.error, str) else "")
    what = f"Request {request_id} ended with HTTP {reply.status}" + (f" {kind}" if kind else "")
    of_the_gateway = reply.status in _GATEWAY_STATUSES and (kind not in OUTCOMES or reply.status == _THROTTLED)
    if not confirmed and (not kind or of_the_gateway):
        return _of_the_read(reply, body, f"The result of request {request_id} was answered HTTP {reply.status}")
    if not kind and body.is_garbled:
        return unreadable_result(reply, request_id)  # it failed, but a code alone says nothing about the audio
    error = _of_the_request(reply, kind, text, what)
    # fal's gateway has no words like a model's details, and answers 4xx with a type for a request's own failure
    # only; a typed 5xx may be the gateway's own.
    certain = confirmed or body.is_model_error or reply.status < _SERVER_ERROR
    return Failure(error, CERTAIN if certain else UNCONFIRMED_LOOKS)


def unreadable_result(reply: Reply, request_id: str) -> Failure:
    """A result, or the details of a failure, that is no JSON: cut short, or a proxy's page."""
    start = reply.content[:200].decode(errors="replace")
    what = f"The result of request {request_id} cannot be read"
    error = ServiceUnavailableError(sentence(what, start, "It is read again later."), reason="unreadable_result")
    return Failure(error, UNCONFIRMED_LOOKS)


def _of_the_request(reply: Reply, kind: str | None, text: str, what: str) -> NightscribeError:
    reason = kind or f"http_{reply.status}"
    outcome, hint = OUTCOMES.get(reason), retry_hint(reply)
    delay_s = retry_after_s(reply)
    if outcome is None:  # fal adds types: its own hint comes first, then the status
        is_transient = reply.status >= _SERVER_ERROR or reply.status in _RETRIED_STATUSES
        outcome = Outcome.FAILED if (is_transient if hint is None else hint) else Outcome.REJECTED
    if outcome is Outcome.FAILED_UNLESS_TOLD:
        outcome = Outcome.REJECTED if hint is False else Outcome.FAILED
    if reason == "request_timeout" and reply.headers.get("x-fal-request-timeout-type", "").lower() == "user":
        advice = "It had not started by fal.start_timeout_s, unbilled; it may be submitted again."
        return RequestFailedError(sentence(what, text, advice), "start_timeout", delay_s)
    known = ERROR_TYPES.get(reason)
    if outcome is Outcome.FAILED:
        return RequestFailedError(sentence(what, text, known.advice if known else _AGAIN), reason, delay_s)
    if reply.status == HTTPStatus.NOT_FOUND and not kind:  # the runner has no such path
        advice = "The model does not have this path; check the endpoint id (--model or recipe.model)."
        return ConfigurationError(sentence(what, text, advice), reason="unknown_model")
    advice = _AUDIO if reason in AUDIO_TYPES else _ARGUMENTS
    return AudioRejectedError(sentence(what, text, advice), reason)


def _of_the_read(reply: Reply, body: ErrorBody, what: str) -> Failure:
    """Nothing confirms that the request failed: the read itself did, or only the text tells."""
    status, text = reply.status, body.text.lower()
    account = account_error(status, body, what)
    if account is not None:
        return Failure(account, CERTAIN)
    if status in (404, 410):
        advice = "fal no longer knows the result; only a new, paid request can replace it."
        return Failure(ResultExpiredError(sentence(what, body.text, advice)), NOT_FOUND_LOOKS)
    error: NightscribeError
    if status >= _SERVER_ERROR and ("cuda" in text or "gpu error" in text):
        advice = "fal's graphics card failed; it may be submitted again."
        error = RequestFailedError(sentence(what, body.text, advice), "gpu_error", retry_after_s(reply))
    elif "in progress" in text or status < _CLIENT_ERROR:
        advice = "It is read again; nothing is submitted anew."
        error = ServiceUnavailableError(sentence(what, body.text, advice), "still_in_progress")
    elif status >= _SERVER_ERROR or status in _RETRIED_STATUSES:
        kind = ThrottledError if status == _THROTTLED else ServiceUnavailableError
        advice = "It is read again; nothing is submitted anew."
        error = kind(sentence(what, body.text, advice), delay_s=retry_after_s(reply))
    else:
        error = AudioRejectedError(sentence(what, body.text, _ARGUMENTS), f"http_{status}")
    return Failure(error, UNCONFIRMED_LOOKS)
