"""What `explain` asks of Redis, without changing anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.limits.base import Budget, Permits
from pipeline.runs.base import Leases, Runs
from pipeline.settings import Settings
from pipeline.wiring.redis import make_budget, make_client, make_leases, make_permits, make_runs

_GLANCE_S = 0.5  # a server that is there answers in milliseconds; a person is waiting


@dataclass(frozen=True, slots=True)
class LiveParts:
    """The live state, to be read."""

    runs: Runs
    leases: Leases
    permits: Permits
    budget: Budget
    close: Callable[[], None]


def for_a_glance(settings: Settings) -> Settings:
    """The same settings, for who does not wait long for Redis."""
    quick = settings.redis.model_copy(update={"connect_timeout_s": _GLANCE_S, "socket_timeout_s": _GLANCE_S})
    return settings.model_copy(update={"redis": quick})


def open_live(settings: Settings) -> LiveParts:
    """The live state for a quick look, which does not wait as long for a server that is away as work would."""
    settings = for_a_glance(settings)
    client = make_client(settings)
    return LiveParts(
        runs=make_runs(settings, client),
        leases=make_leases(settings, client, owner=""),
        permits=make_permits(settings, client),
        budget=make_budget(settings, client),
        close=client.close,
    )
