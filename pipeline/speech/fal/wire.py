"""What fal says, read with tolerance: extra fields are ignored and missing ones expected (docs/fal.md section 3).

Reads only; what an answer means for us is decided in faults.py and failures.py.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pipeline.redaction import redact

MAX_RETRY_AFTER_S = 600.0  # a header that asks for more is more likely wrong than meant
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SHOWN_DETAILS = 3


@dataclass(frozen=True)
class Reply:
    """An HTTP answer that was read to its end; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status <= 299  # noqa: PLR2004  the definition of success in HTTP


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SubmitAnswer(_Wire):
    """The answer to an accepted submission. The URLs are followed, never rebuilt (docs/fal.md section 2)."""

    request_id: str = Field(min_length=1)
    status_url: str = Field(min_length=1)
    response_url: str = Field(min_length=1)
    cancel_url: str = Field(min_length=1)


class StatusAnswer(_Wire):
    """The answer to a look. Only `status` is required: fal adds states, and old apps leave fields out."""

    status: str
    metrics: JsonValue = None
    error: JsonValue = None
    error_type: JsonValue = None

    @property
    def is_completed(self) -> bool:
        """Whether the request has ended, well or badly; fal has no word for failed."""
        return self.status == "COMPLETED"

    @property
    def is_failed(self) -> bool:
        """Whether the request is said to have ended badly."""
        return self.is_completed and bool(self.error or self.error_type)

    @property
    def inference_s(self) -> float | None:
        """The processing time as fal measured it, seconds."""
        return number(self.metrics.get("inference_time")) if isinstance(self.metrics, dict) else None


@dataclass(frozen=True)
class ErrorBody:
    """A body that explains a refusal. `text` is for people and not yet redacted."""

    kind: str | None = None
    """fal's machine word, which becomes the reason in rows and logs: redacted, for it is whatever came."""
    text: str = ""
    is_model_error: bool = False
    """The model's own form, a list of details, which fal's gateway never uses for itself."""
    is_garbled: bool = False
    """Whether there is a body that is no JSON object: one that was cut, a proxy's page."""


def error_body(reply: Reply) -> ErrorBody:
    """Reads all forms that docs/fal.md section 5 lists. The echoed `input` (a presigned URL) is left out."""
    body = _json_or_none(reply.content)
    header = redact(reply.headers.get("x-fal-error-type", "")) or None
    if not isinstance(body, dict):
        return ErrorBody(header, is_garbled=bool(reply.content.strip()))
    detail = body.get("detail")
    if isinstance(detail, list):
        entries = [entry for entry in detail if isinstance(entry, dict)]
        kinds = [redact(kind) for entry in entries if isinstance(kind := entry.get("type"), str)]
        text = "; ".join(_detail(entry) for entry in entries[:_SHOWN_DETAILS])
        return ErrorBody(kinds[0] if kinds else header, text, is_model_error=bool(kinds))
    kind = body.get("error_type")
    text = detail if isinstance(detail, str) else str(body.get("status") or "")
    return ErrorBody(redact(kind) if isinstance(kind, str) and kind else header, text)


def platform_text(reply: Reply) -> str:
    """What the platform API says of a refusal, in its own form or the queue's; for people and not yet redacted."""
    body = _json_or_none(reply.content)
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return " ".join(part for name in ("type", "message") if isinstance(part := error.get(name), str))
    return error_body(reply).text


def retry_after_s(reply: Reply) -> float | None:
    """How long `Retry-After` asks to wait: seconds or an HTTP date; None when absent or senseless."""
    value = reply.headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S) if math.isfinite(seconds) else None


def retry_hint(reply: Reply) -> bool | None:
    """Whether fal says that trying again makes sense, under either name of its header; None when it does not say."""
    values = {reply.headers.get(name, "").strip().lower() for name in ("x-fal-retryable", "x-fal-needs-retry")}
    if values & {"0", "false", "no"}:
        return False
    return True if values & {"1", "true", "yes"} else None


def parse_json(content: bytes) -> JsonValue:
    """Reads JSON that can be written again: NaN becomes null, and half characters become U+FFFD.

    Raises ValueError for anything else than JSON.
    """
    try:
        value: JsonValue = json.loads(content, parse_constant=lambda _: None)
        return _mended(value) if _LONE_SURROGATE.search(content) else value
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def parse_submit(reply: Reply) -> SubmitAnswer | None:
    """The answer of an accepted submission, or None when it cannot be read."""
    try:
        return SubmitAnswer.model_validate(_json_or_none(reply.content))
    except ValidationError:
        return None


def parse_status(reply: Reply) -> StatusAnswer | None:
    """The answer to a look, or None when it cannot be read."""
    try:
        return StatusAnswer.model_validate(_json_or_none(reply.content))
    except ValidationError:
        return None


def number(value: JsonValue) -> float | None:
    """A finite number, or None for everything else, truth values included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _json_or_none(content: bytes) -> JsonValue:
    try:
        return parse_json(content)
    except ValueError:
        return None


def _detail(entry: dict[str, JsonValue]) -> str:
    place = entry.get("loc")
    where = ".".join(str(part) for part in place) if isinstance(place, list) else ""
    message = entry.get("msg")
    what = message if isinstance(message, str) else ""
    return f"{where}: {what}" if where and what else where or what


def _mended(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {str(_mended(name)): _mended(item) for name, item in value.items()}
    return value
