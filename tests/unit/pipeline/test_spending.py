"""spending: what a run has used is told by S3 alone, each request once, and never less than may have been billed."""

from __future__ import annotations

from datetime import timedelta

import builders
import pytest
from stages import intent_of

from pipeline import keys
from pipeline.limits.base import Amount, Ceiling
from pipeline.limits.memory_budget import MemoryBudget
from pipeline.models import Failure, IntentState, Price, State
from pipeline.spending import RunBudget, SpendingRun
from pipeline.storage.memory import MemoryStorage

PRICED = builders.settings(NIGHTSCRIBE_PROFILE="local")  # 0.07 USD per hour of audio
HALF_AN_HOUR = 1800.0


class Books:
    """A run's rows and intents in S3, and its budget."""

    def __init__(self):
        self.storage = MemoryStorage()
        self.server = MemoryBudget()
        self.rows = []
        self.run = SpendingRun("run1", builders.OUTPUT, builders.NOW - timedelta(days=400), Ceiling(1.0, 7200.0))
        self.budget = RunBudget(self.run, self.server, self.storage, PRICED, lambda: self.rows)

    def row(self, key, request_id, state=State.DONE, **changes):
        fields = {"run_id": "run1", "request_id": request_id, "endpoint_id": "fal-ai/whisper", "duration_s": 1800.0}
        self.rows.append(builders.row(key, state, **fields | changes))

    def intent(self, key, state, request_id=None, **changes):
        job = builders.job(builders.audio(key))
        request = builders.request(request_id) if request_id else None
        fields = {"request": request, "reserved_usd": 0.04, "duration_s": HALF_AN_HOUR}
        intent = intent_of(job, state=state, **fields | changes)
        place = keys.intent_key(builders.OUTPUT, job.job_id)
        self.storage.put(builders.BUCKET, place, intent.model_dump_json().encode())

    @property
    def use(self):
        self.budget.open()
        use = self.server.use("run1")
        return use.spent, use.reserved


def test_a_new_run_has_spent_nothing():
    assert Books().use == (Amount(), Amount())


def test_what_has_no_cost_of_its_own_counts_by_the_price_that_the_run_was_planned_with():
    """Also where this machine's settings know none: the ceiling must not lose its price."""
    books = Books()
    books.budget.prices = (Price(endpoint_id="scribe", usd_per_audio_hour=1.8),)
    books.row("a", "r1", State.FAILED, endpoint_id="scribe", cost_usd=None)

    assert books.use[0] == Amount(0.9, HALF_AN_HOUR)


def test_what_is_done_counts_as_it_was_billed():
    books = Books()
    books.row("a", "r1", cost_usd=0.02)
    books.row("b", "r2", cost_usd=0.03, duration_s=60.0)

    assert books.use == (Amount(0.05, 1860.0), Amount())


def test_a_row_that_was_kept_twice_counts_once():
    """A dispatcher may die between keeping rows and removing them from Redis."""
    books = Books()
    for _ in range(3):
        books.row("a", "r1", cost_usd=0.02)

    assert books.use == (Amount(0.02, 1800.0), Amount())


def test_two_requests_for_one_object_count_twice():
    books = Books()
    books.row("a", "r1", State.FAILED, cost_usd=0.02)
    books.row("a", "r2", cost_usd=0.02)

    assert books.use[0] == Amount(0.04, 3600.0)


def test_what_other_runs_have_paid_does_not_count():
    books = Books()
    books.row("a", "r1", cost_usd=0.02, run_id="run0")
    books.intent("b", IntentState.SUBMITTED, "r2", run_id="run0")

    assert books.use == (Amount(), Amount())


@pytest.mark.parametrize(("state", "request_id"), [(IntentState.INTENDED, None), (IntentState.SUBMITTED, "r1")])
def test_what_is_under_way_is_reserved(state, request_id):
    books = Books()
    books.intent("a", state, request_id)

    assert books.use == (Amount(), Amount(0.04, HALF_AN_HOUR))


def test_what_was_withdrawn_costs_nothing():
    books = Books()
    books.intent("a", IntentState.WITHDRAWN)

    assert books.use == (Amount(), Amount())


def test_an_intent_whose_row_is_kept_already_is_not_counted_beside_it():
    """The dispatcher died between keeping the row and deleting the intent."""
    books = Books()
    books.row("a", "r1", cost_usd=0.035)
    books.intent("a", IntentState.SUBMITTED, "r1")

    assert books.use == (Amount(0.035, 1800.0), Amount())


@pytest.mark.parametrize(
    ("kind", "reason", "spent"),
    [
        ("RequestFailedError", "internal_error", Amount()),
        ("AudioRejectedError", "audio_duration_too_long", Amount(0.04, HALF_AN_HOUR)),
        ("ResultExpiredError", "result_expired", Amount(0.04, HALF_AN_HOUR)),
    ],
)
@pytest.mark.parametrize("has_row", [True, False])
def test_a_failed_request_counts_unless_it_is_certain_that_fal_does_not_bill_it(kind, reason, spent, has_row):
    books = Books()
    failure = Failure(kind=kind, reason=reason, message="")
    books.intent("a", IntentState.FAILED, "r1", failure=failure)
    if has_row:
        books.row("a", "r1", State.FAILED, reason=reason)

    assert books.use == (spent, Amount())


def test_a_failure_whose_tombstone_is_gone_counts_by_its_length():
    books = Books()
    books.row("a", "r1", State.FAILED, reason="audio_duration_too_long")

    assert books.use == (Amount(0.035, 1800.0), Amount())


def test_what_may_exist_at_fal_stays_reserved_although_its_row_is_settled():
    books = Books()
    books.row("a", None, State.UNCERTAIN, duration_s=None)
    books.intent("a", IntentState.INTENDED)

    assert books.use == (Amount(), Amount(0.04, HALF_AN_HOUR))


def test_an_intent_that_was_written_without_a_ceiling_is_estimated():
    books = Books()
    books.intent("a.mp3", IntentState.INTENDED, reserved_usd=None, duration_s=None)

    spent, reserved = books.use

    assert spent == Amount()
    assert reserved.audio_s == pytest.approx(1000 * 8 / 96_000, abs=0.001)
    assert 0 < reserved.cost_usd < 0.0001


def test_intents_from_before_the_run_are_not_even_read():
    """Tombstones of years may lie there (I7)."""
    books = Books()
    books.intent("a", IntentState.INTENDED)
    books.budget.run = SpendingRun("run1", builders.OUTPUT, builders.NOW + timedelta(days=4000), Ceiling(1.0))

    def read(bucket, key):
        raise AssertionError(key)

    books.storage.read = read

    assert books.use == (Amount(), Amount())


def test_while_it_is_added_up_no_worker_may_submit():
    """A request whose intent is written after the look at S3 must be refused before its POST."""
    books = Books()
    books.server.open("run1", Ceiling(1.0), spent=Amount(), reserved={})
    epoch = books.server.reserve("run1", "j", Amount(0.5, 1.0))
    seen = []
    books.budget.kept_rows = lambda: seen.append(books.server.is_valid("run1", "j", epoch)) or []

    books.budget.open()

    assert seen == [False]
    assert not books.server.is_valid("run1", "j", epoch)


def test_a_reservation_from_s3_is_freed_when_its_row_comes():
    """Its worker may have settled the cost while the budget was closed."""
    books = Books()
    books.intent("a", IntentState.SUBMITTED, "r1")
    books.budget.open()
    books.row("a", "r1", cost_usd=0.01)

    books.budget.settle(books.rows[0])
    books.budget.settle(books.rows[0])

    use = books.budget.use()
    assert (use.spent, use.reserved) == (Amount(0.01, 1800.0), Amount())


def test_a_finished_run_has_no_budget():
    books = Books()
    books.budget.open()

    books.budget.close()

    assert books.budget.use() is None
