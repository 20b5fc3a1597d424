"""FalTranscriber: fal's queue behind the Transcriber interface. Joins client, waiting and models; owns no rule."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

import httpx
from pydantic import JsonValue, SecretStr

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import (
    AccountError,
    NightscribeError,
    ResultExpiredError,
    ServiceUnavailableError,
    ThrottledError,
    UncertainError,
)
from pipeline.meters import Meters
from pipeline.models import Answer, Asked, ListedPrice, PaidRequest, Recipe
from pipeline.redaction import redact_json
from pipeline.settings.records import FalSettings, PollingSettings
from pipeline.speech.base import OnNotice, Recording, Transcriber
from pipeline.speech.fal.addresses import request_urls
from pipeline.speech.fal.client import FalClient
from pipeline.speech.fal.failures import UNCONFIRMED_LOOKS, Failure, result_failure, unreadable_result
from pipeline.speech.fal.history import History
from pipeline.speech.fal.loop import LoopThread
from pipeline.speech.fal.models import make_recipe, model_for
from pipeline.speech.fal.passage import Passage
from pipeline.speech.fal.platform import check_deleted
from pipeline.speech.fal.polling import LearnedSpeed, PollSchedule
from pipeline.speech.fal.price_list import ask_prices
from pipeline.speech.fal.stored import stored_answer
from pipeline.speech.fal.told import Told
from pipeline.speech.fal.uploads import Uploads
from pipeline.speech.fal.waiting import wait_until_completed
from pipeline.speech.fal.wire import Reply, StatusAnswer, number, parse_json

# Completed, and not fetched yet: at most one per slot. The bound is for requests that nobody comes back for.
_REMEMBERED = 4096
_MAX_RESULT_PAUSE_S = 60.0


class FalTranscriber(Transcriber):
    """fal over one event loop thread per process, which starts with the first call and not before a fork."""

    def __init__(
        self,
        settings: FalSettings,
        polling: PollingSettings,
        key: SecretStr,
        user_agent: str,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        meters: Meters | None = None,
    ) -> None:
        self._settings = settings
        self._meters = meters or Meters()
        self._polling = polling
        self._uploads = Uploads(settings, key, user_agent)
        self._make_client: Callable[[], FalClient] = lambda: FalClient(
            settings, key, user_agent, transport, self._meters
        )
        self._lock = threading.Lock()
        self._begin()
        self._speed = LearnedSpeed()
        self._completed: OrderedDict[str, StatusAnswer] = OrderedDict()

    def recipe(self, endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> Recipe:
        """See `Transcriber.recipe`."""
        return make_recipe(endpoint_id, asked, extra)

    def check_key(self) -> None:
        """Asks for a request that cannot exist; free of charge."""
        client, loop = self._here()
        loop.run(client.check_key())

    def upload(self, recording: Recording, *, lifetime_s: int) -> str:
        """See `Transcriber.upload`. In the slot's own thread: it reads and sends, and shares nothing."""
        return self._uploads.upload(recording, lifetime_s=lifetime_s)

    def submit(
        self, recipe: Recipe, audio_url: str, *, store_io: bool = True, webhook_url: str | None = None
    ) -> PaidRequest:
        """Sends the paid POST once. Not cancellable: cutting it would make its outcome unknowable."""
        client, loop = self._here()
        try:
            return loop.run(client.submit(recipe, audio_url, store_io=store_io, webhook_url=webhook_url))
        except Cancelled:
            # Closed before the coroutine began; once it has begun, it answers a close with UncertainError.
            raise ServiceUnavailableError("The process is stopping; nothing was sent to fal.") from None

    def wait(
        self,
        request: PaidRequest,
        *,
        audio_s: float | None,
        cancel: CancellationToken,
        on_notice: OnNotice | None = None,
    ) -> None:
        """Looks at the request until it is completed, and learns from it how long such audio takes."""
        client, loop = self._here()
        client.check_urls(request)
        expected_s = self._speed.expected_s(request.endpoint_id, audio_s)
        passage = Passage(request.endpoint_id, waited_s := _age_s(request))
        told = Told()
        forget = on_notice(told.tell) if on_notice else lambda: None
        try:
            status = loop.run(
                wait_until_completed(
                    lambda: passage.seen(client.status(request)),
                    PollSchedule(self._polling, expected_s, is_called_back=on_notice is not None),
                    request_id=request.request_id,
                    waited_s=waited_s,
                    timeout_s=self._settings.wait_timeout_s,
                    sleep=told.sleep,
                ),
                cancel,
            )
        finally:
            forget()
        if status is None:
            # fal may keep a result longer than its status (docs/fal.md section 7), and this one is paid for.
            return
        self._remember(request.request_id, status)
        passage.tell(self._meters, status)
        if not status.is_failed:
            took_s = status.inference_s if status.inference_s is not None else _age_s(request)
            self._speed.learn(request.endpoint_id, audio_s, took_s)

    def find(
        self, recipe: Recipe, url_hash: str, *, since: datetime, until: datetime | None, exclude: Collection[str]
    ) -> PaidRequest | None:
        """Reads the request history of the recipe's endpoint since then, page by page; see `Transcriber.find`."""
        self._here()
        return self._history.find(recipe.endpoint_id, url_hash, since=since, until=until, exclude=exclude)

    def recognise(self, endpoint_id: str, request_id: str, *, submitted_at: datetime) -> PaidRequest | None:
        """One look at the request, under URLs that are built as for one found in the history."""
        client, loop = self._here()
        urls = request_urls(self._settings.queue_url, endpoint_id, request_id)
        request = PaidRequest(request_id=request_id, endpoint_id=endpoint_id, submitted_at=submitted_at, **urls)
        try:
            loop.run(client.status(request))
        except ResultExpiredError:
            return None
        except Cancelled:
            raise ServiceUnavailableError("The process is stopping; the request is looked for again.") from None
        return request

    def is_over(self, request: PaidRequest) -> bool:
        """See `Transcriber.is_over`."""
        client, loop = self._here()
        try:
            return loop.run(client.status(request)).is_completed
        except ResultExpiredError:
            return True
        except (NightscribeError, Cancelled):
            return False

    def fetch(self, request: PaidRequest, recipe: Recipe) -> Answer:
        """Reads the result; reading is free, so doubtful answers are read again a few times before they count.

        Of a result that the queue has forgotten, the history may still hold a copy.
        """
        client, _ = self._here()
        client.check_urls(request)
        known = self._status_of(request)
        look = 1
        while True:
            outcome = self._read(request, recipe, known)
            if isinstance(outcome, Answer):
                self._forget(request.request_id)
                return outcome
            if look >= outcome.believed_at:
                if isinstance(outcome.error, ResultExpiredError):
                    return self._stored(request, recipe, known, outcome.error)
                raise outcome.error
            pause_s = self._polling.min_s * 2.0 ** (look - 1)
            time.sleep(min(max(pause_s, outcome.error.delay_s or 0.0), _MAX_RESULT_PAUSE_S))
            look += 1

    def cancel(self, request: PaidRequest) -> bool:
        """Asks once; fal may finish and bill a request that already runs (docs/fal.md section 3.5)."""
        client, loop = self._here()
        return loop.run(client.cancel(request))

    def delete_payloads(self, request_id: str) -> None:
        """See `Transcriber.delete_payloads`."""
        client, loop = self._here()
        check_deleted(loop.run(client.delete_payloads(request_id)), request_id)

    def prices(self, endpoint_ids: Sequence[str]) -> list[ListedPrice]:
        """What fal's price list tells of these endpoints. Raises what refuses or prevents the question."""
        client, loop = self._here()
        return loop.run(ask_prices(client.prices, endpoint_ids, datetime.now(UTC).date()))

    def close(self) -> None:
        """Ends connections and the loop thread; calls that still wait raise `Cancelled`."""
        _, loop = self._here()
        loop.close()

    def _here(self) -> tuple[FalClient, LoopThread]:
        with self._lock:
            if self._pid != os.getpid():  # forked: the parent's thread does not exist here, and its sockets are its own
                self._begin()
            return self._client, self._loop

    def _begin(self) -> None:
        self._client = self._make_client()
        self._loop = LoopThread(self._client.aclose)
        self._history = History(self._ask_history, self._settings.queue_url, self._polling.min_s)
        self._pid = os.getpid()

    def _ask_history(self, query: Mapping[str, str]) -> Reply:
        client, loop = self._here()
        return loop.run(client.history(query))

    def _status_of(self, request: PaidRequest) -> StatusAnswer | None:
        with self._lock:
            known = self._completed.get(request.request_id)
        if known is not None:
            return known
        client, loop = self._here()
        try:
            status = loop.run(client.status(request))
        except AccountError:
            raise
        except NightscribeError:
            return None  # the result itself decides
        if status.is_completed:
            self._remember(request.request_id, status)
        return status

    def _read(self, request: PaidRequest, recipe: Recipe, known: StatusAnswer | None) -> Answer | Failure:
        client, loop = self._here()
        try:
            reply = loop.run(client.result(request))
        except (ServiceUnavailableError, ThrottledError) as error:
            return Failure(error, UNCONFIRMED_LOOKS)
        if reply.status != httpx.codes.OK:
            return result_failure(reply, known, request.request_id)
        try:
            # In the slot's own thread: an answer of megabytes must not hold up the looks of all others.
            return _answer(reply, recipe, known)
        except (ValueError, RecursionError):
            return unreadable_result(reply, request.request_id)

    def _stored(
        self, request: PaidRequest, recipe: Recipe, known: StatusAnswer | None, gone: ResultExpiredError
    ) -> Answer:
        """The history's copy; `gone` when it has none. A history that does not answer now is asked again later."""
        try:
            row = self._history.row(request)
        except UncertainError:
            raise gone from None
        outcome = stored_answer(row, recipe, known, request.request_id) if row is not None else None
        if isinstance(outcome, Answer):
            self._forget(request.request_id)
            return outcome
        raise outcome or gone

    def _remember(self, request_id: str, status: StatusAnswer) -> None:
        with self._lock:
            self._completed[request_id] = status
            while len(self._completed) > _REMEMBERED:
                self._completed.popitem(last=False)

    def _forget(self, request_id: str) -> None:
        with self._lock:
            self._completed.pop(request_id, None)


def _answer(reply: Reply, recipe: Recipe, known: StatusAnswer | None) -> Answer:
    raw = redact_json(parse_json(reply.content))
    return Answer(
        transcript=model_for(recipe.endpoint_id).transcript(raw, recipe.arguments),
        raw=raw,
        asked=model_for(recipe.endpoint_id).asked(recipe.arguments),
        inference_s=known.inference_s if known else None,
        billable_units=_units(reply),
    )


def _units(reply: Reply) -> float | None:
    try:
        return number(float(reply.headers.get("x-fal-billable-units", "")))
    except ValueError:
        return None


def _age_s(request: PaidRequest) -> float:
    return max(0.0, (datetime.now(UTC) - request.submitted_at).total_seconds())
