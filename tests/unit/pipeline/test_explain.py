"""The story of one object: what really happened to it, told in order, each thing once."""

from __future__ import annotations

from datetime import timedelta

import builders
import looking
import pytest
from stages import House

from pipeline import errors, keys
from pipeline.explain import Stands, outlook, told
from pipeline.models import IntentState
from pipeline.speech.memory import Script
from pipeline.transcribe import Later

KEY = "show/ep1.mp3"
SIDECAR = f"{KEY}{keys.SIDECAR_SUFFIX}"


@pytest.fixture
def house():
    return House()


def story(house):
    return [(line.what, line.detail) for line in told(looking.look_at(house))]


def stands(house):
    return outlook(looking.look_at(house))


def planned(house):
    """The job of the house as a run has planned it three seconds ago."""
    return house.job.model_copy(update={"planned_at": house.now - timedelta(seconds=3)})


def test_a_success_is_told_from_its_plan_to_its_transcript(house):
    house.work(planned(house))

    assert story(house) == [
        ("planned", "run run1"),
        ("leased", "by worker worker-1"),
        ("intended", "attempt 1"),
        ("submitted", "request request-1, attempt 1, by worker worker-1"),
        ("completed", ""),
        ("fetched", "cost unknown"),
        ("written", ""),
    ]


def test_a_retry_is_told_with_its_reason(house):
    ill = Script(fetch=errors.RequestFailedError("A runner died.", "runner_server_error"))
    house.script(ill, Script(answer=builders.answer()))
    delay = house.work()
    assert isinstance(delay, Later)
    house.later(seconds=4)
    house.work()

    assert story(house) == [
        ("leased", "by worker worker-1"),
        ("intended", "attempt 1"),
        ("submitted", "request request-1, attempt 1, by worker worker-1"),
        ("failed", "runner_server_error, attempt 1"),
        ("leased", "by worker worker-1"),
        ("intended", "attempt 2"),
        ("submitted", "request request-2, attempt 2, by worker worker-1"),
        ("completed", ""),
        ("fetched", "cost unknown"),
        ("written", ""),
    ]


def test_a_request_whose_reply_was_lost_is_told_as_adopted(house):
    house.script(Script(answer=builders.answer(), is_lost_but_accepted=True))
    house.work()
    assert [what for what, _ in story(house)] == ["leased", "intended"]
    house.later(seconds=2)
    house.work()

    assert ("adopted", "request request-1, found in fal's history, attempt 1") in story(house)
    assert stands(house).stands is Stands.DONE


def test_what_sidecar_and_intent_both_tell_is_told_once(house):
    house.work(planned(house))
    both = story(house)
    house.forget_intent()

    assert story(house) == both
    assert len(set(both)) == len(both)


def test_records_of_version_0_1_are_told_by_their_times(house):
    house.work()
    sidecar = looking.look_at(house).sidecar.model_copy(update={"story": ()})
    house.forget_intent()
    metadata = house.storage.head("podcasts", SIDECAR).metadata
    house.storage.put("podcasts", SIDECAR, sidecar.model_dump_json().encode(), metadata)
    assert [what for what, _ in sorted(story(house))] == ["fetched", "submitted", "written"]

    house = House()
    house.leave_intent(IntentState.INTENDED)
    assert story(house) == [("leased", "by worker another worker"), ("intended", "attempt 1")]


def test_a_failure_ends_with_its_row(house):
    house.probe.error = errors.AudioRejectedError("It is a web page; nothing was paid.", "not_audio")
    looking.settle(house, house.work())

    assert story(house) == [("settled", "failed, not_audio, run run1")]


def test_a_success_whose_transcript_was_deleted_is_still_told(house):
    looking.settle(house, house.work())
    house.forget_intent()
    house.storage.delete("podcasts", SIDECAR)

    ((what, detail),) = story(house)
    assert (what, detail) == ("settled", "done, after 1 attempt, run run1")
    assert stands(house).stands is Stands.PENDING
    assert "pays for, it again" in stands(house).next


def test_the_lines_of_two_jobs_are_told_in_the_order_of_time(house):
    looking.fail_with_another_recipe(house)
    house.later(days=1)
    house.work()

    lines = told(looking.look_at(house))

    assert len({line.job_id for line in lines}) == 2
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert [line.what for line in lines][-1] == "written"


def test_the_version_of_the_story_is_the_newest_that_anything_tells_of(house):
    looking.fail_with_another_recipe(house)
    house.later(days=1)
    house.job = house.new_version(b"another recording")
    house.work()
    house.forget_intent()

    assert looking.look_at(house).etag_of_story == house.job.object.etag
    assert stands(house).stands is Stands.DONE


def test_a_transcript_that_was_kept_apart_is_told_with_its_address(house):
    house.transcriber.on_fetch = lambda: house.storage.put("podcasts", SIDECAR, b"a stranger's file")
    looking.settle(house, house.work())

    assert ("kept", f"s3://podcasts/{keys.unplaced_key(house.job.output, house.job.job_id)}") in story(house)
    outcome = stands(house)
    assert outcome.stands is Stands.BLOCKED
    assert "is kept apart" in outcome.now
    assert "nightscribe retry-failed s3://podcasts/" in outcome.next
