"""Reads messages about objects, in the three shapes in which a store's events reach a queue. Pure.

    S3 event notification    {"Records": [{"eventName": "ObjectCreated:Put", "s3": {...}}]}     keys are url-encoded
    EventBridge              {"source": "aws.s3", "detail-type": "Object Created", ...}         keys are not
    either one through SNS   {"Type": "Notification", "Message": "<one of them as text>"}

Other stores write S3's shape (MinIO, Ceph), some with `s3:` before the name of the event.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_plus

_ENVELOPES = 2  # EventBridge through SNS is one; what is deeper nobody sends
_CREATED = "ObjectCreated:"
_REMOVED = ("ObjectRemoved:", "LifecycleExpiration:")


class Happened(StrEnum):
    """What happened to an object, as far as it matters here."""

    CREATED = "created"
    REMOVED = "removed"
    OTHER = "other"
    """Tags, restores, moves between storage classes: nothing to transcribe."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one object."""

    happened: Happened
    bucket: str
    key: str
    sequencer: str = ""
    """Hex digits that grow with every change of this key; empty where a store tells none."""
    etag: str = ""
    version_id: str = ""


class UnreadableMessageError(Exception):
    """A message that tells of no object; its text says why. Control flow for the listener, not a failure."""


def events_of(body: str) -> list[Event]:
    """All that a message tells; empty for S3's own test of a new notification.

    Raises `UnreadableMessageError` for everything else.
    """
    told = _opened(body)
    if told.get("Event") == "s3:TestEvent":
        return []
    if isinstance(told.get("Records"), list) and told["Records"]:
        return [_of_record(record) for record in told["Records"]]
    if told.get("source") == "aws.s3" and isinstance(told.get("detail"), dict):
        return [_of_bridge(told)]
    raise UnreadableMessageError("it is JSON, but no event of S3")


def is_newer(event: Event, than: Event) -> bool:
    """Whether an event of the same key happened after another one, or may have: without sequencers the last one counts.

    A sequencer is a number whose last digits are missing where they are zero.
    """
    if not event.sequencer or not than.sequencer:
        return True
    width = max(len(event.sequencer), len(than.sequencer))
    ours, theirs = (one.sequencer.upper().ljust(width, "0") for one in (event, than))
    return ours > theirs


def _opened(body: str) -> dict[str, Any]:
    """The event out of its envelopes."""
    text: Any = body
    for _ in range(_ENVELOPES + 1):
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            raise UnreadableMessageError("it is no JSON") from None
        if not isinstance(told, dict):
            raise UnreadableMessageError("it is JSON, but no object")
        if told.get("Type") != "Notification" or not isinstance(told.get("Message"), str):
            return told
        text = told["Message"]
    raise UnreadableMessageError("it is an envelope in an envelope")


def _of_record(record: Any) -> Event:
    try:
        about = record["s3"]
        raw = about["object"]
        key = unquote_plus(_text(raw["key"]), errors="strict")
        name = _text(record["eventName"]).removeprefix("s3:")
        bucket = _text(about["bucket"]["name"])
    except (KeyError, TypeError):
        raise UnreadableMessageError("a record names no event, bucket or key") from None
    except UnicodeDecodeError:
        raise UnreadableMessageError("a key in it is not UTF-8") from None
    happened = Happened.OTHER
    if name.startswith(_CREATED):
        happened = Happened.CREATED
    elif name.startswith(_REMOVED):
        happened = Happened.REMOVED
    return Event(happened, bucket, key, *_state(raw, "sequencer", "eTag", "versionId"))


def _of_bridge(told: dict[str, Any]) -> Event:
    detail = told["detail"]
    try:
        raw, bucket = detail["object"], _text(detail["bucket"]["name"])
        key = _text(raw["key"])
    except (KeyError, TypeError):
        raise UnreadableMessageError("its detail names no bucket or key") from None
    kinds = {"Object Created": Happened.CREATED, "Object Deleted": Happened.REMOVED}
    happened = kinds.get(str(told.get("detail-type")), Happened.OTHER)
    return Event(happened, bucket, key, *_state(raw, "sequencer", "etag", "version-id"))


def _state(raw: dict[str, Any], *fields: str) -> list[str]:
    return [str(raw.get(name) or "") for name in fields]


def _text(value: Any) -> str:
    """The same, as text. Raises `TypeError`, as an index into the wrong thing does; JSON may hold halves of letters."""
    if not isinstance(value, str) or not value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise TypeError
    return value
