"""Leases in Redis or Valkey: one Lua script per act, so that a process may die anywhere.

The value of a lease is the token of its acquisition and the name of its worker. Acts compare the whole of it, so that
one which comes late, after a long sleep or a long way, changes nothing that belongs to a later acquisition.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from typing import Any

from pipeline.errors import ServiceUnavailableError
from pipeline.models import Job
from pipeline.redis_server import Client, asking, lua
from pipeline.runs.base import Leases
from pipeline.runs.records import PARKED, Keys


class RedisLeases(Leases):
    """`client` is one that `connect` made; `owner` must be unique among all worker processes that are alive."""

    def __init__(self, client: Client, *, key_prefix: str, owner: str, lease_s: float) -> None:
        self._client: Any = client  # redis-py's types allow bytes in every answer; this client decodes
        self._keys = Keys(key_prefix)
        self._owner = owner
        self._lease_ms = math.ceil(lease_s * 1000)
        # Tokens of acquisitions that got no answer, by job: the server may hold the job under one of them already.
        self._unanswered: dict[str, str] = {}
        self._acquire = client.register_script(lua("pipeline.runs", "lease_acquire"))
        self._renew = client.register_script(lua("pipeline.runs", "lease_renew"))
        self._park = client.register_script(lua("pipeline.runs", "lease_park"))
        self._end = client.register_script(lua("pipeline.runs", "lease_end"))

    def acquire(self, job: Job) -> str | None:
        """See `Leases.acquire`. Asked again after `ServiceUnavailableError`, it goes on under the same token."""
        token = self._unanswered.pop(job.job_id, None) or uuid.uuid4().hex
        run = self._keys.run(job.run_id)
        keys = [self._keys.lease(job.job_id), run.jobs, run.started]
        try:
            with asking(self._client):
                taken = self._acquire(keys, [self._value(token), self._lease_ms, job.job_id, PARKED])
        except ServiceUnavailableError:
            self._unanswered[job.job_id] = token
            raise
        return token if taken else None

    def holds(self, job_id: str, token: str) -> bool:
        """See `Leases.holds`."""
        with asking(self._client):
            return bool(self._client.get(self._keys.lease(job_id)) == self._value(token))

    def holder(self, job_id: str) -> str | None:
        """See `Leases.holder`."""
        with asking(self._client):
            value = self._client.get(self._keys.lease(job_id))
        return None if value is None or value == PARKED else value.partition(":")[2]

    def renew(self, held: Mapping[str, str]) -> set[str]:
        """See `Leases.renew`."""
        ids = list(held)
        if not ids:
            return set()
        values = [self._value(held[job_id]) for job_id in ids]
        with asking(self._client):
            lost = self._renew([self._keys.lease(job_id) for job_id in ids], [self._lease_ms, *values])
        return {ids[position - 1] for position in lost}

    def park(self, job_id: str, token: str, for_s: float) -> None:
        """See `Leases.park`."""
        with asking(self._client):
            self._park([self._keys.lease(job_id)], [self._value(token), PARKED, max(1, math.ceil(for_s * 1000))])

    def hand_back(self, job: Job, token: str) -> None:
        """See `Leases.hand_back`."""
        keys = [self._keys.lease(job.job_id), self._keys.run(job.run_id).started]
        with asking(self._client):
            self._end(keys, [self._value(token), job.job_id])

    def release(self, job_id: str, token: str) -> None:
        """See `Leases.release`."""
        with asking(self._client):
            self._end([self._keys.lease(job_id)], [self._value(token), job_id])

    def _value(self, token: str) -> str:
        return f"{token}:{self._owner}"
