"""The budget under any order of acts, under many workers at once, and on a real server after lost replies."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import BudgetReachedError, ServiceUnavailableError
from pipeline.limits.base import Amount, BudgetUse, Ceiling
from pipeline.limits.redis_budget import RedisBudget
from pipeline.redis_server import connect

RUN = "run-1"
THREADS = 8
JOBS_PER_THREAD = 60


def test_ten_dimes_make_a_dollar(budget_world):
    """As doubles they make a little less, and three of them a little more than thirty cents."""
    budget_world.open(1)

    assert [budget_world.grants(f"job-{number}", Amount(0.1)) for number in range(11)] == [True] * 10 + [False]


def test_amounts_are_rounded_up_and_the_ceiling_down(budget_world, budget):
    budget_world.open(0.0000029, 0.0029)
    assert budget.use(RUN).ceiling == Ceiling(0.000002, 0.002)

    budget.reserve(RUN, "a", Amount(0.0000001, 0.0001))
    assert budget.use(RUN).reserved == Amount(0.000001, 0.001)
    budget.settle(RUN, "a", Amount(0.0000001, 0.0001))
    assert budget.use(RUN).spent == Amount(0.000001, 0.001)

    assert not budget_world.grants("b", Amount(0.0000011))


def test_large_sums_are_exact(budget_world):
    budget_world.open(2_000_000_000, spent=Amount(1_999_999_999.999998), reserved={"a": Amount(0.000001)})

    assert budget_world.grants("b", Amount(0.000001))
    assert not budget_world.grants("c", Amount(0.000001))


def test_thousands_of_reservations_are_told_in_one_step(budget_world, budget):
    budget_world.open(1_000_000, reserved={f"job-{number}": Amount(1, 2) for number in range(12_000)})

    assert budget.use(RUN).reserved == Amount(12_000, 24_000)


# In micro-dollars and milliseconds: an act, a job, and two numbers.
ACTS = st.tuples(
    st.sampled_from(["reserve", "reserve", "reserve", "settle", "settle", "raise", "open", "wipe"]),
    st.sampled_from("abcd"),
    st.integers(0, 40),
    st.integers(0, 40),
)
LIMITS = st.one_of(st.none(), st.integers(0, 100))


@dataclass
class Model:
    """What a budget should know, in whole units."""

    ceiling: tuple[int | None, int | None]
    spent: tuple[int, int] = (0, 0)
    reserved: dict[str, tuple[int, int]] = field(default_factory=dict)
    is_reached: bool = False

    def sums(self) -> tuple[int, int]:
        return tuple(sum(numbers) for numbers in zip(self.spent, *self.reserved.values(), strict=True))

    def keeps(self) -> bool:
        return all(most is None or used <= most for used, most in zip(self.sums(), self.ceiling, strict=True))


def amount_of(micro_usd: int, audio_ms: int) -> Amount:
    return Amount(micro_usd / 1_000_000, audio_ms / 1_000)


def ceiling_of(micro_usd: int | None, audio_ms: int | None) -> Ceiling:
    return Ceiling(None if micro_usd is None else micro_usd / 1_000_000, None if audio_ms is None else audio_ms / 1_000)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(usd=LIMITS, audio=LIMITS, acts=st.lists(ACTS, max_size=40))
def test_in_no_order_of_acts_is_the_ceiling_passed(budget_world, budget, usd, audio, acts):
    """A model of sums: a reservation is granted exactly when it fits and nothing was refused before."""
    budget.open(RUN, ceiling_of(usd, audio), spent=Amount(), reserved={})
    model: Model | None = Model((usd, audio))
    for act, job, cost, length in acts:
        if act == "open":
            model = Model((usd, audio), (cost, 0), {job: (0, length)})
            budget.open(RUN, ceiling_of(usd, audio), spent=amount_of(cost, 0), reserved={job: amount_of(0, length)})
        elif act == "wipe":
            budget_world.wipe()
            model = None
        elif model is None:
            assert budget.use(RUN) is None
            with pytest.raises(ServiceUnavailableError):
                budget.reserve(RUN, job, Amount())
            continue
        elif act == "reserve":
            was = dict(model.reserved)
            had = was.get(job, (0, 0))
            model.reserved[job] = (max(had[0], cost), max(had[1], length))
            if model.is_reached or not model.keeps():
                model.reserved, model.is_reached = was, True
                assert not budget_world.grants(job, amount_of(cost, length))
            else:
                assert budget_world.grants(job, amount_of(cost, length))
        elif act == "settle":
            had = model.reserved.pop(job, None)
            used = (min(cost, had[0]), min(length, had[1])) if had else (cost, length)
            if had:
                model.spent = (model.spent[0] + used[0], model.spent[1] + used[1])
            budget.settle(RUN, job, amount_of(*used))
        else:
            usd, audio = (None if limit is None else limit + more for limit, more in ((usd, cost), (audio, length)))
            assert budget.raise_ceiling(RUN, ceiling_of(usd, audio))
            model.ceiling, model.is_reached = (usd, audio), False
        if model is not None:
            reserved = (sum(pair[0] for pair in model.reserved.values()), sum(p[1] for p in model.reserved.values()))
            assert budget.use(RUN) == BudgetUse(
                ceiling_of(*model.ceiling), amount_of(*model.spent), amount_of(*reserved), model.is_reached
            )


def test_many_workers_together_never_pass_the_ceiling(valkey_url, key_prefix):
    """Each has its own connection and settles for less, for nothing, or for all; another looks on all the time."""
    ceiling = Ceiling(cost_usd=3, audio_s=200)
    paid, errors, seen, granted = [], [], [], []
    all_done = threading.Event()

    def with_budget(work: Callable[[RedisBudget], None]) -> None:
        try:
            with closing(connect(valkey_url, connect_timeout_s=5, socket_timeout_s=10)) as client:
                work(RedisBudget(client, key_prefix=key_prefix))
        except Exception as error:  # noqa: BLE001  shown by the assertion below, not lost in a thread
            errors.append(error)

    def submit(budget: RedisBudget, name: str) -> None:
        chance = random.Random(name)
        for number in range(JOBS_PER_THREAD):
            job, wanted = f"{name}-{number}", Amount(chance.uniform(0, 0.05), chance.uniform(0, 5))
            with suppress(BudgetReachedError):
                epoch = budget.reserve(RUN, job, wanted)
                granted.append(job)
                assert budget.is_valid(RUN, job, epoch)
                share = chance.choice([0, 0.5, 1])
                paid.append(Amount(wanted.cost_usd * share, wanted.audio_s * share))
                budget.settle(RUN, job, paid[-1])
                budget.settle(RUN, job, paid[-1])

    def look_on(budget: RedisBudget) -> None:
        while not all_done.is_set():
            seen.append(budget.use(RUN))

    with_budget(lambda budget: budget.open(RUN, ceiling, spent=Amount(), reserved={}))
    workers = [
        threading.Thread(target=with_budget, args=(lambda budget, name=name: submit(budget, name),))
        for name in (f"worker-{number}" for number in range(THREADS))
    ]
    watcher = threading.Thread(target=with_budget, args=(look_on,))
    for thread in (watcher, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    all_done.set()
    watcher.join()
    with_budget(lambda budget: seen.append(budget.use(RUN)))

    assert errors == []
    for use in seen:
        assert use.spent.cost_usd + use.reserved.cost_usd <= ceiling.cost_usd + 1e-9
        assert use.spent.audio_s + use.reserved.audio_s <= ceiling.audio_s + 1e-9
    assert seen[-1].is_reached
    assert seen[-1].reserved == Amount()
    assert sum(amount.cost_usd for amount in paid) <= seen[-1].spent.cost_usd <= ceiling.cost_usd
    assert sum(amount.audio_s for amount in paid) <= seen[-1].spent.audio_s <= ceiling.audio_s
    assert 0 < len(granted) < THREADS * JOBS_PER_THREAD


def test_an_opening_whose_reply_is_lost_keeps_what_was_reserved_since(redis_client, key_prefix):
    """White-box: the client repeats a script with the very same arguments. Who reserved may have paid meanwhile."""
    budget = RedisBudget(redis_client, key_prefix=key_prefix)
    opening = budget._open
    epochs = []

    def repeated(*asked):
        opening(*asked)
        epochs.append(budget.reserve(RUN, "a", Amount(0.5)))
        opening(*asked)

    budget._open = repeated
    budget.open(RUN, Ceiling(cost_usd=1), spent=Amount(), reserved={})

    assert budget.is_valid(RUN, "a", epochs[0])
    assert budget.use(RUN).reserved == Amount(0.5)


@pytest.mark.parametrize("act", ["open", "raise_ceiling", "reserve", "refused", "settle"])
def test_every_act_keeps_the_budget_for_a_month_and_no_longer(redis_client, key_prefix, act):
    budget, key = RedisBudget(redis_client, key_prefix=key_prefix), f"{key_prefix}budget:{RUN}"
    budget.open(RUN, Ceiling(cost_usd=1), spent=Amount(), reserved={"a": Amount(0.5)})
    if act != "open":
        redis_client.expire(key, 100)

    if act == "raise_ceiling":
        budget.raise_ceiling(RUN, Ceiling(cost_usd=2))
    elif act == "reserve":
        budget.reserve(RUN, "b", Amount(0.1))
    elif act == "refused":
        with pytest.raises(BudgetReachedError):
            budget.reserve(RUN, "b", Amount(5))
    elif act == "settle":
        budget.settle(RUN, "a", Amount(0.1))

    assert 100 < redis_client.ttl(key) <= 30 * 86_400


def test_a_closed_budget_leaves_no_key(redis_client, key_prefix):
    budget = RedisBudget(redis_client, key_prefix=key_prefix)
    budget.open(RUN, Ceiling(cost_usd=1), spent=Amount(), reserved={"a": Amount(0.5)})
    budget.settle(RUN, "a", Amount())

    budget.close(RUN)
    budget.settle(RUN, "a", Amount())

    assert list(redis_client.scan_iter(f"{key_prefix}*")) == []
