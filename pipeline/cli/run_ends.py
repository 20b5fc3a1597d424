"""How a run ended, as a record for those who are told of it; and the exit code of a night over several archives."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.cancellation import Cancelled
from pipeline.cli.running import EndedRun, interrupted
from pipeline.cli.summary import manifest_uri
from pipeline.errors import (
    EXIT_ACCOUNT,
    EXIT_BUDGET,
    EXIT_DEADLINE,
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_RUN_ACTIVE,
    EXIT_SOME_FAILED,
    EXIT_USAGE,
    BudgetReachedError,
    DeadlineReachedError,
    NightscribeError,
)
from pipeline.models import Ending, RunEnd, State
from pipeline.redaction import redact

_BY_SERIOUSNESS = (
    EXIT_DONE,
    EXIT_SOME_FAILED,  # an object wants a look
    EXIT_RUN_ACTIVE,  # somebody else does the work
    EXIT_DEADLINE,  # the next night goes on by itself
    EXIT_BUDGET,  # so it does here, at a price
    EXIT_USAGE,  # nothing goes on before a person acts, for this archive
    EXIT_ACCOUNT,  # for none
    EXIT_INTERRUPTED,
)


def most_serious(codes: Iterable[int]) -> int:
    """The exit code of a night whose archives ended with these; 0 of none."""
    return max(codes, key=_BY_SERIOUSNESS.index, default=EXIT_DONE)


def run_end_of(ended: EndedRun) -> RunEnd:
    """The end of a run."""
    run, counts, outcome = ended.run, ended.run.counts, ended.run.outcome
    written = outcome.manifest
    left = outcome.shortfall.left
    under_way = counts.enqueued + counts.seconds - counts.settled
    return RunEnd(
        archive=run.wish.archive,
        output=run.wish.output,
        run_id=outcome.run_id,
        ending=_ending(ended),
        exit_code=_exit_code(ended),
        message=_message(ended),
        started_at=run.started_at,
        finished_at=ended.finished_at,
        done=counts.done,
        failed=counts.failed + counts.failed_in_plan,
        uncertain=counts.uncertain,
        # Of what its time or its ceiling has left, that which has failed before is not pending.
        left=max(written.totals.by_state.get(State.PENDING.value, 0), left) if written else max(0, under_way),
        skipped=counts.skipped,
        gone=counts.gone,
        suspect=counts.still_suspect,
        by_reason=dict(counts.by_reason),
        audio_s=counts.audio_s,
        cost_usd=counts.cost_usd,
        cost_unknown=counts.cost_unknown,
        troubles=tuple(run.telling.troubles) if run.telling else (),
        manifest_uri=manifest_uri(written.output, written.archive, written.run_id) if written else None,
        report_uri=outcome.report_uri,
    )


def _ending(ended: EndedRun) -> Ending:
    match ended.error:
        case None:
            return Ending.FAILED if ended.run.counts.has_failures else Ending.DONE
        case BudgetReachedError():
            return Ending.BUDGET
        case DeadlineReachedError():
            return Ending.DEADLINE
        case _:
            return Ending.STOPPED


def _exit_code(ended: EndedRun) -> int:
    match ended.error:
        case None:
            return EXIT_SOME_FAILED if ended.run.counts.has_failures else EXIT_DONE
        case Cancelled():
            return EXIT_INTERRUPTED
        case NightscribeError() as error:
            return error.exit_code
        case _:
            return EXIT_SOME_FAILED


def _message(ended: EndedRun) -> str:
    match ended.error:
        case None:
            return ""
        case Cancelled():
            return interrupted(ended.run.counts)
        case NightscribeError() as error:
            return redact(error.message)
        case error:
            return (
                f"Nightscribe itself failed ({type(error).__name__}). Nothing that was paid for is lost; the next run "
                "goes on where this one stopped. Please report the log lines."
            )
