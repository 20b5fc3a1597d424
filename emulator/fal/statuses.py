"""The status object, as polled, as streamed and as answered to a submit (docs/fal.md section 3.2)."""

from typing import Any

from emulator.fal.ledger import iso
from emulator.fal.queue import FalQueue
from emulator.fal.request import LOG_MESSAGE, FalRequest, State

LOGS_ON = frozenset({"1", "true", "True"})  # The official clients write it in four ways.


def status_of(request: FalRequest, queue: FalQueue, base_url: str, *, logs: bool) -> dict[str, Any]:
    """The status of a request at this moment. `base_url` has no trailing slash."""
    url = f"{base_url}/{request.app_id}/requests/{request.request_id}"
    status: dict[str, Any] = {
        "status": request.state.value,
        "request_id": request.request_id,
        "response_url": url,
        "status_url": f"{url}/status",
        "cancel_url": f"{url}/cancel",
    }
    if request.state is State.IN_QUEUE:
        return status | {"queue_position": queue.position(request)}
    status["logs"] = log_lines(request) if logs else None
    outcome = request.outcome
    if outcome is None or request.ended_at is None:
        return status
    if request.started_at is not None:
        status["metrics"] = {"inference_time": round(request.ended_at - request.started_at, 3)}
    if outcome.error is not None:
        status["error"] = outcome.error
    if outcome.error_type is not None:
        status["error_type"] = outcome.error_type
    return status


def log_lines(request: FalRequest) -> list[dict[str, str]]:
    """The runner's log: one line that says what this is."""
    at = iso(request.started_at or request.sent_at)
    return [{"message": LOG_MESSAGE, "level": "INFO", "source": "USER", "timestamp": at}]
