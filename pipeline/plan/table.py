"""The truth table of the plan: what is seen of an object, and what each mode does about it. Nothing else decides."""

from __future__ import annotations

from enum import StrEnum

from pipeline.models import SkipReason
from pipeline.plan.standing import Standing


class Mode(StrEnum):
    """Which column of the table applies."""

    INCREMENTAL = "incremental"
    RETRY_FAILED = "retry-failed"
    REBILL = "retry-failed --allow-rebill"
    UPGRADE = "upgrade"
    FORCE = "force"


JOB = None
"""The verdict that the object is transcribed."""
_NOT = SkipReason.NOT_FAILED
_OLD = SkipReason.FAILED_BEFORE
_OTHER = SkipReason.OTHER_RECIPE

_ROWS: dict[Standing, tuple[SkipReason | None, ...]] = {
    # what is seen                  incremental  retry  --allow-rebill  --upgrade  --force
    Standing.NEW: (JOB, _NOT, _NOT, JOB, JOB),
    Standing.CHANGED: (JOB, _NOT, _NOT, JOB, JOB),
    Standing.SIDECAR_MISSING: (JOB, _NOT, _NOT, JOB, JOB),
    Standing.PENDING: (JOB, _NOT, _NOT, JOB, JOB),
    Standing.CURRENT: (SkipReason.CURRENT, SkipReason.CURRENT, SkipReason.CURRENT, SkipReason.CURRENT, JOB),
    Standing.OTHER_RECIPE: (_OTHER, _OTHER, _OTHER, JOB, JOB),
    Standing.FAILED_FOR_GOOD: (_OLD, JOB, JOB, _OLD, JOB),
    Standing.FAILED_OTHERWISE: (JOB, JOB, JOB, JOB, JOB),
    Standing.FAILED_IN_PASSING: (JOB, JOB, JOB, JOB, JOB),
    Standing.STALE: (JOB, JOB, JOB, JOB, JOB),
    Standing.UNCERTAIN: (JOB, JOB, JOB, JOB, JOB),
    Standing.RESULT_EXPIRED: (_OLD, _OLD, JOB, _OLD, JOB),
    Standing.OVER_CEILING: (JOB, JOB, JOB, JOB, JOB),
    # Nothing is transcribed, whatever was asked for.
    Standing.DONE_BY_THIS_RUN: (SkipReason.CURRENT,) * 5,
    Standing.FAULT_REPORTED: (_OLD,) * 5,
    Standing.EXCLUDED: (SkipReason.EXCLUDED,) * 5,
    Standing.KEY_TOO_LONG: (SkipReason.KEY_TOO_LONG,) * 5,
    Standing.EMPTY_OBJECT: (SkipReason.EMPTY_OBJECT,) * 5,
    Standing.TOO_LARGE: (SkipReason.TOO_LARGE,) * 5,
    Standing.FOREIGN_SIDECAR: (SkipReason.FOREIGN_SIDECAR,) * 5,
    Standing.GONE: (SkipReason.GONE,) * 5,
}

COLUMNS: dict[Mode, dict[Standing, SkipReason | None]] = {
    mode: {standing: verdicts[number] for standing, verdicts in _ROWS.items()} for number, mode in enumerate(Mode)
}
"""By mode and standing the verdict: why the object is skipped, or `JOB`."""
