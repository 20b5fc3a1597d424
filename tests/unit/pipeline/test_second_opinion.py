"""The worker's part of a second opinion: it replaces the first, or leaves it and says why; paid once in either case."""

from __future__ import annotations

import builders
import pytest
from stages import House

from pipeline import keys, sidecars
from pipeline.errors import AudioRejectedError, SuspectAgainError
from pipeline.models import Format, Handling, IntentState, Sidecar, State
from pipeline.speech.memory import Script
from pipeline.transcribe.protocol import Settled

LOOP = "and so on, " * 40
SIDECAR = "show/ep1.mp3.transcript.json"
FIRST, SECOND = builders.recipe(), builders.recipe("fal-ai/wizper")


@pytest.fixture
def house():
    """A house in which the first model got stuck; the second is about to be asked."""
    made = House()
    made.probe.duration_s = 3.0  # as long as the segment that builders' answers have
    made.script(Script(answer=builders.answer(LOOP)))
    made.job = made.job.model_copy(update={"formats": (Format.TXT,)})
    first = made.work()
    assert isinstance(first, Settled)
    made.forget_intent()
    assert first.row.suspect == ("loop",)
    made.first = first.row
    made.second = made.job.model_copy(
        update={
            "job_id": keys.job_id(made.job.object, SECOND),
            "recipe": SECOND,
            "second_of": FIRST.hash,
            "formats": made.job.formats,
        }
    )
    return made


def unplaced(house):
    return list(house.storage.list("podcasts", "_nightscribe/unplaced/"))


def test_a_second_opinion_without_doubts_takes_the_place_of_the_first(house):
    house.script(Script(answer=builders.answer("Good morning.")))

    row = house.work(house.second).row

    assert (row.state, row.recipe, row.stands_for, row.suspect) == (State.DONE, SECOND.hash, FIRST.hash, ())
    sidecar = Sidecar.model_validate_json(house.read(SIDECAR))
    assert (sidecar.text, sidecar.stands_for, sidecar.quality.verdict) == ("Good morning.", FIRST.hash, "ok")
    head = house.storage.head("podcasts", SIDECAR)
    stamp = sidecars.from_metadata(head.metadata)
    assert sidecars.row_of(house.second.object, house.second.output, stamp, head.etag) == row
    assert house.read("show/ep1.mp3.txt").startswith(b"Good morning.")
    assert unplaced(house) == []


def test_one_that_is_suspect_too_is_kept_apart_and_the_first_stays(house):
    before = house.read(SIDECAR)
    house.script(Script(answer=builders.answer("you " * 90)))

    row = house.work(house.second).row

    assert (row.state, row.reason, row.permanent) == (State.FAILED, SuspectAgainError.default_reason, True)
    assert (row.stands_for, row.recipe) == (FIRST.hash, SECOND.hash)
    assert house.read(SIDECAR) == before
    (kept,) = unplaced(house)
    assert f"s3://podcasts/{kept.key}" in row.message
    assert Sidecar.model_validate_json(house.read(kept.key)).text.startswith("you you")
    assert house.held_permits == 0


def test_a_repeated_message_of_one_that_is_suspect_too_pays_for_nothing(house):
    house.script(Script(answer=builders.answer("you " * 90)))
    first = house.work(house.second).row
    submits = len(house.transcriber.submits)

    again = house.work(house.second).row

    assert len(house.transcriber.submits) == submits == 1
    assert (again.state, again.reason, again.message) == (first.state, first.reason, first.message)
    kept = house.storage.read("podcasts", keys.intent_key(house.second.output, house.second.job_id))
    assert IntentState.FAILED.value in kept.body.decode()


def test_a_later_run_that_wants_the_second_model_first_does_not_pay_for_it_again(house):
    """It is billed once for this job (I1): the failure is told, and only a person has it paid for again."""
    house.script(Script(answer=builders.answer("you " * 90)))
    house.work(house.second)
    as_first = house.second.model_copy(update={"second_of": None, "run_id": "run2"})

    row = house.work(as_first).row

    assert (row.state, row.reason, row.stands_for) == (State.FAILED, "suspect_again", None)
    assert len(house.transcriber.submits) == 1

    house.script(Script(answer=builders.answer("Good morning.")))
    agreed = as_first.model_copy(update={"allow_rebill": True, "prior_attempts": row.attempts})
    assert house.work(agreed).row.state is State.DONE


def test_one_that_fails_leaves_the_first(house):
    before = house.read(SIDECAR)
    house.script(Script(fetch=AudioRejectedError("no audio")))

    row = house.work(house.second).row

    assert (row.state, row.reason, row.stands_for) == (State.FAILED, "audio_rejected", FIRST.hash)
    assert house.read(SIDECAR) == before


def test_what_somebody_else_has_written_meanwhile_is_left_alone(house):
    """The first transcript was seen; what stands there when the second is done is not it (I8)."""
    house.script(Script(answer=builders.answer("Good morning.")))
    house.transcriber.on_fetch = lambda: house.storage.put("podcasts", SIDECAR, b"mine")

    row = house.work(house.second).row

    assert (row.state, row.reason, row.stands_for) == (State.FAILED, "foreign_sidecar", FIRST.hash)
    assert house.read(SIDECAR) == b"mine"
    assert len(unplaced(house)) == 1


def test_a_worker_that_died_after_writing_it_has_it_settled_from_what_is_there(house):
    house.script(Script(answer=builders.answer("Good morning.")))
    row = house.work(house.second).row
    submits = len(house.transcriber.submits)

    again = house.work(house.second).row

    assert again == row
    assert len(house.transcriber.submits) == submits


def test_a_first_opinion_is_written_however_suspect_it_is():
    house = House()
    house.probe.duration_s = 3.0
    house.script(Script(answer=builders.answer(LOOP)))

    row = house.work().row

    assert (row.state, row.suspect, row.stands_for) == (State.DONE, ("loop",), None)
    assert "suspect: loop" in row.message
    quality = Sidecar.model_validate_json(house.read(SIDECAR)).quality
    assert (quality.verdict, [finding.name for finding in quality.findings]) == ("suspect", ["loop"])
    assert "40 times in a row" in quality.findings[0].detail


def test_the_copies_at_fal_of_one_that_is_kept_apart_are_deleted_too(house):
    house.script(Script(answer=builders.answer("you " * 90)))

    row = house.work(house.second.model_copy(update={"handling": Handling(delete_payloads=True)})).row

    assert row.reason == "suspect_again"
    assert house.transcriber.calls[-1] == ("delete_payloads", row.request_id)
