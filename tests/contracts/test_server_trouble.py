"""What all edges over Redis do when their server is away, wiped, refusing, or not the one they know."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import builders
import pytest
import redis

from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.limits.base import Amount, Ceiling, PermitUse
from pipeline.limits.redis import RedisPermits, RedisRate
from pipeline.limits.redis_budget import RedisBudget
from pipeline.redis_server import connect
from pipeline.runs.base import RunTicket, StopOrder, WorkerSummary
from pipeline.runs.records import Keys
from pipeline.runs.redis import RedisRuns
from pipeline.runs.redis_leases import RedisLeases

TICKET = RunTicket("archive-1", "run-1", "recipe-1", "token", resumed=False)

# Every act that asks the server something.
ASKS = {
    "try_acquire": lambda edges, job, row: edges.permits.try_acquire("a"),
    "adopt": lambda edges, job, row: edges.permits.adopt("a"),
    "abandoned": lambda edges, job, row: edges.permits.abandoned(),
    "permits renew": lambda edges, job, row: edges.permits.renew({"a"}),
    "permits release": lambda edges, job, row: edges.permits.release("a"),
    "slow_down": lambda edges, job, row: edges.permits.slow_down(1),
    "set_ceiling": lambda edges, job, row: edges.permits.set_ceiling(2),
    "use": lambda edges, job, row: edges.permits.use(),
    "reserve": lambda edges, job, row: edges.rate.reserve(1),
    "open": lambda edges, job, row: edges.open(),
    "beat": lambda edges, job, row: edges.runs.beat(TICKET),
    "close": lambda edges, job, row: edges.runs.close(TICKET, finished=True),
    "add": lambda edges, job, row: edges.runs.add("run-1", [job]),
    "outstanding": lambda edges, job, row: edges.runs.outstanding("run-1"),
    "known": lambda edges, job, row: edges.runs.known("run-1", ["a"]),
    "wanted": lambda edges, job, row: edges.runs.wanted(job),
    "claim_recovery": lambda edges, job, row: edges.runs.claim_recovery(1),
    "stalled": lambda edges, job, row: edges.runs.stalled("run-1", queue_is_empty=True),
    "settle": lambda edges, job, row: edges.runs.settle(job, row),
    "drop": lambda edges, job, row: edges.runs.drop(job),
    "rows": lambda edges, job, row: edges.runs.rows("run-1", 0, 1),
    "take": lambda edges, job, row: edges.runs.take("run-1", 1),
    "stop": lambda edges, job, row: edges.runs.stop(StopOrder("balance", "Top up.")),
    "stop_order": lambda edges, job, row: edges.runs.stop_order(),
    "show_worker": lambda edges, job, row: edges.runs.show_worker(WorkerSummary("w", 1, 1)),
    "workers": lambda edges, job, row: edges.runs.workers(),
    "show_progress": lambda edges, job, row: edges.runs.show_progress(TICKET, builders.progress()),
    "progress": lambda edges, job, row: edges.runs.progress(),
    "summaries": lambda edges, job, row: edges.runs.summaries(),
    "acquire": lambda edges, job, row: edges.leases.acquire(job),
    "holds": lambda edges, job, row: edges.leases.holds("a", "t"),
    "holder": lambda edges, job, row: edges.leases.holder("a"),
    "leases renew": lambda edges, job, row: edges.leases.renew({"a": "t"}),
    "park": lambda edges, job, row: edges.leases.park("a", "t", 1),
    "hand_back": lambda edges, job, row: edges.leases.hand_back(job, "t"),
    "release": lambda edges, job, row: edges.leases.release("a", "t"),
    "budget open": lambda edges, job, row: edges.open_budget(),
    "withdraw": lambda edges, job, row: edges.budget.withdraw("run-1", "a", "epoch:ticket"),
    "raise_ceiling": lambda edges, job, row: edges.budget.raise_ceiling("run-1", Ceiling()),
    "budget use": lambda edges, job, row: edges.budget.use("run-1"),
    "budget reserve": lambda edges, job, row: edges.budget.reserve("run-1", "a", Amount()),
    "is_valid": lambda edges, job, row: edges.budget.is_valid("run-1", "a", "epoch"),
    "budget settle": lambda edges, job, row: edges.budget.settle("run-1", "a", Amount()),
    "budget close": lambda edges, job, row: edges.budget.close("run-1"),
}


@dataclass
class Edges:
    """All that one client serves."""

    permits: RedisPermits
    rate: RedisRate
    runs: RedisRuns
    leases: RedisLeases
    budget: RedisBudget

    def open(self) -> RunTicket:
        """Opens a run with what no test cares about filled in."""
        return self.runs.open("archive-1", "recipe-1", new_run_id="run-1", archive_uri="s3://b/", endpoint_id="e")

    def open_budget(self) -> None:
        """Opens a budget of ten dollars, one of them spent."""
        self.budget.open("run-1", Ceiling(cost_usd=10), spent=Amount(cost_usd=1), reserved={})


def edges_over(client: redis.Redis, key_prefix: str) -> Edges:
    return Edges(
        RedisPermits(client, key_prefix=key_prefix, account="acme", limit=3, lease_s=30, recover_s=1000),
        RedisRate(client, key_prefix=key_prefix, account="acme", per_s=0.01, burst=1),
        RedisRuns(client, key_prefix=key_prefix, dispatcher_lease_s=30, worker_lease_s=30, account="acme"),
        RedisLeases(client, key_prefix=key_prefix, owner="w1", lease_s=30),
        RedisBudget(client, key_prefix=key_prefix),
    )


@pytest.fixture
def edges(redis_client, key_prefix) -> Edges:
    return edges_over(redis_client, key_prefix)


@pytest.fixture
def wipe(redis_client):
    """Takes everything from the server, the scripts it has learned too."""

    def act() -> None:
        redis_client.flushall()
        redis_client.script_flush()

    return act


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())
def test_a_server_that_is_away_is_named_without_its_password(away_client, ask, make_job, make_row):
    with pytest.raises(ServiceUnavailableError, match=r"Redis server at 127\.0\.0\.1:\d+ does not answer") as caught:
        ask(edges_over(away_client, "test:"), make_job(), make_row(make_job()))

    assert "swordfish" not in str(caught.value)


@pytest.mark.timeout(10)  # seconds; the client itself gives up after 0.2 s
@pytest.mark.parametrize("name", ["try_acquire", "reserve", "open", "drop", "acquire", "budget reserve"])
def test_a_frozen_server_hangs_nobody(frozen_client, name, make_job, make_row):
    with pytest.raises(ServiceUnavailableError, match=r"Redis server at 127\.0\.0\.1:\d+ does not answer") as caught:
        ASKS[name](edges_over(frozen_client, "test:"), make_job(), make_row(make_job()))

    assert "swordfish" not in str(caught.value)


def test_every_act_is_in_the_table_above():
    """A new act must be seen with its server away, too."""
    edges = (RedisPermits, RedisRate, RedisRuns, RedisLeases, RedisBudget)
    acts = [name for edge in edges for name in vars(edge) if name[0] != "_"]

    assert len(ASKS) == len(acts)


def test_scripts_that_the_server_forgot_are_taught_again(edges, redis_client):
    edges.permits.try_acquire("a")

    redis_client.script_flush()

    assert edges.permits.renew({"a"}) == set()
    assert edges.permits.use() == PermitUse(held=1, limit=3, ceiling=3)


def test_permits_and_rate_start_afresh_on_a_wiped_server(edges, wipe):
    edges.permits.try_acquire("a")
    edges.rate.reserve(max_wait_s=0)
    assert edges.rate.reserve(max_wait_s=0) is None

    wipe()

    assert edges.permits.renew({"a"}) == {"a"}
    edges.permits.adopt("a")
    assert edges.permits.try_acquire("b")
    assert edges.permits.use() == PermitUse(held=2, limit=3, ceiling=3)
    assert edges.rate.reserve(max_wait_s=0) == 0


def test_a_lease_is_taken_again_on_a_wiped_server(edges, wipe, make_job):
    token = edges.leases.acquire(make_job())

    wipe()

    assert not edges.leases.holds("job-1", token)
    assert edges.leases.renew({"job-1": token}) == {"job-1"}
    token = edges.leases.acquire(make_job())
    assert edges.leases.renew({"job-1": token}) == set()


def test_a_wiped_server_grants_nothing_until_the_budget_is_opened_again(edges, wipe):
    edges.open_budget()
    epoch = edges.budget.reserve("run-1", "a", Amount(cost_usd=1))
    assert edges.budget.is_valid("run-1", "a", epoch)

    wipe()

    assert edges.budget.use("run-1") is None
    assert not edges.budget.is_valid("run-1", "a", epoch)
    assert not edges.budget.raise_ceiling("run-1", Ceiling(cost_usd=100))
    edges.budget.settle("run-1", "a", Amount(cost_usd=1))
    with pytest.raises(ServiceUnavailableError, match="no budget of run run-1") as caught:
        edges.budget.reserve("run-1", "a", Amount(cost_usd=1))
    assert caught.value.reason == "budget_unknown"
    assert edges.budget.use("run-1") is None

    edges.open_budget()
    assert not edges.budget.is_valid("run-1", "a", epoch)
    assert edges.budget.reserve("run-1", "a", Amount(cost_usd=1)) != epoch


def test_a_wiped_server_is_told_of_the_run_again(edges, wipe, make_job, make_row):
    ticket, job = edges.open(), make_job()
    edges.runs.add("run-1", [job])
    before = edges.runs.summaries()[0]

    wipe()

    assert not edges.runs.settle(job, make_row(job))
    assert edges.runs.stalled("run-1", queue_is_empty=True) == []
    assert edges.runs.beat(ticket)
    assert edges.runs.summaries() == [replace(before, outstanding=0)]
    edges.runs.add("run-1", [job])
    assert edges.runs.settle(job, make_row(job))
    edges.runs.take("run-1", 1)
    edges.runs.close(ticket, finished=True)
    assert edges.runs.summaries() == []


def test_what_another_version_wrote_is_named_and_not_guessed(edges, redis_client, key_prefix):
    redis_client.hset(Keys(key_prefix).run("run-1").jobs, "a", '{"job_id": "a", "colour": "red"}')

    with pytest.raises(ConfigurationError, match="holds a Job that this version"):
        edges.runs.stalled("run-1", queue_is_empty=True)


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("add", ("maxmemory", "1", "0", "used memory")),
        ("add", ("requirepass", "swordfish", "", "authenticate")),
        ("try_acquire", ("requirepass", "swordfish", "", "authenticate")),
    ],
    ids=["full", "locked runs", "locked permits"],
)
def test_a_server_that_refuses_needs_a_person(valkey_url, redis_client, make_job, name, trouble):
    setting, on, off, answer = trouble
    client = connect(valkey_url, connect_timeout_s=5, socket_timeout_s=10)
    redis_client.config_set(setting, on)
    try:
        with pytest.raises(ConfigurationError, match=rf"refuses to work \(.*{answer}"):
            ASKS[name](edges_over(client, "test:"), make_job(), None)
    finally:
        redis_client.config_set(setting, off)
        client.close()


def test_keys_of_another_program_are_not_touched(edges, redis_client, key_prefix):
    redis_client.set(f"{key_prefix}acme:permits", "somebody else's")

    with pytest.raises(ConfigurationError, match=r"refuses to work \(.*WRONGTYPE"):
        edges.permits.try_acquire("a")

    assert redis_client.get(f"{key_prefix}acme:permits") == "somebody else's"


def test_a_broken_connection_is_made_again(edges, redis_client, make_job):
    edges.runs.add("run-1", [make_job("a")])

    redis_client.client_kill_filter(_type="normal", skipme=False)

    assert edges.runs.outstanding("run-1") == 1


def test_a_slot_without_a_connection_waits_for_one(edges, redis_client):
    pool = redis_client.connection_pool
    taken = [pool.get_connection() for _ in range(pool.max_connections)]
    answers = []
    slot = threading.Thread(target=lambda: answers.append(edges.permits.use()))

    slot.start()
    slot.join(timeout=0.1)
    assert slot.is_alive()
    for connection in taken:
        pool.release(connection)
    slot.join()

    assert answers == [PermitUse(held=0, limit=3, ceiling=3)]


@pytest.mark.parametrize("url", ["http://user:swordfish@host/0", "redis://user:swordfish#1@host/0", "swordfish", ""])
def test_a_url_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(ConfigurationError, match=r"redis\.url is not a URL") as caught:
        connect(url, connect_timeout_s=1, socket_timeout_s=2)

    assert "swordfish" not in str(caught.value)
    assert caught.value.__suppress_context__
