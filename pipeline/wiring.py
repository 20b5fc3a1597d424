"""Settings to real objects: the one place that names implementations. Nothing is connected before it is used."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import SecretStr

from pipeline import SOFTWARE
from pipeline.audio.pyav import PyAvProbe
from pipeline.cancellation import CancellationToken
from pipeline.errors import ConfigurationError
from pipeline.limits.base import Budget, Permits
from pipeline.limits.redis import RedisPermits, RedisRate
from pipeline.limits.redis_budget import RedisBudget
from pipeline.limits.turns import PermitLine
from pipeline.queue.celery import CeleryQueue, make_sender
from pipeline.redis_server import Client, connect, server_name
from pipeline.runs.base import Leases, Runs
from pipeline.runs.held import HeldLeases
from pipeline.runs.redis import RedisRuns
from pipeline.runs.redis_leases import RedisLeases
from pipeline.settings import Settings, fal_key
from pipeline.speech.fal import FalTranscriber, make_recipe
from pipeline.storage.s3 import S3Storage
from pipeline.transcribe import Rules, Tools

__all__ = ["make_recipe"]  # needs no wiring; it is offered here because front doors name no implementation


_GLANCE_S = 0.5  # a server that is there answers in milliseconds; a person is waiting


@dataclass(frozen=True, slots=True)
class DispatcherParts:
    """What `backfill` and `status` work with."""

    runs: RedisRuns
    queue: CeleryQueue
    permits: RedisPermits
    budget: RedisBudget
    close_redis: Callable[[], None]

    def close(self) -> None:
        """Closes all connections."""
        self.queue.close()
        self.close_redis()


@dataclass(frozen=True, slots=True)
class LiveParts:
    """What `explain` asks of Redis, without changing anything."""

    runs: Runs
    leases: Leases
    permits: Permits
    budget: Budget
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What a worker process works with."""

    tools: Tools
    runs: RedisRuns
    queue: CeleryQueue
    storage: S3Storage
    close_redis: Callable[[], None]

    def close(self) -> None:
        """Closes all connections and threads."""
        self.tools.transcriber.close()
        self.queue.close()
        self.storage.close()
        self.close_redis()


def open_storage(settings: Settings) -> S3Storage:
    """S3, as AWS's variables say."""
    return S3Storage(settings.s3)


def open_transcriber(settings: Settings, key: SecretStr) -> FalTranscriber:
    """fal's models. Raises `ConfigurationError` for a key that cannot be one."""
    return FalTranscriber(settings.fal, settings.polling, key, SOFTWARE)


def required_key(environment: Mapping[str, str]) -> SecretStr:
    """The fal key. Raises `ConfigurationError` when there is none."""
    key = fal_key(environment)
    if key is None:
        raise ConfigurationError(
            "There is no fal key: FAL_KEY is not set. Get one at fal.ai/dashboard/keys and export FAL_KEY, or try "
            "everything without an account: make demo.",
            "no_fal_key",
        )
    return key


def open_dispatcher(settings: Settings) -> DispatcherParts:
    """The live state and the queue."""
    client = _redis(settings)
    return DispatcherParts(
        runs=_runs(settings, client),
        queue=_queue(settings),
        permits=_permits(settings, client),
        budget=RedisBudget(client, key_prefix=settings.redis.key_prefix),
        close_redis=client.close,
    )


def open_live(settings: Settings) -> LiveParts:
    """The live state for a quick look, which does not wait as long for a server that is away as work would."""
    quick = settings.redis.model_copy(update={"connect_timeout_s": _GLANCE_S, "socket_timeout_s": _GLANCE_S})
    settings = settings.model_copy(update={"redis": quick})
    client, prefix = _redis(settings), settings.redis.key_prefix
    return LiveParts(
        runs=_runs(settings, client),
        leases=RedisLeases(client, key_prefix=prefix, owner="", lease_s=settings.limits.lease_s),
        permits=_permits(settings, client),
        budget=RedisBudget(client, key_prefix=prefix),
        close=client.close,
    )


def open_worker(
    settings: Settings, environment: Mapping[str, str], *, name: str, cancel: CancellationToken
) -> WorkerParts:
    """Everything the task needs. Raises `ConfigurationError` when the fal key is missing."""
    key = required_key(environment)
    client = _redis(settings)
    prefix, limits = settings.redis.key_prefix, settings.limits
    storage, transcriber, runs = open_storage(settings), open_transcriber(settings, key), _runs(settings, client)
    leases = RedisLeases(client, key_prefix=prefix, owner=name, lease_s=limits.lease_s)
    tools = Tools(
        rules=Rules(settings, name, random.Random()),
        storage=storage,
        transcriber=transcriber,
        runs=runs,
        leases=HeldLeases(leases),
        permits=PermitLine(_permits(settings, client), cancel, transcriber.is_over),
        rate=RedisRate(
            client, key_prefix=prefix, account=limits.account, per_s=limits.submits_per_s, burst=limits.submit_burst
        ),
        budget=RedisBudget(client, key_prefix=prefix),
        probe=PyAvProbe(settings.audio.probe_budget_bytes),
        cancel=cancel,
        now=lambda: datetime.now(UTC),
    )
    return WorkerParts(tools=tools, runs=runs, queue=_queue(settings), storage=storage, close_redis=client.close)


def _queue(settings: Settings) -> CeleryQueue:
    return CeleryQueue(
        make_sender(settings.redis), name=settings.queue.name, server=server_name(settings.redis.url.get_secret_value())
    )


def _redis(settings: Settings) -> Client:
    return connect(
        settings.redis.url.get_secret_value(),
        connect_timeout_s=settings.redis.connect_timeout_s,
        socket_timeout_s=settings.redis.socket_timeout_s,
    )


def _runs(settings: Settings, client: Client) -> RedisRuns:
    return RedisRuns(
        client,
        key_prefix=settings.redis.key_prefix,
        account=settings.limits.account,
        dispatcher_lease_s=settings.run.dispatcher_lease_s,
        worker_lease_s=settings.limits.lease_s,
    )


def _permits(settings: Settings, client: Client) -> RedisPermits:
    return RedisPermits(
        client,
        key_prefix=settings.redis.key_prefix,
        account=settings.limits.account,
        limit=permit_limit(settings),
        lease_s=settings.limits.lease_s,
        recover_s=settings.limits.recover_s,
        regather_s=settings.limits.regather_s,
    )


def permit_limit(settings: Settings) -> int:
    """Requests in flight at once: the account's concurrency times the overcommit."""
    return max(1, round(settings.limits.concurrency * settings.limits.overcommit))
