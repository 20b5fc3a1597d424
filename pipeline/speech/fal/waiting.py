"""The wait for one request: looks at it until fal calls it completed, whatever single looks bring.

A webhook only makes the next look come at once. It never ends the wait: a copy, a forgery or a lie costs a few looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from pipeline.errors import ResultExpiredError, ServiceUnavailableError, TransientError
from pipeline.speech.fal.failures import NOT_FOUND_LOOKS
from pipeline.speech.fal.polling import PollSchedule
from pipeline.speech.fal.wire import StatusAnswer
from pipeline.speech.fal.wording import sentence

RESUME_GRACE_S = 60.0
"""A request resumed after its deadline is still looked at for this long: one lost look must not give it up."""


async def wait_until_completed(
    look: Callable[[], Awaitable[StatusAnswer]],
    schedule: PollSchedule,
    *,
    request_id: str,
    waited_s: float,
    timeout_s: float,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> StatusAnswer | None:
    """Returns the completed status, or None when fal no longer knows the request.

    `waited_s` is the age of the request now; `timeout_s` bounds its age. Looks that raise a `TransientError` are
    repeated until then; then `ServiceUnavailableError`. Other errors end the wait. At least one look is always made.
    `sleep` returns something true when it was ended early by a notice that the request is over.
    """
    started = clock()
    give_up_s = max(timeout_s, waited_s + min(RESUME_GRACE_S, timeout_s))
    failures = misses = 0
    unconfirmed: int | None = None
    said = ""
    delay_s = schedule.first_s(waited_s)
    while True:
        if await sleep(min(delay_s, max(0.0, give_up_s - _age(waited_s, started, clock)))):
            unconfirmed = 0
        is_last = _age(waited_s, started, clock) >= give_up_s
        asked_s = 0.0
        try:
            answer = await look()
        except ResultExpiredError:
            misses += 1
            if misses >= NOT_FOUND_LOOKS or is_last:
                return None
        except TransientError as error:
            failures += 1
            asked_s = error.delay_s or 0.0
            said = error.message
        else:
            if answer.is_completed:
                return answer
            failures = misses = 0  # any state that is not COMPLETED, known or new, means: still waiting
            said = f"its status is {answer.status}"
        if is_last:
            raise ServiceUnavailableError(
                sentence(
                    f"Request {request_id} was not completed {give_up_s:.0f} s after its submission",
                    said,
                    "It goes on at fal and is looked at again; nothing is submitted anew.",
                ),
                reason="wait_timeout",
            )
        age_s = _age(waited_s, started, clock)
        delay_s = schedule.after_failures_s(age_s, failures) if failures or misses else schedule.delay_s(age_s)
        if unconfirmed is not None:
            delay_s = min(delay_s, schedule.after_notice_s(age_s, unconfirmed))
            unconfirmed += 1
        delay_s = max(delay_s, asked_s)


def _age(waited_s: float, started: float, clock: Callable[[], float]) -> float:
    return waited_s + clock() - started
