"""Does what the protocol asks for, with real tools. Decides nothing: a line per act, and how Redis is insisted on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import singledispatchmethod
from typing import Any, TypeVar

from pipeline import delivery, logs, tracing
from pipeline.errors import DeadlineReachedError, NightscribeError, ServiceUnavailableError, ThrottledError
from pipeline.models import Answer, Job, ManifestRow, PaidRequest
from pipeline.runs.base import StopOrder
from pipeline.transcribe import acts, results
from pipeline.transcribe.act import Act
from pipeline.transcribe.callbacks import Callbacks
from pipeline.transcribe.intents import IntentBook, Kept, free_at
from pipeline.transcribe.payloads import Payloads
from pipeline.transcribe.preflight import SourceFacts, preflight
from pipeline.transcribe.tools import Tools

T = TypeVar("T")
_REDIS_AGAIN_S = 1.0
_RATE_PATIENCE_S = 3600.0  # the rate limit orders submissions; a place an hour away is still a place


class Performer:
    """One job in one slot. Redis being away costs time and nothing else (I3): what asks it is repeated."""

    def __init__(self, job: Job, tools: Tools) -> None:
        self._job = job
        self._tools = tools
        self._book = IntentBook(tools.storage)
        self._callbacks = Callbacks(job, tools.rules.settings.fal.webhook_url, tools.notices, tools.transcriber)
        self._payloads = Payloads(job, tools.transcriber, tools.unshown, tools.undeleted)
        self._lease: str | None = None
        self._permits: list[str] = []

    def leave(self) -> None:
        """Whatever is still held is not renewed any more."""
        for name in self._permits:
            self._tools.permits.leave(name)
        if self._lease is not None:
            self._tools.leases.forget(self._job.job_id, self._lease)

    def _insist(self, call: Callable[[], T]) -> T:
        while True:
            try:
                return call()
            except ServiceUnavailableError as error:
                logs.get_logger().warning("redis_awaited", message=error.message)
                self._tools.cancel.sleep(_REDIS_AGAIN_S)

    def traced(self, act: Act[Any]) -> Any:
        """Does one act, in a span of its own when it is more than a line or a look at the clock."""
        if isinstance(act, acts.Note | acts.AskTime):
            return self.do(act)
        with tracing.act(act):
            return self.do(act)

    @singledispatchmethod
    def do(self, act: Act[Any]) -> Any:
        """Does one act and returns its answer."""
        raise NotImplementedError(type(act).__name__)

    @do.register
    def _(self, _act: acts.AskOrder) -> StopOrder | None:
        self._tools.cancel.raise_if_cancelled()
        return self._insist(lambda: self._tools.breaker.order(self._job.run_id))

    @do.register
    def _(self, _act: acts.TakeLease) -> str | None:
        self._lease = self._insist(lambda: self._tools.leases.take(self._job))
        return self._lease

    @do.register
    def _(self, _act: acts.IsWanted) -> bool:
        return self._insist(lambda: self._tools.runs.wanted(self._job))

    @do.register
    def _(self, act: acts.HoldsLease) -> bool:
        try:
            return self._tools.leases.holds(self._job.job_id, act.lease)
        except ServiceUnavailableError:
            return True  # S3 decides who writes; a result that was paid for does not wait for Redis

    @do.register
    def _(self, act: acts.ParkLease) -> None:
        self._insist(lambda: self._tools.leases.park(self._job.job_id, act.lease, act.for_s))

    @do.register
    def _(self, act: acts.HandBack) -> None:
        with suppress(ServiceUnavailableError):  # the process is stopping, and the lease runs out by itself
            self._tools.leases.hand_back(self._job, act.lease)

    @do.register
    def _(self, act: acts.Release) -> None:
        self._insist(lambda: self._tools.leases.release(self._job.job_id, act.lease))

    @do.register
    def _(self, act: acts.Settle) -> bool:
        has_settled = self._insist(lambda: self._tools.runs.settle(self._job, act.row, act.lease))
        self._callbacks.settle(act.row)
        return has_settled

    @do.register
    def _(self, act: acts.DropJob) -> None:
        self._insist(lambda: self._tools.runs.drop(self._job, act.lease))

    @do.register
    def _(self, act: acts.StopRun) -> None:
        logs.get_logger().error("run_stopped", reason=act.order.reason, message=act.order.message)
        self._tools.breaker.trip(act.order, self._insist)
        self._tools.cancel.interrupt()  # every slot of this process that waits gives its job back, asking fal no more

    @do.register
    def _(self, act: acts.TakePermit) -> None:
        self._permits.append(act.lease)
        self._insist(lambda: self._tools.permits.take(act.lease))

    @do.register
    def _(self, act: acts.CountInFlight) -> None:
        self._permits.append(act.request.request_id)
        self._insist(lambda: self._tools.permits.count_in_flight(act.request, instead_of=act.lease))
        self._payloads.accepted(act.request)

    @do.register
    def _(self, act: acts.GiveBackPermit) -> None:
        self._tools.permits.give_back(act.name)

    @do.register
    def _(self, _act: acts.TakeTurn) -> None:
        wait_s = self._insist(lambda: self._tools.rate.reserve(_RATE_PATIENCE_S))
        if wait_s is None:
            raise ThrottledError("The submission rate is booked out for an hour; raise limits.submits_per_s.")
        self._tools.cancel.sleep(wait_s)

    @do.register
    def _(self, act: acts.SlowDown) -> None:
        with suppress(ServiceUnavailableError):
            self._tools.permits.slow_down(act.pause_s)

    @do.register
    def _(self, act: acts.Reserve) -> str:
        return self._tools.budget.reserve(self._job.run_id, self._job.job_id, act.amount)

    @do.register
    def _(self, act: acts.SettleCost) -> None:
        if self._job.budgeted:
            self._insist(lambda: self._tools.budget.settle(self._job.run_id, self._job.job_id, act.amount))

    @do.register
    def _(self, act: acts.WithdrawReservation) -> None:
        self._insist(lambda: self._tools.budget.withdraw(self._job.run_id, self._job.job_id, act.ticket))

    @do.register
    def _(self, act: acts.MaySubmit) -> str | None:
        job_id, ticket, tools = self._job.job_id, act.ticket, self._tools
        if order := self._insist(lambda: tools.breaker.order(self._job.run_id)):
            return order.reason
        if not self._insist(lambda: tools.leases.holds(job_id, act.lease) and tools.permits.holds(act.lease)):
            return "lease_lost"
        if ticket and not self._insist(lambda: tools.budget.is_valid(self._job.run_id, job_id, ticket)):
            return "budget_changed"
        if self._job.handling.is_too_late(tools.now()):  # last: the others may have waited for Redis
            return DeadlineReachedError.default_reason
        return None

    @do.register
    def _(self, _act: acts.LookAtSidecar) -> results.Standing:
        return results.look(self._tools.storage, self._job)

    @do.register
    def _(self, _act: acts.ReadIntent) -> Kept | None:
        return self._book.read(self._job)

    @do.register
    def _(self, act: acts.WriteIntent) -> Kept:
        return self._book.write(self._job, act.intent, act.etag)

    @do.register
    def _(self, _act: acts.Probe) -> SourceFacts:
        return preflight(self._job.object, self._tools.storage, self._tools.probe)

    @do.register
    def _(self, _act: acts.SourceIsUnchanged) -> bool:
        head = self._tools.storage.head(self._job.object.bucket, self._job.object.key)
        return head is not None and head.etag == self._job.object.etag

    @do.register
    def _(self, act: acts.WriteSidecar) -> ManifestRow:
        row = results.write(self._tools.storage, self._job, act.sidecar, act.standing)
        logs.get_logger().info("sidecar_written", words=row.words, audio_s=row.duration_s, took_s=row.processing_s)
        return row

    @do.register
    def _(self, act: acts.KeepUnplaced) -> str:
        return results.keep_unplaced(self._tools.storage, self._job, act.sidecar)

    @do.register
    def _(self, _act: acts.Upload) -> delivery.AudioUrl:
        tools = self._tools
        return delivery.uploaded(
            self._job.object,
            storage=tools.storage,
            transcriber=tools.transcriber,
            settings=tools.rules.settings,
            cancel=tools.cancel,
            now=tools.now,
        )

    @do.register
    def _(self, act: acts.Sign) -> acts.SignedUrl:
        tools, job = self._tools, self._job
        made = act.uploaded or delivery.address(
            job.handling,
            job.object,
            act.version_id,
            storage=tools.storage,
            settings=tools.rules.settings,
            now=tools.now(),
        )
        return acts.SignedUrl(made.url, made.expires_at, self._callbacks.draw_token())

    @do.register
    def _(self, act: acts.Post) -> PaidRequest:
        return self._tools.transcriber.submit(
            self._job.recipe,
            act.url.url,
            store_io=self._job.handling.store_io,
            webhook_url=self._callbacks.address(act.url.webhook_token),
        )

    @do.register
    def _(self, act: acts.Find) -> PaidRequest | None:
        intent, settings = act.intent, self._tools.rules.settings
        free = free_at(intent, settings)
        past = {request.request_id for request in intent.past}
        in_history = lambda: self._tools.transcriber.find(  # noqa: E731  Redis is asked when it is called
            self._job.recipe,
            intent.url_hash,
            since=intent.intended_at,
            # Nothing of this intent begins after that, and nothing is waited for longer.
            until=free and free + timedelta(seconds=settings.fal.wait_timeout_s),
            exclude=past | self._payloads.unshown_ids(self._insist),
        )
        # What fal was told not to store is in no history, and reading a long one to its end takes minutes.
        return self._callbacks.find(intent, self._insist, in_history if intent.store_io else lambda: None)

    @do.register
    def _(self, act: acts.Wait) -> None:
        on_notice = self._callbacks.on_notice(act.request, is_called_back=act.is_called_back)
        self._tools.transcriber.wait(act.request, audio_s=act.audio_s, cancel=self._tools.cancel, on_notice=on_notice)

    @do.register
    def _(self, act: acts.Fetch) -> Answer:
        return self._tools.transcriber.fetch(act.request, self._job.recipe)

    @do.register
    def _(self, act: acts.DeletePayloads) -> None:
        self._payloads.delete(act.request_id)

    @do.register
    def _(self, act: acts.Cancel) -> None:
        with suppress(NightscribeError):
            self._tools.transcriber.cancel(act.request)

    @do.register
    def _(self, _act: acts.AskTime) -> Any:
        return self._tools.now()

    @do.register
    def _(self, act: acts.Note) -> None:
        if act.request_id is not None:
            logs.bind_request(act.request_id)
        tracing.event(act.name, request_id=act.request_id, reason=act.reason)
        facts = {"reason": act.reason, "exc_info": act.error}
        write = getattr(logs.get_logger(), act.level)
        write(act.name, **{name: value for name, value in facts.items() if value is not None})
