"""The names of the live state's keys in Redis, and how its records become text and back. Pure: talks to no server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import ConfigurationError
from pipeline.models import Job, ManifestRow, Progress
from pipeline.runs.base import StopOrder, WorkerSummary

PARKED = "parked"
"""The value of a parked lease; no holder's value, for each of those has a colon."""

Kept = TypeVar("Kept")


class RunKeys(NamedTuple):
    """All keys of one run; deleting these forgets it."""

    jobs: str
    """Hash: job id -> outstanding job. Bounded by the queue's high-water mark."""
    started: str
    """Set: ids of the outstanding jobs that a worker has once taken."""
    rows: str
    """List: settled rows, oldest first."""
    taken: str
    """String: the token of the last removal of rows."""


class ArchiveKeys(NamedTuple):
    """Where an archive's unfinished run is noted."""

    dispatcher: str
    """String, expiring: the token of the dispatcher that is alive."""
    open_archives: str
    record: str
    """Hash: an `OpenRun`; for a day after its end only a `token` that is nobody's."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Builds every key of runs and leases."""

    prefix: str

    def run(self, run_id: str) -> RunKeys:
        """The keys of one run."""
        return RunKeys(*(f"{self.prefix}run:{run_id}:{part}" for part in RunKeys._fields))

    def archive(self, archive_id: str) -> ArchiveKeys:
        """The keys that tell of an archive's unfinished run."""
        record = f"{self.prefix}archive:{archive_id}"
        return ArchiveKeys(f"{record}:dispatcher", self.open_archives, record)

    @property
    def open_archives(self) -> str:
        """Set: ids of the archives with an unfinished run."""
        return f"{self.prefix}archives"

    def stop(self, account: str) -> str:
        """String: the stop order of an account."""
        return f"{self.prefix}{account}:stop"

    @property
    def workers(self) -> str:
        """Set: names of workers, also of some that are gone."""
        return f"{self.prefix}workers"

    def worker(self, name: str) -> str:
        """String, expiring: a worker's sign of life."""
        return f"{self.prefix}worker:{name}"

    @property
    def told(self) -> str:
        """Set: ids of the archives whose runs have told of their progress, also of some that are forgotten."""
        return f"{self.prefix}told"

    def progress(self, archive_id: str) -> str:
        """String, expiring: how far the newest run of an archive is."""
        return f"{self.prefix}progress:{archive_id}"

    @property
    def recovery(self) -> str:
        """String, expiring: somebody looks for stalled jobs."""
        return f"{self.prefix}recovery"

    def lease(self, job_id: str) -> str:
        """String, expiring: who works on a job, by which acquisition; or that it is parked."""
        return f"{self.prefix}lease:{job_id}"

    def noticed(self, request_id: str) -> str:
        """String, expiring: the token under which a webhook has told of a request first."""
        return f"{self.prefix}noticed:{request_id}"

    def notices(self, token: str) -> str:
        """List, expiring: the notices that came under a token."""
        return f"{self.prefix}notices:{token}"

    @property
    def unshown(self) -> str:
        """List, short: ids of requests that fal's history shows without their input."""
        return f"{self.prefix}unshown"

    def meters(self, account: str) -> str:
        """Hash: what all workers of an account have counted, since the server was last emptied."""
        return f"{self.prefix}{account}:meters"

    @property
    def news(self) -> str:
        """Stream, short: ids of the requests that webhooks have told of, for workers that listen."""
        return f"{self.prefix}news"


@dataclass(frozen=True, slots=True)
class OpenRun:
    """The record of an archive's unfinished run, field by field as its hash holds it."""

    run_id: str
    recipe_hash: str
    archive_uri: str
    endpoint_id: str
    token: str
    """Of the dispatcher that opened it last."""


class Codec(Generic[Kept]):
    """Writes one kind of record as JSON and reads it back."""

    def __init__(self, kind: type[Kept]) -> None:
        self._name = kind.__name__
        self._adapter = TypeAdapter(kind)

    def encode(self, record: Kept) -> str:
        """The record as JSON text."""
        return self._adapter.dump_json(record).decode()

    def decode(self, text: str | bytes) -> Kept:
        """The record again. Raises `ConfigurationError` on one that another version wrote."""
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            raise ConfigurationError(
                f"Redis holds a {self._name} that this version of Nightscribe cannot read. Run one version on all "
                "machines; or delete the keys under redis.key_prefix, and the next run finds its results in S3."
            ) from error


JOBS = Codec(Job)
ROWS = Codec(ManifestRow)
STOP_ORDERS = Codec(StopOrder)
WORKERS = Codec(WorkerSummary)
PROGRESS = Codec(Progress)
