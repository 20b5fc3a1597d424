"""Runs and leases: what dispatchers and workers tell each other while a run lasts.

Liveness only (I3): all of it can be lost at any moment. What must survive is in S3 (intents, sidecars, manifest
segments), and a run that finds this state empty plans again and finds its results there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.models import Job, ManifestRow, Progress


@dataclass(frozen=True, slots=True)
class RunTicket:
    """The right to dispatch a run. `resumed` is True when an unfinished run is continued under its old id."""

    archive_id: str
    run_id: str
    recipe_hash: str
    token: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run that is open, for `nightscribe status`."""

    run_id: str
    archive_uri: str
    endpoint_id: str
    outstanding: int
    settled_unread: int
    dispatcher_alive: bool


@dataclass(frozen=True, slots=True)
class AtWork:
    """A job that a worker holds: waiting for a permit, at fal, or being written."""

    uri: str
    """Of its object; of a long one the end, for a sign of life is sent every second."""
    since_epoch_s: float
    """When the worker took it, in seconds since 1970, by the worker's clock."""


@dataclass(frozen=True, slots=True)
class WorkerSummary:
    """A worker that showed itself lately."""

    name: str
    slots: int
    busy: int
    is_stuck: bool = False
    """It lives but takes no jobs from the queue any more."""
    at_work: tuple[AtWork, ...] = ()
    """What it has held longest, a few of all, oldest first. Workers of an earlier version do not tell."""
    software: str = ""
    """Its name and version, as in sidecars; empty of workers that do not tell."""


@dataclass(frozen=True, slots=True)
class StopOrder:
    """Why no worker may submit anything now; the next run clears it. Or nothing of one run, whose next start does."""

    reason: str
    message: str
    by_account: bool = True
    """Whether fal refuses the account; otherwise something is configured wrongly that every job would meet."""
    run_id: str = ""
    """The run whose jobs would meet it; empty: all of them."""

    def stops(self, run_id: str) -> bool:
        """Whether it is about that run."""
        return self.run_id in {"", run_id}


class Runs(ABC):
    """The dispatcher's side, and the rows that workers hand in. Raises `ServiceUnavailableError`."""

    @abstractmethod
    def open(
        self,
        archive_id: str,
        recipe_hash: str,
        *,
        new_run_id: str,
        archive_uri: str,
        endpoint_id: str,
        unfinished_run_id: str | None = None,
    ) -> RunTicket:
        """Becomes the one dispatcher of an archive, continuing its unfinished run of the same recipe if any.

        `unfinished_run_id` is the run of this recipe that S3 shows as unfinished: it is continued when the server
        knows no run of the archive, for instance after a wipe. Clears a stop order that an earlier run left, unless it
        is about another run alone that is still open: its jobs may be in the queue. Raises `RunActiveError`, naming
        the run, while another dispatcher's heartbeat is fresh.
        """

    @abstractmethod
    def beat(self, ticket: RunTicket) -> bool:
        """Renews the dispatcher's heartbeat; False when the run has been taken by another dispatcher."""

    @abstractmethod
    def close(self, ticket: RunTicket, *, finished: bool) -> None:
        """Ends dispatching. A finished run is forgotten; an unfinished one can be continued by `open`."""

    @abstractmethod
    def add(self, run_id: str, jobs: Sequence[Job]) -> None:
        """Notes jobs as outstanding. Must happen before their messages are sent, so that none is lost unseen."""

    @abstractmethod
    def outstanding(self, run_id: str) -> int:
        """How many jobs of the run are not settled."""

    @abstractmethod
    def known(self, run_id: str, job_ids: Sequence[str]) -> set[str]:
        """Which of these jobs are outstanding already: a resumed run does not send them again."""

    @abstractmethod
    def wanted(self, job: Job) -> bool:
        """Whether the job is outstanding in its run. A worker refuses the message of one that is not."""

    @abstractmethod
    def claim_recovery(self, for_s: float) -> bool:
        """Whether the caller is the one that looks for stalled jobs now; nobody else is for the next `for_s`."""

    @abstractmethod
    def stalled(self, run_id: str, *, queue_is_empty: bool) -> list[Job]:
        """Outstanding jobs that nobody works on any more.

        A job that was started and has no lease (its worker died); with an empty queue also one that was never
        started and has no lease (its message was lost). What is returned counts as not started any more, for it is
        about to be sent again. A false alarm is harmless: leases and intents make a second message a no-op.
        """

    @abstractmethod
    def settle(self, job: Job, row: ManifestRow, token: str | None = None) -> bool:
        """Hands in the final row of a job (worker). False when the job was not outstanding: a repeat.

        With the token of a lease it is False, too, when another worker has taken the job since; it carries the job on.
        """

    @abstractmethod
    def drop(self, job: Job, token: str | None = None) -> None:
        """Forgets an outstanding job without a row: it was given up unsubmitted and stays to be planned again.

        Does nothing when it is held by anybody but the holder of this token, who carries it on.
        """

    @abstractmethod
    def rows(self, run_id: str, start: int, limit: int) -> list[ManifestRow]:
        """Settled rows that were not yet taken, oldest first, from number `start`; reading does not remove them."""

    @abstractmethod
    def take(self, run_id: str, count: int) -> None:
        """Removes that many of the oldest rows, once they are safe in S3."""

    @abstractmethod
    def stop(self, order: StopOrder) -> None:
        """Orders all workers to submit nothing more, in place of any order before."""

    @abstractmethod
    def stop_order(self) -> StopOrder | None:
        """The order in force, if any."""

    @abstractmethod
    def show_worker(self, worker: WorkerSummary) -> None:
        """A worker's sign of life; expires by itself after `worker.lease_s`."""

    @abstractmethod
    def workers(self) -> list[WorkerSummary]:
        """The workers that are alive."""

    @abstractmethod
    def show_progress(self, ticket: RunTicket, progress: Progress) -> None:
        """Tells watchers how far the run is, in place of what was told of its archive before. Forgotten in a day."""

    @abstractmethod
    def progress(self) -> list[Progress]:
        """How far the newest run of each archive is, or was when it ended; by run id, the newest last."""

    @abstractmethod
    def summaries(self) -> list[RunSummary]:
        """All open runs."""


class Leases(ABC):
    """The worker's side: who works on which job. Each lease expires unless it is renewed.

    Leases are fenced: each acquisition has a token of its own, and whoever comes back from a long sleep with an old one
    changes nothing. A job that is parked is free to take. Raises `ServiceUnavailableError`.
    """

    @abstractmethod
    def acquire(self, job: Job) -> str | None:
        """Takes the job and marks it as started; returns the token of this acquisition.

        None when it is held, be it by this worker: a process keeps its own list of the jobs that it holds.
        """

    @abstractmethod
    def holds(self, job_id: str, token: str) -> bool:
        """Whether the job is still held under this token."""

    @abstractmethod
    def holder(self, job_id: str) -> str | None:
        """The name of the worker that holds the job; None when it is free or parked."""

    @abstractmethod
    def renew(self, held: Mapping[str, str]) -> set[str]:
        """Renews leases (job id to token) in one step; returns the ids of those that are no longer held."""

    @abstractmethod
    def park(self, job_id: str, token: str, for_s: float) -> None:
        """Gives the job up for another worker or a later retry; for `for_s` it does not count as stalled.

        A lease that has run out is parked too; one that another holds stays as it is.
        """

    @abstractmethod
    def hand_back(self, job: Job, token: str) -> None:
        """Ends the lease on a job whose message goes back to the queue: it counts as not started.

        Another holder's lease, and its mark, stay as they are.
        """

    @abstractmethod
    def release(self, job_id: str, token: str) -> None:
        """Ends the lease on a settled job; no error when it is not held."""
