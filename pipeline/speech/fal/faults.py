"""What fal's answers and httpx's exceptions mean for us, phase by phase, as literal tables. Pure.

The submission differs from all other calls: only what proves that nothing was accepted may be sent again. How a
completed request failed is in failures.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from pipeline.errors import (
    AudioRejectedError,
    BadInputError,
    ConfigurationError,
    NightscribeError,
    ResultExpiredError,
    ServiceUnavailableError,
    ThrottledError,
    UncertainError,
)
from pipeline.speech.fal.account import account_error
from pipeline.speech.fal.failures import AUDIO_TYPES, OUTCOMES, Outcome
from pipeline.speech.fal.wire import ErrorBody, Reply, error_body, platform_text, retry_after_s, retry_hint
from pipeline.speech.fal.wording import sentence

NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
"""No connection came about (DNS and TLS included), so that the backup host may be tried even with a paid POST."""

# When the paid POST raises: every exception of httpx. Nothing was sent only where no connection to fal existed;
# everything else, and every exception that is not in this table, is uncertain.
SUBMIT_EXCEPTIONS: Mapping[type[Exception], type[NightscribeError]] = {
    httpx.ConnectError: ServiceUnavailableError,
    httpx.ConnectTimeout: ServiceUnavailableError,
    httpx.PoolTimeout: ServiceUnavailableError,
    httpx.ProxyError: ServiceUnavailableError,  # the proxy refused the tunnel
    httpx.InvalidURL: ConfigurationError,
    httpx.UnsupportedProtocol: ConfigurationError,
    httpx.ReadError: UncertainError,
    httpx.ReadTimeout: UncertainError,
    httpx.WriteError: UncertainError,
    httpx.WriteTimeout: UncertainError,
    httpx.CloseError: UncertainError,
    httpx.NetworkError: UncertainError,
    httpx.TimeoutException: UncertainError,
    httpx.RemoteProtocolError: UncertainError,
    httpx.LocalProtocolError: UncertainError,
    httpx.ProtocolError: UncertainError,
    httpx.TransportError: UncertainError,
    httpx.DecodingError: UncertainError,
    httpx.TooManyRedirects: UncertainError,
    httpx.RequestError: UncertainError,
    httpx.HTTPStatusError: UncertainError,
    httpx.HTTPError: UncertainError,
    httpx.StreamConsumed: UncertainError,
    httpx.StreamClosed: UncertainError,
    httpx.ResponseNotRead: UncertainError,
    httpx.RequestNotRead: UncertainError,
    httpx.StreamError: UncertainError,
    httpx.CookieConflict: UncertainError,
}

# OSError: TLS alerts in the middle of an answer and asyncio's timeouts come bare.
READ_EXCEPTIONS: tuple[type[Exception], ...] = (*SUBMIT_EXCEPTIONS, OSError)
"""What a look, a result read or a cancellation may raise; all of them can simply be repeated."""


@dataclass(frozen=True)
class Meaning:
    """What a status code means: our error, its stable reason, and what to do about it."""

    error: type[NightscribeError]
    reason: str
    advice: str


_REDIRECTED = Meaning(ConfigurationError, "redirected", "Check fal.queue_url: fal itself never redirects.")
_LOST = Meaning(UncertainError, "submit_reply_lost", "It may have been accepted and billed, so it is not sent again.")
_BUSY = Meaning(ServiceUnavailableError, "service_unavailable", "Nothing was accepted; it is tried again.")

# When the paid POST is answered. 301, 307 and 308 say that nothing was processed; 302 and 303 may follow a success.
# 408 and 499 are also sent by proxies that gave up on a slow upstream. Other 4xx are definite refusals.
SUBMIT_STATUSES: Mapping[int, Meaning] = {
    301: _REDIRECTED,
    307: _REDIRECTED,
    308: _REDIRECTED,
    404: Meaning(ConfigurationError, "unknown_model", "Check the endpoint id (--model or recipe.model)."),
    408: _LOST,
    409: _BUSY,
    425: _BUSY,
    429: Meaning(ThrottledError, "throttled", "Nothing was accepted; it is sent again more slowly."),
    499: _LOST,
}


HISTORY_UNREADABLE = "history_unreadable"
_PASSING_STATUSES = frozenset({408, 425, 429, 499})


def submit_exception(error: BaseException, endpoint_id: str) -> NightscribeError:
    """Our error for an exception of the paid POST; uncertain unless the table says otherwise."""
    ours = next((SUBMIT_EXCEPTIONS[kind] for kind in type(error).__mro__ if kind in SUBMIT_EXCEPTIONS), UncertainError)
    advice = _LOST.advice if ours is UncertainError else "Nothing was sent. Check the network and fal.queue_url."
    return ours(sentence(f"The submission to {endpoint_id} got no answer", _named(error), advice))


def submit_refusal(reply: Reply, endpoint_id: str) -> NightscribeError:
    """Our error for a submission that was answered with anything but 2xx (docs/fal.md sections 1, 5 and 13)."""
    body = error_body(reply)
    what = f"fal answered {_code(reply, body)} to the submission to {endpoint_id}"
    account = account_error(reply.status, body, what)
    if account is not None:
        return account
    meaning = _submit_meaning(reply, body)
    delay_s = retry_after_s(reply) if issubclass(meaning.error, ThrottledError | ServiceUnavailableError) else None
    return meaning.error(sentence(what, body.text, meaning.advice), meaning.reason, delay_s)


def unreadable_submit(reply: Reply, endpoint_id: str) -> UncertainError:
    """A submission that was accepted in words that cannot be read."""
    start = reply.content[:200].decode(errors="replace")
    what = f"fal accepted a submission to {endpoint_id} (HTTP {reply.status}) with an answer that cannot be read"
    return UncertainError(sentence(what, start, _LOST.advice))


def read_exception(error: BaseException, act: str) -> ServiceUnavailableError:
    """Our error when a call that may be repeated got no answer. `act` names call and request."""
    return ServiceUnavailableError(sentence(f"{act} got no answer", _named(error), "It is repeated."))


def read_refusal(reply: Reply, act: str) -> NightscribeError:
    """Our error for a look, a cancellation or a key check that was answered with an error, or unreadably.

    Only the account and a forgotten request end a wait; everything else is worth another look, for the work goes on.
    """
    body = error_body(reply)
    what = f"{act} was answered {_code(reply, body)}"
    account = account_error(reply.status, body, what)
    if account is not None:
        return account
    if reply.status in (404, 410):
        return ResultExpiredError(
            sentence(what, body.text, "fal no longer knows the request; only a new, paid one can replace it.")
        )
    kind = ThrottledError if reply.status == httpx.codes.TOO_MANY_REQUESTS else ServiceUnavailableError
    return kind(sentence(what, body.text, "It is repeated."), delay_s=retry_after_s(reply))


def history_refusal(reply: Reply) -> NightscribeError:
    """Our error when the request history was answered with anything but 2xx (docs/fal.md section 11).

    What passes by itself is worth asking again. A key without the right, or a question that is refused, is not: the
    history cannot tell then, and nothing is guessed.
    """
    text = platform_text(reply)
    if reply.status >= 500 or reply.status in _PASSING_STATUSES:  # noqa: PLR2004  HTTP's class of server errors
        kind = ThrottledError if reply.status == httpx.codes.TOO_MANY_REQUESTS else ServiceUnavailableError
        what = f"fal's request history answered HTTP {reply.status}"
        return kind(sentence(what, text, "It is asked again."), delay_s=retry_after_s(reply))
    return history_unreadable(f"HTTP {reply.status} {text}".rstrip())


def history_unreadable(why: str) -> UncertainError:
    """Our error when the history will not tell what became of a request, however often it is asked."""
    advice = "Look for the request in fal's dashboard; nightscribe retry-failed --allow-rebill submits it anew."
    return UncertainError(sentence("fal's request history cannot tell", why, advice), HISTORY_UNREADABLE)


def _submit_meaning(reply: Reply, body: ErrorBody) -> Meaning:
    status = reply.status
    if status in SUBMIT_STATUSES:
        return SUBMIT_STATUSES[status]
    if 400 <= status <= 499:  # noqa: PLR2004  HTTP's class of client errors
        return _refused(reply, body)
    # A 5xx is definite only in fal's own words for an infrastructure error; a gateway's page says nothing about
    # what happened behind it.
    if 500 <= status <= 599 and body.kind and not body.is_model_error:  # noqa: PLR2004  server errors
        return Meaning(ServiceUnavailableError, body.kind, _BUSY.advice)
    return _LOST


def _refused(reply: Reply, body: ErrorBody) -> Meaning:
    kind = body.kind or f"http_{reply.status}"
    outcome, hint = OUTCOMES.get(kind), retry_hint(reply)
    is_passing = {
        None: hint is True,
        Outcome.FAILED: True,
        Outcome.FAILED_UNLESS_TOLD: hint is not False,
        Outcome.REJECTED: False,
    }
    if is_passing[outcome]:
        return Meaning(ServiceUnavailableError, kind, _BUSY.advice)
    if kind in AUDIO_TYPES:
        return Meaning(AudioRejectedError, kind, "Mend or replace the audio.")
    return Meaning(BadInputError, kind, "Check the recipe's arguments (--arg) against the model's page.")


def _code(reply: Reply, body: ErrorBody) -> str:
    return f"HTTP {reply.status}" + (f" {body.kind}" if body.kind else "")


def _named(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
