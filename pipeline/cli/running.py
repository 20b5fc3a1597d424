"""Carrying a run over one archive to its end, however it ends: what `backfill` and `nightly` share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.cancellation import CancellationToken
from pipeline.cli.again import same_command
from pipeline.cli.archive_run import ArchiveRun
from pipeline.cli.ceilings import stopped
from pipeline.cli.counts import Counts
from pipeline.cli.deadlines import stopped_by_time
from pipeline.cli.progress import make_progress
from pipeline.cli.session import Session
from pipeline.cli.wishes import Wish, now
from pipeline.errors import AccountError, BudgetReachedError, DeadlineReachedError
from pipeline.limits.base import Ceiling


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that is over, or has stopped."""

    run: ArchiveRun
    finished_at: datetime
    error: Exception | None = None
    """What ended it, in the words for people where it is one of ours; `Cancelled` after a signal."""


def carry_through(session: Session, wish: Wish, cancel: CancellationToken) -> EndedRun:
    """Runs over an archive, with its progress on standard error. Raises `KeyboardInterrupt` and nothing else."""
    run = ArchiveRun(session, wish, cancel)
    try:
        with make_progress(session.settings.run.progress_every_s, run.counts) as progress:
            for event in run.events():
                progress.show(event)
    except Exception as error:  # noqa: BLE001  whatever it is, the next archive is not harmed by it; the caller says it
        return EndedRun(run, now(), _for_people(run, error))
    return EndedRun(run, now())


def _for_people(run: ArchiveRun, error: Exception) -> Exception:
    """The error with what a person needs to know; the others say it themselves."""
    wish, deadline = run.wish, run.wish.handling.submit_before
    if isinstance(error, AccountError):
        message = (
            f"The run was stopped, for fal refuses the account: {error.message} What was accepted is kept. When that "
            "is mended, run the same command again: it goes on where it stopped."
        )
        return AccountError(message, error.reason)
    if isinstance(error, BudgetReachedError):
        use, ceiling = run.counts.budget, wish.ceiling or Ceiling()
        return BudgetReachedError(stopped(run.outcome, use, ceiling, wish.price, wish.second_price), error.reason)
    if isinstance(error, DeadlineReachedError) and deadline is not None:
        return DeadlineReachedError(stopped_by_time(run.outcome, deadline, wish.price), error.reason)
    return error


def interrupted(counts: Counts) -> str:
    """What is said after a signal."""
    return (
        f"Stopped: nothing more is enqueued. {counts.outstanding} jobs are queued or in work; workers go on with them "
        "and nothing is lost or paid twice.\n"
        f"To go on, run the same command again: {same_command()}"
    )
