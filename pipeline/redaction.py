"""Takes secrets out of foreign text and JSON before anything stores, logs or shows it (I9). Pure.

What counts as a secret: the signature, credential and token parameters of presigned URLs (S3, GCS, Azure), and
fal keys. The rest of a URL stays readable, for it names the object that a message is about.
"""

from __future__ import annotations

import re

from pydantic import JsonValue

REDACTED = "REDACTED"

# `input` in a fal 422 body echoes the presigned audio URL; logs and error texts may carry it percent-encoded.
_SIGNED_PARAMETER = re.compile(
    r"(?i)((?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Signature|sig|token)(?:=|%3D))"
    r"[^&\s\"'<>\\#]+"
)
_FAL_KEY = re.compile(r"(?i)\b(Key\s+)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[0-9a-z]{16,}\b")
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:key|bearer)\s+)[^\s'\",}]+")


def redact(text: str) -> str:
    """The same text with every secret replaced by REDACTED."""
    text = _SIGNED_PARAMETER.sub(rf"\1{REDACTED}", text)
    text = _AUTHORIZATION.sub(rf"\1{REDACTED}", text)
    return _FAL_KEY.sub(REDACTED, text)


def redact_json(value: JsonValue) -> JsonValue:
    """The same JSON value with `redact` applied to every string, keys included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redact_json(item) for item in value]
    if isinstance(value, dict):
        return {redact(name): redact_json(item) for name, item in value.items()}
    return value
