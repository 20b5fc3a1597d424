"""What is kept in Redis, one function for each part; all parts of a process share one client."""

from __future__ import annotations

from pipeline.limits.redis import RedisPermits, RedisRate
from pipeline.limits.redis_budget import RedisBudget
from pipeline.queue.redis_watch import RedisQueueWatch
from pipeline.redis_server import Client, connect
from pipeline.runs.redis import RedisRuns
from pipeline.runs.redis_leases import RedisLeases
from pipeline.runs.redis_meters import RedisMeterBook
from pipeline.runs.redis_notices import RedisNoticeBoard
from pipeline.runs.redis_unshown import RedisUnshown
from pipeline.settings import Settings


def make_client(settings: Settings) -> Client:
    """The client; the caller closes it. Raises `ConfigurationError` on a URL that is none."""
    return connect(
        settings.redis.url.get_secret_value(),
        connect_timeout_s=settings.redis.connect_timeout_s,
        socket_timeout_s=settings.redis.socket_timeout_s,
    )


def make_runs(settings: Settings, client: Client) -> RedisRuns:
    """Open runs, their rows, and the workers."""
    return RedisRuns(
        client,
        key_prefix=settings.redis.key_prefix,
        account=settings.limits.account,
        dispatcher_lease_s=settings.run.dispatcher_lease_s,
        worker_lease_s=settings.limits.lease_s,
    )


def make_leases(settings: Settings, client: Client, *, owner: str) -> RedisLeases:
    """Who works on which job; `owner` is the name of this worker."""
    return RedisLeases(client, key_prefix=settings.redis.key_prefix, owner=owner, lease_s=settings.limits.lease_s)


def make_notice_board(settings: Settings, client: Client) -> RedisNoticeBoard:
    """What webhooks have told."""
    return RedisNoticeBoard(client, key_prefix=settings.redis.key_prefix, keep_s=settings.webhook.keep_s)


def make_unshown(settings: Settings, client: Client) -> RedisUnshown:
    """Requests that fal's history shows without their input."""
    return RedisUnshown(client, key_prefix=settings.redis.key_prefix)


def make_meter_book(settings: Settings, client: Client) -> RedisMeterBook:
    """What all workers of the account have counted."""
    return RedisMeterBook(client, key_prefix=settings.redis.key_prefix, account=settings.limits.account)


def make_permits(settings: Settings, client: Client) -> RedisPermits:
    """The requests in flight at fal: at most the account's concurrency times the overcommit."""
    return RedisPermits(
        client,
        key_prefix=settings.redis.key_prefix,
        account=settings.limits.account,
        limit=max(1, round(settings.limits.concurrency * settings.limits.overcommit)),
        lease_s=settings.limits.lease_s,
        recover_s=settings.limits.recover_s,
        regather_s=settings.limits.regather_s,
    )


def make_queue_watch(settings: Settings, client: Client) -> RedisQueueWatch:
    """How much waits in the queue, without the broker's client."""
    return RedisQueueWatch(client, key_prefix=settings.redis.key_prefix, name=settings.queue.name)


def make_rate(settings: Settings, client: Client) -> RedisRate:
    """Submissions per second."""
    return RedisRate(
        client,
        key_prefix=settings.redis.key_prefix,
        account=settings.limits.account,
        per_s=settings.limits.submits_per_s,
        burst=settings.limits.submit_burst,
    )


def make_budget(settings: Settings, client: Client) -> RedisBudget:
    """What runs may spend."""
    return RedisBudget(client, key_prefix=settings.redis.key_prefix)
