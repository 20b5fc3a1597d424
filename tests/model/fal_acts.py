"""The acts on fal: the paid POST and what becomes of it, as far as a worker can see."""

from __future__ import annotations

from collections.abc import Iterator

from model.acting import AWAY, CANCELLED, NONE, Asked, Reply
from model.words import NEVER, OUTLIVES_URLS, Answer, IntentFacts, ours
from model.world import (
    COUNTED,
    CUT,
    DONE,
    EXCUSED,
    FAILED,
    FORGOTTEN,
    IN_FLIGHT,
    NEVER_BEGINS,
    ON_ITS_WAY,
    QUEUED,
    REJECTED,
    RUNNING,
    SENT,
    SENT_LONG_AGO,
    Laws,
    Request,
)

_OUTCOMES: dict[str, Answer] = {
    DONE: ("transcript",),
    FAILED: ("raise", "RequestFailed"),
    NEVER_BEGINS: ("raise", "RequestFailed"),
    CUT: ("raise", "RequestFailed"),
    FORGOTTEN: ("raise", "ResultExpired"),
    REJECTED: ("raise", "Rejected"),
}


def can_open(signed_at: int, now: int, laws: Laws) -> bool:
    """Whether fal can open a URL."""
    return now == signed_at or now < OUTLIVES_URLS or not laws.urls_expire or signed_at == NEVER


def broken_by_acceptance(intent: IntentFacts | None, request: Request) -> str:
    """What is wrong when fal accepts a request that can be billed: it must be the one that S3 tells of."""
    if request.phase == QUEUED and (intent is None or intent.state != "intended" or intent.url != request.url):
        return "fal accepts a request that can be billed, and S3 does not tell of it"
    return ""


def post(asked: Asked) -> Iterator[Reply]:
    _, url, signed_at = asked.place.op
    opens = can_open(signed_at, asked.world.now, asked.desk.laws)
    permit = COUNTED
    if asked.desk.bounds.permits is not None:
        token = asked.place.token
        permit = token if ("lease", token) in asked.job.permits else EXCUSED
    accepted = Request(url, QUEUED if opens else NEVER_BEGINS, is_shown=False, permit=permit)
    broken = broken_by_acceptance(asked.desk.words.intent_facts[asked.job.intent], accepted)
    if asked.desk.words.is_too_late(asked.place.job, asked.world.now):
        broken = "a request is submitted after the deadline"
    number = len(asked.job.requests)
    yield Reply(("request", number, "reply"), asked.after_request(accepted), broken=broken)
    on_its_way = accepted._replace(phase=SENT if opens else SENT_LONG_AGO)
    yield Reply(("raise", "ReplyLost"), asked.after_request(on_its_way), "lost")
    yield Reply(("raise", "Throttled"), asked.world, "refused")
    yield Reply(("raise", "Account"), asked.world, "account")


def find(asked: Asked) -> Iterator[Reply]:
    _, url, exclude = asked.place.op
    there = [
        (number, request)
        for number, request in enumerate(asked.job.requests)
        if request.url == url
        and number not in exclude
        and request.phase not in ON_ITS_WAY
        and asked.desk.bounds.stores_io
    ]
    for number, _ in there:
        yield Reply(("request", number, "history"), asked.world)
    if not any(request.is_shown and asked.desk.laws.history_is_complete for _, request in there):
        yield Reply(NONE, asked.world)
    yield Reply(("raise", "Unreadable"), asked.world, "unreadable")
    yield Reply(AWAY, asked.world, "away")


def wait(asked: Asked) -> Iterator[Reply]:
    if asked.job.requests[asked.place.op[1]].phase not in IN_FLIGHT:
        yield Reply(NONE, asked.world)
    yield Reply(CANCELLED, asked.world, "cancel")
    yield Reply(AWAY, asked.world, "away")


def fetch(asked: Asked) -> Iterator[Reply]:
    number = asked.place.op[1]
    phase = asked.job.requests[number].phase
    yield Reply(_OUTCOMES[phase], asked.world)
    if phase == DONE and asked.desk.bounds.is_second:
        yield Reply(("doubtful",), asked.world)
    if phase == DONE:
        yield Reply(_OUTCOMES[FORGOTTEN], asked.after_phase(number, FORGOTTEN), "forgotten")
        yield Reply(_OUTCOMES[REJECTED], asked.after_phase(number, REJECTED), "rejected")
    yield Reply(AWAY, asked.world, "away")


def delete_payloads(asked: Asked) -> Iterator[Reply]:
    """Best effort: the worker is not told. A result whose copies are deleted cannot be fetched again."""
    number = asked.place.op[1]
    after = {DONE: FORGOTTEN}.get(asked.job.requests[number].phase)
    broken = "" if ours(asked.job.sidecar) else "payloads are deleted before the sidecar is safe"
    yield Reply(NONE, asked.after_phase(number, after) if after else asked.world, broken=broken)
    yield Reply(NONE, asked.world, "away")


def cancel(asked: Asked) -> Iterator[Reply]:
    number = asked.place.op[1]
    phase = asked.job.requests[number].phase
    intent = asked.desk.words.intent_facts[asked.job.intent]
    is_awaited = phase in IN_FLIGHT and intent and intent.request and intent.request[0] == number
    after = {QUEUED: NEVER_BEGINS, RUNNING: CUT}.get(phase, phase)
    broken = "a request that is waited for is cancelled" if is_awaited else ""
    yield Reply(NONE, asked.after_phase(number, after), broken=broken)


ACTS = {"Post": post, "Find": find, "Wait": wait, "Fetch": fetch, "DeletePayloads": delete_payloads, "Cancel": cancel}
