"""The performance of a protocol: hands its acts to the performer one by one, and counts what was done."""

from __future__ import annotations

import time
from typing import Any, TypeVar

from pipeline.models import Job
from pipeline.transcribe.act import Protocol
from pipeline.transcribe.metering import count_act, count_outcome
from pipeline.transcribe.performer import Performer
from pipeline.transcribe.tools import Tools

T = TypeVar("T")


def perform(protocol: Protocol[T], job: Job, tools: Tools) -> T:
    """Performs a protocol to its end and returns its outcome. Raises `Cancelled` when the process is told to stop."""
    performer = Performer(job, tools)
    answer: Any = None
    error: Exception | None = None
    try:
        while True:
            try:
                act = protocol.send(answer) if error is None else protocol.throw(error)
            except StopIteration as end:
                outcome: T = end.value
                count_outcome(tools.meters, outcome)
                return outcome
            answer, error, began = None, None, time.monotonic()
            try:
                answer = performer.traced(act)
            except Exception as raised:  # noqa: BLE001  whatever it is, it is the protocol that decides on it
                error = raised
            else:
                count_act(tools.meters, job, act, answer, time.monotonic() - began)
    finally:
        performer.leave()
