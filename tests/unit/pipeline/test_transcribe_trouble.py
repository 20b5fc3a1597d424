"""The transcribe stage among poison, strangers, outages and other workers; over memory implementations."""

from __future__ import annotations

import json

import builders
import pytest
import stages

from pipeline import errors, keys
from pipeline.cancellation import Cancelled
from pipeline.models import Answer, IntentState, Place, Segment, Sidecar, State, Transcript, Word
from pipeline.speech.memory import Script
from pipeline.transcribe import Dropped, Later

POISON = errors.AudioRejectedError("not audio", "not_audio")


@pytest.fixture
def house():
    """A job whose audio lies in storage, and the tools to work on it."""
    return stages.House()


def test_poison_stops_before_anything_is_paid(house):
    house.probe.error = POISON

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason, outcome.row.permanent) == (State.FAILED, "not_audio", True)
    assert house.transcriber.submits == []
    assert house.intent() is None


def test_a_completed_request_for_a_model_that_is_not_there_stops_the_run_once(house):
    """The next run must not resume the dead request and stop again for ever."""
    house.script(Script(fetch=errors.ConfigurationError("no such path", "unknown_model")))
    assert isinstance(house.work(), Dropped)
    house.runs.open("archive", "recipe", new_run_id="run1", archive_uri="s3://podcasts/", endpoint_id="x")

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason) == (State.FAILED, "unknown_model")
    assert len(house.transcriber.submits) == 1


def test_an_object_that_s3_does_not_hand_out_harms_nobody_else(house):
    house.probe.error = errors.ConfigurationError("S3 refused GetObject of s3://podcasts/x: InvalidObjectState.")

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason) == (State.FAILED, "source_unreadable")


def test_an_object_that_was_replaced_since_it_was_planned_is_not_sent(house):
    house.storage.put("podcasts", house.job.object.key, b"another recording")

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason) == (State.FAILED, "source_gone")
    assert house.transcriber.submits == []


def test_a_strangers_file_is_never_overwritten_and_stops_the_job_unpaid(house):
    key = keys.sidecar_key(builders.OUTPUT, house.job.object.key)
    house.storage.put("podcasts", key, b"mine")

    outcome = house.work()

    assert outcome.row.reason == "foreign_sidecar"
    assert house.read(key) == b"mine"
    assert house.transcriber.submits == []


def test_a_paid_transcript_is_kept_when_a_stranger_takes_its_place_meanwhile(house):
    key = keys.sidecar_key(builders.OUTPUT, house.job.object.key)
    house.transcriber.on_fetch = lambda: house.storage.put("podcasts", key, b"mine")

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason) == (State.FAILED, "foreign_sidecar")
    assert (outcome.row.request_id, outcome.row.duration_s) == ("request-1", 60.0)
    assert house.read(key) == b"mine"
    assert json.loads(house.read(keys.unplaced_key(house.job.output, house.job.job_id)))["text"] == "Hello night."


def test_an_older_sidecar_of_ours_is_replaced_when_the_audio_has_changed(house):
    house.work()
    newer = house.new_version(b"a new take")

    outcome = house.work(newer)

    sidecar = Sidecar.model_validate_json(house.read(keys.sidecar_key(builders.OUTPUT, newer.object.key)))
    assert outcome.row.state is State.DONE
    assert sidecar.object.etag == newer.object.etag


def test_a_sidecar_of_ours_whose_metadata_got_lost_on_the_way_is_known_by_its_content(house):
    """A HEAD that breaks off among its headers looks whole, and the file like a stranger's."""
    first = house.work()
    house.forget_intent()
    house.storage.lose_metadata = True

    again = house.work()

    assert (again.row.state, again.row.request_id) == (State.DONE, first.row.request_id)
    assert len(house.transcriber.submits) == 1


def test_a_job_finished_by_another_between_our_look_and_our_intent_is_not_paid_again(house):
    """The other worker wrote the sidecar and deleted its own intent while we waited for our permit."""
    other = stages.House(storage=house.storage)
    house.probe.on_probe = lambda: (other.work(house.job), house.forget_intent())

    outcome = house.work()

    assert outcome.row.state is State.DONE
    assert house.transcriber.submits == []


def test_a_stranger_who_comes_after_our_intent_leaves_the_job_unpaid_and_free(house):
    """Nothing was sent: the intent must not make the job look as if a reply had been lost."""
    key = keys.sidecar_key(builders.OUTPUT, house.job.object.key)
    house.probe.on_probe = lambda: house.storage.put("podcasts", key, b"mine")

    outcome = house.work()

    assert outcome.row.reason == "foreign_sidecar"
    assert house.transcriber.submits == []
    assert house.intent().state is IntentState.WITHDRAWN


def test_nothing_ends_after_the_audio_does(house):
    """Models round up to their window of 30 s (I12); what was cut is recorded."""
    segments = (
        Segment(start=0.0, end=30.0, text="one"),
        Segment(start=30.0, end=90.0, text="two", words=(Word(start=59.0, end=61.0, text="two"),)),
        Segment(start=70.0, end=71.0, text="Thank you."),
    )
    answer = Answer(transcript=Transcript(text="one two Thank you.", segments=segments), raw={})
    house.script(Script(answer=answer))

    house.work()

    sidecar = Sidecar.model_validate_json(house.read(keys.sidecar_key(builders.OUTPUT, house.job.object.key)))
    assert [(segment.start, segment.end) for segment in sidecar.segments] == [(0.0, 30.0), (30.0, 60.0)]
    assert sidecar.segments[1].words[0].end == 60.0
    assert sidecar.quality.repairs == ("past_end:2",)
    assert sidecar.text == "one two Thank you."


def test_formats_are_written_beside_the_sidecar(house):
    job = house.job.model_copy(update={"formats": ("vtt", "srt", "txt")})

    house.work(job)

    assert house.read(f"{job.object.key}.vtt").startswith(b"WEBVTT")
    assert b"Hello night." in house.read(f"{job.object.key}.srt")
    assert b"Hello night." in house.read(f"{job.object.key}.txt")


def test_a_strangers_subtitles_are_left_alone(house):
    house.storage.put("podcasts", f"{house.job.object.key}.vtt", b"by hand")

    outcome = house.work(house.job.model_copy(update={"formats": ("vtt",)}))

    assert outcome.row.state is State.DONE
    assert house.read(f"{house.job.object.key}.vtt") == b"by hand"


def test_silence_is_a_result_and_not_an_error(house):
    house.script(Script(answer=builders.answer("")))

    outcome = house.work()

    assert (outcome.row.state, outcome.row.speech, outcome.row.reason) == (State.DONE, False, "no_speech")


def test_results_can_go_to_another_place(house):
    job = house.job.model_copy(update={"output": Place(bucket="results", prefix="out/")})

    outcome = house.work(job)

    assert outcome.row.sidecar_key == f"out/{job.object.key}.transcript.json"
    assert house.storage.head("results", outcome.row.sidecar_key) is not None


def test_a_permit_is_held_exactly_while_the_request_is_in_flight(house):
    held = {}
    house.probe.on_probe = lambda: held.setdefault("preflight", house.held_permits)
    house.transcriber.on_submit = lambda: held.setdefault("submit", house.held_permits)
    house.transcriber.on_wait = lambda: held.setdefault("wait", house.held_permits)
    house.transcriber.on_fetch = lambda: held.setdefault("fetch", house.held_permits)

    house.work()

    assert held == {"preflight": 0, "submit": 1, "wait": 1, "fetch": 0}
    assert house.held_permits == 0


def test_a_job_that_is_handed_over_leaves_its_permit_to_the_next_worker(house):
    """The request goes on at fal, so it must go on counting."""
    house.script(Script(wait=Cancelled()))

    with pytest.raises(Cancelled):
        house.work()

    assert house.held_permits == 1


def test_a_fault_of_ours_harms_this_object_only(house):
    house.probe.error = ZeroDivisionError("https://x/?X-Amz-Signature=canary")

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason) == (State.FAILED, "internal_error")
    assert "canary" not in outcome.row.message


def test_a_request_id_that_could_not_be_kept_does_not_lose_the_result(house):
    """S3 fails in the moment after the POST: the job goes on from memory."""
    house.storage.fail_intent_writes_after = 1

    outcome = house.work()

    assert outcome.row.state is State.DONE


@pytest.mark.parametrize("failing", ["result", "wait"])
def test_a_service_that_is_away_puts_the_job_off_and_keeps_its_request(house, failing):
    away = errors.ServiceUnavailableError("away")
    house.script(Script(fetch=away) if failing == "result" else Script(wait=away))

    outcome = house.work()

    assert isinstance(outcome, Later)
    assert house.intent().state is IntentState.SUBMITTED
