"""Rows and pages of fal's request history as documented, with canaries where its secrets are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

AUDIO = "https://bucket.s3.test/a.mp3?X-Amz-Date=1&X-Amz-Signature=canarysignature"
OTHER = "https://bucket.s3.test/b.mp3?X-Amz-Signature=canaryother"
ID = "aaaaaaaa-1111-4222-8333-444444444444"


BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
"""When the request that is looked for was submitted."""


def at(**by):
    """That long after `BEGAN`, as fal writes a time."""
    return (BEGAN + timedelta(**by)).isoformat().replace("+00:00", "Z")


def row(request_id=ID, url=AUDIO, **changes):
    """A row of the history as documented; None takes a field away."""
    fields = {
        "request_id": request_id,
        "endpoint_id": "fal-ai/whisper",
        "sent_at": at(minutes=1),
        "started_at": at(minutes=1),
        "ended_at": at(minutes=2),
        "status_code": 200,
        "duration": 60.0,
        "json_input": {"audio_url": url, "task": "transcribe"},
        "json_output": {"text": "a transcript with canary words"},
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def blank(request_id="bbbb", **changes):
    """A row whose input is not stored."""
    return row(request_id, json_input=None, json_output=None, **changes)


def page(*rows, cursor=None):
    """A page of the history, with more behind it when there is a cursor."""
    return {"items": list(rows), "next_cursor": cursor, "has_more": cursor is not None}
