"""Runs in Redis or Valkey.

Every act is one command, one transaction or one Lua script, so that a process may die anywhere. Acts that a client
repeats after a lost reply do no harm. Which keys there are, `records.Keys` says.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.errors import RunActiveError
from pipeline.models import Job, ManifestRow, Progress
from pipeline.redis_server import Client, asking, lua
from pipeline.runs.base import Runs, RunSummary, RunTicket, StopOrder, WorkerSummary
from pipeline.runs.records import JOBS, PARKED, PROGRESS, ROWS, STOP_ORDERS, WORKERS, Keys, OpenRun

# Keys per MGET: some 10 us of the server's time, so that nobody else waits noticeably.
_BATCH = 500
_PROGRESS_KEPT_S = 86_400  # whoever looks in the morning still sees how the night ended


class RedisRuns(Runs):
    """`client` is one that `connect` made."""

    def __init__(
        self, client: Client, *, key_prefix: str, dispatcher_lease_s: float, worker_lease_s: float, account: str
    ) -> None:
        self._client: Any = client  # redis-py's types allow bytes in every answer; this client decodes
        self._keys = Keys(key_prefix)
        self._stop_key = self._keys.stop(account)
        self._dispatcher_lease_ms = math.ceil(dispatcher_lease_s * 1000)
        self._worker_lease_ms = math.ceil(worker_lease_s * 1000)
        self._opened: dict[str, OpenRun] = {}  # by token: what a wiped server is told again
        self._beat = client.register_script(lua("pipeline.runs", "run_beat"))
        self._close = client.register_script(lua("pipeline.runs", "run_close"))
        self._drop = client.register_script(lua("pipeline.runs", "run_drop"))
        self._settle = client.register_script(lua("pipeline.runs", "run_settle"))
        self._take = client.register_script(lua("pipeline.runs", "run_take"))

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
        """See `Runs.open`."""
        token = uuid.uuid4().hex
        record_key = self._keys.archive(archive_id).record
        with asking(self._client):
            self._claim(archive_id, token, archive_uri)
            old = self._client.hgetall(record_key)
            unfinished = unfinished_run_id
            if "run_id" in old:
                unfinished = old["run_id"] if old["recipe_hash"] == recipe_hash else None
            run = OpenRun(unfinished or new_run_id, recipe_hash, archive_uri, endpoint_id, token)
            order = self.stop_order()
            stale_order = [self._stop_key] if order and self._is_stale(order, {run.run_id, old.get("run_id")}) else []
            with self._client.pipeline(transaction=True) as transaction:
                if "run_id" in old and unfinished is None:
                    # Jobs of another recipe stay with their workers; nobody will ask for their rows.
                    transaction.unlink(*self._keys.run(old["run_id"]))
                transaction.delete(record_key, *stale_order)
                transaction.hset(record_key, mapping=asdict(run))
                transaction.sadd(self._keys.open_archives, archive_id)
                transaction.execute()
        self._opened[token] = run
        return RunTicket(archive_id, run.run_id, recipe_hash, token, resumed=unfinished is not None)

    def _claim(self, archive_id: str, token: str, archive_uri: str) -> None:
        keys = self._keys.archive(archive_id)
        claimed = self._client.set(keys.dispatcher, token, nx=True, px=self._dispatcher_lease_ms)
        if claimed or self._client.get(keys.dispatcher) == token:
            return  # the second look: this very claim succeeded, and its reply was lost
        run_id = self._client.hget(keys.record, "run_id") or "(just starting)"
        raise RunActiveError(
            f"Run {run_id} over {archive_uri} is alive. Wait for its end; if its process has died, its run can be "
            f"continued {self._dispatcher_lease_ms / 1000:g} s after that."
        )

    def _is_stale(self, order: StopOrder, opened: set[str | None]) -> bool:
        """Whether an order binds nobody once these runs are opened: it is of all, of one of these, or of none open."""
        if not order.run_id or order.run_id in opened:
            return True
        return all(other.run_id != order.run_id for other in self.summaries())

    def beat(self, ticket: RunTicket) -> bool:
        """See `Runs.beat`. Tells a server that was wiped what it knew of the run, except for its jobs."""
        run = self._opened.get(ticket.token) or OpenRun(ticket.run_id, ticket.recipe_hash, "", "", ticket.token)
        fields = [text for field in asdict(run).items() for text in field]
        told = [ticket.token, self._dispatcher_lease_ms, ticket.archive_id, *fields]
        with asking(self._client):
            return bool(self._beat(self._keys.archive(ticket.archive_id), told))

    def close(self, ticket: RunTicket, *, finished: bool) -> None:
        """See `Runs.close`. Does nothing when another dispatcher has taken the archive."""
        keys = [*self._keys.archive(ticket.archive_id), *self._keys.run(ticket.run_id)]
        with asking(self._client):
            self._close(keys, [ticket.token, ticket.archive_id, int(finished)])
        self._opened.pop(ticket.token, None)

    def add(self, run_id: str, jobs: Sequence[Job]) -> None:
        """See `Runs.add`."""
        if jobs:
            with asking(self._client):
                self._client.hset(self._keys.run(run_id).jobs, mapping={job.job_id: JOBS.encode(job) for job in jobs})

    def outstanding(self, run_id: str) -> int:
        """See `Runs.outstanding`."""
        with asking(self._client):
            return int(self._client.hlen(self._keys.run(run_id).jobs))

    def known(self, run_id: str, job_ids: Sequence[str]) -> set[str]:
        """See `Runs.known`."""
        with asking(self._client), self._client.pipeline(transaction=False) as questions:
            for job_id in job_ids:
                questions.hexists(self._keys.run(run_id).jobs, job_id)
            return {job_id for job_id, is_known in zip(job_ids, questions.execute(), strict=True) if is_known}

    def wanted(self, job: Job) -> bool:
        """See `Runs.wanted`."""
        with asking(self._client):
            return bool(self._client.hexists(self._keys.run(job.run_id).jobs, job.job_id))

    def claim_recovery(self, for_s: float) -> bool:
        """See `Runs.claim_recovery`. A claim whose reply is lost is nobody's until it expires."""
        with asking(self._client):
            return bool(self._client.set(self._keys.recovery, "claimed", nx=True, px=max(1, math.ceil(for_s * 1000))))

    def stalled(self, run_id: str, *, queue_is_empty: bool) -> list[Job]:
        """See `Runs.stalled`."""
        keys = self._keys.run(run_id)
        found: list[Job] = []
        with asking(self._client):
            suspects = list(self._client.hkeys(keys.jobs) if queue_is_empty else self._client.smembers(keys.started))
            for start in range(0, len(suspects), _BATCH):
                batch = suspects[start : start + _BATCH]
                leases = self._client.mget([self._keys.lease(job_id) for job_id in batch])
                alone = [job_id for job_id, lease in zip(batch, leases, strict=True) if lease is None]
                # Read last: a job that was settled in the meantime is gone from here, and raises no false alarm.
                texts = self._client.hmget(keys.jobs, alone) if alone else []
                found += [JOBS.decode(text) for text in texts if text is not None]
            if found:
                self._client.srem(keys.started, *(job.job_id for job in found))
        return found

    def settle(self, job: Job, row: ManifestRow, token: str | None = None) -> bool:
        """See `Runs.settle`."""
        run = self._keys.run(job.run_id)
        keys = [run.jobs, run.started, run.rows, self._keys.lease(job.job_id)]
        with asking(self._client):
            return bool(self._settle(keys, [job.job_id, ROWS.encode(row), f"{token}:" if token else ""]))

    def drop(self, job: Job, token: str | None = None) -> None:
        """See `Runs.drop`."""
        run = self._keys.run(job.run_id)
        with asking(self._client):
            keys = [run.jobs, run.started, self._keys.lease(job.job_id)]
            self._drop(keys, [job.job_id, f"{token}:" if token else "", PARKED])

    def rows(self, run_id: str, start: int, limit: int) -> list[ManifestRow]:
        """See `Runs.rows`."""
        with asking(self._client):
            texts = self._client.lrange(self._keys.run(run_id).rows, start, start + limit - 1) if limit > 0 else []
        return [ROWS.decode(text) for text in texts]

    def take(self, run_id: str, count: int) -> None:
        """See `Runs.take`."""
        keys = self._keys.run(run_id)
        with asking(self._client):
            self._take([keys.rows, keys.taken], [count, uuid.uuid4().hex])

    def stop(self, order: StopOrder) -> None:
        """See `Runs.stop`."""
        with asking(self._client):
            self._client.set(self._stop_key, STOP_ORDERS.encode(order))

    def stop_order(self) -> StopOrder | None:
        """See `Runs.stop_order`."""
        with asking(self._client):
            text = self._client.get(self._stop_key)
        return None if text is None else STOP_ORDERS.decode(text)

    def show_worker(self, worker: WorkerSummary) -> None:
        """See `Runs.show_worker`."""
        with asking(self._client), self._client.pipeline(transaction=True) as transaction:
            transaction.set(self._keys.worker(worker.name), WORKERS.encode(worker), px=self._worker_lease_ms)
            transaction.sadd(self._keys.workers, worker.name)
            transaction.execute()

    def workers(self) -> list[WorkerSummary]:
        """See `Runs.workers`."""
        return [WORKERS.decode(text) for text in self._shown(self._keys.workers, self._keys.worker)]

    def show_progress(self, ticket: RunTicket, progress: Progress) -> None:
        """See `Runs.show_progress`."""
        key = self._keys.progress(ticket.archive_id)
        with asking(self._client), self._client.pipeline(transaction=True) as transaction:
            transaction.set(key, PROGRESS.encode(progress), ex=_PROGRESS_KEPT_S)
            transaction.sadd(self._keys.told, ticket.archive_id)
            transaction.execute()

    def progress(self) -> list[Progress]:
        """See `Runs.progress`."""
        found = self._shown(self._keys.told, self._keys.progress)
        return sorted(map(PROGRESS.decode, found), key=lambda progress: progress.run_id)

    def _shown(self, index: str, key_of: Callable[[str], str]) -> list[str]:
        """What an index names, as far as it has not expired; the rest leaves the index."""
        with asking(self._client):
            names = sorted(self._client.smembers(index))
            texts = self._client.mget([key_of(name) for name in names]) if names else []
            gone = [name for name, text in zip(names, texts, strict=True) if text is None]
            if gone:  # one that shows itself at this very moment is listed again at its next sign of life
                self._client.srem(index, *gone)
        return [text for text in texts if text is not None]

    def summaries(self) -> list[RunSummary]:
        """See `Runs.summaries`."""
        found = []
        with asking(self._client):
            for archive_id in sorted(self._client.smembers(self._keys.open_archives)):
                record = self._client.hgetall(self._keys.archive(archive_id).record)
                if "run_id" in record:  # otherwise finished since the archives were listed
                    found.append(self._summary(archive_id, OpenRun(**record)))
        return found

    def _summary(self, archive_id: str, run: OpenRun) -> RunSummary:
        with self._client.pipeline(transaction=False) as questions:
            questions.hlen(self._keys.run(run.run_id).jobs)
            questions.llen(self._keys.run(run.run_id).rows)
            questions.exists(self._keys.archive(archive_id).dispatcher)
            outstanding, unread, alive = questions.execute()
        return RunSummary(run.run_id, run.archive_uri, run.endpoint_id, outstanding, unread, bool(alive))
