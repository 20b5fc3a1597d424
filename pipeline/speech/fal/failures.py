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
from pipeline.speech.fal.account import account_error
from pipeline.speech.fal.wire import ErrorBody, Reply, StatusAnswer, error_body, retry_after_s
from pipeline.speech.fal.wording import sentence


class Outcome(Enum):
    """What a type of error says about trying again."""

    FAILED = "fal's side failed; another request may succeed"
    FAILED_UNLESS_TOLD = "the same, unless the retry header says no"
    REJECTED = "the same request would be refused again"


REQUEST_ERRORS: Mapping[str, Outcome] = {
    "request_timeout": Outcome.FAILED,
    "startup_timeout": Outcome.FAILED,
    "runner_scheduling_failure": Outcome.FAILED,
    "runner_connection_timeout": Outcome.FAILED,
    "runner_disconnected": Outcome.FAILED,
    "runner_connection_refused": Outcome.FAILED,
    "runner_connection_error": Outcome.FAILED,
    "runner_incomplete_response": Outcome.FAILED,
    "runner_server_error": Outcome.FAILED,
    "client_disconnected": Outcome.FAILED,
    "client_cancelled": Outcome.FAILED,
    "bad_request": Outcome.REJECTED,
    "internal_error": Outcome.FAILED,
}
MODEL_ERRORS: Mapping[str, Outcome] = {
    "internal_server_error": Outcome.FAILED_UNLESS_TOLD,
    "generation_timeout": Outcome.FAILED_UNLESS_TOLD,
    "downstream_service_error": Outcome.FAILED_UNLESS_TOLD,
    "downstream_service_unavailable": Outcome.FAILED_UNLESS_TOLD,
    "concurrent_requests_limit": Outcome.FAILED,
    "file_download_error": Outcome.FAILED,  # fal says no retry, but a fresh presigned URL is its cure
    "file_too_large": Outcome.REJECTED,
    "audio_duration_too_long": Outcome.REJECTED,
    "audio_duration_too_short": Outcome.REJECTED,
    "unsupported_audio_format": Outcome.REJECTED,
    "unsupported_video_format": Outcome.REJECTED,
    "content_policy_violation": Outcome.REJECTED,
    "no_media_generated": Outcome.REJECTED,
    "feature_not_supported": Outcome.REJECTED,
    "greater_than": Outcome.REJECTED,
    "greater_than_equal": Outcome.REJECTED,
    "less_than": Outcome.REJECTED,
    "less_than_equal": Outcome.REJECTED,
    "multiple_of": Outcome.REJECTED,
    "one_of": Outcome.REJECTED,
    "sequence_too_short": Outcome.REJECTED,
    "sequence_too_long": Outcome.REJECTED,
}
OUTCOMES: Mapping[str, Outcome] = {**REQUEST_ERRORS, **MODEL_ERRORS}
AUDIO_TYPES = frozenset(
    {
        "file_too_large",
        "audio_duration_too_long",
        "audio_duration_too_short",
        "unsupported_audio_format",
        "unsupported_video_format",
        "content_policy_violation",
        "no_media_generated",
    }
)
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
    kind = body.kind or (known.error_type if confirmed and known and isinstance(known.error_type, str) else None)
    text = body.text or (known.error if confirmed and known and isinstance(known.error, str) else "")
    what = f"Request {request_id} ended with HTTP {reply.status}" + (f" {kind}" if kind else "")
    of_the_gateway = reply.status in _GATEWAY_STATUSES and (kind not in OUTCOMES or reply.status == _THROTTLED)
    if not confirmed and (not kind or of_the_gateway):
        return _of_the_read(reply, body, f"The result of request {request_id} was answered HTTP {reply.status}")
    error = _of_the_request(reply, kind, text, what)
    # fal's gateway has no words like a model's details, and answers 4xx with a type for a request's own failure
    # only; a typed 5xx may be the gateway's own.
    certain = confirmed or body.is_model_error or reply.status < _SERVER_ERROR
    return Failure(error, CERTAIN if certain else UNCONFIRMED_LOOKS)


def unreadable_result(reply: Reply, request_id: str) -> Failure:
    """A result that came with 2xx and is no JSON: cut short, or a proxy's page."""
    start = reply.content[:200].decode(errors="replace")
    what = f"The result of request {request_id} cannot be read"
    error = ServiceUnavailableError(sentence(what, start, "It is read again later."), reason="unreadable_result")
    return Failure(error, UNCONFIRMED_LOOKS)


def _of_the_request(reply: Reply, kind: str | None, text: str, what: str) -> NightscribeError:
    reason = kind or f"http_{reply.status}"
    is_transient = reply.status >= _SERVER_ERROR or reply.status in _RETRIED_STATUSES
    default = Outcome.FAILED if is_transient else Outcome.REJECTED
    outcome = OUTCOMES.get(reason, default)
    if outcome is Outcome.FAILED_UNLESS_TOLD:
        outcome = Outcome.REJECTED if _says_no_retry(reply) else Outcome.FAILED
    if reason == "request_timeout" and reply.headers.get("x-fal-request-timeout-type", "").lower() == "user":
        advice = "It had not started by fal.start_timeout_s, unbilled; it may be submitted again."
        return RequestFailedError(sentence(what, text, advice), reason="start_timeout")
    if reason == "file_download_error":
        advice = "It may be submitted again with a fresh URL; if this stays, check that fal can reach the bucket."
        return RequestFailedError(sentence(what, text, advice), reason)
    if outcome is Outcome.FAILED:
        return RequestFailedError(sentence(what, text, "fal's side failed; it may be submitted again."), reason)
    if reply.status == HTTPStatus.NOT_FOUND and not kind:  # the runner has no such path
        advice = "The model does not have this path; check the endpoint id (--model or recipe.model)."
        return ConfigurationError(sentence(what, text, advice), reason="unknown_model")
    advice = "Mend or replace the audio." if reason in AUDIO_TYPES else "Check the audio and the arguments (--arg)."
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
        error = RequestFailedError(sentence(what, body.text, advice), "gpu_error")
    elif "in progress" in text or status < _CLIENT_ERROR:
        advice = "It is read again; nothing is submitted anew."
        error = ServiceUnavailableError(sentence(what, body.text, advice), "still_in_progress")
    elif status >= _SERVER_ERROR or status in _RETRIED_STATUSES:
        kind = ThrottledError if status == _THROTTLED else ServiceUnavailableError
        advice = "It is read again; nothing is submitted anew."
        error = kind(sentence(what, body.text, advice), delay_s=retry_after_s(reply))
    else:
        advice = "Check the audio and the arguments (--arg)."
        error = AudioRejectedError(sentence(what, body.text, advice), f"http_{status}")
    return Failure(error, UNCONFIRMED_LOOKS)


def _says_no_retry(reply: Reply) -> bool:
    values = (reply.headers.get(name, "") for name in ("x-fal-retryable", "x-fal-needs-retry"))
    return any(value.strip().lower() in {"0", "false", "no"} for value in values)
