"""The one task: carries a job through the stage and does what the stage's answer says. No rules of its own."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from celery import Task
from celery.exceptions import Reject

from pipeline import logs
from pipeline.cancellation import Cancelled
from pipeline.errors import AccountError, ConfigurationError, NightscribeError, ServiceUnavailableError
from pipeline.models import Job, State
from pipeline.queue.celery import TASK_NAME
from pipeline.runs.base import StopOrder
from pipeline.transcribe import IntentBook, Later, Settled, transcribe
from workers.app import app
from workers.lifecycle import Worker, this_worker

# A retried message may reach a slot this much later than its countdown; until then the job is not "stalled".
_PARK_MARGIN_S = 60.0


class EpisodeFailedError(Exception):
    """Shows a failed episode as failed in Flower, with its reason. The row has been handed in already."""


class EpisodePutOffError(Exception):
    """Shows a retry as a retry in Flower, with its reason."""


@app.task(name=TASK_NAME, bind=True, max_retries=None, throws=(EpisodeFailedError,))
def transcribe_episode(self: Task, payload: dict[str, Any]) -> str:
    """Works on one job. Returns a line for Flower; raises what Celery understands."""
    job = Job.model_validate(payload)
    worker = this_worker()
    with logs.bound_to(job, worker.name):
        try:
            return _work(self, job, worker)
        except Cancelled:
            logs.get_logger().info("job_handed_over")
            raise Reject(requeue=True) from None
        finally:
            logs.forget_request()


def _work(task: Task, job: Job, worker: Worker) -> str:
    worker.cancel.raise_if_cancelled()
    runs, leases = worker.parts.runs, worker.parts.leases
    if worker.insist(runs.stop_order):
        worker.insist(lambda: runs.drop(job))
        raise Reject("the run was stopped", requeue=False)
    with worker.holding(job) as is_ours:
        if not is_ours:
            # A second message for a job that another slot works on; that one settles it.
            logs.get_logger().info("job_held_elsewhere")
            return "held by another worker"
        try:
            outcome = transcribe(job, worker.parts.tools, deferrals=task.request.retries)
        except Cancelled:
            with suppress(ServiceUnavailableError):  # the lease then runs out by itself
                leases.hand_back(job)
            raise
        except (AccountError, ConfigurationError) as error:
            _stop_the_run(job, worker, error)
            raise Reject(f"{error.reason}: {error.message}", requeue=False) from None
        if isinstance(outcome, Later):
            worker.insist(lambda: leases.park(job.job_id, outcome.delay_s + _PARK_MARGIN_S))
            reason = EpisodePutOffError(f"{outcome.failure.reason}: {outcome.failure.message}")
            raise task.retry(
                countdown=outcome.delay_s,
                exc=reason,
                # Celery makes the message anew, and would put the whole job where a person reads s3://bucket/key.
                argsrepr=task.request.argsrepr,
                kwargsrepr=task.request.kwargsrepr,
            )
        return _settle(job, worker, outcome)


def _settle(job: Job, worker: Worker, outcome: Settled) -> str:
    worker.insist(lambda: worker.parts.runs.settle(job, outcome.row))
    if not outcome.keep_intent:
        try:
            IntentBook(worker.parts.tools.storage).delete(job)
        except NightscribeError as error:
            # The sidecar is there, so an intent that stays behind does no harm.
            logs.get_logger().warning("intent_not_deleted", message=error.message)
    worker.insist(lambda: worker.parts.leases.release(job.job_id))
    row = outcome.row
    if row.state is not State.DONE:
        raise EpisodeFailedError(f"{row.state}, {row.reason}: {row.message}")
    return f"{row.words} words of {row.duration_s or 0:.0f} s audio, request {row.request_id}"


def _stop_the_run(job: Job, worker: Worker, error: AccountError | ConfigurationError) -> None:
    logs.get_logger().error("run_stopped", reason=error.reason, message=error.message)
    order = StopOrder(error.reason, error.message, by_account=isinstance(error, AccountError))
    worker.insist(lambda: worker.parts.runs.stop(order))
    worker.insist(lambda: worker.parts.runs.drop(job))
    worker.insist(lambda: worker.parts.leases.release(job.job_id))
