"""What refusals of fal's platform API mean, about prices and the deletion of payloads (docs/fal.md section 11). Pure.

Questions to its history have meanings of their own (`faults.py`), for money hangs on those.
"""

from __future__ import annotations

from http import HTTPStatus

from pipeline.errors import ConfigurationError, NightscribeError, ServiceUnavailableError, ThrottledError
from pipeline.speech.fal.account import account_error
from pipeline.speech.fal.wire import ErrorBody, Reply, platform_text, retry_after_s
from pipeline.speech.fal.wording import sentence

_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


def platform_refusal(reply: Reply, act: str) -> NightscribeError:
    """Our error for an answer that is not 2xx."""
    text = platform_text(reply)
    what = f"{act} was answered HTTP {reply.status}"
    if account := account_error(reply.status, ErrorBody(text=text), what):
        return account
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return ThrottledError(sentence(what, text, "Try again later."), delay_s=retry_after_s(reply))
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServiceUnavailableError(sentence(what, text, "Try again later."), delay_s=retry_after_s(reply))
    return ConfigurationError(sentence(what, text, "Check fal.platform_url."), "platform_refused")


def check_deleted(reply: Reply, request_id: str) -> None:
    """Raises what kept the payloads of a request from being deleted; what is not there needs no deletion."""
    if not reply.is_success and reply.status not in _GONE:
        raise platform_refusal(reply, f"The deletion of the payloads of request {request_id}")
