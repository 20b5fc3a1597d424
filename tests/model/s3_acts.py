"""The acts on S3, the worker's own clock among them: every write is conditional, and an ETag is one of the content."""

from __future__ import annotations

from collections.abc import Iterator

from model.acting import AWAY, NO, NONE, YES, Asked, Reply
from model.words import NEVER, STRANGERS, ours
from model.world import fresh


def ask_time(asked: Asked) -> Iterator[Reply]:
    yield Reply(("time", asked.world.now), asked.world)


def sign(asked: Asked) -> Iterator[Reply]:
    if uploaded := asked.place.op[1:]:
        yield Reply(("signed", *uploaded), asked.world)
        return
    made_at = NEVER if asked.desk.bounds.delivery == "public" else asked.world.now
    yield Reply(("signed", _fresh_url(asked), made_at), asked.world)


def upload(asked: Asked) -> Iterator[Reply]:
    yield Reply(("uploaded", _fresh_url(asked), asked.world.now), asked.world)
    yield Reply(AWAY, asked.world, "s3")


def _fresh_url(asked: Asked) -> int:
    known = {request.url for request in asked.job.requests}.union(*(place.urls for place in asked.places()))
    if facts := asked.desk.words.intent_facts[asked.job.intent]:
        known.add(facts.url)
    return fresh(known)


def look_at_sidecar(asked: Asked) -> Iterator[Reply]:
    there = asked.job.sidecar
    yield Reply(("raise", "Foreign") if there == STRANGERS else ("standing", there), asked.world)
    yield Reply(AWAY, asked.world, "s3")


def read_intent(asked: Asked) -> Iterator[Reply]:
    yield Reply(("kept", asked.job.intent) if asked.job.intent else NONE, asked.world)
    yield Reply(AWAY, asked.world, "s3")


def write_intent(asked: Asked) -> Iterator[Reply]:
    _, intent, seen = asked.place.op
    facts, laws = asked.desk.words.intent_facts[intent], asked.desk.laws
    if not laws.intents_are_kept and facts and facts.state == "withdrawn":
        yield Reply(("kept", intent), asked.after(intent=0))
        return
    if asked.job.intent == seen or not laws.conditions_hold:
        written = asked.after(intent=intent)
        yield Reply(("kept", intent), written)
        yield Reply(AWAY, written, "s3")
    else:
        yield Reply(("raise", "Precondition"), asked.world)
    yield Reply(AWAY, asked.world, "s3")


def source_is_unchanged(asked: Asked) -> Iterator[Reply]:
    yield Reply(YES, asked.world)
    yield Reply(NO, asked.world, "stale")
    yield Reply(AWAY, asked.world, "s3")


def write_sidecar(asked: Asked) -> Iterator[Reply]:
    _, request, seen = asked.place.op
    there, mine = asked.job.sidecar, request + 1
    if there == seen or not asked.desk.laws.conditions_hold:
        written = asked.after(sidecar=mine)
        broken = "" if there == seen else "a file that had not been seen was overwritten"
        yield Reply(("row", mine), written, broken=broken)
        yield Reply(AWAY, written, "s3")
    else:
        yield Reply(("row", there) if ours(there) else ("raise", "Foreign"), asked.world)
    yield Reply(AWAY, asked.world, "s3")


ACTS = {
    "AskTime": ask_time,
    "Sign": sign,
    "Upload": upload,
    "LookAtSidecar": look_at_sidecar,
    "ReadIntent": read_intent,
    "WriteIntent": write_intent,
    "SourceIsUnchanged": source_is_unchanged,
    "WriteSidecar": write_sidecar,
}
