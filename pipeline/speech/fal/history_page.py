"""A page of fal's request history, read with tolerance (docs/fal.md section 11). Judges nothing; pure.

What cannot be read is None, never a guess: whoever looks for a request must see that a row could have been it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import JsonValue

from pipeline.speech.fal.wire import number, parse_json

# The documented name first; fal's search calls its list `results`.
_LISTS = ("items", "results", "requests", "data")
# What fal's ids are made of, and what can stand in a URL path without a second meaning.
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class Row:
    """One request. Payloads are not shown: they hold presigned URLs and transcripts."""

    request_id: str | None
    sent_at: datetime | None
    ended_at: datetime | None
    status_code: int | None
    """Of the result; None while there is none."""
    duration_s: float | None
    """How long it was processed."""
    audio_url: str | None = field(repr=False)
    """As it was submitted, the secret included; None when its input is not stored."""
    output: JsonValue = field(repr=False)
    """The stored answer or error body; None when none is stored."""

    @property
    def is_over(self) -> bool:
        """Whether the request has ended, well or badly."""
        return self.ended_at is not None or self.status_code is not None


@dataclass(frozen=True)
class Page:
    """Some rows, in no order that could be relied on."""

    rows: tuple[Row, ...]
    next_cursor: str | None
    """Where the next page begins; None at the end."""


def parse_page(body: JsonValue, limit: int) -> Page | None:
    """The page in an answer to a question for at most `limit` rows; None when its shape is not understood."""
    envelope = body if isinstance(body, dict) else {"items": body}
    items = next((value for name in _LISTS if isinstance(value := envelope.get(name), list)), None)
    if items is None or not all(isinstance(item, dict) for item in items):
        return None
    rows = tuple(_row(item) for item in items if isinstance(item, dict))
    has_more, cursor = envelope.get("has_more"), envelope.get("next_cursor")
    if has_more is False:
        return Page(rows, None)
    if isinstance(cursor, str | int) and not isinstance(cursor, bool) and cursor != "":
        return Page(rows, str(cursor))
    # No way on. That is the end only where nothing says, or lets fear, that there is more.
    return None if has_more or len(rows) >= limit else Page(rows, None)


def _row(item: dict[str, JsonValue]) -> Row:
    request_id = item.get("request_id")
    code = number(item.get("status_code"))
    sent = _json_value(item.get("json_input"))
    audio_url = sent.get("audio_url") if isinstance(sent, dict) else None
    return Row(
        request_id=request_id if isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id) else None,
        sent_at=_moment(item.get("sent_at")),
        ended_at=_moment(item.get("ended_at")),
        status_code=int(code) if code is not None else None,
        duration_s=number(item.get("duration")),
        audio_url=audio_url if isinstance(audio_url, str) else None,
        output=_json_value(item.get("json_output")),
    )


def _json_value(value: JsonValue) -> JsonValue:
    """The value itself, or what it says when it is JSON within JSON."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value.encode())
    except ValueError:
        return value


def _moment(value: JsonValue) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None
