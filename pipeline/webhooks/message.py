"""What is read of a webhook's body: which request has ended, and nothing else. Pure.

The payload may be megabytes of transcript. It is skipped, not kept: the result is fetched from the queue, as always.
"""

from __future__ import annotations

import json
from typing import Literal

import msgspec

from pipeline.webhooks.signature import RefusedError, Seal


class Told(msgspec.Struct, frozen=True):
    """The two fields that are used; all others are passed over unread (docs/fal.md section 8)."""

    request_id: str
    status: Literal["OK", "ERROR"]


_DECODER = msgspec.json.Decoder(Told)


def read_told(body: bytes, seal: Seal) -> Told:
    """What a body says whose signature has been checked.

    Raises `RefusedError`: `malformed`, or `other_request` when it speaks of another request than its seal.
    """
    try:
        told = _decoded(body)
    except (ValueError, RecursionError):
        raise RefusedError("malformed") from None
    if told.request_id != seal.request_id:
        raise RefusedError("other_request")
    return told


def _decoded(body: bytes) -> Told:
    try:
        return _DECODER.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Python's own JSON, which fal's models speak, knows NaN and Infinity; a transcript may have them for times.
        return msgspec.convert(json.loads(body), Told)
