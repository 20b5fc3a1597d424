"""A request and its outcome, as the emulated fal holds them. Plain records: no queueing, no HTTP."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

LOG_MESSAGE = "nightscribe emulator: not fal.ai, nothing is billed"


class State(StrEnum):
    """The three states a request can be in; there is no failed or cancelled one (docs/fal.md section 3.2)."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True)
class Outcome:
    """What the runner or the platform answered; the result route replays it (docs/fal.md section 3.4)."""

    status_code: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    """Human text, shown in the COMPLETED status of a failed request."""
    error_type: str | None = None
    billable_units: float = 0.0
    """In the model's own unit: seconds or minutes of audio (docs/fal.md section 14)."""

    @property
    def is_success(self) -> bool:
        """True when the model answered, which is what fal bills (docs/fal.md section 12)."""
        return self.error is None


@dataclass(eq=False)
class FalRequest:
    """One accepted submission. Times are seconds since the epoch; only the queue changes it."""

    request_id: str
    endpoint_id: str
    app_id: str
    owner: str
    """The account: a fingerprint of the key, never the key."""
    arguments: Any
    sent_at: float
    ticket: int = 0
    """Order of arrival; a request that goes back to the queue keeps it."""
    start_timeout_s: float | None = None
    stores_io: bool = True
    webhook_url: str | None = None
    """Whom to call when it ends; names a token of the caller's, so it is shown nowhere."""
    are_payloads_deleted: bool = False
    """The owner has had input and output deleted."""
    state: State = State.IN_QUEUE
    started_at: float | None = None
    ended_at: float | None = None
    outcome: Outcome | None = None

    @property
    def audio_url(self) -> str:
        """The audio_url argument as sent, secrets included; empty when there is none."""
        return audio_url_of(self.arguments)


def audio_url_of(arguments: Any) -> str:
    """The audio_url of a submitted body; empty when the body has none."""
    url = arguments.get("audio_url") if isinstance(arguments, dict) else None
    return url if isinstance(url, str) else ""


def bare_url(url: str) -> str:
    """The URL without query, fragment and user info, where secrets are. A data URI loses its data."""
    parts = _parts(url)
    if parts.scheme == "data":
        return "data:"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else parts.path


def audio_path_of(url: str) -> str:
    """The URL's path, percent-decoded: for S3 "/bucket/key"."""
    parts = _parts(url)
    return "" if parts.scheme == "data" else unquote(parts.path)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # Not a URL at all: the runner will say so, the books go on.
        return urlsplit("")
