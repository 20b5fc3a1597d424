"""What a job's acts add to the meters of this process. Looks on from beside the performer, and changes nothing."""

from __future__ import annotations

from typing import Any

from pipeline.meters import (
    PERMIT_WAIT_S,
    PUT_OFFS,
    RATE_WAIT_S,
    SETTLED,
    SETTLED_AUDIO_S,
    SETTLED_USD,
    SLOW_DOWNS,
    Meters,
)
from pipeline.models import Job, ManifestRow, State
from pipeline.transcribe import acts
from pipeline.transcribe.act import Act
from pipeline.transcribe.protocol import Later


def count_act(meters: Meters, job: Job, act: Act[Any], answer: Any, took_s: float) -> None:
    """Counts an act that was done. A wait that was broken off is none; a row that was handed in before is no news."""
    match act:
        case acts.TakePermit():
            meters.observe(PERMIT_WAIT_S, took_s)
        case acts.TakeTurn():
            meters.observe(RATE_WAIT_S, took_s)
        case acts.SlowDown():
            meters.count(SLOW_DOWNS)
        case acts.Settle(row=row) if answer:
            _count_row(meters, job, row)
        case _:
            pass


def count_outcome(meters: Meters, outcome: object) -> None:
    """Counts a job that is put off."""
    if isinstance(outcome, Later):
        meters.count(PUT_OFFS, outcome.failure.reason)


def _count_row(meters: Meters, job: Job, row: ManifestRow) -> None:
    model = job.recipe.endpoint_id
    meters.count(SETTLED, model, row.state.value, row.reason or "")
    if row.state is State.DONE:
        meters.count(SETTLED_AUDIO_S, model, by=row.duration_s or 0.0)
    if row.cost_usd is not None:  # not known is not nothing
        meters.count(SETTLED_USD, model, by=row.cost_usd)
