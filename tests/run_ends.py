"""The end of a run, as a test needs it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from builders import NOW, OUTPUT

from pipeline.models import Ending, RunEnd


def run_end(ending: Ending = Ending.DONE, **changes: Any) -> RunEnd:
    fields: dict[str, Any] = {
        "archive": OUTPUT,
        "output": OUTPUT,
        "run_id": "20261122T021500Z-1a2b3c",
        "ending": ending,
        "exit_code": 0,
        "started_at": NOW,
        "finished_at": NOW + timedelta(hours=2),
        "done": 1234,
    }
    return RunEnd(**fields | changes)
