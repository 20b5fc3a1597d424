"""Takes secrets out of foreign text and JSON before anything stores, logs or shows it (I9). Pure.

What counts as a secret: the signature, credential and token parameters of presigned URLs (S3, GCS, Azure), the path of
a file in fal's storage, the password before a URL's host, and fal keys. The rest of a URL stays readable, for it names
the object that a message is about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # help is redacted, too, and pydantic would take half of its time
    from pydantic import JsonValue

REDACTED = "REDACTED"

# `input` in a fal 422 body echoes the presigned audio URL; logs, pages and error texts may carry it escaped, once or
# twice. Its parameters may also come one by one, as headers or JSON: only unmistakable names are looked for there.
_SIGNED_NAME = r"X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)"
_SIGNED_PARAMETER = re.compile(
    rf"(?i)((?:{_SIGNED_NAME}|AWSAccessKeyId|Signature|sig|token)(?:=|%3D|%253D|\\+u003d|&#61;|&#x3d;)"
    rf"|{_SIGNED_NAME}\\*[\"']?\s*:\s*\\*[\"']?)"
    r"[^&\s\"'<>\\#]+"
)
# A file in fal's storage is open to whoever knows its path. The shape is fal's, at whatever host.
_SLASH = r"(?:\\*/|%2F|%252F)"
_FAL_FILE = re.compile(
    rf"(?i)((?::|%3A|%253A){_SLASH}{{2}}(?:[a-z0-9.-]+\.)?fal\.media{_SLASH}"
    rf"|(?::|%3A|%253A){_SLASH}{{2}}[^\s/\\\"'<>%]+{_SLASH}files{_SLASH})(?:\\+/|[^\s\"'<>\\#])+"
)
_SIGNED_FIELD = re.compile(rf"(?i){_SIGNED_NAME}|authorization")
# A number before a slash is a port, and what follows it a path, which may hold an `@`.
_URL_PASSWORD = re.compile(r"(://[^\s/:@\"']*:)(?!\d{1,5}[/\s])[^\s/\"'`<>]+@")
_FAL_KEY = re.compile(r"(?i)\b(Key\s+)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[0-9a-z]{16,}\b")
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:key|bearer)\s+)[^\s'\",}]+")


def redact(text: str) -> str:
    """The same text with every secret replaced by REDACTED."""
    text = _SIGNED_PARAMETER.sub(rf"\1{REDACTED}", text)
    text = _FAL_FILE.sub(rf"\1{REDACTED}", text)
    text = _AUTHORIZATION.sub(rf"\1{REDACTED}", text)
    text = _URL_PASSWORD.sub(rf"\1{REDACTED}@", text)
    return _FAL_KEY.sub(REDACTED, text)


def redact_json(value: JsonValue) -> JsonValue:
    """The same JSON value with `redact` applied to every string, keys included; a secret's own field loses all."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redact_json(item) for item in value]
    if isinstance(value, dict):
        return {
            redact(name): REDACTED if _SIGNED_FIELD.fullmatch(name) else redact_json(item)
            for name, item in value.items()
        }
    return value
