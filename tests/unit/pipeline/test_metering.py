"""What a job adds to the meters of its worker, and what it does not."""

from __future__ import annotations

import builders
import pytest
from stages import House

from pipeline.errors import RequestFailedError, ThrottledError
from pipeline.meters import (
    PERMIT_WAIT_S,
    PUT_OFFS,
    RATE_WAIT_S,
    SETTLED,
    SETTLED_AUDIO_S,
    SETTLED_USD,
    SLOW_DOWNS,
    SUM,
    TOTAL,
    Meters,
)
from pipeline.models import State
from pipeline.speech.memory import Script
from pipeline.transcribe import Later, Settled, acts, perform, work
from pipeline.transcribe.metering import count_act

MODEL = "fal-ai/whisper"


@pytest.fixture
def house():
    return House()


def worked(house: House) -> tuple[object, dict[tuple[str, ...], float]]:
    """Works on the house's job as one more worker does; the outcome and what it has counted."""
    house.runs.add(house.job.run_id, [house.job])
    house.lease_runs_out()
    tools = house.tools
    outcome = perform(work(house.job, tools.rules), house.job, tools)
    return outcome, dict(tools.meters.take())


def waits(gathered: dict[tuple[str, ...], float], name: str) -> float:
    """How many waits were counted."""
    return sum(count for series, count in gathered.items() if series[0] == name and series[-1] != SUM)


def test_a_transcript_counts_once_with_its_audio_and_its_waits(house):
    outcome, gathered = worked(house)

    assert isinstance(outcome, Settled)
    assert gathered[SETTLED.name, MODEL, "done", "", TOTAL] == 1
    assert gathered[SETTLED_AUDIO_S.name, MODEL, TOTAL] == outcome.row.duration_s == 60.0
    assert outcome.row.cost_usd is None
    assert (SETTLED_USD.name, MODEL, TOTAL) not in gathered
    assert (waits(gathered, PERMIT_WAIT_S.name), waits(gathered, RATE_WAIT_S.name)) == (1, 1)
    assert not [series for series in gathered if series[0] in {PUT_OFFS.name, SLOW_DOWNS.name}]


@pytest.mark.parametrize("state", [State.DONE, State.FAILED])
def test_what_a_job_has_cost_counts_however_it_ended(state):
    meters, row = Meters(), builders.row(state=state, cost_usd=0.25)

    count_act(meters, builders.job(), acts.Settle(row, None), answer=True, took_s=0.1)

    assert meters.take()[SETTLED_USD.name, MODEL, TOTAL] == 0.25


def test_a_repeated_message_counts_nothing(house):
    worked(house)
    tools = house.tools

    perform(work(house.job, tools.rules), house.job, tools)

    assert not [series for series in tools.meters.take() if series[0].startswith("nightscribe_settled")]


def test_a_failure_counts_by_its_reason_and_has_no_audio(house):
    house.storage.put("podcasts", house.job.object.key, b"replaced since")

    outcome, gathered = worked(house)

    assert isinstance(outcome, Settled)
    assert gathered[SETTLED.name, MODEL, "failed", outcome.row.reason, TOTAL] == 1
    assert (SETTLED_AUDIO_S.name, MODEL, TOTAL) not in gathered


def test_a_job_that_is_throttled_counts_as_put_off_and_slows_all_down(house):
    house.script(Script(submit=ThrottledError("Slow down.")))

    outcome, gathered = worked(house)

    assert isinstance(outcome, Later)
    assert gathered[PUT_OFFS.name, "throttled", TOTAL] == 1
    assert gathered[SLOW_DOWNS.name, TOTAL] == 1
    assert not [series for series in gathered if series[0] == SETTLED.name]


def test_a_request_that_failed_at_fal_counts_as_put_off(house):
    house.script(Script(fetch=RequestFailedError("A runner died.", "runner_disconnected")))

    outcome, gathered = worked(house)

    assert isinstance(outcome, Later)
    assert gathered[PUT_OFFS.name, "runner_disconnected", TOTAL] == 1


def test_each_process_counts_for_itself():
    assert Meters() is not House().tools.meters
