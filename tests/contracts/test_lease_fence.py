"""Leases under any order of acts, and on a real server after lost replies: an old token is worth nothing."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ServiceUnavailableError
from pipeline.runs.redis_leases import RedisLeases

# What may happen to one job: an act, who does it, and with which of the tokens that were ever given out.
ACTS = st.tuples(
    st.sampled_from(["acquire", "renew", "park", "hand_back", "release", "lapse"]),
    st.sampled_from(["w1", "w2"]),
    st.integers(0, 5),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=25))
def test_in_no_order_of_acts_does_an_old_token_hold_or_end_anything(lease_world, make_job, acts):
    """A model of one variable: nobody holds the job, it is parked, or one worker holds it by one acquisition."""
    lease_world.let_lapse("job-1")
    given_out, holder = [("w1", "never"), ("w2", "never")], None
    for act, name, number in acts:
        leases = {"w1": lease_world.ours, "w2": lease_world.theirs}[name]
        owner, token = given_out[number % len(given_out)]
        may_change = holder in {None, (owner, token)}
        caller = {"w1": lease_world.ours, "w2": lease_world.theirs}[owner]
        if act == "acquire":
            got = leases.acquire(make_job())
            assert (got is not None) == (holder in {None, "parked"})
            if got is not None:
                given_out.append(holder := (name, got))
        elif act == "renew":
            assert caller.renew({"job-1": token}) == (set() if holder == (owner, token) else {"job-1"})
        elif act == "park":
            caller.park("job-1", token, for_s=100)
            holder = "parked" if may_change else holder
        elif act == "hand_back":
            caller.hand_back(make_job(), token)
            holder = None if may_change else holder
        elif act == "release":
            caller.release("job-1", token)
            holder = None if may_change else holder
        else:
            lease_world.let_lapse("job-1")
            holder = None
        holding = [
            pair
            for pair in given_out
            if {"w1": lease_world.ours, "w2": lease_world.theirs}[pair[0]].holds("job-1", pair[1])
        ]
        assert holding == ([] if holder in {None, "parked"} else [holder])
        assert leases.holder("job-1") == (None if holder in {None, "parked"} else holder[0])


def redis_pair(client, key_prefix) -> tuple[RedisLeases, RedisLeases]:
    ours, theirs = (RedisLeases(client, key_prefix=key_prefix, owner=owner, lease_s=30) for owner in ("w1", "w2"))
    return ours, theirs


def test_an_acquisition_whose_reply_is_lost_is_repeated_and_succeeds_against_itself(redis_client, key_prefix, make_job):
    """White-box: the client repeats a script with the very same arguments."""
    ours, theirs = redis_pair(redis_client, key_prefix)
    run_twice(ours, "_acquire")

    token = ours.acquire(make_job())

    assert ours.holds("job-1", token)
    assert theirs.acquire(make_job()) is None


def test_an_acquisition_that_got_no_answer_is_asked_again_under_its_token(redis_client, key_prefix, make_job):
    """The server took it before it fell silent; a new token would find the job held until the lease ends."""
    ours, _ = redis_pair(redis_client, key_prefix)
    acquire = ours._acquire

    def silent(*asked):
        acquire(*asked)
        ours._acquire = acquire
        raise ServiceUnavailableError("The Redis server does not answer.")

    ours._acquire = silent
    with pytest.raises(ServiceUnavailableError):
        ours.acquire(make_job())

    token = ours.acquire(make_job())

    assert token
    assert ours.holds("job-1", token)
    ours.release("job-1", token)
    assert ours.acquire(make_job()) != token


def run_twice(leases, name):
    script = getattr(leases, name)

    def repeated(*asked):
        script(*asked)
        return script(*asked)

    setattr(leases, name, repeated)
