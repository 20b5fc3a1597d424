"""The protocol, explored: in no interleaving is a job billed twice or lost, and each run can be ended (I1 to I4, I8).

It is the generator that the workers perform (`pipeline/transcribe/protocol.py`), in an abstract world: S3 with its
conditional writes, Redis, fal, a clock, the dispatcher and two workers. Every order of their steps is explored, with
faults at every point. In each world it must hold that

- no job has two requests that are billed, and none is accepted that could be, unless S3 tells of it;
- from what is in S3 whoever comes next finds each request that may be billed, until its sidecar is there;
- a row that says done has its sidecar, and nobody overwrites a file that he has not seen;
- a worker that has lost its job hands in nothing for it but what is done, and cancels nothing that is waited for;
- after the deadline of its run nothing is submitted for a job;
- requests in flight never exceed the limit, and what is paid never exceeds the ceiling;
- without a further fault, a way leads to a run in which each job has its row (no deadlock, nothing lost).

What bounds it: two workers with one slot each, one or two objects, so many faults in one story, two attempts per run,
and moments of the clock instead of times (`words.py`). What the history shows of a request before it must is chosen
anew at each look. A request whose permit was lost with its worker, or with Redis, does not count against the limit.
"""

from __future__ import annotations

import sys

import pytest
from model.explorer import Explorer
from model.surroundings import KINDS
from model.words import OLDER
from model.world import Bounds

ALL = frozenset(KINDS)
DEADLY = frozenset({"crash", "sleep", "lost", "wipe"})
EVERY_MOMENT, A_LONG_SLEEP = (0, 1, 2, 3), (0, 3)

CASES = {
    "one object, any fault at any moment, three runs, and all is decided": (
        Bounds(kinds=ALL - {"redis", "unreadable"}, moments=EVERY_MOMENT, runs=3, must_be_decided=True),
        140_000,
    ),
    "one object, any two faults": (Bounds(faults=2, kinds=ALL), 50_000),
    "one object, two deadly faults, and workers that sleep for a day": (
        Bounds(faults=2, kinds=DEADLY, moments=A_LONG_SLEEP, with_running=False),
        190_000,
    ),
    "one object, three deadly faults": (Bounds(faults=3, kinds=DEADLY), 130_000),
    "one object, asleep before looking at the clock": (
        Bounds(kinds=frozenset({"crash"}), moments=EVERY_MOMENT, may_pause_before_the_clock=True),
        6_500,
    ),
    "one object that is uploaded": (
        Bounds(kinds=ALL - {"redis", "unreadable", "tired"}, moments=A_LONG_SLEEP, delivery="upload"),
        12_000,
    ),
    "one object at a public address, workers that sleep for a day, and the next night": (
        Bounds(kinds=ALL - {"redis", "unreadable", "tired"}, moments=A_LONG_SLEEP, runs=3, delivery="public"),
        28_000,
    ),
    "one object whose input fal does not store": (
        Bounds(kinds=ALL - {"redis", "unreadable", "tired"}, moments=EVERY_MOMENT, runs=2, stores_io=False),
        95_000,
    ),
    "one object whose payloads are deleted": (
        Bounds(faults=2, kinds=DEADLY | {"away"}, deletes_payloads=True),
        30_000,
    ),
    "one object with an older sidecar": (Bounds(kinds=ALL - {"redis", "unreadable", "tired"}, sidecar=OLDER), 2_000),
    "one second opinion, in the place of a first or in vain, any fault": (
        Bounds(kinds=ALL - {"redis", "unreadable", "tired"}, sidecar=OLDER, is_second=True),
        2_800,
    ),
    "one object and a deadline, any fault, and the nights after": (
        Bounds(kinds=ALL - {"redis", "unreadable", "tired"}, moments=(0, 1), runs=3, deadline=1),
        50_000,
    ),
    "one object and a deadline that passes while workers sleep for a day": (
        Bounds(kinds=DEADLY | {"fal"}, moments=A_LONG_SLEEP, runs=2, deadline=3),
        20_000,
    ),
    "two objects and one permit, any fault": (
        Bounds(jobs=2, permits=1, kinds=ALL - {"redis", "unreadable", "tired"}),
        100_000,
    ),
    "two objects and a budget for one": (
        Bounds(
            jobs=2,
            ceiling=1,
            kinds=frozenset({"crash", "sleep", "lost", "cancel", "fal", "refused", "s3", "redis"}),
            with_running=False,
        ),
        14_000,
    ),
    "two objects, a budget for one, and Redis wiped": (
        Bounds(jobs=2, ceiling=1, kinds=frozenset({"wipe"}), with_running=False),
        180_000,
    ),
    "two objects, a budget for one, and two faults": (
        Bounds(jobs=2, ceiling=1, faults=2, kinds=frozenset({"crash", "lost"}), with_running=False),
        20_000,
    ),
}


@pytest.mark.parametrize(("bounds", "at_least"), CASES.values(), ids=CASES)
def test_in_every_interleaving_all_promises_hold(bounds, at_least, request):
    explored = Explorer(bounds).run()

    sys.stdout.write(f"{request.node.callspec.id}: {explored}\n")
    assert explored.finding is None, f"\n{explored.finding}"
    assert explored.states >= at_least
    assert explored.faults.keys() == bounds.kinds, "each kind of fault has happened"
    assert explored.rows["done"]
