"""The contract of `Budget`, for memory and for a real server: nothing is granted beyond the ceiling, ever."""

from __future__ import annotations

import pytest

from pipeline.errors import BudgetReachedError, ServiceUnavailableError
from pipeline.limits.base import Amount, BudgetUse, Ceiling

RUN = "run-1"


def test_what_is_reserved_and_spent_is_told(budget_world, budget):
    budget_world.open(10, 3600, spent=Amount(2, 600), reserved={"old": Amount(0.5, 60)})

    budget.reserve(RUN, "new", Amount(1.25, 90.5))
    budget.settle(RUN, "old", Amount(0.25, 61))

    assert budget.use(RUN) == BudgetUse(
        Ceiling(10, 3600), spent=Amount(2.25, 661), reserved=Amount(1.25, 90.5), is_reached=False
    )


@pytest.mark.parametrize("ceiling", [Ceiling(cost_usd=1), Ceiling(audio_s=1), Ceiling(1, 100), Ceiling(100, 1)])
def test_the_ceiling_can_be_reached_and_not_passed_in_either_dimension(budget_world, budget, ceiling):
    budget.open(RUN, ceiling, spent=Amount(0.5, 0.5), reserved={"old": Amount(0.25, 0.25)})

    assert budget_world.grants("a", Amount(0.25, 0.25))
    assert not budget_world.grants("b", Amount(0.001, 0.001))
    assert budget.use(RUN).reserved == Amount(0.5, 0.5)


def test_without_a_ceiling_everything_fits_and_is_counted(budget_world, budget):
    budget_world.open()

    assert all(budget_world.grants(f"job-{number}", Amount(1e6, 1e7)) for number in range(3))
    assert budget.use(RUN) == BudgetUse(Ceiling(), Amount(), Amount(3e6, 3e7), is_reached=False)


def test_after_the_first_refusal_nothing_is_granted_until_the_ceiling_is_raised(budget_world, budget):
    budget_world.open(1)
    budget.reserve(RUN, "a", Amount(0.6))
    assert not budget_world.grants("b", Amount(0.6))
    assert budget.use(RUN).is_reached

    assert not budget_world.grants("c", Amount(0.1))
    assert not budget_world.grants("a", Amount(0.6))
    assert budget.use(RUN).reserved == Amount(0.6)

    assert budget.raise_ceiling(RUN, Ceiling(cost_usd=2))
    assert not budget.use(RUN).is_reached
    assert budget_world.grants("b", Amount(0.6))


def test_raising_the_ceiling_keeps_what_is_spent_and_reserved_and_every_ticket(budget_world, budget):
    budget_world.open(1, spent=Amount(0.3))
    ticket = budget.reserve(RUN, "a", Amount(0.6))

    assert budget.raise_ceiling(RUN, Ceiling(audio_s=50))

    assert budget.use(RUN) == BudgetUse(Ceiling(audio_s=50), Amount(0.3), Amount(0.6), is_reached=False)
    assert budget.is_valid(RUN, "a", ticket)


@pytest.mark.parametrize("first_to_withdraw", [0, 1])
def test_who_reserves_for_the_same_job_shares_its_reservation(budget_world, budget, first_to_withdraw):
    """One of the two was asleep for longer than its lease, nobody knows which: neither may free what the other uses."""
    budget_world.open(1)
    tickets = [budget.reserve(RUN, "a", Amount(amount)) for amount in (0.8, 0.9)]
    assert budget.use(RUN).reserved == Amount(0.9)

    withdrawn, other = tickets[first_to_withdraw], tickets[1 - first_to_withdraw]
    budget.withdraw(RUN, "a", withdrawn)

    assert (budget.is_valid(RUN, "a", withdrawn), budget.is_valid(RUN, "a", other)) == (False, True)
    assert budget.use(RUN).reserved == Amount(0.9)
    budget.withdraw(RUN, "a", other)
    assert budget.use(RUN).reserved == Amount()


def test_what_was_reserved_when_the_budget_was_opened_stays_until_it_is_settled(budget_world, budget):
    budget.open(RUN, Ceiling(cost_usd=1), spent=Amount(), reserved={"a": Amount(0.9)})

    budget.withdraw(RUN, "a", budget.reserve(RUN, "a", Amount(0.9)))

    assert budget.use(RUN).reserved == Amount(0.9)
    budget.settle(RUN, "a", Amount(0.5))
    assert budget.use(RUN) == BudgetUse(Ceiling(cost_usd=1), Amount(0.5), Amount(), is_reached=False)


def test_who_withdraws_its_own_reservation_has_spent_nothing(budget_world, budget):
    budget_world.open(1)
    ticket = budget.reserve(RUN, "a", Amount(0.9))

    for _ in range(2):
        budget.withdraw(RUN, "a", ticket)

    assert budget.use(RUN) == BudgetUse(Ceiling(cost_usd=1), Amount(), Amount(), is_reached=False)
    assert not budget.is_valid(RUN, "a", ticket)


def test_settling_frees_what_was_not_used(budget_world, budget):
    budget_world.open(1)
    budget.reserve(RUN, "a", Amount(0.9))
    budget.settle(RUN, "a", Amount(0.4))

    assert budget.use(RUN) == BudgetUse(Ceiling(cost_usd=1), Amount(0.4), Amount(), is_reached=False)
    assert budget_world.grants("b", Amount(0.6))


def test_settling_what_was_never_billed_frees_it_all(budget_world, budget):
    budget_world.open(1)
    budget.reserve(RUN, "a", Amount(0.9))
    budget.settle(RUN, "a", Amount())

    assert budget_world.grants("b", Amount(1))


def test_a_job_is_settled_once(budget_world, budget):
    budget_world.open(10)
    budget.reserve(RUN, "a", Amount(1))

    for _ in range(3):
        budget.settle(RUN, "a", Amount(0.5))
    budget.settle(RUN, "stranger", Amount(5))

    assert budget.use(RUN) == BudgetUse(Ceiling(cost_usd=10), Amount(0.5), Amount(), is_reached=False)


def test_a_job_has_one_reservation_and_the_largest_amount_counts(budget_world, budget):
    budget_world.open(1)

    assert [budget_world.grants("a", Amount(cost_usd)) for cost_usd in (0.6, 0.6, 0.8, 0.5)] == [True] * 4

    assert budget.use(RUN).reserved == Amount(0.8)
    assert budget_world.grants("b", Amount(0.2))


def test_a_larger_reservation_that_does_not_fit_leaves_the_job_its_old_one(budget_world, budget):
    budget_world.open(1)
    epoch = budget.reserve(RUN, "a", Amount(0.5))

    assert not budget_world.grants("a", Amount(1.1))

    assert budget.use(RUN).reserved == Amount(0.5)
    assert budget.is_valid(RUN, "a", epoch)


def test_what_cost_more_than_was_reserved_is_counted_in_full_and_ends_the_granting(budget_world, budget):
    budget_world.open(1)
    budget.reserve(RUN, "a", Amount(1))
    budget.settle(RUN, "a", Amount(1.5))

    assert budget.use(RUN).spent == Amount(1.5)
    assert not budget_world.grants("b", Amount())


def test_a_budget_that_opens_beyond_its_ceiling_grants_nothing(budget_world, budget):
    budget_world.open(1, spent=Amount(0.6), reserved={"a": Amount(0.6)})
    assert not budget.use(RUN).is_reached

    assert not budget_world.grants("b", Amount())
    assert budget.use(RUN) == BudgetUse(Ceiling(cost_usd=1), Amount(0.6), Amount(0.6), is_reached=True)


def test_a_reservation_is_valid_until_it_is_settled(budget_world, budget):
    budget_world.open(1)
    epoch = budget.reserve(RUN, "a", Amount(0.5))

    assert budget.is_valid(RUN, "a", epoch)
    assert not budget.is_valid(RUN, "b", epoch)
    assert not budget.is_valid(RUN, "a", "another epoch")
    assert not budget.is_valid("run-2", "a", epoch)

    budget.settle(RUN, "a", Amount())
    assert not budget.is_valid(RUN, "a", epoch)


def test_opening_again_voids_every_reservation_even_one_that_is_told_of(budget_world, budget):
    """Who reserved before a wipe must reserve again; what S3 knows of it is counted meanwhile."""
    budget_world.open(1)
    epochs = {job: budget.reserve(RUN, job, Amount(0.25)) for job in "ab"}

    budget_world.wipe()
    budget_world.open(1, reserved={"a": Amount(0.25)})

    assert not budget.is_valid(RUN, "a", epochs["a"])
    assert not budget.is_valid(RUN, "b", epochs["b"])
    assert budget.use(RUN).reserved == Amount(0.25)
    new = budget.reserve(RUN, "a", Amount(0.25))
    assert budget.is_valid(RUN, "a", new)
    assert not budget.is_valid(RUN, "b", new)


def test_opening_again_replaces_everything(budget_world, budget):
    budget_world.open(1, 10, spent=Amount(0.5), reserved={"a": Amount(0.5)})
    assert not budget_world.grants("b", Amount(1))

    budget_world.open(2, spent=Amount(0.1), reserved={"c": Amount(0.2)})

    assert budget.use(RUN) == BudgetUse(Ceiling(cost_usd=2), Amount(0.1), Amount(0.2), is_reached=False)


def test_what_is_not_known_grants_nothing(budget_world, budget):
    for forget in (lambda: None, budget_world.wipe, lambda: budget.close(RUN)):
        forget()
        assert budget.use(RUN) is None
        assert not budget.raise_ceiling(RUN, Ceiling(cost_usd=100))
        budget.settle(RUN, "a", Amount(1))
        budget.close(RUN)
        with pytest.raises(ServiceUnavailableError, match="no budget of run run-1") as caught:
            budget.reserve(RUN, "a", Amount())
        assert caught.value.reason == "budget_unknown"
        assert budget.use(RUN) is None
        budget_world.open(1)


def test_runs_do_not_share_a_budget(budget_world, budget):
    budget_world.open(1, spent=Amount(1))
    budget.open("run-2", Ceiling(cost_usd=1), spent=Amount(), reserved={})

    assert not budget_world.grants("a", Amount(0.5))
    assert budget.reserve("run-2", "a", Amount(0.5))
    budget.close(RUN)
    assert budget.use("run-2").reserved == Amount(0.5)


def test_a_refusal_says_what_is_used_and_what_to_do(budget_world, budget):
    budget_world.open(10, 36_000, spent=Amount(9, 7200), reserved={"a": Amount(0.5, 1800)})

    with pytest.raises(BudgetReachedError) as caught:
        budget.reserve(RUN, "b", Amount(0.75, 900))

    assert caught.value.reason == "budget_reached"
    assert caught.value.message == (
        "The budget of run run-1 is reached: $9.0000 spent and $0.5000 reserved of $10.0000, 2.000 h of audio spent "
        "and 0.500 h of audio reserved of 10.000 h of audio; the next request needs $0.7500 for 0.250 h of audio. "
        "Run the same command again with a higher --max-cost, and it goes on from here."
    )


@pytest.mark.parametrize(
    ("ceiling", "amount", "options"),
    [
        (Ceiling(1, 1), Amount(2, 1), "--max-cost"),
        (Ceiling(1, 1), Amount(1, 2), "--max-audio-hours"),
        (Ceiling(1, 1), Amount(2, 2), "--max-cost and --max-audio-hours"),
        (Ceiling(None, 1), Amount(2, 2), "--max-audio-hours"),
    ],
)
def test_a_refusal_names_the_limits_that_are_too_low(budget, ceiling, amount, options):
    budget.open(RUN, ceiling, spent=Amount(), reserved={})

    for _ in range(2):  # the first refusal, and one that comes at once
        with pytest.raises(BudgetReachedError, match=rf"with a higher {options}, and"):
            budget.reserve(RUN, "a", amount)


def test_a_refusal_that_comes_at_once_names_all_limits(budget_world, budget):
    """A request that would fit is refused as well; which of them stopped the run is not known any more."""
    budget_world.open(1, 1)
    budget_world.grants("a", Amount(2, 2))

    with pytest.raises(BudgetReachedError, match="higher --max-cost and --max-audio-hours"):
        budget.reserve(RUN, "b", Amount())


@pytest.mark.parametrize("numbers", [(-0.01, 0), (0, -1), (float("inf"), 0), (0, float("nan"))])
def test_an_amount_is_a_number_that_can_be_paid(numbers):
    with pytest.raises(ValueError, match="no amount of a budget"):
        Amount(*numbers)
