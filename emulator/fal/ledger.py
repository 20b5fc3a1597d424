"""The books: every call, every accepted request, every bill. Tests judge the pipeline by them."""

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emulator.fal.request import FalRequest, audio_path_of, bare_url


@dataclass(frozen=True)
class Bill:
    """One charged request. fal charges every request that succeeded, collected or not (docs/fal.md section 12)."""

    request_id: str
    endpoint_id: str
    audio_url: str
    """Without query: no secret."""
    audio_path: str
    billed_at: str
    billable_units: float
    """In the model's own unit: seconds or minutes of audio."""
    seconds: float
    """How long the request was in progress."""


@dataclass(frozen=True)
class Refusal:
    """One call that was answered 401, 402 or 403."""

    at: str
    stage: str
    status_code: int
    audio_path: str
    """Empty where the call names no audio, or was refused before it was read."""


@dataclass(frozen=True)
class CallBack:
    """One webhook that was sent."""

    request_id: str
    audio_path: str
    status_code: int | None
    """What it was answered; None when it got no answer."""


class Ledger:
    """Counts and rows since the start or the last reset; with a file, rows are appended to it as JSON lines too."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.clear()

    def clear(self) -> None:
        """Forgets everything but the file."""
        self.calls: Counter[str] = Counter()
        self.accepted: list[FalRequest] = []
        self.bills: list[Bill] = []
        self.call_backs: list[CallBack] = []
        self.forget_refusals()

    def forget_refusals(self) -> None:
        """Begins to count anew what is called after the first refusal."""
        self.refusals: list[Refusal] = []
        self.calls_after_refusal: Counter[str] = Counter()

    def call(self, stage: str) -> None:
        """Counts a call as it comes in."""
        self.calls[stage] += 1
        if self.refusals:
            self.calls_after_refusal[stage] += 1

    def refuse(self, stage: str, status_code: int, audio_path: str = "") -> None:
        """Notes that a call was answered 401, 402 or 403: fal refuses the account."""
        self.refusals.append(Refusal(iso(time.time()), stage, status_code, audio_path))

    def accept(self, request: FalRequest) -> None:
        """Records that fal has taken a request, whether or not the caller learns of it."""
        self.accepted.append(request)
        self._append("accepted", accepted_row(request))

    def called_back(self, request: FalRequest, status_code: int | None) -> None:
        """Records a webhook, as it was answered."""
        self.call_backs.append(CallBack(request.request_id, audio_path_of(request.audio_url), status_code))

    def complete(self, request: FalRequest) -> None:
        """Bills a completed request if it succeeded."""
        outcome = request.outcome
        if outcome is None or not outcome.is_success or request.ended_at is None:
            return
        bill = Bill(
            request_id=request.request_id,
            endpoint_id=request.endpoint_id,
            audio_url=bare_url(request.audio_url),
            audio_path=audio_path_of(request.audio_url),
            billed_at=iso(request.ended_at),
            billable_units=outcome.billable_units,
            seconds=round(request.ended_at - (request.started_at or request.ended_at), 3),
        )
        self.bills.append(bill)
        self._append("billed", asdict(bill))

    def _append(self, event: str, row: dict[str, Any]) -> None:
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"event": event, **row}) + "\n")


def accepted_row(request: FalRequest) -> dict[str, Any]:
    """An accepted request as the ledger shows it, with its state at this moment and without secrets."""
    return {
        "request_id": request.request_id,
        "endpoint_id": request.endpoint_id,
        "owner": request.owner,
        "audio_url": bare_url(request.audio_url),
        "audio_path": audio_path_of(request.audio_url),
        "sent_at": iso(request.sent_at),
        "ended_at": iso(request.ended_at) if request.ended_at else None,
        "state": request.state.value,
        "status_code": request.outcome.status_code if request.outcome else None,
        "error_type": request.outcome.error_type if request.outcome else None,
        "payloads_deleted": request.are_payloads_deleted,
    }


def iso(epoch_s: float) -> str:
    """A time as ISO 8601 in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat()
